import type { Context } from '../directory/context.ts';
import type { JsonObject } from '../domain/json.ts';
import { tallyOf } from '../domain/session/large.ts';
import { parseSessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import type { SessionListRequest } from './admin-request.ts';

/** Keys that are looked at in one step. */
const pageMax = 500;
/** Keys that one request looks at, so that it ends. */
const lookedAtMax = 20_000;

/**
 * A page of the sessions that are asked for, in no particular order, as the store has them: what time has
 * done since their last write is not in them. `cursor` goes on from there, and there is one as long as
 * there may be more; a page may be short, or empty.
 */
export async function listSessions(
  { store }: Pick<Context, 'store'>,
  { scid, templateName, text, limit, cursor: from }: SessionListRequest,
): Promise<JsonObject> {
  const found: JsonObject[] = [];
  let cursor = from;
  let lookedAt = 0;
  do {
    const page = await store.sessionKeys(Math.min(limit, pageMax), cursor);
    cursor = page.cursor;
    lookedAt += page.keys.length;
    const keys = page.keys.filter((key) => {
      const reference = parseSessionKey(key);
      return (
        isSame(reference.scid, scid) &&
        isSame(reference.templateName, templateName) &&
        (text === undefined || reference.name.toLowerCase().includes(text.toLowerCase()))
      );
    });
    for (const record of await store.sessions(keys)) {
      if (record !== undefined) found.push(viewSessionRow(record.session));
    }
    await yieldToEventLoop();
  } while (cursor !== undefined && found.length < limit && lookedAt < lookedAtMax);
  return { sessions: found, ...(cursor !== undefined && { cursor }) };
}

function isSame(one: string, asked: string | undefined): boolean {
  return asked === undefined || one.toLowerCase() === asked.toLowerCase();
}

/** More are counted as that many. */
const countedMax = 1_000_000;

/** How many sessions there are, and whether there are more that were not counted. */
export async function countSessions({ store }: Pick<Context, 'store'>): Promise<JsonObject> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = await store.sessionKeys(10_000, cursor);
    count += page.keys.length;
    cursor = page.cursor;
    await yieldToEventLoop();
  } while (cursor !== undefined && count < countedMax);
  return { count, isMore: cursor !== undefined };
}

/** A session in a list. */
export function viewSessionRow(session: Session): JsonObject {
  const { reference, changeNumber, properties } = session;
  const { count, accepted, active } = tallyOf(session);
  const { keywords } = properties.system;
  return {
    scid: reference.scid,
    template: reference.templateName,
    name: reference.name,
    changeNumber,
    members: { count, accepted, active },
    ...(keywords && { keywords }),
  };
}
