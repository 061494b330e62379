/** Dealing players to teams. @source docs/wire/matchmaking.md "Teams" */

import type { Team } from './hopper.ts';

/** Players who go to one team together. */
export type Party = {
  readonly size: number;
  /** The sum of what they are good for; among equal parties it decides who goes where. */
  readonly strength?: number;
};

export type DealOptions = {
  /** Players who are in the teams already. */
  readonly filled?: readonly number[] | undefined;
  /** True: each team must have its minimum. */
  readonly isComplete: boolean;
};

/**
 * The team of each party, as an index into `teams`; undefined when they cannot be dealt without parting
 * one. Teams become as even as they can: the largest party goes first, each to the smallest team.
 */
export function dealTeams(
  parties: readonly Party[],
  teams: readonly Team[],
  { filled = [], isComplete }: DealOptions,
): readonly number[] | undefined {
  const sizes = teams.map((_, team) => filled[team] ?? 0);
  const strengths = teams.map(() => 0);
  if (sizes.some((size, team) => size > (teams[team]?.maxSize ?? 0))) return undefined;
  const strengthOf = (i: number): number => parties[i]?.strength ?? 0;
  const sizeOf = (i: number): number => parties[i]?.size ?? 0;
  const order = parties.map((_, i) => i);
  order.sort((a, b) => sizeOf(b) - sizeOf(a) || strengthOf(b) - strengthOf(a) || a - b);
  const dealt = parties.map(() => -1);
  /** Made once something had to be taken back. */
  let failed: Set<string> | undefined;

  const deal = (at: number): boolean => {
    const party = order[at];
    if (party === undefined) {
      return !isComplete || sizes.every((size, team) => size >= (teams[team]?.minSize ?? 0));
    }
    if (failed?.has(`${at}:${sizes}`)) return false;
    const strength = strengthOf(party);
    const inTurn = smallestFirst(sizes, strengths);
    for (let i = 0; i < inTurn.length; i += 1) {
      const team = inTurn[i] as number;
      const size = (sizes[team] ?? 0) + sizeOf(party);
      if (size > (teams[team]?.maxSize ?? 0)) continue;
      sizes[team] = size;
      strengths[team] = (strengths[team] ?? 0) + strength;
      dealt[party] = team;
      if (deal(at + 1)) return true;
      sizes[team] = size - sizeOf(party);
      strengths[team] = (strengths[team] ?? 0) - strength;
    }
    failed ??= new Set();
    failed.add(`${at}:${sizes}`);
    return false;
  };
  return deal(0) ? dealt : undefined;
}

function smallestFirst(sizes: readonly number[], strengths: readonly number[]): readonly number[] {
  const isBefore = (a: number, b: number): boolean => {
    const bySize = (sizes[a] ?? 0) - (sizes[b] ?? 0);
    return bySize < 0 || (bySize === 0 && (strengths[a] ?? 0) < (strengths[b] ?? 0));
  };
  const order: number[] = [];
  for (let team = 0; team < sizes.length; team += 1) {
    let at = team;
    for (; at > 0 && isBefore(team, order[at - 1] as number); at -= 1) {
      order[at] = order[at - 1] as number;
    }
    order[at] = team;
  }
  return order;
}
