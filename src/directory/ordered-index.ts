/**
 * Who has which value of one field, in the order of values, and of creation among equal ones.
 *
 *     chunks    [ a a b | b b c | d f ]      each sorted, each before the next, none empty
 *
 * Small sorted runs in a row: finding is a binary search over the runs and one within a run, and
 * adding moves no more than one run. A posting costs an array slot, or two where the value is kept.
 */

/** What is found: where it stands among those with the same value. */
export type Entry = { readonly createTimeMs: number; readonly key: string };

export type Value = string | number;

/** A bound that is absent bounds nothing. */
export type Bounds = {
  readonly from?: Value;
  readonly to?: Value;
  /** True when the bound itself lies outside. */
  readonly isAfterFrom?: boolean;
  readonly isBeforeTo?: boolean;
};

/** A place in the order: that of a posting, there or not. */
export type Place = Entry & { readonly value: Value };

type Chunk<E> = { entries: E[]; values: Value[] | undefined };

/** Where a posting is, or would be: its chunk, and its number in it. */
type Spot = { readonly chunk: number; readonly at: number };

// An array that outgrows half of this takes room for this many at once, and no more.
const chunkPostingsMax = 200;

/** Values of one index are all strings or all numbers. */
export class OrderedIndex<E extends Entry> {
  readonly #chunks: Chunk<E>[] = [];
  readonly #readValue: ((entry: E) => Value) | undefined;

  /** `readValue` tells the value of an entry; without it values are kept, since an entry has many. */
  constructor(readValue?: (entry: E) => Value) {
    this.#readValue = readValue;
  }

  /** True when nobody has a value. */
  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Adds a posting that is not there. */
  add(value: Value, entry: E): void {
    const spot = this.#spotOf(value, entry.createTimeMs, entry.key, false);
    // Behind the last of all: it goes to the end of the last chunk.
    const chunk = Math.min(spot.chunk, this.#chunks.length - 1);
    const found = this.#chunks[chunk];
    if (found === undefined) {
      this.#chunks.push({ entries: [entry], values: this.#readValue ? undefined : [value] });
      return;
    }
    const at = spot.chunk === chunk ? spot.at : found.entries.length;
    found.entries.splice(at, 0, entry);
    found.values?.splice(at, 0, value);
    if (found.entries.length > chunkPostingsMax) this.#split(chunk, found);
  }

  /** Removes a posting that is there; of an index with `readValue`, while its value is what it was. */
  remove(value: Value, { createTimeMs, key }: E): void {
    const { chunk, at } = this.#spotOf(value, createTimeMs, key, false);
    const found = this.#chunks[chunk];
    if (found?.entries[at]?.key !== key || this.#valueAt(found, at) !== value) {
      throw new Error('a posting to be removed is not in its index');
    }
    found.entries.splice(at, 1);
    found.values?.splice(at, 1);
    if (found.entries.length === 0) this.#chunks.splice(chunk, 1);
  }

  /** How many postings lie within the bounds. */
  count(bounds: Bounds): number {
    const [from, to] = this.#spotsOf(bounds);
    if (from.chunk > to.chunk) return 0;
    let count = to.at - from.at;
    for (let n = from.chunk; n < to.chunk; n += 1) count += this.#chunks[n]?.entries.length ?? 0;
    return Math.max(0, count);
  }

  /**
   * At most `limit` entries within the bounds that come after `after`, the lowest value first, or
   * the highest if `descending`; and the place of the last of them.
   */
  page(bounds: Bounds, after: Place | undefined, limit: number, descending: boolean): Page<E> {
    let [from, to] = this.#spotsOf(bounds);
    if (after !== undefined) {
      const spot = this.#spotOf(after.value, after.createTimeMs, after.key, !descending);
      if (descending) to = earlier(to, spot);
      else from = later(from, spot);
    }
    const entries: E[] = [];
    const last = descending
      ? this.#takeBackward(from, to, limit, entries)
      : this.#takeForward(from, to, limit, entries);
    return { entries, last };
  }

  #takeForward(from: Spot, to: Spot, limit: number, entries: E[]): Place | undefined {
    let last: Place | undefined;
    for (let n = from.chunk; n <= to.chunk && entries.length < limit; n += 1) {
      const chunk = this.#chunks[n];
      const start = n === from.chunk ? from.at : 0;
      const end = n === to.chunk ? to.at : (chunk?.entries.length ?? 0);
      const stop = Math.min(end, start + limit - entries.length);
      for (let at = start; at < stop; at += 1) entries.push(chunk?.entries[at] as E);
      if (start < stop) last = this.#placeAt(chunk, stop - 1);
    }
    return last;
  }

