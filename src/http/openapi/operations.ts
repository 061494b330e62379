/** What the API description says of each route, beside what the route says itself. */

import type { GenericSchema } from 'valibot';
import * as v from 'valibot';
import { activityBodies } from '../../domain/activity/request.ts';
import { activityQuery, handleBodies } from '../../domain/handle/request.ts';
import { ticketBody } from '../../domain/matchmaking/ticket-request.ts';
import { permissionBatch } from '../../domain/people/permission-request.ts';
import { xuidBody, xuidsBody } from '../../domain/people/request.ts';
import { heartbeat, presenceBatch } from '../../domain/presence/request.ts';
import { profileBatch } from '../../domain/profile/request.ts';
import { sessionBatch } from '../../domain/query/session-query.ts';
import { searchQuery } from '../../domain/search/request.ts';
import {
  memberRequest,
  propertiesRequest,
  reservationRequest,
} from '../../domain/session/request.ts';
import { serverRequest } from '../../domain/session/server-shapes.ts';
import { writtenConstantsIn } from '../../domain/session/written-constants.ts';
import { exactObject, titleObject } from '../../domain/shape.ts';
import type { AnswerShape } from './answer-shapes.ts';
import { loginOperations } from './login-operations.ts';
import type { Operation } from './operation.ts';
import { operatorOperations } from './operator-operations.ts';

/** A PUT of a session. Its members are read by the name of each, which no schema says exactly. */
const sessionWrite = exactObject({
  constants: v.nullish(writtenConstantsIn(107) as GenericSchema<unknown>),
  properties: v.nullish(propertiesRequest as GenericSchema<unknown>),
  roleTypes: v.nullish(titleObject),
  members: v.nullish(
    v.pipe(
      v.record(v.string(), v.nullable(v.union([memberRequest, reservationRequest]))),
      v.description(
        'me: the caller; reserve_<number>: a seat for another user; an index: that member, for services',
      ),
    ),
  ),
  servers: v.nullish(v.record(v.string(), v.nullable(serverRequest))),
});

const session = '/serviceconfigs/{scid}/sessiontemplates/{templateName}/sessions/{name}';
const hopper = '/serviceconfigs/{scid}/hoppers/{hopper}';
const sessionQuery = [
  'xuid',
  'keyword',
  'private',
  'reservations',
  'inactive',
  'visibility',
  'version',
  'take',
];
const peoplePage = ['view', 'startIndex', 'maxItems'];
const people = '/users/{owner}/people';

const sessions: Readonly<Record<string, Operation>> = {
  [`GET ${session}`]: {
    tag: 'Sessions',
    summary: 'A session document',
    query: ['followed'],
    answers: { 200: 'Session', 204: 'none', 304: 'none' },
  },
  [`PUT ${session}`]: {
    tag: 'Sessions',
    summary: 'Create, join, change or leave a session',
    body: sessionWrite,
    query: ['nocommit'],
    answers: { 200: 'Session', 201: 'Session', 204: 'none' },
  },
  [`GET ${session}/constants`]: element('The constants of a session', 'TwoParts'),
  [`GET ${session}/properties`]: element('The properties of a session', 'TwoParts'),
  [`PUT ${session}/properties`]: {
    ...element('Change properties of a session', 'Session'),
    body: propertiesRequest,
  },
  [`GET ${session}/members`]: element('The members of a session', 'Members'),
  [`GET ${session}/members/me`]: element("The caller's own member", 'Member'),
  [`PUT ${session}/members/me`]: {
    ...element('Join a session, or change the own member', 'Session', 201),
    body: memberRequest,
  },
  [`DELETE ${session}/members/me`]: element('Leave a session', 'Session'),
  [`GET ${session}/members/{index}`]: element('A member of a session', 'Member'),
  [`DELETE ${session}/members/{index}`]: element('Remove a member', 'Session'),
  [`GET ${session}/servers/{serverName}`]: element('An entry of servers', 'Server'),
  [`PUT ${session}/servers/{serverName}`]: {
    ...element('Write an entry of servers', 'Session', 201),
    body: serverRequest,
  },
  [`DELETE ${session}/servers/{serverName}`]: element('Remove an entry of servers', 'Session'),
};

/** A part of a session as a resource. What changes it answers the whole session. */
function element(summary: string, shape: AnswerShape, created?: 201): Operation {
  return {
    tag: 'Sessions',
    summary,
    answers: {
      200: shape,
      ...(created !== undefined && { [created]: shape }),
      204: 'none',
      304: 'none',
    },
  };
}

