import { isKeySetUrl, readKeySetText } from './key-set.ts';

/** The document by which an OIDC issuer says where its keys are. */
function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/**
 * The discovery document of an OIDC issuer: where its keys and its sign-in are.
 *
 * Throws an Error that completes "it cannot be used: …".
 */
export async function readIssuerDocument(
  issuer: string,
): Promise<Readonly<Record<string, unknown>>> {
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
 * The text of the key set of an OIDC issuer, which its discovery document names.
 *
 * Throws an Error that completes "it cannot be used: …".
 */
export async function readIssuerKeysText(issuer: string): Promise<string> {
  const url = discoveryUrl(issuer);
  const { jwks_uri: keysUrl } = await readIssuerDocument(issuer);
  if (typeof keysUrl !== 'string' || !isKeySetUrl(keysUrl)) {
    throw new Error(`${url} names no "jwks_uri"`);
  }
  if (issuer.startsWith('https:') && !keysUrl.startsWith('https:')) {
    throw new Error(`${url} names keys that come over plain http`);
  }
  return readKeySetText(keysUrl);
}

function parseDocument(text: string, url: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new Error(`${url} does not answer JSON`);
  }
}
