/** The members of large sessions between the session, which has the loaded ones, and the store. */

import type { Xuid } from '../domain/ids.ts';
import { isLarge, rowChange, withoutRows, withRows } from '../domain/session/large.ts';
import { keyOf } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { earlier, memberDueMs } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { LastKnown, MemberRowReader, MemberRowsPut, SessionRecord } from '../store/store.ts';

/** Rows that timeouts move in one commit, so that requests get their turn. */
const dueRowsMax = 100;

/**
 * The record with the rows of these users loaded, when its session is large; else the record
 * itself, and no promise. Rows of commits under way are not read from the store.
 */
export function loadRows(
  store: MemberRowReader,
  { record, rows }: LastKnown,
  xuids: readonly Xuid[],
): SessionRecord | undefined | Promise<SessionRecord> {
  return record !== undefined && isLarge(record.session)
    ? loadRowsOf(store, record, xuids, rows)
    : record;
}

async function loadRowsOf(
  store: MemberRowReader,
  record: SessionRecord,
  xuids: readonly Xuid[],
  underWay: LastKnown['rows'],
): Promise<SessionRecord> {
  const key = keyOf(record.session.reference);
  const rows = await Promise.all(
    [...new Set(xuids)].map((xuid) =>
      underWay?.has(xuid) ? underWay.get(xuid) : store.memberRow(key, xuid),
    ),
  );
  const found = rows.filter((row) => row !== undefined);
  return { ...record, session: withRows(record.session, found) };
}

/**
 * The record with those rows loaded too that have been due the longest. Its `rowsDueMs` is that of
 * the first row that is left for later.
 */
export async function loadDueRows(
  store: MemberRowReader,
  record: SessionRecord,
  nowMs: Milliseconds,
): Promise<SessionRecord> {
  const { rowsDueMs: _stored, ...session } = record.session;
  const rows = await store.memberRowsDue(keyOf(session.reference), Infinity, dueRowsMax + 1);
  const slice = rows.slice(0, dueRowsMax).filter((row) => isRowDue(row, session, nowMs));
  const next = rows[slice.length];
  const rowsDueMs = next && memberDueMs(next, session);
  const xuids = new Set(slice.map(({ xuid }) => xuid));
  const loaded = [...slice, ...session.members.filter(({ xuid }) => !xuids.has(xuid))];
  return {
    ...record,
    session: { ...session, members: loaded, ...(rowsDueMs !== undefined && { rowsDueMs }) },
  };
}

/** True when a timeout moves this member at `nowMs`. */
export function isRowDue(row: Member, session: Session, nowMs: Milliseconds): boolean {
  return (memberDueMs(row, session) ?? Infinity) <= nowMs;
}

/** The session as its record holds it: a large one without rows, but with when the first is due. */
export function asRecorded(session: Session): Session {
  if (!isLarge(session)) return session;
  const rowsDueMs = session.members
    .map((row) => memberDueMs(row, session))
    .reduce(earlier, session.rowsDueMs);
  const { rowsDueMs: _former, ...rest } = withoutRows(session);
  return rowsDueMs === undefined ? rest : { ...rest, rowsDueMs };
}

/** What to store of the members of a large session when `former` become `next`. */
export function memberRowsPut(former: readonly Member[], next: Session): MemberRowsPut {
  const { put, removed } = rowChange(former, next.members);
  return {
    put: put.map((member) => ({ member, dueMs: memberDueMs(member, next) })),
    remove: removed.map(({ xuid }) => xuid),
  };
}
