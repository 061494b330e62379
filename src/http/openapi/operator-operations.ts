/** What operators, tests and viewers of histories ask, for the API description. */

import * as v from 'valibot';
import { adminBodies, listParameters } from '../../admin/admin-request.ts';
import { controlBodies } from '../../admin/request.ts';
import type { Operation } from './operation.ts';

const session = '/serviceconfigs/{scid}/sessiontemplates/{templateName}/sessions/{name}';

const administration: Readonly<Record<string, Omit<Operation, 'tag'>>> = {
  'GET /admin': { summary: 'The routes of administrators', answers: { 200: 'RouteNames' } },
  'GET /admin/stats': {
    summary: 'Counts: nodes, connections, sessions, members, handles, bans',
    answers: { 200: 'AdminStats' },
  },
  'GET /admin/sessions': {
    summary: 'Sessions by service config, template and a part of the name, page by page',
    query: [...listParameters],
    answers: { 200: 'AdminSessions' },
  },
  [`GET /admin${session}`]: { summary: 'A session, whole', answers: { 200: 'Session' } },
  [`POST /admin${session}/kick`]: {
    summary: 'Remove a user from a session',
    body: adminBodies.kick,
    answers: { 204: 'none' },
  },
  [`POST /admin${session}/end`]: {
    summary: 'End a session',
    body: adminBodies.act,
    answers: { 204: 'none' },
  },
  'GET /admin/users': { summary: 'Users with connections', answers: { 200: 'AdminUsers' } },
  'GET /admin/users/{xuid}': {
    summary: 'Where a user is: sessions, seats, connections, activities, ban',
    answers: { 200: 'AdminUser' },
  },
  'POST /admin/users/{xuid}/disconnect': {
    summary: 'End the connections of a user',
    answers: { 200: 'Disconnected' },
  },
  'PUT /admin/users/{xuid}/ban': {
    summary: 'Ban a user for a time',
    body: adminBodies.ban,
    answers: { 200: 'BanMade' },
  },
  'DELETE /admin/users/{xuid}/ban': { summary: 'End a ban', answers: { 204: 'none' } },
  'GET /admin/bans': { summary: 'All bans', answers: { 200: 'Bans' } },
  'GET /admin/acts': {
    summary: 'What administrators have done',
    query: ['from'],
    answers: { 200: 'AdminActs' },
  },
  'GET /admin/connections': {
    summary: 'The connections of all nodes',
    answers: { 200: 'AdminConnections' },
  },
  'DELETE /admin/connections/{id}': {
    summary: 'End a connection; 202: another node has it',
    answers: { 202: 'none', 204: 'none' },
  },
  'POST /admin/reload': {
    summary: 'Read service configs and rate limits again, on this node',
    answers: { 200: 'Reloaded' },
  },
  'POST /admin/drain': {
    summary: 'Send this node no more requests: /health/ready answers 503',
    answers: { 204: 'none' },
  },
  'DELETE /admin/drain': {
    summary: 'Send this node requests again',
    answers: { 204: 'none' },
  },
};

/** A time as the Session History Viewer writes it, or in milliseconds. */
const viewerTime = v.optional(v.union([v.string(), v.number()]));

const history: Readonly<Record<string, Omit<Operation, 'tag'>>> = {
  [`GET ${session}/branches`]: {
    summary: 'The lives of a session: each has a branch',
    answers: { 200: 'Branches' },
  },
  [`GET ${session}/branches/{branch}/changes`]: {
    summary: 'The changes of a session',
    answers: { 200: 'Changes' },
  },
  [`GET ${session}/branches/{branch}/changes/{changeNumber}`]: {
    summary: 'A session as it was after a change',
    answers: { 200: 'Session', 204: 'none' },
  },
  'POST /serviceconfigs/{scid}/sessiontemplates/{templateName}/query': {
    summary: 'Sessions in whose history a user or a correlation id is',
    body: v.looseObject({
      xuid: v.optional(v.union([v.string(), v.number()])),
      gamertag: v.optional(v.string()),
      correlationId: v.optional(v.string()),
      startAt: viewerTime,
      endAt: viewerTime,
    }),
    query: ['take', 'continuationtoken'],
    answers: { 200: 'Branches' },
  },
};

const control: Readonly<Record<string, Omit<Operation, 'tag'>>> = {
  'GET /control': {
    summary: 'The clock, the connections and the forced refusals',
    answers: { 200: 'Control' },
  },
  'POST /control/clock': {
    summary: 'Freeze, move or run the clock',
    body: controlBodies.clock,
    answers: { 200: 'ControlledClock' },
  },
  'POST /control/connections/{id}/drop': {
    summary: 'Break a connection, as a network does',
    answers: { 204: 'none' },
  },
  'POST /control/connections/{id}/taps': {
    summary: 'Hold back or lose the taps of a connection',
    body: controlBodies.taps,
    answers: { 200: 'ControlledConnection' },
  },
  'POST /control/refusals': {
    summary: 'Refuse requests that match',
    body: controlBodies.refusal,
    answers: { 200: 'ForcedRefusals' },
  },
  'DELETE /control/refusals': { summary: 'Refuse no more', answers: { 204: 'none' } },
};

/** By verb and path, as routes have them. */
export const operatorOperations: Readonly<Record<string, Operation>> = {
  ...withTag('Administration', administration),
  ...withTag('History', history),
  ...withTag('Control', control),
  'GET /metrics': {
    tag: 'Metrics',
    summary: "What this node counts, in Prometheus' text format",
    answers: { 200: 'text' },
  },
};

function withTag(
  tag: string,
  operations: Readonly<Record<string, Omit<Operation, 'tag'>>>,
): Readonly<Record<string, Operation>> {
  return Object.fromEntries(
    Object.entries(operations).map(([key, operation]) => [key, { tag, ...operation }]),
  );
}
