/**
 * A session write as it comes in, for all contract versions.
 *
 * @source docs/wire/sessions.md "PUT"
 */

import * as v from 'valibot';
import { isGuid, isXuid, type Xuid } from '../ids.ts';
import { isJsonObject, type Json, type JsonObject, plainOutsideCustom } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import {
  exactObject,
  integer,
  list,
  parseShape,
  text,
  titleObject,
  titleValue,
  word,
} from '../shape.ts';
import { parseTime } from '../time.ts';
import {
  namesMax,
  namesOf,
  splitUnknown,
  type UnknownMembers,
  withUnknown,
} from '../unknown-members.ts';
import {
  defaultBounds,
  mayAskForSoMany,
  mayAskForSoManyOfMember,
  mayAskForSoManyProperties,
  type SessionBounds,
} from './bounds.ts';
import { base64, flag } from './constants.ts';
import { extraOf, memberNames, mergeExtra, sessionNames } from './extra.ts';
import { isName, nameExpectation } from './reference.ts';
import { memberRolesShape, parseRoleTypesRequest, type RoleTypesRequest } from './roles.ts';
import type { WrittenConstantsSystem } from './constants.ts';
import { parseServer, type ServerRequest } from './server-shapes.ts';
import { writtenConstantsIn } from './written-constants.ts';
import { restrictions } from './session.ts';

/** What a PUT asks for, sorted by subject. */
export type SessionRequest = {
  readonly constants?: {
    readonly system?: WrittenConstantsSystem | null | undefined;
    readonly custom?: JsonObject | null | undefined;
  };
  readonly properties?: PropertiesRequest;
  /** The caller's own member; null: leave. */
  readonly me?: MemberRequest | null;
  /** The xuid by which the body names `me`, in `me_<xuid>`: it must be the caller's. */
  readonly meXuid?: Xuid;
  readonly reservations: readonly ReservationRequest[];
  /** Members named by index. */
  readonly others: readonly { readonly index: number; readonly request: MemberRequest | null }[];
  readonly servers: readonly { readonly name: string; readonly request: ServerRequest | null }[];
  readonly roleTypes?: RoleTypesRequest;
  /** Members that nobody knows, at the root of the body. Only with the policy `keep`. */
  readonly extra?: JsonObject;
  /** Paths of unknown members; of many, only some. Only with the policy `keep`. */
  readonly unknownMembers?: readonly string[];
};

/** By what a body is parsed, beside the protocol. */
export type RequestRules = {
  readonly bounds: SessionBounds;
  readonly unknownMembers: UnknownMembers;
};

const defaultRules: RequestRules = { bounds: defaultBounds, unknownMembers: 'refuse' };

export type PropertiesRequest = v.InferOutput<typeof propertiesRequest>;
export type MemberRequest = v.InferOutput<typeof memberRequest>;
export type ReservationRequest = {
  readonly xuid: Xuid;
  readonly initialize: boolean;
  readonly constants: v.InferOutput<typeof reservationRequest>['constants'];
  readonly extra?: JsonObject;
};

/**
 * All change types that a subscription may name, in any case. The last four are of the Xbox app and
 * of party clients.
 *
 * @source docs/wire/rta.md "Taps"
 */
export const changeTypes = [
  'everything',
  'host',
  'initialization',
  'matchmakingStatus',
  'membersList',
  'membersStatus',
  'joinability',
  'customProperty',
  'membersCustomProperty',
  'roles',
  'scheduledTime',
  'cloudCompute',
  'membersOnly',
] as const;

const guid = text(isGuid, 'a GUID');
const strings = v.array(v.string('Expected a string'), 'Expected an array of strings');
const memberIndexes = v.array(integer(0), 'Expected an array of member indexes');
const keyword = text(
  (given) => given.length >= 1 && given.length <= limits.keywordCharactersMax,
  `a keyword of 1 to ${limits.keywordCharactersMax} characters`,
);

const changeTypesInLowerCase: ReadonlySet<string> = new Set(
  changeTypes.map((name) => name.toLowerCase()),
);

function isChangeType(name: string): boolean {
  return changeTypesInLowerCase.has(name.toLowerCase());
}

