/**
 * What the people URIs ask for.
 *
 * @source docs/wire/people.md "People"
 */

import * as v from 'valibot';
import { xuidOf, type Caller } from '../caller.ts';
import { isXuid, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, list, parseShape, text, word } from '../shape.ts';
import { dropUnknown, type KnownPart } from '../unknown-members.ts';

/** The user that a segment of a path names: `me` or `xuid(1234)`. Refuses: requestInvalid, userRequired. */
export function parseUser(segment: string, caller: Caller): Xuid | Refusal {
  if (segment.toLowerCase() === 'me') {
    return (
      xuidOf(caller) ??
      new Refusal('userRequired', '"me" is a user, and the token names a service: write xuid(…).')
    );
  }
  const xuid = /^xuid\((\d+)\)$/i.exec(segment)?.[1] ?? '';
  return isXuid(xuid) ? xuid : notAUser(segment);
}

function notAUser(segment: string): Refusal {
  return new Refusal(
    'requestInvalid',
    `"${segment}" in the path: Expected a user, as me or as xuid(1234).`,
    { detail: 'path' },
  );
}

/** A part of a list of people. */
export type PeoplePage = {
  readonly view: 'All' | 'Favorite' | 'LegacyXboxLiveFriends';
  readonly startIndex: number;
  readonly itemsMax: number;
};

const count = v.pipe(
  text((given) => /^\d{1,9}$/.test(given), 'an integer of at least 0'),
  v.transform(Number),
);

const page = v.object({
  view: v.optional(word(['All', 'Favorite', 'LegacyXboxLiveFriends']), 'All'),
  startindex: v.optional(count, '0'),
  maxitems: v.optional(count, String(limits.followsMax)),
});

/** The page that a query string asks for: all of it by default. Refuses: requestInvalid. */
export function parsePeoplePage(given: Iterable<readonly [string, string]>): PeoplePage | Refusal {
  const parsed = parseShape(page, lowerNames(given), 'query');
  if (parsed instanceof Refusal) return parsed;
  return { view: parsed.view, startIndex: parsed.startindex, itemsMax: parsed.maxitems };
}

const methods = v.object({ method: word(['add', 'remove', 'get']) });

/**
 * What `method` of a query string asks to be done with xuids; `get` without one.
 *
 * Refuses: requestInvalid.
 *
 * @source docs/wire/people.md "People"
 */
export function parseMethod(
  given: Iterable<readonly [string, string]>,
): 'add' | 'remove' | 'get' | Refusal {
  const parsed = parseShape(methods, { method: 'get', ...lowerNames(given) }, 'query');
  return parsed instanceof Refusal ? parsed : parsed.method;
}

function lowerNames(given: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries([...given].map(([name, value]) => [name.toLowerCase(), value]));
}

const xuid = text(isXuid, 'a xuid (a string of decimal digits)');

/** The body `{\"xuids\": [...]}`. */
export const xuidsBody = exactObject({
  xuids: list(
    xuid,
    { lengthMax: limits.followsMax },
    `an array of at most ${limits.followsMax} xuids`,
  ),
});

/** The body `{"xuids": [...]}` without unknown members. */
export function dropUnknownOfXuids(body: JsonObject): KnownPart {
  return dropUnknown(xuidsBody, body);
}

/** The users of a body `{"xuids": [...]}`. Refuses: requestInvalid. */
export function parseXuids(body: JsonObject): readonly Xuid[] | Refusal {
  const parsed = parseShape(xuidsBody, body);
  return parsed instanceof Refusal ? parsed : parsed.xuids;
}

/** The body `{\"xuid\": \"...\"}`. */
export const xuidBody = exactObject({ xuid });

/** The body `{"xuid": "..."}` without unknown members. */
export function dropUnknownOfXuid(body: JsonObject): KnownPart {
  return dropUnknown(xuidBody, body);
}

/** The user of a body `{"xuid": "..."}`. Refuses: requestInvalid. */
export function parseXuid(body: JsonObject): Xuid | Refusal {
  const parsed = parseShape(xuidBody, body);
  return parsed instanceof Refusal ? parsed : parsed.xuid;
}
