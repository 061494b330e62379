/**
 * A node: answers requests and holds connections, on a storage that it may share with others.
 *
 *   storage, catalog ─▶ core ─▶ adapters ─▶ lease begun ─▶ listens ─▶ background jobs
 */

import {
  type CatalogSource,
  createCatalogSource,
  formatProblem,
} from '../config/read-service-configs.ts';
import type { Conditions } from '../platform/conditions.ts';
import { followSearch } from '../search/follow-search.ts';
import { openAdapters } from './adapters.ts';
import { startMatching, startSearchFollower, startSweeper } from './background-jobs.ts';
import { CannotStart } from './cannot-start.ts';
import { openCore } from './core.ts';
import { listen } from './listen.ts';
import { type GatewayAddress, openGatewayOf } from './gateway.ts';
import { joinNodes } from './membership.ts';
import type { ServerSettings } from './options.ts';
import type { Storage } from './storage.ts';

/** A node that answers, until it is disposed of; the storage stays open. */
export type RunningNode = AsyncDisposable & {
  /** `http://127.0.0.1:8350`, without a slash at the end. */
  readonly url: string;
  /** Where clients come that have the hosts of Xbox Live built in; undefined unless asked for. */
  readonly gateway: GatewayAddress | undefined;
  /** How callers are authenticated, for the operator: a line each. */
  readonly notices: readonly string[];
  /** Resolves, with a sentence for the operator, when this node cannot go on and must be replaced. */
  readonly ended: Promise<string>;
  /** How many RTA connections are open. */
  readonly connectionsCount: number;
  /**
   * Applies the timeouts that are due, matches what can be matched, and learns of the search handles that other nodes have made or ended, as
   * the node does by itself now and then.
   */
  sweep(): Promise<void>;
  /**
   * Is no longer ready, accepts no more connections, and lets clients finish: each connection ends
   * with its next answer, or after a second of silence. The rest is cut after the time to drain.
   */
  drain(): Promise<void>;
  /**
   * Reads the service configs and rate limits again; the problems found, if any, leave the former ones in
   * place.
   */
  reload(): Promise<readonly string[]>;
};

/** How long an idle connection is kept for a client that is about to use it. */
const idleMs = 1_000;

/**
 * A node that is ready for requests.
 *
 * Throws CannotStart with every problem of the service configs, or with the fault of the keys or
 * the port; StoreUnavailable.
 */
export async function openNode(
  storage: Storage,
  settings: ServerSettings,
  conditions: Conditions,
): Promise<RunningNode> {
  const catalog = await openCatalog(settings.config);
  const core = await openCore(storage, catalog, conditions, settings);
  const { context, connections } = core;
  // Ends in reverse, now if the start fails; the recording last, when every socket has ended.
  await using running = new AsyncDisposableStack();
  if (settings.record !== undefined) {
    const { startRecording } = await import('./recording.ts');
    running.use(await startRecording(settings.record, core, settings));
  }
  const { isShared } = storage;
  const runNow = async (): Promise<void> => {
    await sweeper.runNow();
    await matching.runNow();
    if (isShared) await followSearch(context);
  };
  const reload = async (): Promise<readonly string[]> => {
    const former = core.context.catalog();
    const outcome = await catalog.reload();
    for (const line of await matchmaker.removedHoppers(former)) settings.log(line);
    const problems = 'problems' in outcome ? outcome.problems.map(formatProblem) : [];
    return [...problems, ...((await limits?.reload()) ?? [])];
  };
  const adapters = await openAdapters(core, settings, {
    sweep: runNow,
    reload,
    ownUrl: () => url,
  });
  const { hub, app, readiness, matchmaker, limits, administration, inspector, notices } = adapters;

  // First what the node does by itself ends; then others may take over its connections, which end
  // before the app, since that waits for its sockets.
  running.defer(() => app.close({ withinMs: settings.drainMs }));
  running.use(hub);
  running.use(administration);
  const membership = running.use(await joinNodes({ ...core, hub }, { isShared, ...settings }));
  void membership.ended.then((sentence) => settings.log(`error: ${sentence}`));
  // So that the first search does not wait for it; a search meets the same errors.
  followSearch(context).catch(() => undefined);
  const { url } = await listen((at) => app.listen(at), settings);
  const gateway = await openGatewayOf(app, core, settings);
  if (gateway !== undefined) running.use(gateway);
  const sweeper = running.use(
    startSweeper(context, settings, [(_context, share) => administration.sweep(share)]),
  );
  const matching = running.use(startMatching(matchmaker, settings));
  if (isShared) running.use(startSearchFollower(context, settings));

  const parts = running.move();
  return {
    url,
    gateway: gateway?.address,
    ended: membership.ended,
    notices: [...notices, ...catalog.warnings()],
    get connectionsCount() {
      return connections.size;
    },
    sweep: runNow,
    reload,
    async drain() {
      readiness.end();
      // Its streams would last as long as their clients.
      inspector?.[Symbol.dispose]();
      gateway?.stop();
      const withinMs = settings.drainMs;
      await app.close({ withinMs, idleMs: Math.min(withinMs, idleMs) });
    },
    async [Symbol.asyncDispose]() {
      // At once, before work under way ends: nothing new is accepted, and balancers are notified.
      readiness.end();
      inspector?.[Symbol.dispose]();
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
