/** Documents out of successful answers, errors out of refusals. */

import { parseJson } from './json.ts';
import { MultiplayerError } from './multiplayer-error.ts';
import { parseContentLocation, type SessionReference } from './reference.ts';
import type {
  SessionAndEtag,
  SessionDocument,
  SessionOutOfSync,
  SessionWriteResult,
  TitleData,
} from './session-document.ts';
import type { Answer } from './transport.ts';

/**
 * True when the answer says that the requested thing does not exist, and not that the call is
 * wrong.
 */
export function isAbsence({ status, code }: Answer): boolean {
  return status === 404 && (code === 'handleUnknown' || code === 'sessionGone');
}

/** The body of a success. Throws the server's refusal, and for a success without JSON. */
export function bodyOf(answer: Answer): unknown {
  if (answer.status !== 200 && answer.status !== 201) throw errorOf(answer);
  try {
    return parseJson(answer.text);
  } catch (cause) {
    throw malformed(answer, 'the body is not JSON', cause);
  }
}

/**
 * The document and its ETag.
 *
 * Throws as `bodyOf`, for a body that is no document, and without an ETag: then a write that must
 * not overwrite others would be like one that may.
 */
export function sessionAndEtagOf<Title extends TitleData>(answer: Answer): SessionAndEtag<Title> {
  return { session: documentOf<Title>(answer), etag: etagOf(answer) };
}

function documentOf<Title extends TitleData>(answer: Answer): SessionDocument<Title> {
  const session = bodyOf(answer);
  if (!isSessionDocument(session)) throw malformed(answer, 'the body is not a session document');
  return session as unknown as SessionDocument<Title>;
}

/** The result of an accepted write. Throws as `sessionAndEtagOf`. @source docs/wire/sessions.md "PUT" */
export function writtenOf<Title extends TitleData>(answer: Answer): SessionWriteResult<Title> {
  if (answer.status === 204) return { status: 'deleted' };
  const status = answer.status === 201 ? 'created' : 'updated';
  // Nothing is stored of a preview, so it may have no ETag.
  if (!isPreview(answer)) return { status, ...sessionAndEtagOf<Title>(answer) };
  return { status, session: documentOf<Title>(answer), etag: answer.header('ETag') ?? '' };
}

function isPreview({ path }: Answer): boolean {
  return path.endsWith('?nocommit=true');
}

/**
 * The current session, when the answer is a failed precondition.
 *
 * @source docs/wire/sessions.md "Preconditions"
 */
export function outOfSyncOf<Title extends TitleData>(
  answer: Answer,
): SessionOutOfSync<Title> | undefined {
  if (answer.status !== 412) return undefined;
  const session = carriedSessionOf(answer) as SessionDocument<Title> | undefined;
  if (session === undefined) return { status: 'outOfSync' };
  return { status: 'outOfSync', session, etag: etagOf(answer) };
}

/**
 * The session of a handle.
 *
 * Throws when the answer does not say.
 *
 * @source docs/wire/handles.md "Through a handle"
 */
export function referenceOf(answer: Answer): SessionReference {
  const reference = parseContentLocation(answer.header('Content-Location') ?? '');
  if (reference === undefined) throw malformed(answer, 'Content-Location names no session');
  return reference;
}

/**
 * The results of a query. Throws as `bodyOf`, and when there are none.
 *
 * @source docs/wire/queries.md "Queries for sessions"
 */
export function resultsOf<Result>(answer: Answer): readonly Result[] {
  return listOf(answer, 'results');
}

/**
 * The array that the body is, or that its member `name` is. Throws as `bodyOf`, and when there is none.
 *
 * @source docs/wire/neighbours.md "Services beside the session directory"
 */
export function listOf<Item>(answer: Answer, name?: string): readonly Item[] {
  const body = bodyOf(answer) as Readonly<Record<string, unknown>> | null;
  const list: unknown = name === undefined ? body : body?.[name];
  if (Array.isArray(list)) return list;
  throw malformed(
    answer,
    name === undefined ? 'the body is no array' : `the body has no array "${name}"`,
  );
}

function etagOf(answer: Answer): string {
  const etag = answer.header('ETag');
  if (etag) return etag;
  throw malformed(
    answer,
    'a session document came without the header ETag (a page of another origin sees it only if the server answers Access-Control-Expose-Headers: ETag)',
  );
}

/** The session in a refusal. */
function carriedSessionOf({ text }: Answer): SessionDocument | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const body = parseJson(text);
    return isSessionDocument(body) ? body : undefined;
  } catch {
    return undefined; // words that begin with a brace
  }
}

function isSessionDocument(body: unknown): body is SessionDocument {
  return typeof body === 'object' && body !== null && 'members' in body && 'constants' in body;
}

/** The error of a refusal, with its reason. @source docs/wire/refusals.md "Refusals" */
export function errorOf(answer: Answer): MultiplayerError {
  const { verb, path, status, code, text, retryAfterMs } = answer;
  const session = carriedSessionOf(answer);
  return new MultiplayerError({
    verb,
    path,
    status,
    code,
    detail: detailOf(answer),
    text: session === undefined ? sentenceOf(text) : '',
    session,
    etag: session && answer.header('ETag'),
    retryAfterMs,
  });
}

/**
 * The sentence of a refusal, which some answers put into an object.
 *
 * @source docs/wire/README.md "Every answer"
 */
function sentenceOf(text: string): string {
  if (!text.startsWith('{')) return text;
  try {
    const { description, debugMessage } = parseJson(text) as Readonly<Record<string, unknown>>;
    const sentence = description ?? debugMessage;
    return typeof sentence === 'string' ? sentence : text;
  } catch {
    return text; // words that begin with a brace
  }
}

/** `X-Mpsd-Detail`, which is percent-encoded where a header cannot hold it. */
function detailOf(answer: Answer): string | undefined {
  const encoded = answer.header('X-Mpsd-Detail');
  try {
    return encoded && decodeURIComponent(encoded);
  } catch {
    return encoded; // of a server that does not encode
  }
}

function malformed(
  { verb, path, status }: Answer,
  what: string,
  cause?: unknown,
): MultiplayerError {
  const text = `${what}, which is no answer of a session directory.`;
  return new MultiplayerError({ verb, path, status, code: 'answerMalformed', text, cause });
}
