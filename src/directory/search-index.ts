/**
 * All live search handles, in memory, found without looking at each.
 *
 * For each service config, and in it for each field that candidates have, an ordered index. A
 * search takes one of two ways, whichever looks at fewer candidates:
 *
 *     gather   those within the most selective part of the filter, check the rest of it, sort
 *     walk     all, in the order that is asked for, and check, until the asker has enough; or, of
 *              those by creation, all that have the one value that the filter asks for
 *
 * What is in here is a hint: whoever is shown a candidate asks its session.
 */

import type { Guid } from '../domain/ids.ts';
import type { SearchCandidate } from '../domain/search/candidate.ts';
import { commonFields, isList } from '../domain/search/fields.ts';
import { matches, type Filter } from '../domain/search/filter.ts';
import { comparePositions, positionOf, type Order, type Position } from '../domain/search/order.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import { OrderedIndex, type Bounds, type Place, type Value } from './ordered-index.ts';

/** What is searched for. */
export type Search = {
  readonly scid: Guid;
  readonly filter: Filter | undefined;
  readonly order: Order;
  /** Goes on behind this place. */
  readonly after?: Position;
  /** How many the asker will look at, or a few more. */
  readonly wanted: number;
};

/** Gives others their turn. */
export type Breathe = () => Promise<void>;

/**
 * An index without candidates. It checks so many conditions in one go, and then breathes, so that a
 * search that looks at many candidates keeps nobody waiting.
 */
export function createSearchIndex(conditionsPerTurn = 20_000): SearchIndex {
  return new SearchIndex(conditionsPerTurn);
}

export class SearchIndex {
  readonly #partitions = new Map<Guid, Partition>();
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

  /** What the index knows of the session, and of which revision. It changes with the next `put`. */
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
    const partition = this.#partitions.get(scid) ?? new Partition();
    partition.put(key, revision, candidate);
    if (partition.size === 0) this.#partitions.delete(scid);
    else this.#partitions.set(scid, partition);
  }

  /**
   * The candidates that the filter selects, in the order asked for, as many at a time as are wanted.
   * While the asker takes its time, others come and go: one that changes meanwhile may be missed or
   * come twice.
   */
  search(search: Search, breathe: Breathe): Candidates {
    const partition = this.#partitions.get(search.scid.toLowerCase()) ?? new Partition();
    const perTurn = this.#conditionsPerTurn / conditionsIn(search.filter);
    return partition.search({ ...search, breathe, perTurn: Math.max(1, Math.floor(perTurn)) });
  }
}

/** A candidate as of a revision of its session. */
export type KnownCandidate = SearchCandidate & { readonly revision: number };

/** Postings that are taken out of an index in one go, at most: those behind the last one wanted are for nothing. */
const pageMax = 200;

/** Candidates that are sorted in one go, at most. */
const gatheredMax = 5_000;

/** Texts of which one is kept for all. */
const textsMax = 2_000;

function scidOf(key: SessionKey): Guid {
  return key.slice(0, key.indexOf('~'));
}

/** A search, and how to take turns with others: so many candidates, then a breath. */
type SearchInTurns = Search & { readonly perTurn: number; readonly breathe: Breathe };

/** A candidate, in a place where all postings see what becomes of it. */
type Held = { -readonly [part in keyof SearchCandidate]: SearchCandidate[part] } & {
  revision: number;
};

/** Candidates of one service config. */
class Partition {
  readonly #held = new Map<SessionKey, Held>();
  readonly #indexes = new Map<string, OrderedIndex<Held>>();
  /** Texts that were seen lately. */
  readonly #texts = new Map<string, string>();

  get size(): number {
    return this.#held.size;
  }

  known(key: SessionKey): KnownCandidate | undefined {
    return this.#held.get(key);
  }

  put(key: SessionKey, revision: number, next: SearchCandidate | undefined): void {
    const held = this.#held.get(key);
    if (held !== undefined && held.revision > revision) return;
    if (held !== undefined && held.createTimeMs === next?.createTimeMs) {
      for (const [field, value] of postingsGone(held, next)) this.#unpost(field, value, held);
      const added = postingsGone(next, held);
      Object.assign(held, this.#compact(next, revision));
      for (const [field, value] of added) this.#post(field, value, held);
      return;
    }
    // Another place among equals: every posting moves.
    if (held !== undefined) this.#remove(held);
    if (next !== undefined) this.#add(this.#compact(next, revision));
  }

  #add(held: Held): void {
    this.#held.set(held.key, held);
    for (const [field, value] of postingsOf(held)) this.#post(field, value, held);
  }

