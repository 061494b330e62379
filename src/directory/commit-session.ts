import { type Cause, xuidOfCause } from '../domain/cause.ts';
import type { Guid } from '../domain/ids.ts';
import { jsonEquals } from '../domain/json.ts';
import { candidateOf, type SearchCandidate } from '../domain/search/candidate.ts';
import { hintChange } from '../domain/session/hints.ts';
import { isLarge } from '../domain/session/large.ts';
import { keyOf, type SessionKey, type SessionReference } from '../domain/session/reference.ts';
import {
  changeOf,
  type MemberChange,
  type SessionChange,
} from '../domain/session/session-change.ts';
import type { Session } from '../domain/session/session.ts';
import { nextDueMs } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type {
  Batch,
  CommitSuccess,
  HandleReader,
  Conflict,
  SessionRecord,
  HandleIdConflict,
} from '../store/store.ts';
import type { Context } from './context.ts';
import { historyPut } from './history-put.ts';
import { asRecorded, memberRowsPut } from './member-rows.ts';
import { publishTaps, tapsOf } from './notifications.ts';

/** A handle to store and handles to remove, together with a session or alone. */
export type HandleChange = Omit<Batch, 'session'>;

export type SessionCommit = {
  readonly reference: SessionReference;
  /** The session that the change was decided on; undefined: there was none. */
  readonly before: SessionRecord | undefined;
  /** Undefined: the session ends, and with it all its handles. */
  readonly next: Session | undefined;
  readonly cause: Cause;
  readonly atMs: Milliseconds;
  /** True of applied timeouts and lost connections: they free space sooner or later. */
  readonly isUpkeep?: boolean | undefined;
  readonly handles?: HandleChange | undefined;
};

/**
 * Stores one change of a session, with all that belongs to it. Members who asked for such a change
 * get taps once it is stored; nobody waits for that.
 */
export async function commitSession(
  context: Context,
  { reference, before, next, cause, atMs, isUpkeep = false, handles }: SessionCommit,
): Promise<CommitSuccess | Conflict | HandleIdConflict> {
  const { store } = context;
  const key = keyOf(reference);
  const former = before?.session;
  const change = changeOf(former, next);
  const taps = tapsOf(context, change, { atMs, byXuid: xuidOfCause(cause) });
  const search = searchOutcome(change);
  const expectRevision = before?.revision ?? 0;
  const parts = {
    isSearchChange: search?.isChange === true,
    pendingTaps: taps,
    history: historyPut(context, change, { cause, atMs, formerRevision: expectRevision }),
  };
  const batch: Batch =
    next === undefined
      ? {
          ...handles,
          session: { kind: 'delete', key, expectRevision, ...parts },
          removeHandles: [...(handles?.removeHandles ?? []), ...(await handleIdsFor(store, key))],
        }
      : {
          ...handles,
          session: {
            kind: 'put',
            key,
            expectRevision,
            ...parts,
            session: asRecorded(next),
            frees: isUpkeep || change.members.some(isGone),
            dueMs: nextDueMs(next),
            ...hintChange(change),
            memberRows: isLarge(next) ? memberRowsPut(former?.members ?? [], next) : undefined,
          },
        };
  const committing = store.commit(batch);
  const outcome = await (search ? noteSearch(context, key, search, committing) : committing);
  if (outcome.kind === 'committed') {
    const { revision } = outcome;
    const isKept = outcome.hasPendingTaps && revision !== undefined;
    // Of taps whose revision is not known any more the sweep sends those that the store keeps once more.
    if (taps) publishTaps(context, taps, isKept ? { key, revision } : undefined);
    for (const listen of context.sessionListeners) listen(change);
    context.observers.current?.({
      kind: 'committed',
      atMs,
      key,
      revision: revision ?? expectRevision + 1,
      change,
      cause,
      madeHandle: handles?.handle,
      removedHandles: batch.removeHandles ?? none,
    });
  }
  return outcome;
}

/** Stores a change of handles alone. */
export async function commitHandles(
  { store, observers, clock }: Pick<Context, 'store' | 'observers' | 'clock'>,
  handles: HandleChange,
): Promise<CommitSuccess | Conflict | HandleIdConflict> {
  const outcome = await store.commit(handles);
  if (outcome.kind === 'committed') {
    observers.current?.({
      kind: 'handlesCommitted',
      atMs: clock.nowMs(),
      madeHandle: handles.handle,
      removedHandles: handles.removeHandles ?? none,
    });
  }
  return outcome;
}

const none: readonly Guid[] = [];

function isGone({ member }: MemberChange): boolean {
  return member === undefined;
}

async function handleIdsFor(store: HandleReader, key: SessionKey): Promise<readonly Guid[]> {
  return (await store.handlesFor(key)).map(({ id }) => id);
}

/** What a search finds of a session after a commit. */
type SearchOutcome = {
  readonly candidate: SearchCandidate | undefined;
  /** False: the same as before. */
  readonly isChange: boolean;
};

/** Undefined when no search finds the session, before or after. */
function searchOutcome({ before: former, next }: SessionChange): SearchOutcome | undefined {
  if (former?.searchHandle === undefined && next?.searchHandle === undefined) return undefined;
  const candidate = next && candidateOf(next);
  return { candidate, isChange: !jsonEquals(former && candidateOf(former), candidate) };
}

/**
 * The outcome of the commit, once the index of this process has the result: also of one that no filter
 * sees, since the text of a result shows more of the session.
 */
async function noteSearch(
  { searchIndex }: Context,
  key: SessionKey,
  { candidate }: SearchOutcome,
  commit: Promise<CommitSuccess | Conflict | HandleIdConflict>,
): Promise<CommitSuccess | Conflict | HandleIdConflict> {
  // A commit whose answer was lost may have been made.
  const outcome = await commit.catch((error: unknown) => {
    searchIndex.noteStale(key);
    throw error;
  });
  if (outcome.kind === 'committed') searchIndex.put(key, outcome.revision, candidate);
  return outcome;
}
