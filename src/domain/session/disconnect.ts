/**
 * Members whose connection has ended: they stay active for a time of grace, unless they write
 * another connection. No client sees the mark; what comes of it, everybody does.
 *
 * @source contract 6
 */

import type { Guid } from '../ids.ts';
import type { Milliseconds } from '../time.ts';
import { memberChanges } from './member-changes.ts';
import type { Member, Session } from './session.ts';

/** For how long members stay active whose connection has ended. */
export type Graces = {
  /** Where members are active by a connection. */
  readonly disconnectGraceMs: Milliseconds;
  /** Elsewhere, and only without a sign of life (see presence.ts); 0: for good. */
  readonly presenceTimeoutMs: Milliseconds;
};

/** The grace of this session; undefined: the end of a connection means nothing in it. */
export function graceMsOf(
  { constants }: Session,
  { disconnectGraceMs, presenceTimeoutMs }: Graces,
): Milliseconds | undefined {
  const { capabilities } = constants.system;
  if (capabilities.connectionRequiredForActiveMembers) return disconnectGraceMs;
  return capabilities.suppressPresenceActivityCheck || presenceTimeoutMs === 0
    ? undefined
    : presenceTimeoutMs;
}

/** The connection that this active member wrote, in lower case; undefined: none, or not active. */
function connectionOf({ status, properties }: Member): Guid | undefined {
  return status === 'active' ? properties.system.connection?.toLowerCase() : undefined;
}

/**
 * The connections that active members of `next` have and did not have in `before`: whoever wrote
 * them may have written one that has ended.
 */
export function newConnections(before: Session | undefined, next: Session): readonly Guid[] {
  let connections: Set<Guid> | undefined;
  for (const { former, member } of memberChanges(before?.members ?? [], next.members)) {
    if (member === undefined || isActiveByTheSame(former, member)) continue;
    const connection = connectionOf(member);
    if (connection === undefined || (former && connectionOf(former) === connection)) continue;
    connections ??= new Set();
    connections.add(connection);
  }
  return connections === undefined ? [] : [...connections];
}

/** As most writes leave it; letter case is not looked through. */
function isActiveByTheSame(former: Member | undefined, member: Member): boolean {
  return (
    former?.status === 'active' &&
    former.properties.system.connection === member.properties.system.connection
  );
}

/**
 * The session with active members marked whose connection has ended: they become inactive at
 * `untilMs`. `session` itself when there are none, or all are marked already.
 */
export function markDisconnected(
  session: Session,
  hasEnded: (connection: Guid) => boolean,
  untilMs: Milliseconds,
): Session {
  let isMarked = false;
  const members = session.members.map((member): Member => {
    const connection = connectionOf(member);
    if (connection === undefined || member.activeUntilMs !== undefined || !hasEnded(connection)) {
      return member;
    }
    isMarked = true;
    return { ...member, activeUntilMs: untilMs };
  });
  return isMarked ? { ...session, members } : session;
}
