/**
 * Where users are, in the format of the presence service.
 *
 * @source docs/wire/neighbours.md "Presence"
 */

import type { Context } from '../../directory/context.ts';
import { xuidOf, type Caller, type UserCaller } from '../../domain/caller.ts';
import type { Xuid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import { limits } from '../../domain/limits.ts';
import {
  presenceStateOf,
  type UserPresence,
  viewPresence,
} from '../../domain/presence/presence.ts';
import {
  parseHeartbeat,
  parseLevel,
  parseMoniker,
  parsePresenceQuery,
  type PresenceQuery,
} from '../../domain/presence/request.ts';
import { Refusal } from '../../domain/refusal.ts';
import { titleNameOf } from '../../domain/session/template.ts';
import { endPresence, noteHeartbeat, readPresenceFor } from '../../neighbours/presence.ts';
import { findUser, mayActFor } from '../../neighbours/users.ts';
import { yieldToEventLoop } from '../../platform/yield-to-event-loop.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';

/** Users whose presence is read at once. */
const atOnceMax = 50;

const path = '/users/{owner}/devices/current/titles/current';

/** The caller, a user that speaks of itself. Refuses: userRequired, userNotYours. */
async function ownerOf(
  { params, caller }: RouteRequest,
  context: Context,
): Promise<UserCaller | Refusal> {
  const owner = await findUser(context, params['owner'] ?? '', caller);
  if (owner instanceof Refusal) return owner;
  if (caller.kind === 'service') {
    return new Refusal('userRequired', 'Presence is that of a user; the token names a service.');
  }
  return mayActFor(owner, caller) ?? caller;
}

/** A title says that its user is there. */
const postHeartbeat: Route = {
  method: 'POST',
  path,
  auth: 'token',
  body: 'object',
  async answer(request, context) {
    const owner = await ownerOf(request, context);
    if (owner instanceof Refusal) return owner;
    const heartbeat = parseHeartbeat(request.body);
    if (heartbeat instanceof Refusal) return heartbeat;
    const refused = await noteHeartbeat(context, owner, heartbeat);
    const headers = { 'X-Heartbeat-After': String(limits.heartbeatSeconds) };
    return refused ?? { status: 200, headers };
  },
};

const deleteHeartbeat: Route = {
  method: 'DELETE',
  path,
  auth: 'token',
  body: 'none',
  async answer(request, context) {
    const owner = await ownerOf(request, context);
    if (owner instanceof Refusal) return owner;
    return (await endPresence(context, owner)) ?? { status: 204 };
  },
};

const getPresence: Route = {
  method: 'GET',
  path: '/users/{owner}',
  auth: 'token',
  body: 'none',
  async answer({ params, query, caller }, context) {
    const owner = await findUser(context, params['owner'] ?? '', caller);
    if (owner instanceof Refusal) return owner;
    const level = parseLevel(query);
    if (level instanceof Refusal) return level;
    const presence = await readPresenceFor(context, owner, xuidOf(caller));
    return {
      status: 200,
      body: formatJson(viewPresence(presence, level, titleNameOf(context.catalog()))),
    };
  },
};

const getGroup: Route = {
  method: 'GET',
  path: '/users/{owner}/groups/{moniker}',
  auth: 'token',
  body: 'none',
  async answer({ params, query, caller }, context) {
    const owner = await findUser(context, params['owner'] ?? '', caller);
    if (owner instanceof Refusal) return owner;
    const list = parseMoniker(params['moniker'] ?? '');
    if (list instanceof Refusal) return list;
    const level = parseLevel(query);
    if (level instanceof Refusal) return level;
    const asked = { of: { list, ofXuid: owner }, level, onlineOnly: false };
    return answerMany(context, asked, caller);
  },
};

const postBatch: Route = {
  method: 'POST',
  path: '/users/batch',
  auth: 'token',
  body: 'object',
  onlyReads: true,
  async answer({ body, caller }, context) {
    const query = parsePresenceQuery(body);
    return query instanceof Refusal ? query : answerMany(context, query, caller);
  },
};

/** An array of presence records. Refuses: listNotYours for the favourites of others. */
async function answerMany(
  context: Context,
  query: PresenceQuery,
  caller: Caller,
): Promise<Answer | Refusal> {
  const xuids = await usersOf(context, query, caller);
  if (xuids instanceof Refusal) return xuids;
  const texts: string[] = [];
  const titleName = titleNameOf(context.catalog());
  for (let at = 0; at < xuids.length; at += atOnceMax) {
    if (at > 0) await yieldToEventLoop();
    const some = xuids.slice(at, at + atOnceMax);
    const read = await Promise.all(
      some.map((xuid) => readPresenceFor(context, xuid, xuidOf(caller))),
    );
    for (const presence of read) {
      const asked = onlyAsked(presence, query);
      const isShown = !query.onlineOnly || presenceStateOf(asked) !== 'Offline';
      if (isShown) texts.push(formatJson(viewPresence(asked, query.level, titleName)));
    }
  }
  return { status: 200, body: `[${texts.join(',')}]` };
}

async function usersOf(
  context: Context,
  { of }: PresenceQuery,
  caller: Caller,
): Promise<readonly Xuid[] | Refusal> {
  if ('xuids' in of) return of.xuids;
  const owner = of.ofXuid ?? xuidOf(caller);
  if (owner === undefined) {
    return new Refusal('userRequired', 'A service names whose list it asks for: groupXuid.');
  }
  const refusal = of.list === 'favorites' ? mayActFor(owner, caller) : undefined;
  const xuids = refusal ?? (await context.people.followedBy(owner, of.list));
  return xuids instanceof Refusal ? xuids : xuids.slice(0, limits.presenceUsersMax);
}

/** The presence on the devices and in the titles that were asked for. */
function onlyAsked(
  presence: UserPresence,
  { deviceTypes, titleIds }: { deviceTypes?: readonly string[]; titleIds?: readonly string[] },
): UserPresence {
  if (deviceTypes === undefined && titleIds === undefined) return presence;
  const titles = presence.titles.filter(
    ({ deviceType, titleId }) =>
      (deviceTypes?.includes(deviceType.toLowerCase()) ?? true) &&
      (titleIds?.includes(titleId) ?? true),
  );
  return { ...presence, titles };
}

export const presenceRoutes: readonly Route[] = [
  postHeartbeat,
  deleteHeartbeat,
  getPresence,
  getGroup,
  postBatch,
];
