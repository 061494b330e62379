/**
 * The matcher: which tickets of a pool are matched now. The same tickets at the same time give the same
 * matches, in whatever order they came.
 *
 *   pool ─▶ lanes (tickets that a MUST text keeps apart) ─▶ seed after seed ─▶ matches
 *
 * A seed is the ticket that waits the longest, the largest first among those who wait as long. The
 * tickets nearest to it that go with it are tried, the best first, until a group is complete. A small
 * pool is searched through instead, so that no match is missed where each player counts.
 */

import type { Milliseconds } from '../time.ts';
import { bestPartition } from './exact-matcher.ts';
import { isBinding } from './expansion.ts';
import {
  byWait,
  type Candidate,
  closenessOf,
  type HopperRules,
  isLargeEnough,
  mayGroup,
  mayPair,
  type ReadyRule,
  sumRuleOf,
} from './hopper-rules.ts';
import type { Hopper } from './hopper.ts';
import type { Lane } from './lanes.ts';
import { type Match, matchOf } from './match.ts';
import { MatchPool, type WaitingTickets } from './match-pool.ts';
import { Shortlist } from './shortlist.ts';

/** A pool of so many tickets is searched through, unless nearly all of them go together. */
const exactTicketsMax = 14;

/**
 * Of the work on a pool, after which others may get in between: few at first, as the engine may have to
 * compile the code, then more with each turn.
 */
const stepsInFirstTurn = 100;
const stepsMoreWithTurn = 50;
const stepsInTurnMax = 4_000;
const orderedInTurn = 4_096;

/** Tickets that go with a seed and are tried, more where matches are larger. */
const triedMax = 48;

/** They have so many times the places of a match at most. */
const triedPlaces = 4;

/** Cycles of waiting that make a seed try more. */
const triedCyclesMax = 7;

/** Tickets that a seed looks at, as many more with each cycle that it waits. */
const lookedAtMax = 256;

/** Seeds without a match, after which each further one looks at fewer tickets and tries fewer groups. */
const patientSeedsMax = 2_000;
const lookedAtImpatientMax = 64;

export type MatchOptions = {
  /** Pools of more tickets are not searched through. */
  readonly exactMax?: number;
};

/** The matches of a pool. Of the same ticket twice, the last one counts. */
export function findMatches(
  rules: HopperRules,
  tickets: Iterable<Candidate>,
  nowMs: Milliseconds,
  options: MatchOptions = {},
): readonly Match[] {
  const pool = new MatchPool(rules);
  for (const ticket of tickets) pool.put(ticket);
  return allMatches(pool, nowMs, options);
}

/** All matches of a pool, which stay in it until they are removed. */
export function allMatches(
  pool: MatchPool,
  nowMs: Milliseconds,
  options: MatchOptions = {},
): readonly Match[] {
  const matches: Match[] = [];
  for (const match of searchMatches(pool, nowMs, options)) {
    if (match !== undefined) matches.push(match);
  }
  return matches;
}

/**
 * The matches of a pool one after the other, and undefined after each turn of a few milliseconds. In
 * between tickets may be put and removed. A pool has one search at a time; a later one ends it.
 *
 * @source docs/wire/matchmaking.md "Which match is made"
 */
