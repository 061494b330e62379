import type { Xuid } from '../domain/ids.ts';
import type { ListChange, ListEntry, ListName } from '../domain/people/list.ts';

/** Lists of people, each of one user. */
export interface PeopleStore {
  /** One list of a user, whole, in the order in which its entries were first put. */
  list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]>;

  /** Puts entries, in place of those of the same xuid, and drops others: all or nothing. */
  changeList(owner: Xuid, list: ListName, change: ListChange): Promise<void>;
}
