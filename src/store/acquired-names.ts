import type { Milliseconds } from '../domain/time.ts';
import { copyInto } from './copy-into.ts';

/** The names that were acquired in a store of one process: see Agreements.acquireOnce. */
export class AcquiredNames {
  /** Until when, the first to end first, as far as their lifetimes are alike. */
  readonly #untilMs = new Map<string, Milliseconds>();

  copyFrom(other: AcquiredNames): void {
    copyInto(this.#untilMs, other.#untilMs);
  }

  acquireOnce(name: string, nowMs: Milliseconds, untilMs: Milliseconds): boolean {
    for (const [one, endMs] of this.#untilMs) {
      if (endMs > nowMs) break;
      this.#untilMs.delete(one);
    }
    if ((this.#untilMs.get(name) ?? nowMs) > nowMs) return false;
    this.#untilMs.delete(name);
    this.#untilMs.set(name, untilMs);
    return true;
  }
}
