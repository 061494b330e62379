import { xuidsOf, type Caller } from '../domain/caller.ts';
import { opensToAll } from '../domain/handle/access.ts';
import type { SearchHandle } from '../domain/handle/handle.ts';
import type { Include } from '../domain/handle/request.ts';
import { viewSearchResult } from '../domain/handle/view.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import { formatJson, jsonEquals } from '../domain/json.ts';
import { createMemo } from '../domain/memo.ts';
import { Refusal } from '../domain/refusal.ts';
import { candidateOf, type SearchCandidate } from '../domain/search/candidate.ts';
import { formatCursor } from '../domain/search/cursor.ts';
import { matches, type Filter } from '../domain/search/filter.ts';
import { comparePositions, positionOf, type Order, type Position } from '../domain/search/order.ts';
import type { SearchQuery } from '../domain/search/request.ts';
import { isListedTo, mayRead } from '../domain/session/access.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { nextDueMs } from '../domain/session/timeouts.ts';
import { mayUseServiceConfig, mayUseTemplate, type Catalog } from '../domain/session/template.ts';
import { AnswerBudget } from './answer-budget.ts';
import { yieldToEventLoop } from '../platform/yield-to-event-loop.ts';
import { catchUpSearch } from '../search/follow-search.ts';
import { peopleAskedFor } from './query-handles.ts';
import { gatherAccessThrough } from './session-facts.ts';
import type { SessionRecord } from '../store/store.ts';
import type { KnownCandidate } from '../search/search-index.ts';
import { readCurrent, currentIfKnown } from './transact.ts';
import type { Context } from './context.ts';

/** Sessions read at once. */
const readsMax = 25;

export type SearchPage = {
  /** The text of each. */
  readonly results: readonly string[];
  /** Where the next page continues; only for callers who page, while there may be one. */
  readonly continuationToken?: string;
};

/**
 * The search handles that a query asks for, in its order: each confirmed by its session and
 * selected by the filter as the session is now. Those of private sessions only for callers who may
 * read these. Each shows what `include` names, as far as the caller may read the session: a search handle
 * opens it to all but users whom an owner has removed. What would exceed queryAnswerBytesMax is left
 * out, or waits for the next page where the caller pages.
 *
 * Refuses: handleNotYours for somebody else's list of people, userRequired for a service that asks
 * for the people it follows, serviceConfigUnknown, serviceConfigForbidden, templateUnknown.
 *
 * @source docs/wire/search.md "POST /handles/query"
 */
export async function searchHandles(
  context: Context,
  query: SearchQuery,
  caller: Caller,
  include: Include,
): Promise<SearchPage | Refusal> {
  const { order, take, paging } = query;
  const scids = scidsToSearch(context.catalog(), query, caller);
  if (scids instanceof Refusal) return scids;
  const filter = await filterOf(context, query, caller);
  if (filter instanceof Refusal) return filter;
  if (take === 0) return { results: [] };
  await catchUpSearch(context);

  const { after } = paging ?? {};
  const search = { scids, filter, order, wanted: take, ...(after && { after }) };
  const budget = new AnswerBudget(context.settings.queryAnswerBytesMax);
  const found = new Map<SessionKey, ConfirmedResult>();
  /** With those that do not fit into the answer. */
  let resultsCount = 0;
  let last: Position | undefined;
  /**
   * Why it is not the last page: as many as were asked for, or as many bytes as an answer may have.
   */
  let isFull = false;
  const confirmed = confirmInOrder(
    context,
    context.searchIndex.search(search, yieldToEventLoop),
    { filter, order, caller, include },
    () => take - resultsCount,
  );
  for await (const [candidate, one] of confirmed) {
    const fits = one === undefined || budget.takes(one.text);
    isFull = !fits && paging !== undefined;
    if (isFull) break;
    last = positionOf(order, candidate);
    if (one === undefined) continue;
    resultsCount += 1;
    if (fits) found.set(one.key, one);
    isFull = resultsCount >= take;
    if (isFull) break;
  }
  const results = [...found.values()].sort((a, b) =>
    comparePositions(order, a.position, b.position),
  );
  return {
    results: results.map(({ text }) => text),
    // The place in the index, so that a result that has just moved does not move the page with it.
    ...(paging && isFull && last && { continuationToken: formatCursor(last, paging.query) }),
  };
}

