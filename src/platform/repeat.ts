import type { Milliseconds } from '../domain/time.ts';

/** A task that is run again and again, one run at a time. */
export type RepeatedTask = AsyncDisposable & {
  /** Runs the task once more, after the run under way; rejects when that run fails. */
  runNow(): Promise<void>;
};

/**
 * Runs `task` every `intervalMs`, counted from the end of a run, until it is disposed of; then the
 * run under way comes to its end. `failed` gets the error of a run that fails; the next run does its work.
 *
 * `pauseMs` gives another pause after a run that took so long.
 */
export function repeat(
  task: () => Promise<void>,
  intervalMs: Milliseconds,
  failed: (error: unknown) => void,
  pauseMs: (tookMs: Milliseconds) => Milliseconds = () => intervalMs,
): RepeatedTask {
  let last: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const runNow = (): Promise<void> => {
    const run = last.then(task);
    last = run.catch(() => undefined);
    return run;
  };
  const schedule = (afterMs: Milliseconds): void => {
    timer = setTimeout(() => {
      const beganMs = performance.now();
      runNow()
        .catch(failed)
        .finally(() => {
          if (timer !== undefined) schedule(pauseMs(performance.now() - beganMs));
        });
    }, afterMs).unref();
  };
  schedule(intervalMs);
  return {
    runNow,
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      timer = undefined;
      await last;
    },
  };
}
