/**
 * The rules of a matchmaking hopper in a service config file.
 *
 *   rule = { "name", "type": "must" | "should", "dataType", "weight"?, … }
 *
 * @source docs/wire/matchmaking.md "Hoppers"
 */

import * as v from 'valibot';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import type { Rule } from '../domain/matchmaking/hopper.ts';
import { exactObject, integer, list, text } from '../domain/shape.ts';
import { parseOrReport, type Report } from './config-problem.ts';

/** Players of a match. */
export const groupSizeMax = 256;
const textCharactersMax = 128;
const teamsMax = 64;
const rolesMax = 32;

export const nameShape = (what: string, charactersMax = textCharactersMax) =>
  text(
    (given) => given !== '' && given.length <= charactersMax,
    `${what}, 1 to ${charactersMax} characters`,
  );

export const flagShape = v.boolean('Expected true or false');

/** A number of 32 bits: no larger one is compared exactly by the clients' own service. */
const number32Max = 2 ** 31;

function number(min: number, expected: string) {
  return v.pipe(
    v.number(`Expected ${expected}`),
    v.check(
      (given) => Number.isFinite(given) && given >= min && Math.abs(given) < number32Max,
      `Expected ${expected}`,
    ),
  );
}

const anyNumber = number(-number32Max, 'a number of 32 bits');
const zeroOrMore = number(0, 'a number of at least 0');
const above0 = v.pipe(
  number(0, 'a number above 0'),
  v.check((given) => given > 0, 'Expected a number above 0'),
);

const base = {
  name: nameShape('the name of the rule'),
  type: v.picklist(['must', 'should'], 'Expected "must" or "should"'),
  weight: v.optional(above0),
};

/** What can be checked of a rule of an unknown kind. */
const baseShape = v.looseObject(base, (issue) => {
  const given = base[String(issue.path?.at(-1)?.key) as keyof typeof base];
  const [first] = given ? (v.safeParse(given, undefined).issues ?? []) : [];
  return `This member is missing. ${first?.message ?? ''}`;
});

const attributeBase = {
  ...base,
  attribute: nameShape('the name of an attribute'),
  source: v.optional(v.picklist(['title', 'userStat'], 'Expected "title" or "userStat"')),
  allowWildcards: v.optional(flagShape),
};

const texts = list(nameShape('a text'), { lengthMax: 100 }, 'an array of at most 100 texts');

const countsOfRoles = v.custom<JsonObject>(
  (given) =>
    isJsonObject(given) &&
    Object.keys(given).length > 0 &&
    Object.keys(given).length <= rolesMax &&
    Object.values(given).every(
      (count) => Number.isInteger(count) && Number(count) >= 1 && Number(count) <= groupSizeMax,
    ),
  `Expected an object of 1 to ${rolesMax} roles, each with how many players it takes`,
);

/** The shape of each kind of rule. A collection has two: see `kindOf`. */
const shapes = {
  number: exactObject({
    ...attributeBase,
    dataType: v.literal('number'),
    flatten: v.optional(v.picklist(['minMax', 'average'], 'Expected "minMax" or "average"')),
    maxDiff: zeroOrMore,
    expansionDelta: v.optional(zeroOrMore),
    defaultValue: v.optional(anyNumber),
  }),
  string: exactObject({
    ...attributeBase,
    dataType: v.literal('string'),
    defaultValue: v.optional(nameShape('a text')),
  }),
  collection: exactObject({
    ...attributeBase,
    dataType: v.literal('collection'),
    operation: v.picklist(
      ['intersection', 'difference', 'rolePreference'],
      'Expected "intersection", "difference" or "rolePreference"',
    ),
    target: integer(0, groupSizeMax),
    defaultValue: v.optional(texts),
  }),
  rolePreference: exactObject({
    ...attributeBase,
    dataType: v.literal('collection'),
    operation: v.literal('rolePreference'),
    roles: countsOfRoles,
    allowWaiting: v.optional(flagShape),
    defaultValue: v.optional(texts),
  }),
  totalValue: exactObject({
    ...attributeBase,
    dataType: v.literal('totalValue'),
    exact: v.optional(anyNumber),
    min: v.optional(anyNumber),
    max: v.optional(anyNumber),
    defaultValue: v.optional(anyNumber),
  }),
  qualityOfService: exactObject({
    ...base,
    dataType: v.literal('qualityOfService'),
    topology: v.picklist(
      ['peerToPeer', 'peerToHost', 'clientServer'],
      'Expected "peerToPeer", "peerToHost" or "clientServer"',
    ),
    latencyMaximum: v.optional(integer(1, 60_000)),
    scalingMaximum: v.optional(integer(1, 60_000)),
  }),
  team: exactObject({
    ...base,
    dataType: v.literal('team'),
    teams: list(
      exactObject({
        name: nameShape('the name of a team'),
        min: integer(0, groupSizeMax),
        max: integer(1, groupSizeMax),
      }),
      { lengthMin: 1, lengthMax: teamsMax },
      `an array of 1 to ${teamsMax} teams`,
    ),
  }),
};

const defaultLatencyMaximumMs = 200;
const defaultScalingMaximumMs = 100;

const dataTypes = [
  'number',
  'string',
  'collection',
  'totalValue',
  'qualityOfService',
  'team',
] as const;

type RuleKind = (typeof dataTypes)[number] | 'rolePreference';

/** The kind of rule; undefined when it is none. The operation of a collection makes two kinds of it. */
function kindOf({ dataType, operation }: JsonObject): RuleKind | undefined {
  if (dataType === 'collection' && operation === 'rolePreference') return 'rolePreference';
  return dataTypes.find((one) => one === dataType);
}

