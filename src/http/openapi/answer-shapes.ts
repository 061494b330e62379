/**
 * The shapes of answers, for the API description. Members beside these may come: clients ignore what they
 * do not know.
 */

import * as v from 'valibot';

export const guid = v.pipe(v.string(), v.description('a GUID'));
export const xuid = v.pipe(v.string(), v.description('a xuid: decimal digits'));
export const time = v.pipe(
  v.string(),
  v.description('a time such as 2026-01-01T00:00:00.0000000Z'),
);
const anyObject = v.record(v.string(), v.unknown());
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Titles write `system` by the rules, and `custom` as they like. */
const twoParts = v.looseObject({ system: v.optional(anyObject), custom: v.optional(v.unknown()) });

const sessionReference = v.looseObject({
  scid: guid,
  templateName: v.string(),
  name: v.string(),
});

const member = v.looseObject({
  next: v.optional(count),
  joinTime: v.optional(time),
  pending: v.optional(v.boolean()),
  reserved: v.optional(v.boolean()),
  constants: twoParts,
  properties: v.optional(twoParts),
  roles: v.optional(v.nullable(anyObject)),
  gamertag: v.optional(v.string()),
  deviceToken: v.optional(v.string()),
  activeTitleId: v.optional(v.string()),
});

const session = v.looseObject({
  branch: guid,
  changeNumber: count,
  contractVersion: count,
  correlationId: v.optional(guid),
  startTime: v.optional(time),
  nextTimer: v.optional(time),
  membersInfo: v.looseObject({ first: count, next: count, count, accepted: count }),
  constants: twoParts,
  properties: twoParts,
  members: v.optional(v.record(v.string(), member)),
  servers: v.optional(v.record(v.string(), v.unknown())),
  roleTypes: v.optional(anyObject),
});

const handle = v.looseObject({
  id: guid,
  type: v.picklist(['activity', 'invite', 'transfer', 'search']),
  version: v.literal(1),
  sessionRef: sessionReference,
  createTime: v.optional(time),
});

const peopleList = v.looseObject({ people: v.array(v.looseObject({ xuid })) });

const permissions = v.looseObject({
  isAllowed: v.boolean(),
  reasons: v.optional(v.array(v.looseObject({ reason: v.string() }))),
});

const presence = v.looseObject({ xuid, state: v.string() });

const activity = v.looseObject({
  sequenceNumber: v.string(),
  titleId: count,
  connectionString: v.optional(v.string()),
  joinRestriction: v.string(),
});

const userActivities = v.looseObject({
  userActivities: v.array(v.looseObject({ userId: xuid, activities: v.array(activity) })),
});

/** Lists that ask all nodes say what is missing. */
const listOfNodes = {
  silentNodes: v.optional(v.array(v.string())),
  isCut: v.optional(v.boolean()),
};

const sessionRow = v.looseObject({
  scid: guid,
  template: v.string(),
  name: v.string(),
  changeNumber: count,
  members: v.looseObject({ count, accepted: count, active: count }),
  keywords: v.optional(v.array(v.string())),
});

const ban = v.looseObject({
  xuid,
  from: time,
  until: time,
  by: v.string(),
  reason: v.optional(v.string()),
});

const adminConnection = v.looseObject({
  id: guid,
  xuid: v.optional(xuid),
  node: v.string(),
  subscriptions: count,
});

const clock = v.looseObject({ nowMs: v.number(), now: time, frozen: v.boolean() });

const controlledConnection = v.looseObject({
  id: guid,
  xuid: v.optional(xuid),
  taps: v.looseObject({ delayMs: count, drop: v.boolean() }),
});

const forcedRefusal = v.looseObject({ path: v.string(), status: count, times: count });

const loginToken = v.looseObject({
  IssueInstant: time,
  NotAfter: time,
  Token: v.string(),
  DisplayClaims: anyObject,
});

