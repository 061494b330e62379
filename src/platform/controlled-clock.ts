import type { Milliseconds } from '../domain/time.ts';
import type { Clock, Timer } from './clock.ts';

/** A clock that runs with another one until it is told otherwise. */
export type ControlledClock = Clock & {
  readonly isFrozen: boolean;
  /** Stands still from now on: what is still to come waits. */
  freeze(): void;
  /** Goes on from the time that it shows. */
  run(): void;
  /**
   * Shows `toMs`, and runs or stands as before. What comes due on the way runs before this returns,
   * each task when the clock shows its time. On the way back nothing runs.
   */
  moveTo(toMs: Milliseconds): void;
};

type Waiting = {
  readonly atMs: Milliseconds;
  readonly task: () => void;
  /** Of the clock beneath; none while this one stands. */
  timer?: Timer;
};

/** A clock that shows what `beneath` shows, until it is frozen or moved. */
export function controlledClock(beneath: Clock): ControlledClock {
  let aheadMs = 0;
  let frozenAtMs: Milliseconds | undefined;
  const waiting = new Set<Waiting>();

  const nowMs = (): Milliseconds => frozenAtMs ?? beneath.nowMs() + aheadMs;
  const show = (timeMs: Milliseconds): void => {
    if (frozenAtMs === undefined) aheadMs = timeMs - beneath.nowMs();
    else frozenAtMs = timeMs;
  };
  const arm = (one: Waiting): void => {
    one.timer?.cancel();
    if (frozenAtMs !== undefined) return;
    one.timer = beneath.after(Math.max(0, one.atMs - nowMs()), () => {
      waiting.delete(one);
      one.task();
    });
  };
  const disarmAll = (): void => {
    for (const one of waiting) one.timer?.cancel();
  };

  return {
    nowMs,
    after(delayMs, task) {
      const one: Waiting = { atMs: nowMs() + delayMs, task };
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
      return frozenAtMs !== undefined;
    },
    freeze() {
      frozenAtMs ??= nowMs();
      disarmAll();
    },
    run() {
      if (frozenAtMs === undefined) return;
      const fromMs = frozenAtMs;
      frozenAtMs = undefined;
      show(fromMs);
      for (const one of waiting) arm(one);
    },
    moveTo(toMs) {
      disarmAll();
      for (;;) {
        const first = firstOf(waiting);
        if (first === undefined || first.atMs > toMs) break;
        show(Math.max(nowMs(), first.atMs));
        waiting.delete(first);
        first.timer?.cancel();
        first.task();
      }
      show(toMs);
      for (const one of waiting) arm(one);
    },
  };
}

/** The one that comes due first; of several the one that waits the longest. */
function firstOf(waiting: ReadonlySet<Waiting>): Waiting | undefined {
  let first: Waiting | undefined;
  for (const one of waiting) if (first === undefined || one.atMs < first.atMs) first = one;
  return first;
}
