/** A hopper with its rules made ready for the matcher, and its tickets as these rules see them. */

import type { Guid, Xuid } from '../ids.ts';
import { formatJson } from '../json.ts';
import type { Milliseconds } from '../time.ts';
import { cycleOf, isBinding } from './expansion.ts';
import type { Hopper, Rule } from './hopper.ts';
import type { GroupValues, RuleBody } from './rule.ts';
import { collectionRule } from './rules/collection.ts';
import { numberRule } from './rules/number.ts';
import { qualityRule } from './rules/quality-of-service.ts';
import { roleRule } from './rules/role-preference.ts';
import { stringRule } from './rules/string.ts';
import { teamRule } from './rules/team.ts';
import { totalRule } from './rules/total-value.ts';
import { type MatchTicket, placesOf } from './ticket.ts';

/** The value of a ticket for one rule: the rule's own body alone looks into it. */
type RuleValue = unknown;

export type ReadyRule = {
  readonly rule: Rule;
  readonly body: RuleBody<RuleValue>;
};

export type HopperRules = {
  readonly hopper: Hopper;
  readonly rules: readonly ReadyRule[];
  /** Indexes of the rules that look at whole groups. */
  readonly groupRules: readonly number[];
};

/** A ticket as the rules of a hopper see it. */
export type Candidate = {
  readonly ticket: MatchTicket;
  /** Places of a match that it takes. */
  readonly places: number;
  /** In the order of the rules. */
  readonly values: readonly (RuleValue | undefined | null)[];
  /** True: a rule finds no value, so that the ticket goes with no other while the rule prevents matches. */
  readonly lacksValue: boolean;
  /** Users whom a player of the ticket does not want to meet. Absent: none. */
  readonly avoids?: ReadonlySet<Xuid> | undefined;
  /** Equal for tickets whose target sessions are to have the same constants. */
  readonly constantsKey: string;
};

/** The rules of a hopper, ready for the matcher. */
export function hopperRules(hopper: Hopper): HopperRules {
  const rules = hopper.rules.map((rule) => ({ rule, body: bodyOf(rule, hopper) }));
  const groupRules = [...rules.keys()].filter((index) => rules[index]?.body.admitsGroup);
  return { hopper, rules, groupRules };
}

function bodyOf(rule: Rule, hopper: Hopper): RuleBody<RuleValue> {
  return typedBodyOf(rule, hopper) as RuleBody<RuleValue>;
}

function typedBodyOf(rule: Rule, hopper: Hopper) {
  switch (rule.dataType) {
    case 'number':
      return numberRule(rule);
    case 'string':
      return stringRule(rule);
    case 'collection':
      return rule.operation === 'rolePreference' ? roleRule(rule) : collectionRule(rule);
    case 'totalValue':
      return totalRule(rule);
    case 'qualityOfService':
      return qualityRule(rule, hopper);
    case 'team':
      return teamRule(rule);
  }
}

/** The ticket as these rules see it. */
export function candidateOf({ rules, hopper }: HopperRules, ticket: MatchTicket): Candidate {
  const avoids = hopper.isRanked ? [] : ticket.players.flatMap((player) => player.avoids ?? []);
  const values = rules.map(({ body }) => body.valueOf(ticket));
  return {
    ticket,
    places: placesOf(ticket),
    values,
    lacksValue: values.includes(null),
    avoids: avoids.length > 0 ? new Set(avoids) : undefined,
    constantsKey: ticket.targetConstants ? formatJson(ticket.targetConstants) : '',
  };
}

/** What keeps two tickets from being in one match: a rule, or what no hopper asks for. */
export type PairProblem =
  | { readonly kind: 'rule'; readonly index: number }
  | { readonly kind: 'avoided' | 'bothPreserved' | 'constantsDiffer' | 'samePlayer' | 'tooLarge' };

/** True when nothing keeps the two from being in one match. */
export function mayPair(rules: HopperRules, a: Candidate, b: Candidate, cycle: number): boolean {
  const { hopper } = rules;
  if (a.places + b.places > hopper.maxGroupSize) return false;
  if (a.ticket.preserved && b.ticket.preserved) return false;
  if (a.constantsKey !== b.constantsKey) return false;
  for (let i = 0; i < rules.rules.length; i += 1) {
    const one = rules.rules[i];
    if (one === undefined) continue;
    // What only looks at groups says something of pairs where a value is missing.
    const left = a.values[i];
    const right = b.values[i];
    if (left !== null && right !== null) {
      const { admits } = one.body;
      if (admits === undefined || left === undefined || right === undefined) continue;
      if (admits(left, right, cycle)) continue;
    }
    if (isBinding(one.rule, hopper, cycle)) return false;
  }
  return mayMeet(a, b);
}

