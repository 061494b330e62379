import type { Context } from '../directory/context.ts';
import type { Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { parseUser } from '../domain/people/request.ts';
import { Refusal } from '../domain/refusal.ts';
import { xuidOfGamertag } from './profiles.ts';

/**
 * The user that a segment of a path names: `me`, `xuid(1234)` or `gt(Ada)`. No promise but for a
 * gamertag.
 *
 * Refuses: requestInvalid, userRequired, gamertagUnknown.
 */
export function findUser(
  context: Context,
  segment: string,
  caller: Caller,
): Xuid | Refusal | Promise<Xuid | Refusal> {
  const gamertag = /^gt\((.+)\)$/i.exec(segment)?.[1];
  return gamertag === undefined ? parseUser(segment, caller) : xuidOfGamertag(context, gamertag);
}

/** Nothing when the caller is this user, or a service. Refuses: userNotYours. */
export function mayActFor(xuid: Xuid, caller: Caller): Refusal | undefined {
  if (caller.kind === 'service' || caller.xuid === xuid) return undefined;
  return new Refusal('userNotYours', `Only user ${xuid} and services may do this.`, {
    detail: `xuid ${xuid}`,
  });
}
