import type { Milliseconds } from '../domain/time.ts';
import { override } from '../platform/override.ts';
import { type NodeId, type NodeRegistry, type Store, StoreUnavailable } from '../store/store.ts';

export type LeaseSettings = {
  readonly leaseMs: Milliseconds;
  /** Time that passes whatever the clock shows, and while this process is paused. */
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
  readonly #store: Pick<NodeRegistry, 'renewNode'>;
  readonly #settings: LeaseSettings;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #isEnded = false;

  constructor(store: Pick<NodeRegistry, 'renewNode'>, settings: LeaseSettings) {
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

  /** False: it is over, and nothing may continue as this node. */
  async renew(node: NodeId): Promise<boolean> {
    // A lease that ran out is not renewed, though the store may not have noticed.
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

/**
 * The store of a node with a lease: once that is over, the node changes no record, since others may
 * have ended it.
 */
export function fencedStore(store: Store, lease: Pick<Lease, 'isHeld'>): Store {
  const fenced =
    <Values extends readonly unknown[], T>(write: (...values: Values) => Promise<T>) =>
    async (...values: Values): Promise<T> => {
      if (lease.isHeld()) return write(...values);
      throw new StoreUnavailable('The lease of this node is over; it writes nothing more.');
    };
  return override(store, {
    commit: fenced((batch) => store.commit(batch)),
    changeList: fenced((owner, list, change) => store.changeList(owner, list, change)),
    commitRecords: fenced((table, group, changes) => store.commitRecords(table, group, changes)),
    forgetNode: fenced((node) => store.forgetNode(node)),
  });
}