/** The rule; undefined when it does not fit. Every problem is reported. */
export function parseRule(raw: Json, path: string, report: Report): Rule | undefined {
  if (!isJsonObject(raw)) return undefined;
  const kind = kindOf(raw);
  if (kind === undefined) {
    report(`${path}.dataType`, `Expected one of ${dataTypes.map((one) => `"${one}"`).join(', ')}`);
    // What all rules have can be checked all the same.
    parseOrReport(baseShape, raw, path, report);
    return undefined;
  }
  return parsers[kind](raw, path, report);
}

type RuleParser = (raw: JsonObject, path: string, report: Report) => Rule | undefined;

const parsers: Readonly<Record<RuleKind, RuleParser>> = {
  number(raw, path, report) {
    const parsed = parseOrReport(shapes.number, raw, path, report);
    if (parsed === undefined) return undefined;
    reportSource(parsed, path, report);
    const { dataType, maxDiff, expansionDelta = 0, flatten = 'minMax', defaultValue } = parsed;
    if (parsed.type === 'must' && expansionDelta > 0) {
      report(
        `${path}.expansionDelta`,
        'a MUST rule is never relaxed: this does nothing',
        'warning',
      );
    }
    return { ...attributeRule(parsed), dataType, maxDiff, expansionDelta, flatten, defaultValue };
  },

  string(raw, path, report) {
    const parsed = parseOrReport(shapes.string, raw, path, report);
    if (parsed === undefined) return undefined;
    reportSource(parsed, path, report);
    const { dataType, defaultValue } = parsed;
    return { ...attributeRule(parsed), dataType, defaultValue };
  },

  collection(raw, path, report) {
    const parsed = parseOrReport(shapes.collection, raw, path, report);
    if (parsed === undefined || parsed.operation === 'rolePreference') return undefined;
    reportSource(parsed, path, report);
    const { dataType, operation, target, defaultValue } = parsed;
    return { ...attributeRule(parsed), dataType, operation, target, defaultValue };
  },

  rolePreference(raw, path, report) {
    const parsed = parseOrReport(shapes.rolePreference, raw, path, report);
    if (parsed === undefined) return undefined;
    reportSource(parsed, path, report);
    const { dataType, operation, allowWaiting = false, defaultValue } = parsed;
    const roles = parsed.roles as Record<string, number>;
    return { ...attributeRule(parsed), dataType, operation, roles, allowWaiting, defaultValue };
  },

  totalValue(raw, path, report) {
    const parsed = parseOrReport(shapes.totalValue, raw, path, report);
    if (parsed === undefined) return undefined;
    reportSource(parsed, path, report);
    const { dataType, exact, min = exact, max = exact, defaultValue } = parsed;
    const isRange = parsed.min !== undefined || parsed.max !== undefined;
    if ((exact !== undefined) === isRange) {
      report(path, 'Expected either "exact", or "min" and "max" or one of them');
      return undefined;
    }
    const bounds = { min: min ?? Number.NEGATIVE_INFINITY, max: max ?? Number.POSITIVE_INFINITY };
    if (bounds.min > bounds.max) report(`${path}.min`, `Expected at most max (${bounds.max})`);
    return { ...attributeRule(parsed), dataType, ...bounds, defaultValue };
  },

  qualityOfService(raw, path, report) {
    const parsed = parseOrReport(shapes.qualityOfService, raw, path, report);
    if (parsed === undefined) return undefined;
    const { dataType, topology } = parsed;
    const { latencyMaximum = defaultLatencyMaximumMs } = parsed;
    const { scalingMaximum = defaultScalingMaximumMs } = parsed;
    return { ...ruleBase(parsed), dataType, topology, latencyMaximum, scalingMaximum };
  },

  team(raw, path, report) {
    const parsed = parseOrReport(shapes.team, raw, path, report);
    if (parsed === undefined) return undefined;
    for (const [i, { name: teamName, min, max }] of parsed.teams.entries()) {
      const place = `${path}.teams[${i}]`;
      if (min > max) report(`${place}.min`, `Expected at most max (${max})`);
      const first = parsed.teams.findIndex((other) => other.name === teamName);
      if (first !== i) {
        report(`${place}.name`, `Expected a name of its own; ${path}.teams[${first}] has this one`);
      }
    }
    const teams = parsed.teams.map(({ name: teamName, min, max }) => ({
      name: teamName,
      minSize: min,
      maxSize: max,
    }));
    return { ...ruleBase(parsed), dataType: parsed.dataType, teams };
  },
};

type ParsedBase = {
  readonly name: string;
  readonly type: 'must' | 'should';
  readonly weight?: number | undefined;
};

type ParsedAttribute = ParsedBase & {
  readonly attribute: string;
  readonly source?: 'title' | 'userStat' | undefined;
  readonly allowWildcards?: boolean | undefined;
  readonly defaultValue?: unknown;
};

function ruleBase({ name: ruleName, type, weight = 1 }: ParsedBase) {
  return { name: ruleName, type, weight };
}

function attributeRule(parsed: ParsedAttribute) {
  const { attribute, allowWildcards = false } = parsed;
  return { ...ruleBase(parsed), attribute, allowWildcards };
}

function reportSource(
  { source, allowWildcards, defaultValue }: ParsedAttribute,
  path: string,
  report: Report,
): void {
  if (allowWildcards && defaultValue !== undefined) {
    report(`${path}.defaultValue`, 'allowWildcards is true: the default is never used', 'warning');
  }
  if (source !== 'userStat') return;
  if (!allowWildcards && defaultValue === undefined) {
    report(`${path}.defaultValue`, 'This member is missing: this server has no user statistics');
    return;
  }
  report(
    `${path}.source`,
    'this server has no user statistics: the value is what the title gives, or the default',
    'warning',
  );
}
