/** What a document says by itself, so that a moment of the past is shown as the present is. */

import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { MemberRow, SessionDetail, SessionRow } from '../api-types.ts';

const objectAt = (value: Json | undefined, ...path: readonly string[]): JsonObject => {
  let at: Json | undefined = value;
  for (const name of path) at = isJsonObject(at) ? at[name] : undefined;
  return isJsonObject(at) ? at : {};
};
const textAt = (object: JsonObject, name: string): string | undefined => {
  const value = object[name];
  return typeof value === 'string' ? value : undefined;
};
const numberAt = (object: JsonObject, name: string): number | undefined => {
  const value = object[name];
  return typeof value === 'number' ? value : undefined;
};
const timeAt = (object: JsonObject, name: string): number => {
  const ms = Date.parse(textAt(object, name) ?? '');
  return Number.isNaN(ms) ? 0 : ms;
};

/** The members that a document lists, in the order of their indexes. */
export function membersOf(document: JsonObject): readonly MemberRow[] {
  const properties = objectAt(document, 'properties', 'system');
  const owners = Array.isArray(properties['owners']) ? properties['owners'] : [];
  const host = textAt(properties, 'host');
  return Object.entries(objectAt(document, 'members'))
    .map(([key, member]) => memberOf(key, objectAt(member), owners, host))
    .sort((a, b) => a.index - b.index);
}

function memberOf(
  key: string,
  member: JsonObject,
  owners: readonly Json[],
  host: string | undefined,
): MemberRow {
  const constants = objectAt(member, 'constants', 'system');
  const system = objectAt(member, 'properties', 'system');
  const index = numberAt(constants, 'index') ?? Number(key);
  const status =
    member['reserved'] === true
      ? 'reserved'
      : system['active'] === true
        ? 'active'
        : system['ready'] === true
          ? 'ready'
          : 'inactive';
  const gamertag = textAt(member, 'gamertag');
  const deviceToken = textAt(member, 'deviceToken');
  const connection = textAt(system, 'connection');
  const episode = numberAt(member, 'initializationEpisode');
  const failure = textAt(member, 'initializationFailure');
  const joinedMs = timeAt(member, 'joinTime');
  return {
    index,
    xuid: textAt(constants, 'xuid') ?? '',
    ...(gamertag === undefined ? {} : { gamertag }),
    status,
    statusSinceMs: joinedMs,
    joinedMs,
    roles: objectAt(member, 'roles') as Readonly<Record<string, string>>,
    isOwner: owners.includes(index),
    isHost: deviceToken !== undefined && deviceToken === host,
    hasTurn: member['turn'] === true,
    ...(connection === undefined ? {} : { connection: { id: connection, nodeId: '' } }),
    ...(episode === undefined && failure === undefined
      ? {}
      : {
          initialization: {
            ...(episode === undefined ? {} : { episode }),
            ...(failure === undefined ? {} : { failure }),
          },
        }),
  };
}

/** The row of a session as the document of a past moment has it; the rest is that of `now`. */
export function rowAt(document: JsonObject, now: SessionRow): SessionRow {
  const members = membersOf(document);
  const count = (status: MemberRow['status']): number =>
    members.filter((member) => member.status === status).length;
  const system = objectAt(document, 'properties', 'system');
  const stage = textAt(objectAt(document, 'initializing'), 'stage');
  const { initializationStage: _, dueMs: __, ...rest } = now;
  return {
    ...rest,
    changeNumber: numberAt(document, 'changeNumber') ?? now.changeNumber,
    members: {
      total: now.isLarge
        ? (numberAt(objectAt(document, 'membersInfo'), 'count') ?? 0)
        : members.length,
      active: count('active'),
      ready: count('ready'),
      reserved: count('reserved'),
      inactive: count('inactive'),
      max: now.members.max,
    },
    joinRestriction: textAt(system, 'joinRestriction') ?? 'none',
    readRestriction: textAt(system, 'readRestriction') ?? 'none',
    isClosed: system['closed'] === true,
    keywords: Array.isArray(system['keywords'])
      ? system['keywords'].filter((keyword) => typeof keyword === 'string')
      : [],
    ...(stage === undefined ? {} : { initializationStage: stage }),
  };
}

/** What a document says of its initialization and of what its members measured. */
export function initializationAt(document: JsonObject): SessionDetail['initialization'] {
  const initializing = objectAt(document, 'initializing');
  const stage = textAt(initializing, 'stage');
  const links = linksOf(document);
  if (stage === undefined && links.length === 0) return undefined;
  return {
    stage: stage ?? 'none',
    stageStartMs: timeAt(initializing, 'stageStartTime'),
    episode: numberAt(initializing, 'episode') ?? 0,
    links,
  };
}

function linksOf(document: JsonObject): NonNullable<SessionDetail['initialization']>['links'] {
  const members = Object.entries(objectAt(document, 'members'));
  const indexByToken = new Map<string, number>();
  for (const [key, member] of members) {
    const token = textAt(objectAt(member), 'deviceToken');
    if (token !== undefined) indexByToken.set(token, Number(key));
  }
  return members.flatMap(([key, member]) =>
    Object.entries(objectAt(member, 'properties', 'system', 'measurements')).flatMap(
      ([token, measured]) => {
        const to = indexByToken.get(token);
        if (to === undefined) return [];
        const latencyMs = numberAt(objectAt(measured), 'latency');
        return [{ from: Number(key), to, ...(latencyMs === undefined ? {} : { latencyMs }) }];
      },
    ),
  );
}
