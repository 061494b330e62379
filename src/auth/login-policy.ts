import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
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

  /** True where there are no accounts, so that this server is the sign-in of Microsoft accounts too. */
  readonly hasSignInPage: boolean;
};

/** Anybody is who the ticket says. */
export const developmentLogin: LoginPolicy = {
  async userOf(ticket) {
    const claims = parseUserTicket(ticket);
    if (claims instanceof Refusal) return claims;
    return { claims, expiresMs: Number.POSITIVE_INFINITY };
  },
  isSandboxFree: true,
  hasSignInPage: true,
};
