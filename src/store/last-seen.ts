import type { Xuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import { copyInto } from './copy-into.ts';

/** When users were seen, for a store of one process; lost with it. */
export class LastSeen {
  readonly #seenMs = new Map<Xuid, Milliseconds>();

  copyFrom(other: LastSeen): void {
    copyInto(this.#seenMs, other.#seenMs);
  }

  /** @see NodeRegistry.noteSeen */
  note(sightings: readonly (readonly [Xuid, Milliseconds])[], forgetBeforeMs: Milliseconds): void {
    for (const [xuid, seenMs] of sightings) {
      this.#seenMs.set(xuid, Math.max(seenMs, this.#seenMs.get(xuid) ?? seenMs));
    }
    for (const [xuid, seenMs] of this.#seenMs) {
      if (seenMs < forgetBeforeMs) this.#seenMs.delete(xuid);
    }
  }

  /** @see NodeRegistry.lastSeen */
  of(xuids: readonly Xuid[]): ReadonlyMap<Xuid, Milliseconds> {
    return new Map(
      xuids.flatMap((xuid) => {
        const seenMs = this.#seenMs.get(xuid);
        return seenMs === undefined ? [] : [[xuid, seenMs] as const];
      }),
    );
  }
}
