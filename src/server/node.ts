/**
 * A node: answers requests and holds connections, upon a storage that it may share with others.
 *
 *   storage, catalog, clock ─▶ world ─▶ hub ─┬─▶ app ─▶ listens
 *                               callers ─────┘
 */

import { randomBytes } from 'node:crypto';
import { openNonces } from '../auth/nonces.ts';
import { describeAuthenticator } from '../auth/open-authenticator.ts';
import { tokenKeyOf } from '../auth/token.ts';
import {
  type CatalogSource,
  createCatalogSource,
  formatProblem,
} from '../config/read-service-configs.ts';
import { followSearch } from '../search/follow-search.ts';
import { fencedStore, Lease } from '../directory/lease.ts';
import { probeStore } from '../directory/probe-store.ts';
import { buildApp } from '../http/app.ts';
import { openOrigins } from '../http/origins.ts';
import { openReadiness } from '../http/readiness.ts';
import { routes } from '../http/routes.ts';
import { healthRoutes } from '../http/routes/health.ts';
import { rtaRoutes } from '../http/routes/rta.ts';
import { tokenChainRoutes } from '../http/routes/token-chain.ts';
import type { Conditions } from '../platform/conditions.ts';
import { controlledClock } from '../platform/controlled-clock.ts';
import { keyFor } from '../platform/key.ts';
import { type Connections, Hub } from '../rta/hub.ts';
import { openSocketServer } from '../rta/socket-server.ts';
import { StoreUnavailable } from '../store/store.ts';
import { callersOf, openCallers, originsOf } from './callers.ts';
import { CannotStart } from './cannot-start.ts';
import { startSearchFollower, startSweeper } from './chores.ts';
import { listen } from './listen.ts';
import { joinNodes } from './membership.ts';
import type { ServerSettings } from './options.ts';
import type { Storage } from './storage.ts';
import { createContext } from './context.ts';

/** A node that answers, until it is disposed of; the storage stays open. */
export type RunningNode = AsyncDisposable & {
  /** `http://127.0.0.1:8350`, without a slash at the end. */
  readonly url: string;
  /** What the keeper should know of how callers are told apart, a line each. */
  readonly notices: readonly string[];
  /** Resolves, with a sentence for the operator, when this node cannot go on and must be replaced. */
  readonly ended: Promise<string>;
  /** How many RTA connections are open. */
  readonly connectionsCount: number;
  /**
   * Settles what is due now, and learns of the search handles that other nodes have made or ended, as
   * the node does by itself now and then.
   */
  sweep(): Promise<void>;
  /**
   * Is no longer ready, accepts no connection more, and lets clients finish: each connection ends with
   * its next answer, or when nothing has come on it for a second. What is left after the time to drain
   * is cut.
   */
  drain(): Promise<void>;
  /** Reads the service configs again; the problems found, if any, leave the former ones in place. */
  reload(): Promise<readonly string[]>;
};

/** How long a connection that nobody uses is kept for a client that is about to use it. */
const idleMs = 1_000;

/**
 * A node that is ready for requests.
 *
 * Throws CannotStart with every problem of the service configs, or with what is wrong with the keys
 * or the port; StoreUnavailable.
 */
export async function openNode(
  storage: Storage,
  settings: ServerSettings,
  conditions: Conditions,
): Promise<RunningNode> {
  const catalog = await openCatalog(settings.config);
  const { isShared, bus } = storage;
  const { log, nodeLeaseMs: leaseMs } = settings;

  // What everything else stands on.
  const lease = new Lease(storage.store, { leaseMs, elapsedMs: () => performance.now() });
  const store = isShared ? fencedStore(storage.store, lease) : storage.store;
  const controlled = settings.control ? controlledClock(storage.clock) : undefined;
  const clock = controlled ?? storage.clock;
  const secret = await store.secret();
  const connections: Connections = new Map();
  const world = createContext(
    { store, bus, clock, isShared, catalog: catalog.catalog, connections, secret, conditions },
    settings,
  );

  // The doors.
  // Loaded for tests alone.
  const controlling = controlled && (await import('./control.ts'));
  const disturbances = controlled && controlling?.openDisturbances(controlled);
  const hub = new Hub(world, connections, settings, {
    hearingClock: storage.clock,
    ...(disturbances && { aroundTaps: disturbances.around }),
  });
  const readiness = openReadiness(() => probeStore({ store }), conditions);
  // Where nobody else could know which nonces were used, those of a former process are good for nothing.
  const nonceKey = isShared ? keyFor('nonces', secret) : randomBytes(32);
  const nonces = openNonces(nonceKey, (...asked) => store.claim(...asked));
  const callers = callersOf(settings);
  const tokenChain = callers.kind === 'dev' ? tokenChainRoutes({ key: tokenKeyOf(secret) }) : [];
  const control =
    disturbances &&
    controlling?.openControl({
      clock: controlled,
      connections,
      hub,
      disturbances,
      sweep: () => sweeper.runNow(),
    });
  const app = buildApp({
    routes: [
      ...routes,
      ...rtaRoutes(nonces),
      ...healthRoutes(readiness),
      ...tokenChain,
      ...(control ?? []),
    ],
    sockets: { nonces, ...openSocketServer(hub) },
    authenticator: await openCallers(callers, secret, clock, conditions),
    world,
    limits: settings,
    origins: openOrigins(originsOf(settings)),
    isOutage: (error) => error instanceof StoreUnavailable,
    isFit: () => !isShared || lease.isHeld(),
    log,
  });

  // What runs from here on ends in reverse, now if the start fails: first what the node does by
  // itself; then others may take over its connections, which end before the app, since that waits
  // for its sockets.
  await using running = new AsyncDisposableStack();
  running.defer(() => app.close({ withinMs: settings.drainMs }));
  running.use(hub);
  const membership = running.use(
    await joinNodes({ lease, hub, context: world, secret }, { isShared, ...settings }),
  );
  void membership.ended.then(log);
  // So that the first search does not wait for it; what goes wrong here, it meets again.
  followSearch(world).catch(() => undefined);
  const url = await listen(app, settings);
  const sweeper = running.use(startSweeper(world, settings));
  if (isShared) running.use(startSearchFollower(world, settings));

  const parts = running.move();
  return {
    url,
    ended: membership.ended,
    notices: [...describeAuthenticator(callers), ...catalog.warnings()],
    get connectionsCount() {
      return connections.size;
    },
    async sweep() {
      await sweeper.runNow();
      if (isShared) await followSearch(world);
    },
    async reload() {
      const outcome = await catalog.reload();
      return 'problems' in outcome ? outcome.problems.map(formatProblem) : [];
    },
    async drain() {
      readiness.drain();
      const withinMs = settings.drainMs;
      await app.close({ withinMs, idleMs: Math.min(withinMs, idleMs) });
    },
    async [Symbol.asyncDispose]() {
      // At once, whatever is still under way: nothing new is accepted, and balancers are told.
      readiness.drain();
      await Promise.all([app.close({ withinMs: settings.drainMs }), parts.disposeAsync()]);
    },
  };
}

async function openCatalog(path: string | undefined): Promise<CatalogSource> {
  const catalog = createCatalogSource(path);
  const read = await catalog.reload();
  if ('problems' in read) throw new CannotStart(read.problems.map(formatProblem));
  return catalog;
}
