import { xuidOf, type Caller } from '../domain/caller.ts';
import type { Xuid } from '../domain/ids.ts';
import {
  mayReadList,
  personUnknown,
  type ListEntry,
  type ListView,
  type OwnListName,
} from '../domain/people/list.ts';
import { Refusal } from '../domain/refusal.ts';
import type { CallersView } from '../domain/people/view.ts';
import type { Context } from './context.ts';

/**
 * The list of `owner`, of which the caller asks to see `view`; favourites are told apart only to who
 * may see them. Refuses: listNotYours.
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
  return mayReadList(owner, 'favorites', caller) === undefined
    ? entries
    : entries.map(({ xuid, addedMs }) => ({ xuid, addedMs }));
}

/** One whom `owner` follows. Refuses: personUnknown for one who is not on the list. */
export async function readPerson(
  world: Context,
  owner: Xuid,
  xuid: Xuid,
  caller: Caller,
): Promise<ListEntry | Refusal> {
  const entries = await readList(world, owner, 'follows', caller);
  if (entries instanceof Refusal) return entries;
  return entries.find((entry) => entry.xuid === xuid) ?? personUnknown(owner, xuid);
}

/** Whom the caller follows and by whom the caller is followed. */
export async function readCallersView({ people }: Context, caller: Caller): Promise<CallersView> {
  const xuid = xuidOf(caller);
  if (xuid === undefined) return { follows: new Set(), followers: new Set() };
  const [follows, followers] = await Promise.all([
    people.list(xuid, 'follows'),
    people.list(xuid, 'followers'),
  ]);
  return {
    follows: new Set(follows.map((entry) => entry.xuid)),
    followers: new Set(followers.map((entry) => entry.xuid)),
  };
}

/** How somebody's lists stand, and how the caller stands to them. */
export async function readSummary(
  { people }: Context,
  xuid: Xuid,
  caller: Caller,
): Promise<{
  readonly followsCount: number;
  readonly followersCount: number;
  readonly ofCaller: ListEntry | undefined;
  readonly isFollowingCaller: boolean;
}> {
  const callerXuid = xuidOf(caller);
  const [follows, followers, own] = await Promise.all([
    people.list(xuid, 'follows'),
    people.list(xuid, 'followers'),
    callerXuid === undefined ? [] : people.list(callerXuid, 'follows'),
  ]);
  return {
    followsCount: follows.length,
    followersCount: followers.length,
    ofCaller: own.find((entry) => entry.xuid === xuid),
    isFollowingCaller: follows.some((entry) => entry.xuid === callerXuid),
  };
}
