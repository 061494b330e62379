import { Refusal } from '../domain/refusal.ts';
import { type Authenticator, rememberingAuthenticator } from './authenticator.ts';
import { nameOfMapped } from './claim-mapping.ts';
import { callerOfOwnToken } from './dev-authenticator.ts';
import type { IssuerSignIn } from './issuer-sign-in.ts';
import type { LoginPolicy } from './login-policy.ts';
import {
  callerOfOutsideToken,
  type OutsideTokenRules,
  verifyOutsideToken,
} from './outside-token.ts';
import { refuseUnsigned } from './signed-authenticator.ts';

/**
 * An authenticator that accepts the tokens of an OIDC issuer, and those for which the login chain of
 * this server exchanged them, signed with `ownKey`.
 *
 * @source docs/wire/callers.md "oidc"
 */
export function oidcAuthenticator(rules: OutsideTokenRules, ownKey: Uint8Array): Authenticator {
  return rememberingAuthenticator(({ form, token }, nowMs) => {
    if (form !== 'jwt') return refuseUnsigned(form);
    // The header only chooses the key: a token for which it lies fails with either.
    return isSymmetric(token)
      ? callerOfOwnToken(token, ownKey, nowMs)
      : callerOfOutsideToken(token, rules, nowMs);
  }, 'issued');
}

/** Only the users of an OIDC issuer log in; `signIn` undefined: with tokens that they bring. */
export function oidcLogin(rules: OutsideTokenRules, signIn?: IssuerSignIn): LoginPolicy {
  return {
    async userOf(ticket, nowMs) {
      const verified = await verifyOutsideToken(ticket, rules, nowMs);
      if (verified instanceof Refusal) return verified;
      const { claims, expiresMs } = verified;
      const { xid, gtg } = claims;
      if (xid === undefined || gtg === undefined) {
        const name = nameOfMapped(rules.mapping ?? {})('xid');
        return new Refusal('notAuthenticated', `The token names no user: it needs ${name}.`);
      }
      return { claims: { ...claims, xid, gtg }, expiresMs };
    },
    isSandboxFree: false,
    signIn,
  };
}

/** True of a JWT whose header asks for HS256, as our own tokens do; a token without a header is none. */
function isSymmetric(token: string): boolean {
  const [header = ''] = token.split('.');
  try {
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: unknown };
    return alg === 'HS256';
  } catch {
    return false;
  }
}
