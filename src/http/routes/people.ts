/**
 * Friends, avoid and mute lists, in the shapes of the social and privacy services.
 *
 * @source docs/wire/people.md "People"
 */

import { changePeople, removeFollower } from '../../directory/change-people.ts';
import { readCallersView, readList, readPerson, readSummary } from '../../directory/read-people.ts';
import type { Context } from '../../directory/context.ts';
import type { Xuid } from '../../domain/ids.ts';
import { formatJson, type JsonObject } from '../../domain/json.ts';
import type { ListRequest, OwnListName } from '../../domain/people/list.ts';
import {
  dropUnknownOfXuid,
  dropUnknownOfXuids,
  parseMethod,
  parsePeoplePage,
  parseXuid,
  parseXuids,
} from '../../domain/people/request.ts';
import { viewPeople, viewPerson, viewSummary, viewUsers } from '../../domain/people/view.ts';
import { Refusal, type RefusalCode } from '../../domain/refusal.ts';
import { findUser } from '../../neighbours/users.ts';
import { knownPart } from '../known-part.ts';
import { refusalResponse } from '../refusal-response.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';
import { answerPeople, isHubRelation } from './people-hub.ts';

type SocialAnswer = (
  request: RouteRequest,
  context: Context,
  owner: Xuid,
) => Promise<JsonObject | Refusal | undefined>;

/** A route about the lists of a user; undefined is answered as 204. */
function socialRoute(
  method: Route['method'],
  path: string,
  body: Route['body'],
  answer: SocialAnswer,
): Route {
  return {
    method,
    path,
    auth: 'token',
    body,
    async answer(request, context) {
      const owner = await findUser(context, request.params['owner'] ?? 'me', request.caller);
      const found = owner instanceof Refusal ? owner : await answer(request, context, owner);
      if (found instanceof Refusal) return socialRefusal(found);
      return found === undefined ? { status: 204 } : { status: 200, body: formatJson(found) };
    },
  };
}

/** The error numbers that clients of the social service know. @source docs/wire/people.md "People" */
const socialCodes: Partial<Record<RefusalCode, number>> = {
  listNotYours: 1011,
  requestInvalid: 1015,
  listFull: 1028,
};

function socialRefusal(refusal: Refusal): Answer | Refusal {
  const code = socialCodes[refusal.code];
  if (code === undefined) return refusal;
  const { status, headers = {} } = refusalResponse(refusal, 107);
  return {
    refusal,
    status,
    headers,
    body: formatJson({ code, description: refusal.text, source: 'social' }),
  };
}

const getPeople = socialRoute(
  'GET',
  '/users/{owner}/people',
  'none',
  async ({ query, caller }, context, owner) => {
    const page = parsePeoplePage(query);
    if (page instanceof Refusal) return page;
    const view = page.view === 'All' ? 'follows' : 'favorites';
    const entries = await readList(context, owner, view, caller);
    if (entries instanceof Refusal) return entries;
    return viewPeople(entries, page, await readCallersView(context, caller, entries));
  },
);

const getListedPerson = socialRoute(
  'GET',
  '/users/{owner}/people/{target}',
  'none',
  async ({ params, caller }, context, owner) => {
    const target = await findUser(context, params['target'] ?? '', caller);
    if (target instanceof Refusal) return target;
    const entry = await readPerson(context, owner, target, caller);
    if (entry instanceof Refusal) return entry;
    return viewPerson(entry, await readCallersView(context, caller, [entry]));
  },
);

/** Somebody on the list; or people, as the people hub names them: `xuids(1,2)`. */
const getPerson: Route = {
  ...getListedPerson,
  async answer(request, context) {
    const target = request.params['target'] ?? '';
    return isHubRelation(target)
      ? answerPeople(request, context, target)
      : getListedPerson.answer(request, context);
  },
};

const getSummary = socialRoute(
  'GET',
  '/users/{owner}/summary',
  'none',
  async ({ caller }, context, owner) => {
    const { ofCaller, isFollowingCaller, ...counts } = await readSummary(context, owner, caller);
    return viewSummary(counts, ofCaller, isFollowingCaller);
  },
);

/** Puts one person on the list of friends, or drops them: the answer is 204, done or not needed. */
function changeOne(method: 'PUT' | 'DELETE'): Route {
  return socialRoute(
    method,
    '/users/{owner}/people/{target}',
    'none',
    async ({ params, caller }, context, owner) => {
      const target = await findUser(context, params['target'] ?? '', caller);
      if (target instanceof Refusal) return target;
      const kind = method === 'PUT' ? 'add' : 'remove';
      return changePeople(context, owner, 'follows', { kind, xuids: [target] }, caller);
    },
  );
}