const queries: Readonly<Record<string, Operation>> = Object.fromEntries(
  ['/serviceconfigs/{scid}', '/serviceconfigs/{scid}/sessiontemplates/{templateName}'].flatMap(
    (parent): readonly [string, Operation][] => [
      [
        `GET ${parent}/sessions`,
        {
          tag: 'Queries',
          summary: 'Sessions of a user, or with a keyword',
          query: sessionQuery,
          answers: { 200: 'Sessions', 204: 'none' },
        },
      ],
      [
        `POST ${parent}/batch`,
        {
          tag: 'Queries',
          summary: 'Sessions of many users',
          body: sessionBatch,
          query: sessionQuery,
          answers: { 200: 'Sessions', 204: 'none' },
        },
      ],
    ],
  ),
);

const handles: Readonly<Record<string, Operation>> = {
  'POST /handles': {
    tag: 'Handles',
    summary: 'Set an activity, invite, transfer, or make a session searchable',
    body: v.union([
      handleBodies.activity,
      handleBodies.invite,
      handleBodies.transfer,
      handleBodies.search,
    ]),
    answers: { 200: 'Handle', 201: 'Handle' },
  },
  'POST /handles/query': {
    tag: 'Handles',
    summary: 'Activities of users, or search handles that a filter matches',
    body: v.union([activityQuery, searchQuery]),
    query: ['include'],
    answers: { 200: 'Handles' },
  },
  'GET /handles/{id}': { tag: 'Handles', summary: 'A handle', answers: { 200: 'Handle' } },
  'DELETE /handles/{id}': {
    tag: 'Handles',
    summary: 'End a handle',
    answers: { 204: 'none' },
  },
  'GET /handles/{id}/session': {
    tag: 'Handles',
    summary: 'The session that a handle leads to',
    answers: { 200: 'Session', 204: 'none', 304: 'none' },
  },
  'PUT /handles/{id}/session': {
    tag: 'Handles',
    summary: 'Join by a handle',
    body: sessionWrite,
    query: ['nocommit'],
    answers: { 200: 'Session', 201: 'Session', 204: 'none' },
  },
};

const templates: Readonly<Record<string, Operation>> = {
  'GET /serviceconfigs/{scid}/sessiontemplates': {
    tag: 'Templates',
    summary: 'The names of the session templates',
    answers: { 200: 'TemplateNames' },
  },
  'GET /serviceconfigs/{scid}/sessiontemplates/{templateName}': {
    tag: 'Templates',
    summary: 'A session template',
    answers: { 200: 'Template' },
  },
};

const matchmaking: Readonly<Record<string, Operation>> = {
  [`POST ${hopper}`]: {
    tag: 'Matchmaking',
    summary: 'Make a match ticket',
    body: ticketBody,
    answers: { 200: 'Ticket', 201: 'Ticket' },
  },
  ...Object.fromEntries(
    [hopper, `${hopper}/stats`].map((path): [string, Operation] => [
      `GET ${path}`,
      {
        tag: 'Matchmaking',
        summary: 'Waits and counts of a hopper',
        answers: { 200: 'HopperStatistics' },
      },
    ]),
  ),
  [`GET ${hopper}/tickets/{ticketId}`]: {
    tag: 'Matchmaking',
    summary: 'A match ticket, and why it still waits',
    answers: { 200: 'TicketDetails' },
  },
  [`DELETE ${hopper}/tickets/{ticketId}`]: {
    tag: 'Matchmaking',
    summary: 'Cancel a match ticket',
    answers: { 204: 'none' },
  },
};

const lists: Readonly<Record<string, Operation>> = Object.fromEntries(
  ['avoid', 'never', 'mute'].flatMap((list): readonly [string, Operation][] => [
    [
      `GET ${people}/${list}`,
      { tag: 'People', summary: `The list ${list}`, answers: { 200: 'Users' } },
    ],
    [
      `PUT ${people}/${list}`,
      { tag: 'People', summary: `Add to ${list}`, body: xuidBody, answers: { 204: 'none' } },
    ],
    [
      `DELETE ${people}/${list}`,
      { tag: 'People', summary: `Remove from ${list}`, body: xuidBody, answers: { 204: 'none' } },
    ],
  ]),
);

const hubRelations = ['social', 'friends', 'followers', 'recentplayers', 'recommendations'];

