import type { Milliseconds } from '../domain/time.ts';

const waitMsMax: Milliseconds = 100;

/**
 * Resolves after two to four times as long as `ms`, but after 100 ms at most. It passes by the
 * machine's clock, also where the time of the service is moved or stands still.
 */
export function randomWait(ms: Milliseconds): Promise<void> {
  const waitMs = Math.min(waitMsMax, ms * (2 + 2 * Math.random()));
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}
