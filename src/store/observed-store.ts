import type { Observers } from '../observe/observers.ts';
import type { Guid } from '../domain/ids.ts';
import { override } from '../platform/override.ts';
import type { Bus } from './bus.ts';
import type { Store } from './store.ts';

/** The methods that wait for the store. */
type AsyncMethod = {
  [K in keyof Store]: Store[K] extends (...values: never[]) => Promise<unknown> ? K : never;
}[keyof Store] &
  string;

/** All are observed. */
const calls: Readonly<Record<AsyncMethod, true>> = {
  session: true,
  sessions: true,
  sessionKeys: true,
  countPart: true,
  handle: true,
  activitiesOf: true,
  handlesFor: true,
  invitesOf: true,
  sessionsBy: true,
  memberRow: true,
  memberRows: true,
  memberRowsDue: true,
  due: true,
  expired: true,
  commit: true,
  searchChanges: true,
  list: true,
  listEntries: true,
  listSize: true,
  changeList: true,
  record: true,
  records: true,
  dueRecords: true,
  commitRecords: true,
  historyBranches: true,
  history: true,
  historyBy: true,
  forgetHistory: true,
  renewNode: true,
  nodes: true,
  forgetNode: true,
  noteSeen: true,
  lastSeen: true,
  acquireOnce: true,
  secret: true,
};

type Call = (...values: readonly unknown[]) => Promise<unknown>;

/**
 * `store`, which tells the observers how long each of its calls took. `requestId` says for which request
 * a call is made, if for one.
 */
export function observedStore(
  store: Store,
  observers: Observers,
  requestId: () => Guid | undefined = () => undefined,
): Store {
  const members: Record<string, Call> = {};
  for (const call of Object.keys(calls) as AsyncMethod[]) {
    const method = (store[call] as Call).bind(store);
    members[call] = (...values) => {
      const id = requestId();
      const beganMs = performance.now();
      const outcome = method(...values);
      const tell = (isFailed: boolean): void =>
        observers.current?.({
          kind: 'storeCalled',
          call,
          requestId: id,
          durationMs: performance.now() - beganMs,
          isFailed,
        });
      outcome.then(
        () => tell(false),
        () => tell(true),
      );
      return outcome;
    };
  }
  return override(store, members as Partial<Store>);
}

/** `bus`, which tells the observers how long it took to publish each message. */
export function observedBus(bus: Bus, observers: Observers): Bus {
  return override(bus, {
    publish(topic, message) {
      const beganMs = performance.now();
      const outcome = bus.publish(topic, message);
      const kind = topic.slice(0, topic.indexOf(':')) as 'node' | 'user' | 'presence';
      const tell = (isFailed: boolean): void =>
        observers.current?.({
          kind: 'busPublished',
          topic: kind,
          durationMs: performance.now() - beganMs,
          isFailed,
        });
      outcome.then(
        () => tell(false),
        () => tell(true),
      );
      return outcome;
    },
  });
}
