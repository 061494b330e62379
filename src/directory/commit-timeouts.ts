import { isLarge } from '../domain/session/large.ts';
import type { Session } from '../domain/session/session.ts';
import { applyTimeouts, isDue } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { LastKnown, SessionRecord } from '../store/store.ts';
import { commitSession } from './commit-session.ts';
import type { Context } from './context.ts';
import { asRecorded, isRowDue, loadDueRows } from './member-rows.ts';
import { withPresence } from './last-seen.ts';

/** The state of a session that a decision is based on. */
export type Basis = LastKnown & {
  /** True of a large session after one slice of its due rows was moved; the others can wait. */
  readonly isSliceMoved?: boolean;
};

/** True when timeouts are due that must be applied before anybody sees this session. */
export function mustApplyTimeouts(
  session: Session,
  { isSliceMoved = false }: Basis,
  nowMs: Milliseconds,
): boolean {
  if (!isDue(session, nowMs)) return false;
  return !isSliceMoved || session.members.some((row) => isRowDue(row, session, nowMs));
}

/**
 * Commits the applied timeouts of a session, as a change of their own; in a large session one
 * slice, with the loaded rows. Returns the basis to continue from: after a lost race the winner's; undefined
 * when the session must be read, because the store does not know any more which revision the commit made.
 *
 * @source docs/wire/time.md "Applied timeouts are a change"
 */
export async function commitTimeouts(
  context: Context,
  record: SessionRecord,
  nowMs: Milliseconds,
): Promise<Basis | undefined> {
  const isSlice = isLarge(record.session);
  const before = isSlice ? await loadDueRows(context.store, record, nowMs) : record;
  const next = applyTimeouts(await withPresence(context, before.session, nowMs), nowMs);
  const { reference } = record.session;
  const commit = {
    reference,
    before,
    next,
    cause: { kind: 'timer' } as const,
    atMs: nowMs,
    isUpkeep: true,
  };
  const outcome = await commitSession(context, commit);
  if (outcome.kind === 'conflict') return { record: outcome.current, isCommitted: true };
  if (next === undefined) return { record: undefined, isCommitted: true };
  const revision = outcome.kind === 'committed' ? outcome.revision : undefined;
  if (revision === undefined) return undefined;
  const after = { revision, session: asRecorded(next) };
  return { record: after, isCommitted: true, isSliceMoved: isSlice };
}
