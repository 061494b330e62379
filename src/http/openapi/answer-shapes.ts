/**
 * The shapes of answers, for the API description. Members beside these may come: clients ignore what they
 * do not know.
 */

import * as v from 'valibot';

const guid = v.pipe(v.string(), v.description('a GUID'));
const xuid = v.pipe(v.string(), v.description('a xuid: decimal digits'));
const time = v.pipe(v.string(), v.description('a time such as 2026-01-01T00:00:00.0000000Z'));
const anyObject = v.record(v.string(), v.unknown());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

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
} as const;

export type AnswerShape = keyof typeof answerShapes;
