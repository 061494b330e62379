import type { Xuid } from '../domain/ids.ts';
import type { ListChange, ListEntry, ListName } from '../domain/people/list.ts';

/** Lists of people, each of one user. */
export interface PeopleStore {
  /** One list of a user, whole, in the order in which its entries were first put. */
  list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]>;

  /** Those of `xuids` that are on a list of a user, which may be far longer, in no order. */
  listEntries(owner: Xuid, list: ListName, xuids: readonly Xuid[]): Promise<readonly ListEntry[]>;

  /** How many are on a list of a user; `max` when there are more. */
  listSize(owner: Xuid, list: ListName, max: number): Promise<number>;

  /** Puts entries, in place of those of the same xuid, and drops others: all or nothing. */
  changeList(owner: Xuid, list: ListName, change: ListChange): Promise<void>;
}
