import type { Milliseconds } from '../domain/time.ts';

/** What the directory asks of time. */
export interface Clock {
  /** The time of day: what documents hold and nodes compare. It may be set, forward and back. */
  nowMs(): Milliseconds;

  /**
   * Time that has passed since some moment: never goes back, whatever happens to the time of day.
   * For whatever is a duration: windows, silence, leases.
   */
  elapsedMs(): Milliseconds;

  /** Runs `task` once when `delayMs` have passed, unless it is cancelled before. */
  after(delayMs: Milliseconds, task: () => void): Timer;
}

/** A task that is still to come. */
export type Timer = { cancel(): void };

/** The machine's own clock; what is still to come keeps no process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after(delayMs, task) {
    const timeout = setTimeout(task, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};
