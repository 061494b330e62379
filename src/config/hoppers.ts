/**
 * The matchmaking hoppers of a service config file.
 *
 *   hopper = { "sessionTemplate", "ticketTemplates"?: [ name … ], "minGroupSize", "maxGroupSize",
 *              "expansionCycles"?, "cycleSeconds"?, "typicalWaitSeconds"?, "ranked"?,
 *              "autoUpdateFromSession"?, "rules"?: [ rule … ] }
 *   rule   = { "name", "type": "must" | "should", "dataType", "weight"?, … }
 *
 * @source docs/wire/matchmaking.md "Hoppers"
 */

import * as v from 'valibot';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { type Hopper, hopperDefaults, type Rule } from '../domain/matchmaking/hopper.ts';
import { resolveConstantsSystem, type ConstantsSystem } from '../domain/session/constants.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import { exactObject, formatStep, integer, list, text, titleObject } from '../domain/shape.ts';
import { parseOrReport, type Report } from './config-problem.ts';

const nameCharactersMax = 140;
const groupSizeMax = 256;
const rulesMax = 32;
const textCharactersMax = 128;
const teamsMax = 64;
const rolesMax = 32;
const cycleSecondsMax = 600;
const cyclesMax = 100;
const daySeconds = 86_400;

const name = (what: string, charactersMax = textCharactersMax) =>
  text(
    (given) => given !== '' && given.length <= charactersMax,
    `${what}, 1 to ${charactersMax} characters`,
  );

const flag = v.boolean('Expected true or false');

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
  name: name('the name of the rule'),
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
  attribute: name('the name of an attribute'),
  source: v.optional(v.picklist(['title', 'userStat'], 'Expected "title" or "userStat"')),
  allowWildcards: v.optional(flag),
};

const texts = list(name('a text'), { lengthMax: 100 }, 'an array of at most 100 texts');

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
    defaultValue: v.optional(name('a text')),
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
    allowWaiting: v.optional(flag),
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
        name: name('the name of a team'),
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

const hopperShape = exactObject({
  sessionTemplate: name('the name of a session template'),
  ticketTemplates: v.optional(
    list(name('the name of a session template'), { lengthMax: 32 }, 'an array of template names'),
  ),
  minGroupSize: integer(1, groupSizeMax),
  maxGroupSize: integer(1, groupSizeMax),
  expansionCycles: v.optional(integer(0, cyclesMax)),
  cycleSeconds: v.optional(integer(1, cycleSecondsMax)),
  typicalWaitSeconds: v.optional(integer(0, daySeconds)),
  ranked: v.optional(flag),
  autoUpdateFromSession: v.optional(flag),
  rules: v.optional(
    list(titleObject, { lengthMax: rulesMax }, `an array of at most ${rulesMax} rules`),
  ),
});

/** The hoppers by lower-case name; every problem of theirs is reported. */
export function parseHoppers(
  hoppers: JsonObject,
  templates: ReadonlyMap<string, SessionTemplate>,
  path: string,
  report: Report,
): ReadonlyMap<string, Hopper> {
  const parsed = new Map<string, Hopper>();
  const firstNames = new Map<string, string>();
  for (const [hopperName, raw] of Object.entries(hoppers)) {
    const place = `${path}${formatStep(hopperName)}`;
    const first = firstNames.get(hopperName.toLowerCase());
    if (!isHopperName(hopperName)) {
      report(place, `Expected a name of 1 to ${nameCharactersMax} characters without "/"`);
    } else if (first !== undefined) {
      report(place, `Expected a name of its own; "${first}" differs in letter case only`);
    }
    firstNames.set(hopperName.toLowerCase(), hopperName);
    const hopper = parseHopper(hopperName, raw, templates, place, report);
    if (hopper) parsed.set(hopperName.toLowerCase(), hopper);
  }
  return parsed;
}

function isHopperName(given: string): boolean {
  return given !== '' && given.length <= nameCharactersMax && !given.includes('/');
}

