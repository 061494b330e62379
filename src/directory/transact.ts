/**
 * The unit of work: every use that reads or changes a session goes through it.
 *
 *     lock ─▶ last known, or read ─▶ timeouts ─▶ facts ─▶ decision ─▶ commit ─▶ result
 *                      ▲              │ due                 │            │
 *                      ├── committed ─┘  nothing to store,  │            │
 *                      ├──────────────── but not certain ───┘            │
 *                      └────────────────────────────── race was lost ────┘
 *
 * - A change is decided on what this process last knows of the session, which need not be stored
 *   yet: the commit compares. An answer without a commit is different: it must stand on what the
 *   store holds, or it would show what may never have been.
 * - What time has done is committed before anybody is shown it, so that nothing that was seen is
 *   taken back.
 */

import type { Handle } from '../domain/handle/handle.ts';
import type { Cause } from '../domain/cause.ts';
import type { Xuid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { isLarge } from '../domain/session/large.ts';
import { keyOf, type SessionKey, type SessionReference } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { isDue } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type {
  CommitSuccess,
  Conflict,
  LastKnown,
  SessionRecord,
  HandleIdConflict,
} from '../store/store.ts';
import { commitHandles, commitSession, type HandleChange } from './commit-session.ts';
import { type Basis, commitTimeouts, mustApplyTimeouts } from './commit-timeouts.ts';
import type { Context } from './context.ts';
import { loadRows } from './member-rows.ts';

/** A use of one session: the facts it needs, and what it decides. */
export type Use<Facts, Result> = {
  readonly reference: SessionReference;
  /** `write` when it is likely to change the session: then it waits for other writers. */
  readonly mode: 'read' | 'write';
  /** The users whose members it reads. Of a large session only these are loaded. */
  readonly xuids: readonly Xuid[];
  /** True of work for users who are gone: it is stored even when memory is full. */
  readonly isUpkeep?: boolean;
  /** What makes the change. Not needed by a use that only reads. */
  readonly cause?: Cause | undefined;
  /** All facts for the decision, beside the session. No promise unless it must wait. */
  gather(
    current: SessionRecord | undefined,
    nowMs: Milliseconds,
  ): Facts | Refusal | Promise<Facts | Refusal>;
  /** Pure; called again, with new facts, after a lost race. */
  decide(current: SessionRecord | undefined, facts: Facts): Decision<Result> | Refusal;
  /** The result when another handle already has the id of a new one. */
  handleIdTaken?(other: Handle): Result | Refusal;
};

export type Decision<Result> = {
  readonly result: Result;
  /** The next session, or its end. Absent: unchanged. */
  readonly next?: Session | 'ended' | undefined;
  /** Handles to store or remove with it, in one step. */
  readonly handles?: HandleChange | undefined;
};

/**
 * The result of a use, once all that it decided is stored.
 *
 * Refuses: what the use refuses, and tooBusy after commitAttemptsMax attempts.
 */
export async function transact<Facts, Result>(
  context: Context,
  use: Use<Facts, Result>,
): Promise<Result | Refusal> {
  const { store, clock } = context;
  const key = keyOf(use.reference);
  const lock = context.locks.of(key);
  // Not `using`: its stack costs 4 % of what a write costs here.
  try {
    if (use.mode === 'write') {
      const turn = lock.acquire();
      const commitMs = turn && (await turn);
      if (commitMs) await context.letOthersIn(commitMs);
    }
    const known = store.lastKnown(key);
    let basis: Basis | undefined = use.mode === 'write' || known?.isCommitted ? known : undefined;

    for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
      basis ??= await readBasis(context, key);
      const nowMs = clock.nowMs();
      const loading = loadRows(store, basis, use.xuids);
      const current = loading instanceof Promise ? await loading : loading;
      if (current && mustApplyTimeouts(current.session, basis, nowMs)) {
        // Due rows are read from the store, so the session must be as the store holds it.
        const canApply = basis.isCommitted || !isLarge(current.session);
        basis = canApply ? await commitTimeouts(context, current, nowMs) : undefined;
        continue;
      }

      const gathering = use.gather(current, nowMs);
      const facts = gathering instanceof Promise ? await gathering : gathering;
      const decision = facts instanceof Refusal ? facts : use.decide(current, facts);
      if ((decision instanceof Refusal || decision.next === undefined) && !basis.isCommitted) {
        lock.release();
        basis = undefined;
        continue;
      }
      if (decision instanceof Refusal) return decision;

      const committing = commit(context, use, current, decision, nowMs);
      if (committing === undefined) return decision.result;
      // Others need not wait when they can already build on this commit.
      if (revisionOf(store.lastKnown(key)) !== revisionOf(basis)) lock.release();
      const sentMs = lock.isHeld ? clock.elapsedMs() : 0;
      const outcome = await committing;
      if (outcome.kind === 'committed') {
        if (lock.isHeld) lock.release(clock.elapsedMs() - sentMs);
        return decision.result;
      }
      if (outcome.kind === 'taken') return whenTaken(use, outcome.handle);
      context.observers.current?.({
        kind: 'conflict',
        atMs: nowMs,
        key,
        attempt,
        isLast: attempt === limits.commitAttemptsMax,
      });
      // After a lost race this writer tries again at once, before those who wait for the winner's
      // lock.
      basis = lock.isHeld ? { record: outcome.current, isCommitted: true } : undefined;
      await lock.acquire();
    }
    return tooBusy();
  } finally {
    lock.release();
  }
}

