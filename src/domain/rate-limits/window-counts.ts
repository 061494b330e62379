import type { Milliseconds } from '../time.ts';
import type { RateLimit } from './rate-limits.ts';

/**
 * Requests of one caller, counted in the present window of each of some limits. Windows begin at
 * multiples of their length, so that all nodes have the same.
 *
 * It changes in place: it is used with each request.
 *
 * @source docs/wire/rate-limits.md "Windows"
 */
export class WindowCounts {
  readonly windows: readonly WindowCount[];

  constructor(limits: readonly RateLimit[]) {
    this.windows = limits.map((limit) => new WindowCount(limit));
  }

  /** Counts a request, one that is refused included. True when it is one too many. */
  add(nowMs: Milliseconds): boolean {
    let isTooMany = false;
    for (const window of this.windows) if (window.add(nowMs)) isTooMany = true;
    return isTooMany;
  }

  /**
   * The limit that is passed; of several the one whose window ends last, since nothing goes on before
   * that.
   */
  get exceeded(): WindowCount | undefined {
    let last: WindowCount | undefined;
    for (const window of this.windows) {
      if (window.isExceeded && (last === undefined || window.endMs > last.endMs)) last = window;
    }
    return last;
  }
}

/** Requests in the present window of one limit. */
export class WindowCount {
  readonly limit: RateLimit;
  /** When the window ends; 0 before the first request. */
  endMs: Milliseconds = 0;
  /** As far as this process knows. */
  count = 0;
  /** Those among them that other processes do not know yet. */
  unsharedCount = 0;

  constructor(limit: RateLimit) {
    this.limit = limit;
  }

  get isExceeded(): boolean {
    return this.count > this.limit.requestsMax;
  }

  /** Counts a request. True when it is one too many. */
  add(nowMs: Milliseconds): boolean {
    const periodMs = this.limit.periodSeconds * 1_000;
    // Also when the clock went back.
    if (nowMs >= this.endMs || nowMs < this.endMs - periodMs) {
      this.endMs = (Math.floor(nowMs / periodMs) + 1) * periodMs;
      this.count = 0;
      this.unsharedCount = 0;
    }
    this.count += 1;
    this.unsharedCount += 1;
    return this.isExceeded;
  }

  /** Takes over the count of all processes together, if it is of the present window. */
  learn(count: number, endMs: Milliseconds): void {
    if (endMs === this.endMs) this.count = Math.max(this.count, count + this.unsharedCount);
  }
}