export function* searchMatches(
  pool: MatchPool,
  nowMs: Milliseconds,
  { exactMax = exactTicketsMax }: MatchOptions = {},
): Generator<Match | undefined> {
  const preparing = pool.prepare(nowMs);
  let prepared = preparing.next();
  for (; !prepared.done; prepared = preparing.next()) yield undefined;
  const waiting = prepared.value;
  const { rules } = pool;
  if (waiting.slots.length <= exactMax) {
    const tickets = [...waiting.slots].flatMap((slot) => pool.at(slot) ?? []);
    const groups = bestPartition(rules, tickets, nowMs);
    if (groups) {
      for (const group of groups) yield matchOf(rules, group, nowMs);
      return;
    }
  }
  yield undefined;
  const ordering = seedsOf(waiting, rules.hopper);
  let ordered = ordering.next();
  for (; !ordered.done; ordered = ordering.next()) yield undefined;
  const seeds = ordered.value;
  yield undefined;
  const search = new PoolSearch(pool);
  let stepsInTurn = stepsInFirstTurn;
  let stepsBefore = 0;
  for (const seed of seeds) {
    const group = search.matchFor(seed);
    if (group !== undefined) yield matchOf(rules, group, nowMs);
    if (search.steps - stepsBefore < stepsInTurn) continue;
    stepsBefore = search.steps;
    stepsInTurn = Math.min(stepsInTurnMax, stepsInTurn + stepsMoreWithTurn);
    yield undefined;
  }
}

/** The order in which tickets are seeds: the longest wait first, of one cycle the largest. */
function* seedsOf(
  { slots, cycles, places }: WaitingTickets,
  { maxGroupSize }: Hopper,
): Generator<void, Int32Array> {
  // What is larger than a match is never one, and comes with none.
  const sizeAt = (at: number): number => Math.min(places[at] as number, maxGroupSize + 1);
  const seeds = new Int32Array(slots.length);
  for (let start = 0; start < slots.length; ) {
    const countOf = new Uint32Array(maxGroupSize + 2);
    let end = start;
    for (; end < slots.length && cycles[end] === cycles[start]; end += 1) {
      if (end % orderedInTurn === orderedInTurn - 1) yield;
      countOf[sizeAt(end)] = (countOf[sizeAt(end)] as number) + 1;
    }
    const nextOf = new Uint32Array(countOf.length);
    for (let size = maxGroupSize + 1, at = start; size >= 0; size -= 1) {
      nextOf[size] = at;
      at += countOf[size] as number;
    }
    for (let at = start; at < end; at += 1) {
      if (at % orderedInTurn === orderedInTurn - 1) yield;
      const size = sizeAt(at);
      seeds[nextOf[size] as number] = slots[at] as number;
      nextOf[size] = (nextOf[size] as number) + 1;
    }
    start = end;
  }
  return seeds;
}

/** The ticket that a match is looked for, and what may still be looked at for it. */
type Seed = {
  readonly one: Candidate;
  readonly lane: Lane;
  readonly row: number;
  readonly cycle: number;
  foundLeft: number;
  placesLeft: number;
  looksLeft: number;
};

/** The search through one pool. What it has matched is not offered again. */
class PoolSearch {
  readonly #pool: MatchPool;
  readonly #rules: HopperRules;
  /** Lanes that go with others than their own tickets. */
  readonly #wildLanes: readonly Lane[];
  /** True where players want certain places, which two may not share. */
  readonly #hasPlaces: boolean;
  readonly #sumRule: ReadyRule | undefined;
  /** Tickets that go with the seed. */
  readonly #found: Shortlist;
  #failedSeeds = 0;
  /** Pairs and groups that were looked at. */
  steps = 0;

