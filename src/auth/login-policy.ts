import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { IssuerSignIn } from './issuer-sign-in.ts';
import { parseUserTicket, type UserClaims } from './token-chain.ts';

/** The user of a ticket, and how long it says so. */
export type TicketUser = { readonly claims: UserClaims; readonly expiresMs: Milliseconds };

/** Whom the login chain logs in. */
export type LoginPolicy = {
  /**
   * Whom a ticket names, without its prefix `d=` or `t=`.
   *
   * Refuses: requestInvalid, notAuthenticated.
   *
   * Throws AuthenticatorUnavailable, StoreUnavailable.
   */
  userOf(ticket: string, nowMs: Milliseconds): Promise<TicketUser | Refusal>;

  /** True where a client may be in any sandbox; else it is the one of the user's claims. */
  readonly isSandboxFree: boolean;

  /**
   * Where clients sign in that know the sign-in of Microsoft accounts: `own` where there are no
   * accounts; undefined: nowhere.
   */
  readonly signIn: 'own' | IssuerSignIn | undefined;
};

/** True when a ticket has named its user. */
export function isKnownUser(user: TicketUser | Refusal): user is TicketUser {
  return 'claims' in user;
}

/** Anybody is who the ticket says. */
export const developmentLogin: LoginPolicy = {
  async userOf(ticket) {
    const claims = parseUserTicket(ticket);
    if (claims instanceof Refusal) return claims;
    return { claims, expiresMs: Number.POSITIVE_INFINITY };
  },
  isSandboxFree: true,
  signIn: 'own',
};
