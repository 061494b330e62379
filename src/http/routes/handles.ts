import { createHandle } from '../../directory/create-handle.ts';
import { deleteHandle } from '../../directory/delete-handle.ts';
import { queryActivities } from '../../directory/query-handles.ts';
import { readHandle, readLiveHandle } from '../../directory/read-handle.ts';
import { readSession } from '../../directory/read-session.ts';
import { writeSession } from '../../directory/write-session.ts';
import { searchHandles } from '../../directory/search-handles.ts';
import type { Context } from '../../directory/context.ts';
import type { Caller } from '../../domain/caller.ts';
import {
  dropUnknownOfActivityQuery,
  dropUnknownOfHandle,
  parseActivityQuery,
  parseHandleRequest,
  parseInclude,
  parseQueryType,
  type Include,
} from '../../domain/handle/request.ts';
import { viewActivityResult, viewHandle } from '../../domain/handle/view.ts';
import { formatJson, type JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import { dropUnknownOfSearch, parseSearchQuery } from '../../domain/search/request.ts';
import { parsePreconditions } from '../../domain/session/precondition.ts';
import { formatSessionPath } from '../../domain/session/reference.ts';
import { parseSessionRequest } from '../../domain/session/request.ts';
import { refusalResponse } from '../refusal-response.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';
import { knownPart } from '../known-part.ts';
import { answerRead, answerWritten } from '../session-answer.ts';
import { isPreview } from './sessions.ts';

/** Makes a handle. @source docs/wire/handles.md "POST /handles" */
const postHandle: Route = {
  method: 'POST',
  path: '/handles',
  auth: 'mpsd',
  body: 'object',
  rateServiceOf: (body) => (isOfSearch(body) ? 'searchWrite' : 'sessiondirectory'),
  async answer({ body, caller, cause }, context) {
    const request = parseHandleRequest(knownPart(context, body, dropUnknownOfHandle));
    if (request instanceof Refusal) return request;
    const made = await createHandle(context, request, caller, cause);
    if (made instanceof Refusal) return made;
    const location = `/handles/${made.handle.id}`;
    return {
      status: made.created ? 201 : 200,
      headers: { location, 'content-location': location },
      body: formatJson(viewHandle(made.handle)),
    };
  },
};

const getHandle: Route = {
  method: 'GET',
  path: '/handles/{id}',
  auth: 'mpsd',
  body: 'none',
  async answer({ params, caller }, context) {
    const handle = await readHandle(context, params['id'] ?? '', caller);
    if (handle instanceof Refusal) return handle;
    return { status: 200, body: formatJson(viewHandle(handle)) };
  },
};

const removeHandle: Route = {
  method: 'DELETE',
  path: '/handles/{id}',
  auth: 'mpsd',
  body: 'none',
  async answer({ params, caller, cause }, context) {
    return (await deleteHandle(context, params['id'] ?? '', caller, cause)) ?? { status: 204 };
  },
};

/** Reads the session of a handle, with the access that it grants. @source docs/wire/sessions.md "Access", docs/wire/handles.md "POST /handles" */
const getSessionByHandle: Route = {
  method: 'GET',
  path: '/handles/{id}/session',
  auth: 'mpsd',
  body: 'none',
  async answer(request, context) {
    const handle = await readLiveHandle(context, request.params['id'] ?? '', request.caller);
    if (handle instanceof Refusal) return handle;
    const { reference } = handle;
    const session = await readSession(context, reference, request.caller, handle);
    if (session instanceof Refusal) return session;
    const { ifNoneMatch } = parsePreconditions(request.headers);
    return answerRead(session, ifNoneMatch, request, {
      'content-location': formatSessionPath(session?.reference ?? reference),
    });
  },
};

/**
 * Writes the session of a handle, with the access that it grants; never creates one.
 *
 * @source docs/wire/sessions.md "Access", docs/wire/handles.md "POST /handles"
 */
const putSessionByHandle: Route = {
  method: 'PUT',
  path: '/handles/{id}/session',
  auth: 'mpsd',
  body: 'object',
  keepsUnknown: true,
  async answer(request, context) {
    const body = parseSessionRequest(request.body, request.contractVersion, context.settings);
    if (body instanceof Refusal) return body;
    const handle = await readLiveHandle(context, request.params['id'] ?? '', request.caller);
    if (handle instanceof Refusal) return handle;
    const { reference } = handle;
    const written = await writeSession(
      context,
      {
        reference,
        request: body,
        preconditions: parsePreconditions(request.headers),
        caller: request.caller,
        onlyExisting: true,
      },
      { handle, commit: !isPreview(request), cause: request.cause },
    );
    const session = 'session' in written ? written.session : undefined;
    const headers = { 'content-location': formatSessionPath(session?.reference ?? reference) };
    if (!(written instanceof Refusal)) return answerWritten(written, request, headers);
    if (written.code === 'sessionFull') return answerFull(written, request);
    return session === undefined ? written : { refusal: written, headers };
  },
};

/**
 * A full session is 403 by handle; by path its status is 400.
 *
 * @source docs/wire/handles.md "Through a handle", docs/wire/unknowns.md "a full session by handle"
 */
function answerFull(refusal: Refusal, { contractVersion }: RouteRequest): Answer {
  return { ...refusalResponse(refusal, contractVersion), status: 403 };
}

/** True of a body about search handles, which are counted apart. */
function isOfSearch({ type }: JsonObject): boolean {
  return typeof type === 'string' && type.toLowerCase() === 'search';
}

/** Lists activities, or searches. @source docs/wire/handles.md "POST /handles/query" */
const queryHandles: Route = {
  method: 'POST',
  path: '/handles/query',
  auth: 'mpsd',
  body: 'object',
  onlyReads: true,
  rateServiceOf: (body) => (isOfSearch(body) ? 'searchRead' : 'sessiondirectory'),
  async answer({ body, caller, query }, context) {
    const type = parseQueryType(body);
    if (type instanceof Refusal) return type;
    const include = parseInclude(query.get('include'));
    if (type === 'search') return answerSearch(body, include, caller, context);
    const asked = parseActivityQuery(knownPart(context, body, dropUnknownOfActivityQuery));
    if (asked instanceof Refusal) return asked;
    const found = await queryActivities(context, asked, caller, (handle, session, mayRead) =>
      formatJson(viewActivityResult(handle, session, include, mayRead)),
    );
    if (found instanceof Refusal) return found;
    return { status: 200, body: `{"results":[${found.map(({ text }) => text).join(',')}]}` };
  },
};

async function answerSearch(
  body: JsonObject,
  include: Include,
  caller: Caller,
  context: Context,
): Promise<Answer | Refusal> {
  const asked = parseSearchQuery(knownPart(context, body, dropUnknownOfSearch));
  if (asked instanceof Refusal) return asked;
  const page = await searchHandles(context, asked, caller, include);
  if (page instanceof Refusal) return page;
  const { results, ...more } = page;
  const rest = formatJson(more).slice(1);
  return {
    status: 200,
    body: `{"results":[${results.join(',')}]${rest === '}' ? '' : ','}${rest}`,
  };
}

export const handleRoutes: readonly Route[] = [
  postHandle,
  queryHandles,
  getHandle,
  removeHandle,
  getSessionByHandle,
  putSessionByHandle,
];
