import type { Xuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';
import { AcquiredNames } from './acquired-names.ts';
import { LastSeen } from './last-seen.ts';

/** What a store for one process keeps only in that process, wherever it has its sessions. */
export abstract class ProcessStore {
  readonly #acquired = new AcquiredNames();
  readonly #lastSeen = new LastSeen();

  /** Throws StoreUnavailable once the store has been disposed of. */
  protected abstract refuseIfDisposed(): void;

  /** Takes over what another store of this kind holds. */
  protected copyProcessState(other: ProcessStore): void {
    this.#acquired.copyFrom(other.#acquired);
    this.#lastSeen.copyFrom(other.#lastSeen);
  }

  /** @see NodeRegistry.noteSeen */
  async noteSeen(
    sightings: readonly (readonly [Xuid, Milliseconds])[],
    forgetBeforeMs: Milliseconds,
  ): Promise<void> {
    this.refuseIfDisposed();
    this.#lastSeen.note(sightings, forgetBeforeMs);
  }

  /** @see NodeRegistry.lastSeen */
  async lastSeen(xuids: readonly Xuid[]): Promise<ReadonlyMap<Xuid, Milliseconds>> {
    this.refuseIfDisposed();
    return this.#lastSeen.of(xuids);
  }

  /** @see Agreements.acquireOnce */
  async acquireOnce(name: string, nowMs: Milliseconds, untilMs: Milliseconds): Promise<boolean> {
    this.refuseIfDisposed();
    return this.#acquired.acquireOnce(name, nowMs, untilMs);
  }
}
