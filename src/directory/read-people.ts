import { xuidOf, type Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import {
  mayReadList,
  personUnknown,
  type ListEntry,
  type ListView,
  type OwnListName,
} from '../domain/people/list.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { CallersView } from '../domain/people/view.ts';
import type { Context } from './context.ts';

/**
 * The `view` of the list of `owner` that the caller asks for; favourites are marked only for
 * callers who may see them.
 *
 * Refuses: listNotYours.
 */
export async function readList(
  { people }: Context,
  owner: Xuid,
  view: ListView,
  caller: Caller,
): Promise<readonly ListEntry[] | Refusal> {
  const list: OwnListName = view === 'favorites' ? 'follows' : view;
  const refusal = mayReadList(owner, view, caller);
  if (refusal) return refusal;
  const entries = await people.list(owner, list);
  return entries.map((entry) => asShown(entry, owner, caller));
}

/** The entry, as a favourite only for callers who may see favourites. */
function asShown(entry: ListEntry, owner: Xuid, caller: Caller): ListEntry {
  if (mayReadList(owner, 'favorites', caller) === undefined) return entry;
  const { xuid, addedMs } = entry;
  return { xuid, addedMs };
}

/** A user whom `owner` follows. Refuses: personUnknown for one who is not on the list. */
export async function readPerson(
  context: Context,
  owner: Xuid,
  xuid: Xuid,
  caller: Caller,
): Promise<ListEntry | Refusal> {
  const refusal = mayReadList(owner, 'follows', caller);
  if (refusal) return refusal;
  const [entry] = await context.people.listed(owner, 'follows', [xuid]);
  if (entry === undefined) return personUnknown(owner, xuid);
  return asShown(entry, owner, caller);
}

/** Which of these people the caller follows, and which of them follow the caller. */
export async function readCallersView(
  { people }: Context,
  caller: Caller,
  shown: readonly ListEntry[],
): Promise<CallersView> {
  const xuid = xuidOf(caller);
  if (xuid === undefined) return { follows: new Set(), followers: new Set() };
  const xuids = shown.map((entry) => entry.xuid);
  const [follows, followers] = await Promise.all([
    people.listed(xuid, 'follows', xuids),
    people.listed(xuid, 'followers', xuids),
  ]);
  return {
    follows: new Set(follows.map((entry) => entry.xuid)),
    followers: new Set(followers.map((entry) => entry.xuid)),
  };
}

/** The counts of an owner's lists, and the relation of the caller to the owner. */
export async function readSummary(
  { people }: Context,
  xuid: Xuid,
  caller: Caller,
): Promise<{
  readonly followsCount: number;
  /** At most followersCountedMax. */
  readonly followersCount: number;
  readonly ofCaller: ListEntry | undefined;
  readonly isFollowingCaller: boolean;
}> {
  const callerXuid = xuidOf(caller);
  const [followsCount, followersCount, ofCaller, back] = await Promise.all([
    people.size(xuid, 'follows', limits.followsMax),
    people.size(xuid, 'followers', limits.followersCountedMax),
    callerXuid === undefined ? [] : people.listed(callerXuid, 'follows', [xuid]),
    callerXuid === undefined ? [] : people.listed(xuid, 'follows', [callerXuid]),
  ]);
  return {
    followsCount,
    followersCount,
    ofCaller: ofCaller[0],
    isFollowingCaller: back.length > 0,
  };
}