  #takeBackward(from: Spot, to: Spot, limit: number, entries: E[]): Place | undefined {
    let last: Place | undefined;
    for (let n = to.chunk; n >= from.chunk && entries.length < limit; n -= 1) {
      const chunk = this.#chunks[n];
      const start = n === to.chunk ? to.at : (chunk?.entries.length ?? 0);
      const end = n === from.chunk ? from.at : 0;
      const stop = Math.max(end, start - limit + entries.length);
      for (let at = start - 1; at >= stop; at -= 1) entries.push(chunk?.entries[at] as E);
      if (stop < start) last = this.#placeAt(chunk, stop);
    }
    return last;
  }

  #valueAt({ entries, values }: Chunk<E>, at: number): Value {
    return (values ? values[at] : this.#readValue?.(entries[at] as E)) as Value;
  }

  #placeAt(chunk: Chunk<E> | undefined, at: number): Place | undefined {
    const entry = chunk?.entries[at];
    if (chunk === undefined || entry === undefined) return undefined;
    const { createTimeMs, key } = entry;
    return { value: this.#valueAt(chunk, at), createTimeMs, key };
  }

  /** Copies, since an array that was cut keeps the room it had. */
  #split(n: number, chunk: Chunk<E>): void {
    const half = chunk.entries.length >> 1;
    const right = { entries: chunk.entries.slice(half), values: chunk.values?.slice(half) };
    chunk.entries = chunk.entries.slice(0, half);
    chunk.values = chunk.values?.slice(0, half);
    this.#chunks.splice(n + 1, 0, right);
  }

  #spotsOf({ from, to, isAfterFrom = false, isBeforeTo = false }: Bounds): [Spot, Spot] {
    return [
      from === undefined ? { chunk: 0, at: 0 } : this.#cut(from, isAfterFrom),
      to === undefined ? { chunk: this.#chunks.length, at: 0 } : this.#cut(to, !isBeforeTo),
    ];
  }

  /** Before all postings of this value, or behind them. */
  #cut(value: Value, isBehind: boolean): Spot {
    return this.#spotOf(value, isBehind ? Infinity : -Infinity, '', isBehind);
  }

  /** Before the posting at this place, or behind it. */
  #spotOf(value: Value, createTimeMs: number, key: string, isBehind: boolean): Spot {
    let [low, high] = [0, this.#chunks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const chunk = this.#chunks[middle] as Chunk<E>;
      const last = chunk.entries.length - 1;
      if (this.#isBefore(chunk, last, value, createTimeMs, key, isBehind)) low = middle + 1;
      else high = middle;
    }
    const chunk = this.#chunks[low];
    if (chunk === undefined) return { chunk: low, at: 0 };
    let [first, end] = [0, chunk.entries.length];
    while (first < end) {
      const middle = (first + end) >> 1;
      if (this.#isBefore(chunk, middle, value, createTimeMs, key, isBehind)) first = middle + 1;
      else end = middle;
    }
    return { chunk: low, at: first };
  }

  /** True when the posting at `at` comes before the place, or is it and `isBehind`. */
  #isBefore(
    chunk: Chunk<E>,
    at: number,
    value: Value,
    createTimeMs: number,
    key: string,
    isBehind: boolean,
  ): boolean {
    const held = this.#valueAt(chunk, at);
    if (held !== value) return held < value;
    const entry = chunk.entries[at] as E;
    if (entry.createTimeMs !== createTimeMs) return entry.createTimeMs < createTimeMs;
    return entry.key < key || (isBehind && entry.key === key);
  }
}

export type Page<E> = {
  readonly entries: readonly E[];
  /** Where the next page goes on; undefined when there is nobody on this one. */
  readonly last: Place | undefined;
};

function earlier(a: Spot, b: Spot): Spot {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.at <= b.at) ? a : b;
}

function later(a: Spot, b: Spot): Spot {
  return earlier(a, b) === a ? b : a;
}