/** Several people at once: `get` lists those of them who are on the list. */
const postXuids: Route = {
  ...socialRoute(
    'POST',
    '/users/{owner}/people/xuids',
    'object',
    async ({ query, body, caller }, context, owner) => {
      const method = parseMethod(query);
      if (method instanceof Refusal) return method;
      const xuids = parseXuids(knownPart(context, body, dropUnknownOfXuids));
      if (xuids instanceof Refusal) return xuids;
      if (method !== 'get') {
        return changePeople(context, owner, 'follows', { kind: method, xuids }, caller);
      }
      const entries = await readList(context, owner, 'follows', caller);
      if (entries instanceof Refusal) return entries;
      const asked = new Set(xuids);
      const page = { view: 'All', startIndex: 0, itemsMax: entries.length } as const;
      const found = entries.filter(({ xuid }) => asked.has(xuid));
      return viewPeople(found, page, await readCallersView(context, caller, found));
    },
  ),
  onlyReads: (query) => parseMethod(query) === 'get',
};

/** @source docs/wire/unknowns.md "making somebody a favourite" */
const postFavorites = socialRoute(
  'POST',
  '/users/{owner}/people/favorites/xuids',
  'object',
  async ({ query, body, caller }, context, owner) => {
    const method = parseMethod(query);
    if (method instanceof Refusal) return method;
    if (method === 'get') {
      return new Refusal('requestInvalid', 'query.method: Expected "add" or "remove".', {
        detail: 'query.method',
      });
    }
    const xuids = parseXuids(knownPart(context, body, dropUnknownOfXuids));
    if (xuids instanceof Refusal) return xuids;
    const kind = method === 'add' ? 'favor' : 'unfavor';
    return changePeople(context, owner, 'follows', { kind, xuids }, caller);
  },
);

/** Ends that a user follows the owner. */
const deleteFollower = socialRoute(
  'DELETE',
  '/users/{owner}/people/follower/{target}',
  'none',
  async ({ params, caller }, context, owner) => {
    const target = await findUser(context, params['target'] ?? '', caller);
    return target instanceof Refusal ? target : removeFollower(context, owner, target, caller);
  },
);

/** Friends as newer clients make them: following is all there is to it here. */
async function changeFriends(
  context: Context,
  owner: Xuid,
  request: ListRequest,
  { caller }: RouteRequest,
): Promise<JsonObject | Refusal> {
  const refusal = await changePeople(context, owner, 'follows', request, caller);
  return refusal ?? { updatedPeople: request.xuids, failedToUpdate: [] };
}

function changeFriend(method: 'PUT' | 'DELETE'): Route {
  return socialRoute(
    method,
    '/users/{owner}/people/friends/v2/{target}',
    'none',
    async (request, context, owner) => {
      const target = await findUser(context, request.params['target'] ?? '', request.caller);
      if (target instanceof Refusal) return target;
      const kind = method === 'PUT' ? 'add' : 'remove';
      return changeFriends(context, owner, { kind, xuids: [target] }, request);
    },
  );
}

const postFriends = socialRoute(
  'POST',
  '/bulk/users/{owner}/people/friends/v2',
  'object',
  async (request, context, owner) => {
    const kind = parseMethod(request.query);
    if (kind instanceof Refusal) return kind;
    if (kind === 'get') {
      return new Refusal('requestInvalid', 'query.method: Expected "add" or "remove".', {
        detail: 'query.method',
      });
    }
    const xuids = parseXuids(knownPart(context, request.body, dropUnknownOfXuids));
    if (xuids instanceof Refusal) return xuids;
    return changeFriends(context, owner, { kind, xuids }, request);
  },
);

/** A list of avoided or muted users, with its GET, PUT and DELETE. @source docs/wire/people.md "People" */
function privacyRoutes(
  name: 'avoid' | 'never' | 'mute',
  list: OwnListName & ('avoids' | 'mutes'),
): Route[] {
  const path = `/users/{owner}/people/${name}`;
  const change = (method: 'PUT' | 'DELETE'): Route =>
    socialRoute(method, path, 'object', async ({ body, caller }, context, owner) => {
      const xuid = parseXuid(knownPart(context, body, dropUnknownOfXuid));
      if (xuid instanceof Refusal) return xuid;
      const kind = method === 'PUT' ? 'add' : 'remove';
      return changePeople(context, owner, list, { kind, xuids: [xuid] }, caller);
    });
  return [
    socialRoute('GET', path, 'none', async ({ caller }, context, owner) => {
      const entries = await readList(context, owner, list, caller);
      return entries instanceof Refusal ? entries : viewUsers(entries);
    }),
    change('PUT'),
    change('DELETE'),
  ];
}

export const peopleRoutes: readonly Route[] = [
  getPeople,
  getPerson,
  changeOne('PUT'),
  changeOne('DELETE'),
  postXuids,
  postFavorites,
  deleteFollower,
  changeFriend('PUT'),
  changeFriend('DELETE'),
  postFriends,
  getSummary,
  ...privacyRoutes('avoid', 'avoids'),
  // The avoid list, as newer clients call it.
  ...privacyRoutes('never', 'avoids'),
  ...privacyRoutes('mute', 'mutes'),
];
