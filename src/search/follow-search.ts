/**
 * Keeps the search index of this process as new as the store: what this process commits goes into
 * the index with the commit (see commit-session.ts), what was there before, and what others
 * commit, is followed.
 */

import { candidateOf } from '../domain/search/candidate.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { SetAside } from '../platform/set-aside.ts';
import type { SessionStore } from '../store/store.ts';
import type { SearchIndex } from './search-index.ts';

/** What following needs: the index of this process, and the store that it follows. */
export type SearchSources = {
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
export function followSearch(context: SearchSources): Promise<void> {
  const { searchIndex } = context;
  const before = searchIndex.following ?? Promise.resolve();
  const run = before.catch(() => undefined).then(() => followChanges(context));
  searchIndex.following = run;
  return run;
}

async function followChanges(context: SearchSources): Promise<void> {
  const { searchIndex, store } = context;
  for (;;) {
    const { keys, cursor } = await store.searchChanges(searchIndex.cursor, changesMax);
    for (let at = 0; at < keys.length; at += readsMax) {
      await lookAgainAtEach(context, keys.slice(at, at + readsMax));
      await yieldToEventLoop();
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
export async function catchUpSearch(context: SearchSources): Promise<void> {
  const { searchIndex } = context;
  // A run that failed is not worth waiting for; one that is under way is.
  await searchIndex.following?.catch(() => undefined);
  if (!searchIndex.isLoaded) await followSearch(context);
  await Promise.all([...searchIndex.staleKeys].map((key) => refreshStale(context, key)));
}

async function refreshStale(context: SearchSources, key: SessionKey): Promise<void> {
  const { staleKeys } = context.searchIndex;
  staleKeys.delete(key);
  const looking = context.setAside.attempt('the search index', key, () =>
    lookAgain(context, [key]),
  );
  await looking.catch((error: unknown) => {
    staleKeys.add(key);
    throw error;
  });
}

/** Looks at all in one go; at one after the other when that fails, so that the one at fault is found. */
async function lookAgainAtEach(context: SearchSources, keys: readonly SessionKey[]): Promise<void> {
  try {
    await lookAgain(context, keys);
  } catch {
    for (const key of keys) {
      await context.setAside.attempt('the search index', key, () => lookAgain(context, [key]));
    }
  }
}

async function lookAgain(
  { searchIndex, store }: SearchSources,
  keys: readonly SessionKey[],
): Promise<void> {
  const known = keys.map((key) => searchIndex.revisionOf(key));
  const records = await store.sessions(keys);
  for (const [n, key] of keys.entries()) {
    const record = records[n];
    searchIndex.put(key, record?.revision ?? known[n] ?? 0, record && candidateOf(record.session));
  }
}
