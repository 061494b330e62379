import { isLoopback } from '../config/settings.ts';
import { countStored } from '../directory/count-stored.ts';
import type { Readiness } from '../http/readiness.ts';
import type { Route } from '../http/route.ts';
import { metricsRoutes } from '../http/routes/metrics.ts';
import { openMetrics } from '../observe/metrics.ts';
import { systemClock } from '../platform/clock.ts';
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
    countStored: () => countStored(context),
    elapsedMs: systemClock.elapsedMs,
  });
  observers.add(opened.observe);
  return metricsRoutes(opened, metrics === 'open' || (auth === 'dev' && isLoopback(host)));
}
