import type { Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { formatTime } from '../time.ts';
import type { ListEntry } from './list.ts';
import type { PeoplePage } from './request.ts';

/** The people whom the caller follows, and who follow the caller; of a service none. */
export type CallersView = {
  readonly follows: ReadonlySet<Xuid>;
  readonly followers: ReadonlySet<Xuid>;
};

/** A person on somebody's list, as the caller sees them. @source docs/wire/people.md "People" */
export function viewPerson(entry: ListEntry, { follows, followers }: CallersView): JsonObject {
  return {
    xuid: entry.xuid,
    addedDateTimeUtc: formatTime(entry.addedMs),
    isFavorite: entry.isFavorite ?? false,
    isFollowingCaller: followers.has(entry.xuid),
    isFollowedByCaller: follows.has(entry.xuid),
  };
}

/** A page of a list; `totalCount` is the size of the whole view. @source docs/wire/people.md "People" */
export function viewPeople(
  entries: readonly ListEntry[],
  { view, startIndex, itemsMax }: PeoplePage,
  caller: CallersView,
): JsonObject {
  // Nobody here is a friend of the time before these lists.
  const shown = view === 'LegacyXboxLiveFriends' ? [] : entries.filter(inView(view));
  const people = shown.slice(startIndex, startIndex + itemsMax);
  return { people: people.map((entry) => viewPerson(entry, caller)), totalCount: shown.length };
}

function inView(view: PeoplePage['view']): (entry: ListEntry) => boolean {
  return ({ isFavorite }) => view === 'All' || isFavorite === true;
}

/**
 * How many people a user follows and is followed by, and the relation of the caller to the user.
 */
export function viewSummary(
  target: { readonly followsCount: number; readonly followersCount: number },
  ofCaller: ListEntry | undefined,
  isTargetFollowingCaller: boolean,
): JsonObject {
  return {
    targetFollowingCount: target.followsCount,
    targetFollowerCount: target.followersCount,
    isCallerFollowingTarget: ofCaller !== undefined,
    isTargetFollowingCaller,
    hasCallerMarkedTargetAsFavorite: ofCaller?.isFavorite ?? false,
    hasCallerMarkedTargetAsKnown: false,
    legacyFriendStatus: 'None',
  };
}

/** An avoid or mute list. @source docs/wire/people.md "People" */
export function viewUsers(entries: readonly ListEntry[]): JsonObject {
  return { users: entries.map(({ xuid }) => ({ xuid })) };
}
