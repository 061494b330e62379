/**
 * What each rule would have accepted in place of a refused request, by the data that the rule looks at. A sentence
 * of a refusal says what is wrong; these say what fits: the roles that have room, who may join, the limit.
 *
 * Total: a new refusal code does not compile without its line here.
 */

import { maxHeaderSize } from 'node:http';
import type { Caller } from '../domain/caller.ts';
import type { Handle } from '../domain/handle/handle.ts';
import { isGuid, type Xuid } from '../domain/ids.ts';
import { formatJson, isJsonObject, type Json } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import type { Refusal, RefusalCode } from '../domain/refusal.ts';
import { etagOf } from '../domain/session/etag.ts';
import { tallyOf } from '../domain/session/large.ts';
import { ownersOf } from '../domain/session/owners.ts';
import { nameExpectation } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
import type { Catalog, ServiceConfig } from '../domain/session/template.ts';
import { timersOf } from '../domain/session/timeouts.ts';
import { viewSession } from '../domain/session/view.ts';
import type { Context } from '../directory/context.ts';
import type { AcceptedWay } from './api-types.ts';

/** What is known of a refused request. */
export type RefusedFacts = {
  readonly refusal: Refusal;
  readonly method: string;
  readonly caller: Caller | undefined;
  /** By lower-case name. */
  readonly answerHeaders: Readonly<Record<string, string>>;
  /** The session that the request names, as it was then where that is known. */
  readonly session: Session | undefined;
  /** The handle that the request names, while it is there. */
  readonly handle: Handle | undefined;
  readonly config: ServiceConfig | undefined;
  readonly catalog: Catalog;
  readonly settings: Pick<
    Context['settings'],
    'bounds' | 'sessionsPerUserMax' | 'invitesPerUserMax' | 'searchAttributesBytesMax'
  > & { readonly bodyBytesMax: number };
  readonly auth: 'dev' | 'signed' | 'oidc';
  readonly ownUrl: string;
  /** The open connections of the caller on this node. */
  readonly connectionIds: readonly string[];
  readonly gamertagOf: (xuid: Xuid) => string | undefined;
};

/** None where nothing would have been accepted. Pure. */
export function acceptedWays(facts: RefusedFacts): readonly AcceptedWay[] {
  return rules[facts.refusal.code](facts);
}

type Rule = (facts: RefusedFacts) => readonly AcceptedWay[];

const way = (text: string, values?: readonly string[]): AcceptedWay => ({
  text,
  ...(values !== undefined && { values: values.slice(0, valuesMax) }),
});

/** Values that one answer lists. */
const valuesMax = 100;

const one =
  (text: string, values?: (facts: RefusedFacts) => readonly string[]): Rule =>
  (facts) => [way(text, values?.(facts))];

const count = new Intl.NumberFormat('en-US');
const bytes = (number: number): string => `${count.format(number)} bytes`;

/** Names a user as people know them. */
function nameOf({ gamertagOf }: RefusedFacts, xuid: Xuid, known?: string): string {
  const gamertag = known ?? gamertagOf(xuid);
  return gamertag === undefined ? xuid : `${gamertag} (${xuid})`;
}

const membersOf = (facts: RefusedFacts, isAsked: (member: Member) => boolean): readonly string[] =>
  (facts.session?.members ?? [])
    .filter(isAsked)
    .map(({ xuid, gamertag }) => nameOf(facts, xuid, gamertag));

const isAccepted = ({ status }: Member): boolean => status !== 'reserved';
const isReserved = ({ status }: Member): boolean => status === 'reserved';
const isActive = ({ status }: Member): boolean => status === 'active';
const owners = (facts: RefusedFacts): readonly string[] =>
  (facts.session ? ownersOf(facts.session) : []).map(({ xuid, gamertag }) =>
    nameOf(facts, xuid, gamertag),
  );

/** The number after "max" in the detail of a limit. */
const limitOfDetail: Rule = ({ refusal: { detail = '' } }) => {
  const [, max] = / max (\d+)$/.exec(detail) ?? [];
  return max === undefined ? [] : [way('At most', [count.format(Number(max))])];
};

