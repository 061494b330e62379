/**
 * The live search handles of one service config.
 *
 * Each candidate has a slot. Fields of the session and lists have an ordered index of slots each. So do
 * attributes and roles, whose names clients choose, once they are searched for: the first search for
 * one makes the index, and those that are searched for the least go when there are too many. So a name
 * costs nothing by being there. Members of lists are indexed by their hashes.
 *
 * A search goes through the candidates in the order that is asked for, and checks the filter on each.
 * Most searches find enough within a few steps. One that has cost as much as a selection would then
 * selects: each condition is a range of an index, and its slots are a set; `and`, `or` and `not` are
 * operations on sets. Then it
 *
 *     sorts       the selected candidates, where they are few
 *     goes on     through the order, past all that are not selected
 *
 * A slot can be given to another candidate while a search lets others run. So the filter is checked on
 * each candidate again when it is found. A search misses no candidate that does not change meanwhile.
 */

import { lineOf, linesOf, fieldValue, type SearchCandidate } from '../domain/search/candidate.ts';
import { isList, isSessionField } from '../domain/search/fields.ts';
import { matches, type Comparison, type Filter } from '../domain/search/filter.ts';
import { comparePositions, positionOf, type Order, type Position } from '../domain/search/order.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import { OrderedIndex, type Bounds, type Place, type Value } from './ordered-index.ts';
import { SlotSet } from './slot-set.ts';
import { hashText } from './text-hash.ts';

/** A candidate as of a revision of its session. */
export type KnownCandidate = SearchCandidate & { readonly revision: number };

/** The filter and the order of a search. */
export type Search = {
  readonly filter: Filter | undefined;
  readonly order: Order;
  /** The search begins after this place. */
  readonly after?: Position;
  /** How many results the caller will use, or a few more. */
  readonly wanted: number;
};

/** Yields. */
export type Pause = () => Promise<void>;

/** Texts that equal values share. */
const textsMax = 2_000;

/** Searches after which it counts half how often an attribute was searched for. */
const searchesPerHalving = 1_000;

/** Lines of candidates that are read, to make an index, in the time that one condition takes. */
const linesPerCondition = 2;

/** Slots that are put into a set, or looked up in one, in the time of one condition. */
const slotsPerCondition = 64;

const created = 'session/postedTime';

export class SearchPartition {
  readonly #slots = new Map<SessionKey, number>();
  /** By slot. */
  readonly #candidates: (KnownCandidate | undefined)[] = [];
  readonly #everybody = new SlotSet();
  readonly #freeSlots: number[] = [];
  readonly #indexes = new Map<string, OrderedIndex<KnownCandidate>>();
  /** Attributes and roles that have an index, or are about to have one. */
  readonly #uses = new Map<string, Use>();
  #searchesCount = 0;
  /** The indexes that are being made: they have the slots below this one. */
  #making: { readonly fields: ReadonlySet<string>; slot: number } | undefined;
  #made: Promise<void> = Promise.resolve();
  readonly #attributeIndexesMax: number;

  /** Keeps so many indexes of attributes and roles, beside those in use by searches. */
  constructor(attributeIndexesMax: number) {
    this.#attributeIndexesMax = attributeIndexesMax;
  }
  /** Recently seen texts. */
  readonly #texts = new Map<string, string>();

  /** How many candidates there are. */
  get size(): number {
    return this.#slots.size;
  }

  known(key: SessionKey): KnownCandidate | undefined {
    return this.#candidates[this.#slots.get(key) ?? -1];
  }

