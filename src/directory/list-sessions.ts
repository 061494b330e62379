import type { SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { Context } from './context.ts';

/** Sessions that are read in one step. */
const pageMax = 200;

/**
 * All sessions, in pages, in no particular order, as the store has them: what time has done since the last
 * write is not in them, and nothing is written. Of a large session its member rows are not loaded.
 *
 * A session that comes or goes meanwhile may be there or not. Others are answered between two pages.
 */
export async function* allSessions({
  store,
}: Pick<Context, 'store'>): AsyncGenerator<readonly Session[]> {
  const seen = new Set<SessionKey>();
  let cursor: string | undefined;
  do {
    const page = await store.sessionKeys(10_000, cursor);
    cursor = page.cursor;
    const keys = page.keys.filter((key) => !seen.has(key));
    for (const key of keys) seen.add(key);
    for (let at = 0; at < keys.length; at += pageMax) {
      const records = await store.sessions(keys.slice(at, at + pageMax));
      yield records.flatMap((record) => record?.session ?? []);
      await yieldToEventLoop();
    }
  } while (cursor !== undefined);
}
