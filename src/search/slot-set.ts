/**
 * A set of slots: small whole numbers from 0 on, which are used again. One bit for each: joining
 * two sets of a hundred thousand takes three thousand steps.
 */
export class SlotSet {
  #words: Uint32Array;

  /** An empty set with space for the slots of `like`; it grows when needed. */
  constructor(like?: SlotSet) {
    this.#words = new Uint32Array(like ? like.#words.length : 1);
  }

  /** The number of slots. */
  get size(): number {
    let size = 0;
    for (const word of this.#words) size += bitsIn(word);
    return size;
  }

  has(slot: number): boolean {
    return (((this.#words[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 1;
  }

  add(slot: number): void {
    const at = slot >>> 5;
    if (at >= this.#words.length) this.#grow(at + 1);
    this.#words[at] = (this.#words[at] ?? 0) | (1 << (slot & 31));
  }

  delete(slot: number): void {
    const at = slot >>> 5;
    if (at < this.#words.length) this.#words[at] = (this.#words[at] ?? 0) & ~(1 << (slot & 31));
  }

  /** Adds the slots of `other`. */
  unite(other: SlotSet): void {
    if (other.#words.length > this.#words.length) this.#grow(other.#words.length);
    for (const [at, word] of other.#words.entries())
      this.#words[at] = (this.#words[at] ?? 0) | word;
  }

  /** Keeps only slots of `other`. */
  intersect(other: SlotSet): void {
    const [words, others] = [this.#words, other.#words];
    for (let at = 0; at < words.length; at += 1) words[at] = (words[at] ?? 0) & (others[at] ?? 0);
  }

  /** Removes the slots of `other`. */
  subtract(other: SlotSet): void {
    const [words, others] = [this.#words, other.#words];
    for (let at = 0; at < words.length; at += 1) words[at] = (words[at] ?? 0) & ~(others[at] ?? 0);
  }

  copy(): SlotSet {
    const copy = new SlotSet();
    copy.#words = this.#words.slice();
    return copy;
  }

  /** The slots, the lowest first. */
  *[Symbol.iterator](): Generator<number, void> {
    for (let at = 0; at < this.#words.length; at += 1) {
      for (let word = this.#words[at] ?? 0; word !== 0; word &= word - 1) {
        yield at * 32 + 31 - Math.clz32(word & -word);
      }
    }
  }

  #grow(wordsMin: number): void {
    const words = new Uint32Array(Math.max(wordsMin, this.#words.length * 2));
    words.set(this.#words);
    this.#words = words;
  }
}

/** The number of bits of the word: sums of pairs, of fours and of bytes, side by side. */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
