import type { WriteResult } from '../directory/write-session.ts';
import type { Caller } from '../domain/caller.ts';
import { etagOf } from '../domain/session/etag.ts';
import { matchesTags } from '../domain/session/precondition.ts';
import type { Session } from '../domain/session/session.ts';
import { nextTimerMs } from '../domain/session/timeouts.ts';
import { formatSession, renderSession } from '../domain/session/document-text.ts';
import type { Answer } from './route.ts';

type AnswerContext = { readonly contractVersion: number; readonly caller: Caller };

/**
 * The answer to a write: the document, or 204 when there is no session (any more). A preview has no
 * etag, since no stored state has one for it.
 *
 * @source docs/wire/sessions.md "PUT"
 */
export function answerWritten(
  written: WriteResult,
  { contractVersion }: AnswerContext,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  if (written.kind === 'deleted' || written.kind === 'absent') return { status: 204, headers };
  const { kind, session, stored } = written;
  return {
    status: kind === 'created' ? 201 : 200,
    headers: { ...headers, ...(stored && { etag: etagOf(session) }) },
    // A session that was just written may be written again before anybody reads it.
    body:
      kind === 'unchanged'
        ? renderSession(session, contractVersion)
        : formatSession(session, contractVersion),
    isSession: true,
  };
}

/**
 * The answer to a read: the document, 304 when the caller has it, 204 when there is none.
 *
 * @source docs/wire/sessions.md "Access"
 */
export function answerRead(
  session: Session | undefined,
  ifNoneMatch: readonly string[] | undefined,
  { contractVersion }: AnswerContext,
  more: Readonly<Record<string, string>> = {},
): Answer {
  if (session === undefined) return { status: 204, headers: more };
  const dueMs = nextTimerMs(session);
  const headers = {
    ...more,
    etag: etagOf(session),
    ...(dueMs !== undefined && { expires: new Date(dueMs).toUTCString() }),
  };
  if (ifNoneMatch && matchesTags(session, ifNoneMatch)) return { status: 304, headers };
  return { status: 200, headers, body: renderSession(session, contractVersion), isSession: true };
}
