/**
 * The composition root: everything is built here, and everything is known here.
 */

import type { ControlledConnections } from './admin/connections.ts';
import { controlRoutes } from './admin/routes.ts';
import { type Authenticator, AuthenticatorUnavailable } from './auth/authenticator.ts';
import {
  type AuthenticatorSettings,
  describeAuthenticator,
  openAuthenticator,
} from './auth/open-authenticator.ts';
import { tokenKeyOf } from './auth/token.ts';
import {
  type CatalogSource,
  createCatalogSource,
  formatProblem,
} from './config/read-service-configs.ts';
import { callersProblems, controlProblems, type Settings } from './config/settings.ts';
import { openNonces } from './auth/nonces.ts';
import { followSearch } from './directory/follow-search.ts';
import { fencedStore, Lease } from './directory/lease.ts';
import { createSearchIndex } from './directory/search-index.ts';
import { openPresence } from './directory/presence.ts';
import { sweep } from './directory/sweep.ts';
import type { World } from './directory/world.ts';
import { type App, buildApp } from './http/app.ts';
import { openReadiness } from './http/readiness.ts';
import { routes } from './http/routes.ts';
import { rtaRoutes } from './http/routes/rta.ts';
import { healthRoutes } from './http/routes/health.ts';
import { tokenChainRoutes } from './http/routes/token-chain.ts';
import { nodeOfConnection } from './domain/session/hints.ts';
import type { People } from './people/people.ts';
import { storedPeople } from './people/stored-people.ts';
import { breathe } from './platform/breathe.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import { controlledClock } from './platform/controlled-clock.ts';
import { type Ids, randomIds } from './platform/ids.ts';
import { keyFor } from './platform/key.ts';
import { repeat } from './platform/repeat.ts';
import { type Connections, Hub } from './rta/hub.ts';
import { openSocketServer } from './rta/socket-server.ts';
import type { Bus } from './store/bus.ts';
import { openMemoryStore } from './store/memory/memory-store.ts';
import { openProcessBus } from './store/memory/process-bus.ts';
import { dataFileOf } from './store/sqlite/data-folder.ts';
import { openSqliteStore } from './store/sqlite/sqlite-store.ts';
import { type Store, StoreUnavailable } from './store/store.ts';

/** What a server is made of; each part that is left out is the usual one. */
export type ServerOptions = Partial<Omit<Settings, 'store'>> & {
  /** Where sessions are kept; a store that is given is not closed with the server. */
  readonly store?: Settings['store'] | Store;
  /** Between the nodes that share the store; a bus that is given is not closed with the server. */
  readonly bus?: Bus;
  readonly clock?: Clock;
  readonly ids?: Ids;
  readonly people?: People;
  /** Hears of what went wrong inside, one line each. */
  readonly log?: (line: string) => void;
};

/** A server that answers requests, until it is closed. */
export type RunningServer = AsyncDisposable & {
  /** `http://127.0.0.1:8350`, without a slash at the end. */
  readonly url: string;
  /** What the keeper should know of how callers are told apart, a line each. */
  readonly notices: readonly string[];
  /** How many RTA connections are open. */
  readonly connectionsCount: number;
  /**
   * Settles what is due now, and learns of the search handles that other nodes have made or ended, as
   * the sweep does by itself now and then.
   */
  sweep(): Promise<void>;
  /** Reads the service configs again; the problems found, if any, leave the former ones in place. */
  reload(): Promise<readonly string[]>;
  /**
   * Is no longer ready, accepts nothing new, lets requests under way come to their end within the
   * time to drain, then closes the store.
   */
  close(): Promise<void>;
};

