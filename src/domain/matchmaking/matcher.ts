/**
 * The matcher: which tickets of a pool are matched now. A function of its arguments: the same tickets
 * at the same time give the same matches, in whatever order they are handed over.
 *
 *   pool ─▶ lanes (tickets that a MUST text keeps apart) ─▶ seed after seed ─▶ matches
 *
 * A seed is the ticket that waits the longest, the largest first among those who wait as long. The
 * tickets nearest to it that go with it are tried, the best first, until a group is complete. A small
 * pool is searched through instead, so that no match is missed where each player counts.
 *
 * @source docs/wire/matchmaking.md "Which match is made"
 */

import type { Milliseconds } from '../time.ts';
import { cycleOf } from './expansion.ts';
import { bestPartition } from './exact-matcher.ts';
import {
  byWait,
  type Candidate,
  closenessOf,
  type HopperRules,
  isMatch,
  mayGroup,
  mayPair,
} from './hopper-rules.ts';
import { Lanes } from './lanes.ts';
import { type Match, matchOf } from './match.ts';

/** A pool of so many tickets is searched through, unless nearly all of them go together. */
const exactTicketsMax = 14;

/** Of the work on a pool, after which others may get in between. */
const stepsPerTurn = 4_000;

/** Tickets that go with a seed and are tried, more where matches are larger. */
const triedMax = 48;

/** They have so many times the places of a match at most. */
const triedPlaces = 4;

/** Cycles of waiting that make a seed try more. */
const triedCyclesMax = 7;

/** Tickets that a seed looks at, as many more with each cycle that it waits. */
const lookedAtMax = 256;

/** Seeds without a match, after which fewer groups are tried for each further one. */
const patientSeedsMax = 2_000;

export type MatchOptions = {
  /** Pools of more tickets are not searched through. */
  readonly exactMax?: number;
};

/** The matches of a pool. Of the same ticket twice, one counts. */
export function findMatches(
  rules: HopperRules,
  pool: Iterable<Candidate>,
  nowMs: Milliseconds,
  options: MatchOptions = {},
): readonly Match[] {
  const search = matchSteps(rules, pool, nowMs, options);
  for (;;) {
    const step = search.next();
    if (step.done) return step.value;
  }
}

/** The same, in turns of a few milliseconds, between which it yields. */
export function* matchSteps(
  rules: HopperRules,
  pool: Iterable<Candidate>,
  nowMs: Milliseconds,
  { exactMax = exactTicketsMax }: MatchOptions = {},
): Generator<void, readonly Match[]> {
  const tickets = sortedByWait(pool);
  if (tickets.length <= exactMax) {
    const groups = bestPartition(rules, tickets, nowMs);
    if (groups) return groups.map((group) => matchOf(rules, group, nowMs));
  }
  const search = new PoolSearch(rules, tickets, nowMs);
  yield;
  const matches: Match[] = [];
  let stepsBefore = 0;
  for (const seed of search.seeds()) {
    const group = search.matchFor(seed);
    if (group !== undefined) matches.push(matchOf(rules, group, nowMs));
    if (search.steps - stepsBefore < stepsPerTurn) continue;
    stepsBefore = search.steps;
    yield;
  }
  return matches;
}

function sortedByWait(pool: Iterable<Candidate>): readonly Candidate[] {
  const tickets = [...new Map([...pool].map((one) => [one.ticket.id, one])).values()];
  // Pools are kept in this order, so that there is rarely anything to sort.
  const isSorted = tickets.every((one, i) => {
    const before = tickets[i - 1];
    return before === undefined || byWait(before, one) < 0;
  });
  return isSorted ? tickets : tickets.sort(byWait);
}

/** The search through one pool. What it has matched is not offered again. */
class PoolSearch {
  readonly #rules: HopperRules;
  readonly #tickets: readonly Candidate[];
  readonly #cycles: Uint32Array;
  readonly #lanes: Lanes;
  /** True where players want certain places, which two may not share. */
  readonly #hasPlaces: boolean;
  #failedSeeds = 0;
  /** Pairs and groups that were looked at. */
  steps = 0;

