import type { Observers } from '../observe/observers.ts';
import { override } from '../platform/override.ts';
import type { Bus } from './bus.ts';
import type { Store } from './store.ts';

/** The calls that are observed: all that wait for the store. */
const calls = [
  'session',
  'sessions',
  'sessionKeys',
  'handle',
  'activitiesOf',
  'handlesFor',
  'invitesOf',
  'sessionsBy',
  'memberRow',
  'memberRows',
  'memberRowsDue',
  'due',
  'expired',
  'commit',
  'searchChanges',
  'list',
  'listEntries',
  'listSize',
  'changeList',
  'record',
  'records',
  'dueRecords',
  'commitRecords',
  'renewNode',
  'nodes',
  'noteSeen',
  'lastSeen',
  'acquireOnce',
] as const satisfies readonly (keyof Store)[];

type Call = (...values: readonly unknown[]) => Promise<unknown>;

/** `store`, which tells the observers how long each of its calls took. */
export function observedStore(store: Store, observers: Observers): Store {
  const members: Record<string, Call> = {};
  for (const call of calls) {
    const method = (store[call] as Call).bind(store);
    members[call] = (...values) => {
      const beganMs = performance.now();
      const outcome = method(...values);
      const tell = (isFailed: boolean): void =>
        observers.current?.({
          kind: 'storeCalled',
          call,
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
