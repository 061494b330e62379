/**
 * Member initialization: those who come to play together are waited for, measured and judged before
 * they begin. One round of it is an episode.
 *
 *     none ──awaited──▶ joining ──▶ measuring ──▶ evaluating ──▶ none
 *       ▲                  │            │             │
 *       └──────────────────┴────────────┴─────────────┤   the episode ends; who failed is marked
 *                                                     └─▶ failed   for good: only episode 1, when
 *                                                                  too few are left or it is rejected
 *
 * A stage ends when all of its members are done with it, or when its time is over. Measuring is
 * passed over when there is nothing to measure, evaluating when the title does not evaluate.
 *
 * - Episodes are numbered from 1. A member belongs to one, decided when it comes with `initialize`:
 *   the next that begins. Who comes while one runs waits, with its seat held, for the next.
 * - The members of an episode are those with its number and no failure: who fails keeps the number
 *   beside the failure, who passes loses it.
 * - One episode runs at a time; no stage is entered twice in one; every finite timeout ends its
 *   stage, so an episode ends.
 * - While `none`, nobody waits; when `failed`, nobody is in an episode or waits.
 *
 * @source docs/wire/initialization.md "Stages", docs/wire/sessions.md "PUT"
 */

import { Refusal } from '../refusal.ts';
import type { Milliseconds } from '../time.ts';
import { initializationOf, membersOfEpisode } from './episode.ts';
import {
  evaluateMeasurements,
  groupsOf,
  hasMeasured,
  measuresPeers,
  measuresServers,
  type Failures,
} from './evaluation.ts';
import { removeMembers } from './members.ts';
import {
  type Member,
  type Session,
  runningStages,
  type InitializationStage,
  type RunningStage,
  type InitializationFailure,
} from './session.ts';

export const initializationEvents = [
  'awaited',
  'done',
  'timedOut',
  'accepted',
  'rejected',
] as const;
/**
 * `awaited`: members wait for an episode; `done`: every member has done what the stage waits for;
 * `timedOut`: its timeout is over; `accepted`, `rejected`: the result of an external evaluation.
 */
export type InitializationEvent = (typeof initializationEvents)[number];

type Move = (session: Session, nowMs: Milliseconds) => Session;

/** What each event does in each stage. Total: a new stage or event must choose. */
export const transitions: Readonly<
  Record<InitializationStage, Readonly<Record<InitializationEvent, Move | 'stays' | 'refused'>>>
> = {
  none: {
    awaited: begin,
    done: 'stays',
    timedOut: 'stays',
    accepted: 'refused',
    rejected: 'refused',
  },
  joining: {
    awaited: 'stays',
    done: goOn,
    timedOut: goOnWithoutLate,
    accepted: 'refused',
    rejected: 'refused',
  },
  measuring: {
    awaited: 'stays',
    done: judgeMeasurements,
    timedOut: judgeMeasurements,
    accepted: 'refused',
    rejected: 'refused',
  },
  evaluating: {
    awaited: 'stays',
    done: conclude,
    timedOut: (session, nowMs) => failEpisode(session, 'timeout', nowMs),
    accepted: conclude,
    rejected: (session, nowMs) => failEpisode(session, 'episode', nowMs),
  },
  failed: {
    awaited: 'stays',
    done: 'stays',
    timedOut: 'stays',
    accepted: 'refused',
    rejected: 'refused',
  },
};

/**
 * Undefined when enough members of a new session ask to be initialized for its first episode.
 *
 * Refuses: initializationMembersNeeded.
 *
 * @source docs/wire/initialization.md "Stages", docs/wire/sessions.md "PUT"
 */
export function mayStartInitialization({ constants, members }: Session): Refusal | undefined {
  const needed = constants.system.memberInitialization?.membersNeededToStart ?? 0;
  const given = members.filter(({ initialize }) => initialize).length;
  if (given >= needed) return undefined;
  return new Refusal(
    'initializationMembersNeeded',
    `The session needs ${needed} members to start its initialization (memberInitialization.membersNeededToStart), and the write that creates it brings ${given}: write me or reservations with constants.system.initialize true.`,
    { detail: `membersNeededToStart ${needed}` },
  );
}

/**
 * The session after a write, with its initialization as far as it goes without timeouts;
 * `succeeded` is the result of an external evaluation, if the write has one.
 *
 * Refuses: initializationNotEvaluating.
 *
 * @source docs/wire/sessions.md "properties.system"
 */
