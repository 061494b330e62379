import { xuidsOf, type Caller } from '../domain/caller.ts';
import type { SearchHandle } from '../domain/handle/handle.ts';
import { Refusal } from '../domain/refusal.ts';
import { candidateOf, type SearchCandidate } from '../domain/search/candidate.ts';
import { formatCursor } from '../domain/search/cursor.ts';
import { matches, type Filter } from '../domain/search/filter.ts';
import { comparePositions, positionOf, type Position } from '../domain/search/order.ts';
import type { SearchQuery } from '../domain/search/request.ts';
import { isListedTo } from '../domain/session/access.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { mayUseServiceConfig, mayUseTemplate } from '../domain/session/template.ts';
import { breathe } from '../platform/breathe.ts';
import { catchUpSearch } from './follow-search.ts';
import { peopleAskedFor } from './query-handles.ts';
import { readSettledSession } from './settled-session.ts';
import type { World } from './world.ts';

/** A search handle and the session that confirmed it. */
export type SearchResult = { readonly handle: SearchHandle; readonly session: Session };

export type SearchPage = {
  readonly results: readonly SearchResult[];
  /** Where the next page goes on; only for callers who page, while there may be one. */
  readonly continuationToken?: string;
};

/**
 * The search handles that a query asks for, in its order: each confirmed by its session, and
 * selected by the filter as the session stands now. Those of private sessions only for callers who
 * may read these.
 *
 * Refuses: handleNotYours for somebody else's list of people, serviceConfigUnknown,
 * serviceConfigForbidden, templateUnknown.
 *
 * @source contract 8.1
 */
export async function searchHandles(
  world: World,
  query: SearchQuery,
  caller: Caller,
): Promise<SearchPage | Refusal> {
  const { scid, templateName, order, take, paging } = query;
  const made =
    templateName === undefined
      ? mayUseServiceConfig(world.catalog(), scid, caller)
      : mayUseTemplate(world.catalog(), { scid, templateName }, caller);
  if (made instanceof Refusal) return made;
  const filter = await filterOf(world, query, caller);
  if (filter instanceof Refusal) return filter;
  if (take === 0) return { results: [] };
  await catchUpSearch(world);

  const { after } = paging ?? {};
  const search = { scid, filter, order, wanted: take, ...(after && { after }) };
  const candidates = world.searchIndex.search(search, breathe)[Symbol.asyncIterator]();
  const found = new Map<SessionKey, SearchResult & { readonly position: Position }>();
  let last: Position | undefined;
  let isAtEnd = false;
  while (found.size < take && !isAtEnd) {
    const keys: SessionKey[] = [];
    while (keys.length < take - found.size && !isAtEnd) {
      const next = await candidates.next();
      if (next.done) isAtEnd = true;
      else {
        keys.push(next.value.key);
        last = positionOf(order, next.value);
      }
    }
    for (const one of await Promise.all(keys.map((key) => confirm(world, key, caller)))) {
      if (one === undefined || (filter !== undefined && !matches(filter, one.candidate))) continue;
      const { candidate, ...result } = one;
      found.set(candidate.key, { ...result, position: positionOf(order, candidate) });
    }
  }
  const results = [...found.values()].sort((a, b) =>
    comparePositions(order, a.position, b.position),
  );
  return {
    results: results.map(({ handle, session }) => ({ handle, session })),
    // Where the index was left, so that a result that has just moved takes nobody along.
    ...(paging && !isAtEnd && last && { continuationToken: formatCursor(last, paging.query) }),
  };
}

/** All that a handle must satisfy: the filter of the query, its template, its people. */
async function filterOf(
  world: World,
  { filter, templateName, sessionMembers }: SearchQuery,
  caller: Caller,
): Promise<Filter | undefined | Refusal> {
  const of: Filter[] = filter ? [filter] : [];
  if (templateName !== undefined) {
    const field = 'session/templateName';
    of.push({ kind: 'compare', field, operator: 'eq', value: templateName.toLowerCase() });
  }
  if (sessionMembers !== undefined) {
    const path = '$.sessionMembers';
    const xuids = await peopleAskedFor(world, sessionMembers, caller, path);
    if (xuids instanceof Refusal) return xuids;
    of.push({
      kind: 'or',
      of: xuids.map((value) => ({ kind: 'has', list: 'session/memberXuids', value })),
    });
  }
  return of.length === 0 ? undefined : { kind: 'and', of };
}

/** The session of a candidate as it stands now, when it is still to be found and the caller may know. */
async function confirm(
  world: World,
  key: SessionKey,
  caller: Caller,
): Promise<(SearchResult & { readonly candidate: SearchCandidate }) | undefined> {
  const { searchIndex } = world;
  const known = searchIndex.revisionOf(key);
  const record = await readSettledSession(world, parseSessionKey(key), xuidsOf(caller));
  if (record instanceof Refusal) return undefined;
  const candidate = record && candidateOf(record.session);
  searchIndex.put(key, record?.revision ?? known, candidate);
  const handle = record?.session.searchHandle;
  if (record === undefined || candidate === undefined || handle === undefined) return undefined;
  const { session } = record;
  return isListedTo(session, caller) ? { handle, session, candidate } : undefined;
}