/** True when no player is in both, and none avoids one of the other. */
export function mayMeet(a: Candidate, b: Candidate): boolean {
  if (sharePlayer(a, b)) return false;
  return (a.avoids === undefined && b.avoids === undefined) || !avoidEachOther(a, b);
}

/** Everything that keeps the two from being in one match. */
export function pairProblems(
  rules: HopperRules,
  a: Candidate,
  b: Candidate,
  cycle: number,
): readonly PairProblem[] {
  return [
    ...(a.places + b.places > rules.hopper.maxGroupSize ? [{ kind: 'tooLarge' } as const] : []),
    ...(a.ticket.preserved && b.ticket.preserved ? [{ kind: 'bothPreserved' } as const] : []),
    ...(a.constantsKey === b.constantsKey ? [] : [{ kind: 'constantsDiffer' } as const]),
    ...rules.rules.flatMap((_, index) =>
      holdsFor(rules, index, a, b, cycle) ? [] : [{ kind: 'rule', index } as const],
    ),
    ...(sharePlayer(a, b) ? [{ kind: 'samePlayer' } as const] : []),
    ...(avoidEachOther(a, b) ? [{ kind: 'avoided' } as const] : []),
  ];
}

function holdsFor(
  { rules, hopper }: HopperRules,
  index: number,
  a: Candidate,
  b: Candidate,
  cycle: number,
): boolean {
  const one = rules[index];
  if (one === undefined || !isBinding(one.rule, hopper, cycle)) return true;
  const [left, right] = [a.values[index], b.values[index]];
  if (left === null || right === null) return false;
  if (left === undefined || right === undefined || one.body.admits === undefined) return true;
  return one.body.admits(left, right, cycle);
}

/** True when a user waits with both tickets: nobody is matched with himself. */
function sharePlayer(a: Candidate, b: Candidate): boolean {
  const others = b.ticket.players;
  for (const { xuid } of a.ticket.players) {
    for (const other of others) if (other.xuid === xuid) return true;
  }
  return false;
}

function avoidEachOther(a: Candidate, b: Candidate): boolean {
  return avoidsAnyOf(a, b) || avoidsAnyOf(b, a);
}

function avoidsAnyOf({ avoids }: Candidate, { ticket }: Candidate): boolean {
  return avoids?.size ? ticket.players.some(({ xuid }) => avoids.has(xuid)) : false;
}

/** True when no rule is in the way of a group whose pairs are all allowed. */
export function mayGroup(
  rules: HopperRules,
  group: readonly Candidate[],
  cycle: number,
  isComplete: boolean,
): boolean {
  return ruleInTheWay(rules, group, cycle, isComplete) === undefined;
}

/** A rule that is in the way of a group whose pairs are all allowed; undefined: none is. */
function ruleInTheWay(
  { rules, groupRules, hopper }: HopperRules,
  group: readonly Candidate[],
  cycle: number,
  isComplete: boolean,
): number | undefined {
  for (const { lacksValue, values } of group) {
    if (!lacksValue) continue;
    const lacking = rules.findIndex(
      ({ rule }, index) => values[index] === null && isBinding(rule, hopper, cycle),
    );
    if (lacking >= 0) return lacking;
  }
  for (const index of groupRules) {
    const one = rules[index];
    if (one?.body.admitsGroup === undefined || !isBinding(one.rule, hopper, cycle)) continue;
    if (!one.body.admitsGroup(new GroupOf(group, index, cycle, isComplete))) return index;
  }
  return undefined;
}

/**
 * The only rule that looks at groups, where sums of codes tell what it says; undefined: there is none,
 * or there are others too.
 */
export function sumRuleOf({ rules, groupRules }: HopperRules): ReadyRule | undefined {
  const only = groupRules.length === 1 ? rules[groupRules[0] as number] : undefined;
  return only?.body.admitsSum && only;
}

/** The code of a ticket for that rule. */
export function groupCodeOf(rules: HopperRules, { values }: Candidate): number {
  const value = values[rules.groupRules[0] as number];
  const { codeOf } = sumRuleOf(rules)?.body ?? {};
  return value === undefined || value === null ? 0 : (codeOf?.(value) ?? 0);
}

