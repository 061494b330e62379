/** Which rules may refuse a request of a route, for the API description. */

import type { RefusalCode } from '../../domain/refusal.ts';
import type { Route } from '../route.ts';

type Codes = readonly RefusalCode[];

const everyRequest: Codes = [
  'hostForbidden',
  'requestMalformed',
  'requestTooSlow',
  'headersTooLarge',
  'rateLimited',
  'tooBusy',
];
const everyBody: Codes = [
  'contentEncodingUnknown',
  'bodyTooLarge',
  'bodyNotJson',
  'requestInvalid',
];

/** What the pipeline refuses before a route is asked. */
export function commonRefusals({ auth, body, isForPages }: Route): Codes {
  return [
    ...everyRequest,
    ...(isForPages === false ? (['originForbidden'] as const) : []),
    ...(auth === 'none' ? [] : (['notAuthenticated'] as const)),
    ...(auth === 'admin' ? (['adminRequired'] as const) : []),
    ...(auth === 'mpsd' || auth === 'token' ? (['banned'] as const) : []),
    ...(auth === 'mpsd' ? (['contractVersionMissing'] as const) : []),
    ...(body === 'none' ? [] : everyBody),
  ];
}

const catalog: Codes = ['serviceConfigUnknown', 'serviceConfigForbidden', 'templateUnknown'];

const readsSession: Codes = [
  ...catalog,
  'nameInvalid',
  'privilegeMissing',
  'readRestricted',
  'sessionPrivate',
];

const writesSession: Codes = [
  ...readsSession,
  'requestInvalid',
  'sessionExists',
  'sessionMissing',
  'sessionGone',
  'etagDiffers',
  'etagWeak',
  'userRequired',
  'serviceRequired',
  'notAnInitiator',
  'constantsConflict',
  'reservationNeeded',
  'sessionFull',
  'blockedByOwner',
  'sessionClosed',
  'joinRestricted',
  'notAMember',
  'reservedOnly',
  'memberNotYours',
  'notInLargeSession',
  'tooManySessions',
  'ownerRequired',
  'connectionRequired',
  'initializationMembersNeeded',
  'initializationNotEvaluating',
  'roleFull',
  'roleSettingsFixed',
  'documentTooLarge',
  'memberTooLarge',
  'tooManyItems',
  'tooManyMembers',
  'tooManyRoles',
];

const makesHandle: Codes = [
  ...writesSession,
  'handleNotYours',
  'handleIdTaken',
  'notActive',
  'inviteBlocked',
  'tooManyInvites',
  'transferTargetMissing',
  'tooManyHandles',
  'notSearchable',
  'searchAttributesTooLarge',
];

const queriesSessions: Codes = [...catalog, 'requestInvalid', 'queryNotYours', 'userRequired'];
const people: Codes = [
  'requestInvalid',
  'listNotYours',
  'listFull',
  'personUnknown',
  'gamertagUnknown',
  'userRequired',
  'userNotYours',
];
const userServices: Codes = [
  'requestInvalid',
  'userNotYours',
  'gamertagUnknown',
  'userRequired',
  'titleRequired',
  'listNotYours',
];
const activities: Codes = [
  'requestInvalid',
  'activityNotYours',
  'titleRequired',
  'userRequired',
  'serviceRequired',
  'privilegeMissing',
  'tooManyInvites',
];
const tickets: Codes = [
  ...readsSession,
  'hopperUnknown',
  'ticketUnknown',
  'requestInvalid',
  'userRequired',
  'notAMember',
  'sessionGone',
  'ticketTooLarge',
  'memberNotYours',
  'notActive',
];

/** What the rules of a route refuse, by the tag of its operation. */
const byTag: Readonly<Record<string, Codes>> = {
  Sessions: writesSession,
  Queries: queriesSessions,
  Handles: [...makesHandle, 'handleUnknown', 'filterInvalid'],
  Templates: catalog,
  Matchmaking: tickets,
  People: people,
  Profile: userServices,
  Presence: userServices,
  Permissions: userServices,
  Activities: activities,
  Titles: ['requestInvalid', 'nameInvalid'],
  RTA: ['upgradeRequired'],
  Login: ['requestInvalid', 'notAuthenticated'],
  Metrics: [],
  Administration: [
    'requestInvalid',
    'serviceConfigUnknown',
    'templateUnknown',
    'nameInvalid',
    'sessionGone',
    'personUnknown',
    'connectionUnknown',
  ],
  History: ['requestInvalid', 'nameInvalid'],
  Control: ['requestInvalid', 'serviceRequired', 'connectionUnknown'],
};

/** Reading has fewer. */
const readsByTag: Readonly<Record<string, Codes>> = {
  Sessions: [...readsSession, 'sessionGone', 'userRequired', 'notAMember', 'requestInvalid'],
  Handles: [...readsSession, 'handleUnknown', 'handleNotYours', 'sessionGone', 'ownerRequired'],
};

/** What the rules of a route refuse, beside `commonRefusals`. */
export function ownRefusals({ method, path }: Route, tag: string): Codes {
  if (path === '/handles/query')
    return [...catalog, 'requestInvalid', 'filterInvalid', 'handleNotYours', 'userRequired'];
  // An issuer may have no codes for devices.
  if (path === '/oauth20_connect.srf') return ['requestInvalid', 'serviceAbsent'];
  return (method === 'GET' ? readsByTag[tag] : undefined) ?? byTag[tag] ?? [];
}
