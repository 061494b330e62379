/**
 * Members whose connection has ended: they stay active for a time of grace, unless they write
 * another connection. No client sees the mark; what comes of it, everybody does.
 *
 * @source contract 6
 */

import type { Guid } from '../ids.ts';
import type { Milliseconds } from '../time.ts';
import type { Member, Session } from './session.ts';

/** The connection that this member is active by, in lower case; undefined: active by none. */
function connectionOf({ status, properties }: Member, session: Session): Guid | undefined {
  return status === 'active' &&
    session.constants.system.capabilities.connectionRequiredForActiveMembers
    ? properties.system.connection?.toLowerCase()
    : undefined;
}

/**
 * The connections that members of `next` are active by and were not in `before`: whoever wrote them
 * may have written one that has ended.
 */
export function newConnections(before: Session | undefined, next: Session): readonly Guid[] {
  if (before?.members === next.members) return [];
  const former = new Set(before?.members);
  const rested = new Map(
    before?.members.map((member) => [member.index, connectionOf(member, before)]),
  );
  const connections = new Set<Guid>();
  for (const member of next.members) {
    if (former.has(member)) continue;
    const connection = connectionOf(member, next);
    if (connection !== undefined && rested.get(member.index) !== connection) {
      connections.add(connection);
    }
  }
  return [...connections];
}

/**
 * The session with members marked who are active by a connection that has ended: they become
 * inactive at `untilMs`. `session` itself when there are none, or all are marked already.
 */
export function markDisconnected(
  session: Session,
  hasEnded: (connection: Guid) => boolean,
  untilMs: Milliseconds,
): Session {
  let isMarked = false;
  const members = session.members.map((member): Member => {
    const connection = connectionOf(member, session);
    if (connection === undefined || member.activeUntilMs !== undefined || !hasEnded(connection)) {
      return member;
    }
    isMarked = true;
    return { ...member, activeUntilMs: untilMs };
  });
  return isMarked ? { ...session, members } : session;
}
