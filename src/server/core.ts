/** The core of a node: its context, its lease, and what is derived from the store's secret. */

import type { CatalogSource } from '../config/read-service-configs.ts';
import type { Context } from '../directory/context.ts';
import { systemClock } from '../platform/clock.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Observers } from '../observe/observers.ts';
import type { Conditions } from '../platform/conditions.ts';
import { controlledClock, type ControlledClock } from '../platform/controlled-clock.ts';
import type { Connections } from '../rta/hub.ts';
import { createContext } from './context.ts';
import { observedBus, observedStore } from '../store/observed-store.ts';
import { fencedStore, Lease } from './lease.ts';
import type { ServerSettings } from './options.ts';
import type { Storage } from './storage.ts';

export type NodeCore = {
  readonly storage: Storage;
  readonly context: Context;
  readonly connections: Connections;
  readonly conditions: Conditions;
  readonly lease: Lease;
  readonly observers: Observers;
  /** That of the store, from which this node's keys are derived. */
  readonly secret: Uint8Array;
  /** The clock of the context, where tests may move it. */
  readonly controlled: ControlledClock | undefined;
};

/** The core of a node that has not begun its lease yet. Throws StoreUnavailable. */
export async function openCore(
  storage: Storage,
  { catalog }: Pick<CatalogSource, 'catalog'>,
  conditions: Conditions,
  settings: ServerSettings,
): Promise<NodeCore> {
  const { isShared } = storage;
  const lease = new Lease(storage.store, {
    leaseMs: settings.nodeLeaseMs,
    elapsedMs: systemClock.elapsedMs,
  });
  const { observers, requestScope } = settings;
  const observesCalls = settings.metrics !== 'off' || requestScope !== undefined;
  const fenced = isShared ? fencedStore(storage.store, lease) : storage.store;
  const store = observesCalls ? observedStore(fenced, observers, requestScope?.requestId) : fenced;
  const bus = observesCalls ? observedBus(storage.bus, observers) : storage.bus;
  const moves = (toMs: Milliseconds): void =>
    observers.current?.({ kind: 'clockMoved', atMs: clock.nowMs(), toMs });
  const freezes = (isFrozen: boolean): void =>
    observers.current?.({ kind: 'clockFrozen', atMs: clock.nowMs(), isFrozen });
  const controlled = settings.control ? controlledClock(storage.clock, moves, freezes) : undefined;
  const clock = controlled ?? storage.clock;
  const secret = await store.secret();
  const connections: Connections = new Map();
  const context = createContext(
    { store, bus, clock, isShared, catalog, connections, secret, conditions, observers },
    settings,
  );
  return { storage, context, connections, conditions, lease, observers, secret, controlled };
}
