/**
 * Which sessions a query selects, and what it shows of each.
 *
 * @source docs/wire/queries.md "Queries for sessions"
 */

import * as v from 'valibot';
import type { Caller } from '../caller.ts';
import { isXuid, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { isLarge, tallyOf } from '../session/large.ts';
import { restrictionsOf } from '../session/properties.ts';
import { memberOf, type Member, type Session } from '../session/session.ts';
import { exactObject, list, parseShape, text, word } from '../shape.ts';
import { formatTime } from '../time.ts';
import { dropUnknown, type KnownPart } from '../unknown-members.ts';

/** Sessions by a keyword, by their members, or by both. */
export type SessionQuery = {
  /** Whose sessions, each user once, in the order of the request; empty: anybody's. */
  readonly xuids: readonly Xuid[];
  readonly keyword?: string;
  /** Private sessions too. */
  readonly includesPrivate: boolean;
  /** Sessions with a reserved seat for the user too. */
  readonly includesReservations: boolean;
  /** Sessions in which the user is a member and not active too. */
  readonly includesInactive: boolean;
  readonly visibility?: FoundVisibility;
  /** The highest `constants.system.version`. */
  readonly versionMax?: number;
  readonly take: number;
};

/** Visibility as queries show it: an open session without a free seat is full. */
export const foundVisibilities = ['private', 'visible', 'full', 'open'] as const;
export type FoundVisibility = (typeof foundVisibilities)[number];

const xuid = text(isXuid, 'a xuid (decimal digits)');

const flag = v.pipe(
  word(['true', 'false']),
  v.transform((given) => given === 'true'),
);

function integerText(min: number, max: number) {
  return v.pipe(
    text(
      (given) => /^\d{1,10}$/.test(given) && Number(given) >= min && Number(given) <= max,
      `an integer from ${min} to ${max}`,
    ),
    v.transform(Number),
  );
}

/** By lower-case name; parameters that are not known here are ignored. */
const parameters = v.object({
  xuid: v.optional(xuid),
  keyword: v.optional(
    text(
      ({ length }) => length >= 1 && length <= limits.keywordCharactersMax,
      `a keyword of 1 to ${limits.keywordCharactersMax} characters`,
    ),
  ),
  private: v.optional(flag, 'false'),
  reservations: v.optional(flag, 'false'),
  inactive: v.optional(flag, 'false'),
  visibility: v.optional(word(foundVisibilities)),
  version: v.optional(integerText(1, 2 ** 31 - 1)),
  take: v.optional(integerText(0, limits.sessionQueryResultsMax)),
});

/** The body of a batch query for sessions. */
export const sessionBatch = exactObject({
  xuids: list(
    xuid,
    { lengthMin: 1, lengthMax: limits.batchXuidsMax },
    `an array of 1 to ${limits.batchXuidsMax} xuids`,
  ),
});

/** The body of a batch query without unknown members. */
export function dropUnknownOfBatch(body: JsonObject): KnownPart {
  return dropUnknown(sessionBatch, body);
}

/** The query of a query string. Refuses: requestInvalid. */
export function parseSessionQuery(
  given: Iterable<readonly [string, string]>,
): SessionQuery | Refusal {
  const asked = parseParameters(given);
  if (asked instanceof Refusal) return asked;
  return checkQuery(queryOf(asked, asked.xuid === undefined ? [] : [asked.xuid]));
}

/** The query of a query string, for users in the body. Refuses: requestInvalid. */
export function parseBatchQuery(
  given: Iterable<readonly [string, string]>,
  body: JsonObject,
): SessionQuery | Refusal {
  const asked = parseParameters(given);
  if (asked instanceof Refusal) return asked;
  if (asked.xuid !== undefined) {
    return invalid('query.xuid', 'A batch query names its users in the body, in xuids.');
  }
  const parsed = parseShape(sessionBatch, body);
  if (parsed instanceof Refusal) return parsed;
  return checkQuery(queryOf(asked, [...new Set(parsed.xuids)]));
}

type Parameters = v.InferOutput<typeof parameters>;

function parseParameters(given: Iterable<readonly [string, string]>): Parameters | Refusal {
  const values = new Map<string, string>();
  for (const [name, value] of given) {
    const key = name.toLowerCase();
    if (values.has(key)) return invalid(`query.${key}`, 'Expected this parameter only once.');
    values.set(key, value);
  }
  return parseShape(parameters, Object.fromEntries(values), 'query');
}

function queryOf(asked: Parameters, xuids: readonly Xuid[]): SessionQuery {
  const { keyword, visibility, version, take = limits.sessionQueryResultsMax } = asked;
  return {
    xuids,
    ...(keyword !== undefined && { keyword }),
    includesPrivate: asked.private,
    includesReservations: asked.reservations,
    includesInactive: asked.inactive,
    ...(visibility !== undefined && { visibility }),
    ...(version !== undefined && { versionMax: version }),
    take,
  };
}

function checkQuery(query: SessionQuery): SessionQuery | Refusal {
  if (query.xuids.length === 0 && query.keyword === undefined) {
    return invalid('query', 'Expected a keyword, a xuid, or both: they say which sessions.');
  }
  if (query.visibility === 'private' && !query.includesPrivate) {
    return invalid('query.visibility', 'Private sessions are found only with private=true.');
  }
  return query;
}

/**
 * Undefined when the caller may ask this, whether or not there are such sessions.
 *
 * Refuses: queryNotYours; requestInvalid for a parameter about one user without one.
 */
export function mayQuery(query: SessionQuery, caller: Caller): Refusal | undefined {
  const { xuids, includesPrivate, includesReservations, includesInactive } = query;
  const isOwn =
    caller.kind === 'service' || (xuids.length > 0 && xuids.every((one) => one === caller.xuid));
  if ((includesPrivate || includesReservations) && !isOwn) {
    const place = `query.${includesPrivate ? 'private' : 'reservations'}`;
    return new Refusal(
      'queryNotYours',
      `${place}: Users may ask for it only together with their own xuid; services always may.`,
      { detail: place },
    );
  }
  if (xuids.length === 0 && (includesReservations || includesInactive)) {
    const place = `query.${includesReservations ? 'reservations' : 'inactive'}`;
    return invalid(place, 'It is about a user: expected a xuid with it.');
  }
  return undefined;
}

function invalid(place: string, sentence: string): Refusal {
  return new Refusal('requestInvalid', `${place}: ${sentence}`, { detail: place });
}

/**
 * True when the query selects this session, by `xuid` where it names users. Whether the caller may
 * read the session is another question.
 */
export function matchesQuery(session: Session, query: SessionQuery, xuid?: Xuid): boolean {
  const { system } = session.constants;
  if (query.versionMax !== undefined && system.version > query.versionMax) return false;
  if (system.visibility === 'private' && !query.includesPrivate) return false;
  if (query.visibility !== undefined && foundVisibilityOf(session) !== query.visibility) {
    return false;
  }
  if (query.keyword !== undefined && !hasKeyword(session, query.keyword)) return false;
  if (xuid === undefined) return true;
  const member = memberOf(session, xuid);
  return member !== undefined && matchesStatus(member, query);
}

function hasKeyword({ properties }: Session, keyword: string): boolean {
  const asked = keyword.toLowerCase();
  return properties.system.keywords?.some((one) => one.toLowerCase() === asked) ?? false;
}

function matchesStatus(member: Member, query: SessionQuery): boolean {
  switch (foundStatusOf(member)) {
    case 'active':
      return true;
    case 'reserved':
      return query.includesReservations;
    case 'inactive':
      return query.includesInactive;
  }
}

/** A member's status as queries show it: a ready member is not active yet. */
function foundStatusOf({ status }: Member): 'active' | 'reserved' | 'inactive' {
  return status === 'ready' ? 'inactive' : status;
}

function foundVisibilityOf(session: Session): FoundVisibility {
  const { visibility, maxMembersCount } = session.constants.system;
  const isFull = tallyOf(session).count >= maxMembersCount;
  return visibility === 'open' && isFull ? 'full' : visibility;
}

/**
 * One result: what it says of the session, and of the user it was found by. `firstMemberXuid` and
 * `readRestriction` are for contract 107, as party clients read them; a large session names nobody.
 *
 * @source docs/wire/queries.md "Queries for sessions"
 */
export function viewFoundSession(
  session: Session,
  contractVersion: number,
  xuid?: Xuid,
): JsonObject {
  const member = memberOf(session, xuid);
  const { keywords = [], turn = [] } = session.properties.system;
  const visibility = foundVisibilityOf(session);
  const { join, read } = restrictionsOf(session);
  const hasMore = contractVersion >= 107;
  const [first] = hasMore && !isLarge(session) ? session.members : [];
  const isJoinable = visibility === 'open' || visibility === 'full';
  return {
    ...(member && { xuid: member.xuid }),
    startTime: formatTime(session.startTimeMs),
    sessionRef: { ...session.reference },
    accepted: tallyOf(session).accepted,
    ...(member && { status: foundStatusOf(member) }),
    visibility,
    ...(isJoinable && join !== 'none' && { joinRestriction: join }),
    ...(hasMore && isJoinable && read !== 'none' && { readRestriction: read }),
    ...(first && { firstMemberXuid: first.xuid }),
    ...(member && turn.includes(member.index) && { myTurn: true }),
    ...(keywords.length > 0 && { keywords }),
  };
}
