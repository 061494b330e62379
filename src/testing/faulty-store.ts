import type { Handle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import {
  StoreUnavailable,
  type Batch,
  type Committed,
  type Conflict,
  type SessionRecord,
  type Store,
} from '../store/store.ts';

/** What goes wrong with one call: it is not made at all, or it is made and its answer is lost. */
export type Fault = 'fails' | 'losesAnswer';

/** A call of a store's method; the calls of one faulty store are numbered from 1. */
export type StoreCall = {
  readonly number: number;
  readonly method: Exclude<keyof Store, typeof Symbol.asyncDispose>;
};

/** Decides for each call what goes wrong with it; undefined: nothing. */
export type FaultPlan = (call: StoreCall) => Fault | undefined;

/** The plan by which the `number`-th call, from 1, goes wrong and no other. */
export function faultAt(number: number, fault: Fault): FaultPlan {
  return (call) => (call.number === number ? fault : undefined);
}

export interface FaultyStore extends Store {
  /** How many calls were made so far, those that went wrong included. */
  readonly callsCount: number;
}

/**
 * `inner` behind a bad line: as `plan` says, calls throw StoreUnavailable without being made, or
 * are made and then throw it. Disposing disposes `inner`, never fails, and is no call.
 */
export function faultyStore(inner: Store, plan: FaultPlan): FaultyStore {
  return new StoreWithFaults(inner, plan);
}

class StoreWithFaults implements FaultyStore {
  readonly #inner: Store;
  readonly #plan: FaultPlan;
  #callsCount = 0;

  constructor(inner: Store, plan: FaultPlan) {
    this.#inner = inner;
    this.#plan = plan;
  }

  get callsCount(): number {
    return this.#callsCount;
  }

  session(key: SessionKey): Promise<SessionRecord | undefined> {
    return this.#call('session', () => this.#inner.session(key));
  }

  handle(id: Guid): Promise<Handle | undefined> {
    return this.#call('handle', () => this.#inner.handle(id));
  }

  activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    return this.#call('activitiesOf', () => this.#inner.activitiesOf(xuids, scid));
  }

  handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    return this.#call('handlesFor', () => this.#inner.handlesFor(key));
  }

  due(nowMs: Milliseconds, limit: number): Promise<readonly SessionKey[]> {
    return this.#call('due', () => this.#inner.due(nowMs, limit));
  }

  expired(nowMs: Milliseconds, limit: number): Promise<readonly Guid[]> {
    return this.#call('expired', () => this.#inner.expired(nowMs, limit));
  }

  commit(batch: Batch): Promise<Committed | Conflict> {
    return this.#call('commit', () => this.#inner.commit(batch));
  }

  secret(): Promise<Uint8Array> {
    return this.#call('secret', () => this.#inner.secret());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#inner[Symbol.asyncDispose]());
  }

  async #call<T>(method: StoreCall['method'], make: () => Promise<T>): Promise<T> {
    this.#callsCount += 1;
    const number = this.#callsCount;
    const fault = this.#plan({ number, method });
    if (fault === 'fails') {
      throw new StoreUnavailable(`Call ${number} (${method}) was not made, by plan.`);
    }
    const answer = await make();
    if (fault === 'losesAnswer') {
      throw new StoreUnavailable(`The answer to call ${number} (${method}) was lost, by plan.`);
    }
    return answer;
  }
}