/** The server could not start: each reason, with what would be right. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * A server that is ready for requests.
 *
 * Throws CannotStart with every problem of the settings or service configs, or with what is wrong
 * with the data folder, the keys or the port.
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const host = options.host ?? '127.0.0.1';
  const callers = callersOf({ ...options, host });
  const catalog = await openCatalog(options.config);
  const log = options.log ?? (() => undefined);

  // What is opened here is closed in reverse, now if the start fails, or else by close().
  await using opened = new AsyncDisposableStack();
  const opening = await openStorage(options);
  const whole = opening.isOurs ? opened.use(opening.store) : opening.store;
  const bus = options.bus ?? opened.use(opening.bus ?? openProcessBus());
  const isShared = options.bus !== undefined || opening.bus !== undefined;
  const leaseMs = options.nodeLeaseMs ?? 15_000;
  const lease = new Lease(whole, { leaseMs, elapsedMs: () => performance.now() });
  const isHeld = (): boolean => !isShared || lease.isHeld();
  const store = isShared ? fencedStore(whole, lease) : whole;
  const ticking = options.clock ?? opening.clock;
  const controlled = options.control ? controlledClock(ticking) : undefined;
  const clock = controlled ?? ticking;
  const secret = await store.secret();
  const ids = options.ids ?? randomIds;
  const connections: Connections = new Map();
  const world: World = {
    store,
    bus,
    // Others change lists, and whoever was let in by one is let in everywhere.
    people:
      options.people ?? storedPeople(store, { clock, ...(isShared && { listLifetimeMs: 0 }) }),
    node: { id: nodeOfConnection(ids.guid()), connections, unsure: new Map(), sweepsCount: 0 },
    presence: openPresence(clock.nowMs()),
    clock,
    ids,
    searchIndex: createSearchIndex(),
    catalog: catalog.catalog,
    settings: {
      inviteLifetimeMs: options.inviteLifetimeMs ?? 86_400_000,
      disconnectGraceMs: options.disconnectGraceMs ?? 30_000,
      presenceTimeoutMs: options.presenceTimeoutMs ?? 300_000,
      deviceTokenKey: keyFor('device tokens', secret),
    },
    failed: (error) => {
      // An outage is told by readiness, and what it hindered is made up for.
      if (error instanceof StoreUnavailable) return;
      log(error instanceof Error ? `${error.stack}` : String(error));
    },
  };
  const nonces = openNonces(keyFor('nonces', secret), (...asked) => store.claim(...asked));
  const hub = new Hub(world, connections, {
    tapWindowMs: options.tapWindowMs ?? 2_500,
    subscriptionsMax: options.subscriptionsMax ?? 1_100,
    outboxBytesMax: options.outboxBytesMax ?? 262_144,
  });
  const tokenChain = callers.kind === 'dev' ? tokenChainRoutes({ key: tokenKeyOf(secret) }) : [];
  const control = controlled
    ? controlRoutes({
        clock: controlled,
        connections: controlledConnections(connections, hub),
        sweep: () => sweeper.runNow(),
      })
    : [];
  const readiness = openReadiness(store);
  const app = buildApp({
    routes: [
      ...routes,
      ...rtaRoutes(nonces),
      ...healthRoutes(readiness),
      ...tokenChain,
      ...control,
    ],
    sockets: { nonces, ...openSocketServer(hub) },
    authenticator: await openCallers(callers, secret, clock),
    world,
    limits: { bodyBytesMax: options.bodyBytesMax ?? 1_048_576 },
    isOutage: (error) => error instanceof StoreUnavailable,
    isFit: isHeld,
    log,
  });
  opened.defer(() => app.close(options.drainMs));
  // Before the app, which waits for its sockets to end.
  opened.use(hub);
  await lease.begin(world.node.id, () => hub.start());
  // Others are to end at once what this node held; with the store away, when the lease runs out.
  opened.defer(async () => void (await store.renewNode(world.node.id, 1).catch(() => undefined)));
  // So that the first search does not wait for it; what goes wrong here, it meets again.
  followSearch(world).catch(() => undefined);
  const { url } = await listen(app, host, options.port ?? 8350);
  let isClosing = false;
  const sweeper = opened.use(
    repeat(
      () => sweepAll(world, () => isClosing),
      options.sweepIntervalMs ?? 1_000,
      (error) => log(`sweep: ${error instanceof Error ? error.message : String(error)}`),
    ),
  );
  if (isShared) {
    const again = (what: string, task: () => Promise<void>, intervalMs: number): void => {
      const failed = (error: unknown): void =>
        log(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      opened.use(repeat(task, intervalMs, failed));
    };
    again('lease', () => keepLease(world, hub, lease), leaseMs / 5);
    again('search', () => followSearch(world), searchIntervalMs);
  }
  const parts = opened.move();
  const close = (): Promise<void> => {
    // At once, whatever is still under way: nothing new is accepted, and balancers are told.
    readiness.drain();
    isClosing = true;
    const drained = app.close(options.drainMs);
    return Promise.all([drained, parts.disposeAsync()]).then(() => undefined);
  };
  return {
    url,
    get connectionsCount() {
      return connections.size;
    },
    notices: describeAuthenticator(callers),
    sweep: async () => {
      await sweeper.runNow();
      if (isShared) await followSearch(world);
    },
    reload: async () => {
      const outcome = await catalog.reload();
      return 'problems' in outcome ? outcome.problems.map(formatProblem) : [];
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What the control API may do to connections. */
function controlledConnections(connections: Connections, hub: Hub): ControlledConnections {
  const noDisturbance = { delayMs: 0, drop: false };
  return {
    list: () =>
      [...connections.values()].map(({ id, xuid, disturbance = noDisturbance }) => ({
        id,
        xuid,
        taps: disturbance,
      })),
    drop: (id) => hub.drop(id),
    excuse: (untilMs) => hub.excuse(untilMs),
    setTaps(id, taps) {
      const connection = connections.get(id);
      if (connection === undefined) return false;
      connection.disturbance = taps.delayMs > 0 || taps.drop ? taps : undefined;
      return true;
    },
  };
}

