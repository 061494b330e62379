import type { Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import type { Refusal } from '../domain/refusal.ts';
import { isLarge, withRows } from '../domain/session/large.ts';
import { keyOf, type SessionKey, type SessionReference } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { memberDueMs, nextDueMs, applyTimeouts } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { LastKnown, SessionRecord } from '../store/store.ts';
import { commitSession, storedLarge, tooBusy } from './commit-session.ts';
import { withPresence } from './presence.ts';
import type { Context } from './context.ts';

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
  world: Context,
  reference: SessionReference,
  xuids: readonly Xuid[],
  known?: LastKnown,
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
    if (isLargeOne && known?.isCommitted === false) {
      return readSettledSession(world, reference, xuids);
    }
    const own = isLargeOne ? await loadRows(world, record, xuids, undefined) : record;
    if (isSliceSettled && !own.session.members.some((row) => isRowDue(row, own.session, atMs))) {
      return own;
    }
    const before = isLargeOne ? await loadDueRows(world, own, atMs) : record;
    const settled = applyTimeouts(await withPresence(world, before.session, atMs), atMs);
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

/**
 * True of what needs neither a read of the store nor a commit: where `readSettledSession` would give
 * this very record.
 */
export function isSettled({ record }: LastKnown, nowMs: Milliseconds): boolean {
  return record === undefined || !(isLarge(record.session) || isDue(record.session, nowMs));
}

/**
 * What `readSettledSession` would give, where that needs neither a read of the store nor a commit;
 * undefined when only it can tell.
 */
export function settledNow({ store, clock }: Context, key: SessionKey): SessionRecord | undefined {
  const recent = store.lastKnown(key);
  return recent?.isCommitted && isSettled(recent, clock.nowMs()) ? recent.record : undefined;
}

function asStored(session: Session): Session {
  return isLarge(session) ? storedLarge(session) : session;
}

async function loadRows(
  { store }: Context,
  record: SessionRecord,
  xuids: readonly Xuid[],
  known: LastKnown | undefined,
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
  { store }: Context,
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
