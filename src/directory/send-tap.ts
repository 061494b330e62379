import type { Session } from '../domain/session/session.ts';
import { tapOf, type ChangeOrigin } from '../domain/tap/tap.ts';
import type { OwedTaps, Share } from '../store/store.ts';
import { type NodeMessage, nodesToTell } from './bus-message.ts';
import type { Context } from './context.ts';

/** A commit made longer ago than this has had its time to send its taps. */
const untappedAgeMs = 5_000;
const untappedMax = 100;

/** What a commit that owes taps keeps: the message to the nodes. */
export type TapsMessage = Extract<NodeMessage, { kind: 'taps' }>;

/** What a commit of this change owes; undefined when nobody who listens is to hear of it. */
export function owedTaps(
  { bus }: Context,
  former: Session | undefined,
  next: Session | undefined,
  origin: ChangeOrigin,
): TapsMessage | undefined {
  const isHeard = (node: string): boolean => bus.isHeard(`node:${node}`);
  const tap = former && tapOf(former, next, origin, isHeard);
  return tap && { kind: 'taps', tap };
}

/**
 * Sends taps to the nodes that hold the connections they go to, and strikes them out where the store
 * keeps them. Nobody waits for it: what cannot be sent and is kept stays owed, and the sweep sends it.
 */
export function sendTaps(
  world: Context,
  message: TapsMessage,
  kept: Omit<OwedTaps, 'owedTaps'> | undefined,
): void {
  publish(world, message, kept).catch(world.failed);
}

/** Sends what others committed and did not come to send. */
export async function sendOwedTaps(
  world: Context,
  share: Share | undefined,
): Promise<'done' | 'more'> {
  const untapped = await world.store.untapped(untappedAgeMs, untappedMax, share);
  for (const owed of untapped) {
    const message = owed.owedTaps as NodeMessage;
    if (message.kind === 'taps') await publish(world, message, owed);
  }
  return untapped.length === untappedMax ? 'more' : 'done';
}

async function publish(
  { store, bus }: Context,
  message: TapsMessage,
  kept: Omit<OwedTaps, 'owedTaps'> | undefined,
): Promise<void> {
  const nodes = nodesToTell(message.tap);
  await Promise.all(nodes.map((node) => bus.publish(`node:${node}`, message)));
  if (kept) await store.tapped(kept.key, kept.revision);
}