function parseHopper(
  hopperName: string,
  raw: Json,
  templates: ReadonlyMap<string, SessionTemplate>,
  path: string,
  report: Report,
): Hopper | undefined {
  const parsed = parseOrReport(hopperShape, raw, path, report);
  // Rules are looked at in any case, so that a problem elsewhere hides none of theirs.
  const rawRules = isJsonObject(raw) && Array.isArray(raw.rules) ? raw.rules : [];
  const rules = rawRules
    .slice(0, rulesMax)
    .map((rule: Json, i) => parseRule(rule, `${path}.rules[${i}]`, report));
  if (parsed === undefined) return undefined;
  const { minGroupSize, maxGroupSize, ticketTemplates = [] } = parsed;
  if (minGroupSize > maxGroupSize) {
    report(`${path}.minGroupSize`, `Expected at most maxGroupSize (${maxGroupSize})`);
  }
  if (maxGroupSize === 1) {
    report(
      `${path}.maxGroupSize`,
      'a match is one player: each ticket is matched at once, with no other',
      'warning',
    );
  }
  reportTarget(parsed.sessionTemplate, maxGroupSize, templates, path, report);
  for (const [i, template] of ticketTemplates.entries()) {
    reportTicketTemplate(template, templates, `${path}.ticketTemplates[${i}]`, report);
  }
  const good = rules.filter((rule) => rule !== undefined);
  reportRepeatedRules(rules, path, report);
  for (const [i, rule] of rules.entries()) {
    if (rule) reportGroupSizes(rule, parsed, `${path}.rules[${i}]`, report);
  }
  return {
    name: hopperName,
    sessionTemplate: parsed.sessionTemplate,
    minGroupSize,
    maxGroupSize,
    expansionCycles: parsed.expansionCycles ?? hopperDefaults.expansionCycles,
    cycleMs:
      parsed.cycleSeconds === undefined ? hopperDefaults.cycleMs : parsed.cycleSeconds * 1_000,
    isRanked: parsed.ranked ?? false,
    followsSession: parsed.autoUpdateFromSession ?? false,
    typicalWaitMs:
      parsed.typicalWaitSeconds === undefined
        ? hopperDefaults.typicalWaitMs
        : parsed.typicalWaitSeconds * 1_000,
    rules: good,
  };
}

function reportTarget(
  template: string,
  maxGroupSize: number,
  templates: ReadonlyMap<string, SessionTemplate>,
  path: string,
  report: Report,
): void {
  const place = `${path}.sessionTemplate`;
  const constants = constantsOf(template, templates);
  if (constants === undefined) {
    report(place, `Expected a session template of this service config; "${template}" is none`);
    return;
  }
  if (!constants.capabilities.gameplay) {
    report(place, `Expected a template with capability gameplay; "${template}" has it not`);
  }
  if (constants.maxMembersCount < maxGroupSize) {
    report(
      `${path}.maxGroupSize`,
      `Expected at most ${constants.maxMembersCount}, the maxMembersCount of "${template}"`,
    );
  }
}

function reportTicketTemplate(
  template: string,
  templates: ReadonlyMap<string, SessionTemplate>,
  place: string,
  report: Report,
): void {
  const constants = constantsOf(template, templates);
  if (constants === undefined) {
    report(place, `Expected a session template of this service config; "${template}" is none`);
    return;
  }
  if (constants.capabilities.gameplay) {
    report(place, 'a ticket session should not have capability gameplay', 'warning');
  }
  if (constants.peerToPeerRequirements || constants.peerToHostRequirements) {
    report(place, 'a ticket session should not have requirements for its network', 'warning');
  }
}

function constantsOf(
  template: string,
  templates: ReadonlyMap<string, SessionTemplate>,
): ConstantsSystem | undefined {
  const found = templates.get(template.toLowerCase());
  return found && resolveConstantsSystem(found.constants.system, found.contractVersion);
}

function reportRepeatedRules(
  rules: readonly (Rule | undefined)[],
  path: string,
  report: Report,
): void {
  const firstOf = (holds: (rule: Rule) => boolean): number =>
    rules.findIndex((rule) => rule !== undefined && holds(rule));
  for (const [i, rule] of rules.entries()) {
    if (rule === undefined) continue;
    const first = firstOf((other) => other.name === rule.name);
    if (first !== i) {
      report(
        `${path}.rules[${i}].name`,
        `Expected a name of its own; ${path}.rules[${first}] has this one`,
      );
    }
    if (rule.dataType !== 'team' && rule.dataType !== 'qualityOfService') continue;
    const same = firstOf((other) => other.dataType === rule.dataType);
    if (same !== i) {
      report(
        `${path}.rules[${i}].dataType`,
        `Expected one rule of this type at most; ${path}.rules[${same}] is one`,
      );
    }
  }
}

/** What a rule says about how many players there are must agree with the hopper. */
function reportGroupSizes(
  rule: Rule,
  { minGroupSize, maxGroupSize }: { readonly minGroupSize: number; readonly maxGroupSize: number },
  path: string,
  report: Report,
): void {
  if (rule.dataType === 'team') {
    const least = rule.teams.reduce((sum, { minSize }) => sum + minSize, 0);
    const most = rule.teams.reduce((sum, { maxSize }) => sum + maxSize, 0);
    if (most < maxGroupSize) {
      report(
        `${path}.teams`,
        `Expected teams for maxGroupSize (${maxGroupSize}) players; they take ${most}`,
      );
    }
    if (least > maxGroupSize) {
      report(
        `${path}.teams`,
        `Expected teams that need at most maxGroupSize (${maxGroupSize}) players; they need ${least}`,
      );
    } else if (least > minGroupSize) {
      report(
        `${path}.teams`,
        `the teams need ${least} players, more than minGroupSize (${minGroupSize}): no smaller match is made`,
        'warning',
      );
    }
  }
  if (rule.dataType === 'collection' && rule.operation === 'rolePreference') {
    const places = Object.values(rule.roles).reduce((sum, count) => sum + count, 0);
    if (places !== maxGroupSize) {
      report(
        `${path}.roles`,
        `Expected roles for maxGroupSize (${maxGroupSize}) players in all; they take ${places}`,
      );
    }
  }
}

