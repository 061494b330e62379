/**
 * What a search in `POST /handles/query` asks for.
 *
 * @source docs/wire/search.md "POST /handles/query"
 */

import * as v from 'valibot';
import { peopleEntries, peopleOf, type PeopleQuery } from '../handle/request.ts';
import { digest, isGuid, isXuid, type Guid, type Xuid } from '../ids.ts';
import { formatJson, type JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { isName, nameExpectation } from '../session/reference.ts';
import { exactObject, integer, parseShape, text } from '../shape.ts';
import { dropUnknown, type KnownPart } from '../unknown-members.ts';
import { parseCursor } from './cursor.ts';
import type { Filter } from './filter.ts';
import { oldestFirst, parseOrder, type Order, type Position } from './order.ts';
import { parseFilter } from './parser.ts';

export type SearchQuery = {
  /** Absent: every service config that the caller may use. */
  readonly scid?: Guid;
  readonly templateName?: string;
  readonly filter?: Filter;
  readonly order: Order;
  /** Only sessions in which one of these is a member. */
  readonly sessionMembers?: PeopleQuery;
  /** Only sessions with somebody whom the caller follows. */
  readonly isFollowedOnly?: boolean;
  /** No sessions that are scheduled for later. */
  readonly excludesScheduled?: boolean;
  readonly take: number;
  /** Present when the caller asks for pages. */
  readonly paging?: {
    /** Identifies this query in its continuation tokens. */
    readonly query: string;
    readonly after?: Position;
  };
};

const pageSize = integer(1, limits.handleQueryResultsMax);

const truth = v.boolean('Expected true or false');

/** @source docs/wire/search.md "POST /handles/query", docs/wire/unknowns.md "what else the Xbox app asks of a search" */
/** The body of a query for search handles. */
export const searchQuery = exactObject({
  type: v.string(),
  scid: v.optional(text(isGuid, 'a GUID')),
  templateName: v.optional(text(isName, nameExpectation)),
  global: v.optional(truth),
  filter: v.optional(v.string('Expected a filter as text')),
  orderBy: v.optional(v.string('Expected a name and a direction, as in "mmr desc"')),
  sessionMembers: v.optional(exactObject(peopleEntries)),
  sessionOwners: v.optional(text(isXuid, 'a xuid (a string of decimal digits)')),
  followed: v.optional(truth),
  includeScheduled: v.optional(truth),
  communicatePermissionRequired: v.optional(truth),
  take: v.optional(integer(0, limits.handleQueryResultsMax)),
  maxItems: v.optional(pageSize),
  continuationToken: v.optional(v.string('Expected the token of the page before')),
});

/** The body of a search without unknown members. */
export function dropUnknownOfSearch(body: JsonObject): KnownPart {
  return dropUnknown(searchQuery, body);
}

/**
 * The search that a body asks for. A blank filter or orderBy counts as none.
 *
 * Refuses: requestInvalid, filterInvalid.
 */
export function parseSearchQuery(body: JsonObject): SearchQuery | Refusal {
  const parsed = parseShape(searchQuery, body);
  if (parsed instanceof Refusal) return parsed;
  const { scid, templateName, orderBy = '', maxItems, continuationToken } = parsed;
  const given = parsed.filter?.trim() ? parseFilter(parsed.filter) : undefined;
  if (given instanceof Refusal) return given;
  const filter = withOwner(given, parsed.sessionOwners);
  const only = {
    ...(parsed.followed && { isFollowedOnly: true }),
    ...(parsed.includeScheduled === false && { excludesScheduled: true }),
  };
  const order = orderBy.trim() === '' ? oldestFirst : parseOrder(orderBy);
  if (order instanceof Refusal) return order;
  const sessionMembers =
    parsed.sessionMembers && peopleOf(parsed.sessionMembers, '$.sessionMembers');
  if (sessionMembers instanceof Refusal) return sessionMembers;

  const asked = { scid: scid?.toLowerCase(), templateName, filter, order, sessionMembers };
  const query = digest(formatJson({ ...asked, ...only }));
  const after = continuationToken === undefined ? undefined : parseCursor(continuationToken, query);
  if (after instanceof Refusal) return after;
  const isPaged = maxItems !== undefined || continuationToken !== undefined;
  return {
    ...(scid !== undefined && { scid }),
    ...(templateName !== undefined && { templateName }),
    ...(filter && { filter }),
    order,
    ...(sessionMembers && { sessionMembers }),
    ...only,
    take: Math.min(parsed.take ?? limits.handleQueryResultsMax, maxItems ?? Infinity),
    ...(isPaged && { paging: { query, ...(after && { after }) } }),
  };
}

/** The filter, for sessions of this owner only, if one is named. */
function withOwner(filter: Filter | undefined, owner: Xuid | undefined): Filter | undefined {
  if (owner === undefined) return filter;
  const owned: Filter = { kind: 'has', list: 'session/ownerXuids', value: owner };
  return filter === undefined ? owned : { kind: 'and', of: [owned, filter] };
}