async function readBasis({ store }: Context, key: SessionKey): Promise<Basis> {
  return { record: await store.session(key), isCommitted: true };
}

function revisionOf(known: LastKnown | undefined): number {
  return known?.record?.revision ?? 0;
}

/** Begins to store the decision; undefined when there is nothing to store. */
function commit(
  context: Context,
  { reference, cause, isUpkeep }: Pick<Use<unknown, unknown>, 'reference' | 'cause' | 'isUpkeep'>,
  before: SessionRecord | undefined,
  { next, handles }: Omit<Decision<unknown>, 'result'>,
  atMs: Milliseconds,
): Promise<CommitSuccess | Conflict | HandleIdConflict> | undefined {
  if (next === undefined) return handles && commitHandles(context, handles);
  if (cause === undefined) throw new Error('a use without a cause changes nothing');
  const left = next === 'ended' ? undefined : next;
  return commitSession(context, { reference, before, next: left, cause, atMs, isUpkeep, handles });
}

function whenTaken<Result>(
  { handleIdTaken }: Pick<Use<unknown, Result>, 'handleIdTaken'>,
  other: Handle,
): Result | Refusal {
  if (handleIdTaken === undefined) throw new Error('the id of a handle that nobody made is taken');
  return handleIdTaken(other);
}

/**
 * The session as it is now, with its revision; undefined when there is none. Of a large session it
 * has the members with these `xuids`.
 *
 * Refuses: tooBusy.
 */
export function readCurrent(
  context: Context,
  reference: SessionReference,
  xuids: readonly Xuid[],
): Promise<SessionRecord | undefined | Refusal> {
  const known = currentIfKnown(context, keyOf(reference));
  if (known !== undefined) return Promise.resolve(known);
  return transact(context, {
    reference,
    mode: 'read',
    xuids,
    gather: () => undefined,
    decide: (current) => ({ result: current }),
  });
}

/**
 * What `readCurrent` would return, where that needs no read of the store and no commit; undefined
 * when it would, or when there is no session.
 */
export function currentIfKnown(
  { store, clock }: Context,
  key: SessionKey,
): SessionRecord | undefined {
  const known = store.lastKnown(key);
  if (!known?.isCommitted || known.record === undefined) return undefined;
  const { session } = known.record;
  return isLarge(session) || isDue(session, clock.nowMs()) ? undefined : known.record;
}

function tooBusy(): Refusal {
  return new Refusal(
    'tooBusy',
    `Other writes to this session won ${limits.commitAttemptsMax} times in a row; send the request again.`,
  );
}
