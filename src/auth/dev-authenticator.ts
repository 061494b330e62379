import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import {
  type Authenticator,
  rememberingAuthenticator,
  type VerifiedCaller,
} from './authenticator.ts';
import { callerOf } from './claims.ts';
import { nameOfParameter, parseDevelopmentToken } from './development-token.ts';
import { verifyToken } from './token.ts';

/**
 * An authenticator that accepts the server's own tokens, signed with `key`, and, since it is for
 * development, unsigned development tokens.
 *
 * @source docs/wire/callers.md "Callers"
 */
export function devAuthenticator(key: Uint8Array): Authenticator {
  return rememberingAuthenticator(({ form, token }, nowMs) =>
    form === 'development' ? callerOfDevelopmentToken(token) : verify(token, key, nowMs),
  );
}

function callerOfDevelopmentToken(token: string): VerifiedCaller | Refusal {
  const claims = parseDevelopmentToken(token);
  if (claims instanceof Refusal) return claims;
  const caller = callerOf(claims, nameOfParameter);
  return caller instanceof Refusal ? caller : { caller, expiresMs: Number.POSITIVE_INFINITY };
}

async function verify(
  token: string,
  key: Uint8Array,
  nowMs: Milliseconds,
): Promise<VerifiedCaller | Refusal> {
  const verified = await verifyToken(token, key, 'access', nowMs);
  if (verified instanceof Refusal) return verified;
  const caller = callerOf(verified.claims);
  return caller instanceof Refusal ? caller : { caller, expiresMs: verified.expiresMs };
}
