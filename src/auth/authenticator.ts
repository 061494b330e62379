import { LRUCache } from 'lru-cache';
import type { Caller, UserCaller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import { type Credentials, parseAuthorization, type TokensTaken } from './authorization.ts';

/** Finds out who calls. */
export interface Authenticator {
  /**
   * Who sent a request with this `Authorization` header. No promise when the token is known from
   * an earlier request, so that the common case waits for nothing.
   *
   * Refuses: notAuthenticated; the text never holds the token.
   *
   * Throws AuthenticatorUnavailable, always as a rejection.
   */
  authenticate(
    authorization: string | undefined,
    nowMs: Milliseconds,
  ): Promise<Caller | Refusal> | Caller | Refusal;

  /**
   * Learns the xuid of a caller whose token does not tell it, from what the caller states about itself:
   * the caller with this xuid, the same from then on. Without a statement the caller as it is known by
   * now.
   *
   * Refuses: notAuthenticated when it contradicts what was learnt before.
   *
   * Throws StoreUnavailable.
   */
  readonly learn?: (caller: UserCaller, stated: Xuid | undefined) => Promise<UserCaller | Refusal>;
}

/** The keys that tokens are checked with cannot be had, so nothing is known of the caller. */
export class AuthenticatorUnavailable extends Error {
  override readonly name = 'AuthenticatorUnavailable';
}

/** The sign-in at an issuer cannot be used. Tokens can be checked all the same. */
export class SignInUnavailable extends Error {
  override readonly name = 'SignInUnavailable';
}

/** A caller, and the time from which the token no longer says so. */
export type VerifiedCaller = { readonly caller: Caller; readonly expiresMs: Milliseconds };

const tokensMax = 10_000;
const headerCharactersMax = 8 * 1024;
const allCharactersMax = 16 * 1024 * 1024;

/**
 * An authenticator that asks `verify` about tokens it has not seen, and remembers the verified ones
 * until they expire: those used last, at most 10,000 of 16 MB together, and none from a header of more
 * than 8 KB.
 *
 * A remembered token lasts to its end even if its key has been withdrawn since.
 */
export function rememberingAuthenticator(
  verify: (
    credentials: Credentials,
    nowMs: Milliseconds,
  ) => Promise<VerifiedCaller | Refusal> | VerifiedCaller | Refusal,
  taken: TokensTaken = 'development',
): Authenticator {
  const verified = new LRUCache<string, VerifiedCaller>({
    max: tokensMax,
    maxSize: allCharactersMax,
    sizeCalculation: (_verified, header) => header.length,
  });

  function remember(header: string, answer: VerifiedCaller | Refusal): Caller | Refusal {
    if (answer instanceof Refusal) return answer;
    if (header.length <= headerCharactersMax) verified.set(header, answer);
    return answer.caller;
  }

  return {
    authenticate(authorization, nowMs) {
      const header = authorization ?? '';
      const known = verified.get(header);
      if (known !== undefined && nowMs < known.expiresMs) return known.caller;
      const credentials = parseAuthorization(header, taken);
      if (credentials instanceof Refusal) return credentials;
      const answer = verify(credentials, nowMs);
      return answer instanceof Promise
        ? answer.then((settled) => remember(header, settled))
        : remember(header, answer);
    },
  };
}
