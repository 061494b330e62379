/**
 * Keeps the search index of this process as new as the store: own commits enter it at once (see
 * commit-session.ts); earlier data and other processes' commits are read from the store.
 */

import { candidateOf } from '../domain/search/candidate.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { SetAside } from '../platform/set-aside.ts';
import type { SessionStore } from '../store/store.ts';
import type { SearchIndex, Stale } from './search-index.ts';

/** The parts that following needs: the index of this process, and its store. */
export type SearchSources = {
  readonly searchIndex: SearchIndex;
  readonly store: Pick<SessionStore, 'searchChanges' | 'session' | 'sessions'>;
  readonly setAside: SetAside;
};

/** Changes asked for in one go. */
const changesMax = 100;
/** Sessions read at once: they are parsed and indexed in one turn. */
const readsMax = 25;

/**
 * Brings the index up to what the store knew at the call. One run at a time: a caller during a run
 * waits for the next one.
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
  // Else they would grow in number in a process that nobody searches.
  await refreshStaleKeys(context);
}

/**
 * Resolves once the index has all that this process has committed, or found in the store when it
 * first searched.
 */
export async function catchUpSearch(context: SearchSources): Promise<void> {
  const { searchIndex } = context;
  // A failed run is not awaited; one under way is.
  await searchIndex.following?.catch(() => undefined);
  if (!searchIndex.isLoaded) await followSearch(context);
  await refreshStaleKeys(context);
}

/** Resolves once all sessions that were stale at the call were read, or are set aside. */
async function refreshStaleKeys(context: SearchSources): Promise<void> {
  const { searchIndex, setAside } = context;
  const all = [...searchIndex.staleKeys].filter(([key]) => !setAside.has(key));
  for (let at = 0; at < all.length; at += readsMax) {
    if (at > 0) await yieldToEventLoop();
    const some = all.slice(at, at + readsMax);
    await Promise.all(some.map(([key, stale]) => refreshStale(context, key, stale)));
  }
}

/** Resolves once the session was read, or is set aside; searches at the same time share one read. */
function refreshStale(context: SearchSources, key: SessionKey, stale: Stale): Promise<void> {
  stale.looking ??= lookAgainAtStale(context, key, stale).finally(() => {
    stale.looking = undefined;
  });
  return stale.looking;
}

async function lookAgainAtStale(
  context: SearchSources,
  key: SessionKey,
  stale: Stale,
): Promise<void> {
  const { staleKeys } = context.searchIndex;
  const isRead = await context.setAside.attempt('the search index', key, async () => {
    await lookAgain(context, [key]);
    return true;
  });
  // What could not be read stays stale, and so does what another commit has made stale meanwhile.
  if (isRead && staleKeys.get(key) === stale) staleKeys.delete(key);
}

/**
 * Reads all at once; one after the other when that fails, so that the faulty one is found. That one is stale
 * until it can be read: nothing else says when it is mended.
 */
async function lookAgainAtEach(context: SearchSources, keys: readonly SessionKey[]): Promise<void> {
  try {
    await lookAgain(context, keys);
  } catch {
    for (const key of keys) {
      const isRead = await context.setAside.attempt('the search index', key, async () => {
        await lookAgain(context, [key]);
        return true;
      });
      if (!isRead) context.searchIndex.noteStale(key);
    }
  }
}

async function lookAgain(
  { searchIndex, store }: SearchSources,
  keys: readonly SessionKey[],
): Promise<void> {
  const known = keys.map((key) => searchIndex.known(key));
  const found = await store.sessions(keys);
  // A damaged session is not one that is gone: it throws DamagedRecord.
  const records = await Promise.all(keys.map((key, n) => found[n] ?? store.session(key)));
  for (const [n, key] of keys.entries()) {
    const record = records[n];
    const { revision, session } = record ?? none;
    searchIndex.putRead(key, known[n], { revision, candidate: session && candidateOf(session) });
  }
}

/** What is read of a session that is not there. */
const none = { revision: 0, session: undefined } as const;
