/**
 * Shapes of what a saved state holds: sessions, handles and records as the store keeps them. People change such
 * files by hand; each place that does not fit is named before anything is loaded.
 */

import * as v from 'valibot';
import { isGuid, isTitleId, isXuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { joinRestrictions, platforms } from '../domain/activity/activity.ts';
import { constantsSystemEntries } from '../domain/session/constants.ts';
import { isName, nameExpectation } from '../domain/session/reference.ts';
import {
  initializationFailures,
  memberTimeouts,
  restrictions,
  roleSettings,
  runningStages,
  stageTimeouts,
} from '../domain/session/session.ts';
import { exactObject, integer, text, titleObject, titleValue } from '../domain/shape.ts';
import { latestTimeMs } from '../domain/time.ts';

export const xuid = text(isXuid, 'a xuid: decimal digits');
const guid = text(isGuid, 'a GUID');
const titleId = text(isTitleId, 'a title id: a decimal number');
const name = text(isName, nameExpectation);
const string = v.string('Expected a text');
const flag = v.boolean('Expected true or false');
const number = v.number('Expected a number');
export const timeMs = integer(0, latestTimeMs);
/** As `RecordStore` takes it. */
export const recordName = text(
  (given) => /^[!-~]{1,256}$/.test(given),
  '1 to 256 printable ASCII characters without spaces',
);
const count = integer(0);
const oneOf = <const W extends readonly string[]>(words: W) =>
  v.picklist(words, `Expected one of ${words.map((word) => `"${word}"`).join(', ')}`);
const arrayOf = <S extends v.GenericSchema>(item: S) => v.array(item, 'Expected an array');
const byName = <S extends v.GenericSchema>(value: S) =>
  v.record(v.string(), value, 'Expected an object');

const reference = exactObject({ scid: guid, templateName: name, name });
const extra = v.optional(titleObject);

const role = exactObject({ max: v.optional(count), target: v.optional(count) });
const roleType = exactObject({
  ownerManaged: v.optional(flag),
  mutableRoleSettings: v.optional(arrayOf(oneOf(roleSettings))),
  roles: byName(role),
});

const server = exactObject({
  constants: exactObject({ system: titleObject, custom: titleObject }),
  properties: exactObject({ system: titleObject, custom: titleObject }),
});

const measurement = exactObject({
  latency: v.optional(number),
  bandwidthDown: v.optional(number),
  bandwidthUp: v.optional(number),
  custom: v.optional(titleValue),
});

const memberSystem = exactObject({
  connection: v.optional(string),
  subscription: v.optional(exactObject({ id: string, changeTypes: v.optional(arrayOf(string)) })),
  secondarySubscriptions: v.optional(
    byName(
      exactObject({
        changeTypes: v.optional(arrayOf(string)),
        rta: v.optional(exactObject({ connection: v.optional(string) })),
      }),
    ),
  ),
  secureDeviceAddress: v.optional(string),
  initializationGroup: v.optional(arrayOf(count)),
  groups: v.optional(arrayOf(string)),
  measurements: v.optional(byName(measurement)),
  serverMeasurements: v.optional(byName(exactObject({ latency: v.optional(number) }))),
  rolePreference: v.optional(titleObject),
  subscriptions: v.optional(titleObject),
});

const member = exactObject({
  index: count,
  xuid,
  gamertag: v.optional(string),
  status: oneOf(['active', 'ready', 'reserved', 'inactive']),
  statusSinceMs: timeMs,
  joinTimeMs: timeMs,
  constants: exactObject({ custom: titleValue, system: v.optional(titleObject), extra }),
  properties: exactObject({ system: memberSystem, custom: titleObject, extra }),
  roles: v.optional(byName(string)),
  deviceToken: v.optional(string),
  initialize: v.optional(v.literal(true, 'Expected true')),
  initializationEpisode: v.optional(count),
  initializationFailure: v.optional(oneOf(initializationFailures)),
  titleId: v.optional(titleId),
  deviceId: v.optional(string),
  reservedBy: v.optional(xuid),
  activityHandleId: v.optional(guid),
  activeUntilMs: v.optional(timeMs),
  extra,
});

const propertiesSystem = exactObject({
  keywords: v.optional(arrayOf(string)),
  turn: v.optional(arrayOf(count)),
  joinRestriction: v.optional(oneOf(restrictions)),
  readRestriction: v.optional(oneOf(restrictions)),
  closed: v.nullish(flag),
  locked: v.optional(flag),
  host: v.optional(string),
  matchmaking: v.optional(
    exactObject({
      targetSessionConstants: v.optional(titleObject),
      serverConnectionString: v.optional(string),
      clientResult: v.optional(titleObject),
    }),
  ),
  matchmakingResubmit: v.optional(flag),
  serverConnectionStringCandidates: v.optional(arrayOf(string)),
  allocateCloudCompute: v.optional(flag),
  owners: v.optional(arrayOf(count)),
  description: v.optional(exactObject({ text: v.optional(string), locale: v.optional(string) })),
  searchHandleVisibility: v.optional(string),
  scheduledTime: v.optional(string),
});

const handleCommon = {
  id: guid,
  version: v.literal(1, 'Expected 1'),
  reference,
  createTimeMs: timeMs,
  requestId: v.optional(guid),
};
const titleFacts = { inviteProtocol: v.optional(string), gameTypes: v.optional(titleObject) };

const searchHandle = exactObject({
  ...handleCommon,
  type: v.literal('search'),
  creatorXuid: xuid,
  titleId: v.optional(titleId),
  searchAttributes: exactObject({
    tags: v.optional(arrayOf(string)),
    numbers: v.optional(byName(number)),
    strings: v.optional(byName(string)),
    achievementIds: v.optional(arrayOf(string)),
    language: v.optional(string),
    locale: v.optional(string),
    scheduledTimeMs: v.optional(timeMs),
    targetMembersCount: v.optional(count),
  }),
});

/** A session as the store keeps it, with all its members. */
export const sessionShape = exactObject({
  reference,
  branch: guid,
  changeNumber: integer(1),
  correlationId: guid,
  startTimeMs: timeMs,
  constants: exactObject({
    system: exactObject(constantsSystemEntries),
    custom: titleObject,
    memberInitialization: v.optional(titleObject),
    extra,
  }),
  properties: exactObject({ system: propertiesSystem, custom: titleObject, extra }),
  roleTypes: v.optional(byName(roleType)),
  members: arrayOf(member),
  tally: v.optional(exactObject({ count, accepted: count, active: count })),
  rowsDueMs: v.optional(timeMs),
  nextMemberIndex: count,
  servers: byName(server),
  searchHandle: v.optional(searchHandle),
  initialization: v.optional(
    exactObject({
      stage: oneOf(['none', ...runningStages, 'failed']),
      stageStartTimeMs: timeMs,
      episode: count,
    }),
  ),
  hostCandidates: v.optional(arrayOf(string)),
  createdBy: v.optional(xuid),
  formerXuids: arrayOf(xuid),
  transfersCount: v.optional(count),
  kicks: v.optional(arrayOf(exactObject({ xuid, by: xuid, atMs: v.optional(timeMs) }))),
  emptySinceMs: v.optional(timeMs),
  emptyMsMax: v.optional(count),
  templateTimeouts: v.optional(arrayOf(oneOf([...memberTimeouts, ...stageTimeouts]))),
  extra,
});

/** By type; the search handle of a session is in the session, and its row is one of these too. */
export const handleShapes: Readonly<Record<string, v.GenericSchema>> = {
  activity: exactObject({
    ...handleCommon,
    ...titleFacts,
    type: v.literal('activity'),
    ownerXuid: xuid,
    titleId: v.optional(titleId),
    branch: v.optional(guid),
  }),
  invite: exactObject({
    ...handleCommon,
    ...titleFacts,
    type: v.literal('invite'),
    sender: v.union(
      [
        exactObject({ kind: v.literal('user'), xuid }),
        exactObject({ kind: v.literal('service'), name: string }),
      ],
      'Expected a user with a xuid, or a service with a name',
    ),
    senderGamertag: v.optional(string),
    invitedXuid: xuid,
    inviteAttributes: exactObject({
      titleId: v.optional(titleId),
      context: v.optional(string),
      contextString: v.optional(string),
      senderString: v.optional(string),
    }),
    expirationMs: timeMs,
    branch: v.optional(guid),
  }),
  transfer: exactObject({
    ...handleCommon,
    type: v.literal('transfer'),
    origin: reference,
    branch: guid,
    originBranch: v.optional(guid),
    creatorXuid: v.optional(xuid),
  }),
  search: searchHandle,
};

const ticket = exactObject({
  kind: v.literal('ticket'),
  id: guid,
  scid: guid,
  hopper: string,
  session: reference,
  branch: guid,
  createdBy: xuid,
  sandbox: string,
  giveUpSeconds: count,
  attributes: titleObject,
  players: arrayOf(
    exactObject({
      xuid,
      attributes: titleObject,
      latenciesMs: v.optional(byName(number)),
      teams: v.optional(arrayOf(string)),
      avoids: v.optional(arrayOf(xuid)),
    }),
  ),
  preserved: v.optional(exactObject({ reservedCount: count, server: v.optional(string) })),
  targetConstants: v.optional(titleObject),
  status: oneOf(['searching', 'found', 'expired', 'canceled', 'failed']),
  details: v.optional(string),
  isPending: flag,
  sinceMs: timeMs,
  expiresMs: timeMs,
  waitSeconds: number,
  target: v.optional(reference),
  foundMs: v.optional(timeMs),
});

const match = exactObject({
  kind: v.literal('match'),
  id: guid,
  scid: guid,
  hopper: string,
  target: reference,
  isPreserved: flag,
  sandbox: string,
  ticketIds: arrayOf(guid),
  teams: v.optional(byName(string)),
  servers: arrayOf(string),
});

const statistics = exactObject({
  kind: v.literal('statistics'),
  waitMs: number,
  population: count,
});

const activity = exactObject({
  sequenceNumber: text((digits) => /^\d{1,20}$/.test(digits), 'a sequence number: decimal digits'),
  updatedMs: timeMs,
  activity: v.optional(
    exactObject({
      connectionString: string,
      joinRestriction: oneOf(joinRestrictions),
      maxPlayers: v.optional(count),
      currentPlayers: v.optional(count),
      groupId: v.optional(string),
      platform: v.optional(oneOf(platforms)),
    }),
  ),
  isByService: v.optional(v.literal(true, 'Expected true')),
});

const activityInvite = exactObject({
  id: guid,
  titleId,
  sender: xuid,
  senderGamertag: string,
  connectionString: string,
  expirationMs: timeMs,
});

const presence = exactObject({
  deviceType: string,
  titleId,
  state: oneOf(['active', 'inactive']),
  placement: string,
  richPresence: v.optional(string),
  sinceMs: timeMs,
  untilMs: timeMs,
});

const ban = exactObject({
  xuid,
  fromMs: timeMs,
  untilMs: timeMs,
  by: string,
  reason: v.optional(string),
});

const matchmaking = { ticket, match, statistics };

/** The shape of this kind; undefined: none. `kind` is as a file has it. */
export function shapeOfKind(
  shapes: Readonly<Record<string, v.GenericSchema>>,
  kind: unknown,
): v.GenericSchema | undefined {
  return typeof kind === 'string' && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
}

/** The shape of a record of a service beside the sessions; undefined: no such one is saved. */
export function shapeOfRecord(table: string, value: JsonObject): v.GenericSchema | undefined {
  switch (table) {
    case 'matchmaking':
      return shapeOfKind(matchmaking, value['kind']);
    case 'activities':
      return activity;
    case 'activityInvites':
      return activityInvite;
    case 'presence':
      return presence;
    case 'bans':
      return ban;
    default:
      return undefined;
  }
}

/** The tables of records that are saved. Match tickets first: sessions are loaded while there are none. */
export const savedTables = [
  'matchmaking',
  'activities',
  'activityInvites',
  'presence',
  'bans',
] as const;