  constructor(rules: HopperRules, tickets: readonly Candidate[], nowMs: Milliseconds) {
    this.#rules = rules;
    this.#tickets = tickets;
    this.#hasPlaces = rules.hopper.rules.some(
      (rule) => rule.dataType === 'collection' && rule.operation === 'rolePreference',
    );
    this.#cycles = Uint32Array.from(tickets, ({ ticket }) =>
      cycleOf(rules.hopper, ticket.sinceMs, nowMs),
    );
    this.#lanes = new Lanes(rules, tickets);
  }

  /** Tickets that are not matched yet: the longest wait first, then the largest. */
  *seeds(): Generator<number> {
    const { length } = this.#tickets;
    for (let start = 0; start < length; ) {
      const cycle = this.#cycles[start];
      let end = start;
      let largest = 0;
      while (end < length && this.#cycles[end] === cycle) {
        largest = Math.max(largest, this.#tickets[end]?.places ?? 0);
        end += 1;
      }
      for (let places = largest; places > 0; places -= 1) {
        for (let i = start; i < end; i += 1) {
          if (this.#tickets[i]?.places === places && this.#lanes.has(i)) yield i;
        }
      }
      start = end;
    }
  }

  /** The group that this seed is matched with, which is taken out of the pool; undefined: none. */
  matchFor(seedIndex: number): readonly Candidate[] | undefined {
    const seed = this.#tickets[seedIndex];
    const cycle = this.#cycles[seedIndex] ?? 0;
    if (seed === undefined) return undefined;
    const found = this.#candidatesFor(seed, seedIndex, cycle);
    const group = this.#complete(seed, found, cycle);
    if (group === undefined) {
      this.#failedSeeds += 1;
      return undefined;
    }
    const members = [seed, ...group.map(({ one }) => one)];
    this.#lanes.take(seedIndex);
    for (const { index } of group) this.#lanes.take(index);
    return members.sort(byWait);
  }

  /** False where two tickets want the same place, so that no group can have both. */
  #mayStart(seed: Candidate, one: Candidate, cycle: number): boolean {
    return !this.#hasPlaces || mayGroup(this.#rules, [seed, one], cycle, false);
  }

  /** Tickets that go with the seed, the best first. */
  #candidatesFor(seed: Candidate, seedIndex: number, cycle: number): readonly Found[] {
    const rules = this.#rules;
    // Who waits the longest may all want the same places: then the right ones are further away.
    const factor = this.#hasPlaces ? 1 + Math.min(cycle, triedCyclesMax) : 1;
    const foundMax = factor * Math.max(triedMax, 2 * rules.hopper.maxGroupSize);
    let left = lookedAtMax * (1 + cycle);
    const found: Found[] = [];
    let placesLeft = factor * triedPlaces * rules.hopper.maxGroupSize;
    for (const index of this.#lanes.near(seedIndex, cycle)) {
      const one = this.#tickets[index];
      if (one === undefined) continue;
      this.steps += 1;
      left -= 1;
      if (mayPair(rules, seed, one, cycle) && this.#mayStart(seed, one, cycle)) {
        const waited = Math.min(1, (this.#cycles[index] ?? 0) / (rules.hopper.expansionCycles + 1));
        const score = closenessOf(rules, seed, one) + waited / 4;
        found.push({ one, index, score });
        placesLeft -= one.places;
      }
      if (found.length >= foundMax || placesLeft <= 0 || left <= 0) break;
    }
    const teamsFirst = rules.hopper.rules.some(({ dataType }) => dataType === 'team');
    return found.sort(
      (a, b) =>
        (teamsFirst ? b.one.places - a.one.places : 0) || b.score - a.score || a.index - b.index,
    );
  }

  /**
   * Tickets that complete the seed to a match: as many players as may be. They are added one after
   * the other, the last one is taken back where no group comes of it, and after so many tries the best
   * group so far is taken.
   */
  #complete(seed: Candidate, found: readonly Found[], cycle: number): readonly Found[] | undefined {
    const rules = this.#rules;
    const { minGroupSize, maxGroupSize } = rules.hopper;
    const reachable = found.reduce((sum, { one }) => sum + one.places, seed.places);
    if (reachable < minGroupSize) return undefined;
    const isPatient = this.#failedSeeds < patientSeedsMax;
    let triesLeft = maxGroupSize * (isPatient ? 5 : 1) + (isPatient ? 32 : 0);
    const chosen: Found[] = [];
    const group: Candidate[] = [seed];
    let best: { readonly chosen: readonly Found[]; readonly places: number } | undefined;

    const isFull = (places: number): boolean => places === maxGroupSize;
    const offer = (places: number): void => {
      if (places < minGroupSize || places <= (best?.places ?? 0)) return;
      if (isMatch(rules, group, places, cycle)) best = { chosen: [...chosen], places };
    };
    const extend = (from: number, places: number): void => {
      let isMaximal = true;
      for (let i = from; i < found.length && !isFull(places); i += 1) {
        const next = found[i];
        if (next === undefined || places + next.one.places > maxGroupSize) continue;
        this.steps += group.length;
        if (!chosen.every(({ one }) => mayPair(rules, one, next.one, cycle))) continue;
        group.push(next.one);
        chosen.push(next);
        triesLeft -= 1;
        if (mayGroup(rules, group, cycle, false)) {
          isMaximal = false;
          extend(i + 1, places + next.one.places);
        }
        group.pop();
        chosen.pop();
        if (triesLeft <= 0 || isFull(best?.places ?? 0)) return;
      }
      if (isMaximal || triesLeft <= 0) offer(places);
    };
    extend(0, seed.places);
    return best?.chosen;
  }
}

/** A ticket that goes with the seed. */
type Found = { readonly one: Candidate; readonly index: number; readonly score: number };
