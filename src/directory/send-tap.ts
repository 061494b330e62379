import type { Tap } from '../domain/tap/tap.ts';
import type { OwedTaps, Share } from '../store/store.ts';
import { formatMessage, type NodeMessage, nodesToTell, parseMessage } from './bus-message.ts';
import type { World } from './world.ts';

/** A commit made longer ago than this has had its time to send its taps. */
const untappedAgeMs = 5_000;
const untappedMax = 100;

/** What a commit that owes this tap keeps of it: the message to the nodes. */
export function owedTaps(tap: Tap): string {
  return formatMessage({ kind: 'taps', tap });
}

/**
 * Sends a tap to the nodes that hold the connections it goes to. Nobody waits for it: when it cannot
 * be sent it stays owed, and the sweep sends it.
 */
export function sendTap(world: World, owed: OwedTaps, tap: Tap): void {
  publish(world, owed, tap).catch(world.failed);
}

/** Sends what others committed and did not come to send. */
export async function sendOwedTaps(
  world: World,
  share: Share | undefined,
): Promise<'done' | 'more'> {
  const untapped = await world.store.untapped(untappedAgeMs, untappedMax, share);
  for (const owed of untapped) {
    const message = parseMessage<NodeMessage>(owed.owedTaps);
    if (message.kind === 'taps') await publish(world, owed, message.tap);
  }
  return untapped.length === untappedMax ? 'more' : 'done';
}

async function publish({ store, bus }: World, owed: OwedTaps, tap: Tap): Promise<void> {
  const nodes = [...nodesToTell(tap)];
  await Promise.all(nodes.map((node) => bus.publish(`node:${node}`, owed.owedTaps)));
  await store.tapped(owed.key, owed.revision);
}
