import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import { AuthenticatorUnavailable } from './authenticator.ts';

/** The algorithms of signed tokens. None that is symmetrical: a public key must not sign. */
export const signatureAlgorithms = ['ES256', 'RS256', 'EdDSA'] as const;

export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** A public key and the one algorithm that it is for, which the key decides and no token. */
export type VerificationKey = {
  readonly keyId: string | undefined;
  readonly algorithm: SignatureAlgorithm;
  readonly key: KeyObject;
};

/** The keys that signed tokens are checked with. */
export interface KeySet {
  /**
   * The key that a token with this header was signed with, if it is genuine. The keys are read
   * anew when they are older than 10 minutes, and when none fits, at most once in 30 seconds.
   *
   * Refuses: notAuthenticated when no key fits, or more than one.
   *
   * Throws AuthenticatorUnavailable when the keys cannot be read.
   */
  keyFor(
    header: { readonly algorithm: SignatureAlgorithm; readonly keyId: string | undefined },
    nowMs: Milliseconds,
  ): Promise<VerificationKey | Refusal>;

  /** Reads the keys now. Throws AuthenticatorUnavailable. */
  read(nowMs: Milliseconds): Promise<void>;
}

const ageMaxMs = 10 * 60_000;
const rereadAfterMs = 30_000;
const rereadAfterFailureMs = 2_000;
const fetchTimeoutMs = 5_000;

/**
 * The key set whose text `readText` gets, a JSON document `{"keys":[…]}`. `name` says in error
 * texts where it is.
 *
 * Reads that are asked for at the same time are one read, and after a failure there is none for
 * two seconds, so that a flood of bad tokens is no flood of reads.
 */
export function openKeySet(name: string, readText: () => Promise<string>): KeySet {
  let known:
    | { readonly keys: readonly VerificationKey[]; readonly readMs: Milliseconds }
    | undefined;
  let failed: { readonly error: AuthenticatorUnavailable; readonly atMs: Milliseconds } | undefined;
  let reading: Promise<readonly VerificationKey[]> | undefined;

  async function reread(nowMs: Milliseconds): Promise<readonly VerificationKey[]> {
    try {
      const keys = parseKeySet(await readText());
      known = { keys, readMs: nowMs };
      failed = undefined;
      return keys;
    } catch (error) {
      const reason = reasonOf(error);
      failed = {
        error: new AuthenticatorUnavailable(`The key set ${name} cannot be used: ${reason}.`),
        atMs: nowMs,
      };
      throw failed.error;
    } finally {
      reading = undefined;
    }
  }

  async function newest(nowMs: Milliseconds): Promise<readonly VerificationKey[]> {
    if (failed !== undefined && nowMs < failed.atMs + rereadAfterFailureMs) throw failed.error;
    reading ??= reread(nowMs);
    return reading;
  }

  return {
    async keyFor(header, nowMs) {
      const fits = ({ algorithm, keyId }: VerificationKey): boolean =>
        algorithm === header.algorithm && (header.keyId === undefined || keyId === header.keyId);

      const fresh = known !== undefined && nowMs < known.readMs + ageMaxMs ? known.keys : undefined;
      let found = (fresh ?? (await newest(nowMs))).filter(fits);
      if (found.length === 0 && known !== undefined && nowMs >= known.readMs + rereadAfterMs) {
        found = (await newest(nowMs)).filter(fits);
      }

      const [key, ...more] = found;
      const described = `algorithm ${header.algorithm} and ${keyIdText(header.keyId)}`;
      if (key === undefined) {
        return new Refusal(
          'notAuthenticated',
          `The token's key is not known here: the key set of this server has none for ${described}.`,
        );
      }
      if (more.length > 0) {
        return new Refusal(
          'notAuthenticated',
          `The token's key is not clear: the key set of this server has several for ${described}; give each key and each token its "kid".`,
        );
      }
      return key;
    },
    async read(nowMs) {
      await newest(nowMs);
    },
  };
}

/** True of the address of a key set that is fetched, false of a file's path. */
export function isKeySetUrl(keySet: string): boolean {
  return /^https?:\/\//i.test(keySet);
}

/** The text of the key set at an address or in a file. */
export async function readKeySetText(keySet: string): Promise<string> {
  if (!isKeySetUrl(keySet)) return readFile(keySet, 'utf8');
  const response = await fetch(keySet, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(fetchTimeoutMs),
  });
  if (response.status !== 200) throw new Error(`it answers ${response.status} instead of 200`);
  return response.text();
}

/**
 * The keys of a key set that signed tokens can be checked with. Keys for other purposes or
 * algorithms may be in it and are passed over.
 *
 * Throws an Error that completes "it cannot be used: …": not a key set, no key for any of the
 * algorithms, a broken key, a key so weak that it proves nothing, or one that should be secret.
 */
export function parseKeySet(text: string): readonly VerificationKey[] {
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
  return keys;
}

function verificationKeyOf(jwk: JsonWebKey): VerificationKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) throw new Error('it is not an object');
  const { kty, d, k, use, key_ops: operations, alg, kid }: Readonly<Record<string, unknown>> = jwk;
  if (d !== undefined || k !== undefined) {
    throw new Error('it is a secret key; publish the public one only, and replace this one');
  }
  if (kty !== 'EC' && kty !== 'RSA' && kty !== 'OKP') return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (Array.isArray(operations) && !operations.includes('verify')) return undefined;
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const algorithm = algorithmOf(key);
  if (algorithm === undefined || (alg !== undefined && alg !== algorithm)) return undefined;
  return { keyId: typeof kid === 'string' ? kid : undefined, algorithm, key };
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
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
