import type { Milliseconds } from '../domain/time.ts';
import { type NodeId, type Store, StoreUnavailable } from '../store/store.ts';

export type LeaseSettings = {
  readonly leaseMs: Milliseconds;
  /** Time that passes whatever becomes of the clock, and while this process stands still. */
  readonly elapsedMs: () => Milliseconds;
};

/**
 * For how long this node may go on: as long as no other can have ended what it holds.
 *
 *     held ──renewed in time──▶ held
 *       └──ran out here, or lost in the store──▶ over ──begun with another id──▶ held
 *
 * It is counted from before a renewal is sent, the store counts from when it comes in: here it runs
 * out first. A process that stood still finds it over at once, before it has asked anybody.
 */
export class Lease {
  readonly #store: Pick<Store, 'renewNode'>;
  readonly #settings: LeaseSettings;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #isEnded = false;

  constructor(store: Pick<Store, 'renewNode'>, settings: LeaseSettings) {
    this.#store = store;
    this.#settings = settings;
  }

  /** It is over, and never begun again. */
  end(): void {
    this.#isEnded = true;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  isHeld(): boolean {
    return !this.#isEnded && this.#settings.elapsedMs() < this.#heldUntilMs;
  }

  /** False: it is over, and nothing may go on as this node. */
  async renew(node: NodeId): Promise<boolean> {
    // What ran out is not taken up again, though the store may not have noticed.
    if (!this.isHeld()) return false;
    const untilMs = this.#settings.elapsedMs() + this.#settings.leaseMs;
    const isLost = (await this.#store.renewNode(node, this.#settings.leaseMs)) === 'lost';
    if (isLost || !this.isHeld()) {
      this.#heldUntilMs = Number.NEGATIVE_INFINITY;
      return false;
    }
    this.#heldUntilMs = untilMs;
    return true;
  }

  /** Begins the lease of a node that never had one; it is held once `prepare` is done. */
  async begin(node: NodeId, prepare: () => Promise<void>): Promise<void> {
    const untilMs = this.#settings.elapsedMs() + this.#settings.leaseMs;
    await this.#store.renewNode(node, this.#settings.leaseMs);
    await prepare();
    this.#heldUntilMs = untilMs;
  }
}

/** What changes the records of others, and is not to come from a node that others have ended. */
const fencedMethods: ReadonlySet<PropertyKey> = new Set<keyof Store>([
  'commit',
  'changeList',
  'forgetNode',
]);

/** The store as a node uses it that holds a lease: once that is over, it writes nothing. */
export function fencedStore(store: Store, lease: Pick<Lease, 'isHeld'>): Store {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(store, {
    get(inner, name) {
      const known = methods.get(name);
      if (known !== undefined) return known;
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== 'function') return member;
      const bound = member.bind(inner) as (...values: readonly unknown[]) => unknown;
      const method = fencedMethods.has(name)
        ? async (...values: readonly unknown[]) => {
            if (lease.isHeld()) return bound(...values);
            throw new StoreUnavailable('The lease of this node is over; it writes nothing more.');
          }
        : bound;
      methods.set(name, method);
      return method;
    },
  });
}