/** Why a complete group is no match; undefined when no rule is in the way. */
function groupProblem(
  rules: HopperRules,
  group: readonly Candidate[],
  cycle: number,
): string | undefined {
  const index = ruleInTheWay(rules, group, cycle, true);
  const one = index === undefined ? undefined : rules.rules[index];
  if (index === undefined || one === undefined) return undefined;
  if (group.some(({ values }) => values[index] === null)) return one.body.missing;
  return one.body.groupProblem?.(new GroupOf(group, index, cycle, true)) ?? one.rule.name;
}

/** A group as a rule sees it. Most rules do not look at the tickets themselves. */
class GroupOf implements GroupValues<RuleValue> {
  readonly values: readonly (RuleValue | undefined)[];
  readonly cycle: number;
  readonly isComplete: boolean;
  readonly #group: readonly Candidate[];

  constructor(group: readonly Candidate[], index: number, cycle: number, isComplete: boolean) {
    this.#group = group;
    const values: (RuleValue | undefined)[] = [];
    for (const one of group) values.push(one.values[index]);
    this.values = values;
    this.cycle = cycle;
    this.isComplete = isComplete;
  }

  get tickets(): readonly MatchTicket[] {
    return this.#group.map(({ ticket }) => ticket);
  }
}

/**
 * Why this group of tickets is no match; undefined when it is one.
 *
 * This says what a match is. Whatever searches for matches asks it at the end.
 *
 * @source docs/wire/matchmaking.md "What a match is"
 */
export function matchProblem(
  rules: HopperRules,
  group: readonly Candidate[],
  nowMs: Milliseconds,
): string | undefined {
  const { minGroupSize, maxGroupSize } = rules.hopper;
  const places = group.reduce((sum, one) => sum + one.places, 0);
  if (places < minGroupSize) return `${places} of ${minGroupSize} players`;
  if (places > maxGroupSize) return `${places} players, ${maxGroupSize} allowed`;
  const cycle = longestCycle(rules, group, nowMs);
  if (!isLargeEnough(rules, places, cycle)) return `${places} of ${maxGroupSize} players so far`;
  for (const [i, a] of group.entries()) {
    for (const b of group.slice(i + 1)) {
      if (!mayPair(rules, a, b, cycle)) return `${a.ticket.id} and ${b.ticket.id} may not meet`;
    }
  }
  return groupProblem(rules, group, cycle);
}

/** True when a group whose pairs are all allowed is a match. */
export function isMatch(
  rules: HopperRules,
  group: readonly Candidate[],
  places: number,
  cycle: number,
): boolean {
  return isLargeEnough(rules, places, cycle) && mayGroup(rules, group, cycle, true);
}

/** A match that is not full waits for others until one of its tickets has waited for a whole cycle. */
export function isLargeEnough({ hopper }: HopperRules, places: number, cycle: number): boolean {
  const { minGroupSize, maxGroupSize } = hopper;
  return places === maxGroupSize || (places >= minGroupSize && places < maxGroupSize && cycle >= 1);
}

/** The cycle of the ticket that waits the longest. */
export function longestCycle(
  { hopper }: HopperRules,
  group: readonly Candidate[],
  nowMs: Milliseconds,
): number {
  let longest = 0;
  for (const { ticket } of group) {
    longest = Math.max(longest, cycleOf(hopper, ticket.sinceMs, nowMs));
  }
  return longest;
}

/** How near two tickets are: from 0 to 1, over all rules that can say so, by weight. */
export function closenessOf({ rules }: HopperRules, a: Candidate, b: Candidate): number {
  let sum = 0;
  let weights = 0;
  for (let i = 0; i < rules.length; i += 1) {
    const one = rules[i];
    if (one?.body.closeness === undefined) continue;
    const left = a.values[i];
    const right = b.values[i];
    weights += one.rule.weight;
    if (left === undefined || right === undefined) sum += one.rule.weight;
    else if (left !== null && right !== null)
      sum += one.rule.weight * one.body.closeness(left, right);
  }
  return weights === 0 ? 1 : sum / weights;
}

/** Tickets in the order in which the pool is worked on: who waits the longest goes first. */
export function byWait(
  a: { readonly ticket: MatchTicket },
  b: { readonly ticket: MatchTicket },
): number {
  return a.ticket.sinceMs - b.ticket.sinceMs || compareIds(a.ticket.id, b.ticket.id);
}

function compareIds(a: Guid, b: Guid): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
