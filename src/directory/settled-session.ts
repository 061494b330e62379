import type { Xuid } from '../domain/ids.ts';
import { jsonEquals } from '../domain/json.ts';
import { candidateOf, type SearchCandidate } from '../domain/search/candidate.ts';
import { hintChange } from '../domain/session/hints.ts';
import { isLarge, rowChange, withoutRows, withRows } from '../domain/session/large.ts';
import { keyOf, type SessionKey, type SessionReference } from '../domain/session/reference.ts';
import { earlier, memberDueMs, nextDueMs, settle } from '../domain/session/timeouts.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { tapOf, type ChangeOrigin } from '../domain/tap/tap.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type {
  Batch,
  Committed,
  Conflict,
  RecentRecord,
  SessionPut,
  SessionRecord,
  Taken,
} from '../store/store.ts';
import { withPresence } from './presence.ts';
import { owedTaps, sendTap } from './send-tap.ts';
import type { World } from './world.ts';

/** What a use leaves in the store beside the session. */
export type BesideSession = Omit<Batch, 'session'>;

/** Rows of a large session that one settle looks at, so that requests get in between. */
const settledRowsMax = 100;

/**
 * The session as it stands now, with its revision; undefined when there is none. Of a large session
 * the members are those of `xuids` who are in it.
 *
 * What was due is settled first, as a change of its own, and is in the store before anybody is
 * shown it: so that what was seen is never taken back. Of a large session one slice of what is due
 * is, the rows of `xuids` among it; the rest is for whoever looks next. Begins with what is `known`,
 * if that is given, else with what the store holds.
 *
 * Refuses: tooBusy.
 *
 * @source contract 6
 */
export async function readSettledSession(
  world: World,
  reference: SessionReference,
  xuids: readonly Xuid[],
  known?: RecentRecord,
): Promise<SessionRecord | undefined | Refusal> {
  let record = known ? known.record : await world.store.session(keyOf(reference));
  let isSliceSettled = false;
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    if (record === undefined) return undefined;
    const atMs = world.clock.nowMs();
    const isLargeOne = isLarge(record.session);
    if (!isDue(record.session, atMs)) {
      return isLargeOne ? loadRows(world, record, xuids, known) : record;
    }
    // Rows are read from the store, so what time does to them must start from what it holds.
    if (isLargeOne && known?.isCurrent === false) {
      return readSettledSession(world, reference, xuids);
    }
    const own = isLargeOne ? await loadRows(world, record, xuids, undefined) : record;
    if (isSliceSettled && !own.session.members.some((row) => isRowDue(row, own.session, atMs))) {
      return own;
    }
    const before = isLargeOne ? await loadDueRows(world, own, atMs) : record;
    const settled = settle(await withPresence(world, before.session, atMs), atMs);
    const outcome = await commitSession(world, before, settled, { atMs });
    if (outcome.kind === 'conflict') record = outcome.current;
    else if (outcome.kind === 'committed') {
      record = settled && { revision: record.revision + 1, session: asStored(settled) };
      isSliceSettled = isLargeOne;
    }
  }
  return tooBusy();
}

/** True when a settle at `nowMs` would change something. */
export function isDue(session: Session, nowMs: Milliseconds): boolean {
  const dueMs = nextDueMs(session);
  return dueMs !== undefined && dueMs <= nowMs;
}

function isRowDue(row: Member, session: Session, nowMs: Milliseconds): boolean {
  return (memberDueMs(row, session) ?? Infinity) <= nowMs;
}

function asStored(session: Session): Session {
  return isLarge(session) ? storedLarge(session) : session;
}

async function loadRows(
  { store }: World,
  record: SessionRecord,
  xuids: readonly Xuid[],
  known: RecentRecord | undefined,
): Promise<SessionRecord> {
  const key = keyOf(record.session.reference);
  const pending = known?.rows;
  const rows = await Promise.all(
    [...new Set(xuids)].map((xuid) =>
      pending?.has(xuid) ? pending.get(xuid) : store.memberRow(key, xuid),
    ),
  );
  const found = rows.filter((row) => row !== undefined);
  return { ...record, session: withRows(record.session, found) };
}

/**
 * The record with a slice of the rows that are due loaded beside those that are, and knowing when the
 * first of the others is due.
 */
