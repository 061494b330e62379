/**
 * All live search handles, in memory, found without looking at each; those of each service config
 * by themselves (search-partition.ts).
 *
 * A candidate is a hint: its session confirms it before anybody sees it.
 */

import type { Guid } from '../domain/ids.ts';
import type { SearchCandidate } from '../domain/search/candidate.ts';
import { comparePositions, positionOf, type Order } from '../domain/search/order.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import {
  SearchPartition,
  type Pause,
  type KnownCandidate,
  type Search,
} from './search-partition.ts';

export type { KnownCandidate };

/**
 * An index without candidates. It checks so many conditions in one step and then lets others run,
 * so that a search through many candidates delays nobody. Of each service config it keeps indexes
 * of so many attributes and roles.
 */
export function createSearchIndex(
  conditionsPerStep = 10_000,
  attributeIndexesMax = 64,
): SearchIndex {
  return new SearchIndex(conditionsPerStep, attributeIndexesMax);
}

export class SearchIndex {
  readonly #partitions = new Map<Guid, SearchPartition>();
  readonly #conditionsPerStep: number;
  readonly #attributeIndexesMax: number;
  /** Up to where the store's changes are in the index; undefined before the first. */
  cursor: string | undefined;
  /** True once everything that was in the store at first is in the index. */
  isLoaded = false;
  /** The last run that follows the store. */
  following: Promise<void> | undefined;
  /** Sessions whose last commit ended with an error: it may have been made or not. */
  readonly staleKeys = new Set<SessionKey>();

  constructor(conditionsPerStep: number, attributeIndexesMax: number) {
    this.#conditionsPerStep = conditionsPerStep;
    this.#attributeIndexesMax = attributeIndexesMax;
  }

  /** How many candidates there are. */
  get size(): number {
    return [...this.#partitions.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** What the index knows of the session, and of which revision. */
  known(key: SessionKey): KnownCandidate | undefined {
    return this.#partitions.get(scidOf(key))?.known(key);
  }

  /** The revision of the session that the index knows; 0 when it knows none. */
  revisionOf(key: SessionKey): number {
    return this.known(key)?.revision ?? 0;
  }

  /**
   * Holds `candidate`, or none when it is undefined, as what this revision of the session is.
   * Nothing, when the index knows a later one.
   */
  put(key: SessionKey, revision: number, candidate: SearchCandidate | undefined): void {
    const scid = scidOf(key);
    const partition = this.#partitions.get(scid) ?? new SearchPartition(this.#attributeIndexesMax);
    partition.put(key, revision, candidate);
    if (partition.size === 0) this.#partitions.delete(scid);
    else this.#partitions.set(scid, partition);
  }

  /**
   * The candidates that the filter selects, in the order asked for, as many at a time as are wanted or
   * fewer;
   * each as it was when it was found. Candidates change while the caller uses a page: one that changes
   * may be missed or come twice.
   */
  search(search: SearchIn, pause: Pause): Candidates {
    const found = search.scids.flatMap((scid) => {
      const partition = this.#partitions.get(scid);
      return partition ? [partition.search(search, this.#conditionsPerStep, pause)] : [];
    });
    const [only] = found;
    return only && found.length === 1 ? only : merged(found, search.order);
  }
}

/** What is searched for, and in which service configs, in lower case. */
export type SearchIn = Search & { readonly scids: readonly Guid[] };

type Candidates = AsyncGenerator<readonly KnownCandidate[], void>;

/** What all find, in one order: each is in it by itself. */
async function* merged(all: readonly Candidates[], order: Order): Candidates {
  const heads = await Promise.all(all.map(async (found) => new Head(found, order).filled()));
  try {
    for (;;) {
      const left = heads.filter(({ first }) => first !== undefined);
      const [head, ...others] = left;
      if (head === undefined) return;
      const next = others.reduce((best, one) => (one.isBefore(best) ? one : best), head);
      const taken: KnownCandidate[] = [];
      do taken.push(next.take());
      while (next.first && left.every((one) => one === next || next.isBefore(one)));
      yield taken;
      await next.filled();
    }
  } finally {
    await Promise.all(all.map((found) => found.return()));
  }
}

/** What was found in one service config and not given out yet. */
class Head {
  readonly #found: Candidates;
  readonly #order: Order;
  #page: readonly KnownCandidate[] = [];
  #at = 0;

  constructor(found: Candidates, order: Order) {
    this.#found = found;
    this.#order = order;
  }

  get first(): KnownCandidate | undefined {
    return this.#page[this.#at];
  }

  /** This head, once it has a first or has come to its end. */
  async filled(): Promise<this> {
    while (this.first === undefined) {
      const next = await this.#found.next();
      if (next.done) break;
      this.#page = next.value;
      this.#at = 0;
    }
    return this;
  }

  /** The first, which must be there; the next one is first then, if it is known already. */
  take(): KnownCandidate {
    const first = this.first as KnownCandidate;
    this.#at += 1;
    return first;
  }

  /** True when the first of this one comes before the first of the other. */
  isBefore(other: Head): boolean {
    if (this.first === undefined || other.first === undefined) return this.first !== undefined;
    const [own, others] = [
      positionOf(this.#order, this.first),
      positionOf(this.#order, other.first),
    ];
    return comparePositions(this.#order, own, others) < 0;
  }
}

function scidOf(key: SessionKey): Guid {
  return key.slice(0, key.indexOf('~'));
}
