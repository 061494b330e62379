import type { Context } from '../directory/context.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { HopperKey } from './ticket-store.ts';

const table = 'hopperLeases';
const leaseId = 'lease';
const leaseMs: Milliseconds = 10_000;

type SeenLease = {
  readonly untilMs: Milliseconds;
  /** Undefined: another node has it. */
  readonly ownRevision: number | undefined;
};

/** `taken`: this node works the hopper from now on, and others may have done so before. */
export type LeaseState = 'none' | 'taken' | 'kept';

/** Which hoppers this node works. Where it is alone, all of them. */
export class HopperLeases {
  readonly #context: Context;
  readonly #isShared: boolean;
  readonly #known = new Map<HopperKey, SeenLease>();

  constructor(context: Context, isShared: boolean) {
    this.#context = context;
    this.#isShared = isShared;
  }

  /** Whether this node works the hopper: from now on if nobody does. */
  async acquire(hopper: HopperKey): Promise<LeaseState> {
    if (!this.#isShared) return 'kept';
    const { store, clock, node } = this.#context;
    const nowMs = clock.nowMs();
    const known = this.#known.get(hopper);
    const ownRevision = known?.ownRevision;
    if (known && ownRevision === undefined && nowMs < known.untilMs) return 'none';
    // An own one is renewed when half of it is over.
    if (known && ownRevision !== undefined && nowMs < known.untilMs - leaseMs / 2) return 'kept';
    const held = await store.record(table, hopper, leaseId);
    const untilMs = Number(held?.value.untilMs ?? 0);
    if (held && held.value.node !== node.id && nowMs < untilMs) {
      this.#known.set(hopper, { untilMs, ownRevision: undefined });
      return 'none';
    }
    const value = { node: node.id, untilMs: nowMs + leaseMs };
    const change = { id: leaseId, expectRevision: held?.revision ?? 0, value };
    const outcome = await store.commitRecords(table, hopper, [change]);
    if (outcome.kind === 'conflict') {
      this.#known.delete(hopper);
      return 'none';
    }
    this.#known.set(hopper, { untilMs: value.untilMs, ownRevision: outcome.revision });
    return held !== undefined && held.revision === ownRevision ? 'kept' : 'taken';
  }

  /** The hoppers that this node works under a lease, as far as it knows. */
  own(): readonly HopperKey[] {
    const nowMs = this.#context.clock.nowMs();
    return [...this.#known].flatMap(([hopper, { ownRevision, untilMs }]) =>
      ownRevision !== undefined && nowMs < untilMs ? [hopper] : [],
    );
  }
}
