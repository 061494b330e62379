import type { Milliseconds } from '../domain/time.ts';
import { withoutUrlSecrets } from '../platform/url-secrets.ts';
import { isKeySetUrl, readKeySetText } from './key-set.ts';

/** What an OIDC issuer says of itself: where its keys and its sign-in are. */
export type IssuerDocument = Readonly<Record<string, unknown>>;

/** The document by which an OIDC issuer says where its keys are. */
function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/**
 * Reads the discovery document of an issuer.
 *
 * Throws an Error that completes "it cannot be used: …".
 */
export type ReadIssuerDocument = (nowMs: Milliseconds) => Promise<IssuerDocument>;

/** How long one reading of the document serves all who need it. */
const sharedMs: Milliseconds = 2_000;

/** Reads the document once for the keys and the sign-in where both need it within two seconds. */
export function shareIssuerDocument(issuer: string): ReadIssuerDocument {
  let last: { readonly atMs: Milliseconds; readonly reading: Promise<IssuerDocument> } | undefined;
  return (nowMs) => {
    const isNew = last !== undefined && nowMs >= last.atMs && nowMs < last.atMs + sharedMs;
    if (last === undefined || !isNew) last = { atMs: nowMs, reading: readIssuerDocument(issuer) };
    return last.reading;
  };
}

/**
 * The discovery document of an OIDC issuer: where its keys and its sign-in are.
 *
 * Throws an Error that completes "it cannot be used: …".
 */
async function readIssuerDocument(issuer: string): Promise<IssuerDocument> {
  const url = discoveryUrl(issuer);
  const document = parseDocument(await readKeySetText(url), url);
  // A document of another issuer at this address would bring keys for tokens that are not checked so.
  if (document['issuer'] !== issuer) {
    throw new Error(
      `${url} is of issuer ${JSON.stringify(document['issuer'])}; --oidc-issuer must be written just so`,
    );
  }
  return document;
}

/**
 * The address that the document of `issuer` has under `name`: http or https, and https where the issuer is.
 *
 * Throws an Error that completes "it cannot be used: …".
 */
export function endpointOf(document: IssuerDocument, name: string, issuer: string): string {
  const url = document[name];
  if (url === undefined) throw new Error(`${discoveryUrl(issuer)} names no "${name}"`);
  if (typeof url !== 'string' || !isKeySetUrl(url) || !URL.canParse(url)) {
    const shown = withoutUrlSecrets(JSON.stringify(url)).slice(0, 200);
    throw new Error(
      `the "${name}" of ${discoveryUrl(issuer)} is no address of http or https: ${shown}`,
    );
  }
  if (/^https:/i.test(issuer) && !/^https:/i.test(url)) {
    throw new Error(`the "${name}" of ${discoveryUrl(issuer)} is plain http`);
  }
  return url;
}

/**
 * The text of the key set of an OIDC issuer, which its discovery document names. Throws what `document` throws.
 *
 * Throws an Error that completes "it cannot be used: …".
 */
export async function readIssuerKeysText(
  issuer: string,
  document: Promise<IssuerDocument>,
): Promise<string> {
  return readKeySetText(endpointOf(await document, 'jwks_uri', issuer));
}

function parseDocument(text: string, url: string): IssuerDocument {
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new Error(`${url} does not answer JSON`);
  }
}
