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
};

/** Answers that are remembered: pools have few kinds of groups, however many tickets. */
const rememberedMax = 10_000;

/** The tickets of a match can be dealt to teams, none parted. @source docs/wire/matchmaking.md "Teams" */
export function teamRule(rule: TeamRule): RuleBody<TeamPlayers> {
  const { teams } = rule;
  const known = new Map<string, boolean>();
  const canDeal = (group: GroupValues<TeamPlayers>): boolean => {
    const { isComplete } = group;
    const values = givenValues(group);
    const sizes = values.flatMap(({ parties }) => parties.map((party) => party.length));
    const filled = filledBy(values, teams.length);
    const key = `${isComplete}:${filled}:${sizes.sort((a, b) => b - a)}`;
    const answer = known.get(key);
    if (answer !== undefined) return answer;
    const parties = sizes.map((size) => ({ size }));
    const isDealt = dealTeams(parties, teams, { filled, isComplete }) !== undefined;
    if (known.size >= rememberedMax) known.clear();
    known.set(key, isDealt);
    return isDealt;
  };
  return {
    valueOf: (ticket) => teamPlayersOf(ticket, rule),
    admitsGroup: canDeal,
    groupProblem: (group) =>
      `parties of ${givenValues(group)
        .flatMap(({ parties }) => parties.map((party) => party.length))
        .join(', ')} cannot be dealt to the teams`,
    missing: 'its players are in no team',
    words: `no ticket is parted between the teams ${teams
      .map(({ name, minSize, maxSize }) =>
        minSize === maxSize ? `${name} (${maxSize})` : `${name} (${minSize} to ${maxSize})`,
      )
      .join(', ')}`,
  };
}

function teamPlayersOf({ players, preserved }: MatchTicket, { teams }: TeamRule): TeamPlayers {
  if (preserved === undefined)
    return { parties: [players.map(({ xuid }) => xuid)], fixed: new Map() };
  const fixed = new Map<Xuid, number>();
  for (const player of players) {
    const team = teams.findIndex(({ name }) => player.teams?.includes(name));
    if (team >= 0) fixed.set(player.xuid, team);
  }
  // Who has chosen no team yet may be in any.
  const others = players.filter(({ xuid }) => !fixed.has(xuid));
  return { parties: others.map(({ xuid }) => [xuid]), fixed };
}

function filledBy(values: readonly TeamPlayers[], teamsCount: number): number[] {
  const filled = Array<number>(teamsCount).fill(0);
  for (const { fixed } of values) {
    for (const team of fixed.values()) filled[team] = (filled[team] ?? 0) + 1;
  }
  return filled;
}

/**
 * The team of each player. `mayPart` is true once the rule is dropped: then tickets are parted where they
 * must be; undefined when even so there is no place for all.
 */
export function teamsOf(
  tickets: readonly MatchTicket[],
  rule: TeamRule,
  strengthOf: (ticket: MatchTicket) => number,
  mayPart: boolean,
): ReadonlyMap<Xuid, string> | undefined {
  const values = tickets.map((ticket) => teamPlayersOf(ticket, rule));
  const parties = values.flatMap(({ parties }, i) => {
    const ticket = tickets[i];
    const strength = ticket ? strengthOf(ticket) : 0;
    return parties.map((xuids) => ({ xuids, strength }));
  });
  const filled = filledBy(values, rule.teams.length);
  const deal = (groups: typeof parties): ReadonlyMap<Xuid, string> | undefined => {
    const sized = groups.map(
      ({ xuids, strength }): Party => ({ size: xuids.length, strength: strength * xuids.length }),
    );
    const dealt = dealTeams(sized, rule.teams, { filled, isComplete: !mayPart });
    if (dealt === undefined) return undefined;
    const teams = new Map<Xuid, string>();
    const put = (xuid: Xuid, team: number): void =>
      void teams.set(xuid, rule.teams[team]?.name ?? '');
    for (const { fixed } of values) for (const [xuid, team] of fixed) put(xuid, team);
    for (const [i, { xuids }] of groups.entries())
      for (const xuid of xuids) put(xuid, dealt[i] ?? 0);
    return teams;
  };
  const whole = deal(parties);
  if (whole !== undefined || !mayPart) return whole;
  return deal(
    parties.flatMap(({ xuids, strength }) => xuids.map((xuid) => ({ xuids: [xuid], strength }))),
  );
}
