/**
 * The members of a session: joining, reserving, writing the own member, leaving.
 *
 * @source docs/wire/sessions.md "Members"
 */

import type { Caller, UserCaller } from '../caller.ts';
import { type Guid, keyedDigest, type Xuid } from '../ids.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { Milliseconds } from '../time.ts';
import { tallyOf, withMembers } from './large.ts';
import { initializationOnArrival } from './episode.ts';
import { memberConstantsNames, memberNames, mergeExtra, partNames } from './extra.ts';
import { mergeCustom, mergeSystem } from './properties.ts';
import type { MemberRequest, ReservationRequest } from './request.ts';
import {
  memberOf,
  type Member,
  type MemberStatus,
  type Session,
  type MemberPropertiesSystem,
} from './session.ts';

/** The facts for a member's write, beside the session. */
export type MemberFacts = {
  readonly nowMs: Milliseconds;
  /** Key of the hash that makes device tokens. */
  readonly deviceTokenKey: Uint8Array;
};

/**
 * The session with the caller's own member written: joined, turned from a reservation into a
 * member, or changed. Whether the caller may join is decided before.
 *
 * Refuses: sessionFull, requestInvalid, connectionRequired.
 */
export function writeOwnMember(
  session: Session,
  request: MemberRequest,
  caller: UserCaller,
  facts: MemberFacts,
): Session | Refusal {
  const present = memberOf(session, caller.xuid);
  if (present === undefined && isFull(session)) {
    return sessionFull(session);
  }
  const accepted =
    present === undefined || present.status === 'reserved'
      ? join(session, present, request, caller, facts.nowMs)
      : present;
  const written = writeMember(session, accepted, request, caller, facts);
  if (written instanceof Refusal) return written;
  return present === undefined ? withNewMember(session, written) : withMember(session, written);
}

function join(
  session: Session,
  reservation: Member | undefined,
  request: MemberRequest,
  caller: UserCaller,
  nowMs: Milliseconds,
): Member {
  return {
    index: reservation?.index ?? session.nextMemberIndex,
    xuid: caller.xuid,
    ...(caller.gamertag !== undefined && { gamertag: caller.gamertag }),
    status: 'inactive',
    statusSinceMs: nowMs,
    joinTimeMs: nowMs,
    ...(reservation?.roles && { roles: reservation.roles }),
    constants: reservation?.constants ?? constantsOf(request.constants),
    ...mergeExtra(reservation?.extra, undefined, memberNames),
    ...initializationAtJoin(session, reservation, request),
    properties: { system: {}, custom: {} },
  };
}

/** Constants without what the server itself says of a member. */
function constantsOf(asked: MemberRequest['constants']): Member['constants'] {
  const { extra: system } = mergeExtra(undefined, asked?.system, memberConstantsNames);
  return {
    custom: asked?.custom ?? {},
    ...(system && { system }),
    ...mergeExtra(undefined, asked, partNames),
  };
}

/** What a game service found out about a player stays; users cannot claim it. */
function reservedConstants(
  asked: ReservationRequest['constants'],
  caller: Caller,
): Member['constants'] {
  const constants = constantsOf(asked);
  const { matchmakingResult } = asked.system;
  if (caller.kind !== 'service' || matchmakingResult == null) return constants;
  return { ...constants, system: { ...constants.system, matchmakingResult } };
}

/** The user of a reservation without `initialize` may still be initialized. */
function initializationAtJoin(
  session: Session,
  reservation: Member | undefined,
  request: MemberRequest,
): Partial<Member> {
  if (!reservation?.initialize) {
    return initializationOnArrival(session, request.constants?.system?.initialize);
  }
  const { initialize, initializationEpisode, initializationFailure } = reservation;
  return {
    initialize,
    ...(initializationEpisode !== undefined && { initializationEpisode }),
    ...(initializationFailure !== undefined && { initializationFailure }),
  };
}

