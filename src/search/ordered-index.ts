/**
 * Which entries have which value of one field, in the order of values; equal values in the order of creation.
 *
 *     chunks    [ a a b | b b c | d f ]      each sorted, each before the next, none empty
 *
 * Small sorted runs in a row: finding is a binary search over the runs and one within a run, and
 * adding moves no more than one run. A posting is the slot of its entry: four bytes.
 */

import type { SlotSet } from './slot-set.ts';

/** A posting: its place among those with the same value. */
export type Entry = { readonly createTimeMs: number; readonly key: string };

export type Value = string | number | true;

/** An absent bound bounds nothing. */
export type Bounds = {
  readonly from?: Value;
  readonly to?: Value;
  /** True when the bound itself is excluded. */
  readonly isAfterFrom?: boolean;
  readonly isBeforeTo?: boolean;
};

/** A place in the order, with or without a posting. */
export type Place = Entry & { readonly value: Value };

/** Slots with spare space; and the values, where entries have several. */
type Chunk = { slots: Uint32Array; size: number; values: Value[] | undefined };

/** The place of a posting, present or not: its chunk, and its number in it. */
type Spot = { readonly chunk: number; readonly at: number };

const chunkPostingsMax = 512;

/** Values of one index are all strings, all numbers or all true. */
export class OrderedIndex<E extends Entry> {
  readonly #chunks: Chunk[] = [];
  #size = 0;
  readonly #entries: readonly (E | undefined)[];
  readonly #readValue: ((entry: E) => Value) | undefined;

  /**
   * An index of these entries by their slots. `readValue` reads the value of an entry. Without it the
   * index keeps the values, since an entry has several.
   */
  constructor(entries: readonly (E | undefined)[], readValue?: (entry: E) => Value) {
    this.#entries = entries;
    this.#readValue = readValue;
  }

  /** The number of postings. */
  get size(): number {
    return this.#size;
  }

  /** Adds a posting that is not there, of the entry in this slot. */
  add(value: Value, slot: number): void {
    this.#size += 1;
    const { createTimeMs, key } = this.#entryIn(slot);
    const spot = this.#spotOf(value, createTimeMs, key, false);
    const [chunk, at] = this.#roomAt(spot);
    if (chunk.size === chunk.slots.length) chunk.slots = withRoom(chunk.slots);
    if (at < chunk.size) chunk.slots.copyWithin(at + 1, at, chunk.size);
    chunk.slots[at] = slot;
    chunk.values?.splice(at, 0, value);
    chunk.size += 1;
  }

  /**
   * Removes a posting that is there; the entry in the slot must still be the same, with the same
   * value.
   */
  remove(value: Value, slot: number): void {
    const { createTimeMs, key } = this.#entryIn(slot);
    const { chunk, at } = this.#spotOf(value, createTimeMs, key, false);
    const found = this.#chunks[chunk];
    if (found?.slots[at] !== slot || at >= found.size || this.#valueAt(found, at) !== value) {
      throw new Error('a posting to be removed is not in its index');
    }
    this.#size -= 1;
    found.size -= 1;
    found.slots.copyWithin(at, at + 1);
    found.values?.splice(at, 1);
    if (found.size === 0) this.#chunks.splice(chunk, 1);
  }

