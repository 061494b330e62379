import { StoreUnavailable, type Store } from '../store/store.ts';

/** The fault of one call: it is not made at all, or it is made and its answer is lost. */
export type Fault = 'fails' | 'losesAnswer';

/** The counted calls: all methods that may fail, of every store. */
export type StoreMethod = Exclude<
  keyof Store,
  typeof Symbol.asyncDispose | 'lastKnown' | 'pendingNotifications'
>;

/** A call of a store's method; the calls of one faulty store are numbered from 1. */
export type StoreCall = {
  readonly number: number;
  readonly method: StoreMethod;
};

/** Decides on the fault of each call; undefined: none. */
export type FaultPlan = (call: StoreCall) => Fault | undefined;

/** The plan in which only the `number`-th call, from 1, has a fault. */
export function faultAt(number: number, fault: Fault): FaultPlan {
  return (call) => (call.number === number ? fault : undefined);
}

export interface FaultyStore extends Store {
  /** The number of calls so far, faulty ones included. */
  readonly callsCount: number;
}

/**
 * `inner` behind a bad line: as `plan` says, calls throw StoreUnavailable without being made, or
 * are made and then throw it. Disposing disposes `inner`, never fails, and is no call.
 */
export function faultyStore(inner: Store, plan: FaultPlan): FaultyStore {
  let callsCount = 0;
  return new Proxy(inner, {
    get(_inner, name: keyof FaultyStore) {
      if (name === 'callsCount') return callsCount;
      if (name === 'lastKnown') return inner.lastKnown.bind(inner);
      if (name === 'pendingNotifications') return inner.pendingNotifications;
      if (name === Symbol.asyncDispose) return () => inner[Symbol.asyncDispose]();
      return async (...values: never[]): Promise<unknown> => {
        callsCount += 1;
        const number = callsCount;
        const fault = plan({ number, method: name });
        if (fault === 'fails') {
          throw new StoreUnavailable(`Call ${number} (${name}) was not made, by plan.`);
        }
        const answer = await (inner[name] as (...values: never[]) => Promise<unknown>)(...values);
        if (fault === 'losesAnswer') {
          throw new StoreUnavailable(`The answer to call ${number} (${name}) was lost, by plan.`);
        }
        return answer;
      };
    },
  }) as FaultyStore;
}