/**
 * Each candidate of these pages with what its session says of it now; undefined: nothing any more. No more
 * sessions are read at once than results are still wanted.
 */
async function* confirmInOrder(
  context: Context,
  pages: AsyncIterable<readonly KnownCandidate[]>,
  conditions: SearchConditions,
  wantedCount: () => number,
): AsyncGenerator<readonly [KnownCandidate, ConfirmedResult | undefined]> {
  for await (const page of pages) {
    for (let at = 0; at < page.length; ) {
      const asked = page.slice(at, at + Math.min(wantedCount(), readsMax));
      at += asked.length;
      // Together, since a read may be slow.
      const confirmed = await Promise.all(asked.map((one) => confirm(context, one, conditions)));
      for (const [n, one] of asked.entries()) yield [one, confirmed[n]];
    }
  }
}

/**
 * The service configs of a query: the one that it names, or all that the caller may use and that
 * have the template.
 *
 * Refuses: serviceConfigUnknown, serviceConfigForbidden, templateUnknown.
 */
function scidsToSearch(
  catalog: Catalog,
  { scid, templateName }: SearchQuery,
  caller: Caller,
): readonly Guid[] | Refusal {
  const mayUse = (one: Guid): unknown =>
    templateName === undefined
      ? mayUseServiceConfig(catalog, one, caller)
      : mayUseTemplate(catalog, { scid: one, templateName }, caller);
  if (scid === undefined) {
    return [...catalog.keys()].filter((one) => !(mayUse(one) instanceof Refusal));
  }
  const allowed = mayUse(scid);
  return allowed instanceof Refusal ? allowed : [scid.toLowerCase()];
}

/** All that a handle must satisfy: the filter of the query, its template, its people, its time. */
async function filterOf(
  context: Context,
  { filter, templateName, sessionMembers, isFollowedOnly, excludesScheduled }: SearchQuery,
  caller: Caller,
): Promise<Filter | undefined | Refusal> {
  const of: Filter[] = filter ? [filter] : [];
  if (templateName !== undefined) {
    const field = 'session/templateName';
    of.push({ kind: 'compare', field, operator: 'eq', value: templateName.toLowerCase() });
  }
  if (excludesScheduled) {
    const field = 'session/scheduledTime';
    const later: Filter = { kind: 'compare', field, operator: 'gt', value: context.clock.nowMs() };
    of.push({ kind: 'not', of: later });
  }
  if (sessionMembers !== undefined) {
    const path = '$.sessionMembers';
    const xuids = await peopleAskedFor(context, sessionMembers, caller, path);
    if (xuids instanceof Refusal) return xuids;
    of.push(hasMemberOf(xuids));
  }
  if (isFollowedOnly) {
    if (caller.kind === 'service') {
      return new Refusal('userRequired', '$.followed: A service follows nobody.', {
        detail: '$.followed',
      });
    }
    of.push(hasMemberOf(await context.people.followedBy(caller.xuid, 'people')));
  }
  return of.length === 0 ? undefined : { kind: 'and', of };
}

function hasMemberOf(xuids: readonly Xuid[]): Filter {
  return {
    kind: 'or',
    of: xuids.map((value) => ({ kind: 'has', list: 'session/memberXuids', value })),
  };
}

/** What the answer shows of a session, and where. */
type ConfirmedResult = {
  readonly key: SessionKey;
  readonly position: Position;
  readonly text: string;
};

type SearchConditions = {
  readonly filter: Filter | undefined;
  readonly order: Order;
  readonly caller: Caller;
  readonly include: Include;
};

type Confirmed = ConfirmedResult | undefined | Promise<ConfirmedResult | undefined>;

/** A candidate as its session is now, when the query still selects it and the caller may see it. */
function confirm(context: Context, known: KnownCandidate, asked: SearchConditions): Confirmed {
  const { searchIndex, clock } = context;
  if (searchIndex.isAlone) {
    const text = searchIndex.findText(known, formOf(asked.include), clock.nowMs());
    if (text !== undefined) return resultOf(known, asked.order, text);
  }
  const record = currentIfKnown(context, known.key);
  return record
    ? confirmBy(record, context, known, asked)
    : confirmByReading(context, known, asked);
}

