/**
 * Callers with a token of the real service, which is encrypted for it: for development, where a title
 * whose system logs it in can have no other.
 *
 * The user hash of the header is all that is known. The client states its xuid sooner or later; it is
 * learnt then, once. Until then the user has a made-up one.
 *
 * @source docs/wire/callers.md "Tokens of the real service"
 */

import type { UserCaller } from '../domain/caller.ts';
import { digest, type TitleId } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Authenticator, VerifiedCaller } from './authenticator.ts';
import { defaultSandbox } from './claims.ts';
import type { KnownUser, OutsideUsers } from './outside-users.ts';

export type EncryptedTokens = {
  /**
   * Who sent an encrypted token with this user hash.
   *
   * Refuses: notAuthenticated for a header without a user hash.
   *
   * Throws StoreUnavailable.
   */
  callerOf(userHash: string, nowMs: Milliseconds): Promise<VerifiedCaller | Refusal>;

  readonly learn: NonNullable<Authenticator['learn']>;
};

/** Lets in callers with encrypted tokens, as users of this title, or of none. */
export function openEncryptedTokens(
  users: OutsideUsers,
  titleId: TitleId | undefined,
): EncryptedTokens {
  const common = { kind: 'user', sandbox: defaultSandbox, ...(titleId && { titleId }) } as const;

  const callerOfKnown = ({ xid, gtg }: KnownUser, userHash: string): UserCaller => ({
    ...common,
    xuid: xid,
    gamertag: gtg,
    userHash,
  });

  return {
    async callerOf(userHash, nowMs) {
      if (!/^[0-9]{1,32}$/.test(userHash)) {
        return new Refusal(
          'notAuthenticated',
          'The token is encrypted, and the user hash before it, by which its user is known here, is missing: "XBL3.0 x=<userhash>;<token>".',
        );
      }
      const known = await users.knownByHash(userHash);
      if (known !== undefined) {
        const caller = callerOfKnown(known, userHash);
        return { caller, expiresMs: Number.POSITIVE_INFINITY };
      }
      // Asked about again with the next request.
      const caller = { ...common, xuid: madeUpXuid(userHash), userHash, hasMadeUpXuid: true };
      return { caller, expiresMs: nowMs };
    },

    async learn(caller, stated) {
      const { userHash } = caller;
      if (userHash === undefined) return caller;
      const known =
        stated === undefined
          ? await users.knownByHash(userHash)
          : await users.pin(userHash, stated);
      if (known === undefined) return caller;
      return known instanceof Refusal ? known : callerOfKnown(known, userHash);
    },
  };
}

/** Nobody's: a user whose xuid is not known yet has no place in sessions. */
function madeUpXuid(userHash: string): string {
  const number = BigInt(`0x${digest(`user hash without xuid ${userHash}`)}`) % 10n ** 12n;
  return `2535${number.toString().padStart(12, '0')}`;
}
