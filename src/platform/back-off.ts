import type { Milliseconds } from '../domain/time.ts';

/** The longest wait of the first times; each time after doubles it. */
const firstMs: Milliseconds = 2;
const longestMs: Milliseconds = 250;

/**
 * Resolves after a random time, which grows with `times`. It passes by the machine's clock, also
 * where the time of the service is moved or stands still.
 */
export function backOff(times: number): Promise<void> {
  const mostMs = Math.min(longestMs, firstMs * 2 ** (times - 1));
  return new Promise((resolve) => setTimeout(resolve, Math.random() * mostMs));
}
