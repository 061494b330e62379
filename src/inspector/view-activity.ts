/** Requests and events of connections as rows, in detail, and as the rules of certification read them. */

import type { Caller } from '../domain/caller.ts';
import type { Call } from '../domain/calls/call.ts';
import { serviceOf } from '../domain/calls/service.ts';
import type { JsonObject } from '../domain/json.ts';
import { parseSessionKey } from '../domain/session/reference.ts';
import type { ObservedHeaders, RequestEnded } from '../observe/events.ts';
import {
  bodyWithoutSecrets,
  headersWithoutSecrets,
  targetWithoutSecrets,
} from '../observe/secrets.ts';
import type {
  ActivityRow,
  BodyText,
  CallerRow,
  RequestDetail,
  RequestRow,
  RtaRow,
} from './api-types.ts';
import type { NumberedEvent, RtaEvent } from './recent-events.ts';

/** The row of an event. `gamertagOf` is what this process knows of a user. */
export function viewActivity(
  { number, event }: NumberedEvent,
  gamertagOf: (xuid: string) => string | undefined,
): ActivityRow {
  return event.kind === 'request' ? viewRequest(number, event) : viewRta(number, event, gamertagOf);
}

function viewRequest(number: number, event: RequestEnded): RequestRow {
  const { id, atMs, durationMs, method, target, route, caller, status, refusal } = event;
  const key = keyOfRequest(event);
  return {
    kind: 'request',
    number,
    atMs,
    ...(caller && { caller: viewCaller(caller) }),
    id,
    method,
    target: targetWithoutSecrets(target),
    ...(route !== undefined && { route }),
    status,
    durationMs: Math.round(durationMs * 1_000) / 1_000,
    ...(refusal && {
      refusal: {
        code: refusal.code,
        text: refusal.text,
        ...(refusal.detail !== undefined && { detail: refusal.detail }),
      },
    }),
    ...(key !== undefined && { key }),
  };
}

function viewRta(
  number: number,
  event: RtaEvent,
  gamertagOf: (xuid: string) => string | undefined,
): RtaRow {
  const xuid = event.kind === 'connectionOpened' ? event.caller.xuid : event.xuid;
  const gamertag = gamertagOf(xuid);
  const key = event.kind === 'tapsSent' ? keyOfTap(event.taps[0]?.resource) : undefined;
  return {
    kind: 'rta',
    number,
    atMs: event.atMs,
    caller: { xuid, ...(gamertag !== undefined && { gamertag }) },
    connectionId: event.connection,
    ...sayRta(event),
    ...(key !== undefined && { key }),
  };
}

function sayRta(event: RtaEvent): Pick<RtaRow, 'what' | 'text'> {
  switch (event.kind) {
    case 'connectionOpened':
      return { what: 'connected', text: 'connected' };
    case 'connectionClosed':
      return { what: 'disconnected', text: event.why };
    case 'subscription': {
      const text = event.resource ?? 'an unknown subscription';
      const what = event.change === 'refused' ? 'subscribeRefused' : event.change;
      return { what, text: event.code === 0 ? text : `${text} (code ${event.code})` };
    }
    case 'tapsSent':
      return {
        what: 'taps',
        text: event.taps
          .map(({ resource, changeNumber }) => `${nameOfTap(resource)} #${changeNumber}`)
          .join(', '),
      };
    case 'resyncSent':
      return { what: 'resync', text: 'it may have missed changes' };
  }
}

function keyOfTap(resource: string | undefined): string | undefined {
  return resource?.toLowerCase();
}

function nameOfTap(resource: string): string {
  return parseSessionKey(resource).name;
}

/** A caller, as rows show it. */
function viewCaller(caller: Caller): CallerRow {
  const title = caller.titleId === undefined ? {} : { titleId: caller.titleId };
  if (caller.kind === 'service') return { service: caller.name, ...title };
  const { xuid, gamertag } = caller;
  return { xuid, ...(gamertag !== undefined && { gamertag }), ...title };
}

/** The key of the session that a request names: in its path, or else in `Content-Location`. */
export function keyOfRequest({ target, answerHeaders }: RequestEnded): string | undefined {
  return (
    keyOfPath(target) ??
    keyOfPath(String(answerHeaders['Content-Location'] ?? answerHeaders['content-location'] ?? ''))
  );
}

function keyOfPath(path: string): string | undefined {
  const [, ...parts] =
    /\/serviceconfigs\/([^/?]+)\/sessiontemplates\/([^/?]+)\/sessions\/([^/?]+)/i.exec(path) ?? [];
  if (parts.length < 3) return undefined;
  try {
    return parts.map(decodeURIComponent).join('~').toLowerCase();
  } catch {
    return undefined;
  }
}

/** Characters of a body that are shown. */
const bodyCharactersMax = 65_536;

/** Everything about a request, with tokens replaced. */
export function viewRequestDetail(number: number, event: RequestEnded): RequestDetail {
  const { target, requestBody, answerBody, caller, refusal } = event;
  const path = event.route ?? target.replace(/[?#].*/s, '');
  const requestText = requestBody && new TextDecoder().decode(requestBody);
  return {
    row: viewRequest(number, event),
    requestHeaders: flat(headersWithoutSecrets(event.requestHeaders)),
    ...(requestText !== undefined &&
      requestText !== '' && { requestBody: viewBody(path, requestText) }),
    answerHeaders: flat(headersWithoutSecrets(event.answerHeaders)),
    ...(answerBody !== undefined && { answerBody: viewBody(path, answerBody) }),
    ...(caller && { claims: viewClaims(caller) }),
    ...(refusal && { docs: `docs/wire/refusals.md (${refusal.code})` }),
  };
}

function viewBody(path: string, whole: string): BodyText {
  const text = bodyWithoutSecrets(path, whole);
  return { text: text.slice(0, bodyCharactersMax), isCut: text.length > bodyCharactersMax };
}

/** What the token says, without what names the token. */
function viewClaims(caller: Caller): JsonObject {
  const { userHash: _, ...claims } = caller as Caller & { readonly userHash?: string };
  return JSON.parse(JSON.stringify(claims)) as JsonObject;
}

function flat(headers: ObservedHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, [value].flat().join(', ')]],
    ),
  );
}

/** A request as the rules of certification look at it; undefined when it is to no service of Xbox Live. */
export function callOf(event: RequestEnded): Call | undefined {
  const { id, atMs, durationMs, method, target, caller, status, answerHeaders } = event;
  const [path = '', query = ''] = target.split('?', 2);
  const host = String(event.requestHeaders['host'] ?? '');
  const service = serviceOf(host, path);
  if (service === '' || caller === undefined) return undefined;
  const retryAfter = Number(answerHeaders['Retry-After'] ?? answerHeaders['retry-after'] ?? 0);
  const etag = answerHeaders['ETag'] ?? answerHeaders['etag'];
  return {
    id,
    atMs,
    endMs: atMs + durationMs,
    user: caller.kind === 'user' ? caller.xuid : caller.name,
    title: caller.titleId,
    service,
    verb: method,
    path,
    query,
    body: event.requestBody === undefined ? '' : new TextDecoder().decode(event.requestBody),
    status,
    ...(retryAfter > 0 && { retryAfterSeconds: retryAfter }),
    answer: etag === undefined ? `${status} ${event.answerBody ?? ''}` : String(etag),
  };
}
