/**
 * Who has which value of one field, in the order of values, and of creation among equal ones.
 *
 *     chunks    [ a a b | b b c | d f ]      each sorted, each before the next, none empty
 *
 * Small sorted runs in a row: finding is a binary search over the runs and one within a run, and
 * adding moves no more than one run. A posting costs two array slots.
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

type Chunk<E> = { readonly values: Value[]; readonly entries: E[] };

/** Where a posting is, or would be: its chunk, and its number in it. */
type Spot = { readonly chunk: number; readonly at: number };

const chunkPostingsMax = 256;

/** Values of one index are all strings or all numbers. */
export class OrderedIndex<E extends Entry> {
  readonly #chunks: Chunk<E>[] = [];

  /** True when nobody has a value. */
  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Adds a posting that is not there. */
  add(value: Value, entry: E): void {
    const { createTimeMs, key } = entry;
    const spot = this.#spotOf({ value, createTimeMs, key }, false);
    // Behind the last of all: it goes to the end of the last chunk.
    const chunk = Math.min(spot.chunk, this.#chunks.length - 1);
    const found = this.#chunks[chunk];
    if (found === undefined) {
      this.#chunks.push({ values: [value], entries: [entry] });
      return;
    }
    const at = spot.chunk === chunk ? spot.at : found.values.length;
    found.values.splice(at, 0, value);
    found.entries.splice(at, 0, entry);
    if (found.values.length > chunkPostingsMax) this.#split(chunk, found);
  }

  /** Removes a posting that is there. */
  remove(value: Value, { createTimeMs, key }: E): void {
    const { chunk, at } = this.#spotOf({ value, createTimeMs, key }, false);
    const found = this.#chunks[chunk];
    if (found?.values[at] !== value || found.entries[at]?.key !== key) {
      throw new Error('a posting to be removed is not in its index');
    }
    found.values.splice(at, 1);
    found.entries.splice(at, 1);
    if (found.values.length === 0) this.#chunks.splice(chunk, 1);
  }

  /** How many postings lie within the bounds. */
  count(bounds: Bounds): number {
    const [from, to] = this.#spotsOf(bounds);
    return Math.max(0, this.#rank(to) - this.#rank(from));
  }

  /**
   * At most `limit` entries within the bounds that come after `after`, the lowest value first, or
   * the highest if `descending`; with each, its value.
   */
  page(bounds: Bounds, after: Place | undefined, limit: number, descending: boolean): Page<E> {
    let [from, to] = this.#spotsOf(bounds);
    if (after !== undefined) {
      const spot = this.#spotOf(after, !descending);
      if (descending) to = earlier(to, spot);
      else from = later(from, spot);
    }
    return descending ? this.#backward(from, to, limit) : this.#forward(from, to, limit);
  }

  #forward(from: Spot, to: Spot, limit: number): Page<E> {
    const page: Page<E> = { values: [], entries: [] };
    for (let chunk = from.chunk; chunk <= to.chunk && page.entries.length < limit; chunk += 1) {
      const start = chunk === from.chunk ? from.at : 0;
      const room = start + limit - page.entries.length;
      append(page, this.#chunks[chunk], start, chunk === to.chunk ? Math.min(to.at, room) : room);
    }
    return page;
  }

  #backward(from: Spot, to: Spot, limit: number): Page<E> {
    const page: Page<E> = { values: [], entries: [] };
    for (let chunk = to.chunk; chunk >= from.chunk && page.entries.length < limit; chunk -= 1) {
      const end = chunk === to.chunk ? to.at : (this.#chunks[chunk]?.values.length ?? 0);
      const room = end - limit + page.entries.length;
      const start = Math.max(chunk === from.chunk ? from.at : 0, room);
      const piece: Page<E> = { values: [], entries: [] };
      append(piece, this.#chunks[chunk], start, end);
      append(page, { values: piece.values.reverse(), entries: piece.entries.reverse() }, 0);
    }
    return page;
  }

  #split(chunk: number, { values, entries }: Chunk<E>): void {
    const half = values.length >> 1;
    const right = { values: values.splice(half), entries: entries.splice(half) };
    this.#chunks.splice(chunk + 1, 0, right);
  }

  #spotsOf({ from, to, isAfterFrom = false, isBeforeTo = false }: Bounds): [Spot, Spot] {
    return [
      from === undefined ? { chunk: 0, at: 0 } : this.#cut(from, isAfterFrom),
      to === undefined ? this.#end : this.#cut(to, !isBeforeTo),
    ];
  }

  get #end(): Spot {
    return { chunk: this.#chunks.length, at: 0 };
  }

  /** Before all postings of this value, or behind them. */
  #cut(value: Value, isBehind: boolean): Spot {
    return this.#search((held) => (isBehind ? held <= value : held < value));
  }

  /** Before the posting at this place, or behind it. */
  #spotOf(place: Place, isBehind: boolean): Spot {
    return this.#search((value, entry) => {
      const difference = comparePlaces(value, entry, place);
      return isBehind ? difference <= 0 : difference < 0;
    });
  }

  /** The first posting that does not come before. */
  #search(comesBefore: (value: Value, entry: E) => boolean): Spot {
    const before = ({ values, entries }: Chunk<E>, at: number): boolean => {
      const [value, entry] = [values[at], entries[at]];
      return value !== undefined && entry !== undefined && comesBefore(value, entry);
    };
    const chunk = bisect(this.#chunks.length, (n) => {
      const one = this.#chunks[n];
      return one !== undefined && before(one, one.values.length - 1);
    });
    const found = this.#chunks[chunk];
    return found === undefined
      ? this.#end
      : { chunk, at: bisect(found.values.length, (n) => before(found, n)) };
  }

  /** How many postings come before the spot. */
  #rank({ chunk, at }: Spot): number {
    let rank = at;
    for (let n = 0; n < chunk; n += 1) rank += this.#chunks[n]?.values.length ?? 0;
    return rank;
  }
}

/** Entries and their values, in step. */
export type Page<E> = { readonly values: Value[]; readonly entries: E[] };

function append<E>(page: Page<E>, from: Page<E> | undefined, start: number, end?: number): void {
  for (const value of from?.values.slice(start, end) ?? []) page.values.push(value);
  for (const entry of from?.entries.slice(start, end) ?? []) page.entries.push(entry);
}

function earlier(a: Spot, b: Spot): Spot {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.at <= b.at) ? a : b;
}

function later(a: Spot, b: Spot): Spot {
  return earlier(a, b) === a ? b : a;
}

function comparePlaces(value: Value, entry: Entry, place: Place): number {
  if (value !== place.value) return value < place.value ? -1 : 1;
  if (entry.createTimeMs !== place.createTimeMs) return entry.createTimeMs - place.createTimeMs;
  return entry.key < place.key ? -1 : entry.key > place.key ? 1 : 0;
}

/** The first of `count` numbers from 0 for which `comesBefore` is false; it never turns true again. */
function bisect(count: number, comesBefore: (n: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comesBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
