import { parseSessionKey, type SessionReference } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { Context } from './context.ts';

/** Keys that are looked at in one step. */
const pageMax = 500;
/** Keys that one call looks at, so that it ends. */
const lookedAtMax = 20_000;

export type SessionPage = {
  readonly sessions: readonly Session[];
  /** Goes on from there; undefined: there are no more. */
  readonly cursor: string | undefined;
};

/**
 * A page of the sessions that `selects` takes, about `limit` of them, in no particular order, as the store
 * has them: what time has done since the last write is not in them. With a cursor a page may be empty.
 *
 * A session that comes or goes between two pages may be there or not, and one may be there twice.
 */
export async function pageOfSessions(
  { store }: Pick<Context, 'store'>,
  limit: number,
  from: string | undefined,
  selects: (reference: SessionReference) => boolean,
): Promise<SessionPage> {
  const sessions: Session[] = [];
  let cursor = from;
  let lookedAt = 0;
  do {
    const page = await store.sessionKeys(Math.min(limit - sessions.length, pageMax), cursor);
    cursor = page.cursor;
    lookedAt += page.keys.length;
    const keys = page.keys.filter((key) => selects(parseSessionKey(key)));
    for (const record of await store.sessions(keys)) if (record) sessions.push(record.session);
    await yieldToEventLoop();
  } while (cursor !== undefined && sessions.length < limit && lookedAt < lookedAtMax);
  return { sessions, cursor };
}