async function confirmByReading(
  context: Context,
  known: KnownCandidate,
  asked: SearchConditions,
): Promise<ConfirmedResult | undefined> {
  const { key } = known;
  const { searchIndex } = context;
  const before = searchIndex.known(key);
  return context.setAside.attempt('a search', key, async () => {
    const record = await readCurrent(context, parseSessionKey(key), xuidsOf(asked.caller));
    if (record instanceof Refusal) return undefined;
    if (record !== undefined) return confirmBy(record, context, known, asked);
    searchIndex.putRead(key, before, { revision: 0, candidate: undefined });
    return undefined;
  });
}

function confirmBy(
  record: SessionRecord,
  context: Context,
  known: KnownCandidate,
  asked: SearchConditions,
): Confirmed {
  const { revision, session } = record;
  const { filter, order, caller } = asked;
  const { searchIndex } = context;
  const handle = session.searchHandle;
  const { candidate, isAsKnown } = candidateNow(record, known, searchIndex.isAlone);
  if (!isAsKnown) searchIndex.put(known.key, revision, candidate);
  if (candidate === undefined || handle === undefined) return undefined;
  // What the index selected is not tested again, unless it has changed.
  if (!isAsKnown && filter !== undefined && !matches(filter, candidate)) return undefined;
  if (!isListedTo(session, caller)) return undefined;
  const text = opensToAll(session)
    ? textForAll(context, handle, session, isAsKnown ? known : undefined, asked)
    : textFor(context, handle, session, asked);
  return text instanceof Promise
    ? text.then((one) => resultOf(candidate, order, one))
    : resultOf(candidate, order, text);
}

function resultOf(candidate: SearchCandidate, order: Order, text: string): ConfirmedResult {
  return { key: candidate.key, position: positionOf(order, candidate), text };
}

/**
 * The candidate of the session, which is `known` when the index is as the session. An equal revision says
 * so only to a process that is alone: Redis may lose a revision in a failover, and another node may
 * commit another one of the same number.
 */
function candidateNow(
  { revision, session }: SessionRecord,
  known: KnownCandidate,
  isAlone: boolean,
): { readonly candidate: SearchCandidate | undefined; readonly isAsKnown: boolean } {
  if (revision !== known.revision) return { candidate: candidateOf(session), isAsKnown: false };
  if (isAlone || asIndexed.get(session) === known) return { candidate: known, isAsKnown: true };
  const candidate = candidateOf(session);
  if (!jsonEquals({ ...candidate, revision }, known)) return { candidate, isAsKnown: false };
  return { candidate: asIndexed.set(session, known), isAsKnown: true };
}

/** The candidate that was last found to be as the session, so that it is not made for each search. */
const asIndexed = createMemo<Session, KnownCandidate>();

/** The text of a session that opens to all; `known` is its candidate, if the index has it as it is. */
function textForAll(
  { searchIndex }: Context,
  handle: SearchHandle,
  session: Session,
  known: KnownCandidate | undefined,
  { include }: SearchConditions,
): string {
  const form = formOf(include);
  const made = texts.get(session);
  if (made?.form === form) return made.text;
  const text = formatJson(viewSearchResult(handle, session, include, true));
  if (!searchIndex.isAlone) return texts.set(session, { form, text }).text;
  if (known) searchIndex.keepText(known, { text, form, dueMs: nextDueMs(session) });
  return text;
}

/**
 * Where other processes commit too, a text belongs to the session itself: neither candidate nor revision
 * says which commit it is of.
 */
const texts = createMemo<Session, { readonly form: number; readonly text: string }>();

/** The text for this caller, who may be one whom an owner has removed. */
async function textFor(
  context: Context,
  handle: SearchHandle,
  session: Session,
  { caller, include }: SearchConditions,
): Promise<string> {
  const facts = await gatherAccessThrough(context, session, { caller, use: 'read' }, handle);
  const isReadable = !(facts instanceof Refusal) && mayRead(session, caller, facts) === undefined;
  return formatJson(viewSearchResult(handle, session, include, isReadable));
}

/** A number of its own for each form that a result can have. */
function formOf({ relatedInfo, roleInfo, customProperties }: Include): number {
  return Number(relatedInfo) + 2 * Number(roleInfo) + 4 * Number(customProperties);
}
