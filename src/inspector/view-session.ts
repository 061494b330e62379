/** One session, as the inspector shows it. */

import type { Handle } from '../domain/handle/handle.ts';
import { viewHandle } from '../domain/handle/view.ts';
import type { JsonObject } from '../domain/json.ts';
import { initializationOf } from '../domain/session/episode.ts';
import { etagOf } from '../domain/session/etag.ts';
import { nodeOfConnection } from '../domain/session/hints.ts';
import { isLarge, withoutRows } from '../domain/session/large.ts';
import { ownersOf } from '../domain/session/owners.ts';
import type { Member, Session } from '../domain/session/session.ts';
import { type SessionTimer, timersOf } from '../domain/session/timeouts.ts';
import { viewSession } from '../domain/session/view.ts';
import type { Milliseconds } from '../domain/time.ts';
import type {
  ConnectionRow,
  HandleRow,
  MemberRow,
  SessionDetail,
  SessionRow,
  Timer,
} from './api-types.ts';
import { type GamertagOf, viewName, viewPerson } from './session-rows.ts';

/** What is shown of a session besides its document. */
export type SessionParts = {
  readonly row: SessionRow;
  readonly nowMs: Milliseconds;
  readonly handles: readonly Handle[];
  readonly nodeId: string;
  readonly gamertagOf: GamertagOf;
  /** The open connection of this node with this id. */
  readonly connectionOf: (id: string) => ConnectionRow | undefined;
  /** The members of a large session that were read, and whether these are all. */
  readonly largeMembers: readonly Member[];
  readonly hasAllMembers: boolean;
};

export function viewSessionDetail(session: Session, parts: SessionParts): SessionDetail {
  const large = isLarge(session);
  const shown = large ? { ...session, members: parts.largeMembers } : session;
  const initialization = session.initialization && initializationOf(session);
  const { createdBy, emptySinceMs, formerXuids, kicks = [] } = session;
  return {
    nowMs: parts.nowMs,
    row: parts.row,
    etag: etagOf(session),
    document: viewSession(large ? withoutRows(session) : session, 107),
    members: shown.members.map((member) => viewMemberRow(member, shown, parts)),
    hasAllMembers: !large || parts.hasAllMembers,
    timers: timersOf(shown).map(viewTimer),
    handles: parts.handles.map(viewHandleRow),
    ...(initialization && {
      initialization: {
        stage: initialization.stage,
        stageStartMs: initialization.stageStartTimeMs,
        episode: initialization.episode,
        links: linksOf(shown.members),
      },
    }),
    hidden: {
      ...(createdBy !== undefined && { createdBy }),
      ...(emptySinceMs !== undefined && { emptySinceMs }),
      formerXuids,
      kicks,
    },
  };
}

function viewMemberRow(
  member: Member,
  session: Session,
  { nodeId, gamertagOf, connectionOf }: SessionParts,
): MemberRow {
  const { system } = session.properties;
  const { activeUntilMs, titleId, deviceToken } = member;
  const { connection } = member.properties.system;
  const { initializationEpisode: episode, initializationFailure: failure } = member;
  const isInitialized = episode !== undefined || failure !== undefined;
  return {
    index: member.index,
    ...viewPerson(member, gamertagOf),
    status: member.status,
    statusSinceMs: member.statusSinceMs,
    joinedMs: member.joinTimeMs,
    roles: { ...member.roles },
    isOwner: ownersOf(session).includes(member),
    isHost: deviceToken !== undefined && system.host === deviceToken,
    hasTurn: system.turn?.includes(member.index) === true,
    ...(connection !== undefined && {
      connection: viewConnection(connection.toLowerCase(), nodeId, connectionOf),
    }),
    ...(activeUntilMs !== undefined && { activeUntilMs }),
    ...(isInitialized && {
      initialization: {
        ...(episode !== undefined && { episode }),
        ...(failure !== undefined && { failure }),
      },
    }),
    ...(titleId !== undefined && { titleId }),
  };
}

function viewConnection(
  id: string,
  nodeId: string,
  connectionOf: SessionParts['connectionOf'],
): NonNullable<MemberRow['connection']> {
  const open = connectionOf(id);
  const owner = nodeOfConnection(id);
  return {
    id,
    nodeId: owner,
    ...(owner === nodeId && { isOpen: open !== undefined }),
    ...(open && { subscribedTo: open.subscriptions.map(({ resource }) => resource) }),
  };
}

function viewTimer({ what, member, startMs, dueMs, becomes }: SessionTimer): Timer {
  return {
    what,
    ...(member && { index: member.index, xuid: member.xuid }),
    ...(startMs !== undefined && { startMs }),
    dueMs,
    becomes,
  };
}

/** What members measured to each other, by index. */
function linksOf(
  members: readonly Member[],
): NonNullable<SessionDetail['initialization']>['links'] {
  const indexOf = new Map(members.map(({ deviceToken, index }) => [deviceToken, index]));
  return members.flatMap(({ index, properties }) =>
    Object.entries(properties.system.measurements ?? {}).flatMap(([token, measured]) => {
      const to = indexOf.get(token);
      if (to === undefined) return [];
      const { latency, bandwidthDown, bandwidthUp } = measured;
      return {
        from: index,
        to,
        ...(latency !== undefined && { latencyMs: latency }),
        ...(bandwidthDown !== undefined && { bandwidthDown }),
        ...(bandwidthUp !== undefined && { bandwidthUp }),
      };
    }),
  );
}

/** The row of a handle. */
export function viewHandleRow(handle: Handle): HandleRow {
  const common = {
    id: handle.id,
    type: handle.type,
    session: viewName(handle.reference),
    createdMs: handle.createTimeMs,
    document: viewHandle(handle),
  };
  switch (handle.type) {
    case 'activity':
      return { ...common, ownerXuid: handle.ownerXuid, ...titleOf(handle.titleId) };
    case 'invite':
      return {
        ...common,
        ...(handle.sender.kind === 'user' && { senderXuid: handle.sender.xuid }),
        invitedXuid: handle.invitedXuid,
        expiresMs: handle.expirationMs,
        ...titleOf(handle.inviteAttributes.titleId),
      };
    case 'transfer':
      return {
        ...common,
        ...(handle.creatorXuid !== undefined && { ownerXuid: handle.creatorXuid }),
      };
    case 'search':
      return { ...common, ownerXuid: handle.creatorXuid, ...titleOf(handle.titleId) };
  }
}

function titleOf(titleId: string | undefined): JsonObject & { readonly titleId?: string } {
  return titleId === undefined ? {} : { titleId };
}
