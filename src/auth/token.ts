/**
 * The server's own tokens: HS256 under a key drawn from the store's secret, so that every node on
 * the same data accepts them, and no other server does.
 */

import { keyFor } from '../platform/key.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { TokenClaims } from './claims.ts';
import { signJwt, type VerifiedClaims, verifyJwt } from './jwt.ts';

/**
 * What a token is good for: `access` for calling services, the others for the login chain only.
 * It is written into the token's header, so that none passes for another.
 */
export type TokenUse = 'access' | 'user' | 'device' | 'title';

const typeOf: Record<TokenUse, { readonly name: string; readonly otherwise: string }> = {
  access: {
    name: 'JWT',
    otherwise:
      'The token is one of the login chain; exchange it at POST /xsts/authorize for one that services accept.',
  },
  user: chained('user'),
  device: chained('device'),
  title: chained('title'),
};

function chained(use: TokenUse) {
  return {
    name: `${use}+jwt`,
    otherwise: `The token is not a ${use} token, as POST /${use}/authenticate answers it.`,
  };
}

/** The key of the server's own tokens: 32 bytes that tell nothing of the store's secret. */
export function tokenKeyOf(secret: Uint8Array): Uint8Array {
  return keyFor('key of own tokens', secret);
}

/** A token of the server's own, for `claims` and `use` (default `access`). */
export function signToken(
  claims: TokenClaims,
  key: Uint8Array,
  {
    use = 'access',
    ...times
  }: {
    readonly use?: TokenUse;
    readonly nowMs: Milliseconds;
    readonly lifetimeMs: Milliseconds;
  },
): Promise<string> {
  return signJwt(claims, { key, algorithm: 'HS256', type: typeOf[use].name }, times);
}

/**
 * The claims of a token of the server's own, and the end of its life.
 *
 * Refuses: notAuthenticated.
 */
export function verifyToken(
  token: string,
  key: Uint8Array,
  use: TokenUse,
  nowMs: Milliseconds,
): Promise<VerifiedClaims | Refusal> {
  return verifyJwt(token, { key, algorithms: ['HS256'], type: typeOf[use] }, nowMs);
}
