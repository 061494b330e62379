/**
 * Keeps the search index of this process as new as the store: what this process commits goes into
 * the index with the commit (see commit-session.ts), what was there before, and what others
 * commit, is followed.
 */

import { candidateOf } from '../domain/search/candidate.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import { breathe } from '../platform/breathe.ts';
import type { SetAside } from '../platform/set-aside.ts';
import type { SessionStore } from '../store/store.ts';
import type { SearchIndex } from './search-index.ts';

/** What following needs: the index of this process, and the store that it follows. */
export type Followed = {
  readonly searchIndex: SearchIndex;
  readonly store: Pick<SessionStore, 'searchChanges' | 'sessions'>;
  readonly setAside: SetAside;
};

/** Changes asked for in one go. */
const changesMax = 100;
/** Sessions read at once: what comes with them is parsed and indexed in one turn. */
const readsMax = 25;

/**
 * Brings the index up to what the store knew when it was asked. One run at a time: who asks while
 * one is under way waits for the next.
 */
export function followSearch(world: Followed): Promise<void> {
  const { searchIndex } = world;
  const before = searchIndex.following ?? Promise.resolve();
  const run = before.catch(() => undefined).then(() => followChanges(world));
  searchIndex.following = run;
  return run;
}

async function followChanges(world: Followed): Promise<void> {
  const { searchIndex, store } = world;
  for (;;) {
    const { keys, cursor } = await store.searchChanges(searchIndex.cursor, changesMax);
    for (let at = 0; at < keys.length; at += readsMax) {
      await lookAgainAtEach(world, keys.slice(at, at + readsMax));
      await breathe();
    }
    searchIndex.cursor = cursor;
    if (keys.length < changesMax) break;
  }
  searchIndex.isLoaded = true;
}

/**
 * Nothing of what this process has committed, or found in the store when it first searched, is
 * missing in the index once this resolves.
 */
export async function catchUpSearch(world: Followed): Promise<void> {
  const { searchIndex } = world;
  // A run that failed is not worth waiting for; one that is under way is.
  await searchIndex.following?.catch(() => undefined);
  if (!searchIndex.isLoaded) await followSearch(world);
  await Promise.all([...searchIndex.doubtful].map((key) => resolveDoubt(world, key)));
}

async function resolveDoubt(world: Followed, key: SessionKey): Promise<void> {
  const { doubtful } = world.searchIndex;
  doubtful.delete(key);
  const looking = world.setAside.attempt('the search index', key, () => lookAgain(world, [key]));
  await looking.catch((error: unknown) => {
    doubtful.add(key);
    throw error;
  });
}

/** Looks at all in one go; at one after the other when that fails, so that the one at fault is found. */
async function lookAgainAtEach(world: Followed, keys: readonly SessionKey[]): Promise<void> {
  try {
    await lookAgain(world, keys);
  } catch {
    for (const key of keys) {
      await world.setAside.attempt('the search index', key, () => lookAgain(world, [key]));
    }
  }
}

async function lookAgain(
  { searchIndex, store }: Followed,
  keys: readonly SessionKey[],
): Promise<void> {
  const known = keys.map((key) => searchIndex.revisionOf(key));
  const records = await store.sessions(keys);
  for (const [n, key] of keys.entries()) {
    const record = records[n];
    searchIndex.put(key, record?.revision ?? known[n] ?? 0, record && candidateOf(record.session));
  }
}