function changeTypeList(name: v.GenericSchema<string>) {
  return list(
    name,
    { lengthMax: limits.changeTypesMax },
    `an array of at most ${limits.changeTypesMax} change types`,
  );
}

/** Clients write xuids as strings; old documents show numbers. */
const xuid = v.pipe(
  v.union([v.string(), v.number()], 'Expected a xuid (a string of decimal digits)'),
  v.transform(String),
  v.check(isXuid, 'Expected a xuid (a string of decimal digits)'),
);

/** `properties` as a write, or a template, may write them. */
export const propertiesRequest = exactObject({
  system: v.nullish(
    exactObject({
      keywords: v.nullish(
        v.pipe(
          v.array(keyword, 'Expected an array of keywords'),
          v.maxLength(limits.keywordsMax, `Expected at most ${limits.keywordsMax} keywords`),
        ),
      ),
      turn: v.nullish(memberIndexes),
      joinRestriction: v.nullish(word(restrictions)),
      readRestriction: v.nullish(word(restrictions)),
      closed: flag,
      locked: flag,
      host: v.nullish(v.string('Expected the device token of a member')),
      initializationSucceeded: flag,
      matchmaking: v.nullish(
        exactObject({
          targetSessionConstants: v.exactOptional(titleObject),
          serverConnectionString: v.exactOptional(v.string('Expected a string')),
          clientResult: v.exactOptional(titleObject),
        }),
      ),
      matchmakingResubmit: flag,
      serverConnectionStringCandidates: v.nullish(strings),
      allocateCloudCompute: flag,
      owners: v.nullish(memberIndexes),
      description: v.nullish(
        exactObject({
          text: v.exactOptional(v.string('Expected a string')),
          locale: v.exactOptional(v.string('Expected a string')),
        }),
      ),
      searchHandleVisibility: v.nullish(v.string('Expected a word such as "xboxlive"')),
      scheduledTime: v.nullish(
        text((given) => parseTime(given) !== undefined, 'a time such as "2026-12-05T20:15:00Z"'),
      ),
    }),
  ),
  custom: v.nullish(titleObject),
});

const memberConstants = exactObject({
  system: v.nullish(
    exactObject({
      xuid: v.nullish(xuid),
      initialize: flag,
      index: v.nullish(integer(0)),
      team: v.nullish(v.string('Expected a string')),
      matchmakingResult: v.nullish(titleObject),
    }),
  ),
  custom: v.nullish(titleValue),
});

const measurement = v.exactOptional(v.number('Expected a number'));

/** A member as a write may write it. */
export const memberRequest = memberShape(
  changeTypeList(text(isChangeType, `one of ${changeTypes.join(', ')}`)),
);

/** A member by the policy `keep`: of change types that nobody knows as well. */
const openMemberRequest = memberShape(changeTypeList(v.string('Expected a change type')));

function memberShape(changeTypeNames: ReturnType<typeof changeTypeList>) {
  return exactObject({
    constants: v.nullish(memberConstants),
    properties: v.nullish(
      exactObject({
        system: v.nullish(
          exactObject({
            active: flag,
            ready: flag,
            connection: v.nullish(guid),
            subscription: v.nullish(
              exactObject({ id: guid, changeTypes: v.exactOptional(changeTypeNames) }),
            ),
            secondarySubscriptions: v.nullish(
              v.record(
                guid,
                exactObject({
                  changeTypes: v.exactOptional(changeTypeNames),
                  rta: v.exactOptional(exactObject({ connection: v.exactOptional(guid) })),
                }),
                'Expected an object of subscriptions by GUID',
              ),
            ),
            subscriptions: v.nullish(titleObject),
            secureDeviceAddress: v.nullish(base64),
            initializationGroup: v.nullish(memberIndexes),
            groups: v.nullish(strings),
            encounters: v.nullish(strings),
            rolePreference: v.nullish(titleObject),
            measurements: v.nullish(
              v.record(
                v.string(),
                exactObject({
                  latency: measurement,
                  bandwidthDown: measurement,
                  bandwidthUp: measurement,
                  custom: v.exactOptional(titleValue),
                }),
                'Expected an object of measurements by device token',
              ),
            ),
            serverMeasurements: v.nullish(
              v.record(
                v.string(),
                exactObject({ latency: measurement }),
                'Expected an object of measurements by server address name',
              ),
            ),
          }),
        ),
        custom: v.nullish(titleObject),
      }),
    ),
    roles: v.nullish(memberRolesShape),
  });
}

