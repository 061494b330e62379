/** What would have been accepted in place of a refused request: reads the facts for `accepted-rules.ts`. */

import { isDeepStrictEqual } from 'node:util';
import type { Context } from '../directory/context.ts';
import type { Handle } from '../domain/handle/handle.ts';
import { isGuid, type Xuid } from '../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject, parseExactJson } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf, parseSessionReference, type SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';
import { readBranches, readMoments } from '../history/read-history.ts';
import type { ObservedHeaders, RequestEnded } from '../observe/events.ts';
import { acceptedWays } from './accepted-rules.ts';
import type { AcceptedRequests, ConnectionRow, InspectorInfo } from './api-types.ts';
import { keyOfRequest } from './view-activity.ts';

export type AcceptedSources = Pick<InspectorInfo, 'auth'> & {
  readonly context: Context;
  readonly bodyBytesMax: number;
  readonly ownUrl: () => string;
  readonly connections: () => readonly ConnectionRow[];
};

/** Undefined for a request that no rule refused, and where nothing is known that would be accepted. */
export async function readAccepted(
  { context, auth, bodyBytesMax, ownUrl, connections }: AcceptedSources,
  event: RequestEnded,
): Promise<AcceptedRequests | undefined> {
  const { refusal, caller, method, target, atMs } = event;
  if (refusal === undefined) return undefined;
  const body = parseBody(event.requestBody);
  const handle = await readHandle(context, target);
  const key = keyOfRequest(event) ?? keyOfBody(body) ?? (handle && keyOf(handle.reference));
  const at = key === undefined ? undefined : await readSession(context, key, atMs);
  const scid = /\/serviceconfigs\/([^/?]+)/i.exec(target)?.[1] ?? scidOf(body);
  const catalog = context.catalog();
  const facts = {
    refusal,
    method,
    caller,
    answerHeaders: lowerCase(event.answerHeaders),
    session: at?.session,
    handle,
    config: catalog.get((scid ?? key?.split('~')[0] ?? '').toLowerCase()),
    catalog,
    settings: { ...context.settings, bodyBytesMax },
    auth,
    ownUrl: ownUrl(),
    connectionIds: connections()
      .filter(({ xuid }) => caller?.kind === 'user' && xuid === caller.xuid)
      .map(({ id }) => id),
    gamertagOf: (xuid: Xuid) => context.names.of(xuid),
  };
  const ways = acceptedWays(facts);
  if (ways.length === 0) return undefined;
  const isBySession = !isDeepStrictEqual(ways, acceptedWays({ ...facts, session: undefined }));
  return {
    ways,
    ...(isBySession &&
      at && {
        session: { changeNumber: at.session.changeNumber, isNow: at.isNow },
      }),
  };
}

/** The session as it was at a time, by its history; without one as it is now. */
async function readSession(
  context: Context,
  key: SessionKey,
  atMs: Milliseconds,
): Promise<{ readonly session: Session; readonly isNow: boolean } | undefined> {
  const [record] = await context.store.sessions([key]);
  for (const branch of await readBranches(context, key)) {
    const moments = await readMoments(context, key, branch);
    const then = moments.findLast((moment) => moment.atMs <= atMs);
    if (then === undefined) continue;
    if (then.after === undefined) break;
    const isNow =
      record?.session.branch === branch && record.session.changeNumber === then.after.changeNumber;
    // The stored one has what no history keeps: members of a large session that were read.
    return { session: isNow ? record.session : then.after, isNow };
  }
  return record && { session: record.session, isNow: true };
}

async function readHandle({ store }: Context, target: string): Promise<Handle | undefined> {
  const [, id = ''] = /\/handles\/([0-9a-f-]{36})(?:[/?]|$)/i.exec(target) ?? [];
  return isGuid(id) ? await store.handle(id.toLowerCase()) : undefined;
}

function parseBody(body: Uint8Array | undefined): Json | undefined {
  try {
    return body && parseExactJson(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/** The session that the body of a handle or a ticket names. */
function keyOfBody(body: Json | undefined): SessionKey | undefined {
  const reference = referenceIn(body);
  const { scid, templateName, name } = reference ?? {};
  if (typeof scid !== 'string' || typeof templateName !== 'string' || typeof name !== 'string') {
    return undefined;
  }
  const parsed = parseSessionReference({ scid, templateName, name });
  return parsed instanceof Refusal ? undefined : keyOf(parsed);
}

function scidOf(body: Json | undefined): string | undefined {
  const scid = referenceIn(body)?.['scid'];
  return typeof scid === 'string' ? scid : undefined;
}

function referenceIn(body: Json | undefined): JsonObject | undefined {
  if (!isJsonObject(body)) return undefined;
  const reference = body['sessionRef'] ?? body['ticketSessionRef'];
  return isJsonObject(reference) ? reference : undefined;
}

function lowerCase(headers: ObservedHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), [value].flat().join(', ')]],
    ),
  );
}
