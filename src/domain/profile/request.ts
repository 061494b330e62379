/**
 * What the profile URIs ask for.
 *
 * @source docs/wire/neighbours.md "Profile"
 */

import * as v from 'valibot';
import { isXuid, type Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { exactObject, list, parseShape, text } from '../shape.ts';
import { dropUnknown, type KnownPart } from '../unknown-members.ts';

/** Some clients write xuids as numbers. */
const xuid = v.pipe(
  v.union([v.string(), v.number()], 'Expected a xuid (decimal digits)'),
  v.transform(String),
  v.check(isXuid, 'Expected a xuid (decimal digits)'),
);

const someText = text((given) => given !== '', 'a text that is not empty');

/** The body of a query for profiles. */
export const profileBatch = exactObject({
  userIds: list(
    xuid,
    { lengthMax: limits.batchXuidsMax },
    `an array of at most ${limits.batchXuidsMax} xuids`,
  ),
  settings: list(
    someText,
    { lengthMax: limits.profileSettingsMax },
    `an array of at most ${limits.profileSettingsMax} names of settings`,
  ),
});

export type ProfileQuery = {
  readonly xuids: readonly Xuid[];
  readonly settings: readonly string[];
};

/** The body of a batch without members that nobody knows. */
export function dropUnknownOfProfiles(body: JsonObject): KnownPart {
  return dropUnknown(profileBatch, body);
}

/** Whose settings a batch asks for, and which. Refuses: requestInvalid. */
export function parseProfileQuery(body: JsonObject): ProfileQuery | Refusal {
  const parsed = parseShape(profileBatch, body);
  if (parsed instanceof Refusal) return parsed;
  return { xuids: [...new Set(parsed.userIds)], settings: parsed.settings };
}

/** The settings that a query string names: a comma list. Refuses: requestInvalid for more than 100. */
export function parseSettings(query: URLSearchParams): readonly string[] | Refusal {
  const names = (query.get('settings') ?? '').split(',', limits.profileSettingsMax + 1);
  if (names.length > limits.profileSettingsMax) {
    return new Refusal(
      'requestInvalid',
      `query.settings: Expected at most ${limits.profileSettingsMax} names.`,
      { detail: 'query.settings' },
    );
  }
  return names.map((name) => name.trim()).filter((name) => name !== '');
}