function writeMember(
  session: Session,
  member: Member,
  request: MemberRequest,
  caller: UserCaller,
  { nowMs, deviceTokenKey }: MemberFacts,
): Member | Refusal {
  const { capabilities } = session.constants.system;
  // Encounters are for the list of recent players and not kept in the session.
  const { active, ready, encounters: _met, ...system } = request.properties?.system ?? {};
  if (active === true && ready === true) {
    return new Refusal(
      'requestInvalid',
      '$.members.me.properties.system: a member is either active or ready, not both: set one of them to true.',
      { detail: '$.members.me.properties.system' },
    );
  }
  const status = nextStatus(member.status, active, ready);
  const former = member.properties.system;
  const asked = mergeSystem(former, system);
  const merged = asked === former ? former : tidy(withOwnIndex(member, asked));
  if (merged.secureDeviceAddress !== undefined && !capabilities.connectivity) {
    return new Refusal(
      'requestInvalid',
      '$.members.me.properties.system.secureDeviceAddress needs the capability connectivity, which this session does not have.',
      { detail: '$.members.me.properties.system.secureDeviceAddress' },
    );
  }
  if (
    status === 'active' &&
    capabilities.connectionRequiredForActiveMembers &&
    merged.connection === undefined
  ) {
    return new Refusal(
      'connectionRequired',
      'This session has the capability connectionRequiredForActiveMembers: an active member must write properties.system.connection, the ConnectionId of an RTA subscription.',
      { detail: '$.members.me.properties.system.connection' },
    );
  }
  const deviceToken =
    merged.secureDeviceAddress === former.secureDeviceAddress
      ? member.deviceToken
      : merged.secureDeviceAddress && keyedDigest(deviceTokenKey, merged.secureDeviceAddress);
  if (deviceToken !== undefined && namesToken(merged.measurements, deviceToken)) {
    return new Refusal(
      'requestInvalid',
      '$.members.me.properties.system.measurements: a member cannot measure itself; leave out the own device token.',
      {
        detail: '$.members.me.properties.system.measurements',
      },
    );
  }
  const properties = {
    system: merged,
    custom: mergeCustom(member.properties.custom, request.properties?.custom ?? {}),
    ...mergeExtra(member.properties.extra, request.properties, partNames),
  };
  const { extra } = mergeExtra(member.extra, request, memberNames);
  const { titleId, deviceId } = caller;
  const moved = withConnection(withStatus(member, status, nowMs), merged.connection);
  return withOptional({ ...moved, properties }, { extra, deviceToken, titleId, deviceId });
}

/** The member with these values, and without those that are undefined. */
function withOptional(
  member: Member,
  values: {
    readonly [K in 'extra' | 'deviceToken' | 'titleId' | 'deviceId']: Member[K] | undefined;
  },
): Member {
  const { extra, deviceToken, titleId, deviceId } = values;
  const isSame =
    member.extra === extra &&
    member.deviceToken === deviceToken &&
    member.titleId === titleId &&
    member.deviceId === deviceId;
  // Nearly always; a copy without some members is far slower.
  if (isSame) return member;
  const {
    extra: _extra,
    deviceToken: _token,
    titleId: _title,
    deviceId: _device,
    ...rest
  } = member;
  return {
    ...rest,
    ...(extra !== undefined && { extra }),
    ...(deviceToken !== undefined && { deviceToken }),
    ...(titleId !== undefined && { titleId }),
    ...(deviceId !== undefined && { deviceId }),
  };
}

function nextStatus(
  status: MemberStatus,
  active: boolean | null | undefined,
  ready: boolean | null | undefined,
): MemberStatus {
  if (active === true) return 'active';
  if (ready === true) return 'ready';
  if (status === 'active' && active !== undefined) return 'inactive';
  if (status === 'ready' && ready !== undefined) return 'inactive';
  return status;
}

/** The member in another status since `nowMs`; one that becomes inactive loses the activity. */
export function withStatus(member: Member, status: MemberStatus, nowMs: Milliseconds): Member {
  if (member.status === status) return member;
  const { activityHandleId, activeUntilMs: _until, ...rest } = member;
  const keepsActivity = status !== 'inactive' && activityHandleId !== undefined;
  return { ...rest, status, statusSinceMs: nowMs, ...(keepsActivity && { activityHandleId }) };
}

/** The member with this connection; if it is another one, the mark of the former ends. */
function withConnection(member: Member, connection: Guid | undefined): Member {
  if (connection === member.properties.system.connection) return member;
  const { activeUntilMs: _until, ...rest } = member;
  return rest;
}

