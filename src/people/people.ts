import type { Xuid } from '../domain/ids.ts';
import type { ListChange, ListEntry, ListName, OwnListName } from '../domain/people/list.ts';
import type { Refusal } from '../domain/refusal.ts';

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

  /** Those whom `xuid` follows, or the favourites among them. */
  followedBy(xuid: Xuid, list: 'people' | 'favorites'): Promise<readonly Xuid[]>;

  /** One list of a user, whole, in the order in which its entries were first put. */
  list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]>;

  /**
   * Makes a change that was decided upon the list. A refusal says that these lists are changed
   * elsewhere.
   */
  change(owner: Xuid, list: OwnListName, change: ListChange): Promise<Refusal | undefined>;
}
