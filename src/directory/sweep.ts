import { Refusal } from '../domain/refusal.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import { isDue } from '../domain/session/timeouts.ts';
import type { Share } from '../store/store.ts';
import { recheckConnections, endDeadNodes } from './check-connections.ts';
import { tellPresence } from './presence.ts';
import { publishPendingTaps } from './notifications.ts';
import { readCurrent } from './transact.ts';
import type { Context } from './context.ts';

/** Records looked at in one go, so that requests get in between; the rest is for the next. */
const sweepRecordsMax = 100;

/** After so many sweeps a node looks at everything: what a dead node's share holds waits no longer. */
const wholeSweepEvery = 5;

/**
 * Applies timeouts to the sessions that are due and that nobody looked at, removes invites that have
 * expired, ends what dead nodes held, tells the other nodes who has been seen, and sends taps that
 * are still pending. Tells whether there may be more. Nodes on one store each look at their share;
 * two that look at the same do no harm.
 *
 * @source docs/wire/time.md "The sweep"
 */
export async function sweep(context: Context): Promise<'done' | 'more'> {
  const nowMs = context.clock.nowMs();
  const share = await shareOf(context);
  const [keys, expired] = await Promise.all([
    context.store.due(nowMs, sweepRecordsMax, share),
    context.store.expired(nowMs, sweepRecordsMax, share),
  ]);
  const timed = await Promise.all(keys.map((key) => applyDue(context, key)));
  if (expired.length > 0) await context.store.commit({ removeHandles: expired });
  await endDeadNodes(context);
  await recheckConnections(context);
  await tellPresence(context);
  const taps = await publishPendingTaps(context, share);
  return Math.max(keys.length, expired.length) === sweepRecordsMax || timed.includes('more')
    ? 'more'
    : taps;
}

/** What this node looks at in this sweep; undefined: everything. */
async function shareOf({ store, node }: Context): Promise<Share | undefined> {
  node.sweepsCount += 1;
  if (node.sweepsCount % wholeSweepEvery === 0) return undefined;
  const nodes = await store.nodes();
  const alive = nodes.filter(({ isAlive }) => isAlive).map((one) => one.node);
  const index = alive.sort().indexOf(node.id);
  return index < 0 ? undefined : { index, of: alive.length };
}

/** Tells whether more of this session is due: of a large one a slice is moved at a time. */
async function applyDue(context: Context, key: SessionKey): Promise<'done' | 'more'> {
  const record = await readCurrent(context, parseSessionKey(key), []);
  if (record === undefined || record instanceof Refusal) return 'done';
  return isDue(record.session, context.clock.nowMs()) ? 'more' : 'done';
}
