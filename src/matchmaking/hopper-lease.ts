import type { Context } from '../directory/context.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { HopperKey } from './ticket-store.ts';

const table = 'hopperLeases';
const leaseId = 'lease';
const leaseMs: Milliseconds = 10_000;

type Known = { readonly untilMs: Milliseconds; readonly isOwn: boolean };

/** Which hoppers this node works. Where it is alone, all of them. */
export class HopperLeases {
  readonly #context: Context;
  readonly #isShared: boolean;
  readonly #known = new Map<HopperKey, Known>();

  constructor(context: Context, isShared: boolean) {
    this.#context = context;
    this.#isShared = isShared;
  }

  /** True while this node works the hopper, from now on if nobody does. */
  async mayWork(hopper: HopperKey): Promise<boolean> {
    if (!this.#isShared) return true;
    const { store, clock, node } = this.#context;
    const nowMs = clock.nowMs();
    const known = this.#known.get(hopper);
    if (known && !known.isOwn && nowMs < known.untilMs) return false;
    // An own one is renewed when half of it is over.
    if (known?.isOwn && nowMs < known.untilMs - leaseMs / 2) return true;
    const held = await store.record(table, hopper, leaseId);
    const untilMs = Number(held?.value.untilMs ?? 0);
    if (held && held.value.node !== node.id && nowMs < untilMs) {
      this.#known.set(hopper, { untilMs, isOwn: false });
      return false;
    }
    const value = { node: node.id, untilMs: nowMs + leaseMs };
    const change = { id: leaseId, expectRevision: held?.revision ?? 0, value };
    const outcome = await store.commitRecords(table, hopper, [change]);
    if (outcome.kind === 'conflict') return false;
    this.#known.set(hopper, { untilMs: value.untilMs, isOwn: true });
    return true;
  }
}