/** A member that a write reserves a seat for. */
export const reservationRequest = exactObject({
  constants: exactObject({
    system: exactObject({
      xuid,
      initialize: flag,
      team: v.nullish(v.string('Expected a string')),
      matchmakingResult: v.nullish(titleObject),
    }),
    custom: v.nullish(titleValue),
  }),
});

const sessionBody = exactObject({
  constants: v.nullish(titleObject),
  properties: v.nullish(titleObject),
  roleTypes: v.nullish(titleObject),
  members: v.nullish(titleObject),
  servers: v.nullish(titleObject),
  // Party clients send it; see unknowns.md "membersOnly".
  membersOnly: flag,
});

/**
 * The write that a body asks for.
 *
 * Refuses: requestInvalid, naming the first member that is not known, not of its type or out of
 * range; mayAskForSoMany's.
 */
export function parseSessionRequest(
  body: JsonObject,
  contractVersion: number,
  rules: RequestRules = defaultRules,
): SessionRequest | Refusal {
  return readUsualRequest(body) ?? parseAnyRequest(body, contractVersion, rules);
}

/** As `parseSessionRequest`, by the schemas only. */
export function parseAnyRequest(
  body: JsonObject,
  contractVersion: number,
  rules: RequestRules = defaultRules,
): SessionRequest | Refusal {
  const tooMany = mayAskForSoMany(body, rules.bounds);
  if (tooMany) return tooMany;
  const reader = readerBy(rules);
  const { parse } = reader;
  const shaped = parse(sessionBody, body, '$');
  if (shaped instanceof Refusal) return shaped;
  // Each part is parsed as it was sent.
  const parts = body as typeof shaped;
  const constants =
    parts.constants == null
      ? undefined
      : parse(writtenConstantsIn(contractVersion), parts.constants, '$.constants');
  if (constants instanceof Refusal) return constants;
  const properties =
    parts.properties == null
      ? undefined
      : parse(propertiesRequest, parts.properties, '$.properties');
  if (properties instanceof Refusal) return properties;
  const members = parseMembers(parts.members ?? {}, reader);
  if (members instanceof Refusal) return members;
  const servers = parseServers(parts.servers ?? {}, parse);
  if (servers instanceof Refusal) return servers;
  const roleTypes =
    parts.roleTypes == null ? undefined : parseRoleTypesRequest(parts.roleTypes, reader.parseRoles);
  if (roleTypes instanceof Refusal) return roleTypes;
  const extra = extraOf(body, sessionNames);
  return {
    ...(constants && { constants }),
    ...(properties && { properties }),
    ...members,
    servers,
    ...(roleTypes && { roleTypes }),
    ...(Object.keys(extra).length > 0 && { extra }),
    ...reader.unknownMembers(),
  };
}

/**
 * The write of a usual body: the own member's status, connection, subscription and custom properties,
 * and the custom properties of the session. Undefined for any other body, also an invalid one. The schemas
 * cost several times as much; a law checks that both ways agree.
 */
export function readUsualRequest(body: JsonObject): SessionRequest | undefined {
  let me: MemberRequest | undefined;
  let properties: PropertiesRequest | undefined;
  for (const key in body) {
    const value = body[key];
    if (key === 'members' && isJsonObject(value)) {
      for (const name in value) if (name !== 'me') return undefined;
      if (value['me'] === undefined) continue;
      me = readUsualMember(value['me']);
      if (me === undefined) return undefined;
    } else if (key === 'properties' && isJsonObject(value)) {
      for (const name in value) {
        if (name !== 'custom' || !isJsonObject(value[name])) return undefined;
      }
      properties = value as PropertiesRequest;
    } else return undefined;
  }
  return {
    ...(properties && { properties }),
    ...(me && { me }),
    reservations: [],
    others: [],
    servers: [],
  };
}

