/**
 * The session document as clients read it.
 *
 * @source docs/wire/sessions.md "PUT", docs/wire/sessions.md "The document"
 */

import type { JsonObject } from '../json.ts';
import { createMemo } from '../memo.ts';
import { formatTime } from '../time.ts';
import { downgradeConstantsSystem } from './contract-version.ts';
import { isLarge, tallyOf } from './large.ts';
import { restrictionsOf } from './properties.ts';
import { viewRoleTypes } from './roles.ts';
import type { Member, Session } from './session.ts';
import { nextTimerMs } from './timeouts.ts';

/**
 * The document, in the shape of `contractVersion`, its members in the order of recorded ones.
 *
 * @source docs/wire/sessions.md "The document"
 */
export function viewSession(session: Session, contractVersion: number): JsonObject {
  return {
    ...viewHead(session),
    constants: viewConstants(session, contractVersion),
    properties: viewProperties(session, contractVersion),
    servers: session.servers,
    members: viewMembers(session),
    ...viewTail(session, contractVersion),
  };
}

/** The beginning of the document, before its larger parts. */
export function viewHead(session: Session): JsonObject {
  const roleTypes = viewRoleTypes(session);
  return {
    membersInfo: viewMembersInfo(session),
    ...(roleTypes && { roleTypes }),
    ...viewInitialization(session),
    ...(session.searchHandle && { searchHandle: session.searchHandle.id }),
  };
}

/** The end of the document, after its larger parts. */
export function viewTail(session: Session, contractVersion: number): JsonObject {
  const dueMs = nextTimerMs(session);
  return {
    correlationId: session.correlationId,
    contractVersion,
    branch: session.branch,
    changeNumber: session.changeNumber,
    startTime: formatTime(session.startTimeMs),
    ...(dueMs !== undefined && { nextTimer: formatTime(dueMs) }),
    ...session.extra,
  };
}

/** `initializing`, while an episode runs or when the first has failed, and `hostCandidates`. */
function viewInitialization({ initialization, hostCandidates }: Session): JsonObject {
  return {
    ...(initialization !== undefined &&
      initialization.stage !== 'none' && {
        initializing: {
          stage: initialization.stage,
          stageStartTime: formatTime(initialization.stageStartTimeMs),
          episode: initialization.episode,
        },
      }),
    ...(hostCandidates && { hostCandidates }),
  };
}

/** `constants` of the document. */
export function viewConstants({ constants }: Session, contractVersion: number): JsonObject {
  const { system, ...rest } = shownConstants(constants);
  return { system: downgradeConstantsSystem(system, contractVersion), ...rest };
}

type ShownConstants = JsonObject & { readonly system: JsonObject };

const shown = createMemo<Session['constants'], ShownConstants>();

/** The constants as clients of 107 see them: `memberInitialization` as it was written. */
export function shownConstants(constants: Session['constants']): ShownConstants {
  const known = shown.get(constants);
  if (known) return known;
  const { memberInitialization, custom, extra } = constants;
  const system = constants.system;
  return shown.set(constants, {
    system: memberInitialization ? { ...system, memberInitialization } : system,
    custom,
    ...extra,
  });
}

/** `properties` of the document: what was written, and what the server adds. */
export function viewProperties(session: Session, contractVersion: number): JsonObject {
  const { system, custom, extra } = session.properties;
  const { join, read } = restrictionsOf(session);
  const { closed, ...rest } = system;
  return {
    system: {
      ...(join !== 'none' && { joinRestriction: join }),
      ...(read !== 'none' && { readRestriction: read }),
      ...rest,
      ...(closed != null && { closed }),
      turn: system.turn ?? [],
      ...(contractVersion < 107 && { matchmaking: system.matchmaking ?? {} }),
    },
    custom,
    ...extra,
  };
}

/**
 * `members` of the document: a linked list, keyed by index; of a large session only `me`.
 *
 * @source docs/wire/sessions.md "Owners", docs/wire/sessions.md "The document"
 */
export function viewMembers(session: Session): JsonObject {
  return Object.fromEntries(
    membersInOrder(session).map(({ key, member, next, turn }) => [
      key,
      viewMember(member, next, turn),
    ]),
  );
}

/** The member of this index as the document shows it; undefined when there is none. */
export function viewMemberAt(session: Session, index: number): JsonObject | undefined {
  const found = membersInOrder(session).find(({ member }) => member.index === index);
  return found && viewMember(found.member, found.next, found.turn);
}

/** A member with its place in the list. */
export type MemberInOrder = {
  readonly key: string | number;
  readonly member: Member;
  readonly next: number;
  readonly turn: boolean;
};

/** The members as the document links them. */
export function membersInOrder(session: Session): readonly MemberInOrder[] {
  const { members, nextMemberIndex, properties } = session;
  const large = isLarge(session);
  const turns = properties.system.turn;
  return members.map((member, i) => ({
    key: large ? 'me' : member.index,
    member,
    next: members[i + 1]?.index ?? nextMemberIndex,
    turn: turns?.includes(member.index) === true,
  }));
}

/** One member of the document. */
export function viewMember(member: Member, next: number, turn: boolean): JsonObject {
  const { status, properties, titleId } = member;
  return {
    next,
    joinTime: formatTime(member.joinTimeMs),
    constants: {
      system: {
        xuid: member.xuid,
        index: member.index,
        ...(member.initialize && { initialize: true }),
        ...member.constants.system,
      },
      custom: member.constants.custom,
      ...member.constants.extra,
    },
    properties: {
      system: {
        ...properties.system,
        ...(status === 'active' && { active: true }),
        ...(status === 'ready' && { ready: true }),
      },
      custom: properties.custom,
      ...properties.extra,
    },
    ...(member.roles && { roles: member.roles }),
    ...(status === 'reserved' && { reserved: true }),
    ...(member.gamertag !== undefined && { gamertag: member.gamertag }),
    ...(status === 'active' && titleId !== undefined && { activeTitleId: titleId }),
    ...(member.deviceToken !== undefined && { deviceToken: member.deviceToken }),
    ...(turn && { turn: true }),
    ...(member.initializationEpisode !== undefined && {
      initializationEpisode: member.initializationEpisode,
    }),
    ...(member.initializationFailure !== undefined && {
      initializationFailure: member.initializationFailure,
    }),
    ...member.extra,
  };
}

/** `membersInfo` of the document: where the list starts and ends, and the counts. */
export function viewMembersInfo(session: Session): JsonObject {
  const { members, nextMemberIndex } = session;
  return {
    first: members[0]?.index ?? nextMemberIndex,
    next: nextMemberIndex,
    ...tallyOf(session),
  };
}
