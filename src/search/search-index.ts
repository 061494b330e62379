/**
 * All live search handles, in memory, found without looking at each; those of each service config
 * by themselves (search-partition.ts).
 *
 * What is in here is a hint: whoever is shown a candidate asks its session.
 */

import type { Guid } from '../domain/ids.ts';
import type { SearchCandidate } from '../domain/search/candidate.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import {
  SearchPartition,
  type Breathe,
  type KnownCandidate,
  type Search,
} from './search-partition.ts';

export type { KnownCandidate };

/**
 * An index without candidates. It checks so many conditions in one go, and then breathes, so that a
 * search that looks at many candidates keeps nobody waiting.
 */
export function createSearchIndex(conditionsPerTurn = 10_000): SearchIndex {
  return new SearchIndex(conditionsPerTurn);
}

export class SearchIndex {
  readonly #partitions = new Map<Guid, SearchPartition>();
  readonly #conditionsPerTurn: number;
  /** Up to where the store's changes are in the index; undefined before the first. */
  cursor: string | undefined;
  /** True once everything that was in the store at first is in the index. */
  isLoaded = false;
  /** The last run that follows the store. */
  following: Promise<void> | undefined;
  /** Sessions of which nobody knows what became of their last commit. */
  readonly doubtful = new Set<SessionKey>();

  constructor(conditionsPerTurn: number) {
    this.#conditionsPerTurn = conditionsPerTurn;
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
    const partition = this.#partitions.get(scid) ?? new SearchPartition();
    partition.put(key, revision, candidate);
    if (partition.size === 0) this.#partitions.delete(scid);
    else this.#partitions.set(scid, partition);
  }

  /**
   * The candidates that the filter selects, in the order asked for, as many at a time as are wanted;
   * each as it was when it was found, and selected as such. While the asker takes its time, others
   * come and go: one that changes meanwhile may be missed or come twice.
   */
  search(search: Search & { readonly scid: Guid }, breathe: Breathe): Candidates {
    const partition = this.#partitions.get(search.scid.toLowerCase()) ?? new SearchPartition();
    return partition.search(search, this.#conditionsPerTurn, breathe);
  }
}

type Candidates = AsyncGenerator<readonly KnownCandidate[], void>;

function scidOf(key: SessionKey): Guid {
  return key.slice(0, key.indexOf('~'));
}