function readUsualMember(member: Json): MemberRequest | undefined {
  if (!isJsonObject(member)) return undefined;
  for (const key in member) if (key !== 'properties') return undefined;
  const properties = member['properties'];
  if (properties === undefined) return member as MemberRequest;
  if (!isJsonObject(properties)) return undefined;
  for (const key in properties) {
    const value = properties[key];
    if (!isJsonObject(value)) return undefined;
    if (key === 'custom') continue;
    if (key !== 'system' || !isUsualSystem(value)) return undefined;
  }
  return member as MemberRequest;
}

function isUsualSystem(system: JsonObject): boolean {
  for (const key in system) {
    const value = system[key];
    const fits =
      key === 'active' || key === 'ready'
        ? typeof value === 'boolean'
        : key === 'subscription'
          ? isUsualSubscription(value)
          : key === 'connection' && isGuidText(value);
    if (!fits) return false;
  }
  return true;
}

function isUsualSubscription(subscription: Json | undefined): boolean {
  if (subscription === undefined || !isJsonObject(subscription)) return false;
  const { id, changeTypes = [], ...more } = subscription;
  for (const _ in more) return false;
  return (
    isGuidText(id) &&
    Array.isArray(changeTypes) &&
    changeTypes.length <= limits.changeTypesMax &&
    changeTypes.every((one) => typeof one === 'string' && isChangeType(one))
  );
}

function isGuidText(value: Json | undefined): boolean {
  return typeof value === 'string' && isGuid(value);
}

/** The write that a body of the properties element stands for. Refuses: requestInvalid, tooManyItems. */
export function parsePropertiesRequest(
  body: JsonObject,
  rules: RequestRules = defaultRules,
): Pick<SessionRequest, 'properties' | 'unknownMembers'> | Refusal {
  const tooMany = mayAskForSoManyProperties(body, rules.bounds);
  if (tooMany) return tooMany;
  const reader = readerBy(rules);
  const properties = reader.parse(propertiesRequest, body, '$');
  return properties instanceof Refusal ? properties : { properties, ...reader.unknownMembers() };
}

/** The write that a body of the members/me element stands for. Refuses: requestInvalid, tooManyItems. */
export function parseMemberRequest(
  body: JsonObject,
  rules: RequestRules = defaultRules,
): Pick<SessionRequest, 'me' | 'unknownMembers'> | Refusal {
  const tooMany = mayAskForSoManyOfMember(body, rules.bounds);
  if (tooMany) return tooMany;
  const reader = readerBy(rules);
  const me = reader.parseMember(body, '$');
  return me instanceof Refusal ? me : { me, ...reader.unknownMembers() };
}

/** The write that a body of an element of `servers` stands for. Refuses: requestInvalid. */
export function parseServerRequest(
  body: JsonObject,
  name: string,
  rules: RequestRules = defaultRules,
): Pick<SessionRequest, 'servers' | 'unknownMembers'> | Refusal {
  const reader = readerBy(rules);
  const request = parseServer(name, body, '$', reader.parse);
  return request instanceof Refusal
    ? request
    : { servers: [{ name, request }], ...reader.unknownMembers() };
}

/** Parses the parts of one body by a policy. */
type Reader = {
  /** `parseShape`, which by the policy `keep` also keeps what the schema does not know. */
  readonly parse: typeof parseShape;
  /** The same for role types, whose own parse is meant when it is undefined. */
  readonly parseRoles: typeof parseShape | undefined;
  readonly parseMember: (value: Json, path: string) => MemberRequest | Refusal;
  /** Where unknown members stood in what was parsed until now, if anywhere. */
  readonly unknownMembers: () => Pick<SessionRequest, 'unknownMembers'>;
};

function readerBy({ unknownMembers }: RequestRules): Reader {
  return unknownMembers === 'refuse' ? strictReader : openReader();
}

const strictReader: Reader = {
  parse: parseShape,
  parseRoles: undefined,
  parseMember: (value, path) => parseShape(memberRequest, value, path),
  unknownMembers: () => ({}),
};