  #remove(held: Held): void {
    this.#held.delete(held.key);
    for (const [field, value] of postingsOf(held)) this.#unpost(field, value, held);
  }

  /** The candidate with one text in place of many equal ones; xuids are seldom equal. */
  #compact({ key, createTimeMs, values, lists }: SearchCandidate, revision: number): Held {
    const texts = Object.entries(lists).map(([list, members]) => [
      list,
      list.endsWith('Xuids') ? members : members.map(this.#same),
    ]);
    const same = Object.entries(values).map(([field, value]) => [field, this.#same(value)]);
    return {
      key,
      revision,
      createTimeMs,
      values: Object.fromEntries(same),
      lists: Object.fromEntries(texts),
    };
  }

  readonly #same = <T>(value: T): T => {
    if (typeof value !== 'string') return value;
    const known = this.#texts.get(value);
    if (known !== undefined) return known as T;
    if (this.#texts.size === textsMax) this.#texts.clear();
    this.#texts.set(value, value);
    return value;
  };

  #post(field: string, value: Value, held: Held): void {
    let index = this.#indexes.get(field);
    if (index === undefined) {
      index = isList(field)
        ? new OrderedIndex<Held>()
        : new OrderedIndex<Held>(({ values }) => values[field] as Value);
      this.#indexes.set(field, index);
    }
    index.add(value, held);
  }

  #unpost(field: string, value: Value, held: Held): void {
    const index = this.#indexes.get(field);
    index?.remove(value, held);
    if (index?.isEmpty) this.#indexes.delete(field);
  }

  async *search(search: SearchInTurns): Candidates {
    const { filter, order, wanted } = search;
    const cover = filter && this.#coverOf(filter);
    if (cover !== undefined && isOneValue(cover.ranges) && order.fields[0] === created) {
      yield* this.#walk(cover.ranges, search);
      return;
    }
    const size = this.#held.size;
    // To walk looks at many for each one that is wanted, the more the fewer there are.
    const isSelective =
      cover !== undefined && cover.count * Math.max(1, cover.share * size) <= size * wanted;
    const gathered = isSelective ? await this.#gather(cover.ranges, search) : undefined;
    if (gathered !== undefined) yield gathered;
    else yield* this.#walk(rangesOf(order), search);
  }

  /** Undefined when there are so many that they are soon found by walking, and long in sorting. */
  async #gather(
    ranges: readonly Range[],
    search: SearchInTurns,
  ): Promise<readonly SearchCandidate[] | undefined> {
    const { filter, order, after } = search;
    const found = new Map<SessionKey, { candidate: SearchCandidate; position: Position }>();
    for (const range of ranges) {
      for await (const page of this.#pages(range, undefined, search)) {
        for (const candidate of page) {
          if (filter !== undefined && !matches(filter, candidate)) continue;
          const position = positionOf(order, candidate);
          if (after !== undefined && comparePositions(order, position, after) <= 0) continue;
          found.set(candidate.key, { candidate, position });
        }
        if (found.size > gatheredMax) return undefined;
      }
    }
    return [...found.values()]
      .sort((a, b) => comparePositions(order, a.position, b.position))
      .map(({ candidate }) => candidate);
  }

  /** Those in the ranges, the n-th of which has the n-th group of the order, in its order. */
  async *#walk(ranges: readonly Range[], search: SearchInTurns): Candidates {
    const { filter, order, after, wanted } = search;
    let found: SearchCandidate[] = [];
    for (let group = after?.group ?? 0; group < ranges.length; group += 1) {
      const range = ranges[group] as Range;
      const start = after?.group === group ? placeOf(after, range) : undefined;
      for await (const page of this.#pages(range, start, search)) {
        for (const candidate of page) {
          if (filter !== undefined && !matches(filter, candidate)) continue;
          if (positionOf(order, candidate).group !== group) continue;
          found.push(candidate);
          if (found.length < wanted) continue;
          yield found;
          found = [];
        }
      }
    }
    yield found;
  }

  /** Those in the range behind a place of it, some at a time, with a breath after each turn. */
  async *#pages(
    { field, bounds }: Range,
    start: Place | undefined,
    { order: { descending }, perTurn, breathe }: SearchInTurns,
  ): AsyncGenerator<readonly Held[], void> {
    const limit = Math.min(perTurn, pageMax);
    let after = start;
    for (let inTurn = limit; ; inTurn += limit) {
      const page = this.#indexes.get(field)?.page(bounds, after, limit, descending);
      if (page?.last === undefined) return;
      after = page.last;
      yield page.entries;
      if (page.entries.length < limit) return;
      if (inTurn < perTurn) continue;
      await breathe();
      inTurn = 0;
    }
  }

  /** Ranges of indexes outside of which the filter selects nobody: of all ways the one with the fewest postings. */
  #coverOf(filter: Filter): Cover | undefined {
    switch (filter.kind) {
      case 'and': {
        const covers = filter.of.flatMap((part) => this.#coverOf(part) ?? []);
        const [best] = covers.toSorted((a, b) => a.count - b.count);
        const share = covers.reduce((product, one) => product * one.share, 1);
        return best && { ...best, share };
      }
      case 'or': {
        const covers = filter.of.map((part) => this.#coverOf(part));
        if (!covers.every((cover) => cover !== undefined)) return undefined;
        return {
          ranges: covers.flatMap(({ ranges }) => ranges),
          count: covers.reduce((sum, { count }) => sum + count, 0),
          share: Math.min(
            1,
            covers.reduce((sum, { share }) => sum + share, 0),
          ),
        };
      }
      case 'has':
        return this.#rangeOf(filter.list, { from: filter.value, to: filter.value });
      case 'compare': {
        const bounds = commonFields.has(filter.field) ? undefined : boundsOf(filter);
        return bounds && this.#rangeOf(filter.field, bounds);
      }
      case 'not':
      case 'is':
        return undefined;
    }
  }

  #rangeOf(field: string, bounds: Bounds): Cover {
    const count = this.#indexes.get(field)?.count(bounds) ?? 0;
    return { ranges: [{ field, bounds }], count, share: count / this.#held.size };
  }
}

