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
  const order = parties
    .map((party, i) => ({ ...party, i }))
    .sort((a, b) => b.size - a.size || (b.strength ?? 0) - (a.strength ?? 0) || a.i - b.i);
  const dealt = parties.map(() => -1);
  const failed = new Set<string>();

  const deal = (at: number): boolean => {
    const party = order[at];
    if (party === undefined) {
      return !isComplete || sizes.every((size, team) => size >= (teams[team]?.minSize ?? 0));
    }
    const state = `${at}:${sizes}`;
    if (failed.has(state)) return false;
    for (const team of smallestFirst(sizes, strengths)) {
      const size = (sizes[team] ?? 0) + party.size;
      if (size > (teams[team]?.maxSize ?? 0)) continue;
      sizes[team] = size;
      strengths[team] = (strengths[team] ?? 0) + (party.strength ?? 0);
      dealt[party.i] = team;
      if (deal(at + 1)) return true;
      sizes[team] = size - party.size;
      strengths[team] = (strengths[team] ?? 0) - (party.strength ?? 0);
    }
    failed.add(state);
    return false;
  };
  return deal(0) ? dealt : undefined;
}

function smallestFirst(sizes: readonly number[], strengths: readonly number[]): readonly number[] {
  return sizes
    .map((_, team) => team)
    .sort(
      (a, b) =>
        (sizes[a] ?? 0) - (sizes[b] ?? 0) || (strengths[a] ?? 0) - (strengths[b] ?? 0) || a - b,
    );
}