  /** Puts this candidate of the session, or none, in the place of the known one. */
  put(key: SessionKey, revision: number, next: SearchCandidate | undefined): void {
    const slot = this.#slots.get(key);
    const known = slot === undefined ? undefined : this.#candidates[slot];
    if (slot === undefined || known === undefined) {
      if (next !== undefined) this.#add(this.#compact(next, revision));
      return;
    }
    // Another time of creation means another place among equals: every posting moves.
    const isMoved = known.createTimeMs !== next?.createTimeMs;
    if (next === undefined || isMoved) this.#remove(slot, known);
    if (next !== undefined && isMoved) this.#add(this.#compact(next, revision));
    if (next === undefined || isMoved) return;
    for (const [field, value] of this.#postingsGone(known, next, slot))
      this.#unpost(field, value, slot);
    this.#candidates[slot] = this.#compact(next, revision);
    for (const [field, value] of this.#postingsGone(next, known, slot))
      this.#post(field, value, slot);
  }

  #add(candidate: KnownCandidate): void {
    const slot = this.#freeSlots.pop() ?? this.#candidates.length;
    this.#slots.set(candidate.key, slot);
    this.#candidates[slot] = candidate;
    this.#everybody.add(slot);
    for (const [field, value] of this.#postingsOf(candidate, slot)) this.#post(field, value, slot);
  }

  #remove(slot: number, candidate: KnownCandidate): void {
    for (const [field, value] of this.#postingsOf(candidate, slot))
      this.#unpost(field, value, slot);
    this.#slots.delete(candidate.key);
    this.#candidates[slot] = undefined;
    this.#everybody.delete(slot);
    this.#freeSlots.push(slot);
  }

  /** The candidate with one text in place of many equal ones. */
  #compact(
    { key, createTimeMs, values, lines }: SearchCandidate,
    revision: number,
  ): KnownCandidate {
    const same = Object.entries(values).map(([field, value]) => [field, this.#same(value)]);
    return { key, revision, createTimeMs, values: Object.fromEntries(same), lines };
  }

  readonly #same = <T>(value: T): T => {
    if (typeof value !== 'string') return value;
    const known = this.#texts.get(value);
    if (known !== undefined) return known as T;
    if (this.#texts.size === textsMax) this.#texts.clear();
    this.#texts.set(value, value);
    return value;
  };

  #post(field: string, value: Value, slot: number): void {
    let index = this.#indexes.get(field);
    if (index === undefined) {
      const readValue = (one: KnownCandidate): Value => fieldValue(one, field) as Value;
      index = new OrderedIndex(this.#candidates, isList(field) ? undefined : readValue);
      this.#indexes.set(field, index);
    }
    index.add(value, slot);
  }

  #unpost(field: string, value: Value, slot: number): void {
    const index = this.#indexes.get(field);
    index?.remove(value, slot);
    if (index?.size === 0 && !this.#uses.has(field)) this.#indexes.delete(field);
  }

  /** Every pair of field and value that finds the candidate in this slot. */
  #postingsOf(candidate: SearchCandidate, slot: number): readonly Posting[] {
    return [
      ...Object.entries(candidate.values),
      ...this.#linePostings(candidate, slot, () => true),
    ];
  }

  /** Postings that `before` has and `next` has not; both are of the candidate in this slot. */
  #postingsGone(before: SearchCandidate, next: SearchCandidate, slot: number): readonly Posting[] {
    const gone: Posting[] = Object.entries(before.values).filter(
      ([field, value]) => fieldValue(next, field) !== value,
    );
    if (before.lines === next.lines) return gone;
    const isGone = (line: string): boolean => !next.lines.includes(`\n${line}\n`);
    return [...gone, ...this.#linePostings(before, slot, isGone)];
  }

  /** Those of lists, and of attributes and roles whose index has this slot. */
  #linePostings(
    candidate: SearchCandidate,
    slot: number,
    isAsked: (line: string) => boolean,
  ): readonly Posting[] {
    const postings: Posting[] = [];
    for (const one of linesOf(candidate)) {
      if (!isAsked(one.line)) continue;
      if ('list' in one) postings.push([one.list, hashText(one.line)]);
      else if (this.#isIndexed(one.field, slot)) postings.push([one.field, one.value]);
    }
    return postings;
  }

  /** True of an attribute or role whose index exists, and has this slot. */
  #isIndexed(field: string, slot: number): boolean {
    if (!this.#indexes.has(field)) return false;
    return !this.#making?.fields.has(field) || slot < this.#making.slot;
  }

  /** Keeps the indexes of these attributes and roles, or makes them, until `#release`. */
  #hold(fields: readonly string[]): void {
    this.#searchesCount += 1;
    if (this.#searchesCount % searchesPerHalving === 0) {
      for (const use of this.#uses.values()) use.count /= 2;
    }
    for (const field of fields) {
      const use = this.#uses.get(field) ?? { count: 0, holdersCount: 0 };
      use.count += 1;
      use.holdersCount += 1;
      this.#uses.set(field, use);
    }
  }

  #release(fields: readonly string[]): void {
    for (const field of fields) {
      const use = this.#uses.get(field);
      if (use !== undefined) use.holdersCount -= 1;
    }
    const spareCount = this.#uses.size - this.#attributeIndexesMax;
    if (spareCount <= 0) return;
    const idle = [...this.#uses].filter(([, { holdersCount }]) => holdersCount === 0);
    idle.sort(([, a], [, b]) => a.count - b.count);
    for (const [field] of idle.slice(0, spareCount)) {
      this.#uses.delete(field);
      this.#indexes.delete(field);
    }
  }

  /** Makes the missing indexes of these attributes and roles; one at a time. */
  #make(fields: readonly string[], pace: Pace): Promise<void> {
    this.#made = this.#made.then(async () => {
      const missing = fields.filter((field) => !this.#indexes.has(field));
      if (missing.length === 0) return;
      const made = new Map(missing.map((field) => [field, new OrderedIndex(this.#candidates)]));
      for (const [field, index] of made) this.#indexes.set(field, index);
      const making = { fields: new Set(missing), slot: 0 };
      this.#making = making;
      while (making.slot < this.#candidates.length) {
        const candidate = this.#candidates[making.slot];
        const lines = candidate ? linesOf(candidate) : [];
        for (const one of lines) {
          if ('field' in one) made.get(one.field)?.add(this.#same(one.value), making.slot);
        }
        making.slot += 1;
        await pace.spend((lines.length + 1) / linesPerCondition);
      }
      this.#making = undefined;
    });
    return this.#made;
  }

  /** As `SearchIndex.search`; yields after so many conditions. */
  async *search(
    search: Search,
    conditionsPerStep: number,
    pause: Pause,
  ): AsyncGenerator<readonly KnownCandidate[], void> {
    const pace = new Pace(conditionsPerStep, pause);
    const fields = attributesIn(search);
    this.#hold(fields);
    try {
      const isMade = this.#making === undefined && fields.every((one) => this.#indexes.has(one));
      if (!isMade) await this.#make(fields, pace);
      yield* this.#walk(search, conditionsPerStep, pace);
    } finally {
      this.#release(fields);
    }
  }

  async *#walk(
    search: Search,
    conditionsPerStep: number,
    pace: Pace,
  ): AsyncGenerator<readonly KnownCandidate[], void> {
    const { filter, after, wanted } = search;
    const ranges = this.#rangesOf(search);
    const start = after && ranges[after.group];
    let at: Spot = { group: after?.group ?? 0, place: start && placeOf(after, start) };
    let among: SlotSet | undefined;
    let found: KnownCandidate[] = [];
    /** The cost up to which a walk is cheaper than a selection. */
    let budget = filter ? (this.#estimate(filter).slots + this.size) / slotsPerCondition : Infinity;
    while (at.group < ranges.length) {
      if (among === undefined && filter !== undefined && budget <= 0) {
        among = await this.#select(filter, pace);
        if (among.size ** 2 <= this.size) {
          yield [...found, ...this.#sorted(among, search, at)];
          return;
        }
      }
      const costMax = among ? conditionsPerStep : Math.min(budget, conditionsPerStep);
      const step = this.#step(search, ranges, at, wanted - found.length, costMax, among);
      at = step.at;
      for (const one of step.found) found.push(one);
      if (step.found.length > 0 && found.length >= wanted) {
        yield found;
        found = [];
      }
      if (among === undefined) budget -= step.cost;
      await pace.spend(step.cost);
    }
    yield found;
  }

  /**
   * The ranges of a walk: the n-th for the n-th group of the order. Candidates with one value are
   * in the order of creation.
   */
  #rangesOf({ filter, order: { fields } }: Search): readonly Range[] {
    const one = fields[0] === created && filter !== undefined && this.#oneValueOf(filter);
    if (one) return [one];
    const all = fields.includes(created) ? fields : [...fields, created];
    const last = all.findIndex((field) => this.#indexes.get(field)?.size === this.size);
    return all.slice(0, last + 1).map((field) => ({ field, bounds: {} }));
  }

  /** The smallest range of one value that contains all results of the filter. */
  #oneValueOf(filter: Filter): Range | undefined {
    if (filter.kind !== 'and') {
      const range = rangeOf(filter);
      return range?.bounds.from !== undefined && range.bounds.from === range.bounds.to
        ? range
        : undefined;
    }
    const ranges = filter.of.flatMap((part) => this.#oneValueOf(part) ?? []);
    return ranges.reduce<Range | undefined>(
      (best, one) => (best && this.#countOf(best) <= this.#countOf(one) ? best : one),
      undefined,
    );
  }

  /** The results of the next step: at most `wanted`. It checks one candidate at least. */
  #step(
    { filter, order }: Search,
    ranges: readonly Range[],
    { group, place }: Spot,
    wanted: number,
    costMax: number,
    among: SlotSet | undefined,
  ): Step {
    const conditions = conditionsIn(filter);
    const lookedMax = Math.ceil(among ? costMax * slotsPerCondition : costMax / conditions);
    const foundMax = Math.max(1, Math.min(wanted, Math.floor(costMax / conditions)));
    const stretch = { descending: order.descending, lookedMax, foundMax, among };
    const range = ranges[group] as Range;
    const page = this.#indexes.get(range.field)?.page(range.bounds, place, stretch);
    if (page?.last === undefined) {
      return { found: [], at: { group: group + 1, place: undefined }, cost: 1 };
    }
    const found: KnownCandidate[] = [];
    for (const slot of page.slots) {
      const candidate = this.#candidates[slot];
      if (candidate === undefined || !selects(filter, candidate)) continue;
      if (positionOf(order, candidate).group === group) found.push(candidate);
    }
    const cost = page.slots.length * conditions + page.looked / slotsPerCondition;
    return { found, at: { group, place: page.last }, cost };
  }

  /** Those of a set that the filter selects after a spot, in the requested order. */
  #sorted(among: SlotSet, { filter, order }: Search, spot: Spot): readonly KnownCandidate[] {
    const found: { readonly candidate: KnownCandidate; readonly position: Position }[] = [];
    for (const slot of among) {
      const candidate = this.#candidates[slot];
      if (candidate === undefined || !selects(filter, candidate)) continue;
      const position = positionOf(order, candidate);
      if (isBehind(position, spot, order)) found.push({ candidate, position });
    }
    return found
      .sort((a, b) => comparePositions(order, a.position, b.position))
      .map(({ candidate }) => candidate);
  }

  /** The slots of all that the filter selects. */
  async #select(filter: Filter, pace: Pace): Promise<SlotSet> {
    switch (filter.kind) {
      case 'and':
        return this.#selectAll(filter.of, pace);
      case 'or': {
        const set = new SlotSet(this.#everybody);
        for (const part of filter.of) await this.#addSelected(set, part, pace);
        return set;
      }
      case 'not': {
        const set = this.#everybody.copy();
        set.subtract(await this.#select(filter.of, pace));
        return set;
      }
      default: {
        const set = new SlotSet(this.#everybody);
        await this.#addSelected(set, filter, pace);
        return set;
      }
    }
  }

  async #addSelected(set: SlotSet, filter: Filter, pace: Pace): Promise<void> {
    const range = rangeOf(filter);
    if (range === undefined) set.unite(await this.#select(asNot(filter), pace));
    else {
      const added = this.#indexes.get(range.field)?.addTo(set, range.bounds) ?? 0;
      await pace.spend(added / slotsPerCondition);
    }
  }

  /** The slots that all parts select; where few are left, the filter is checked on each. */
  async #selectAll(parts: readonly Filter[], pace: Pace): Promise<SlotSet> {
    const set = this.#everybody.copy();
    for (const { part, slots } of this.#inOrder(parts)) {
      const range = rangeOf(part);
      if (range && this.#countOf(range) === this.size) continue;
      const cost = set.size * conditionsIn(part);
      if (cost * slotsPerCondition > slots) {
        set.intersect(await this.#select(part, pace));
        continue;
      }
      for (const slot of set) {
        const candidate = this.#candidates[slot];
        if (candidate === undefined || !matches(part, candidate)) set.delete(slot);
      }
      await pace.spend(cost);
    }
    return set;
  }

  /** The cost of a selection by the filter, and the most results that it can have. */
  #estimate(filter: Filter): Estimate {
    switch (filter.kind) {
      case 'and': {
        const [first, ...rest] = this.#inOrder(filter.of);
        return rest.reduce(
          (sum, { part, slots, count }) => ({
            // As `#selectAll` does it: by sets, or by testing the rest.
            slots: sum.slots + Math.min(slots, sum.count * conditionsIn(part) * slotsPerCondition),
            count: Math.min(sum.count, count),
          }),
          first ?? { slots: 0, count: this.size },
        );
      }
      case 'or': {
        const parts = filter.of.map((part) => this.#estimate(part));
        const slots = parts.reduce((sum, part) => sum + part.slots, 0);
        const count = parts.reduce((sum, part) => sum + part.count, 0);
        return { slots, count: Math.min(count, this.size) };
      }
      case 'not':
        return { slots: this.#estimate(filter.of).slots, count: this.size };
      default: {
        const words = this.#candidates.length / 32;
        const range = rangeOf(filter);
        if (range === undefined) return this.#estimate(asNot(filter));
        const count = this.#countOf(range);
        return { slots: words + (count === this.size ? 0 : count), count };
      }
    }
  }

  /** The parts of an `and`, the cheapest to select first. */
  #inOrder(parts: readonly Filter[]): readonly (Estimate & { readonly part: Filter })[] {
    return parts
      .map((part) => ({ part, ...this.#estimate(part) }))
      .sort((a, b) => a.slots - b.slots);
  }

  #countOf({ field, bounds }: Range): number {
    return this.#indexes.get(field)?.count(bounds) ?? 0;
  }
}

/** The use of an index of an attribute or a role: how often, and by how many searches now. */
type Use = { count: number; holdersCount: number };

type Posting = readonly [field: string, value: Value];

/** The attributes and roles of a search, each once. */
function attributesIn({ filter, order }: Search): readonly string[] {
  const fields = [...order.fields, ...(filter ? fieldsIn(filter) : [])];
  return [...new Set(fields)].filter((field) => !isSessionField(field) && !isList(field));
}

function fieldsIn(filter: Filter): readonly string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.of.flatMap(fieldsIn);
    case 'not':
      return fieldsIn(filter.of);
    case 'compare':
      return [filter.field];
    default:
      return [];
  }
}

/** In slots that are put into sets, or the same time. */
type Estimate = { readonly slots: number; readonly count: number };

/** The place of a walk: after a posting in the index of a group, or at its beginning. */
type Spot = { readonly group: number; readonly place: Place | undefined };

type Step = {
  readonly found: readonly KnownCandidate[];
  readonly at: Spot;
  /** In conditions, or the same time. */
  readonly cost: number;
};

/** Yields each time that so many conditions have been checked, or after the same time. */
class Pace {
  readonly #perStep: number;
  readonly #pause: Pause;
  #left: number;

  constructor(perStep: number, pause: Pause) {
    this.#perStep = perStep;
    this.#pause = pause;
    this.#left = perStep;
  }

  async spend(conditions: number): Promise<void> {
    this.#left -= conditions;
    if (this.#left > 0) return;
    await this.#pause();
    this.#left = this.#perStep;
  }
}

/** The range of a condition. */
type Range = { readonly field: string; readonly bounds: Bounds };

/** Undefined for a filter of several parts and for `ne`: they are no range. */
function rangeOf(filter: Filter): Range | undefined {
  switch (filter.kind) {
    case 'has':
      return rangeOfMember(hashText(lineOf(filter.list, filter.value)), filter.list);
    case 'is':
      return { field: filter.flag, bounds: {} };
    case 'compare': {
      const bounds = boundsOf(filter);
      return bounds && { field: filter.field, bounds };
    }
    default:
      return undefined;
  }
}

function rangeOfMember(hash: number, list: string): Range {
  return { field: list, bounds: { from: hash, to: hash } };
}

function boundsOf({ operator, value }: Comparison): Bounds | undefined {
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

/** The same filter; `ne` as the negation of `eq`. */
function asNot(filter: Filter): Filter {
  return filter.kind === 'compare' && filter.operator === 'ne'
    ? { kind: 'not', of: { ...filter, operator: 'eq' } }
    : filter;
}

function selects(filter: Filter | undefined, candidate: SearchCandidate): boolean {
  return filter === undefined || matches(filter, candidate);
}

/** The place of a position in the range of its group. */
function placeOf({ value, createTimeMs, key }: Position, { field, bounds }: Range): Place {
  return { value: bounds.from ?? (field === created ? createTimeMs : value), createTimeMs, key };
}

function isBehind(position: Position, { group, place }: Spot, order: Order): boolean {
  if (position.group !== group || place === undefined) return position.group >= group;
  const value = valueAt(place, order.fields[group]);
  return comparePositions(order, position, { ...place, group, value }) > 0;
}

/** The value of a field at this place, in whichever index the place is. */
function valueAt({ value, createTimeMs }: Place, field: string | undefined): Position['value'] {
  if (field === created) return createTimeMs;
  // There is no order by flags, or by a field that nobody in the group has.
  return field === undefined || value === true ? 0 : value;
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
