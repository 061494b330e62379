import type { Milliseconds } from '../domain/time.ts';

/** How often the pools of hoppers are looked at, from the beginning of a run to that of the next. */
export const matchIntervalMs: Milliseconds = 1_000;

/** Requests have some time of their own also where a run takes longer than the interval. */
const pauseMinMs: Milliseconds = 100;

/** How long to wait after a run that took so long. A player waits for a run once, not twice. */
export function pauseBetweenRuns(tookMs: Milliseconds): Milliseconds {
  return Math.max(pauseMinMs, matchIntervalMs - tookMs);
}
