import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { messageOf } from '../domain/error-message.ts';
import type { Milliseconds } from '../domain/time.ts';
import { problemOfTrust } from '../platform/private-files.ts';
import { withoutUrlSecrets } from '../platform/url-secrets.ts';
import { AuthenticatorUnavailable } from './authenticator.ts';
import { UnknownKey } from './jwt.ts';
import { keepReading } from './kept-reading.ts';

/** The algorithms of signed tokens. None that is symmetrical: a public key must not sign. */
export const signatureAlgorithms = ['ES256', 'RS256', 'EdDSA'] as const;

export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** The keys that signed tokens are checked with. */
export interface KeySet {
  /**
   * Finds the key of a token at `nowMs`. Keys older than 10 minutes are read again, and when none fits
   * they are, at most once in 30 seconds. While they cannot be read the former ones stay good for as
   * long as they may.
   *
   * Throws UnknownKey when no key fits, or more than one; AuthenticatorUnavailable when there are no
   * keys to choose from.
   */
  keysAt(nowMs: Milliseconds): JWTVerifyGetKey;

  /** Reads the keys now. Throws AuthenticatorUnavailable. */
  read(nowMs: Milliseconds): Promise<void>;
}

export type KeySetSettings = {
  /** How long keys stay good after they were read for the last time, while they cannot be read. */
  readonly staleMsMax: Milliseconds;
  /** Called with each failure to read the keys, and with undefined when they could be read. */
  readonly report?: (problem: string | undefined) => void;
};

const rereadAfterMs = 30_000;
const fetchTimeoutMs = 5_000;
/** Far more than the keys and the discovery document of any issuer. */
const answerBytesMax = 1_024 * 1_024;

/**
 * The key set whose text `readText` gets, a JSON document `{"keys":[…]}`. `name` says in error
 * texts where it is.
 */
export function openKeySet(
  name: string,
  readText: (nowMs: Milliseconds) => Promise<string>,
  { staleMsMax, report = () => undefined }: KeySetSettings,
): KeySet {
  const { current, newest } = keepReading(readKeys, {
    staleMsMax,
    failureOf(error) {
      const problem = `The key set ${name} cannot be used: ${reasonOf(error)}.`;
      return new AuthenticatorUnavailable(problem, { cause: error });
    },
    report(failure, isKnown) {
      const problem = failure?.message;
      report(
        problem === undefined || isKnown ? problem : `${problem} Until it can, tokens get 503.`,
      );
    },
  });

  async function readKeys(nowMs: Milliseconds): Promise<JWTVerifyGetKey> {
    const keys = parseKeySet(await readText(nowMs));
    const { createLocalJWKSet } = await import('jose/jwks/local');
    return createLocalJWKSet(keys);
  }

  return {
    keysAt(nowMs) {
      return async (header, token) => {
        const keys = await current(nowMs);
        try {
          return await keys.value(header, token);
        } catch (error) {
          const isUnknown = codeOf(error) === 'ERR_JWKS_NO_MATCHING_KEY';
          if (!isUnknown || nowMs < keys.readMs + rereadAfterMs) throw unknownKey(error, header);
        }
        const newer = await newest(nowMs);
        try {
          return await newer.value(header, token);
        } catch (error) {
          throw unknownKey(error, header);
        }
      };
    },
    async read(nowMs) {
      await newest(nowMs);
    },
  };
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

/** `error` of jose, in words, where it says that there is not one key for a token. */
function unknownKey(
  error: unknown,
  { alg, kid }: { readonly alg: string; readonly kid?: string },
): unknown {
  const described = `algorithm ${alg} and ${keyIdText(kid)}`;
  switch (codeOf(error)) {
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return new UnknownKey(
        `The token's key is not known here: the key set of this server has none for ${described}.`,
      );
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return new UnknownKey(
        `The token's key is not clear: the key set of this server has several for ${described}; give each key and each token its "kid".`,
      );
    default:
      return error;
  }
}

/** True of the address of a key set that is fetched, false of a file's path. */
export function isKeySetUrl(keySet: string): boolean {
  return /^https?:\/\//i.test(keySet);
}

/** What was asked gives no answer now, and may give one later. */
class SourceAway extends Error {
  override readonly name = 'SourceAway';
}

/** True when something could not be read because its address does not answer; false when something is wrong with it. */
export function isAway(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof SourceAway;
}

/** The errors of `fetch` that pass by themselves. Others, as of certificates and redirects, do not. */
const passing: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** The text of the key set at an address or in a file. Throws an Error that completes "it cannot be used: …". */
export async function readKeySetText(keySet: string): Promise<string> {
  if (!isKeySetUrl(keySet)) {
    const problem = problemOfTrust(keySet);
    if (problem !== undefined) throw new Error(problem);
    return readFile(keySet, 'utf8');
  }
  const shown = withoutUrlSecrets(keySet);
  try {
    const response = await fetch(keySet, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(fetchTimeoutMs),
    });
    const { status } = response;
    if (status === 200) return await readText(response, shown);
    const problem = `${shown} answers ${status} instead of 200`;
    throw status >= 500 || status === 408 || status === 429
      ? new SourceAway(problem)
      : new Error(problem);
  } catch (error) {
    const { name, cause } = error as Error;
    if (name === 'TimeoutError') {
      throw new SourceAway(
        `${shown} has not answered to the end within ${fetchTimeoutMs / 1000} seconds`,
      );
    }
    if (name !== 'TypeError') throw error;
    const problem = `${shown}: ${reasonOf(error).replaceAll(keySet, shown)}`;
    throw passing.has(codeOf(cause)) ? new SourceAway(problem) : new Error(problem);
  }
}

