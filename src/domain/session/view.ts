/**
 * The session document as clients read it.
 *
 * @source contract 4, wire 3
 */

import { formatJson, formatKept, isJsonObject, type Json, type JsonObject } from '../json.ts';
import { formatTime } from '../time.ts';
import { downgradeConstantsSystem, newestContractVersion } from './contract-version.ts';
import { restrictionsOf } from './properties.ts';
import type { Member, Session } from './session.ts';
import { nextTimerMs } from './timeouts.ts';

/** The text of the document, in the shape of `contractVersion`. */
export function renderSession(session: Session, contractVersion: number): string {
  const shape = Math.min(contractVersion, newestContractVersion);
  const known = rendered.get(session)?.get(shape);
  if (known !== undefined) return known;
  const text = formatSession(session, shape);
  const byShape = rendered.get(session) ?? new Map<number, string>();
  rendered.set(session, byShape.set(shape, text));
  return text;
}

// Documents are answered far more often than they change, and a value never changes: its text is
// kept for as long as somebody holds the value. A write leaves most members as they were.
const rendered = new WeakMap<Session, Map<number, string>>();
const renderedMembers = new WeakMap<
  Member,
  { readonly text: string; readonly next: number; readonly turn: boolean }
>();

/** `formatJson(viewSession(…))`, put together from the texts of the parts that writes leave alone. */
function formatSession(session: Session, contractVersion: number): string {
  const head = formatJson(viewHead(session, contractVersion));
  const constants =
    contractVersion === newestContractVersion
      ? formatKept(session.constants)
      : formatJson(viewConstants(session, contractVersion));
  const members = membersInOrder(session).map(
    ({ member, next, turn }) => `"${member.index}":${formatMember(member, next, turn)}`,
  );
  return `${head.slice(0, -1)},"constants":${constants},"members":{${members.join(',')}}}`;
}

function formatMember(member: Member, next: number, turn: boolean): string {
  const known = renderedMembers.get(member);
  if (known?.next === next && known.turn === turn) return known.text;
  const text = formatJson(viewMember(member, next, turn));
  renderedMembers.set(member, { text, next, turn });
  return text;
}

/** The document, in the shape of `contractVersion`. */
export function viewSession(session: Session, contractVersion: number): JsonObject {
  return {
    ...viewHead(session, contractVersion),
    constants: viewConstants(session, contractVersion),
    members: viewMembers(session),
  };
}

function viewHead(session: Session, contractVersion: number): JsonObject {
  const dueMs = nextTimerMs(session);
  return {
    membersInfo: viewMembersInfo(session),
    ...(session.roleTypes && { roleTypes: viewRoleTypes(session.roleTypes) }),
    properties: viewProperties(session, contractVersion),
    servers: session.servers as unknown as JsonObject,
    correlationId: session.correlationId,
    contractVersion,
    branch: session.branch,
    changeNumber: session.changeNumber,
    startTime: formatTime(session.startTimeMs),
    ...(dueMs !== undefined && { nextTimer: formatTime(dueMs) }),
  };
}

/** `constants` of the document. */
export function viewConstants({ constants }: Session, contractVersion: number): JsonObject {
  return {
    system: downgradeConstantsSystem(constants.system as unknown as JsonObject, contractVersion),
    custom: constants.custom,
  };
}

/** `properties` of the document: what was written, and what the server adds. */
export function viewProperties(session: Session, contractVersion: number): JsonObject {
  const { system, custom } = session.properties;
  const { join, read } = restrictionsOf(session);
  return {
    system: {
      ...(join !== 'none' && { joinRestriction: join }),
      ...(read !== 'none' && { readRestriction: read }),
      ...system,
      turn: system.turn ?? [],
      ...(contractVersion < 107 && { matchmaking: system.matchmaking ?? {} }),
    } as unknown as JsonObject,
    custom,
  };
}

/** `members` of the document: a linked list, keyed by index. @source wire 3.7 */
export function viewMembers(session: Session): JsonObject {
  return Object.fromEntries(
    membersInOrder(session).map(({ member, next, turn }) => [
      member.index,
      viewMember(member, next, turn),
    ]),
  );
}

function membersInOrder({ members, nextMemberIndex, properties }: Session) {
  const turns = properties.system.turn;
  return members.map((member, i) => ({
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
      system: { xuid: member.xuid, index: member.index },
      custom: member.constants.custom,
    },
    properties: {
      system: {
        ...(properties.system as unknown as JsonObject),
        ...(status === 'active' && { active: true }),
        ...(status === 'ready' && { ready: true }),
      },
      custom: properties.custom,
    },
    ...(status === 'reserved' && { reserved: true }),
    ...(member.gamertag !== undefined && { gamertag: member.gamertag }),
    ...(status === 'active' && titleId !== undefined && { activeTitleId: titleId }),
    ...(member.deviceToken !== undefined && { deviceToken: member.deviceToken }),
    ...(turn && { turn: true }),
  };
}

/** `membersInfo` of the document: where the list starts and ends, and how many are how. */
export function viewMembersInfo({ members, nextMemberIndex }: Session): JsonObject {
  return {
    first: members[0]?.index ?? nextMemberIndex,
    next: nextMemberIndex,
    count: members.length,
    accepted: members.filter(({ status }) => status !== 'reserved').length,
    active: members.filter(({ status }) => status === 'active').length,
  };
}

/** Role types with their counts; nobody can hold a role yet. */
function viewRoleTypes(roleTypes: JsonObject): JsonObject {
  const viewRole = (role: Json): Json =>
    isJsonObject(role) ? { ...role, count: 0, memberXuids: [] } : role;
  return mapObject(roleTypes, (type) => {
    const { roles, ...rest } = isJsonObject(type) ? type : {};
    return isJsonObject(roles) ? { ...rest, roles: mapObject(roles, viewRole) } : type;
  });
}

function mapObject(object: JsonObject, view: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, view(value)]));
}