  constructor(pool: MatchPool) {
    this.#pool = pool;
    this.#rules = pool.rules;
    this.#wildLanes = pool.lanes.filter((lane) => lane.isWild);
    const { rules } = this.#rules.hopper;
    this.#hasPlaces = rules.some(
      (rule) => rule.dataType === 'collection' && rule.operation === 'rolePreference',
    );
    this.#sumRule = sumRuleOf(this.#rules);
    this.#found = new Shortlist(rules.some(({ dataType }) => dataType === 'team'));
  }

  /** The group that this seed is matched with, which is taken out of the pool; undefined: none. */
  matchFor(slot: number): readonly Candidate[] | undefined {
    const pool = this.#pool;
    const one = pool.at(slot);
    const lane = pool.laneOf(slot);
    if (one === undefined || lane === undefined) return undefined;
    const seed = this.#seedAt(one, lane, pool.rowOf(slot));
    pool.pairs.setCycle(seed.cycle);
    this.#lookForCandidates(seed);
    const group = this.#complete(seed);
    if (group === undefined) {
      this.#failedSeeds += 1;
      return undefined;
    }
    const slots = [slot];
    for (const i of group) slots.push(this.#found.slotAt(i));
    const members: Candidate[] = [];
    for (const each of slots) {
      members.push(pool.at(each) as Candidate);
      pool.take(each);
    }
    return members.sort(byWait);
  }

  #seedAt(one: Candidate, lane: Lane, row: number): Seed {
    const cycle = lane.cycles[row] as number;
    const { maxGroupSize } = this.#rules.hopper;
    // Who waits the longest may all want the same places: then the right ones are further away.
    const factor = this.#hasPlaces ? 1 + Math.min(cycle, triedCyclesMax) : 1;
    return {
      one,
      lane,
      row,
      cycle,
      foundLeft: factor * Math.max(triedMax, 2 * maxGroupSize),
      placesLeft: factor * triedPlaces * maxGroupSize,
      looksLeft: this.#isPatient
        ? lookedAtMax * (1 + Math.min(cycle, triedCyclesMax))
        : lookedAtImpatientMax,
    };
  }

  get #isPatient(): boolean {
    return this.#failedSeeds < patientSeedsMax;
  }

  /** Finds tickets that go with the seed, and puts the best first. */
  #lookForCandidates(seed: Seed): void {
    const { lane: own } = seed;
    this.#found.clear();
    if (own.hasNumbers) this.#lookAround(seed);
    else this.#lookAlong(own, seed);
    for (const lane of own.isWild ? this.#pool.lanes : this.#wildLanes) {
      if (isSpent(seed)) break;
      seed.looksLeft -= 1;
      this.steps += 1;
      if (lane !== own && own.goesWith(lane)) this.#lookAlong(lane, seed);
    }
  }

  /** The tickets of the seed's own lane, the nearest numbers first. */
  #lookAround(seed: Seed): void {
    const { lane, row } = seed;
    const { numbers, length } = lane.columns;
    const number = numbers[row] as number;
    const { reach } = this.#pool.pairs;
    let up = lane.freeFrom(row + 1);
    let down = lane.freeBefore(row - 1);
    while (!isSpent(seed)) {
      const upAway = up < length ? (numbers[up] as number) - number : Number.POSITIVE_INFINITY;
      const downAway = down >= 0 ? number - (numbers[down] as number) : Number.POSITIVE_INFINITY;
      const isUp = up < length && upAway <= downAway;
      if (!isUp && down < 0) return;
      if ((isUp ? upAway : downAway) > reach) return;
      this.#lookAt(lane, isUp ? up : down, seed);
      if (isUp) up = lane.freeFrom(up + 1);
      else down = lane.freeBefore(down - 1);
    }
  }

  /** The tickets of a lane from its beginning. */
  #lookAlong(lane: Lane, seed: Seed): void {
    const { length } = lane.columns;
    for (let row = lane.freeFrom(0); row < length && !isSpent(seed); row = lane.freeFrom(row + 1)) {
      if (lane !== seed.lane || row !== seed.row) this.#lookAt(lane, row, seed);
    }
  }

  #lookAt(lane: Lane, row: number, seed: Seed): void {
    this.steps += 1;
    seed.looksLeft -= 1;
    if (!this.#mayPair(seed.lane, seed.row, lane, row, seed.cycle)) return;
    const rules = this.#rules;
    // Two that want the same place cannot be in one group.
    if (this.#hasPlaces && !mayGroup(rules, [seed.one, this.#at(lane, row)], seed.cycle, false)) {
      return;
    }
    const waited = (lane.cycles[row] as number) / (rules.hopper.expansionCycles + 1);
    const closeness =
      lane === seed.lane
        ? this.#pool.pairs.closeness(lane.columns, seed.row, row)
        : closenessOf(rules, seed.one, this.#at(lane, row));
    const places = lane.columns.places[row] as number;
    const score = closeness + Math.min(1, waited) / 4;
    this.#found.add(lane, row, score);
    seed.foundLeft -= 1;
    seed.placesLeft -= places;
  }

  #mayPair(lane: Lane, row: number, other: Lane, otherRow: number, cycle: number): boolean {
    return lane === other
      ? this.#pool.pairs.mayPair(lane.columns, row, otherRow)
      : mayPair(this.#rules, this.#at(lane, row), this.#at(other, otherRow), cycle);
  }

  /** A ticket that is offered, and so is there. */
  #at({ columns }: Lane, row: number): Candidate {
    return this.#pool.at(columns.slots[row] as number) as Candidate;
  }

  /**
   * Tickets that complete the seed to a match: as many players as may be. They are added one after
   * the other, the last one is taken back where no group comes of it, and after so many tries the best
   * group so far is taken.
   */
  #complete(seed: Seed): readonly number[] | undefined {
    const { cycle } = seed;
    const rules = this.#rules;
    const found = this.#found;
    const { minGroupSize, maxGroupSize } = rules.hopper;
    if (seed.one.places + found.places < minGroupSize) return undefined;
    const isPatient = this.#isPatient;
    let triesLeft = maxGroupSize * (isPatient ? 5 : 1) + (isPatient ? 32 : 0);
    const chosen: number[] = [];
    const group: Candidate[] = [seed.one];
    let best: readonly number[] | undefined;
    let bestPlaces = 0;

    const goesWithChosen = (lane: Lane, row: number): boolean => {
      for (let i = 0; i < chosen.length; i += 1) {
        const other = chosen[i] as number;
        if (!this.#mayPair(found.laneAt(other), found.rowAt(other), lane, row, cycle)) return false;
      }
      return true;
    };
    const offer = (places: number, codesSum: number): void => {
      if (places < minGroupSize || places <= bestPlaces) return;
      if (!isLargeEnough(rules, places, cycle)) return;
      if (!this.#mayGroup(group, codesSum, cycle, true)) return;
      best = [...chosen];
      bestPlaces = places;
    };
    const extend = (from: number, places: number, codesSum: number): void => {
      let isMaximal = true;
      for (let i = from; i < found.length && places < maxGroupSize; i += 1) {
        const more = places + found.placesAt(i);
        if (more > maxGroupSize) continue;
        this.steps += group.length;
        const lane = found.laneAt(i);
        const row = found.rowAt(i);
        if (!goesWithChosen(lane, row)) continue;
        group.push(this.#at(lane, row));
        chosen.push(i);
        triesLeft -= 1;
        const sum = codesSum + (lane.columns.codes[row] as number);
        if (this.#mayGroup(group, sum, cycle, false)) {
          isMaximal = false;
          extend(i + 1, more, sum);
        }
        group.pop();
        chosen.pop();
        if (triesLeft <= 0 || bestPlaces === maxGroupSize) return;
      }
      if (isMaximal || triesLeft <= 0) offer(places, codesSum);
    };
    extend(0, seed.one.places, seed.lane.columns.codes[seed.row] as number);
    return best;
  }

  #mayGroup(
    group: readonly Candidate[],
    codesSum: number,
    cycle: number,
    isComplete: boolean,
  ): boolean {
    const rules = this.#rules;
    // What lacks a value has no pair, but may be alone.
    if (this.#sumRule !== undefined && group.length > 1) {
      if (!isBinding(this.#sumRule.rule, rules.hopper, cycle)) return true;
      const answer = this.#sumRule.body.admitsSum?.(codesSum, isComplete);
      if (answer !== undefined) return answer;
    }
    return mayGroup(rules, group, cycle, isComplete);
  }
}

function isSpent({ foundLeft, placesLeft, looksLeft }: Seed): boolean {
  return foundLeft <= 0 || placesLeft <= 0 || looksLeft <= 0;
}
