import { isLoopback } from '../config/settings.ts';
import type { Readiness } from '../http/readiness.ts';
import type { Route } from '../http/route.ts';
import { metricsRoutes } from '../http/routes/metrics.ts';
import { openMetrics, type StoredSums } from '../observe/metrics.ts';
import { systemClock } from '../platform/clock.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { Store } from '../store/store.ts';
import type { NodeCore } from './core.ts';
import { kindOfStore, type ServerSettings } from './options.ts';
import { readPackageVersion } from '../platform/package-version.ts';

/** The route of the metrics of a node, which are counted from now on. */
export async function openMetricsRoutes(
  { context, connections, conditions, observers }: NodeCore,
  readiness: Readiness,
  { metrics, store, auth, host }: ServerSettings,
): Promise<readonly Route[]> {
  const opened = openMetrics({
    version: await readPackageVersion(),
    store: kindOfStore(store),
    auth,
    connectionsCount: () => connections.size,
    problemsCount: () => conditions.list().length,
    isReady: async () => (await readiness.problem()) === undefined,
    countStored: () => countStored(context.store),
    elapsedMs: systemClock.elapsedMs,
  });
  observers.add(opened.observe);
  return metricsRoutes(opened, metrics === 'open' || (auth === 'dev' && isLoopback(host)));
}

/** All parts of the count of the store together. Throws StoreUnavailable. */
async function countStored(store: Store): Promise<StoredSums> {
  const sums = { sessions: 0, joined: 0, reserved: 0, handles: 0, activities: 0, invites: 0 };
  let cursor: string | undefined;
  do {
    const part = await store.countPart(cursor);
    for (const kind of Object.keys(sums) as (keyof typeof sums)[]) {
      sums[kind] += part.counts[kind] ?? 0;
    }
    ({ cursor } = part);
    await yieldToEventLoop();
  } while (cursor !== undefined);
  const { handles, ...others } = sums;
  // Handles that come and go while they are counted may be counted in one of these alone.
  return { ...others, transfers: Math.max(0, handles - sums.activities - sums.invites) };
}
