/**
 * Presence, for sessions in which a member can be active without a connection. A member without an
 * open connection stays active until its user was not seen for the whole grace.
 *
 * @source docs/wire/unknowns.md "presence without a heartbeat", docs/wire/people.md "People"
 */

import type { Xuid } from '../ids.ts';
import type { Milliseconds } from '../time.ts';
import { graceMsOf, type Graces, isUnconnected, unconnectedGraceMsOf } from './disconnect.ts';
import type { Member, Session } from './session.ts';

/** Members whose grace is over at `nowMs`, unless they have been seen. */
export function membersToLookFor(session: Session, nowMs: Milliseconds): readonly Xuid[] {
  return session.members.filter((member) => isToLookFor(member, session, nowMs)).map(xuidOf);
}

function xuidOf({ xuid }: Member): Xuid {
  return xuid;
}

function isToLookFor(
  { activeUntilMs }: Member,
  { constants }: Session,
  nowMs: Milliseconds,
): boolean {
  return (
    activeUntilMs !== undefined &&
    activeUntilMs <= nowMs &&
    !constants.system.capabilities.connectionRequiredForActiveMembers
  );
}

/**
 * The session in which members stay active whose users have been seen: each until the grace has
 * passed since then. `session` itself when there are none. Without a grace all stay for ever. No
 * client sees the difference.
 */
export function withSightings(
  session: Session,
  seenMs: (xuid: Xuid) => Milliseconds,
  graces: Graces,
  nowMs: Milliseconds,
): Session {
  const disconnectedGraceMs = graceMsOf(session, graces);
  const unconnectedGraceMs = unconnectedGraceMsOf(session, graces);
  let isSeen = false;
  const members = session.members.map((member): Member => {
    if (!isToLookFor(member, session, nowMs)) return member;
    const { activeUntilMs: _until, ...unmarked } = member;
    const graceMs = isUnconnected(member) ? unconnectedGraceMs : disconnectedGraceMs;
    const untilMs = graceMs && seenMs(member.xuid) + graceMs;
    if (untilMs !== undefined && untilMs <= nowMs) return member;
    isSeen = true;
    return untilMs === undefined ? unmarked : { ...unmarked, activeUntilMs: untilMs };
  });
  return isSeen ? { ...session, members } : session;
}
