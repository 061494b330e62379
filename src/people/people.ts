import type { Xuid } from '../domain/ids.ts';
import type { ListDecision, ListEntry, ListName, OwnListName } from '../domain/people/list.ts';
import type { Refusal } from '../domain/refusal.ts';

/** The next list; undefined: unchanged. */
export type ListOutcome = ListDecision | Refusal | undefined;

export type DecideChange = (entries: readonly ListEntry[]) => ListOutcome;

/**
 * Who knows whom: what the directory asks about people. A studio can plug its own.
 *
 * @source docs/wire/people.md "People"
 */
export interface People {
  /** True when somebody of `followers` follows `xuid`. */
  anyFollows(followers: readonly Xuid[], xuid: Xuid): Promise<boolean>;

  /** True when `owner` has put `xuid` on the avoid list. */
  avoids(owner: Xuid, xuid: Xuid): Promise<boolean>;

  /** The users whom `xuid` follows, or the favourites among them. */
  followedBy(xuid: Xuid, list: 'people' | 'favorites'): Promise<readonly Xuid[]>;

  /** One list of a user, whole, in the order in which its entries were first put. */
  list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]>;

  /** Those of `xuids` that are on a user's list, which may be far longer, in no order. */
  listed(owner: Xuid, list: ListName, xuids: readonly Xuid[]): Promise<readonly ListEntry[]>;

  /** How many are on a list of a user; `max` when there are more. */
  size(owner: Xuid, list: ListName, max: number): Promise<number>;

  /**
   * Changes a list as `decide` says of its current entries, and returns the decision. Changes of
   * one list come one after the other; two processes at once may together exceed its limit a
   * little. A refusal may also say that these lists are changed elsewhere.
   */
  change(owner: Xuid, list: OwnListName, decide: DecideChange): Promise<ListOutcome>;
}