const reservationWays = (facts: RefusedFacts): readonly AcceptedWay[] => {
  const reserved = membersOf(facts, isReserved);
  return [
    reserved.length > 0
      ? way('Users who have a reservation', reserved)
      : way('Users who have a reservation: nobody has one'),
    way('A member writes a reservation for the user first', [
      formatJson({
        members: {
          reserve_0: { constants: { system: { xuid: xuidOf(facts) ?? '<xuid>' } } },
        },
      }),
    ]),
  ];
};

function xuidOf({ caller }: RefusedFacts): Xuid | undefined {
  return caller?.kind === 'user' ? caller.xuid : undefined;
}

/** What the two restrictions let through, beside members. */
function restrictionWays(facts: RefusedFacts, verb: 'join' | 'read'): readonly AcceptedWay[] {
  const [, restriction = ''] = facts.refusal.detail?.split(' ') ?? [];
  const call = verb === 'join' ? 'PUT' : 'GET';
  return [
    ...(restriction === 'followed'
      ? [way('Users whom a member follows', membersOf(facts, isAccepted))]
      : []),
    way(
      'Users on the device of an active member (the same did in the token)',
      membersOf(facts, (member) => isActive(member) && member.deviceId !== undefined),
    ),
    way(
      `${call} /handles/{id}/session by an invite to the user, a transfer handle of a session that the user is in, or the search handle`,
    ),
    way(
      'Members and users with a reservation',
      membersOf(facts, () => true),
    ),
  ];
}