export function writeInitialization(
  session: Session,
  succeeded: boolean | null | undefined,
  nowMs: Milliseconds,
): Session | Refusal {
  if (succeeded == null) return advanceInitialization(session, nowMs);
  const { stage } = initializationOf(session);
  const event = succeeded ? 'accepted' : 'rejected';
  if (transitions[stage][event] !== 'refused') {
    return advanceInitialization(move(session, event, nowMs), nowMs);
  }
  const where =
    stage === 'none' ? 'no initialization is running' : `the initialization stage is "${stage}"`;
  return new Refusal(
    'initializationNotEvaluating',
    `initializationSucceeded can be written only while the session is in the initialization stage "evaluating"; ${where}.`,
    { detail: '$.properties.system.initializationSucceeded' },
  );
}

/**
 * The session with its initialization as far as it goes without timeouts: finished stages end,
 * waiting members begin an episode, and host candidates go when a host is set or when they leave.
 */
export function advanceInitialization(session: Session, nowMs: Milliseconds): Session {
  if (!session.constants.system.memberInitialization) return session;
  let next = session;
  for (let event = pendingEvent(next); event !== undefined; event = pendingEvent(next)) {
    next = move(next, event, nowMs);
  }
  return withPresentCandidates(next);
}

/** When the stage of the running episode times out; undefined: never, or none runs. */
export function initializationDueMs(session: Session): Milliseconds | undefined {
  const { stage, stageStartTimeMs } = initializationOf(session);
  const timeoutMs = timeoutOf[stage](session);
  return timeoutMs === undefined ? undefined : stageStartTimeMs + timeoutMs;
}

const timeoutOf: Readonly<
  Record<InitializationStage, (session: Session) => Milliseconds | undefined>
> = {
  none: () => undefined,
  joining: ({ constants }) => constants.system.memberInitialization?.joinTimeout,
  measuring: ({ constants }) => constants.system.memberInitialization?.measurementTimeout,
  evaluating: ({ constants }) => constants.system.memberInitialization?.evaluationTimeout,
  failed: () => undefined,
};

/** The session after its stage has timed out, and as far as it goes from there. */
export function initializationAt(session: Session, nowMs: Milliseconds): Session {
  const dueMs = initializationDueMs(session);
  const isOver = dueMs !== undefined && dueMs <= nowMs;
  return advanceInitialization(isOver ? move(session, 'timedOut', nowMs) : session, nowMs);
}

function move(session: Session, event: InitializationEvent, nowMs: Milliseconds): Session {
  const next = transitions[initializationOf(session).stage][event];
  return typeof next === 'function' ? next(session, nowMs) : session;
}

/** The event that ends the stage, timeouts aside. */
function pendingEvent(session: Session): 'awaited' | 'done' | undefined {
  const { stage, episode } = initializationOf(session);
  if (stage === 'failed') return undefined;
  if (stage === 'none')
    return membersOfEpisode(session, episode + 1).length > 0 ? 'awaited' : undefined;
  const peers = peersOf(session);
  return membersOfEpisode(session, episode).every((member) => isDone[stage](session, member, peers))
    ? 'done'
    : undefined;
}

/** What a stage waits for each of its members to do. */
const isDone: Readonly<
  Record<RunningStage, (session: Session, member: Member, peers: readonly Member[]) => boolean>
> = {
  joining: hasJoined,
  measuring: hasMeasured,
  evaluating: () => false,
};

/** Active, and with an address where connections to it are measured. @source docs/wire/initialization.md "Stages" */
function hasJoined({ constants }: Session, { status, deviceToken }: Member): boolean {
  return status === 'active' && (deviceToken !== undefined || !measuresPeers(constants.system));
}

/**
 * Whom the members of the running episode measure: each other, and members that were active before
 * them.
 */
function peersOf(session: Session): readonly Member[] {
  return [
    ...establishedPeers(session),
    ...membersOfEpisode(session, initializationOf(session).episode),
  ];
}

function establishedPeers(session: Session): readonly Member[] {
  const { stageStartTimeMs } = initializationOf(session);
  return session.members.filter(
    ({ status, deviceToken, initializationEpisode, joinTimeMs }) =>
      status === 'active' &&
      deviceToken !== undefined &&
      initializationEpisode === undefined &&
      joinTimeMs <= stageStartTimeMs,
  );
}

function begin(session: Session, nowMs: Milliseconds): Session {
  const { episode } = initializationOf(session);
  const initialization = {
    stage: 'joining',
    stageStartTimeMs: nowMs,
    episode: episode + 1,
  } as const;
  return { ...session, initialization };
}

