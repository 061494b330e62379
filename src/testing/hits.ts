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

  /** Throws when fewer cases were judged; `which` says of what kind these are. */
  assertAtLeast(min: number, which = ''): void {
    assert.ok(
      this.#count >= min,
      `the property judged ${this.#count} cases${which && ` ${which}`}, and should judge ${min}`,
    );
  }
}
