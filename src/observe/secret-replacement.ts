/** Where tokens are in requests and answers, and how they are replaced: on the server and in a browser. */

import type { ObservedHeaders } from './events.ts';

/** Headers that prove who the client is, by lower-case name. */
const secretHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'signature',
  'x-rp-authorization',
]);

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

/** Requests and answers with their tokens replaced. */
export type SecretReplacement = {
  /** The headers; the scheme of a token stays, as in `XBL3.0 token-3f2a90c1d2e3`. */
  readonly headersWithoutSecrets: (headers: ObservedHeaders) => ObservedHeaders;
  /** A request target or a URL, with the tokens in its query and its fragment replaced. */
  readonly targetWithoutSecrets: (target: string) => string;
  /**
   * A body of this route, or of its answer: of a JSON body or a form by the names of fields; any other one of
   * these routes is replaced as a whole. Throws a RangeError when it is too deep to be looked through.
   */
  readonly bodyWithoutSecrets: (route: string | undefined, body: string) => string;
};

/** Replaces each secret by what `replacementOf` answers for it. */
export function replaceSecrets(replacementOf: (secret: string) => string): SecretReplacement {
  function headersWithoutSecrets(headers: ObservedHeaders): ObservedHeaders {
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

  function targetWithoutSecrets(target: string): string {
    const [place = '', ...fragments] = target.split('#');
    const at = place.indexOf('?');
    const query = at < 0 ? '' : `?${formWithoutSecrets(place.slice(at + 1))}`;
    return [
      at < 0 ? place : `${place.slice(0, at)}${query}`,
      ...fragments.map(formWithoutSecrets),
    ].join('#');
  }

  function bodyWithoutSecrets(route: string | undefined, body: string): string {
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

  /** `XBL3.0 x=…` keeps its scheme; a text of one word is a secret as a whole. */
  function credentialsWithoutSecret(value: string): string {
    const at = value.indexOf(' ');
    if (at <= 0 || at > 20) return replacementOf(value);
    return `${value.slice(0, at)} ${replacementOf(value.slice(at + 1))}`;
  }

  return { headersWithoutSecrets, targetWithoutSecrets, bodyWithoutSecrets };
}

/** The name of a parameter in lower case, decoded where it can be. */
function nameOf(encoded: string): string {
  try {
    return decodeURIComponent(encoded).toLowerCase();
  } catch {
    return encoded.toLowerCase();
  }
}
