/**
 * People with gamertags and presence, in the format of the people hub.
 *
 * @source docs/wire/neighbours.md "People hub"
 */

import type { Context } from '../../directory/context.ts';
import { isXuid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import { limits } from '../../domain/limits.ts';
import { parseDecorations } from '../../domain/people/hub.ts';
import { dropUnknownOfXuids, parseXuids } from '../../domain/people/request.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type HubRelation, readPeopleHub } from '../../neighbours/people-hub.ts';
import { findUser } from '../../neighbours/users.ts';
import { knownPart } from '../known-part.ts';
import type { Answer, Route, RouteRequest } from '../route.ts';

/** Relations by their names in paths, in lower case. */
const relations: Readonly<Record<string, HubRelation>> = {
  social: { kind: 'follows' },
  friends: { kind: 'follows' },
  followers: { kind: 'followers' },
  recentplayers: { kind: 'recentPlayers' },
  // Requests and recommendations do not exist here: following is all there is to a friend.
  recommendations: { kind: 'nobody' },
  'friendrequests(received)': { kind: 'nobody' },
  'friendrequests(sent)': { kind: 'nobody' },
};

const gamertagResultsUsual = 25;

/** The relation that a segment of a path names, some with a query. Refuses: requestInvalid. */
function parseRelation(segment: string, query: URLSearchParams): HubRelation | Refusal {
  const name = segment.toLowerCase();
  const known = Object.hasOwn(relations, name) ? relations[name] : undefined;
  if (known !== undefined) return known;
  if (name === 'search') {
    const asked = Number(query.get('maxItems') ?? gamertagResultsUsual);
    const max = Number.isInteger(asked) && asked > 0 ? asked : gamertagResultsUsual;
    const beginning = query.get('q') ?? '';
    return { kind: 'search', beginning, max: Math.min(max, limits.gamertagResultsMax) };
  }
  const xuids = /^xuids\((.*)\)$/.exec(name)?.[1]?.split(',', limits.hubPeopleMax + 1);
  const fits = xuids?.every(isXuid) && xuids.length <= limits.hubPeopleMax;
  if (xuids && fits) return { kind: 'xuids', xuids: [...new Set(xuids)] };
  return new Refusal(
    'requestInvalid',
    `"${segment.slice(0, 200)}" in the path: Expected ${Object.keys(relations).join(', ')}, search, or xuids(1,2) with at most ${limits.hubPeopleMax} xuids.`,
    { detail: 'path' },
  );
}

/** True of what only the people hub knows, where the social service has the name of a user. */
export function isHubRelation(segment: string): boolean {
  return /^(?:xuids|friendrequests)\(/i.test(segment);
}

/** The people of a path of the people hub. */
export async function answerPeople(
  { params, query, caller }: RouteRequest,
  context: Context,
  segment: string,
): Promise<Answer | Refusal> {
  const owner = await findUser(context, params['owner'] ?? '', caller);
  if (owner instanceof Refusal) return owner;
  const relation = parseRelation(segment, query);
  if (relation instanceof Refusal) return relation;
  const decorations = parseDecorations(params['decorations'] ?? '');
  const people = await readPeopleHub(context, owner, relation, decorations, caller);
  return people instanceof Refusal ? people : { status: 200, body: formatJson(people) };
}

/** Without decorations; the other relations come through the social service. */
function plainRoute(relation: string): Route {
  return {
    method: 'GET',
    path: `/users/{owner}/people/${relation}`,
    auth: 'token',
    body: 'none',
    answer: (request, context) => answerPeople(request, context, relation),
  };
}

const getDecorated: Route = {
  method: 'GET',
  path: '/users/{owner}/people/{relation}/decoration/{decorations}',
  auth: 'token',
  body: 'none',
  answer: (request, context) => answerPeople(request, context, request.params['relation'] ?? ''),
};

function batchRoute(path: string): Route {
  return {
    method: 'POST',
    path,
    auth: 'token',
    body: 'object',
    onlyReads: true,
    async answer({ params, body, caller }, context) {
      const owner = await findUser(context, params['owner'] ?? '', caller);
      if (owner instanceof Refusal) return owner;
      const xuids = parseXuids(knownPart(context, body, dropUnknownOfXuids));
      if (xuids instanceof Refusal) return xuids;
      const relation = { kind: 'xuids', xuids: [...new Set(xuids)] } as const;
      const decorations = parseDecorations(params['decorations'] ?? '');
      const people = await readPeopleHub(context, owner, relation, decorations, caller);
      return people instanceof Refusal ? people : { status: 200, body: formatJson(people) };
    },
  };
}

export const peopleHubRoutes: readonly Route[] = [
  ...['social', 'friends', 'followers', 'recentplayers', 'recommendations', 'search'].map(
    plainRoute,
  ),
  getDecorated,
  batchRoute('/users/{owner}/people/batch'),
  batchRoute('/users/{owner}/people/batch/decoration/{decorations}'),
];