const created = 'session/postedTime';

type Candidates = AsyncGenerator<readonly SearchCandidate[], void>;

type Range = { readonly field: string; readonly bounds: Bounds };
type Cover = {
  readonly ranges: readonly Range[];
  /** Of postings in the ranges. */
  readonly count: number;
  /** What part of all candidates the filter may select, if its parts have nothing to do with each other. */
  readonly share: number;
};

function boundsOf({ operator, value }: Extract<Filter, { kind: 'compare' }>): Bounds | undefined {
  switch (operator) {
    case 'eq':
      return { from: value, to: value };
    case 'gt':
      return { from: value, isAfterFrom: true };
    case 'ge':
      return { from: value };
    case 'lt':
      return { to: value, isBeforeTo: true };
    case 'le':
      return { to: value };
    case 'ne':
      return undefined;
  }
}

/** Everybody: one range for each field of the order, and one for those that have none, if there can be. */
function rangesOf({ fields }: Order): readonly Range[] {
  const all = fields.includes(created) ? fields : [...fields, created];
  return all.map((field) => ({ field, bounds: {} }));
}

/** True of ranges that are in the order of creation. */
function isOneValue([first, ...more]: readonly Range[]): boolean {
  const { from, to } = first?.bounds ?? {};
  return from !== undefined && from === to && more.length === 0;
}

/** A position of an order, as a place in the range that is walked for it. */
function placeOf({ value, createTimeMs, key }: Position, { field, bounds }: Range): Place {
  return { value: bounds.from ?? (field === created ? createTimeMs : value), createTimeMs, key };
}

function conditionsIn(filter: Filter | undefined): number {
  switch (filter?.kind) {
    case 'and':
    case 'or':
      return filter.of.reduce((sum, part) => sum + conditionsIn(part), 0);
    case 'not':
      return conditionsIn(filter.of);
    default:
      return 1;
  }
}

/** Every pair of field and value by which the candidate is found. */
function postingsOf({ values, lists }: SearchCandidate): readonly Posting[] {
  const postings: Posting[] = [];
  for (const [field, value] of Object.entries(values)) {
    if (value !== true && !commonFields.has(field)) postings.push([field, value]);
  }
  for (const [list, members] of Object.entries(lists)) {
    for (const member of members) postings.push([list, member]);
  }
  return postings;
}

type Posting = readonly [field: string, value: Value];

/** Postings that `before` has and `next` has not. */
function postingsGone(before: SearchCandidate, next: SearchCandidate): readonly Posting[] {
  return postingsOf(before).filter(([field, value]) => {
    return isList(field)
      ? next.lists[field]?.includes(value as string) !== true
      : next.values[field] !== value;
  });
}
