import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import { isDue } from '../domain/session/timeouts.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Share } from '../store/store.ts';
import { commitHandles } from './commit-session.ts';
import { recheckConnections, endDeadNodes } from './check-connections.ts';
import { shareLastSeen } from './last-seen.ts';
import { publishPendingTaps } from './notifications.ts';
import { readCurrent } from './transact.ts';
import type { Context } from './context.ts';

/** Records read at once, so that requests get their turn; the rest is for the next. */
const sweepRecordsMax = 100;

/**
 * After so many sweeps a node looks at all partitions, so that a dead node's share does not wait
 * longer.
 */
const wholeSweepEvery = 5;

/** What time does with the records of a service, or a part of it. */
export type SweepStep = (context: Context, share: Share | undefined) => Promise<'done' | 'more'>;

/**
 * Applies timeouts to due sessions, removes expired invites, ends what dead nodes held, shares
 * which users were seen, and sends pending taps; then come the steps of `services`. The result says
 * whether there may be more. Each node looks at its share; two that look at the same do no harm. A
 * step that fails does not stop the others; the first error is thrown at the end.
 *
 * @source docs/wire/time.md "The sweep"
 */
export async function sweep(
  context: Context,
  services: readonly SweepStep[] = [],
): Promise<'done' | 'more'> {
  const { observers } = context;
  const nowMs = context.clock.nowMs();
  const beganMs = performance.now();
  const counts = { sessionsCount: 0, invitesCount: 0 };
  const share = await shareOf(context);
  const steps: readonly (() => Promise<unknown>)[] = [
    () => applyDueTimeouts(context, nowMs, share, counts),
    () => removeExpired(context, nowMs, share, counts),
    () => endDeadNodes(context),
    () => recheckConnections(context),
    () => shareLastSeen(context),
    () => publishPendingTaps(context, share),
    ...services.map((step) => () => step(context, share)),
  ];
  const failures: unknown[] = [];
  let outcome: 'done' | 'more' = 'done';
  for (const step of steps) {
    try {
      if ((await step()) === 'more') outcome = 'more';
    } catch (error) {
      failures.push(error);
    }
  }
  observers.current?.({
    kind: 'sweep',
    atMs: nowMs,
    durationMs: performance.now() - beganMs,
    ...counts,
    isFailed: failures.length > 0,
  });
  if (failures.length > 0) throw failures[0];
  return outcome;
}

/** What one sweep had to do, for observers. */
type SweepCounts = { sessionsCount: number; invitesCount: number };

/** The share of this node in this sweep; undefined: everything. */
async function shareOf({ store, node }: Context): Promise<Share | undefined> {
  node.sweepsCount += 1;
  if (node.sweepsCount % wholeSweepEvery === 0) return undefined;
  const nodes = await store.nodes();
  const alive = nodes.filter(({ isAlive }) => isAlive).map((one) => one.node);
  const index = alive.sort().indexOf(node.id);
  return index < 0 ? undefined : { index, of: alive.length };
}

async function applyDueTimeouts(
  context: Context,
  nowMs: Milliseconds,
  share: Share | undefined,
  counts: SweepCounts,
): Promise<'done' | 'more'> {
  const { store, setAside } = context;
  const keys = await setAside.firstOthers(sweepRecordsMax, String, (limit) =>
    store.due(nowMs, limit, share),
  );
  counts.sessionsCount = keys.length;
  const outcomes = await Promise.allSettled(
    keys.map((key) => setAside.attempt('the sweep', key, () => applyDue(context, key))),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  const isMore = outcomes.some((outcome) => 'value' in outcome && outcome.value === 'more');
  return isMore || keys.length === sweepRecordsMax ? 'more' : 'done';
}

/** `more` when more of this session is due: a large one is moved in slices. */
async function applyDue(context: Context, key: SessionKey): Promise<'done' | 'more'> {
  const record = await readCurrent(context, parseSessionKey(key), []);
  if (record === undefined || record instanceof Refusal) return 'done';
  return isDue(record.session, context.clock.nowMs()) ? 'more' : 'done';
}

async function removeExpired(
  context: Context,
  nowMs: Milliseconds,
  share: Share | undefined,
  counts: SweepCounts,
): Promise<'done' | 'more'> {
  const { store, setAside } = context;
  const ids = await setAside.firstOthers(sweepRecordsMax, String, (limit) =>
    store.expired(nowMs, limit, share),
  );
  counts.invitesCount = ids.length;
  if (ids.length > 0) await removeHandles(context, ids);
  return ids.length === sweepRecordsMax ? 'more' : 'done';
}

/** Removes all in one step; one by one when that fails, so that the faulty one is found. */
async function removeHandles(context: Context, ids: readonly Guid[]): Promise<void> {
  try {
    await commitHandles(context, { removeHandles: ids });
  } catch {
    for (const id of ids) {
      await context.setAside.attempt('the sweep', id, () =>
        commitHandles(context, { removeHandles: [id] }),
      );
    }
  }
}