/** The next stage that is needed, or the end; also when too few members are left for episode 1. */
function goOn(session: Session, nowMs: Milliseconds): Session {
  const { stage: left, episode } = initializationOf(session);
  const later = runningStages.slice(runningStages.indexOf(left as RunningStage) + 1);
  const stage = hasEnough(session) && later.find((one) => isNeeded[one](session));
  return stage
    ? { ...session, initialization: { stage, stageStartTimeMs: nowMs, episode } }
    : conclude(session, nowMs);
}

const isNeeded: Readonly<Record<RunningStage, (session: Session) => boolean>> = {
  joining: () => true,
  measuring: ({ constants: { system } }) => measuresPeers(system) || measuresServers(system),
  evaluating: ({ constants }) => constants.system.memberInitialization?.externalEvaluation === true,
};

/** Only the first episode needs a number of members. @source docs/wire/initialization.md "Stages" */
function hasEnough(session: Session): boolean {
  const { episode } = initializationOf(session);
  const { membersNeededToStart = 0 } = session.constants.system.memberInitialization ?? {};
  return episode > 1 || membersOfEpisode(session, episode).length >= membersNeededToStart;
}

/**
 * Reservations that were not taken are removed. Members that are not ready to be measured stay and
 * fail, and with them their group: `group` is the only failure of this stage.
 *
 * @source docs/wire/initialization.md "Stages", docs/wire/unknowns.md "members who are late to initialize"
 */
function goOnWithoutLate(session: Session, nowMs: Milliseconds): Session {
  const members = membersOfEpisode(session, initializationOf(session).episode);
  const late = members.filter((member) => !hasJoined(session, member));
  const failures = new Map(
    groupsOf(members)
      .filter((group) => group.some((member) => late.includes(member)))
      .flat()
      .map(({ index }) => [index, 'group' as InitializationFailure]),
  );
  const untaken = late.filter(({ status }) => status === 'reserved');
  return goOn(
    removeMembers(
      withFailures(session, failures),
      untaken.map(({ index }) => index),
      nowMs,
    ),
    nowMs,
  );
}

function judgeMeasurements(session: Session, nowMs: Milliseconds): Session {
  const { episode } = initializationOf(session);
  const members = membersOfEpisode(session, episode);
  const { failures, hostCandidates } = evaluateMeasurements(
    session,
    members,
    establishedPeers(session),
  );
  const judged = withFailures(session, failures);
  return goOn(
    episode === 1 && hostCandidates.length > 0 ? { ...judged, hostCandidates } : judged,
    nowMs,
  );
}

/**
 * The end of an episode that did not fail: the remaining members have passed, if they are enough.
 */
function conclude(session: Session, nowMs: Milliseconds): Session {
  if (!hasEnough(session)) return failEpisode(session, 'episode', nowMs);
  const { episode } = initializationOf(session);
  const passed = new Set(membersOfEpisode(session, episode));
  const members = session.members.map((member) => {
    if (!passed.has(member)) return member;
    const { initializationEpisode: _over, ...rest } = member;
    return rest;
  });
  return {
    ...session,
    members,
    initialization: { stage: 'none', stageStartTimeMs: nowMs, episode },
  };
}

/** The end of an episode in which nobody passes. After the first, waiting members stop waiting. */
function failEpisode(
  session: Session,
  failure: InitializationFailure,
  nowMs: Milliseconds,
): Session {
  const { episode } = initializationOf(session);
  const failing = membersOfEpisode(session, episode).map(({ index }) => [index, failure] as const);
  const failed = withFailures(session, new Map(failing));
  const end = (stage: 'none' | 'failed') => ({ stage, stageStartTimeMs: nowMs, episode });
  if (episode > 1) return { ...failed, initialization: end('none') };
  const waiting = membersOfEpisode(session, 2).map(({ index }) => [index, 'episode'] as const);
  const { hostCandidates: _nobodys, ...rest } = withFailures(failed, new Map(waiting));
  return { ...rest, initialization: end('failed') };
}

function withFailures(session: Session, failures: Failures): Session {
  return {
    ...session,
    members: session.members.map((member) => {
      const initializationFailure = failures.get(member.index);
      return initializationFailure === undefined ? member : { ...member, initializationFailure };
    }),
  };
}

/** Without candidates who have left; without any when there is a host. @source docs/wire/sessions.md "PUT" */
function withPresentCandidates(session: Session): Session {
  const { hostCandidates, ...rest } = session;
  if (hostCandidates === undefined) return session;
  if (session.properties.system.host !== undefined) return rest;
  const present = hostCandidates.filter((token) =>
    session.members.some(({ deviceToken }) => deviceToken === token),
  );
  if (present.length === hostCandidates.length) return session;
  return present.length === 0 ? rest : { ...session, hostCandidates: present };
}
