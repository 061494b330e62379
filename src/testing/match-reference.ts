/**
 * What a match is and what pools are worth, written a second time from the documentation and as slow as it
 * may be: by this the matcher is measured.
 */

import fc from 'fast-check';
import type { Hopper, Rule } from '../domain/matchmaking/hopper.ts';
import { candidateOf, hopperRules } from '../domain/matchmaking/hopper-rules.ts';
import { matchOf, worthOf } from '../domain/matchmaking/match.ts';
import { findMatches, type MatchOptions } from '../domain/matchmaking/matcher.ts';
import type { MatchTicket } from '../domain/matchmaking/ticket.ts';
import { anyHopper, anyPool, poolNowMs } from './match-arbitraries.ts';

/** The matches that the matcher makes of these tickets. */
export function matchesOf(
  hopper: Hopper,
  tickets: readonly MatchTicket[],
  options: MatchOptions = {},
  nowMs = poolNowMs,
): readonly (readonly MatchTicket[])[] {
  const rules = hopperRules(hopper);
  const pool = tickets.map((ticket) => candidateOf(rules, ticket));
  return findMatches(rules, pool, nowMs, options).map((match) => match.tickets);
}

/** True of tickets that may be a match. */
export function isValid(hopper: Hopper, group: readonly MatchTicket[]): boolean {
  const size = group.reduce((sum, { players }) => sum + players.length, 0);
  const waitedMs = Math.max(...group.map(({ sinceMs }) => poolNowMs - sinceMs));
  const cycle = Math.floor(waitedMs / 5_000);
  if (size < hopper.minGroupSize || size > hopper.maxGroupSize) return false;
  if (size < hopper.maxGroupSize && cycle === 0) return false;
  if (group.filter(({ preserved }) => preserved).length > 1) return false;
  const players = group.flatMap((ticket) => ticket.players);
  if (new Set(players.map(({ xuid }) => xuid)).size < players.length) return false;
  const meets = (xuid: string, from: MatchTicket): boolean =>
    group.some((other) => other !== from && other.players.some((player) => player.xuid === xuid));
  const isAvoided = group.some((ticket) =>
    ticket.players.some(({ avoids = [] }) => avoids.some((xuid) => meets(xuid, ticket))),
  );
  if (isAvoided && !hopper.isRanked) return false;
  return hopper.rules.every((rule) => {
    if (rule.type === 'should' && cycle > hopper.expansionCycles) return true;
    return isSatisfied(rule, group, players.length, cycle);
  });
}

function isSatisfied(
  rule: Rule,
  group: readonly MatchTicket[],
  size: number,
  cycle: number,
): boolean {
  if (rule.dataType === 'team') {
    const sizes = group.flatMap(({ players, preserved }) =>
      preserved ? players.map(() => 1) : [players.length],
    );
    return Array.from({ length: 2 ** sizes.length }, (_, bits) => bits).some((bits) => {
      const red = sizes.reduce((sum, one, i) => sum + (bits & (1 << i) ? one : 0), 0);
      return [red, size - red].every((team) => team >= 1 && team <= 3);
    });
  }
  if (!('attribute' in rule)) return true;
  /** The values of each ticket that is no wildcard; null where one is missing. */
  const values = group.flatMap(({ attributes, players }) => {
    if (attributes[rule.attribute] !== undefined) return [[attributes[rule.attribute]]];
    const given = players.map((player) => player.attributes[rule.attribute]);
    const there = given.filter((value) => value !== undefined);
    if (there.length === given.length) return [there];
    if (!rule.allowWildcards) return [null];
    return there.length > 0 ? [there] : [];
  });
  if (values.some((value) => value === null)) return false;
  const all = values.filter((value) => value !== null);
  switch (rule.dataType) {
    case 'number': {
      const numbers = (all as number[][]).flatMap((one) =>
        rule.flatten === 'average' ? [one.reduce((a, b) => a + b, 0) / one.length] : one,
      );
      const more = rule.type === 'must' ? 0 : Math.floor(cycle * rule.expansionDelta);
      // A ticket whose own players are too far apart does not keep itself from a match of one.
      if (all.length < 2) return true;
      return Math.max(...numbers) - Math.min(...numbers) <= rule.maxDiff + more;
    }
    case 'string':
      return new Set(all.flat()).size <= 1;
    case 'collection': {
      if (rule.operation === 'rolePreference') return true;
      if (all.length < 2) return true;
      const sets = all as string[][][];
      if (rule.operation === 'intersection') {
        const shared = ['x', 'y', 'z'].filter((map) =>
          sets.every((one) => one.every((set) => set.includes(map))),
        );
        return shared.length >= rule.target;
      }
      return sets.every((one, i) =>
        sets.slice(i + 1).every((other) => {
          const left = new Set(one.flat());
          return [...new Set(other.flat())].filter((map) => left.has(map)).length <= rule.target;
        }),
      );
    }
    default:
      return true;
  }
}

/** All groups of a pool that are matches, as bits. */
function validGroups(hopper: Hopper, pool: readonly MatchTicket[]): readonly number[] {
  return Array.from({ length: 2 ** pool.length }, (_, bits) => bits).filter(
    (bits) => bits > 0 && isValid(hopper, ticketsOf(pool, bits)),
  );
}

function ticketsOf(pool: readonly MatchTicket[], bits: number): readonly MatchTicket[] {
  return pool.filter((_, i) => bits & (1 << i));
}

/** What a match of these tickets is worth, by the measure of the matcher. */
export function worthOfGroup(hopper: Hopper, group: readonly MatchTicket[]): number {
  const rules = hopperRules(hopper);
  const candidates = group.map((ticket) => candidateOf(rules, ticket));
  return worthOf(hopper, {
    places: group.reduce((sum, { players }) => sum + players.length, 0),
    quality: matchOf(rules, candidates, poolNowMs).quality,
    waitedCycles: group.reduce(
      (sum, { players, sinceMs }) =>
        sum + players.length * Math.floor((poolNowMs - sinceMs) / hopper.cycleMs),
      0,
    ),
  });
}

/** The most that any choice of groups is worth. */
export function bestWorth(hopper: Hopper, pool: readonly MatchTicket[]): number {
  const groups = validGroups(hopper, pool).map((bits) => ({
    bits,
    worth: worthOfGroup(hopper, ticketsOf(pool, bits)),
  }));
  const best = new Float64Array(2 ** pool.length);
  for (let free = 1; free < best.length; free += 1) {
    const lowest = free & -free;
    best[free] = best[free & ~lowest] ?? 0;
    for (const { bits, worth } of groups) {
      if ((bits & lowest) === 0 || (bits & free) !== bits) continue;
      best[free] = Math.max(best[free] ?? 0, worth + (best[free & ~bits] ?? 0));
    }
  }
  return best.at(-1) ?? 0;
}

/** Of the most that can be had, the part that a search reaches over 200 pools of any hopper. */
export function partReached(ticketsMax: number, options: MatchOptions): number {
  let [reached, most] = [0, 0];
  const drawn = { numRuns: 200, seed: 15 };
  for (const [hopper, pool] of fc.sample(fc.tuple(anyHopper, anyPool(ticketsMax)), drawn)) {
    reached += matchesOf(hopper, pool, options)
      .map((group) => worthOfGroup(hopper, group))
      .reduce((a, b) => a + b, 0);
    most += bestWorth(hopper, pool);
  }
  if (most === 0) throw new Error('no pool has a match');
  return reached / most;
}