/** Takes a body whose numbers are all exact: those of known members become ordinary ones. */
function openReader(): Reader {
  const noted: string[] = [];
  const parse: typeof parseShape = (schema, value, path = '$') => {
    const { known, unknown } = splitUnknown(schema, value);
    const parsed = parseShape(schema, plainOutsideCustom(known as Json), path);
    if (parsed instanceof Refusal || unknown === undefined) return parsed;
    noted.push(...namesOf(unknown, path.replace(/\.[0-9]+$/, '.*')));
    return withUnknown(parsed, unknown);
  };
  return {
    parse,
    parseRoles: parse,
    parseMember(value, path) {
      const member = parse(openMemberRequest, value, path);
      if (!(member instanceof Refusal)) {
        noted.push(...unknownChangeTypesOf(member).map((name) => `${path}.changeTypes.${name}`));
      }
      return member;
    },
    unknownMembers: () => (noted.length > 0 ? { unknownMembers: noted } : {}),
  };
}

/** Change types that nobody knows, some of many. */
function unknownChangeTypesOf({ properties }: MemberRequest): readonly string[] {
  const { subscription, secondarySubscriptions } = properties?.system ?? {};
  const subscriptions = [subscription, ...Object.values(secondarySubscriptions ?? {})];
  return subscriptions
    .flatMap((one) => one?.changeTypes ?? [])
    .filter((name) => !isChangeType(name))
    .slice(0, namesMax);
}

function parseMembers(
  members: JsonObject,
  { parse, parseMember }: Reader,
): Pick<SessionRequest, 'me' | 'meXuid' | 'reservations' | 'others'> | Refusal {
  let me: MemberRequest | null | undefined;
  let meXuid: Xuid | undefined;
  const reservations = new Map<number, ReservationRequest>();
  const others: { index: number; request: MemberRequest | null }[] = [];
  for (const [key, value] of Object.entries(members)) {
    const path = `$.members.${key}`;
    const reserve = /^reserve_(0|[1-9][0-9]{0,4})$/.exec(key);
    if (reserve) {
      const parsed = parse(reservationRequest, value, path);
      if (parsed instanceof Refusal) return parsed;
      const { constants } = parsed;
      const { xuid, initialize } = constants.system;
      const { extra } = mergeExtra(undefined, parsed, memberNames);
      reservations.set(Number(reserve[1]), {
        xuid,
        initialize: initialize === true,
        constants,
        ...(extra && { extra }),
      });
      continue;
    }
    const named = /^me_([0-9]{1,20})$/.exec(key)?.[1];
    const isMe = key === 'me' || named !== undefined;
    if (isMe && me !== undefined) {
      return new Refusal(
        'requestInvalid',
        `${path}: Expected the caller's own member once, as "me" or as "me_" and the own xuid.`,
        { detail: path },
      );
    }
    if (!isMe && !/^(0|[1-9][0-9]{0,8})$/.test(key)) {
      return new Refusal(
        'requestInvalid',
        `$.members[${JSON.stringify(key)}]: Expected "me", "reserve_0", "reserve_1" … or the index of a member.`,
        { detail: `$.members[${JSON.stringify(key)}]` },
      );
    }
    const parsed = value === null ? null : parseMember(value, path);
    if (parsed instanceof Refusal) return parsed;
    if (isMe) {
      me = parsed;
      meXuid = named;
    } else others.push({ index: Number(key), request: parsed });
  }
  const gap = [...Array(reservations.size).keys()].find((n) => !reservations.has(n));
  if (gap !== undefined) {
    return new Refusal(
      'requestInvalid',
      `$.members.reserve_${gap} is missing: reservations are numbered from reserve_0 without gaps.`,
      { detail: `$.members.reserve_${gap}` },
    );
  }
  return {
    ...(me !== undefined && { me }),
    ...(meXuid !== undefined && { meXuid }),
    reservations: [...Array(reservations.size).keys()].flatMap((n) => reservations.get(n) ?? []),
    others,
  };
}

function parseServers(
  servers: JsonObject,
  parse: typeof parseShape,
): SessionRequest['servers'] | Refusal {
  const parsed: { name: string; request: ServerRequest | null }[] = [];
  for (const [name, value] of Object.entries(servers)) {
    if (!isName(name)) {
      return new Refusal(
        'requestInvalid',
        `$.servers: Expected ${nameExpectation}, not ${JSON.stringify(name)}.`,
        {
          detail: '$.servers',
        },
      );
    }
    const request = value === null ? null : parseServer(name, value, `$.servers.${name}`, parse);
    if (request instanceof Refusal) return request;
    parsed.push({ name, request });
  }
  return parsed;
}
