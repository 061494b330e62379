import { keyOf, type SessionReference } from '../domain/session/reference.ts';
import { hintChange } from '../domain/session/hints.ts';
import { nextDueMs, settle } from '../domain/session/timeouts.ts';
import type { Session } from '../domain/session/session.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Batch, Committed, Conflict, SessionRecord } from '../store/store.ts';
import type { World } from './world.ts';

/** What a use leaves in the store beside the session. */
export type BesideSession = Omit<Batch, 'session'>;

/**
 * The session as it stands now, with its revision; undefined when there is none.
 *
 * What was due is settled first, as a change of its own, and is in the store before anybody is
 * shown it: so that what was seen is never taken back.
 *
 * Refuses: tooBusy.
 *
 * @source contract 6
 */
export async function readSettledSession(
  world: World,
  reference: SessionReference,
): Promise<SessionRecord | undefined | Refusal> {
  const key = keyOf(reference);
  let record = await world.store.session(key);
  for (let attempt = 1; attempt <= limits.commitAttemptsMax; attempt += 1) {
    if (record === undefined) return undefined;
    const settled: Session | undefined = settle(record.session, world.clock.nowMs());
    if (settled === record.session) return record;
    const outcome = await commitSession(world, record, settled);
    if (outcome.kind === 'committed') {
      return settled && { revision: record.revision + 1, session: settled };
    }
    record = outcome.current;
  }
  return tooBusy();
}

/**
 * Stores `next` in place of `before`, or deletes the session with all handles that lead to it when
 * there is no next; together with what else belongs to the same use.
 */
export async function commitSession(
  { store }: World,
  before: SessionRecord | { readonly revision: 0; readonly session: Session },
  next: Session | undefined,
  beside: BesideSession = {},
): Promise<Committed | Conflict> {
  const key = keyOf(before.session.reference);
  const expectRevision = before.revision;
  if (next !== undefined) {
    const hints = hintChange(before.revision === 0 ? undefined : before.session, next);
    const dueMs = nextDueMs(next);
    const session = { kind: 'put', key, expectRevision, session: next, dueMs, ...hints } as const;
    return store.commit({ ...beside, session });
  }
  const handles = await store.handlesFor(key);
  return store.commit({
    ...beside,
    session: { kind: 'delete', key, expectRevision },
    removeHandles: [...(beside.removeHandles ?? []), ...handles.map(({ id }) => id)],
  });
}

/** Says that other writers got in between too often. */
export function tooBusy(): Refusal {
  return new Refusal(
    'tooBusy',
    `Other writes to this session won ${limits.commitAttemptsMax} times in a row; send the request again.`,
  );
}
