/**
 * The line between a node and its store in a simulated context: calls and answers travel, and the
 * simulation decides whose turn it is. A node that crashes is heard of no more: what was on its way
 * to the store may still arrive, what comes back does not.
 */

import type { Random } from '../../src/platform/seeded-random.ts';
import { StoreUnavailable, type Store } from '../../src/store/store.ts';

/** Who waits for a turn, in no order: the next is drawn. */
export class Turns {
  readonly #random: Random;
  #waiting: (() => void)[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Resolves when it is this caller's turn. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets one of those who wait go on; false when nobody waits. */
  next(): boolean {
    const at = this.#random.below(this.#waiting.length);
    const [turn] = this.#waiting.splice(at, 1);
    turn?.();
    return turn !== undefined;
  }
}

/** How the lines of a context misbehave; each a probability, per call. */
export type LineFaults = { readonly fails: number; readonly losesAnswer: number };

/** One node's line to `store`. `cut` is the crash of the node. */
export function line(
  store: Store,
  turns: Turns,
  random: Random,
  faults: LineFaults,
): { readonly store: Store; cut(): void } {
  let isCut = false;
  const travelling = new Proxy(store, {
    get(target, method) {
      const call = Reflect.get(target, method);
      if (typeof call !== 'function') return call;
      // What this process knows does not travel.
      if (method === 'lastKnown') return call.bind(target);
      return async (...args: unknown[]) => {
        await turns.wait();
        if (random.chance(faults.fails)) throw new StoreUnavailable('the call was lost');
        const answer = await Reflect.apply(call, target, args);
        await turns.wait();
        // A crashed node hears nothing: its promise is never kept.
        if (isCut) await new Promise(() => undefined);
        if (random.chance(faults.losesAnswer)) throw new StoreUnavailable('the answer was lost');
        return answer;
      };
    },
  });
  return {
    store: travelling,
    cut() {
      isCut = true;
    },
  };
}
