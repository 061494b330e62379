import type { Milliseconds } from '../domain/time.ts';

/** What the directory asks of time. */
export interface Clock {
  nowMs(): Milliseconds;

  /** Runs `task` once when `delayMs` have passed, unless it is cancelled before. */
  after(delayMs: Milliseconds, task: () => void): Timer;
}

/** A task that is still to come. */
export type Timer = { cancel(): void };

/** The machine's own clock; what is still to come keeps no process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, task) {
    const timeout = setTimeout(task, delayMs).unref();
    return { cancel: () => clearTimeout(timeout) };
  },
};
