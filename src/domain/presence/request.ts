/**
 * What the presence URIs ask for.
 *
 * @source docs/wire/neighbours.md "Presence"
 */

import * as v from 'valibot';
import { isTitleId, isXuid, type TitleId, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { list, parseShape, text, word } from '../shape.ts';
import { type Heartbeat, type PresenceLevel, presenceLevels } from './presence.ts';

const richPresenceId = text(
  (given) => given.length <= limits.richPresenceCharactersMax,
  `a text of at most ${limits.richPresenceCharactersMax} characters`,
);

// Members that are not known are accepted: titles say much of which nothing is shown here.
/** The body by which a title says that its user is there. */
export const heartbeat = v.object({
  state: v.nullish(word(['active', 'inactive']), 'active'),
  placement: v.nullish(word(['full', 'fill', 'snapped', 'background']), 'full'),
  activity: v.nullish(
    v.object({ richPresence: v.nullish(v.object({ id: v.nullish(richPresenceId) })) }),
  ),
});

/** What a heartbeat says; an empty object: the user is active. Refuses: requestInvalid. */
export function parseHeartbeat(body: JsonObject): Heartbeat | Refusal {
  const parsed = parseShape(heartbeat, body);
  if (parsed instanceof Refusal) return parsed;
  const { state, placement, activity } = parsed;
  const richPresence = activity?.richPresence?.id;
  return { state, placement, ...(richPresence && { richPresence }) };
}

const xuid = text(isXuid, 'a xuid (a string of decimal digits)');
/** Clients write title ids as strings, some as numbers. */
const titleId = v.pipe(
  v.union([v.string(), v.number()], 'Expected a title id (decimal, below 2^32)'),
  v.transform(String),
  v.check(isTitleId, 'Expected a title id (decimal, below 2^32)'),
);
const level = v.nullish(word(presenceLevels), 'title');
const moniker = word(['People', 'Favorites', 'Favorite']);

/** The body of a query for presence. */
export const presenceBatch = v.object({
  users: v.nullish(
    list(
      xuid,
      { lengthMax: limits.presenceUsersMax },
      `an array of at most ${limits.presenceUsersMax} xuids`,
    ),
  ),
  group: v.nullish(moniker),
  groupXuid: v.nullish(xuid),
  deviceTypes: v.nullish(
    list(v.string('Expected a device type'), { lengthMax: 100 }, 'an array of device types'),
  ),
  titles: v.nullish(list(titleId, { lengthMax: 100 }, 'an array of at most 100 title ids')),
  level,
  onlineOnly: v.nullish(v.boolean('Expected true or false'), false),
});

/** Of whom presence is asked for, and what of it. */
export type PresenceQuery = {
  readonly of:
    | { readonly xuids: readonly Xuid[] }
    | { readonly list: 'people' | 'favorites'; readonly ofXuid?: Xuid };
  readonly level: PresenceLevel;
  readonly onlineOnly: boolean;
  /** Undefined: all. */
  readonly deviceTypes?: readonly string[];
  readonly titleIds?: readonly TitleId[];
};

/** The query of a batch: users by xuid, or those of a list. Refuses: requestInvalid. */
export function parsePresenceQuery(body: JsonObject): PresenceQuery | Refusal {
  const parsed = parseShape(presenceBatch, body);
  if (parsed instanceof Refusal) return parsed;
  const { users, group, groupXuid, deviceTypes, titles } = parsed;
  if ((users == null) === (group == null)) {
    return new Refusal('requestInvalid', '$: Expected either users or group.', { detail: '$' });
  }
  return {
    of: group
      ? { list: listOf(group), ...(groupXuid != null && { ofXuid: groupXuid }) }
      : { xuids: [...new Set(users ?? [])] },
    level: parsed.level,
    onlineOnly: parsed.onlineOnly,
    ...(deviceTypes?.length && { deviceTypes: deviceTypes.map((one) => one.toLowerCase()) }),
    ...(titles?.length && { titleIds: titles }),
  };
}

function listOf(group: 'People' | 'Favorites' | 'Favorite'): 'people' | 'favorites' {
  return group === 'People' ? 'people' : 'favorites';
}

/** The list that a segment of a path names. Refuses: requestInvalid. */
export function parseMoniker(segment: string): 'people' | 'favorites' | Refusal {
  const parsed = parseShape(moniker, segment, 'path');
  return parsed instanceof Refusal ? parsed : listOf(parsed);
}

/** The level that a query string names; `title` without one. Refuses: requestInvalid. */
export function parseLevel(query: URLSearchParams): PresenceLevel | Refusal {
  return parseShape(level, query.get('level') || undefined, 'query.level');
}
