import type { Lane } from './lanes.ts';

const lengthAtFirst = 64;

/**
 * The tickets that go with a seed, the best first. One list serves a whole search, so that a seed leaves
 * nothing behind that has to be collected.
 */
export class Shortlist {
  length = 0;
  /** Of all tickets together. */
  places = 0;
  /** True: the largest tickets go first, whatever their score. */
  readonly #isLargestFirst: boolean;
  /** In the order in which they were added. */
  readonly #lanes: Lane[] = [];
  #rows = new Int32Array(lengthAtFirst);
  #places = new Uint16Array(lengthAtFirst);
  #ranks = new Int32Array(lengthAtFirst);
  #scores = new Float64Array(lengthAtFirst);
  /** Which of them is the first, the second… */
  #order = new Int32Array(lengthAtFirst);

  constructor(isLargestFirst: boolean) {
    this.#isLargestFirst = isLargestFirst;
  }

  clear(): void {
    this.length = 0;
    this.places = 0;
    this.#lanes.length = 0;
  }

  add(lane: Lane, row: number, score: number): void {
    const added = this.length;
    if (added >= this.#rows.length) this.#grow();
    const places = lane.columns.places[row] as number;
    this.#lanes.push(lane);
    this.#rows[added] = row;
    this.#places[added] = places;
    this.#ranks[added] = lane.ranks[row] as number;
    this.#scores[added] = score;
    const order = this.#order;
    let at = added;
    while (at > 0 && this.#isBefore(added, order[at - 1] as number)) {
      order[at] = order[at - 1] as number;
      at -= 1;
    }
    order[at] = added;
    this.length = added + 1;
    this.places += places;
  }

  laneAt(i: number): Lane {
    return this.#lanes[this.#order[i] as number] as Lane;
  }

  rowAt(i: number): number {
    return this.#rows[this.#order[i] as number] as number;
  }

  placesAt(i: number): number {
    return this.#places[this.#order[i] as number] as number;
  }

  slotAt(i: number): number {
    return this.laneAt(i).columns.slots[this.rowAt(i)] as number;
  }

  #isBefore(a: number, b: number): boolean {
    if (this.#isLargestFirst) {
      const byPlaces = (this.#places[b] as number) - (this.#places[a] as number);
      if (byPlaces !== 0) return byPlaces < 0;
    }
    const byScore = (this.#scores[b] as number) - (this.#scores[a] as number);
    if (byScore !== 0) return byScore < 0;
    return (this.#ranks[a] as number) < (this.#ranks[b] as number);
  }

  #grow(): void {
    const length = 2 * this.#rows.length;
    const larger = <Column extends { set(from: Column): void }>(from: Column, to: Column) => {
      to.set(from);
      return to;
    };
    this.#rows = larger(this.#rows, new Int32Array(length));
    this.#places = larger(this.#places, new Uint16Array(length));
    this.#ranks = larger(this.#ranks, new Int32Array(length));
    this.#scores = larger(this.#scores, new Float64Array(length));
    this.#order = larger(this.#order, new Int32Array(length));
  }
}
