/**
 * The matchmaking hoppers of a service config file.
 *
 *   hopper = { "sessionTemplate", "ticketTemplates"?: [ name … ], "minGroupSize", "maxGroupSize",
 *              "expansionCycles"?, "cycleSeconds"?, "typicalWaitSeconds"?, "ranked"?,
 *              "autoUpdateFromSession"?, "rules"?: [ rule … ] }
 *
 * @source docs/wire/matchmaking.md "Hoppers"
 */

import * as v from 'valibot';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { type Hopper, hopperDefaults, type Rule } from '../domain/matchmaking/hopper.ts';
import { resolveConstantsSystem, type ConstantsSystem } from '../domain/session/constants.ts';
import type { SessionTemplate } from '../domain/session/template.ts';
import { exactObject, formatStep, integer, list, titleObject } from '../domain/shape.ts';
import { parseOrReport, type Report } from './config-problem.ts';
import { flagShape, groupSizeMax, nameShape, parseRule } from './hopper-rule.ts';

const nameCharactersMax = 140;
const rulesMax = 32;
const cycleSecondsMax = 600;
const cyclesMax = 100;
const daySeconds = 86_400;

const hopperShape = exactObject({
  sessionTemplate: nameShape('the name of a session template'),
  ticketTemplates: v.optional(
    list(
      nameShape('the name of a session template'),
      { lengthMax: 32 },
      'an array of template names',
    ),
  ),
  minGroupSize: integer(1, groupSizeMax),
  maxGroupSize: integer(1, groupSizeMax),
  expansionCycles: v.optional(integer(0, cyclesMax)),
  cycleSeconds: v.optional(integer(1, cycleSecondsMax)),
  typicalWaitSeconds: v.optional(integer(0, daySeconds)),
  ranked: v.optional(flagShape),
  autoUpdateFromSession: v.optional(flagShape),
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
