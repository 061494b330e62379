import { Refusal } from '../domain/refusal.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import type { Share } from '../store/store.ts';
import { checkUnsureConnections, endDeadNodes } from './check-connections.ts';
import { tellPresence } from './presence.ts';
import { sendOwedTaps } from './send-tap.ts';
import { isDue, readSettledSession } from './settled-session.ts';
import type { Context } from './context.ts';

/** Records looked at in one go, so that requests get in between; the rest is for the next. */
const sweepRecordsMax = 100;

/** After so many sweeps a node looks at everything: what a dead node's share holds waits no longer. */
const wholeSweepEvery = 5;

/**
 * Settles the sessions that are due and that nobody looked at, removes invites that have expired,
 * ends what dead nodes held, tells the other nodes who has been seen, and sends taps that are still
 * owed. Tells whether there may be more. Nodes that share a store share this out among them; two who
 * look at the same do no harm.
 *
 * @source contract 6
 */
export async function sweep(world: Context): Promise<'done' | 'more'> {
  const nowMs = world.clock.nowMs();
  const share = await shareOf(world);
  const [keys, expired] = await Promise.all([
    world.store.due(nowMs, sweepRecordsMax, share),
    world.store.expired(nowMs, sweepRecordsMax, share),
  ]);
  const settled = await Promise.all(keys.map((key) => settleDue(world, key)));
  if (expired.length > 0) await world.store.commit({ removeHandles: expired });
  await endDeadNodes(world);
  await checkUnsureConnections(world);
  await tellPresence(world);
  const taps = await sendOwedTaps(world, share);
  return Math.max(keys.length, expired.length) === sweepRecordsMax || settled.includes('more')
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

/** Tells whether more of this session is due: of a large one a slice is settled at a time. */
async function settleDue(world: Context, key: SessionKey): Promise<'done' | 'more'> {
  const record = await readSettledSession(world, parseSessionKey(key), []);
  if (record === undefined || record instanceof Refusal) return 'done';
  return isDue(record.session, world.clock.nowMs()) ? 'more' : 'done';
}
