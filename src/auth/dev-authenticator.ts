import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import {
  type Authenticator,
  rememberingAuthenticator,
  type VerifiedCaller,
} from './authenticator.ts';
import { callerOf } from './claims.ts';
import { refuseEncrypted } from './authorization.ts';
import { nameOfParameter, parseDevelopmentToken } from './development-token.ts';
import type { EncryptedTokens } from './encrypted-tokens.ts';
import { verifyToken } from './token.ts';

/**
 * An authenticator that accepts the server's own tokens, signed with `key`, and, since it is for
 * development, unsigned development tokens; with `encrypted` also the tokens of Xbox Live.
 *
 * @source docs/wire/callers.md "dev: the default"
 */
export function devAuthenticator(key: Uint8Array, encrypted?: EncryptedTokens): Authenticator {
  const authenticator = rememberingAuthenticator((credentials, nowMs) => {
    const { form, token, userHash } = credentials;
    if (form === 'development') return callerOfDevelopmentToken(token);
    if (form === 'jwt') return callerOfOwnToken(token, key, nowMs);
    return encrypted?.callerOf(userHash, nowMs) ?? encryptedRefused;
  });
  return encrypted ? { ...authenticator, learn: encrypted.learn } : authenticator;
}

const encryptedRefused = refuseEncrypted(
  'log in to this server, use "openmpsd token", or start the server with --encrypted-tokens',
);

function callerOfDevelopmentToken(token: string): VerifiedCaller | Refusal {
  const claims = parseDevelopmentToken(token);
  if (claims instanceof Refusal) return claims;
  const caller = callerOf(claims, nameOfParameter);
  return caller instanceof Refusal ? caller : { caller, expiresMs: Number.POSITIVE_INFINITY };
}

/** Who sent a token of the server's own. Refuses: notAuthenticated. */
export async function callerOfOwnToken(
  token: string,
  key: Uint8Array,
  nowMs: Milliseconds,
): Promise<VerifiedCaller | Refusal> {
  const verified = await verifyToken(token, key, 'access', nowMs);
  if (verified instanceof Refusal) return verified;
  const caller = callerOf(verified.claims);
  return caller instanceof Refusal ? caller : { caller, expiresMs: verified.expiresMs };
}