const peopleOperations: Readonly<Record<string, Operation>> = {
  [`GET ${people}`]: {
    tag: 'People',
    summary: 'Whom a user follows',
    query: peoplePage,
    answers: { 200: 'People' },
  },
  [`GET ${people}/{target}`]: {
    tag: 'People',
    summary: 'One of them',
    answers: { 200: 'Person' },
  },
  [`PUT ${people}/{target}`]: { tag: 'People', summary: 'Follow', answers: { 204: 'none' } },
  [`DELETE ${people}/{target}`]: { tag: 'People', summary: 'Unfollow', answers: { 204: 'none' } },
  [`POST ${people}/xuids`]: {
    tag: 'People',
    summary: 'Follow, unfollow or look up many',
    body: xuidsBody,
    query: ['method'],
    answers: { 200: 'People', 204: 'none' },
  },
  [`POST ${people}/favorites/xuids`]: {
    tag: 'People',
    summary: 'Add or remove favorites',
    body: xuidsBody,
    query: ['method'],
    answers: { 204: 'none' },
  },
  [`DELETE ${people}/follower/{target}`]: {
    tag: 'People',
    summary: 'Remove a follower',
    answers: { 204: 'none' },
  },
  [`PUT ${people}/friends/v2/{target}`]: {
    tag: 'People',
    summary: 'Make a friend',
    answers: { 200: 'PeopleUpdated' },
  },
  [`DELETE ${people}/friends/v2/{target}`]: {
    tag: 'People',
    summary: 'End a friendship',
    answers: { 200: 'PeopleUpdated' },
  },
  'POST /bulk/users/{owner}/people/friends/v2': {
    tag: 'People',
    summary: 'Make or end many friendships',
    body: xuidsBody,
    query: ['method'],
    answers: { 200: 'PeopleUpdated' },
  },
  'GET /users/{owner}/summary': {
    tag: 'People',
    summary: 'Counts of people',
    answers: { 200: 'PeopleSummary' },
  },
  ...lists,
  ...Object.fromEntries(
    hubRelations.map((relation): [string, Operation] => [
      `GET ${people}/${relation}`,
      { tag: 'People', summary: `People hub: ${relation}`, answers: { 200: 'People' } },
    ]),
  ),
  [`GET ${people}/search`]: {
    tag: 'People',
    summary: 'People hub: users by gamertag',
    query: ['q', 'maxItems'],
    answers: { 200: 'People' },
  },
  [`GET ${people}/{relation}/decoration/{decorations}`]: {
    tag: 'People',
    summary: 'People hub: a list with more of each user',
    answers: { 200: 'People' },
  },
  [`POST ${people}/batch`]: {
    tag: 'People',
    summary: 'People hub: these users',
    body: xuidsBody,
    answers: { 200: 'People' },
  },
  [`POST ${people}/batch/decoration/{decorations}`]: {
    tag: 'People',
    summary: 'People hub: these users with more of each',
    body: xuidsBody,
    answers: { 200: 'People' },
  },
};

const neighbours: Readonly<Record<string, Operation>> = {
  'POST /users/batch/profile/settings': {
    tag: 'Profile',
    summary: 'Profiles of many users',
    body: profileBatch,
    answers: { 200: 'Profiles' },
  },
  'GET /users/{owner}/profile/settings': {
    tag: 'Profile',
    summary: 'The profile of a user',
    query: ['settings'],
    answers: { 200: 'Profiles' },
  },
  'GET /users/{owner}/settings': {
    tag: 'Profile',
    summary: 'The profile of a user, by its older path',
    query: ['settings'],
    answers: { 200: 'Profiles' },
  },
  'GET /users/{owner}/profile/settings/people/{moniker}': {
    tag: 'Profile',
    summary: 'Profiles of a list of people',
    query: ['settings'],
    answers: { 200: 'Profiles' },
  },
  'POST /users/{owner}/devices/current/titles/current': {
    tag: 'Presence',
    summary: 'The caller is in this title',
    body: heartbeat,
    answers: { 200: 'none' },
  },
  'DELETE /users/{owner}/devices/current/titles/current': {
    tag: 'Presence',
    summary: 'The caller has left this title',
    answers: { 204: 'none' },
  },
  'GET /users/{owner}': {
    tag: 'Presence',
    summary: 'The presence of a user',
    query: ['level'],
    answers: { 200: 'Presence' },
  },
  'GET /users/{owner}/groups/{moniker}': {
    tag: 'Presence',
    summary: 'The presence of a list of people',
    query: ['level'],
    answers: { 200: 'Presences' },
  },
  'POST /users/batch': {
    tag: 'Presence',
    summary: 'The presence of many users',
    body: presenceBatch,
    answers: { 200: 'Presences' },
  },
  'GET /users/{requestor}/permission/validate': {
    tag: 'Permissions',
    summary: 'Whether one user may do something to another',
    query: ['setting', 'target'],
    answers: { 200: 'Permission' },
  },
  'POST /users/{requestor}/permission/validate': {
    tag: 'Permissions',
    summary: 'The same of many users and permissions',
    body: permissionBatch,
    answers: { 200: 'Permissions' },
  },
  'GET /titles/default/endpoints': {
    tag: 'Titles',
    summary: 'Hosts of the service',
    answers: { 200: 'TitleEndpoints', 304: 'none' },
  },
  'GET /titles/{titleId}/endpoints': {
    tag: 'Titles',
    summary: 'Hosts of a title',
    answers: { 200: 'TitleEndpoints', 304: 'none' },
  },
};

