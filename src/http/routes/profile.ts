/**
 * Gamertags and other settings of users, in the format of the profile service.
 *
 * @source docs/wire/neighbours.md "Profile"
 */

import { readList } from '../../directory/read-people.ts';
import type { Context } from '../../directory/context.ts';
import type { Xuid } from '../../domain/ids.ts';
import { formatJson } from '../../domain/json.ts';
import { parseMoniker } from '../../domain/presence/request.ts';
import { viewProfile } from '../../domain/profile/profile.ts';
import {
  dropUnknownOfProfiles,
  parseProfileQuery,
  parseSettings,
} from '../../domain/profile/request.ts';
import { Refusal } from '../../domain/refusal.ts';
import { gamertagsOf } from '../../neighbours/profiles.ts';
import { findUser } from '../../neighbours/users.ts';
import { knownPart } from '../known-part.ts';
import type { Answer, Route } from '../route.ts';

async function answerProfiles(
  context: Context,
  xuids: readonly Xuid[],
  settings: readonly string[],
): Promise<Answer> {
  const names = await gamertagsOf(context, xuids);
  const profileUsers = xuids.map((xuid) => viewProfile(xuid, names.get(xuid) ?? '', settings));
  return { status: 200, body: formatJson({ profileUsers }) };
}

const postBatch: Route = {
  method: 'POST',
  path: '/users/batch/profile/settings',
  auth: 'token',
  body: 'object',
  onlyReads: true,
  async answer({ body }, context) {
    const query = parseProfileQuery(knownPart(context, body, dropUnknownOfProfiles));
    if (query instanceof Refusal) return query;
    return answerProfiles(context, query.xuids, query.settings);
  },
};

const getSettings: Route = {
  method: 'GET',
  path: '/users/{owner}/profile/settings',
  auth: 'token',
  body: 'none',
  async answer({ params, query, caller }, context) {
    const owner = await findUser(context, params['owner'] ?? '', caller);
    if (owner instanceof Refusal) return owner;
    const settings = parseSettings(query);
    if (settings instanceof Refusal) return settings;
    return answerProfiles(context, [owner], settings);
  },
};

/** Those whom a user follows, or the favourites among them. */
const getSettingsOfPeople: Route = {
  method: 'GET',
  path: '/users/{owner}/profile/settings/people/{moniker}',
  auth: 'token',
  body: 'none',
  async answer({ params, query, caller }, context) {
    const owner = await findUser(context, params['owner'] ?? '', caller);
    if (owner instanceof Refusal) return owner;
    const list = parseMoniker(params['moniker'] ?? '');
    if (list instanceof Refusal) return list;
    const settings = parseSettings(query);
    if (settings instanceof Refusal) return settings;
    const view = list === 'people' ? 'follows' : 'favorites';
    const entries = await readList(context, owner, view, caller);
    if (entries instanceof Refusal) return entries;
    const people = entries.filter(({ isFavorite }) => list === 'people' || isFavorite);
    const xuids = people.map(({ xuid }) => xuid);
    return answerProfiles(context, xuids, settings);
  },
};

/** By a shorter path that some clients use. */
const getSettingsShort: Route = { ...getSettings, path: '/users/{owner}/settings' };

export const profileRoutes: readonly Route[] = [
  postBatch,
  getSettings,
  getSettingsShort,
  getSettingsOfPeople,
];
