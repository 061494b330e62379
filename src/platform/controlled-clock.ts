import type { Milliseconds } from '../domain/time.ts';
import type { Clock, Timer } from './clock.ts';

/** A clock that runs with another one until it is frozen or moved. */
export type ControlledClock = Clock & {
  readonly isFrozen: boolean;
  /** Stands still from now on: what is still to come waits. */
  freeze(): void;
  /** Goes on from the time that it shows. */
  run(): void;
  /**
   * Shows `toMs`, and runs or stands as before. What comes due on the way runs before this returns,
   * each task when the clock shows its time; past `movedTasksMax` tasks the rest of the way is one
   * step, so that a task which schedules itself again costs little on a long way. On the way back
   * nothing runs, and no time passes: what is still to come waits as long as before.
   */
  moveTo(toMs: Milliseconds): void;
};

/** Tasks of one move that each run at their own time. */
export const movedTasksMax = 1_000;

type PendingTask = {
  /** Of `elapsedMs`. */
  readonly atMs: Milliseconds;
  readonly task: () => void;
  /** Of the base clock; none while this one is frozen. */
  timer?: Timer;
};

/** The two readings of a clock. */
type Reading = { readonly nowMs: Milliseconds; readonly elapsedMs: Milliseconds };

/**
 * A clock that shows what `base` shows, until it is frozen or moved. `moves` is called before each
 * move, with the time to come; `freezes` after each change between standing and running.
 */
export function controlledClock(
  base: Clock,
  moves: (toMs: Milliseconds) => void = () => undefined,
  freezes: (isFrozen: boolean) => void = () => undefined,
): ControlledClock {
  /** What to add to the readings of the base clock. */
  let ahead: Reading = { nowMs: 0, elapsedMs: 0 };
  let frozen: Reading | undefined;
  const waiting = new Set<PendingTask>();

  const nowMs = (): Milliseconds => frozen?.nowMs ?? base.nowMs() + ahead.nowMs;
  const elapsedMs = (): Milliseconds => frozen?.elapsedMs ?? base.elapsedMs() + ahead.elapsedMs;
  const show = (reading: Reading): void => {
    if (frozen !== undefined) frozen = reading;
    else {
      ahead = {
        nowMs: reading.nowMs - base.nowMs(),
        elapsedMs: reading.elapsedMs - base.elapsedMs(),
      };
    }
  };
  const arm = (one: PendingTask): void => {
    one.timer?.cancel();
    if (frozen !== undefined) return;
    one.timer = base.after(Math.max(0, one.atMs - elapsedMs()), () => {
      waiting.delete(one);
      one.task();
    });
  };
  const run = (one: PendingTask): void => {
    waiting.delete(one);
    one.timer?.cancel();
    one.task();
  };

  return {
    nowMs,
    elapsedMs,
    after(delayMs, task) {
      const one: PendingTask = { atMs: elapsedMs() + delayMs, task };
      waiting.add(one);
      arm(one);
      return {
        cancel() {
          waiting.delete(one);
          one.timer?.cancel();
        },
      };
    },
    get isFrozen() {
      return frozen !== undefined;
    },
    freeze() {
      if (frozen !== undefined) return;
      frozen = { nowMs: nowMs(), elapsedMs: elapsedMs() };
      for (const one of waiting) one.timer?.cancel();
      freezes(true);
    },
    run() {
      if (frozen === undefined) return;
      const from = frozen;
      frozen = undefined;
      show(from);
      for (const one of waiting) arm(one);
      freezes(false);
    },
    moveTo(toMs) {
      moves(toMs);
      for (const one of waiting) one.timer?.cancel();
      const end: Reading = { nowMs: toMs, elapsedMs: elapsedMs() + Math.max(0, toMs - nowMs()) };
      for (let ranCount = 0; ranCount < movedTasksMax; ranCount += 1) {
        const first = firstOf(waiting);
        if (first === undefined || first.atMs > end.elapsedMs) break;
        const atMs = Math.max(elapsedMs(), first.atMs);
        show({ nowMs: toMs - (end.elapsedMs - atMs), elapsedMs: atMs });
        run(first);
      }
      show(end);
      const due = [...waiting].filter(({ atMs }) => atMs <= end.elapsedMs);
      for (const one of due.sort((a, b) => a.atMs - b.atMs)) if (waiting.has(one)) run(one);
      for (const one of waiting) arm(one);
    },
  };
}

/** The one that comes due first; of several the one that waits the longest. */
function firstOf(waiting: ReadonlySet<PendingTask>): PendingTask | undefined {
  let first: PendingTask | undefined;
  for (const one of waiting) if (first === undefined || one.atMs < first.atMs) first = one;
  return first;
}
