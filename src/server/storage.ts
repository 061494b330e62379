import type { Settings } from '../config/settings.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import type { Conditions } from '../platform/conditions.ts';
import type { Bus } from '../store/bus.ts';
import { openProcessBus } from '../store/memory/process-bus.ts';
import type { Store } from '../store/store.ts';
import type { ServerSettings } from './options.ts';

/** The store of sessions, the bus to the other nodes on it, and their common clock. */
export type Storage = AsyncDisposable & {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  /** True when other nodes may be on the same store. */
  readonly isShared: boolean;
};

/**
 * The storage that these settings ask for. What was given to the server stays open when it is
 * disposed of. What is wrong with it later on is reported to `conditions`. `beforeConversion` is
 * awaited before data of a former version is converted.
 *
 * Throws StoreUnavailable, with a text for the operator, and what `beforeConversion` throws.
 */
export async function openStorage(
  settings: ServerSettings,
  conditions: Conditions,
  beforeConversion: () => Promise<void>,
): Promise<Storage> {
  const { store: asked } = settings;
  await using opened = new AsyncDisposableStack();
  const parts: StoreParts =
    typeof asked === 'object'
      ? { store: asked }
      : await openStore(asked, settings, conditions, beforeConversion);
  if (parts.store !== asked) opened.use(parts.store);
  const bus = settings.bus ?? opened.use(parts.bus ?? openProcessBus());
  const owned = opened.move();
  return {
    store: parts.store,
    bus,
    clock: settings.clock ?? parts.clock ?? systemClock,
    isShared: settings.bus !== undefined || parts.bus !== undefined,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type StoreParts = {
  readonly store: Store;
  /** The bus to the other servers on the same store; none: there are no others. */
  readonly bus?: Bus;
  /** That of the store, if it has one of its own. */
  readonly clock?: Clock;
};

/** A store of this kind; the others are not loaded. */
async function openStore(
  kind: Settings['store'],
  { data, durability, cacheBytesMax, replicasMin, log, observers }: ServerSettings,
  conditions: Conditions,
  beforeConversion: () => Promise<void>,
): Promise<StoreParts> {
  if (kind === 'memory') {
    const { openMemoryStore } = await import('../store/memory/memory-store.ts');
    return { store: openMemoryStore() };
  }
  if (kind === 'sqlite') {
    const [{ openSqliteStore }, { dataFileOf }] = await Promise.all([
      import('../store/sqlite/sqlite-store.ts'),
      import('../store/sqlite/data-folder.ts'),
    ]);
    const grouped = (writesCount: number, isFailed: boolean): void =>
      observers.current?.({ kind: 'groupCommitted', writesCount, isFailed });
    const hooks = { conditions, log, beforeConversion, grouped };
    return {
      store: await openSqliteStore({ file: dataFileOf(data), durability, cacheBytesMax, ...hooks }),
    };
  }
  const { openRedisStore } = await import('../store/redis/open-redis-store.ts');
  const replicas = replicasMin !== undefined && { replicasMin };
  const redis = await openRedisStore({
    url: kind,
    durability,
    cacheBytesMax,
    conditions,
    log,
    ...replicas,
  });
  const nowMs = (): number => Math.round(Date.now() + redis.offsetMs());
  return { store: redis.store, bus: redis.bus, clock: { ...systemClock, nowMs } };
}