/** The text of an answer. Throws an Error that completes "it cannot be used: …" for one without end. */
async function readText({ body }: Response, shown: string): Promise<string> {
  const decoder = new TextDecoder();
  let bytesCount = 0;
  let text = '';
  for await (const chunk of body ?? []) {
    bytesCount += chunk.length;
    if (bytesCount > answerBytesMax) {
      throw new Error(`${shown} answers more than ${answerBytesMax / 1_024} KB`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * The keys of a key set that signed tokens can be checked with, each with the one algorithm that it is
 * for, which the key decides and no token. Keys for other purposes or algorithms may be in it and are
 * passed over.
 *
 * Throws an Error that completes "it cannot be used: …": not a key set, no key for any of the
 * algorithms, a broken key, a key so weak that it proves nothing, or one that should be secret.
 */
export function parseKeySet(text: string): JSONWebKeySet {
  const document: unknown = JSON.parse(text);
  const jwks = (document as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(jwks)) throw new Error('it is not of the form {"keys":[…]}');
  const keys = jwks.flatMap((jwk: JsonWebKey, i) => {
    try {
      return verificationKeyOf(jwk) ?? [];
    } catch (error) {
      throw new Error(`keys[${i}]: ${reasonOf(error)}`);
    }
  });
  if (keys.length === 0) {
    throw new Error(`it has no key for ${signatureAlgorithms.join(', ')}`);
  }
  return { keys };
}

function verificationKeyOf(jwk: JsonWebKey): JSONWebKeySet['keys'][number] | undefined {
  if (typeof jwk !== 'object' || jwk === null) throw new Error('it is not an object');
  const { kty, d, k, use, key_ops: operations, alg }: Readonly<Record<string, unknown>> = jwk;
  if (d !== undefined || k !== undefined) {
    throw new Error('it is a secret key; publish the public one only, and replace this one');
  }
  if (kty !== 'EC' && kty !== 'RSA' && kty !== 'OKP') return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
  const algorithm = algorithmOf(createPublicKey({ key: jwk, format: 'jwk' }));
  if (algorithm === undefined || (alg !== undefined && alg !== algorithm)) return undefined;
  return { ...jwk, kty, alg: algorithm };
}

/**
 * The algorithm that a public or private key is for; undefined when it is for none of those of
 * signed tokens. Throws an Error when the key is too short to prove anything.
 */
export function algorithmOf(key: KeyObject): SignatureAlgorithm | undefined {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      return namedCurve === 'prime256v1' ? 'ES256' : undefined;
    case 'rsa':
      if (Number(modulusLength) < 2048) throw new Error('an RSA key needs at least 2048 bits');
      return 'RS256';
    case 'ed25519':
      return 'EdDSA';
    default:
      return undefined;
  }
}

/** The key id is the token's own text: shortened, and printed so that it stays on its line. */
function keyIdText(keyId: string | undefined): string {
  return keyId === undefined ? 'no key id' : `key id ${JSON.stringify(keyId.slice(0, 64))}`;
}

/** The innermost message, which is the one that tells something: `fetch` hides it. */
export function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error
    ? reasonOf(error.cause)
    : messageOf(error);
}
