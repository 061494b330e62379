import { Refusal } from '../domain/refusal.ts';
import { parseSessionKey, type SessionKey } from '../domain/session/reference.ts';
import { checkUnsureConnections, endDeadNodes } from './check-connections.ts';
import { tellPresence } from './presence.ts';
import { sendOwedTaps } from './send-tap.ts';
import { isDue, readSettledSession } from './settled-session.ts';
import type { World } from './world.ts';

/** Records looked at in one go, so that requests get in between; the rest is for the next. */
const sweepRecordsMax = 100;

/**
 * Settles the sessions that are due and that nobody looked at, removes invites that have expired,
 * ends what dead nodes held, tells the other nodes who has been seen, and sends taps that are still
 * owed. Tells whether there may be more.
 *
 * @source contract 6
 */
export async function sweep(world: World): Promise<'done' | 'more'> {
  const nowMs = world.clock.nowMs();
  const [keys, expired] = await Promise.all([
    world.store.due(nowMs, sweepRecordsMax),
    world.store.expired(nowMs, sweepRecordsMax),
  ]);
  const settled = await Promise.all(keys.map((key) => settleDue(world, key)));
  if (expired.length > 0) await world.store.commit({ removeHandles: expired });
  await endDeadNodes(world);
  await checkUnsureConnections(world);
  await tellPresence(world);
  const taps = await sendOwedTaps(world);
  return Math.max(keys.length, expired.length) === sweepRecordsMax || settled.includes('more')
    ? 'more'
    : taps;
}

/** Tells whether more of this session is due: of a large one a slice is settled at a time. */
async function settleDue(world: World, key: SessionKey): Promise<'done' | 'more'> {
  const record = await readSettledSession(world, parseSessionKey(key), []);
  if (record === undefined || record instanceof Refusal) return 'done';
  return isDue(record.session, world.clock.nowMs()) ? 'more' : 'done';
}
