import type { SessionKey } from '../domain/session/reference.ts';
import type { Store } from '../store/store.ts';

/** Of each session that somebody waits for: when the last of those who wait is done. */
const lastTurns = new WeakMap<Store, Map<SessionKey, Promise<void>>>();

/**
 * The turn of one of the writers of this process who lost a race for a session, until it is disposed
 * of. They go one after the other: together, all but one of them would lose again to each other.
 */
export async function turnOf(store: Store, key: SessionKey): Promise<Disposable> {
  const turns = lastTurns.get(store) ?? new Map<SessionKey, Promise<void>>();
  lastTurns.set(store, turns);
  const before = turns.get(key);
  const { promise, resolve } = Promise.withResolvers<void>();
  turns.set(key, promise);
  await before;
  return {
    [Symbol.dispose]: () => {
      if (turns.get(key) === promise) turns.delete(key);
      resolve();
    },
  };
}
