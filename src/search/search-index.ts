/**
 * All live search handles, in memory, found without testing each; by service config
 * (search-partition.ts). A candidate is a hint: its session confirms it before anybody sees it.
 */

import type { Guid } from '../domain/ids.ts';
import type { SearchCandidate } from '../domain/search/candidate.ts';
import { comparePositions, positionOf, type Order } from '../domain/search/order.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import { ResultTexts, type ResultText } from './result-texts.ts';
import {
  SearchPartition,
  type Pause,
  type KnownCandidate,
  type Search,
} from './search-partition.ts';

export type { KnownCandidate };

export type SearchIndexSettings = {
  /** It checks so many and then yields, so that a search through many candidates delays nobody. */
  readonly conditionsPerStep: number;
  /** Of each service config it keeps indexes of so many attributes and roles. */
  readonly attributeIndexesMax: number;
  /** For texts of results. */
  readonly textBytesMax: number;
  /**
   * True when no other process commits to the store. Then a candidate of the index is its session as
   * it is now, until the session changes by time.
   */
  readonly isAlone: boolean;
};

/** One reason to read a session again; `looking` while it is read. */
export type Stale = { looking: Promise<void> | undefined };

/** An index without candidates. */
export function createSearchIndex({
  conditionsPerStep = 10_000,
  attributeIndexesMax = 64,
  textBytesMax = 2 ** 20,
  isAlone = false,
}: Partial<SearchIndexSettings> = {}): SearchIndex {
  return new SearchIndex({ conditionsPerStep, attributeIndexesMax, textBytesMax, isAlone });
}

export class SearchIndex {
  readonly #partitions = new Map<Guid, SearchPartition>();
  readonly #settings: SearchIndexSettings;
  readonly #texts: ResultTexts;
  /** The last of the store's changes in the index; undefined before the first. */
  cursor: string | undefined;
  /** True once all that was in the store at first is in the index. */
  isLoaded = false;
  /** The last run that follows the store. */
  following: Promise<void> | undefined;
  /** Sessions that have become stale, and were not read since. */
  readonly staleKeys = new Map<SessionKey, Stale>();

  constructor(settings: SearchIndexSettings) {
    this.#settings = settings;
    this.#texts = new ResultTexts(settings.textBytesMax);
  }

  /** As in the settings. */
  get isAlone(): boolean {
    return this.#settings.isAlone;
  }

  /** The number of candidates. */
  get size(): number {
    return [...this.#partitions.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** The candidate of the session in the index, and its revision. */
  known(key: SessionKey): KnownCandidate | undefined {
    return this.#partitions.get(scidOf(key))?.known(key);
  }

  /**
   * Stores `candidate`, or none when it is undefined, for this revision of the session. When the index has a
   * later one, or the revision is not known, the session becomes stale: it may be an earlier one that was
   * heard of late, or Redis has lost revisions in a failover and counts on from before.
   */
  put(key: SessionKey, revision: number | undefined, candidate: SearchCandidate | undefined): void {
    const known = this.known(key);
    if (revision === undefined || (known && known.revision > revision)) this.noteStale(key);
    else this.#put(key, revision, candidate);
  }

  /**
   * Stores what was read of the session: it counts whatever its revision. `known` is what the index had when
   * the read began; when it has another candidate by now, nobody knows which is later, and the session becomes
   * stale.
   */
  putRead(
    key: SessionKey,
    known: KnownCandidate | undefined,
    read: { readonly revision: number; readonly candidate: SearchCandidate | undefined },
  ): void {
    if (this.known(key) === known) this.#put(key, read.revision, read.candidate);
    else this.noteStale(key);
  }

  #put(key: SessionKey, revision: number, candidate: SearchCandidate | undefined): void {
    const scid = scidOf(key);
    const partition =
      this.#partitions.get(scid) ?? new SearchPartition(this.#settings.attributeIndexesMax);
    partition.put(key, revision, candidate);
    this.#texts.delete(key);
    if (partition.size === 0) this.#partitions.delete(scid);
    else this.#partitions.set(scid, partition);
  }

  /**
   * The text that was kept for this candidate in this form. Undefined when there is none, when the
   * session has changed by time, when it is stale, and when the index has another candidate of the
   * session by now.
   */
  findText(candidate: KnownCandidate, form: number, nowMs: Milliseconds): string | undefined {
    const text = this.#texts.find(candidate.key, form, nowMs);
    return text !== undefined && this.#isCurrent(candidate) ? text : undefined;
  }

  /** Keeps the text until the index has another candidate of the session; not when it already has. */
  keepText(candidate: KnownCandidate, result: ResultText): void {
    if (this.#isCurrent(candidate)) this.#texts.set(candidate.key, result);
  }

  #isCurrent(candidate: KnownCandidate): boolean {
    const { key } = candidate;
    return !this.staleKeys.has(key) && this.known(key) === candidate;
  }

  /**
   * Notes that nobody knows whether the index has the session as it is, as after a commit that ended with an
   * error. It is stale until the store is read after this; no text of it is used.
   */
  noteStale(key: SessionKey): void {
    // Another object each time: a read that has begun before does not end it.
    this.staleKeys.set(key, { looking: undefined });
  }

  /**
   * The candidates that the filter selects, in the requested order, at most `wanted` at a time;
   * each as it was when it was found. Candidates change while the caller uses a page: one that
   * changes may be missed or come twice.
   */
  search(search: SearchIn, pause: Pause): Candidates {
    const found = search.scids.flatMap((scid) => {
      const partition = this.#partitions.get(scid);
      return partition ? [partition.search(search, this.#settings.conditionsPerStep, pause)] : [];
    });
    const [only] = found;
    return only && found.length === 1 ? only : merged(found, search.order);
  }
}

/** The filter and order, and the service configs, in lower case. */
export type SearchIn = Search & { readonly scids: readonly Guid[] };

type Candidates = AsyncGenerator<readonly KnownCandidate[], void>;

/** The results of all service configs, in one order. */
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

/** Results of one service config that were not yielded yet. */
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

  /** This source, once it has a first result or has ended. */
  async filled(): Promise<this> {
    while (this.first === undefined) {
      const next = await this.#found.next();
      if (next.done) break;
      this.#page = next.value;
      this.#at = 0;
    }
    return this;
  }

  /** The first result, which must exist; the next one becomes first, if it is known. */
  take(): KnownCandidate {
    const first = this.first as KnownCandidate;
    this.#at += 1;
    return first;
  }

  /** True when the first of this source comes before the first of the other. */
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
