import { parseSessionKey } from '../domain/session/reference.ts';
import { checkUnsureConnections, endDeadNodes } from './check-connections.ts';
import { sendOwedTaps } from './send-tap.ts';
import { readSettledSession } from './settled-session.ts';
import type { World } from './world.ts';

/** Records looked at in one go, so that requests get in between; the rest is for the next. */
const sweepRecordsMax = 100;

/**
 * Settles the sessions that are due and that nobody looked at, removes invites that have expired,
 * ends what dead nodes held, and sends taps that are still owed. Tells whether there may be more.
 *
 * @source contract 6
 */
export async function sweep(world: World): Promise<'done' | 'more'> {
  const nowMs = world.clock.nowMs();
  const [keys, expired] = await Promise.all([
    world.store.due(nowMs, sweepRecordsMax),
    world.store.expired(nowMs, sweepRecordsMax),
  ]);
  await Promise.all(keys.map((key) => readSettledSession(world, parseSessionKey(key), [])));
  if (expired.length > 0) await world.store.commit({ removeHandles: expired });
  await endDeadNodes(world);
  await checkUnsureConnections(world);
  const taps = await sendOwedTaps(world);
  return Math.max(keys.length, expired.length) === sweepRecordsMax ? 'more' : taps;
}
