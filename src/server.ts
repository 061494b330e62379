/**
 * The composition root. A server is a storage and a node on it: `server/storage.ts` says which
 * store, bus and clock, `server/node.ts` builds everything else, and everything is known there.
 */

import { nameOptions } from './config/settings.ts';
import { problemOfNode } from './platform/node-version.js';
import { CannotStart } from './server/cannot-start.ts';
import {
  type AskedSettings,
  type ServerOptions,
  type ServerSettings,
  settingsOf,
} from './server/options.ts';
import { openObservers } from './observe/observers.ts';
import { openObservation } from './server/observation.ts';
import type { RunningNode } from './server/node.ts';
import { openStorage } from './server/storage.ts';
import { openConditions } from './platform/conditions.ts';
import { StoreUnavailable } from './store/store.ts';

export { CannotStart, type ServerOptions };

/** A server that answers requests, until it is closed. */
export type RunningServer = RunningNode & {
  /**
   * Is no longer ready, accepts nothing new, finishes requests under way within the time to drain,
   * then closes the store.
   */
  close(): Promise<void>;
};

/**
 * A server that is ready for requests. What it says names settings as `options` does.
 *
 * Throws CannotStart with every problem of the settings or service configs, or with the fault of
 * the data folder, the keys, the port, or this version of Node.
 */
export function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  return startNamed(options, nameOptions);
}

/** As `startServer`, of a command: what it says names settings by their flags. */
export function startServerOfCommand(options: ServerOptions): Promise<RunningServer> {
  return startNamed(options, (text) => text);
}

/** `named`: a text that has flags, with the names that the caller gives to settings. */
async function startNamed(
  options: ServerOptions,
  named: (text: string) => string,
): Promise<RunningServer> {
  try {
    const problem = problemOfNode();
    if (problem !== undefined) throw new CannotStart([`openmpsd ${problem}`]);
    const settings = settingsOf(options);
    return await start({ ...settings, log: (line) => settings.log(named(line)) }, named);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw new CannotStart([named(error.message)]);
    if (!(error instanceof CannotStart)) throw error;
    throw new CannotStart(error.problems.map(named), { cause: error.cause });
  }
}

async function start(
  asked: AskedSettings,
  named: (text: string) => string,
): Promise<RunningServer> {
  // Closed in reverse, now if the start fails, or else by close(): the storage last.
  await using opened = new AsyncDisposableStack();
  const observation = opened.use(await openObservation(asked));
  const { observers, requestScope, log } = observation;
  const settings = { ...asked, observers, requestScope, log };
  const conditions = openConditions(settings.log);
  const storage = opened.use(await openStorage(settings, conditions, () => tryStart(settings)));
  // Most of the code is the node's. It is loaded here, while the store's thread starts.
  const { openNode } = await import('./server/node.ts');
  const node = opened.use(await openNode(storage, settings, conditions));
  const parts = opened.move();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= parts.disposeAsync();
    return closed;
  };
  return {
    url: node.url,
    gateway: node.gateway,
    ended: node.ended,
    notices: node.notices.map(named),
    get connectionsCount() {
      return node.connectionsCount;
    },
    sweep: () => node.sweep(),
    reload: async () => (await node.reload()).map(named),
    drain: () => node.drain(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Starts a node on an empty store and ends it: a start that would fail fails here, before data of a
 * former version is converted. Throws as a start does.
 */
async function tryStart({ bus: _, ...settings }: ServerSettings): Promise<void> {
  const log = (): void => undefined;
  const trial: ServerSettings = {
    ...settings,
    observers: openObservers(log),
    store: 'memory',
    // The start itself makes the file of a recording, which must not be there.
    record: undefined,
    log,
  };
  const conditions = openConditions(trial.log);
  await using storage = await openStorage(trial, conditions, async () => undefined);
  const { openNode } = await import('./server/node.ts');
  await using _node = await openNode(storage, trial, conditions);
}
