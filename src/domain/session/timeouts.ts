/**
 * Time, as it moves a session: nothing happens by itself, what is due is settled when somebody
 * looks. The sweep is one of those who look.
 *
 * @source contract 6
 */

import { latestTimeMs, type Milliseconds } from '../time.ts';
import { removeMembers, withStatus } from './members.ts';
import type { Member, MemberStatus, Session } from './session.ts';

type Expiry = {
  readonly timeout: 'reservedRemovalTimeout' | 'readyRemovalTimeout' | 'inactiveRemovalTimeout';
  readonly becomes: 'inactive' | 'removed';
};

/** What each member status turns into when left alone. Total: a new status must choose. */
const expiryOf: Readonly<Record<MemberStatus, Expiry | undefined>> = {
  reserved: { timeout: 'reservedRemovalTimeout', becomes: 'removed' },
  ready: { timeout: 'readyRemovalTimeout', becomes: 'inactive' },
  inactive: { timeout: 'inactiveRemovalTimeout', becomes: 'removed' },
  active: undefined,
};

/** When this member is next moved by time; undefined: never. */
function memberDueMs(member: Member, session: Session): Milliseconds | undefined {
  return member.activeUntilMs ?? memberTimerMs(member, session);
}

/** The same as far as clients know: not that a connection has ended. */
function memberTimerMs(member: Member, session: Session): Milliseconds | undefined {
  const expiry = expiryOf[member.status];
  const timeoutMs = expiry && session.constants.system[expiry.timeout];
  return timeoutMs === undefined ? undefined : member.statusSinceMs + timeoutMs;
}

function emptyDueMs({ emptySinceMs, constants }: Session): Milliseconds | undefined {
  const timeoutMs = constants.system.sessionEmptyTimeout;
  return emptySinceMs === undefined || timeoutMs === undefined
    ? undefined
    : emptySinceMs + timeoutMs;
}

/**
 * When the next settle would change something; undefined: only a write can. A timeout that leads
 * beyond the last moment that can be told never runs out.
 */
export function nextDueMs(session: Session): Milliseconds | undefined {
  return earliestDueMs(session, memberDueMs);
}

/** The same as clients are told: a time of grace after a disconnect is not in the document. */
export function nextTimerMs(session: Session): Milliseconds | undefined {
  return earliestDueMs(session, memberTimerMs);
}

function earliestDueMs(session: Session, dueMsOf: typeof memberDueMs): Milliseconds | undefined {
  let dueMs = emptyDueMs(session);
  for (const member of session.members) {
    const memberDue = dueMsOf(member, session);
    if (memberDue !== undefined && (dueMs === undefined || memberDue < dueMs)) dueMs = memberDue;
  }
  return dueMs === undefined || dueMs > latestTimeMs ? undefined : dueMs;
}

/**
 * The session as it stands at `nowMs`: every member whose timeout has run out has moved one step;
 * undefined when the session has come to its end.
 *
 * One step only, even if the next timeout is already due: timeouts are not stacked. Returns
 * `session` itself when nothing is due; otherwise the change number has risen by one.
 */
export function settle(session: Session, nowMs: Milliseconds): Session | undefined {
  const dueMs = nextDueMs(session);
  if (dueMs === undefined || dueMs > nowMs) return session;
  const due = session.members.filter((member) => {
    const memberDue = memberDueMs(member, session);
    return memberDue !== undefined && memberDue <= nowMs;
  });
  const demoted = new Set(due.filter(({ status }) => expiryOf[status]?.becomes !== 'removed'));
  const settled = removeMembers(
    {
      ...session,
      changeNumber: session.changeNumber + 1,
      members: session.members.map((member) =>
        demoted.has(member) ? withStatus(member, 'inactive', nowMs) : member,
      ),
    },
    due.filter((member) => !demoted.has(member)).map(({ index }) => index),
    nowMs,
  );
  return hasEnded(settled, nowMs) ? undefined : settled;
}

/** True when nobody is in the session and its empty timeout has run out. */
export function hasEnded(session: Session, nowMs: Milliseconds): boolean {
  const dueMs = emptyDueMs(session);
  return dueMs !== undefined && dueMs <= nowMs;
}
