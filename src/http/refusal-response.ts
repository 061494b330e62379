import { etagOf } from '../domain/session/etag.ts';
import { renderTooManyRequests, TooManyRequests } from '../domain/rate-limits/too-many-requests.ts';
import { sessionShownBy } from '../domain/session/refusal-with-session.ts';
import { renderSession } from '../domain/session/document-text.ts';
import type { Refusal, RefusalCode } from '../domain/refusal.ts';
import type { Answer } from './route.ts';

/** The status of each refusal. Total: a new code must choose. @source docs/wire/README.md "Every request" */
export const statusOf: Readonly<Record<RefusalCode, number>> = {
  // every request
  hostForbidden: 403,
  originForbidden: 403,
  pathUnknown: 404,
  verbNotAllowed: 405,
  notAuthenticated: 401,
  adminRequired: 403,
  banned: 403,
  contractVersionMissing: 400,
  rateLimited: 429,
  requestMalformed: 400,
  upgradeRequired: 426,
  hostUnreachable: 502,
  requestTooSlow: 408,
  headersTooLarge: 431,
  contentEncodingUnknown: 415,
  bodyTooLarge: 413,
  bodyNotJson: 400,
  requestInvalid: 400,
  nameInvalid: 400,
  serviceConfigUnknown: 404,
  serviceConfigForbidden: 403,
  templateUnknown: 404,
  // sessions
  sessionExists: 412,
  sessionMissing: 412,
  sessionGone: 404,
  etagDiffers: 412,
  etagWeak: 412,
  privilegeMissing: 403,
  userRequired: 403,
  serviceRequired: 403,
  notAnInitiator: 403,
  constantsConflict: 409,
  sessionPrivate: 403,
  reservationNeeded: 400,
  sessionFull: 400,
  blockedByOwner: 403,
  sessionClosed: 403,
  joinRestricted: 403,
  readRestricted: 403,
  notAMember: 403,
  reservedOnly: 403,
  memberNotYours: 403,
  notInLargeSession: 409,
  tooManySessions: 403,
  ownerRequired: 403,
  connectionRequired: 400,
  initializationMembersNeeded: 400,
  initializationNotEvaluating: 409,
  roleFull: 409,
  roleSettingsFixed: 409,
  documentTooLarge: 413,
  memberTooLarge: 413,
  tooManyItems: 400,
  tooManyMembers: 400,
  tooManyRoles: 400,
  // handles
  handleUnknown: 404,
  handleNotYours: 403,
  handleIdTaken: 409,
  notActive: 403,
  inviteBlocked: 403,
  tooManyInvites: 403,
  transferTargetMissing: 403,
  tooManyHandles: 403,
  // queries for sessions
  queryNotYours: 403,
  // matchmaking
  hopperUnknown: 404,
  ticketUnknown: 404,
  ticketTooLarge: 400,
  // people
  listNotYours: 403,
  listFull: 400,
  personUnknown: 404,
  notSearchable: 403,
  searchAttributesTooLarge: 400,
  filterInvalid: 400,
  // services beside the directory
  userNotYours: 403,
  gamertagUnknown: 404,
  titleRequired: 403,
  activityNotYours: 400,
  serviceAbsent: 404,
  // the rest
  connectionUnknown: 404,
  tooManyConnections: 429,
  connectionsFull: 503,
  tooBusy: 503,
};

/** Refusals that are answered without a body. @source docs/wire/sessions.md "Preconditions" */
const withoutBody: ReadonlySet<RefusalCode> = new Set(['sessionMissing']);

/** Seconds after which a client may try again; sent with each 503. */
export const retryAfter = { 'Retry-After': '1' } as const;

/**
 * A refusal on the wire: its sentence as text, or the current session, in the shape of
 * `contractVersion` and with its ETag, where the refusal carries one. The headers name the rule.
 *
 * @source docs/wire/README.md "Every request"
 */
export function refusalResponse(refusal: Refusal, contractVersion: number): Answer {
  const { code, text, detail } = refusal;
  const session = sessionShownBy(refusal);
  const status = statusOf[code];
  const headers = {
    'X-Mpsd-Refusal': code,
    ...(detail !== undefined && { 'X-Mpsd-Detail': formatHeaderValue(detail) }),
    ...(status === 401 && { 'WWW-Authenticate': 'XBL3.0, Bearer' }),
    ...(status === 503 && retryAfter),
  };
  if (refusal instanceof TooManyRequests) {
    return {
      status,
      headers: { ...headers, 'Retry-After': String(refusal.retryAfterSeconds) },
      body: renderTooManyRequests(refusal),
      refusal,
    };
  }
  if (session !== undefined) {
    return {
      status,
      headers: { ...headers, ETag: etagOf(session) },
      body: renderSession(session, contractVersion),
      refusal,
    };
  }
  if (withoutBody.has(code)) return { status, headers, refusal };
  return { ...textResponse(status, text, headers), refusal };
}

/** An answer of plain text. */
export function textResponse(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers, body: text, contentType: 'text/plain; charset=utf-8' };
}

const detailCharactersMax = 1_000;

/**
 * `text` in the form of a header: what is not printable ASCII, and "%", percent-encoded as UTF-8,
 * cut to 1,000 characters.
 */
export function formatHeaderValue(text: string): string {
  const encoded = text
    .slice(0, detailCharactersMax)
    .toWellFormed()
    .replace(/[^\x20-\x7e]|%/gu, (character) => encodeURIComponent(character));
  return encoded.length <= detailCharactersMax
    ? encoded
    : encoded.slice(0, detailCharactersMax).replace(/%.?$/, '');
}