/** A member is always in its own group. @source docs/wire/sessions.md "Members" */
function withOwnIndex(
  { index }: Member,
  { initializationGroup: group, ...rest }: MemberPropertiesSystem,
): MemberPropertiesSystem {
  return group === undefined
    ? rest
    : { ...rest, initializationGroup: group.includes(index) ? group : [...group, index] };
}

/** Stored without what counts as absent: an empty address, a subscription to nothing. */
function tidy(system: MemberPropertiesSystem): MemberPropertiesSystem {
  const { secureDeviceAddress, subscription, ...rest } = system;
  return {
    ...rest,
    ...(secureDeviceAddress && { secureDeviceAddress }),
    ...(subscription && subscription.changeTypes?.length !== 0 && { subscription }),
  };
}

function namesToken(measurements: object | undefined, deviceToken: string): boolean {
  return Object.keys(measurements ?? {}).some((token) => token.toLowerCase() === deviceToken);
}

/**
 * The session with seats reserved for these users; users already in are skipped.
 *
 * Refuses: sessionFull.
 */
export function reserveSeats(
  session: Session,
  reservations: readonly ReservationRequest[],
  caller: Caller,
  nowMs: Milliseconds,
): Session | Refusal {
  let reserved = session;
  for (const { xuid, initialize, constants, extra } of reservations) {
    if (memberOf(reserved, xuid) !== undefined) continue;
    if (isFull(reserved)) return sessionFull(session);
    reserved = withNewMember(reserved, {
      index: reserved.nextMemberIndex,
      xuid,
      status: 'reserved',
      statusSinceMs: nowMs,
      joinTimeMs: nowMs,
      ...(caller.kind === 'user' && { reservedBy: caller.xuid }),
      constants: reservedConstants(constants, caller),
      ...(extra && { extra }),
      ...initializationOnArrival(session, initialize),
      properties: { system: {}, custom: {} },
    });
  }
  return reserved;
}

function isFull(session: Session): boolean {
  return tallyOf(session).count >= session.constants.system.maxMembersCount;
}

/** The refusal that the session has no free seat. */
export function sessionFull(session: Session): Refusal {
  const { maxMembersCount } = session.constants.system;
  return new Refusal(
    'sessionFull',
    `The session is full: the seats it has (maxMembersCount ${maxMembersCount}) are all taken or reserved.`,
    { detail: `maxMembersCount ${maxMembersCount}` },
  );
}

function withNewMember(session: Session, member: Member): Session {
  const { emptySinceMs: _full, ...rest } = session;
  return {
    ...withMembers(rest, [...session.members, member]),
    nextMemberIndex: session.nextMemberIndex + 1,
  };
}

/** The session with the member of the same index replaced. */
export function withMember(session: Session, member: Member): Session {
  return withMembers(
    session,
    session.members.map((one) => (one.index === member.index ? member : one)),
  );
}

/**
 * The session without the members of these indexes, and without what named them: the host, if it
 * was one of theirs, and their turns. Their indexes are not used again.
 */
export function removeMembers(
  session: Session,
  indexes: readonly number[],
  nowMs: Milliseconds,
): Session {
  const gone = session.members.filter(({ index }) => indexes.includes(index));
  if (gone.length === 0) return session;
  const members = session.members.filter((member) => !gone.includes(member));
  const left = withMembers(session, members);
  return {
    ...left,
    properties: {
      ...session.properties,
      system: withoutMembers(session, members),
    },
    formerXuids: remember(
      session.formerXuids,
      gone.filter(({ status }) => status !== 'reserved').map(({ xuid }) => xuid),
    ),
    ...(tallyOf(left).count === 0 && { emptySinceMs: nowMs }),
  };
}

function withoutMembers(
  session: Session,
  members: readonly Member[],
): Session['properties']['system'] {
  const { host, turn, ...rest } = session.properties.system;
  const hostStays = host !== undefined && members.some(({ deviceToken }) => deviceToken === host);
  const turns = turn?.filter((index) => members.some((member) => member.index === index));
  return {
    ...rest,
    ...(hostStays && { host }),
    ...(turns !== undefined && turns.length > 0 && { turn: turns }),
  };
}

function remember(former: readonly Xuid[], gone: readonly Xuid[]): readonly Xuid[] {
  if (gone.length === 0) return former;
  return [...former.filter((xuid) => !gone.includes(xuid)), ...gone].slice(
    -limits.formerMembersMax,
  );
}
