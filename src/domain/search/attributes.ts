/**
 * What a title says of a session so that others find it.
 *
 * @source docs/wire/unknowns.md "search attributes beside tags, numbers and strings", docs/wire/search.md "Search handles"
 */

import * as v from 'valibot';
import type { SearchAttributes } from '../handle/handle.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { limits } from '../limits.ts';
import { exactObject, integer, list, text } from '../shape.ts';
import { formatTime, parseTime } from '../time.ts';

const name = text(
  (given) => /^[a-z][a-z0-9]*$/i.test(given) && given.length <= limits.searchCharactersMax,
  `a name of 1 to ${limits.searchCharactersMax} letters and digits that begins with a letter`,
);

const value = text(
  (given) => given.isWellFormed() && given.length <= limits.searchCharactersMax,
  `a text of at most ${limits.searchCharactersMax} characters`,
);

const time = v.pipe(
  text((given) => parseTime(given) !== undefined, 'a time such as "2016-09-20T20:50:00Z"'),
  v.transform((given) => parseTime(given) ?? 0),
);

/** `of` each, under names that differ in more than case. */
function attributes<S extends v.GenericSchema>(of: S) {
  const isShort = (given: unknown): boolean =>
    isJsonObject(given) && Object.keys(given).length <= limits.searchAttributesMax;
  return v.pipe(
    // The names are counted before any is checked.
    v.custom<Record<string, unknown>>(
      isShort,
      `Expected an object of at most ${limits.searchAttributesMax} values by name`,
    ),
    v.record(name, of),
    v.check(
      (given) => distinct(Object.keys(given)),
      'Expected names that differ by more than their case',
    ),
  );
}

function texts<S extends v.GenericSchema>(of: S, what: string) {
  const lengthMax = limits.searchTagsMax;
  return list(of, { lengthMax }, `an array of at most ${lengthMax} ${what}`);
}

function distinct(names: readonly string[]): boolean {
  return new Set(names.map((one) => one.toLowerCase())).size === names.length;
}

const number = v.pipe(v.number('Expected a number'), v.finite('Expected a number'));

/** `searchAttributes` as written. Empty tags, numbers and strings count as absent. */
export const searchAttributesShape: v.GenericSchema<JsonObject, SearchAttributes> = v.pipe(
  exactObject({
    tags: v.optional(texts(name, 'tags')),
    numbers: v.optional(attributes(number)),
    strings: v.optional(attributes(value)),
    achievementIds: v.optional(texts(value, 'achievement ids')),
    language: v.optional(value),
    locale: v.optional(value),
    scheduledTime: v.optional(time),
    targetMembersCount: v.optional(integer(1, limits.membersLargeMax)),
  }),
  v.transform(({ scheduledTime: scheduledTimeMs, ...rest }) =>
    withoutEmpty({ ...rest, scheduledTimeMs }),
  ),
);

function withoutEmpty(given: object): SearchAttributes {
  const isEmpty = ([name, one]: readonly [string, unknown]): boolean =>
    one === undefined ||
    (name === 'tags' && Array.isArray(one) && one.length === 0) ||
    (isJsonObject(one) && Object.keys(one).length === 0);
  return Object.fromEntries(Object.entries(given).filter((entry) => !isEmpty(entry)));
}

/** The attributes as clients read them: the three that every client knows are always there. */
export function viewSearchAttributes(attributes: SearchAttributes): JsonObject {
  const { tags = [], numbers = {}, strings = {}, scheduledTimeMs, ...rest } = attributes;
  return {
    tags,
    numbers,
    strings,
    ...rest,
    ...(scheduledTimeMs !== undefined && { scheduledTime: formatTime(scheduledTimeMs) }),
  };
}
