import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import {
  type Authenticator,
  rememberingAuthenticator,
  type VerifiedCaller,
} from './authenticator.ts';
import { callerOf } from './claims.ts';
import { verifyJwt } from './jwt.ts';
import { type KeySet, signatureAlgorithms } from './key-set.ts';

/** What signed tokens must say beside who the caller is. */
export type SignedTokenRules = {
  readonly keySet: KeySet;
  /** Undefined: every holder of a key of the set may issue tokens. */
  readonly issuer?: string | undefined;
  /** Undefined: tokens issued for other services are accepted too. */
  readonly audience?: string | undefined;
};

/**
 * An authenticator that accepts only tokens signed with a key of the set, by ES256, RS256 or
 * EdDSA, with an expiry, and of the issuer and for the audience asked for.
 *
 * @source docs/wire/callers.md "Callers"
 */
export function signedAuthenticator(rules: SignedTokenRules): Authenticator {
  return rememberingAuthenticator(({ form, token }, nowMs) =>
    form === 'development'
      ? new Refusal(
          'notAuthenticated',
          'The token is not signed: this server accepts no development tokens.',
        )
      : verify(token, rules, nowMs),
  );
}

async function verify(
  token: string,
  { keySet, issuer, audience }: SignedTokenRules,
  nowMs: Milliseconds,
): Promise<VerifiedCaller | Refusal> {
  // Of keys that the token itself brings (`jwk`, `jku`, `x5c`) nothing is read.
  const key = keySet.keysAt(nowMs);
  const checks = { key, algorithms: signatureAlgorithms, issuer, audience };
  const verified = await verifyJwt(token, checks, nowMs);
  if (verified instanceof Refusal) return verified;
  const caller = callerOf(verified.claims);
  return caller instanceof Refusal ? caller : { caller, expiresMs: verified.expiresMs };
}
