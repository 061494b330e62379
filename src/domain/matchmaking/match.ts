/** A match: tickets that go to one target session, and what it is worth. */

import type { Xuid } from '../ids.ts';
import type { Milliseconds } from '../time.ts';
import { isBinding } from './expansion.ts';
import type { Hopper } from './hopper.ts';
import { type Candidate, closenessOf, type HopperRules, longestCycle } from './hopper-rules.ts';
import { serverPreference } from './rules/quality-of-service.ts';
import type { NumberRange } from './rules/number.ts';
import { type TeamPlayers, teamsOf } from './rules/team.ts';
import type { MatchTicket } from './ticket.ts';

export type Match = {
  /** Who waits the longest is first. */
  readonly tickets: readonly MatchTicket[];
  /** The team of each player; absent in hoppers without teams. */
  readonly teams?: ReadonlyMap<Xuid, string>;
  /** Servers that all can use, the best first. */
  readonly servers: readonly string[];
  /** From 0 to 1: how near the tickets are to each other by the rules of the hopper. */
  readonly quality: number;
};

/** The match of a group of tickets that are one. */
export function matchOf(
  rules: HopperRules,
  group: readonly Candidate[],
  nowMs: Milliseconds,
): Match {
  const tickets = group.map(({ ticket }) => ticket);
  const teams = teamsOfGroup(rules, group, nowMs);
  return {
    tickets,
    ...(teams && { teams }),
    servers: serverPreference(tickets),
    quality: qualityOf(rules, group),
  };
}

function teamsOfGroup(
  rules: HopperRules,
  group: readonly Candidate[],
  nowMs: Milliseconds,
): ReadonlyMap<Xuid, string> | undefined {
  const index = rules.rules.findIndex(({ rule }) => rule.dataType === 'team');
  const rule = rules.rules[index]?.rule;
  if (rule?.dataType !== 'team') return undefined;
  const values = group.map((one) => one.values[index] as TeamPlayers);
  const mayPart = !isBinding(rule, rules.hopper, longestCycle(rules, group, nowMs));
  return teamsOf(values, rule, strengthsOf(rules, group), mayPart);
}

/** The first number rule says how strong a ticket is: teams are made even by it. */
function strengthsOf({ rules }: HopperRules, group: readonly Candidate[]): readonly number[] {
  const index = rules.findIndex(({ rule }) => rule.dataType === 'number');
  return group.map(({ values }) => {
    const range = values[index] as NumberRange | undefined | null;
    return range ? (range.min + range.max) / 2 : 0;
  });
}

/** From 0 to 1: the mean closeness of all pairs; 1 of a single ticket. */
function qualityOf(rules: HopperRules, group: readonly Candidate[]): number {
  let sum = 0;
  let pairs = 0;
  for (let i = 0; i < group.length; i += 1) {
    const a = group[i] as Candidate;
    for (let j = i + 1; j < group.length; j += 1) {
      sum += closenessOf(rules, a, group[j] as Candidate);
      pairs += 1;
    }
  }
  return pairs === 0 ? 1 : sum / pairs;
}

/** What a cycle of waiting adds to the worth of each place: in the end it outweighs all else. */
const worthOfCycle = 0.25;

/**
 * What a match is worth: the more players, the fuller, the nearer to each other and the longer they have
 * waited, the more.
 *
 * @source docs/wire/matchmaking.md "Which match is made"
 */
export function worthOf(
  { maxGroupSize }: Pick<Hopper, 'maxGroupSize'>,
  group: {
    readonly places: number;
    readonly quality: number;
    /** The sum over all places of the cycles that they have waited. */
    readonly waitedCycles: number;
  },
): number {
  const fill = group.places / maxGroupSize;
  return group.places * (1 + (fill + group.quality) / 2) + worthOfCycle * group.waitedCycles;
}