  /** The number of postings within the bounds. */
  count(bounds: Bounds): number {
    const [from, to] = this.#spotsOf(bounds);
    if (from.chunk > to.chunk) return 0;
    // A value that all entries have needs no sum.
    if (from.chunk === 0 && from.at === 0 && to.chunk === this.#chunks.length) return this.#size;
    let count = to.at - from.at;
    for (let n = from.chunk; n < to.chunk; n += 1) count += this.#chunks[n]?.size ?? 0;
    return Math.max(0, count);
  }

  /** Adds the slots of all postings within the bounds to `set`; returns their number. */
  addTo(set: SlotSet, bounds: Bounds): number {
    const [from, to] = this.#spotsOf(bounds);
    let added = 0;
    for (let n = from.chunk; n <= to.chunk; n += 1) {
      const { slots = none, size = 0 } = this.#chunks[n] ?? {};
      const end = n === to.chunk ? to.at : size;
      for (let at = n === from.chunk ? from.at : 0; at < end; at += 1) {
        set.add(slots[at] ?? 0);
        added += 1;
      }
    }
    return added;
  }

  /**
   * The slots of the next postings within the bounds, after `after`, the lowest value first, or the
   * highest if `descending`: of those that are in `among`, if that is given. No more than `foundMax`
   * are found, and no more than `lookedMax` looked at.
   */
  page(bounds: Bounds, after: Place | undefined, stretch: Stretch): Page {
    const { descending, lookedMax, foundMax, among } = stretch;
    let [from, to] = this.#spotsOf(bounds);
    if (after !== undefined) {
      const spot = this.#spotOf(after.value, after.createTimeMs, after.key, !descending);
      if (descending) to = earlier(to, spot);
      else from = later(from, spot);
    }
    const found: number[] = [];
    let looked = 0;
    let last: Spot | undefined;
    const [first, end, step] = descending ? [to, from, -1] : [from, to, 1];
    for (let n = first.chunk; n * step <= end.chunk * step; n += step) {
      if (looked === lookedMax || found.length === foundMax) break;
      const { slots = none, size = 0 } = this.#chunks[n] ?? {};
      const low = n === from.chunk ? from.at : 0;
      const high = n === to.chunk ? to.at : size;
      const start = descending ? high - 1 : low;
      const count = Math.min(high - low, lookedMax - looked);
      let gone = 0;
      for (; gone < count && found.length < foundMax; gone += 1) {
        const slot = slots[start + gone * step] ?? 0;
        if (among === undefined || among.has(slot)) found.push(slot);
      }
      if (gone <= 0) continue;
      looked += gone;
      last = { chunk: n, at: start + (gone - 1) * step };
    }
    return { slots: found, looked, last: last && this.#placeAt(last) };
  }

  #entryIn(slot: number): E {
    const entry = this.#entries[slot];
    if (entry === undefined) throw new Error('a slot that is posted has no entry');
    return entry;
  }

  #valueAt({ slots, values }: Chunk, at: number): Value {
    return (values ? values[at] : this.#readValue?.(this.#entryIn(slots[at] ?? 0))) as Value;
  }

  #placeAt({ chunk: n, at }: Spot): Place {
    const chunk = this.#chunks[n] as Chunk;
    const { createTimeMs, key } = this.#entryIn(chunk.slots[at] ?? 0);
    return { value: this.#valueAt(chunk, at), createTimeMs, key };
  }

  /** The chunk for a posting of this spot, and its number there. */
  #roomAt(spot: Spot): readonly [chunk: Chunk, at: number] {
    const found = this.#chunks[spot.chunk];
    if (found === undefined) {
      // At the end: a full chunk stays full, for postings in ascending order.
      const last = this.#chunks.at(-1);
      if (last !== undefined && last.size < chunkPostingsMax) return [last, last.size];
      const values = this.#readValue ? undefined : [];
      const chunk = { slots: new Uint32Array(4), size: 0, values };
      this.#chunks.push(chunk);
      return [chunk, 0];
    }
    if (found.size < chunkPostingsMax) return [found, spot.at];
    const half = found.size >> 1;
    // Copies, since an array that was cut keeps its space.
    const right = {
      slots: found.slots.slice(half),
      size: found.size - half,
      values: found.values?.slice(half),
    };
    found.slots = found.slots.slice(0, half);
    found.values = found.values?.slice(0, half);
    found.size = half;
    this.#chunks.splice(spot.chunk + 1, 0, right);
    return spot.at <= half ? [found, spot.at] : [right, spot.at - half];
  }

  #spotsOf({ from, to, isAfterFrom = false, isBeforeTo = false }: Bounds): [Spot, Spot] {
    return [
      from === undefined ? { chunk: 0, at: 0 } : this.#cut(from, isAfterFrom),
      to === undefined ? { chunk: this.#chunks.length, at: 0 } : this.#cut(to, !isBeforeTo),
    ];
  }

  /** Before all postings of this value, or after them. */
  #cut(value: Value, isBehind: boolean): Spot {
    return this.#spotOf(value, isBehind ? Infinity : -Infinity, '', isBehind);
  }

  /** Before the posting at this place, or after it. */
  #spotOf(value: Value, createTimeMs: number, key: string, isBehind: boolean): Spot {
    let [low, high] = [0, this.#chunks.length];
    // Postings in the order of creation mostly go to the end.
    const last = this.#chunks.at(-1);
    if (last && this.#isBefore(last, last.size - 1, value, createTimeMs, key, isBehind)) low = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      const chunk = this.#chunks[middle] as Chunk;
      const last = chunk.size - 1;
      if (this.#isBefore(chunk, last, value, createTimeMs, key, isBehind)) low = middle + 1;
      else high = middle;
    }
    const chunk = this.#chunks[low];
    if (chunk === undefined) return { chunk: low, at: 0 };
    let [first, end] = [0, chunk.size];
    while (first < end) {
      const middle = (first + end) >> 1;
      if (this.#isBefore(chunk, middle, value, createTimeMs, key, isBehind)) first = middle + 1;
      else end = middle;
    }
    return { chunk: low, at: first };
  }

  /** True when the posting at `at` comes before the place, or is it and `isBehind`. */
  #isBefore(
    chunk: Chunk,
    at: number,
    value: Value,
    createTimeMs: number,
    key: string,
    isBehind: boolean,
  ): boolean {
    const held = this.#valueAt(chunk, at);
    if (held !== value) return held < value;
    const entry = this.#entryIn(chunk.slots[at] ?? 0);
    if (entry.createTimeMs !== createTimeMs) return entry.createTimeMs < createTimeMs;
    return entry.key < key || (isBehind && entry.key === key);
  }
}

/** The part of an index for a page. */
export type Stretch = {
  readonly descending: boolean;
  readonly lookedMax: number;
  readonly foundMax: number;
  readonly among?: SlotSet | undefined;
};

export type Page = {
  readonly slots: readonly number[];
  /** How many postings were looked at. */
  readonly looked: number;
  /** Where the next page begins; undefined when this one is empty. */
  readonly last: Place | undefined;
};

const none = new Uint32Array(0);

/** The same slots with space for half as many more. */
function withRoom(slots: Uint32Array): Uint32Array {
  const roomy = new Uint32Array(Math.min(chunkPostingsMax, slots.length + (slots.length >> 1) + 2));
  roomy.set(slots);
  return roomy;
}

function earlier(a: Spot, b: Spot): Spot {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.at <= b.at) ? a : b;
}

function later(a: Spot, b: Spot): Spot {
  return earlier(a, b) === a ? b : a;
}
