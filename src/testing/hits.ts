import assert from 'node:assert/strict';

/**
 * Counts the cases that a law has judged. A law over drawn cases passes over those that it says nothing
 * of; one that passed over nearly all would pass and show nothing.
 */
export class Hits {
  #count = 0;

  /** Counts a case that the property judges. */
  count(): void {
    this.#count += 1;
  }

  /** Throws when fewer cases were judged. */
  assertAtLeast(min: number): void {
    assert.ok(
      this.#count >= min,
      `the property judged ${this.#count} cases, and should judge ${min}`,
    );
  }
}
