import type { Xuid } from '../../ids.ts';
import type { TeamRule } from '../hopper.ts';
import { type GroupValues, givenValues, type RuleBody } from '../rule.ts';
import { dealTeams, type Party } from '../teams.ts';
import type { MatchTicket } from '../ticket.ts';

/** The players of a ticket as far as teams are concerned. */
export type TeamPlayers = {
  /** Those who go to one team together, whichever. */
  readonly parties: readonly (readonly Xuid[])[];
  /** Those of a preserved session who are in a team already, by the index of the team. */
  readonly fixed: ReadonlyMap<Xuid, number>;
  /** The sum of those of a group tells how many parties of each size it has; NaN: it does not. */
  readonly sizesCode: number;
};

/** Answers that are remembered: pools have few kinds of groups, however many tickets. */
const rememberedMax = 10_000;

/** The tickets of a match can be dealt to teams, none parted. @source docs/wire/matchmaking.md "Teams" */
export function teamRule(rule: TeamRule): RuleBody<TeamPlayers> {
  const { teams } = rule;
  const known = [false, true].map(() => new Map<number | string, boolean>());
  const canDeal = (group: GroupValues<TeamPlayers>): boolean => {
    const { isComplete, values } = group;
    let code = 0;
    for (let i = 0; i < values.length; i += 1) code += values[i]?.sizesCode ?? 0;
    const answers = known[Number(isComplete)] as Map<number | string, boolean>;
    const key = Number.isSafeInteger(code) ? code : sizesText(givenValues(group), teams.length);
    const answer = answers.get(key);
    if (answer !== undefined) return answer;
    const isDealt = canDealAll(givenValues(group), rule, isComplete);
    if (answers.size >= rememberedMax) answers.clear();
    answers.set(key, isDealt);
    return isDealt;
  };
  return {
    valueOf: (ticket) => teamPlayersOf(ticket, rule),
    admitsGroup: canDeal,
    // Sums that are not exact are not remembered.
    admitsSum: (codesSum, isComplete) => known[Number(isComplete)]?.get(codesSum),
    codeOf: ({ sizesCode }) => sizesCode,
    groupProblem: (group) =>
      `parties of ${givenValues(group)
        .flatMap(({ parties }) => parties.map((party) => party.length))
        .join(', ')} cannot be dealt to the teams`,
    missing: 'its players are in no team',
    words: `the players of a ticket stay in one team: ${teams
      .map(({ name, minSize, maxSize }) =>
        minSize === maxSize ? `${name} (${maxSize})` : `${name} (${minSize} to ${maxSize})`,
      )
      .join(', ')}`,
  };
}

function canDealAll(
  values: readonly TeamPlayers[],
  { teams }: TeamRule,
  isComplete: boolean,
): boolean {
  const parties = values.flatMap((one) => one.parties.map(({ length: size }) => ({ size })));
  const filled = filledBy(values, teams.length);
  return dealTeams(parties, teams, { filled, isComplete }) !== undefined;
}

function sizesText(values: readonly TeamPlayers[], teamsCount: number): string {
  const sizes = values.flatMap(({ parties }) => parties.map((party) => party.length));
  return `${filledBy(values, teamsCount)}:${sizes.sort((a, b) => b - a)}`;
}

/** The code has a digit for each size of party, and no group has so many parties. */
const sizesBase = 257;

const noneFixed: ReadonlyMap<Xuid, number> = new Map();

function teamPlayersOf({ players, preserved }: MatchTicket, { teams }: TeamRule): TeamPlayers {
  if (preserved === undefined) {
    return {
      parties: [players.map(({ xuid }) => xuid)],
      fixed: noneFixed,
      sizesCode: sizesBase ** (players.length - 1),
    };
  }
  const fixed = new Map<Xuid, number>();
  for (const player of players) {
    const team = teams.findIndex(({ name }) => player.teams?.includes(name));
    if (team >= 0) fixed.set(player.xuid, team);
  }
  // Who has chosen no team yet may be in any.
  const others = players.filter(({ xuid }) => !fixed.has(xuid));
  return { parties: others.map(({ xuid }) => [xuid]), fixed, sizesCode: Number.NaN };
}

function filledBy(values: readonly TeamPlayers[], teamsCount: number): number[] {
  const filled = Array<number>(teamsCount).fill(0);
  for (const { fixed } of values) {
    if (fixed.size === 0) continue;
    for (const team of fixed.values()) filled[team] = (filled[team] ?? 0) + 1;
  }
  return filled;
}

/**
 * The team of each player of tickets with these values and strengths. `mayPart` is true once the rule is dropped: then tickets are parted where they
 * must be; undefined when even so there is no place for all.
 */
export function teamsOf(
  values: readonly TeamPlayers[],
  rule: TeamRule,
  strengths: readonly number[],
  mayPart: boolean,
): ReadonlyMap<Xuid, string> | undefined {
  const parties: DealtParty[] = [];
  for (let i = 0; i < values.length; i += 1) {
    const strength = strengths[i] ?? 0;
    for (const xuids of values[i]?.parties ?? []) {
      parties.push({ xuids, size: xuids.length, strength: strength * xuids.length });
    }
  }
  const whole = deal(values, parties, rule, mayPart);
  if (whole !== undefined || !mayPart) return whole;
  const parted = parties.flatMap(({ xuids, size, strength }) =>
    xuids.map((xuid) => ({ xuids: [xuid], size: 1, strength: strength / size })),
  );
  return deal(values, parted, rule, mayPart);
}

type DealtParty = Required<Party> & { readonly xuids: readonly Xuid[] };

function deal(
  values: readonly TeamPlayers[],
  parties: readonly DealtParty[],
  { teams }: TeamRule,
  mayPart: boolean,
): ReadonlyMap<Xuid, string> | undefined {
  const filled = filledBy(values, teams.length);
  const dealt = dealTeams(parties, teams, { filled, isComplete: !mayPart });
  if (dealt === undefined) return undefined;
  const nameOf = new Map<Xuid, string>();
  for (const { fixed } of values) {
    if (fixed.size === 0) continue;
    for (const [xuid, team] of fixed) nameOf.set(xuid, teams[team]?.name ?? '');
  }
  for (let i = 0; i < parties.length; i += 1) {
    const name = teams[dealt[i] ?? 0]?.name ?? '';
    for (const xuid of parties[i]?.xuids ?? []) nameOf.set(xuid, name);
  }
  return nameOf;
}
