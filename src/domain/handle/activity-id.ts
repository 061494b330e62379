/**
 * Ids of activities that the server draws: they name their owner, so that a store finds an activity by its
 * owner and need not index its id, which changes with each POST.
 */

import type { Guid, Xuid } from '../ids.ts';

/** The largest id of a user that fits. */
const xuidMax = 0xffff_ffff_ffff_ffffn;

/** A GUID of version 8, "what its maker says": 58 drawn bits, and the 64 of the owner. */
const pattern =
  /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{2}([0-9a-f])-[89ab]([0-9a-f]{3})-([0-9a-f]{12})$/;

/**
 * The id of an activity of this user, lower-case, as hard to guess as 58 random bits are; `freshGuid`, which
 * is random, where the owner's id does not fit.
 */
export function activityIdOf(ownerXuid: Xuid, freshGuid: Guid): Guid {
  const x = hexOf(ownerXuid);
  if (x === undefined) return freshGuid;
  const drawn = freshGuid.toLowerCase();
  const [first, fourth, last] = [drawn.slice(0, 2), drawn.slice(19, 20), drawn.slice(24)] as const;
  return `${last.slice(4)}-${last.slice(0, 4)}-8${first}${x.slice(0, 1)}-${fourth}${x.slice(1, 4)}-${x.slice(4)}`;
}

/** The 16 hex digits of a user's id; undefined where they are too few, or the id has leading zeros. */
function hexOf(xuid: Xuid): string | undefined {
  const near = Number(xuid);
  // As most are; the others are slower.
  const owner = Number.isSafeInteger(near) ? near : BigInt(xuid);
  if (owner > xuidMax || String(owner) !== xuid) return undefined;
  return owner.toString(16).padStart(16, '0');
}

/** The owner that an id names if `activityIdOf` made it; undefined for ids of another form. */
export function ownerOfActivityId(id: Guid): Xuid | undefined {
  const [, first, second, third] = pattern.exec(id.toLowerCase()) ?? [];
  return first === undefined ? undefined : String(BigInt(`0x${first}${second}${third}`));
}
