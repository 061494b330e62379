/**
 * Members whose connection has ended, or who are active without one: they stay active for a time of
 * grace. Clients do not see the mark; they see the status that follows.
 *
 * @source docs/wire/time.md "Connections that are gone"
 */

import type { Guid, Xuid } from '../ids.ts';
import type { Milliseconds } from '../time.ts';
import { memberOf, type Member, type Session } from './session.ts';

/** How long members stay active without an open connection. */
export type Graces = {
  /** Where members are active by a connection. */
  readonly disconnectGraceMs: Milliseconds;
  /** Elsewhere, and only without a sign of life (see presence.ts); 0: for ever. */
  readonly presenceTimeoutMs: Milliseconds;
  /** For members who never wrote a connection, without a sign of life; 0: for ever. */
  readonly unconnectedTimeoutMs: Milliseconds;
};

/**
 * The grace of members of this session after their connection ended; undefined: they stay active.
 */
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

/**
 * The grace of members of this session who are active without a connection; undefined: they stay
 * active for ever, or cannot be active.
 */
export function unconnectedGraceMsOf(
  { constants }: Session,
  { unconnectedTimeoutMs }: Graces,
): Milliseconds | undefined {
  const { connectionRequiredForActiveMembers, suppressPresenceActivityCheck } =
    constants.system.capabilities;
  return connectionRequiredForActiveMembers ||
    suppressPresenceActivityCheck ||
    unconnectedTimeoutMs === 0
    ? undefined
    : unconnectedTimeoutMs;
}

/** True of a member who is active without a connection. */
export function isUnconnected({ status, properties }: Member): boolean {
  return status === 'active' && properties.system.connection === undefined;
}

/** The connection that this active member wrote, in lower case; undefined: none, or not active. */
function connectionOf({ status, properties }: Member): Guid | undefined {
  return status === 'active' ? properties.system.connection?.toLowerCase() : undefined;
}

/**
 * The connection, in lower case, by which this user is active in `next` and was not in `before`;
 * undefined: none. It may have ended before it was written.
 */
export function newConnection(
  before: Session | undefined,
  next: Session,
  xuid: Xuid | undefined,
): Guid | undefined {
  const member = xuid === undefined ? undefined : memberOf(next, xuid);
  const connection = member && connectionOf(member);
  if (member === undefined || connection === undefined) return undefined;
  const former = before && memberOf(before, member.xuid);
  return former && connectionOf(former) === connection ? undefined : connection;
}

/**
 * The session with marks on active members whose connection has ended: they become inactive at
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

/**
 * The session with a mark on this user's member, if it is active without a connection: it becomes
 * inactive at `untilMs`. `session` itself when it is not, or is marked already.
 */
export function markUnconnected(
  session: Session,
  xuid: Xuid | undefined,
  untilMs: Milliseconds,
): Session {
  const own = xuid === undefined ? undefined : memberOf(session, xuid);
  if (own === undefined || own.activeUntilMs !== undefined || !isUnconnected(own)) return session;
  const marked: Member = { ...own, activeUntilMs: untilMs };
  return { ...session, members: session.members.map((one) => (one === own ? marked : one)) };
}