const dataTypes = [
  'number',
  'string',
  'collection',
  'totalValue',
  'qualityOfService',
  'team',
] as const;

function parseRule(raw: Json, path: string, report: Report): Rule | undefined {
  if (!isJsonObject(raw)) return undefined;
  const dataType = dataTypes.find((one) => one === raw.dataType);
  if (dataType === undefined) {
    report(`${path}.dataType`, `Expected one of ${dataTypes.map((one) => `"${one}"`).join(', ')}`);
    // What all rules have can be checked all the same.
    parseOrReport(baseShape, raw, path, report);
    return undefined;
  }
  if (dataType === 'collection' && raw.operation === 'rolePreference') {
    const parsed = parseOrReport(shapes.rolePreference, raw, path, report);
    if (parsed === undefined) return undefined;
    reportSource(parsed, path, report);
    const { allowWaiting = false } = parsed;
    const roles = parsed.roles as Record<string, number>;
    return {
      ...attributeRule(parsed),
      dataType,
      operation: 'rolePreference',
      roles,
      allowWaiting,
      defaultValue: parsed.defaultValue,
    };
  }
  switch (dataType) {
    case 'number': {
      const parsed = parseOrReport(shapes.number, raw, path, report);
      if (parsed === undefined) return undefined;
      reportSource(parsed, path, report);
      const { maxDiff, expansionDelta = 0, flatten = 'minMax', defaultValue } = parsed;
      if (parsed.type === 'must' && expansionDelta > 0) {
        report(
          `${path}.expansionDelta`,
          'a MUST rule is never relaxed: this does nothing',
          'warning',
        );
      }
      return { ...attributeRule(parsed), dataType, maxDiff, expansionDelta, flatten, defaultValue };
    }
    case 'string': {
      const parsed = parseOrReport(shapes.string, raw, path, report);
      if (parsed === undefined) return undefined;
      reportSource(parsed, path, report);
      return { ...attributeRule(parsed), dataType, defaultValue: parsed.defaultValue };
    }
    case 'collection': {
      const parsed = parseOrReport(shapes.collection, raw, path, report);
      if (parsed === undefined || parsed.operation === 'rolePreference') return undefined;
      reportSource(parsed, path, report);
      const { operation, target, defaultValue } = parsed;
      return { ...attributeRule(parsed), dataType, operation, target, defaultValue };
    }
    case 'totalValue': {
      const parsed = parseOrReport(shapes.totalValue, raw, path, report);
      if (parsed === undefined) return undefined;
      reportSource(parsed, path, report);
      const { exact, defaultValue } = parsed;
      const { min = exact, max = exact } = parsed;
      const isOneOf =
        exact === undefined
          ? min !== undefined || max !== undefined
          : parsed.min === undefined && parsed.max === undefined;
      if (!isOneOf) {
        report(path, 'Expected either "exact", or "min" and "max" or one of them');
        return undefined;
      }
      const bounds = { min: min ?? Number.NEGATIVE_INFINITY, max: max ?? Number.POSITIVE_INFINITY };
      if (bounds.min > bounds.max) report(`${path}.min`, `Expected at most max (${bounds.max})`);
      return { ...attributeRule(parsed), dataType, ...bounds, defaultValue };
    }
    case 'qualityOfService': {
      const parsed = parseOrReport(shapes.qualityOfService, raw, path, report);
      if (parsed === undefined) return undefined;
      const {
        topology,
        latencyMaximum = defaultLatencyMaximumMs,
        scalingMaximum = defaultScalingMaximumMs,
      } = parsed;
      return { ...ruleBase(parsed), dataType, topology, latencyMaximum, scalingMaximum };
    }
    case 'team': {
      const parsed = parseOrReport(shapes.team, raw, path, report);
      if (parsed === undefined) return undefined;
      for (const [i, { name: teamName, min, max }] of parsed.teams.entries()) {
        const place = `${path}.teams[${i}]`;
        if (min > max) report(`${place}.min`, `Expected at most max (${max})`);
        const first = parsed.teams.findIndex((other) => other.name === teamName);
        if (first !== i) {
          report(
            `${place}.name`,
            `Expected a name of its own; ${path}.teams[${first}] has this one`,
          );
        }
      }
      const teams = parsed.teams.map((one) => ({
        name: one.name,
        minSize: one.min,
        maxSize: one.max,
      }));
      return { ...ruleBase(parsed), dataType, teams };
    }
  }
}

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
