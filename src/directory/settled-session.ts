import type { Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Refusal } from '../domain/refusal.ts';
import { isLarge, withRows } from '../domain/session/large.ts';
import { keyOf, type SessionReference } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { memberDueMs, nextDueMs, settle } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { RecentRecord, SessionRecord } from '../store/store.ts';
import { commitSession, storedLarge, tooBusy } from './commit-session.ts';
import type { World } from './world.ts';

/** Rows of a large session that one settle looks at; the rest is for the next. */
const settledRowsMax = 100;

/**
 * The session as it stands now, with its revision; undefined when there is none. Of a large session
 * the members are those of `xuids` who are in it.
 *
 * What was due is settled first, as a change of its own, and is in the store before anybody is
 * shown it: so that what was seen is never taken back. Begins with what is `known`, if that is
 * given, else with what the store holds.
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
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    if (record === undefined) return undefined;
    const atMs = world.clock.nowMs();
    const dueMs = nextDueMs(record.session);
    if (dueMs === undefined || dueMs > atMs) {
      return isLarge(record.session) ? loadRows(world, record, xuids, known) : record;
    }
    // Rows are read from the store, so what time does to them must start from what it holds.
    if (isLarge(record.session) && known?.isCurrent === false) {
      return readSettledSession(world, reference, xuids);
    }
    const before = await loadDueRows(world, record, atMs);
    const settled = settle(before.session, atMs);
    const outcome = await commitSession(world, before, settled, { atMs });
    if (outcome.kind === 'conflict') record = outcome.current;
    else if (outcome.kind === 'committed')
      record = settled && { revision: record.revision + 1, session: asStored(settled) };
  }
  return tooBusy();
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

/** The record with the rows that are due loaded, and knowing when the first of the others is. */
async function loadDueRows(
  { store }: World,
  record: SessionRecord,
  nowMs: Milliseconds,
): Promise<SessionRecord> {
  const { session } = record;
  if (!isLarge(session)) return record;
  const { rowsDueMs: _known, ...rest } = session;
  const rows = await store.memberRowsDue(keyOf(session.reference), Infinity, settledRowsMax + 1);
  const isDue = (row: Member): boolean => (memberDueMs(row, session) ?? Infinity) <= nowMs;
  const due = rows.slice(0, settledRowsMax).filter(isDue);
  const next = rows[due.length];
  const rowsDueMs = next && memberDueMs(next, session);
  const known = { ...rest, ...(rowsDueMs !== undefined && { rowsDueMs }) };
  return { ...record, session: withRows(known, due) };
}
