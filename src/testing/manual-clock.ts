import type { Milliseconds } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { controlledClock } from '../platform/controlled-clock.ts';

/** A clock that stands still until a test moves it. */
export type ManualClock = Clock & {
  /**
   * Moves on, and runs what comes due meanwhile, each when the clock shows its time; on a long way as
   * `ControlledClock` does.
   */
  advance(byMs: Milliseconds): void;
};

/** A clock that shows `startMs` until it is advanced. */
export function manualClock(startMs: Milliseconds = Date.UTC(2026, 0, 1)): ManualClock {
  const clock = controlledClock({
    nowMs: () => startMs,
    elapsedMs: () => 0,
    after: () => ({ cancel() {} }),
  });
  clock.freeze();
  const { nowMs, elapsedMs, after } = clock;
  return { nowMs, elapsedMs, after, advance: (byMs) => clock.moveTo(nowMs() + byMs) };
}
