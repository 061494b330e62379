/**
 * When users were last seen on any node. Each node keeps its own (see presence.ts); those of others it
 * asks the store for, when a member is about to be made inactive, which is rare.
 */

import type { Xuid } from '../domain/ids.ts';
import { membersToLookFor, withSightings } from '../domain/session/presence.ts';
import type { Session } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Context } from './context.ts';

/**
 * The session in which members with an ended connection stay active when they were seen since, on
 * any node.
 */
export async function withPresence(
  context: Context,
  session: Session,
  nowMs: Milliseconds,
): Promise<Session> {
  const xuids = membersToLookFor(session, nowMs);
  if (xuids.length === 0) return session;
  return withSightings(session, await seenMsOf(context, xuids), context.settings, nowMs);
}

/** When each of these users was last seen on any node; what is not known counts as seen. */
export async function seenMsOf(
  { store, presence }: Context,
  xuids: readonly Xuid[],
): Promise<(xuid: Xuid) => Milliseconds> {
  const elsewhere = await store.lastSeen(xuids);
  return (xuid) => {
    const elsewhereMs = elsewhere.get(xuid);
    const hereMs = presence.seenMs(xuid);
    // A node shares what it has seen now and then: the user may have been seen again since.
    return elsewhereMs === undefined ? hereMs : Math.max(hereMs, elsewhereMs + shareIntervalMs);
  };
}

/** How often nodes share whom they have seen. */
const shareIntervalMs = 60_000;
/** Users shared in one call. */
const sharedMax = 1_000;

/**
 * Shares with the other nodes, if there are any, which users this one has seen since the last time.
 */
export async function shareLastSeen({
  store,
  node,
  clock,
  presence,
  settings,
}: Context): Promise<void> {
  const { presenceTimeoutMs, unconnectedTimeoutMs } = settings;
  const rememberMs = Math.max(presenceTimeoutMs, unconnectedTimeoutMs);
  const nowMs = clock.nowMs();
  if (rememberMs === 0 || nowMs - presence.sharedMs < shareIntervalMs) return;
  const nodes = await store.nodes();
  if (nodes.some(({ node: id, isAlive }) => isAlive && id !== node.id)) {
    const forgetBeforeMs = nowMs - rememberMs - shareIntervalMs;
    const sightings = presence.since(presence.sharedMs);
    for (let shared = 0; shared < sightings.length; shared += sharedMax) {
      await store.noteSeen(sightings.slice(shared, shared + sharedMax), forgetBeforeMs);
    }
  }
  presence.sharedMs = nowMs;
}
