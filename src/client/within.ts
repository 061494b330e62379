import { onAbort } from './abort-listeners.ts';
import { requireTimeLimit } from './arguments.ts';
import type { Sleep } from './platform.ts';

/** The longest wait that a platform's timer takes; a longer one would end at once. */
const timerMsMax = 2 ** 31 - 1;

/** What ends a task before its time. */
export type TaskLimits = {
  /** Each may be left undefined. */
  readonly signals: readonly (AbortSignal | undefined)[];
  readonly time?: {
    readonly limitMs: number;
    readonly sleep: Sleep;
    /** The error of a task that takes too long. */
    readonly late: () => Error;
  };
};

/**
 * What `task` gives. The signal that it gets is aborted as soon as the task is over, or is waited for no
 * more.
 *
 * Throws what `task` throws; the reason of a signal that is aborted; `late()` after `limitMs`; a RangeError
 * for a limit that is not above 0.
 */
export async function within<T>(
  { signals, time }: TaskLimits,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (time !== undefined) requireTimeLimit(time.limitMs);
  for (const one of signals) one?.throwIfAborted(); // before there is a listener
  const ending = new AbortController();
  const { signal } = ending;
  const stops = signals.map((one) => onAbort(one, () => ending.abort(one?.reason)));
  if (time !== undefined && time.limitMs <= timerMsMax) {
    time.sleep(time.limitMs, signal).then(
      () => ending.abort(time.late()),
      () => {}, // the task ended in time
    );
  }
  const ended = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([ended, task(signal)]);
  } finally {
    for (const stop of stops) stop();
    ending.abort(); // ends the timer
  }
}
