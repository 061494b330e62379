import type { Xuid } from '../domain/ids.ts';
import type { Milliseconds } from '../domain/time.ts';

/** What this process has seen of users. */
export type Presence = {
  /** Notes a sign of life. */
  readonly note: (xuid: Xuid, nowMs: Milliseconds) => void;
  /** When this user was last seen here, or may have been: an unknown user counts as seen. */
  readonly seenMs: (xuid: Xuid) => Milliseconds;
  /** Those who were last seen at `fromMs` or later. */
  readonly since: (fromMs: Milliseconds) => readonly (readonly [Xuid, Milliseconds])[];
  /** Until when it was shared with other nodes. */
  sharedMs: Milliseconds;
};

/** Users who are remembered at most; all others were not seen lately. */
const usersMax = 200_000;

/**
 * A presence that has seen nobody, and does not know who was there before `nowMs`. Each request of
 * a user, and each frame on an RTA connection, is a sign of life. It holds two generations: when
 * the newer one is full it becomes the former one, which is forgotten whole. So a sign of life
 * costs one entry of a map, however many users there are.
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
    sharedMs: nowMs,
  };
}