/** By name; each is a schema of the description. */
export const answerShapes = {
  Session: session,
  TwoParts: twoParts,
  Members: v.record(v.string(), member),
  Member: member,
  Server: v.looseObject({}),
  Sessions: v.looseObject({ results: v.array(v.looseObject({ sessionRef: sessionReference })) }),
  TemplateNames: v.looseObject({ results: v.array(v.string()) }),
  Template: v.looseObject({ constants: v.optional(twoParts) }),
  Handle: handle,
  Handles: v.looseObject({ results: v.array(handle), next: v.optional(v.string()) }),
  People: peopleList,
  PeopleUpdated: v.looseObject({
    updatedPeople: v.array(xuid),
    failedToUpdate: v.array(v.unknown()),
  }),
  /** Of the social service; of the people hub, which has the same path, a list of one. */
  Person: v.union([v.looseObject({ xuid }), peopleList]),
  PeopleSummary: v.looseObject({}),
  Users: v.looseObject({ users: v.array(v.looseObject({ xuid })) }),
  TitleEndpoints: v.looseObject({ EndPoints: v.array(v.looseObject({ Host: v.string() })) }),
  Profiles: v.looseObject({
    profileUsers: v.array(
      v.looseObject({
        id: xuid,
        settings: v.array(v.looseObject({ id: v.string(), value: v.string() })),
      }),
    ),
  }),
  Presence: presence,
  Presences: v.array(presence),
  Permission: permissions,
  Permissions: v.looseObject({ responses: v.array(v.looseObject({ user: v.unknown() })) }),
  Activity: activity,
  UserActivities: userActivities,
  Ticket: v.looseObject({ ticketId: guid }),
  TicketDetails: v.looseObject({ ticketStatus: v.string() }),
  HopperStatistics: v.looseObject({ hopperName: v.string() }),
  Health: v.looseObject({ status: v.string() }),
  Nonce: v.looseObject({ nonce: v.string() }),
  NotificationEndpoint: v.looseObject({ endpointId: guid }),
  RouteNames: v.looseObject({ routes: v.array(v.string()) }),
  AdminStats: v.looseObject({
    node: v.string(),
    now: time,
    nodes: v.array(anyObject),
    connections: count,
    connectionsByNode: v.record(v.string(), count),
    silentNodes: v.optional(v.array(v.string())),
    sessions: anyObject,
    bans: count,
  }),
  AdminSessions: v.looseObject({
    sessions: v.array(sessionRow),
    cursor: v.optional(v.string()),
  }),
  AdminUsers: v.looseObject({
    users: v.array(v.looseObject({ xuid, gamertag: v.optional(v.string()), connections: count })),
    ...listOfNodes,
  }),
  AdminUser: v.looseObject({
    xuid,
    gamertag: v.optional(v.string()),
    lastSeen: v.optional(time),
    ban: v.optional(ban),
    connections: v.array(adminConnection),
    sessions: v.array(
      v.looseObject({
        ...sessionRow.entries,
        member: v.looseObject({ index: count, status: v.string(), since: time }),
      }),
    ),
    activities: v.array(handle),
    ...listOfNodes,
  }),
  Disconnected: v.looseObject({ endedHere: count }),
  BanMade: v.looseObject({ xuid, until: time, leftSessions: count }),
  Bans: v.looseObject({ bans: v.array(ban) }),
  AdminActs: v.looseObject({
    acts: v.array(
      v.looseObject({
        at: time,
        by: v.string(),
        act: v.string(),
        reason: v.optional(v.string()),
        xuid: v.optional(xuid),
        session: v.optional(v.string()),
        connection: v.optional(guid),
        until: v.optional(time),
      }),
    ),
  }),
  AdminConnections: v.looseObject({ connections: v.array(adminConnection), ...listOfNodes }),
  Reloaded: v.looseObject({ problems: v.array(v.string()) }),
  Branches: v.looseObject({
    results: v.array(
      v.looseObject({
        sessionName: v.string(),
        branch: guid,
        changes: count,
        lastModified: time,
        expired: v.optional(v.boolean()),
        activityId: guid,
      }),
    ),
    continuationToken: v.optional(v.string()),
  }),
  Changes: v.looseObject({
    results: v.array(
      v.looseObject({
        changeNumber: v.number(),
        changedBy: v.array(xuid),
        timestamp: time,
        titleId: v.optional(v.string()),
        serviceId: v.optional(v.string()),
        correlationId: v.optional(v.string()),
        details: v.array(v.string()),
      }),
    ),
  }),
  Control: v.looseObject({
    clock,
    connections: v.array(controlledConnection),
    refusals: v.array(forcedRefusal),
    routes: v.array(v.string()),
  }),
  ControlledClock: v.looseObject({ clock }),
  ControlledConnection: controlledConnection,
  ForcedRefusals: v.looseObject({ refusals: v.array(forcedRefusal) }),
  LoginToken: loginToken,
  SisuTokens: v.looseObject({
    DeviceToken: v.optional(v.string()),
    TitleToken: loginToken,
    UserToken: loginToken,
    AuthorizationToken: loginToken,
    WebPage: v.string(),
    Sandbox: v.string(),
    UseModernGamertag: v.boolean(),
  }),
  SignInAddress: v.looseObject({
    MsaOauthRedirect: v.string(),
    MsaRequestParameters: v.record(v.string(), v.string()),
  }),
  OauthTokens: v.looseObject({
    token_type: v.string(),
    expires_in: count,
    scope: v.string(),
    access_token: v.string(),
    refresh_token: v.string(),
    user_id: v.string(),
  }),
  DeviceCode: v.looseObject({
    user_code: v.string(),
    device_code: v.string(),
    verification_uri: v.string(),
    interval: count,
    expires_in: count,
  }),
} as const;

export type AnswerShape = keyof typeof answerShapes;
