import type { Milliseconds } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';

/** A clock that stands still until a test moves it. */
export type ManualClock = Clock & {
  /** Moves forward, and runs what comes due meanwhile, each when the clock shows its time. */
  advance(byMs: Milliseconds): void;
};

/** A clock that shows `startMs` until it is advanced. */
export function manualClock(startMs: Milliseconds = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  const waiting = new Set<{ readonly atMs: Milliseconds; readonly task: () => void }>();
  return {
    nowMs: () => nowMs,
    elapsedMs: () => nowMs - startMs,
    after(delayMs, task) {
      const one = { atMs: nowMs + delayMs, task };
      waiting.add(one);
      return { cancel: () => waiting.delete(one) };
    },
    advance(byMs) {
      const endMs = nowMs + byMs;
      for (;;) {
        const [first] = [...waiting].sort((a, b) => a.atMs - b.atMs);
        if (first === undefined || first.atMs > endMs) break;
        nowMs = Math.max(nowMs, first.atMs);
        waiting.delete(first);
        first.task();
      }
      nowMs = endMs;
    },
  };
}
