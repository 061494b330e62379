/**
 * Multiplayer Activity: what users play, invites into it, and whom they have met.
 *
 * Every refusal is a 400 with a body of its own format, whatever its status is elsewhere.
 *
 * @source docs/wire/activity.md "Errors"
 */

import { changeActivity, queryActivitiesOf } from '../../activity/activities.ts';
import { sendActivityInvites } from '../../activity/invites.ts';
import type { Context } from '../../directory/context.ts';
import {
  dropUnknownOfActivity,
  parseActivity,
  parseActivityRemoval,
  parseActivityUsers,
  parseInvites,
  parseRecentPlayerGroups,
  parseRecentPlayers,
  parseRecentPlayersOfUsers,
  parseServerInvites,
  parseTitleId,
  parseUserId,
} from '../../domain/activity/request.ts';
import { viewActivity, viewUserActivities } from '../../domain/activity/view.ts';
import { type Caller, hasMultiplayerPrivilege } from '../../domain/caller.ts';
import type { TitleId, Xuid } from '../../domain/ids.ts';
import { formatJson, type JsonObject } from '../../domain/json.ts';
import type { EncountersOf } from '../../domain/people/recent-players.ts';
import { Refusal, type RefusalCode } from '../../domain/refusal.ts';
import { noteEncounters } from '../../neighbours/recent-players.ts';
import { knownPart } from '../known-part.ts';
import { refusalResponse } from '../refusal-response.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';

type ActivityAnswer = (
  request: RouteRequest,
  context: Context,
  titleId: TitleId,
) => Promise<JsonObject | Refusal | undefined>;

/** What clients call a request that is not as it must be. */
type Invalid = 'RequestValidationError' | 'InvalidRequest';

/** A route about a title; undefined is answered as 204. */
function activityRoute(
  method: Route['method'],
  path: string,
  invalid: Invalid,
  answer: ActivityAnswer,
): Route {
  return {
    method,
    path: `/titles/{titleId}/${path}`,
    auth: 'token',
    body: method === 'GET' ? 'none' : 'exact',
    async answer(request, context) {
      const titleId = parseTitleId(request.params['titleId'] ?? '');
      const refused = titleId instanceof Refusal ? titleId : mayUseTitle(titleId, request.caller);
      const found = refused ?? (await answer(request, context, titleId as TitleId));
      if (found instanceof Refusal) return activityRefusal(found, invalid);
      return found === undefined ? { status: 204 } : { status: 200, body: formatJson(found) };
    },
  };
}

/** Refusals that say that the caller may not do this. */
const authorizationCodes: ReadonlySet<RefusalCode> = new Set([
  'activityNotYours',
  'privilegeMissing',
  'serviceRequired',
  'userRequired',
]);

function activityRefusal(refusal: Refusal, invalid: Invalid): Answer | Refusal {
  if (refusal.code === 'tooBusy') return refusal;
  const { headers = {} } = refusalResponse(refusal, 107);
  const errorCode = authorizationCodes.has(refusal.code) ? 'AuthorizationError' : invalid;
  return {
    refusal,
    status: 400,
    headers,
    body: formatJson({ errorCode, debugMessage: refusal.text }),
  };
}

/** Nothing when the token is of this title, or of none. */
function mayUseTitle(titleId: TitleId, caller: Caller): Refusal | undefined {
  if (caller.titleId === undefined || caller.titleId === titleId) return undefined;
  return notYours(`The token is of title ${caller.titleId}, not of title ${titleId}.`);
}

function notYours(text: string): Refusal {
  return new Refusal('activityNotYours', text, { detail: 'path' });
}

/** The user of the path, of whom the caller may write. Refuses: requestInvalid, activityNotYours, privilegeMissing. */
function writtenUser({ params, caller }: RouteRequest): Xuid | Refusal {
  const xuid = parseUserId(params['xuid'] ?? '');
  if (xuid instanceof Refusal) return xuid;
  if (caller.kind === 'user' && caller.xuid !== xuid) {
    return notYours(`Only user ${xuid} and services may change the activity of user ${xuid}.`);
  }
  return mayPlay(caller) ?? xuid;
}

function mayPlay(caller: Caller): Refusal | undefined {
  if (hasMultiplayerPrivilege(caller)) return undefined;
  return new Refusal('privilegeMissing', 'The token lists privileges, and 254 is not among them.');
}

function setActivity(method: 'PUT' | 'POST'): Route {
  return activityRoute(
    method,
    'users/{xuid}/activities',
    'RequestValidationError',
    async (request, context, titleId) => {
      const xuid = writtenUser(request);
      if (xuid instanceof Refusal) return xuid;
      const change = parseActivity(bodyOf(request, context, 'activity'));
      if (change instanceof Refusal) return change;
      return changeActivity(context, xuid, titleId, change, request.caller);
    },
  );
}

