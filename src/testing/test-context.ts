import { readServiceConfigs } from '../config/read-service-configs.ts';
import { createSearchIndex } from '../search/search-index.ts';
import { openPresence } from '../directory/presence.ts';
import { SeenNames } from '../directory/seen-names.ts';
import { SessionLocks } from '../directory/session-lock.ts';
import { UserCounts } from '../directory/user-counts.ts';
import type { Context } from '../directory/context.ts';
import { storedPeople } from '../people/stored-people.ts';
import { defaultBounds } from '../domain/session/bounds.ts';
import type { Clock } from '../platform/clock.ts';
import { openConditions } from '../platform/conditions.ts';
import type { Ids } from '../platform/ids.ts';
import { SetAside } from '../platform/set-aside.ts';
import { openProcessBus } from '../store/memory/process-bus.ts';
import { isOutage, type Store, StoreUnavailable } from '../store/store.ts';
import { manualClock } from './manual-clock.ts';
import { testObservers } from './test-observers.ts';
import { sequentialIds } from './sequential-ids.ts';

/** Makes contexts over stores, with the demo config, people kept in the store, and time that stands. */
export async function openTestContexts(): Promise<
  (store: Store, around?: { readonly clock?: Clock; readonly ids?: Ids }) => Context
> {
  const read = await readServiceConfigs();
  if ('problems' in read) throw new Error('the demo config has problems');
  return (store, { clock = manualClock(), ids = sequentialIds() } = {}) => ({
    store,
    bus: openProcessBus(),
    people: storedPeople(store, { clock }),
    node: { id: '0badcafe', connections: new Set(), recheckQueue: new Map(), sweepsCount: 0 },
    locks: new SessionLocks(),
    userCounts: new UserCounts(),
    letOthersIn: () => undefined,
    presence: openPresence(clock.nowMs()),
    names: new SeenNames(),
    clock,
    ids,
    searchIndex: createSearchIndex(),
    catalog: () => read.catalog,
    settings: {
      inviteLifetimeMs: 86_400_000,
      history: { changesMax: 200, keptMs: 7 * 86_400_000 },
      queryAnswerBytesMax: 4_194_304,
      sessionsPerUserMax: 250,
      invitesPerUserMax: 500,
      searchAttributesBytesMax: 16_384,
      disconnectGraceMs: 30_000,
      presenceTimeoutMs: 300_000,
      unconnectedTimeoutMs: 900_000,
      deviceTokenKey: new Uint8Array(32).fill(7),
      bounds: defaultBounds,
      unknownMembers: 'refuse',
    },
    setAside: new SetAside({
      clock,
      conditions: openConditions(() => undefined),
      // A record that cannot be processed is a fault, where a test does not ask for it.
      log: (line) => {
        throw new Error(line);
      },
      isOutage,
    }),
    sessionListeners: [],
    observers: testObservers(),
    noteUnknownMembers: () => undefined,
    failed: (error) => {
      if (!(error instanceof StoreUnavailable)) throw error;
    },
  });
}
