/** Requests and answers without the tokens in them, for all that is kept, shown or written. */

import { createHmac, randomBytes } from 'node:crypto';
import type { ObservedHeaders } from './events.ts';

/** Of this process: a replacement says nothing about a token that could be guessed. */
const key = randomBytes(32);

/** What stands in the place of a secret: the same for the same one, as long as this process runs. */
export function replacementOf(secret: string): string {
  const hash = createHmac('sha256', key).update(secret).digest('hex');
  return `token-${hash.slice(0, 12)}`;
}

/** Headers that prove who the client is, by lower-case name. */
const secretHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'signature',
]);

/** The headers with tokens replaced; the scheme stays, as in `XBL3.0 token-3f2a90c1d2e3`. */
export function headersWithoutSecrets(headers: ObservedHeaders): ObservedHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, headerWithoutSecret(name, value)]),
  );
}

function headerWithoutSecret(
  name: string,
  value: ObservedHeaders[string],
): string | readonly string[] | undefined {
  const lowerName = name.toLowerCase();
  if (typeof value === 'string' && lowerName === 'location') return targetWithoutSecrets(value);
  if (value === undefined || !secretHeaders.has(lowerName)) return value;
  return [value].flat().map(credentialsWithoutSecret).join(', ');
}

/** Names of fields and parameters that hold a secret, in lower case. */
const secretNames: ReadonlySet<string> = new Set([
  'access_token',
  'accesstoken',
  'client_assertion',
  'client_secret',
  'code',
  'device_code',
  'devicetoken',
  'id_token',
  'nonce',
  'password',
  'refresh_token',
  'rpsticket',
  'servicetoken',
  'titletoken',
  'token',
  'user_code',
  'usertoken',
  'usertokens',
]);

/** A request target or a URL, with the tokens in its query and its fragment replaced. */
export function targetWithoutSecrets(target: string): string {
  const [place = '', ...fragments] = target.split('#');
  const at = place.indexOf('?');
  const query = at < 0 ? '' : `?${formWithoutSecrets(place.slice(at + 1))}`;
  return [
    at < 0 ? place : `${place.slice(0, at)}${query}`,
    ...fragments.map(formWithoutSecrets),
  ].join('#');
}

/** Routes whose bodies hold tokens. What games write under such names elsewhere is their own. */
const secretRoutes: ReadonlySet<string> = new Set([
  '/user/authenticate',
  '/device/authenticate',
  '/title/authenticate',
  '/xsts/authorize',
  '/authorize',
  '/authenticate',
  '/oauth20_authorize.srf',
  '/oauth20_connect.srf',
  '/oauth20_remoteconnect.srf',
  '/oauth20_token.srf',
  '/nonce',
]);

/**
 * A body of this route, or of its answer, with the tokens in it replaced: of a JSON body or a form by
 * the names of fields; any other one of these routes is replaced as a whole.
 */
export function bodyWithoutSecrets(route: string | undefined, body: string): string {
  if (route === undefined || !secretRoutes.has(route) || body === '') return body;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return body.includes('=') && !body.includes('<')
      ? formWithoutSecrets(body)
      : replacementOf(body);
  }
  return JSON.stringify(valueWithoutSecrets(value, false));
}

function valueWithoutSecrets(value: unknown, isSecret: boolean): unknown {
  if (typeof value === 'string') return isSecret ? replacementOf(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => valueWithoutSecrets(one, isSecret));
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      valueWithoutSecrets(one, isSecret || secretNames.has(name.toLowerCase())),
    ]),
  );
}

/** `a=1&token=…`, with the secrets replaced. */
function formWithoutSecrets(form: string): string {
  return form
    .split('&')
    .map((part) => {
      const at = part.indexOf('=');
      if (at < 0 || !secretNames.has(nameOf(part.slice(0, at)))) return part;
      return `${part.slice(0, at + 1)}${replacementOf(part.slice(at + 1))}`;
    })
    .join('&');
}

/** The name of a parameter in lower case, decoded where it can be. */
function nameOf(encoded: string): string {
  try {
    return decodeURIComponent(encoded).toLowerCase();
  } catch {
    return encoded.toLowerCase();
  }
}

/** `XBL3.0 x=…` keeps its scheme; a text of one word is a secret as a whole. */
function credentialsWithoutSecret(value: string): string {
  const at = value.indexOf(' ');
  if (at <= 0 || at > 20) return replacementOf(value);
  return `${value.slice(0, at)} ${replacementOf(value.slice(at + 1))}`;
}
