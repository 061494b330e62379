import type { Milliseconds } from '../domain/time.ts';

/** The claims of a store that one process uses: see Store.claim. */
export class ProcessClaims {
  /** Until when, the first to end first, as far as their lifetimes are alike. */
  readonly #taken = new Map<string, Milliseconds>();

  claim(name: string, nowMs: Milliseconds, untilMs: Milliseconds): boolean {
    for (const [one, endMs] of this.#taken) {
      if (endMs > nowMs) break;
      this.#taken.delete(one);
    }
    if ((this.#taken.get(name) ?? nowMs) > nowMs) return false;
    this.#taken.delete(name);
    this.#taken.set(name, untilMs);
    return true;
  }
}
