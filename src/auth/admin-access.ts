import { createHash, timingSafeEqual } from 'node:crypto';
import type { Caller, ServiceCaller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Authenticator } from './authenticator.ts';
import { defaultSandbox } from './claims.ts';

/** Finds out whether a request comes from an administrator. */
export type AdminAccess = {
  /**
   * The administrator who sent a request with this `Authorization` header: `Bearer` with the admin
   * token, or the token of a game service that may administer. No promise when the token is known.
   *
   * Refuses: notAuthenticated, adminRequired; the text never holds the token.
   *
   * Throws AuthenticatorUnavailable, always as a rejection.
   *
   * @source docs/admin.md "Who may"
   */
  authenticate(
    authorization: string | undefined,
    nowMs: Milliseconds,
  ): Promise<ServiceCaller | Refusal> | ServiceCaller | Refusal;
};

export type AdminAccessSettings = {
  /** The admin token; undefined: there is none. */
  readonly token: string | undefined;
  /** Names of game services that may administer; `any` for all of them. */
  readonly services: readonly string[] | 'any';
};

const bearerOfAdmin: ServiceCaller = { kind: 'service', name: 'admin', sandbox: defaultSandbox };

/** The access of these administrators; game services are known by `authenticator`. */
export function openAdminAccess(
  authenticator: Pick<Authenticator, 'authenticate'>,
  { token, services }: AdminAccessSettings,
): AdminAccess {
  const expected = token === undefined ? undefined : digest(token);
  const isBearerOfAdmin = (authorization: string): boolean => {
    const given = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
    return (
      expected !== undefined && given !== undefined && timingSafeEqual(digest(given), expected)
    );
  };
  const advice =
    expected !== undefined
      ? 'send "Bearer" with the admin token'
      : services === 'any'
        ? 'call as a game service'
        : 'send the signed token of a game service that --admin-services names';
  const administrator = (caller: Caller | Refusal): ServiceCaller | Refusal => {
    if (caller instanceof Refusal) {
      if (expected === undefined) return caller;
      return new Refusal(
        'notAuthenticated',
        'The Authorization header is not "Bearer" with the admin token of this server.',
      );
    }
    const mayAdminister =
      caller.kind === 'service' && (services === 'any' || services.includes(caller.name));
    if (mayAdminister) return caller;
    const name = caller.kind === 'service' ? `The game service "${caller.name}"` : 'A user';
    return new Refusal('adminRequired', `${name} may not administer this server; ${advice}.`);
  };

  return {
    authenticate(authorization, nowMs) {
      if (isBearerOfAdmin(authorization ?? '')) return bearerOfAdmin;
      const caller = authenticator.authenticate(authorization, nowMs);
      return caller instanceof Promise ? caller.then(administrator) : administrator(caller);
    },
  };
}

/** Of equal length for all tokens, so that they can be compared in constant time. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