function bodyOf(
  { body }: RouteRequest,
  context: Context,
  kind: Parameters<typeof dropUnknownOfActivity>[0],
): JsonObject {
  return knownPart(context, body, (whole) => dropUnknownOfActivity(kind, whole));
}

const getActivity = activityRoute(
  'GET',
  'users/{xuid}/activities',
  'RequestValidationError',
  async ({ params, caller }, context, titleId) => {
    const xuid = parseUserId(params['xuid'] ?? '');
    if (xuid instanceof Refusal) return xuid;
    const [found] = await queryActivitiesOf(context, [xuid], titleId, caller);
    const [shown] = found?.activities ?? [];
    return shown && viewActivity(shown);
  },
);

const deleteActivity = activityRoute(
  'DELETE',
  'users/{xuid}/activities',
  'RequestValidationError',
  async (request, context, titleId) => {
    const xuid = writtenUser(request);
    if (xuid instanceof Refusal) return xuid;
    const change = parseActivityRemoval(bodyOf(request, context, 'removal'));
    if (change instanceof Refusal) return change;
    return changeActivity(context, xuid, titleId, change, request.caller);
  },
);

const queryActivities: Route = {
  ...activityRoute(
    'POST',
    'activities/query',
    'InvalidRequest',
    async (request, context, titleId) => {
      const users = parseActivityUsers(bodyOf(request, context, 'query'));
      if (users instanceof Refusal) return users;
      return viewUserActivities(await queryActivitiesOf(context, users, titleId, request.caller));
    },
  ),
  onlyReads: true,
};

/** Of all titles, as the dashboard asks. */
const queryForDashboard: Route = {
  method: 'POST',
  path: '/activities/query/dashboard',
  auth: 'token',
  body: 'exact',
  onlyReads: true,
  async answer(request, context) {
    const users = parseActivityUsers(bodyOf(request, context, 'query'));
    if (users instanceof Refusal) return activityRefusal(users, 'InvalidRequest');
    const found = await queryActivitiesOf(context, users, undefined, request.caller);
    return { status: 200, body: formatJson(viewUserActivities(found)) };
  },
};

const postInvites = activityRoute(
  'POST',
  'invites',
  'InvalidRequest',
  async (request, context, titleId) => {
    const { caller } = request;
    if (caller.kind === 'service') {
      return new Refusal(
        'userRequired',
        'The token names a service; a service sends invites/server.',
      );
    }
    const refusal = mayPlay(caller);
    if (refusal) return refusal;
    const invites = parseInvites(bodyOf(request, context, 'invites'));
    if (invites instanceof Refusal) return invites;
    return sendActivityInvites(context, titleId, caller.xuid, invites, caller);
  },
);

const postServerInvites = activityRoute(
  'POST',
  'invites/server',
  'InvalidRequest',
  async (request, context, titleId) => {
    const { caller } = request;
    const refusal = mayServe(caller);
    if (refusal) return refusal;
    const invites = parseServerInvites(bodyOf(request, context, 'serverInvites'));
    if (invites instanceof Refusal) return invites;
    return sendActivityInvites(context, titleId, invites.sender, invites, caller);
  },
);

function mayServe(caller: Caller): Refusal | undefined {
  if (caller.kind === 'service') return undefined;
  return new Refusal('serviceRequired', 'Only a game service may do this: a token with svc.');
}

const postRecentPlayers = activityRoute(
  'POST',
  'recentplayers',
  'RequestValidationError',
  async (request, context, titleId) => {
    const { caller } = request;
    if (caller.kind === 'service') {
      return new Refusal(
        'userRequired',
        'The token names a service; a service sends recentplayers/server.',
      );
    }
    const met = parseRecentPlayers(bodyOf(request, context, 'recentPlayers'), caller.xuid);
    return met instanceof Refusal ? met : noteEncounters(context, titleId, met);
  },
);

/** Whom several users have met, as a game service says. */
function serverEncounters(
  path: string,
  kind: 'recentPlayersOfUsers' | 'recentPlayerGroups',
  parse: (body: JsonObject) => EncountersOf | Refusal,
): Route {
  return activityRoute(
    'POST',
    path,
    'RequestValidationError',
    async (request, context, titleId) => {
      const refusal = mayServe(request.caller);
      if (refusal) return refusal;
      const met = parse(bodyOf(request, context, kind));
      return met instanceof Refusal ? met : noteEncounters(context, titleId, met);
    },
  );
}

export const activityRoutes: readonly Route[] = [
  setActivity('PUT'),
  setActivity('POST'),
  getActivity,
  deleteActivity,
  queryActivities,
  queryForDashboard,
  postInvites,
  postServerInvites,
  postRecentPlayers,
  serverEncounters('recentplayers/server', 'recentPlayersOfUsers', parseRecentPlayersOfUsers),
  serverEncounters('recentplayergroups/server', 'recentPlayerGroups', parseRecentPlayerGroups),
];
