/**
 * The unit of work: every use that reads or changes a session goes through it.
 *
 *     lock ─▶ last known, or read ─▶ timeouts ─▶ facts ─▶ decision ─▶ commit ─▶ result
 *                      ▲              │ due                 │            │
 *                      ├── committed ─┘  nothing to store,  │            │
 *                      ├──────────────── but not certain ───┘            │
 *                      └────────────────────────────── race was lost ────┘
 *
 * - A change is decided upon what this process last knows of the session, which need not be stored
 *   yet: the commit compares. An answer without a commit is different: it must stand on what the
 *   store holds, or it would show what may never have been.
 * - What time has done is committed before anybody is shown it, so that nothing that was seen is
 *   taken back.
 */

import type { Handle } from '../domain/handle/handle.ts';
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
import { commitSession, type HandleChange } from './commit-session.ts';
import { type Basis, commitTimeouts, mustApplyTimeouts } from './commit-timeouts.ts';
import type { Context } from './context.ts';
import { loadRows } from './member-rows.ts';

/** A use of one session: what it must know, and what it makes of the session. */
export type Use<Facts, Result> = {
  readonly reference: SessionReference;
  /** `write` when it is likely to change the session: then it waits for other writers. */
  readonly mode: 'read' | 'write';
  /** Users whose members it looks at. Of a large session no others are loaded. */
  readonly xuids: readonly Xuid[];
  /** True of what is done for users who are gone: it is stored also where there is no room. */
  readonly isUpkeep?: boolean;
  /** The user who makes the change, if a user does. */
  readonly byXuid?: Xuid | undefined;
  /** All that the decision depends on beside the session. Without need there is no promise. */
  gather(
    current: SessionRecord | undefined,
    nowMs: Milliseconds,
  ): Facts | Refusal | Promise<Facts | Refusal>;
  /** Pure; asked again, with new facts, after a lost race. */
  decide(current: SessionRecord | undefined, facts: Facts): Decision<Result> | Refusal;
  /** The result when a handle that is made has the id of another one, which stays. */
  handleIdTaken?(other: Handle): Result | Refusal;
};

export type Decision<Result> = {
  readonly result: Result;
  /** The session from now on, or that it ends. Absent: it stays as it is. */
  readonly next?: Session | 'ended' | undefined;
  /** Handles that are stored or removed with it, in one step. */
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
  using lock = context.locks.of(key);
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
      // Rows that are due are read from the store, so the session must be what the store holds.
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
    // Where others can build upon this commit already, they need not wait for it.
    if (revisionOf(store.lastKnown(key)) !== revisionOf(basis)) lock.release();
    const sentMs = lock.isHeld ? clock.elapsedMs() : 0;
    const outcome = await committing;
    if (outcome.kind === 'committed') {
      if (lock.isHeld) lock.release(clock.elapsedMs() - sentMs);
      return decision.result;
    }
    if (outcome.kind === 'taken') return whenTaken(use, outcome.handle);
    // Who has lost tries again at once, and comes before those who now wait for the winner's lock.
    basis = lock.isHeld ? { record: outcome.current, isCommitted: true } : undefined;
    await lock.acquire();
  }
  return tooBusy();
}

async function readBasis({ store }: Context, key: SessionKey): Promise<Basis> {
  return { record: await store.session(key), isCommitted: true };
}

function revisionOf(known: LastKnown | undefined): number {
  return known?.record?.revision ?? 0;
}

/** Begins to store what was decided; undefined when that is nothing. */
function commit(
  context: Context,
  { reference, byXuid, isUpkeep }: Pick<Use<unknown, unknown>, 'reference' | 'byXuid' | 'isUpkeep'>,
  before: SessionRecord | undefined,
  { next, handles }: Omit<Decision<unknown>, 'result'>,
  atMs: Milliseconds,
): Promise<CommitSuccess | Conflict | HandleIdConflict> | undefined {
  if (next === undefined) return handles && context.store.commit(handles);
  const origin = { atMs, byXuid };
  const left = next === 'ended' ? undefined : next;
  return commitSession(context, { reference, before, next: left, origin, isUpkeep, handles });
}

function whenTaken<Result>(
  { handleIdTaken }: Pick<Use<unknown, Result>, 'handleIdTaken'>,
  other: Handle,
): Result | Refusal {
  if (handleIdTaken === undefined) throw new Error('the id of a handle that nobody made is taken');
  return handleIdTaken(other);
}

/**
 * The session as it stands now, with its revision; undefined when there is none. Of a large session
 * the members are those of `xuids` who are in it.
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
 * What `readCurrent` would give, where that needs neither a read of the store nor a commit;
 * undefined when it would have to, or when there is no session.
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
