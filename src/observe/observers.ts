import type { ObservedEvent } from './events.ts';

/** Is called with each event, at once; must return soon. What it throws harms nothing else. */
export type Observe = (event: ObservedEvent) => void;

/**
 * Those who observe a server. Any number, added and removed at any time.
 *
 *     observers.current?.({ kind: 'conflict', … })
 *
 * so that an event is made only while somebody observes.
 */
export type Observers = {
  /** All observers as one; undefined while there is none. */
  readonly current: Observe | undefined;
  /** Calls `observe` with each event from now on, until the result is disposed of. */
  add(observe: Observe): Disposable;
};

/** Nobody at first. An observer that throws is reported to `failed` once. */
export function openObservers(failed: (error: unknown) => void): Observers {
  let all: readonly Observe[] = [];
  let current: Observe | undefined;

  const guarded = (observe: Observe): Observe => {
    let hasFailed = false;
    return (event) => {
      try {
        observe(event);
      } catch (error) {
        if (!hasFailed) failed(error);
        hasFailed = true;
      }
    };
  };
  const callAll: Observe = (event) => {
    for (const observe of all) observe(event);
  };
  const choose = (): void => {
    current = all.length > 1 ? callAll : all[0];
  };

  return {
    get current() {
      return current;
    },
    add(observe) {
      const one = guarded(observe);
      all = [...all, one];
      choose();
      return {
        [Symbol.dispose]() {
          all = all.filter((other) => other !== one);
          choose();
        },
      };
    },
  };
}
