import { LRUCache } from 'lru-cache';
import type { Xuid } from '../domain/ids.ts';
import type { ListChange, ListEntry, ListName, OwnListName } from '../domain/people/list.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { PeopleStore } from '../store/store.ts';
import type { DecideChange, ListOutcome, People } from './people.ts';

export type StoredPeopleSettings = {
  readonly clock: Clock;
  /**
   * How long a cached list is used: by default until this process changes it; shorter where others
   * write to the same store.
   */
  readonly listLifetimeMs?: Milliseconds;
};

/** Lists kept in the process, of at most 2,000 entries each: some 70 MB, if all of them are full. */
const keptListsMax = 500;

/** Lists read at once when many are asked about one user: long ones take milliseconds each. */
const listsAtOnceMax = 5;

/** People whose lists are kept in the store, beside the sessions. */
export function storedPeople(store: PeopleStore, settings: StoredPeopleSettings): People {
  return new StoredPeople(store, settings);
}

/** Who is on a list, in its order, and whether as a favourite. */
type Entries = ReadonlyMap<Xuid, boolean>;

type KeptList = {
  readonly entries: Promise<Entries>;
  readonly readMs: Milliseconds;
};

class StoredPeople implements People {
  readonly #store: PeopleStore;
  readonly #clock: Clock;
  readonly #lifetimeMs: Milliseconds;
  /** The last change of each list that is being changed. */
  readonly #changes = new Map<string, Promise<void>>();
  readonly #kept = new LRUCache<string, KeptList>({ max: keptListsMax });

  constructor(store: PeopleStore, { clock, listLifetimeMs }: StoredPeopleSettings) {
    this.#store = store;
    this.#clock = clock;
    this.#lifetimeMs = listLifetimeMs ?? Number.POSITIVE_INFINITY;
  }

  async anyFollows(followers: readonly Xuid[], xuid: Xuid): Promise<boolean> {
    for (let at = 0; at < followers.length; at += listsAtOnceMax) {
      if (at > 0) await yieldToEventLoop();
      const some = followers.slice(at, at + listsAtOnceMax);
      const lists = await Promise.all(some.map((follower) => this.#entries(follower, 'follows')));
      if (lists.some((entries) => entries.has(xuid))) return true;
    }
    return false;
  }

  async avoids(owner: Xuid, xuid: Xuid): Promise<boolean> {
    return (await this.#entries(owner, 'avoids')).has(xuid);
  }

  async followedBy(xuid: Xuid, list: 'people' | 'favorites'): Promise<readonly Xuid[]> {
    const entries = [...(await this.#entries(xuid, 'follows'))];
    return entries
      .filter(([, isFavorite]) => list === 'people' || isFavorite)
      .map(([followed]) => followed);
  }

  /** As the store has it; what is shown or decided on does not come from the cache. */
  list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    return this.#store.list(owner, list);
  }

  listed(owner: Xuid, list: ListName, xuids: readonly Xuid[]): Promise<readonly ListEntry[]> {
    return this.#store.listEntries(owner, list, xuids);
  }

  size(owner: Xuid, list: ListName, max: number): Promise<number> {
    return this.#store.listSize(owner, list, max);
  }

  /**
   * The follower is noted before the list itself changes: a caller who repeats the request after a
   * failure between the two completes it.
   */
  async change(owner: Xuid, list: OwnListName, decide: DecideChange): Promise<ListOutcome> {
    const key = keptKey(owner, list);
    const before = this.#changes.get(key) ?? Promise.resolve();
    const decided = before.then(async () => {
      const decision = decide(await this.#store.list(owner, list));
      if (decision === undefined || decision instanceof Refusal) return decision;
      await this.#make(owner, list, decision.change);
      return decision;
    });
    const ended = decided.then(
      () => undefined,
      () => undefined,
    );
    this.#changes.set(key, ended);
    try {
      return await decided;
    } finally {
      if (this.#changes.get(key) === ended) this.#changes.delete(key);
    }
  }

  async #make(owner: Xuid, list: OwnListName, change: ListChange): Promise<void> {
    try {
      if (list === 'follows') await this.#changeFollowers(owner, change);
      await this.#store.changeList(owner, list, change);
    } finally {
      // Also when it is unknown whether the store has it, and whatever was read meanwhile.
      this.#kept.delete(keptKey(owner, list));
    }
  }

  async #changeFollowers(owner: Xuid, { put = [], remove = [] }: ListChange): Promise<void> {
    await Promise.all([
      ...put.map(({ xuid, addedMs }) =>
        this.#store.changeList(xuid, 'followers', { put: [{ xuid: owner, addedMs }] }),
      ),
      ...remove.map((xuid) => this.#store.changeList(xuid, 'followers', { remove: [owner] })),
    ]);
  }

  async #entries(owner: Xuid, list: OwnListName): Promise<Entries> {
    const key = keptKey(owner, list);
    const nowMs = this.#clock.nowMs();
    const known = this.#kept.get(key);
    if (known !== undefined && nowMs - known.readMs < this.#lifetimeMs) return known.entries;
    const entries = this.#read(owner, list);
    const kept = { entries, readMs: nowMs };
    this.#kept.set(key, kept);
    try {
      return await entries;
    } catch (error) {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
      throw error;
    }
  }

  async #read(owner: Xuid, list: OwnListName): Promise<Entries> {
    const entries = await this.#store.list(owner, list);
    return new Map(entries.map(({ xuid, isFavorite }) => [xuid, isFavorite ?? false]));
  }
}

function keptKey(owner: Xuid, list: OwnListName): string {
  return `${list}:${owner}`;
}