async function loadDueRows(
  { store }: World,
  own: SessionRecord,
  nowMs: Milliseconds,
): Promise<SessionRecord> {
  const { rowsDueMs: _known, ...session } = own.session;
  const rows = await store.memberRowsDue(keyOf(session.reference), Infinity, settledRowsMax + 1);
  const slice = rows.slice(0, settledRowsMax).filter((row) => isRowDue(row, session, nowMs));
  const next = rows[slice.length];
  const rowsDueMs = next && memberDueMs(next, session);
  const xuids = new Set(slice.map(({ xuid }) => xuid));
  const loaded = [...slice, ...session.members.filter(({ xuid }) => !xuids.has(xuid))];
  return {
    ...own,
    session: { ...session, members: loaded, ...(rowsDueMs !== undefined && { rowsDueMs }) },
  };
}

/**
 * Stores `next` in place of `before`, or deletes the session with all handles that lead to it when
 * there is no next; together with what else belongs to the same use. Members who asked for such a
 * change are tapped once it is stored; nobody waits for that.
 */
export async function commitSession(
  world: World,
  before: SessionRecord | { readonly revision: 0; readonly session: Session },
  next: Session | undefined,
  origin: ChangeOrigin,
  beside: BesideSession = {},
): Promise<Committed | Conflict | Taken> {
  const { store } = world;
  const key = keyOf(before.session.reference);
  const expectRevision = before.revision;
  const former = before.revision === 0 ? undefined : before.session;
  const tap = former && tapOf(former, next, origin);
  const owed = tap && owedTaps(tap);
  const search = searchChange(former, next);
  let batch: Batch;
  if (next !== undefined) {
    const session: SessionPut = {
      kind: 'put',
      key,
      expectRevision,
      session: next,
      dueMs: nextDueMs(next),
      ...hintChange(former, next),
      ...(search && { isSearchChange: true }),
      ...(isLarge(next) && asRows(former?.members ?? [], next)),
      ...(owed !== undefined && { owedTaps: owed }),
    };
    batch = { ...beside, session };
  } else {
    const handles = await store.handlesFor(key);
    batch = {
      ...beside,
      session: {
        kind: 'delete',
        key,
        expectRevision,
        ...(search && { isSearchChange: true }),
        ...(owed !== undefined && { owedTaps: owed }),
      },
      removeHandles: [...(beside.removeHandles ?? []), ...handles.map(({ id }) => id)],
    };
  }
  const revision = expectRevision + 1;
  const outcome = await noteSearch(world, key, revision, search, store.commit(batch));
  if (tap && owed !== undefined && outcome.kind === 'committed') {
    sendTap(world, { key, revision, owedTaps: owed }, tap);
  }
  return outcome;
}

type SearchChange = { readonly candidate: SearchCandidate | undefined };

/** What a search sees of the session after the commit, when that is something else than before. */
function searchChange(
  former: Session | undefined,
  next: Session | undefined,
): SearchChange | undefined {
  if (former?.searchHandle === undefined && next?.searchHandle === undefined) return undefined;
  const candidate = next && candidateOf(next);
  return jsonEquals(former && candidateOf(former), candidate) ? undefined : { candidate };
}

/** The outcome of the commit, once this process's index knows what it did. */
async function noteSearch(
  { searchIndex }: World,
  key: SessionKey,
  revision: number,
  search: SearchChange | undefined,
  commit: Promise<Committed | Conflict | Taken>,
): Promise<Committed | Conflict | Taken> {
  if (search === undefined) return commit;
  // A commit whose answer was lost may have been made.
  const outcome = await commit.catch((error: unknown) => {
    searchIndex.doubtful.add(key);
    throw error;
  });
  if (outcome.kind === 'committed') searchIndex.put(key, revision, search.candidate);
  return outcome;
}

/** The large session without the rows that were loaded, but for when the first is due. */
function storedLarge(session: Session): Session {
  const rowsDueMs = session.members
    .map((row) => memberDueMs(row, session))
    .reduce(earlier, session.rowsDueMs);
  const { rowsDueMs: _former, ...rest } = withoutRows(session);
  return rowsDueMs === undefined ? rest : { ...rest, rowsDueMs };
}

function asRows(
  former: readonly Member[],
  next: Session,
): Required<Pick<SessionPut, 'session' | 'memberRows'>> {
  const { put, removed } = rowChange(former, next.members);
  return {
    session: storedLarge(next),
    memberRows: {
      put: put.map((member) => ({ member, dueMs: memberDueMs(member, next) })),
      remove: removed.map(({ xuid }) => xuid),
    },
  };
}

/** Says that other writers got in between too often. */
export function tooBusy(): Refusal {
  return new Refusal(
    'tooBusy',
    `Other writes to this session won ${limits.commitAttemptsMax} times in a row; send the request again.`,
  );
}
