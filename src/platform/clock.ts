import type { Milliseconds } from '../domain/time.ts';

/** What the directory asks of time. */
export interface Clock {
  nowMs(): Milliseconds;
}

/** The machine's own clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };
