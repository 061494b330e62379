/**
 * Timeouts of a session. No timer fires: they are applied when a request or the sweep looks at the
 * session.
 *
 * @source docs/wire/time.md "Time"
 */

import { createMemo } from '../memo.ts';
import { latestTimeMs, type Milliseconds } from '../time.ts';
import { isLarge, withMembers } from './large.ts';
import { initializationOf, isInitializing } from './episode.ts';
import { initializationDueMs, initializationAt } from './initialization.ts';
import { removeMembers, withStatus } from './members.ts';
import { withOwners } from './owners.ts';
import { arbitrationDueMs, withArbitrationByTime } from './arbitration.ts';
import { withServerCandidates } from './server-candidates.ts';
import {
  type Member,
  type MemberStatus,
  type Session,
  stageTimeouts,
  type TimeoutName,
  withNextChange,
} from './session.ts';

type Expiry = {
  readonly timeout: 'reservedRemovalTimeout' | 'readyRemovalTimeout' | 'inactiveRemovalTimeout';
  readonly becomes: 'inactive' | 'removed';
  readonly heldByEpisode: boolean;
};

/** The status after each status times out. Total: a new status must choose. */
const expiryOf: Readonly<Record<MemberStatus, Expiry | undefined>> = {
  reserved: { timeout: 'reservedRemovalTimeout', becomes: 'removed', heldByEpisode: true },
  ready: { timeout: 'readyRemovalTimeout', becomes: 'inactive', heldByEpisode: true },
  inactive: { timeout: 'inactiveRemovalTimeout', becomes: 'removed', heldByEpisode: false },
  active: undefined,
};

/** When this member's timeout ends; undefined: never. */
export function memberDueMs(member: Member, session: Session): Milliseconds | undefined {
  const dueMs = member.activeUntilMs ?? memberTimerMs(member, session);
  const { emptyMsMax } = session;
  return emptyMsMax !== undefined && isBounded(member, session)
    ? earlier(dueMs, member.statusSinceMs + emptyMsMax)
    : dueMs;
}

/**
 * True of a member that stays no longer than `emptyMsMax` in its status: nobody in the session is
 * active. In a large session active members do not count: when a row is due must not depend on
 * other rows.
 */
function isBounded(member: Member, session: Session): boolean {
  const expiry = expiryOf[member.status];
  if (expiry === undefined) return false;
  const { templateTimeouts = [] } = session;
  const fromTemplate =
    expiry.heldByEpisode && isInitializing(member)
      ? stageTimeouts.some((name) => templateTimeouts.includes(name))
      : templateTimeouts.includes(expiry.timeout);
  if (fromTemplate) return false;
  return isLarge(session) || !session.members.some(({ status }) => status === 'active');
}

/** The same as clients see it: without the end of a connection. */
function memberTimerMs(member: Member, session: Session): Milliseconds | undefined {
  const expiry = expiryOf[member.status];
  // Members of an episode have the timeouts of its stages instead.
  if (expiry?.heldByEpisode && isInitializing(member)) return undefined;
  const timeoutMs = expiry && session.constants.system[expiry.timeout];
  return timeoutMs === undefined ? undefined : member.statusSinceMs + timeoutMs;
}

function emptyDueMs(session: Session): Milliseconds | undefined {
  const { emptySinceMs, emptyMsMax, templateTimeouts } = session;
  const dueMs = emptyTimerMs(session);
  return emptySinceMs === undefined ||
    emptyMsMax === undefined ||
    templateTimeouts?.includes('sessionEmptyTimeout')
    ? dueMs
    : earlier(dueMs, emptySinceMs + emptyMsMax);
}

/** The timer of an empty session as clients see it: without the limit for empty sessions. */
function emptyTimerMs({ emptySinceMs, constants }: Session): Milliseconds | undefined {
  const timeoutMs = constants.system.sessionEmptyTimeout;
  return emptySinceMs === undefined || timeoutMs === undefined
    ? undefined
    : emptySinceMs + timeoutMs;
}

/**
 * When timeouts next change something; undefined: only a write can. A timeout beyond the last time
 * that documents can show never ends.
 */
export function nextDueMs(session: Session): Milliseconds | undefined {
  const dueMs =
    dueTimes.get(session) ?? dueTimes.set(session, earliestDueMs(session, 'all') ?? never);
  return dueMs === never ? undefined : dueMs;
}

/** True when timeouts change something at `nowMs`. */
export function isDue(session: Session, nowMs: Milliseconds): boolean {
  const dueMs = nextDueMs(session);
  return dueMs !== undefined && dueMs <= nowMs;
}

// Called whenever somebody reads a session, which is far more often than it changes.
const dueTimes = createMemo<Session, Milliseconds>();
const never: Milliseconds = Infinity;

/**
 * The same as clients see it: without the grace after a disconnect, and without members of a large
 * session that are not loaded.
 *
 * @source docs/wire/unknowns.md "nextTimer of a large session"
 */
export function nextTimerMs(session: Session): Milliseconds | undefined {
  return earliestDueMs(session, 'shown');
}

function earliestDueMs(session: Session, which: 'all' | 'shown'): Milliseconds | undefined {
  const dueMsOf = which === 'all' ? memberDueMs : memberTimerMs;
  let dueMs =
    which === 'all' ? earlier(emptyDueMs(session), session.rowsDueMs) : emptyTimerMs(session);
  dueMs = earlier(dueMs, initializationDueMs(session));
  dueMs = earlier(dueMs, arbitrationDueMs(session));
  for (const member of session.members) dueMs = earlier(dueMs, dueMsOf(member, session));
  return dueMs === undefined || dueMs > latestTimeMs ? undefined : dueMs;
}

/** The earlier of two times, either of which may be never. */
export function earlier(
  a: Milliseconds | undefined,
  b: Milliseconds | undefined,
): Milliseconds | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a;
}

/**
 * The session at `nowMs`: every member whose timeout has ended has moved one step, the
 * initialization too, and an arbitrated game whose time is over is decided. Undefined when the
 * session has ended. One step only, even if the next timeout is already due. Returns `session`
 * itself when nothing is due; otherwise the change number has risen by one.
 */
export function applyTimeouts(session: Session, nowMs: Milliseconds): Session | undefined {
  if (!isDue(session, nowMs)) return session;
  const due = session.members.filter((member) => {
    const memberDue = memberDueMs(member, session);
    return memberDue !== undefined && memberDue <= nowMs;
  });
  const demoted = new Set(due.filter(({ status }) => expiryOf[status]?.becomes !== 'removed'));
  const moved = removeMembers(
    withNextChange(
      withMembers(
        withArbitrationByTime(session, nowMs),
        session.members.map((member) =>
          demoted.has(member) ? withStatus(member, 'inactive', nowMs) : member,
        ),
      ),
    ),
    due.filter((member) => !demoted.has(member)).map(({ index }) => index),
    nowMs,
  );
  const next = withOwners(initializationAt(moved, nowMs));
  if (next === 'ended' || hasEnded(next, nowMs)) return undefined;
  return withServerCandidates(next);
}

/** True when the session has no members and its empty timeout has ended. */
export function hasEnded(session: Session, nowMs: Milliseconds): boolean {
  const dueMs = emptyDueMs(session);
  return dueMs !== undefined && dueMs <= nowMs;
}

/** What time will do to a session as it is now, unless something else changes it before. */
export type SessionTimer = {
  /** The name of the timeout in the constants; `grace` after a connection has ended. */
  readonly what: TimeoutName | 'grace' | 'forfeitTimeout' | 'arbitrationTimeout';
  /** Whose it is; undefined: that of the session. */
  readonly member: Member | undefined;
  /** Undefined where only the end is known. */
  readonly startMs: Milliseconds | undefined;
  readonly dueMs: Milliseconds;
  readonly becomes: 'inactive' | 'removed' | 'ended' | 'nextStage' | 'decided';
};

/**
 * All timeouts that run, the next one first. The first of them is `nextDueMs`, but for members of a large
 * session that are not loaded.
 */
export function timersOf(session: Session): readonly SessionTimer[] {
  const timers: SessionTimer[] = [];
  for (const member of session.members) {
    const dueMs = memberDueMs(member, session);
    const expiry = expiryOf[member.status];
    if (dueMs === undefined) continue;
    const isGrace = member.activeUntilMs !== undefined;
    timers.push({
      what: isGrace ? 'grace' : (expiry?.timeout ?? 'inactiveRemovalTimeout'),
      member,
      startMs: isGrace ? undefined : member.statusSinceMs,
      dueMs,
      becomes: expiry?.becomes ?? 'inactive',
    });
  }
  const { emptySinceMs } = session;
  const emptyMs = emptyDueMs(session);
  if (emptyMs !== undefined) {
    const what = 'sessionEmptyTimeout';
    timers.push({
      what,
      member: undefined,
      startMs: emptySinceMs,
      dueMs: emptyMs,
      becomes: 'ended',
    });
  }
  const stageMs = initializationDueMs(session);
  const { stage, stageStartTimeMs } = initializationOf(session);
  if (stageMs !== undefined) {
    timers.push({
      what: timeoutOfStage[stage] ?? 'joinTimeout',
      member: undefined,
      startMs: stageStartTimeMs,
      dueMs: stageMs,
      becomes: 'nextStage',
    });
  }
  const arbitrationMs = arbitrationDueMs(session);
  if (arbitrationMs !== undefined) {
    const isForfeit = !session.members.some(({ status }) => status === 'active');
    timers.push({
      what: isForfeit ? 'forfeitTimeout' : 'arbitrationTimeout',
      member: undefined,
      startMs: undefined,
      dueMs: arbitrationMs,
      becomes: 'decided',
    });
  }
  return timers.filter(({ dueMs }) => dueMs <= latestTimeMs).sort((a, b) => a.dueMs - b.dueMs);
}

const timeoutOfStage: Readonly<Record<string, TimeoutName>> = {
  joining: 'joinTimeout',
  measuring: 'measurementTimeout',
  evaluating: 'evaluationTimeout',
};
