import { openPresence } from '../directory/presence.ts';
import { SeenNames } from '../directory/seen-names.ts';
import { followSessions } from '../neighbours/presence.ts';
import { createSearchIndex } from '../search/search-index.ts';
import type { Context } from '../directory/context.ts';
import { SessionLocks } from '../directory/session-lock.ts';
import { UserCounts } from '../directory/user-counts.ts';
import { nodeOfConnection } from '../domain/session/hints.ts';
import { storedPeople } from '../people/stored-people.ts';
import type { Observers } from '../observe/observers.ts';
import type { Conditions } from '../platform/conditions.ts';
import { SetAside } from '../platform/set-aside.ts';
import { randomWait } from '../platform/random-wait.ts';
import { keyFor } from '../platform/key.ts';
import { DamagedRecord, isOutage, StoreUnavailable } from '../store/store.ts';
import type { ServerSettings } from './options.ts';
import type { Storage } from './storage.ts';

/** The parts of a new node's context, besides its settings. */
export type ContextParts = Pick<Storage, 'store' | 'bus' | 'clock' | 'isShared'> & {
  readonly observers: Observers;
  readonly catalog: Context['catalog'];
  readonly conditions: Conditions;
  readonly connections: Context['node']['connections'];
  /** That of the store. */
  readonly secret: Uint8Array;
};

/** The context of a new node, which has an id of its own and has seen nobody yet. */
export function createContext(
  {
    store,
    bus,
    clock,
    isShared,
    catalog,
    connections,
    secret,
    conditions,
    observers,
  }: ContextParts,
  settings: ServerSettings,
): Context {
  const { ids, log, inviteLifetimeMs, disconnectGraceMs, presenceTimeoutMs, unconnectedTimeoutMs } =
    settings;
  const failed = (error: unknown): void => {
    // Readiness reports an outage, and the sweep later does the prevented work; the store logs damage.
    if (error instanceof StoreUnavailable) return;
    log(`error: ${error instanceof Error ? error.stack : String(error)}`);
  };
  return {
    store,
    bus,
    // Other nodes change lists too: what one node allows, all must allow.
    people:
      settings.people ?? storedPeople(store, { clock, ...(isShared && { listLifetimeMs: 0 }) }),
    node: {
      id: nodeOfConnection(ids.guid()),
      connections,
      recheckQueue: new Map(),
      sweepsCount: 0,
    },
    locks: new SessionLocks(),
    userCounts: new UserCounts(),
    letOthersIn: isShared ? randomWait : () => undefined,
    presence: openPresence(clock.nowMs()),
    names: new SeenNames(),
    observers,
    sessionListeners: [(change) => followSessions({ bus, failed }, change)],
    clock,
    ids,
    searchIndex: createSearchIndex({
      textBytesMax: Math.ceil(settings.cacheBytesMax / searchTextsShare),
      isAlone: !isShared,
    }),
    catalog,
    settings: {
      inviteLifetimeMs,
      history: {
        changesMax: settings.historyChangesMax,
        keptMs: settings.historyDays * dayMs,
      },
      queryAnswerBytesMax: settings.queryAnswerBytesMax,
      sessionsPerUserMax: settings.sessionsPerUserMax,
      invitesPerUserMax: settings.invitesPerUserMax,
      searchAttributesBytesMax: settings.searchAttributesBytesMax,
      disconnectGraceMs,
      presenceTimeoutMs,
      unconnectedTimeoutMs,
      deviceTokenKey: keyFor('device tokens', secret),
      bounds: settings,
      unknownMembers: settings.unknownMembers,
    },
    setAside: new SetAside({ clock, conditions, log, isOutage, isLogged: isDamage }),
    noteUnknownMembers: logEachOnce(log),
    failed,
  };
}

const dayMs = 86_400_000;

/** Texts of search results may take this part of `--cache` beside the sessions. */
const searchTextsShare = 4;

const isDamage = (error: unknown): boolean => error instanceof DamagedRecord;

/** Names of unknown members that are remembered, so that a client cannot fill memory or log. */
const namesMax = 1_000;
const nameCharactersMax = 200;

/** A line for each name, the first time that it is met. */
export function logEachOnce(log: (line: string) => void): (names: readonly string[]) => void {
  const logged = new Set<string>();
  return (names) => {
    for (const name of names) {
      const shown = JSON.stringify(name.slice(0, nameCharactersMax));
      if (logged.has(shown) || logged.size >= namesMax) continue;
      logged.add(shown);
      log(`warning: a request has a member that is not known here and is kept: ${shown}`);
    }
  };
}
