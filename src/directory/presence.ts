/**
 * When users were last seen: each request of a user, and each frame on an RTA connection, is a sign
 * of life. Each node keeps its own; those of others it asks the store for, when a member is about to
 * be made inactive, which is rare.
 */

import type { Xuid } from '../domain/ids.ts';
import { membersToLookFor, withSightings } from '../domain/session/presence.ts';
import type { Session } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Context } from './context.ts';

/** What this process has seen of users. */
export type Presence = {
  /** Notes a sign of life. */
  readonly note: (xuid: Xuid, nowMs: Milliseconds) => void;
  /** When this user was last seen here, or may have been: what is not known is not held against anybody. */
  readonly seenMs: (xuid: Xuid) => Milliseconds;
  /** Those who were last seen at `fromMs` or later. */
  readonly since: (fromMs: Milliseconds) => readonly (readonly [Xuid, Milliseconds])[];
  /** Until when other nodes have been told. */
  toldMs: Milliseconds;
};

/** Users who are remembered at most; of all others it is known that they were not seen lately. */
const usersMax = 200_000;

/**
 * A presence that has seen nobody, and does not know who was there before `nowMs`.
 *
 * It holds two generations: when the newer one is full it becomes the former one, which is forgotten
 * whole. So a sign of life costs one entry of a map, however many users there are.
 */
export function openPresence(nowMs: Milliseconds, rememberedMax = usersMax): Presence {
  let recent = new Map<Xuid, Milliseconds>();
  let former: ReadonlyMap<Xuid, Milliseconds> = new Map();
  /** When the former generation was the newer one for the last time, and the one before it. */
  let formerMs = nowMs;
  let forgottenMs = nowMs;
  return {
    note(xuid, seenMs) {
      recent.set(xuid, seenMs);
      if (recent.size < rememberedMax / 2) return;
      forgottenMs = formerMs;
      formerMs = seenMs;
      former = recent;
      recent = new Map();
    },
    seenMs: (xuid) => recent.get(xuid) ?? former.get(xuid) ?? forgottenMs,
    since: (fromMs) => [...new Map([...former, ...recent])].filter(([, at]) => at >= fromMs),
    toldMs: nowMs,
  };
}

/**
 * The session in which members stay active whose connection has ended and who have been seen since,
 * on any node.
 */
export async function withPresence(
  world: Context,
  session: Session,
  nowMs: Milliseconds,
): Promise<Session> {
  const xuids = membersToLookFor(session, nowMs);
  if (xuids.length === 0) return session;
  const { store, presence, settings } = world;
  const told = await store.lastSeen(xuids);
  const seenMs = (xuid: Xuid): Milliseconds => {
    const elsewhereMs = told.get(xuid);
    const hereMs = presence.seenMs(xuid);
    // Whoever was told of may have been seen again before the next telling.
    return elsewhereMs === undefined ? hereMs : Math.max(hereMs, elsewhereMs + tellIntervalMs);
  };
  return withSightings(session, seenMs, settings, nowMs);
}

/** How often nodes tell each other whom they have seen. */
const tellIntervalMs = 60_000;
/** Users told of in one go. */
const toldMax = 1_000;

/** Tells the other nodes, if there are any, whom this one has seen since it last told them. */
export async function tellPresence({
  store,
  node,
  clock,
  presence,
  settings,
}: Context): Promise<void> {
  const { presenceTimeoutMs } = settings;
  const nowMs = clock.nowMs();
  if (presenceTimeoutMs === 0 || nowMs - presence.toldMs < tellIntervalMs) return;
  const nodes = await store.nodes();
  if (nodes.some(({ node: id, isAlive }) => isAlive && id !== node.id)) {
    const forgetBeforeMs = nowMs - presenceTimeoutMs - tellIntervalMs;
    const sightings = presence.since(presence.toldMs);
    for (let told = 0; told < sightings.length; told += toldMax) {
      await store.noteSeen(sightings.slice(told, told + toldMax), forgetBeforeMs);
    }
  }
  presence.toldMs = nowMs;
}
