import type { SessionKey } from '../domain/session/reference.ts';
import type { Store } from '../store/store.ts';

/** Of each session that somebody waits for: when the last of those who wait is done. */
const lastTurns = new WeakMap<Store, Map<SessionKey, Promise<void>>>();

/** True when a writer of this process has its turn now, or waits for it. */
export function isWaitedFor(store: Store, key: SessionKey): boolean {
  return lastTurns.get(store)?.has(key) === true;
}

/** How often a writer reads before it begins, so that a try of another process comes before its own. */
const readsBefore = 5;

/**
 * The turn of one of the writers of this process who lost a race for a session, until it is disposed
 * of. They go one after the other: together, all but one of them would lose again to each other.
 *
 * A turn begins with some ways to the store and back. Two processes would else keep in step, and who
 * has lost to the other once would lose each time.
 */
export async function turnOf(store: Store, key: SessionKey): Promise<Disposable> {
  const turns = lastTurns.get(store) ?? new Map<SessionKey, Promise<void>>();
  lastTurns.set(store, turns);
  const before = turns.get(key);
  const { promise, resolve } = Promise.withResolvers<void>();
  turns.set(key, promise);
  const end = (): void => {
    if (turns.get(key) === promise) turns.delete(key);
    resolve();
  };
  try {
    await before;
    for (let n = 0; n < readsBefore; n += 1) await store.session(key);
  } catch (error) {
    end();
    throw error;
  }
  return { [Symbol.dispose]: end };
}