/**
 * A search handle that another node made is found here within a second. What this process commits is
 * in its index already.
 */
const searchIntervalMs = 500;

/**
 * A node whose lease is over, or that the others gave up, has lost its members' trust: its
 * connections end, also while nobody can be told, and it goes on as a new one.
 */
async function keepLease({ node, ids }: World, hub: Hub, lease: Lease): Promise<void> {
  if (await renewed(lease, node.id)) return;
  const fresh = nodeOfConnection(ids.guid());
  hub.endAll();
  await lease.begin(fresh, () => hub.beginAnew(fresh));
}

async function renewed(lease: Lease, node: string): Promise<boolean> {
  try {
    return await lease.renew(node);
  } catch (error) {
    // There is time left to try again.
    if (lease.isHeld()) throw error;
    return false;
  }
}

async function sweepAll(world: World, isClosing: () => boolean): Promise<void> {
  // A full sweep leaves some for later; go on until one finds nothing it had to leave.
  while ((await sweep(world)) === 'more' && !isClosing()) await breathe();
}

async function openCatalog(path: string | undefined): Promise<CatalogSource> {
  const catalog = createCatalogSource(path);
  const read = await catalog.reload();
  if ('problems' in read) throw new CannotStart(read.problems.map(formatProblem));
  return catalog;
}

function callersOf(options: ServerOptions): AuthenticatorSettings {
  const problems = [...callersProblems({ auth: 'dev', ...options }), ...controlProblems(options)];
  if (problems.length > 0) throw new CannotStart(problems);
  const { auth, authKeys, authIssuer, authAudience } = options;
  return auth === 'signed' && authKeys !== undefined
    ? { kind: 'signed', keySet: authKeys, issuer: authIssuer, audience: authAudience }
    : { kind: 'dev' };
}

async function openCallers(
  callers: AuthenticatorSettings,
  secret: Uint8Array,
  clock: Clock,
): Promise<Authenticator> {
  try {
    return await openAuthenticator(callers, secret, clock.nowMs());
  } catch (error) {
    if (error instanceof AuthenticatorUnavailable) throw new CannotStart([error.message]);
    throw error;
  }
}

/** Where sessions are kept, and by which clock. */
type Storage = {
  readonly store: Store;
  /** True when it is to be closed with the server. */
  readonly isOurs: boolean;
  /** One that reaches the other servers on the same store; undefined: there are none. */
  readonly bus?: Bus;
  readonly clock: Clock;
};

async function openStorage(options: ServerOptions): Promise<Storage> {
  const { store = 'sqlite', durability = 'strict', cacheBytesMax, replicasMin } = options;
  if (typeof store === 'object') return { store, isOurs: false, clock: systemClock };
  const cache = cacheBytesMax !== undefined && { cacheBytesMax };
  try {
    const alone = { isOurs: true, clock: systemClock };
    if (store === 'memory') return { store: openMemoryStore(), ...alone };
    if (store === 'sqlite') {
      const file = dataFileOf(options.data ?? './data');
      const opened = await openSqliteStore({ file, durability, ...cache });
      return { store: opened, ...alone };
    }
    // Heavy, and only here.
    const { openRedisStore } = await import('./store/redis/open-redis-store.ts');
    const replicas = replicasMin !== undefined && { replicasMin };
    const redis = await openRedisStore({ url: store, durability, ...cache, ...replicas });
    const nowMs = (): number => Math.round(Date.now() + redis.offsetMs());
    const clock: Clock = { ...systemClock, nowMs };
    return { store: redis.store, isOurs: true, bus: redis.bus, clock };
  } catch (error) {
    if (error instanceof StoreUnavailable) throw new CannotStart([error.message]);
    throw error;
  }
}

async function listen(app: App, host: string, port: number): Promise<{ readonly url: string }> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    throw new CannotStart([explainListenError(error, host, port)]);
  }
}

function explainListenError(error: unknown, host: string, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use by another program; stop it, or choose another with --port (0 takes a free one).`;
    case 'EACCES':
      return `Port ${port} needs rights that this process does not have; choose one above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine; choose another with --host.`;
    default:
      return `Cannot listen on ${host}, port ${port}: ${message}.`;
  }
}
