import type { Milliseconds } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';

/** A clock that stands still until it is told to move. */
export type ManualClock = Clock & { advance(byMs: Milliseconds): void };

/** A clock that shows `startMs` until it is advanced. */
export function manualClock(startMs: Milliseconds = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    advance(byMs) {
      nowMs += byMs;
    },
  };
}