/** The value at a JSON path such as `$.constants.system.maxMembersCount`, without indexes. */
function valueAt(session: Session, path: string): Json | undefined {
  let value: Json | undefined = viewSession(session, 107);
  for (const name of path.split('.').slice(1)) {
    value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

const sessionFull: Rule = (facts) => {
  const { session } = facts;
  if (session === undefined) return [];
  const { maxMembersCount } = session.constants.system;
  const taken = membersOf(facts, () => true);
  const leaving = timersOf(session).find(({ becomes }) => becomes === 'removed');
  return [
    way(
      `A join after somebody leaves: ${tallyOf(session).count} of ${maxMembersCount} seats are taken`,
      taken.length === 0 ? undefined : taken,
    ),
    ...(leaving?.member
      ? [
          way(
            `By time, the next seat gets free when ${leaving.what} of this member runs out, unless the member acts`,
            [
              `${nameOf(facts, leaving.member.xuid, leaving.member.gamertag)} at ${new Date(leaving.dueMs).toISOString()}`,
            ],
          ),
        ]
      : []),
  ];
};

const roleFull: Rule = (facts) => {
  const { session, refusal } = facts;
  const [typeName = ''] = refusal.detail?.split('.') ?? [];
  const type =
    session?.roleTypes && Object.hasOwn(session.roleTypes, typeName)
      ? session.roleTypes[typeName]
      : undefined;
  if (session === undefined || type === undefined) return [];
  const held = (role: string): number =>
    session.members.filter(({ roles = {} }) => roles[typeName] === role).length;
  const free = Object.entries(type.roles)
    .filter(([name, { max = Infinity }]) => held(name) < max)
    .map(([name, { max }]) => `${name}: ${held(name)}${max === undefined ? '' : ` of ${max}`}`);
  return [
    free.length > 0
      ? way(`Roles of type "${typeName}" that have room`, free)
      : way(`No role of type "${typeName}" has room: a member gives one up first`),
    way('No role of this type'),
  ];
};

const roleSettingsFixed: Rule = ({ session, refusal }) => {
  // A name that begins with a digit is quoted in the path.
  const [, typeName = ''] = /^\$\.roleTypes(?:\.|\[")(\w+)/.exec(refusal.detail ?? '') ?? [];
  const types = session?.roleTypes ?? {};
  const type = Object.hasOwn(types, typeName) ? types[typeName] : undefined;
  if (type === undefined) return [];
  const open = type.mutableRoleSettings ?? [];
  return [
    open.length > 0
      ? way(`Settings of roles of type "${typeName}" that owners may change`, open)
      : way('No setting of these roles: their type lists none in mutableRoleSettings'),
  ];
};

const ownerRequired: Rule = (facts) => {
  const { session } = facts;
  const open = session?.constants.system.ownershipPolicies?.nonOwnerModifiableSystemProperties;
  const who = owners(facts);
  return [
    way('The owners of the session, and game services', who.length > 0 ? who : undefined),
    ...(open && open.length > 0
      ? [way('From every member, these members of properties.system', open)]
      : []),
    way('From every member, properties.custom and its own member'),
  ];
};

const sessionClosed: Rule = (facts) => {
  const { session } = facts;
  const isLocked = session?.properties.system.locked === true;
  return [
    ...(isLocked
      ? [
          way(
            'Users who were in it before',
            session.formerXuids.map((xuid) => nameOf(facts, xuid)),
          ),
        ]
      : []),
    ...reservationWays(facts),
    way('A join after a member, where there are owners an owner, opens it', [
      formatJson({ properties: { system: { closed: false } } }),
    ]),
  ];
};

const memberNotYours: Rule = (facts) => {
  const own = facts.session?.members.find(({ xuid }) => xuid === xuidOf(facts));
  return [
    way("The caller's own member", [
      '$.members.me',
      ...(own === undefined ? [] : [`$.members.${own.index}`]),
    ]),
    way('Other members: from owners and game services'),
  ];
};

const connectionRequired: Rule = ({ connectionIds }) => [
  connectionIds.length > 0
    ? way('members.me.properties.system.connection with an open connection', connectionIds)
    : way(
        'members.me.properties.system.connection with the id of an open RTA connection: the caller has none on this node',
      ),
];

const etagWays: Rule = ({ session, refusal }) => {
  const etag = session ? etagOf(session) : refusal.detail;
  return [
    ...(etag === undefined ? [] : [way('If-Match with the ETag of the session', [etag])]),
    way('A write without If-Match, which takes the session as it is'),
  ];
};

const constantsConflict: Rule = ({ session, refusal: { detail = '' } }) => {
  const value = session && valueAt(session, detail);
  return [
    ...(value === undefined
      ? []
      : [way(`${detail} with the value that it has`, [formatJson(value)])]),
    way('The same write without it'),
  ];
};

const searchableTemplates: Rule = ({ config }) => [
  way(
    'Sessions of templates with the capability searchable',
    [...(config?.sessionTemplates.values() ?? [])]
      .filter(({ constants }) => {
        const { capabilities } = constants.system;
        return isJsonObject(capabilities) && capabilities['searchable'] === true;
      })
      .map(({ name }) => name),
  ),
];

const serviceConfigForbidden: Rule = ({ config, refusal: { detail = '' } }) =>
  config === undefined
    ? []
    : detail.startsWith('sandbox')
      ? [way('Tokens of these sandboxes', config.sandboxes ?? [])]
      : [
          way(
            'Tokens of these titles, and tokens without a title',
            config.titles.map(({ titleId }) => titleId),
          ),
        ];

const ownXuid: Rule = (facts) => {
  const xuid = xuidOf(facts);
  return [
    ...(xuid === undefined ? [] : [way('The user of the token', [xuid])]),
    way('Any user, with the token of a game service'),
  ];
};

const handleNotYours: Rule = (facts) => {
  const { handle } = facts;
  const owner =
    handle === undefined
      ? undefined
      : handle.type === 'activity'
        ? handle.ownerXuid
        : handle.type === 'invite'
          ? handle.sender.kind === 'user'
            ? handle.sender.xuid
            : undefined
          : handle.creatorXuid;
  return [
    ...(owner === undefined ? [] : [way('The user who made the handle', [nameOf(facts, owner)])]),
    ...(handle?.type === 'invite' && facts.method === 'GET'
      ? [way('The user who is invited', [nameOf(facts, handle.invitedXuid)])]
      : []),
    way('Game services'),
  ];
};

const later: Rule = ({ answerHeaders }) => {
  const seconds = answerHeaders['retry-after'];
  return [
    seconds === undefined
      ? way('The same request again')
      : way('The same request again, after', [`${seconds} s`]),
  ];
};

const notAuthenticated: Rule = ({ auth }) => {
  switch (auth) {
    case 'dev':
      return [
        way('Authorization with a development token', [
          'XBL3.0 x=-;xuid=2814…',
          'XBL3.0 x=-;svc=my-service',
        ]),
      ];
    case 'signed':
      return [
        way('Authorization with a token that one of the keys of this server has signed', [
          'XBL3.0 x=<user hash>;<token>',
        ]),
      ];
    case 'oidc':
      return [
        way('Authorization with a token of the OpenID provider of this server', ['Bearer <token>']),
      ];
  }
};

const requestInvalid: Rule = ({ refusal: { accepted, text, detail } }) => {
  const place = detail === undefined ? '' : ` at ${detail}`;
  if (accepted !== undefined) {
    const isUnknown = text.includes('not known here');
    return [
      way(isUnknown ? `These members in place of ${detail}` : `One of these${place}`, accepted),
      ...(isUnknown ? [way('The same body without it')] : []),
    ];
  }
  const [, expected] = /Expected (.+)\.$/s.exec(text) ?? [];
  return expected === undefined
    ? []
    : [way(`${expected[0]?.toUpperCase()}${expected.slice(1)}${place}`)];
};

const rules: Readonly<Record<RefusalCode, Rule>> = {
  hostForbidden: one('The address of this server as Host', ({ ownUrl }) => [new URL(ownUrl).host]),
  originForbidden: one('Requests without Origin, and pages of', ({ ownUrl }) => [ownUrl]),
  pathUnknown: () => [],
  verbNotAllowed: one('On this path', ({ answerHeaders }) =>
    (answerHeaders['allow'] ?? '').split(', ').filter((verb) => verb !== ''),
  ),
  notAuthenticated,
  adminRequired: one('Authorization with the admin token', () => ['Bearer <admin token>']),
  banned: one(
    'The same request after the ban has ended or an administrator has ended it',
    ({ refusal }) => (refusal.detail === undefined ? [] : [refusal.detail]),
  ),
  contractVersionMissing: one(
    'X-Xbl-Contract-Version: a whole number of at least',
    ({ refusal: { accepted = [] } }) => accepted,
  ),
  rateLimited: later,
  requestMalformed: one('HTTP/1.1 with one Host header and a path in percent-encoded UTF-8'),
  upgradeRequired: one('The same path as a WebSocket', () => [
    'Connection: Upgrade',
    'Upgrade: websocket',
  ]),
  hostUnreachable: later,
  requestTooSlow: later,
  headersTooLarge: one('Request line and headers together', () => [bytes(maxHeaderSize)]),
  contentEncodingUnknown: one('The body as it is, without compression', () => [
    'Content-Encoding: identity',
  ]),
  bodyTooLarge: one('A body of at most', ({ settings }) => [bytes(settings.bodyBytesMax)]),
  bodyNotJson: one('A JSON object in UTF-8'),
  requestInvalid,
  nameInvalid: one(`${nameExpectation[0]?.toUpperCase()}${nameExpectation.slice(1)}`),
  serviceConfigUnknown: one('The service configs of this server', ({ catalog }) =>
    [...catalog.values()].map(({ scid }) => scid),
  ),
  serviceConfigForbidden,
  templateUnknown: one('The session templates of this service config', ({ config }) =>
    [...(config?.sessionTemplates.values() ?? [])].map(({ name }) => name),
  ),
  // sessions
  sessionExists: (facts) => [way('The same write without If-None-Match'), ...etagWays(facts)],
  sessionMissing: one('A write without If-Match, which creates the session', () => []),
  sessionGone: one('The same request after a PUT has created the session'),
  etagDiffers: etagWays,
  etagWeak: etagWays,
  privilegeMissing: one('A token without a list of privileges, or with this one in it', () => [
    '254',
  ]),
  userRequired: one('The token of a user', ({ auth }) =>
    auth === 'dev' ? ['XBL3.0 x=-;xuid=2814…'] : [],
  ),
  serviceRequired: one('The token of a game service', ({ auth }) =>
    auth === 'dev' ? ['XBL3.0 x=-;svc=my-service'] : [],
  ),
  notAnInitiator: one(
    'A first write by a user whom constants.system.initiators lists, or by a game service',
  ),
  constantsConflict,
  sessionPrivate: (facts) => [
    way('Members', membersOf(facts, isAccepted)),
    ...reservationWays(facts),
  ],
  reservationNeeded: reservationWays,
  sessionFull,
  blockedByOwner: one('A join after these owners no longer avoid the user', owners),
  sessionClosed,
  joinRestricted: (facts) => restrictionWays(facts, 'join'),
  readRestricted: (facts) => restrictionWays(facts, 'read'),
  notAMember: (facts) => [
    way('Members', membersOf(facts, isAccepted)),
    way('A join in the same write', [formatJson({ members: { me: {} } })]),
  ],
  reservedOnly: one('A join in the same write', () => [formatJson({ members: { me: {} } })]),
  memberNotYours,
  notInLargeSession: one('Custom properties, and what members write of themselves'),
  tooManySessions: one('Sessions of one user in one service config', ({ settings }) => [
    count.format(settings.sessionsPerUserMax),
  ]),
  ownerRequired,
  connectionRequired,
  initializationMembersNeeded: one(
    'Members and reservations with initialize in the first write',
    ({ refusal }) => [refusal.detail?.split(' ').at(-1) ?? ''],
  ),
  initializationNotEvaluating: one('initializationSucceeded while the stage is', () => [
    'evaluating',
  ]),
  roleFull,
  roleSettingsFixed,
  documentTooLarge: one('A session of at most', ({ settings }) => [
    bytes(settings.bounds.documentBytesMax),
  ]),
  memberTooLarge: one('A member of at most', ({ settings }) => [
    bytes(settings.bounds.memberBytesMax),
  ]),
  tooManyItems: limitOfDetail,
  tooManyMembers: limitOfDetail,
  tooManyRoles: limitOfDetail,
  // handles
  handleUnknown: one(
    'The id of a handle that is live: POST /handles makes one, POST /handles/query finds some',
  ),
  handleNotYours,
  handleIdTaken: one('The same body without id, or with a new one'),
  notActive: (facts) => [
    way('The same request after the user has written', [
      formatJson({
        members: {
          me: {
            properties: {
              system: { active: true, connection: facts.connectionIds[0] ?? '<open connection>' },
            },
          },
        },
      }),
    ]),
  ],
  inviteBlocked: one('An invite after the invited user no longer avoids the sender'),
  tooManyInvites: one('Live invites of one user', ({ settings }) => [
    count.format(settings.invitesPerUserMax),
  ]),
  transferTargetMissing: one('A transfer after a PUT has created the target session'),
  tooManyHandles: one('Transfer handles to one life of a session', () => [
    count.format(limits.transfersPerSessionMax),
  ]),
  // queries for sessions
  queryNotYours: ownXuid,
  // matchmaking
  hopperUnknown: one('The hoppers of this service config', ({ config }) =>
    [...(config?.hoppers?.values() ?? [])].map(({ name }) => name),
  ),
  ticketUnknown: one('The id of a ticket of this hopper: POST /tickets answers it'),
  ticketTooLarge: one('Places taken in the ticket session, at most', ({ refusal }) => [
    refusal.detail?.split(' ').at(-1) ?? '',
  ]),
  // people
  listNotYours: ownXuid,
  listFull: one('A list that has room', () => [
    `follows: ${count.format(limits.followsMax)}`,
    `avoids: ${count.format(limits.avoidsMax)}`,
    `mutes: ${count.format(limits.mutesMax)}`,
  ]),
  personUnknown: one('A user who is on the list'),
  notSearchable: searchableTemplates,
  searchAttributesTooLarge: one('Search attributes of at most', ({ settings }) => [
    bytes(settings.searchAttributesBytesMax),
  ]),
  filterInvalid: requestInvalid,
  // services beside the directory
  userNotYours: ownXuid,
  gamertagUnknown: one('The xuid, or a gamertag that a token has named here'),
  titleRequired: one('A token of one of these titles', ({ catalog }) => [
    ...new Set([...catalog.values()].flatMap(({ titles }) => titles.map(({ titleId }) => titleId))),
  ]),
  activityNotYours: ownXuid,
  serviceAbsent: () => [],
  // the rest
  connectionUnknown: one('The id of an open connection', ({ connectionIds }) =>
    connectionIds.filter(isGuid),
  ),
  tooManyConnections: one('A connection after the user has closed another one'),
  connectionsFull: later,
  tooBusy: later,
};
