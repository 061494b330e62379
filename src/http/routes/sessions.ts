import { readSession } from '../../directory/read-session.ts';
import { writeSession } from '../../directory/write-session.ts';
import { Refusal } from '../../domain/refusal.ts';
import { parsePreconditions } from '../../domain/session/precondition.ts';
import { parseSessionReference } from '../../domain/session/reference.ts';
import { parseSessionRequest } from '../../domain/session/request.ts';
import type { Route, RouteRequest } from '../route.ts';
import { answerRead, answerWritten } from '../session-answer.ts';

/** The path of one session. */
export const sessionPath = '/serviceconfigs/{scid}/sessiontemplates/{templateName}/sessions/{name}';

/** The reference that the path of a session names. Refuses: nameInvalid, serviceConfigUnknown. */
export function referenceOf({ params }: RouteRequest): ReturnType<typeof parseSessionReference> {
  const { scid = '', templateName = '', name = '' } = params;
  return parseSessionReference({ scid, templateName, name });
}

/** True of a preview, `?nocommit=true`; clients also write `True` and `1`. */
export function isPreview({ query }: RouteRequest): boolean {
  // Without a copy: a query may name thousands.
  for (const [name, value] of query) {
    if (name.toLowerCase() === 'nocommit' && /^(?:true|1)$/i.test(value)) return true;
  }
  return false;
}

/** Answers the current session. @source docs/wire/sessions.md "Access" */
const getSession: Route = {
  method: 'GET',
  path: sessionPath,
  auth: 'mpsd',
  body: 'none',
  async answer(request, context) {
    const reference = referenceOf(request);
    if (reference instanceof Refusal) return reference;
    const session = await readSession(context, reference, request.caller);
    if (session instanceof Refusal) return session;
    return answerRead(session, parsePreconditions(request.headers).ifNoneMatch, request);
  },
};

/** Creates, joins, updates or leaves a session, as the body asks. @source docs/wire/sessions.md "PUT" */
const putSession: Route = {
  method: 'PUT',
  path: sessionPath,
  auth: 'mpsd',
  body: 'object',
  keepsUnknown: true,
  async answer(request, context) {
    const body = parseSessionRequest(request.body, request.contractVersion, context.settings);
    if (body instanceof Refusal) return body;
    const reference = referenceOf(request);
    if (reference instanceof Refusal) return reference;
    const written = await writeSession(
      context,
      {
        reference,
        request: body,
        preconditions: parsePreconditions(request.headers),
        caller: request.caller,
        onlyExisting: false,
      },
      { commit: !isPreview(request), cause: request.cause },
    );
    return written instanceof Refusal ? written : answerWritten(written, request);
  },
};

export const sessionRoutes: readonly Route[] = [getSession, putSession];