const activityOf = '/titles/{titleId}/users/{xuid}/activities';

const activities: Readonly<Record<string, Operation>> = {
  ...Object.fromEntries(
    (['PUT', 'POST'] as const).map((method): [string, Operation] => [
      `${method} ${activityOf}`,
      {
        tag: 'Activities',
        summary: 'Set the activity of a user',
        body: activityBodies.activity,
        answers: { 200: 'Activity', 201: 'Activity', 204: 'none' },
      },
    ]),
  ),
  [`GET ${activityOf}`]: {
    tag: 'Activities',
    summary: 'The activity of a user',
    answers: { 200: 'Activity', 204: 'none' },
  },
  [`DELETE ${activityOf}`]: {
    tag: 'Activities',
    summary: 'End the activity of a user',
    body: activityBodies.removal,
    answers: { 204: 'none' },
  },
  'POST /titles/{titleId}/activities/query': {
    tag: 'Activities',
    summary: 'Activities of many users in a title',
    body: activityBodies.query,
    answers: { 200: 'UserActivities' },
  },
  'POST /activities/query/dashboard': {
    tag: 'Activities',
    summary: 'Activities of many users in all titles',
    body: activityBodies.query,
    answers: { 200: 'UserActivities' },
  },
  'POST /titles/{titleId}/invites': sent('Invite users', activityBodies.invites),
  'POST /titles/{titleId}/invites/server': sent(
    'Invite users in the name of another',
    activityBodies.serverInvites,
  ),
  'POST /titles/{titleId}/recentplayers': sent(
    'Players whom the caller has met',
    activityBodies.recentPlayers,
  ),
  'POST /titles/{titleId}/recentplayers/server': sent(
    'Players whom users have met',
    activityBodies.recentPlayersOfUsers,
  ),
  'POST /titles/{titleId}/recentplayergroups/server': sent(
    'Groups of players who have met',
    activityBodies.recentPlayerGroups,
  ),
};

function sent(summary: string, body: GenericSchema): Operation {
  return { tag: 'Activities', summary, body, answers: { 204: 'none' } };
}

const rta: Readonly<Record<string, Operation>> = {
  'GET /nonce': {
    tag: 'RTA',
    summary: 'A nonce, with which a page opens the WebSocket',
    answers: { 200: 'Nonce' },
  },
  'GET /connect': {
    tag: 'RTA',
    summary: 'The WebSocket of live notifications: see /asyncapi.json',
    answers: { 101: 'none' },
  },
  'POST /system/notifications/endpoints': {
    tag: 'Invites',
    summary: 'Registers a client for invites, which come by RTA',
    body: v.looseObject({}),
    answers: { 200: 'NotificationEndpoint' },
  },
  'DELETE /system/notifications/endpoints/{endpointId}': {
    tag: 'Invites',
    summary: 'Ends a registration for invites',
    answers: { 204: 'none' },
  },
};

const health: Readonly<Record<string, Operation>> = {
  'GET /health/live': {
    tag: 'Health',
    summary: 'Whether the process answers',
    answers: { 200: 'Health' },
  },
  'GET /health/ready': {
    tag: 'Health',
    summary: 'Whether requests should be sent here',
    answers: { 200: 'Health' },
  },
};

/** By verb and path, as routes have them. */
export const operations: Readonly<Record<string, Operation>> = {
  ...sessions,
  ...queries,
  ...handles,
  ...templates,
  ...matchmaking,
  ...peopleOperations,
  ...neighbours,
  ...activities,
  ...health,
  ...rta,
  ...operatorOperations,
  ...loginOperations,
};
