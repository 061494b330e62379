/**
 * A hopper under a virtual clock: arrivals are drawn, the matcher that the server uses works on the pool,
 * and what players would have lived through is counted. The same seed gives the same result.
 */

import { explainTicket, type WhyNot } from '../domain/matchmaking/explain.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import { type Candidate, candidateOf, hopperRules } from '../domain/matchmaking/hopper-rules.ts';
import type { Match } from '../domain/matchmaking/match.ts';
import { MatchPool } from '../domain/matchmaking/match-pool.ts';
import { allMatches } from '../domain/matchmaking/matcher.ts';
import type { MatchTicket } from '../domain/matchmaking/ticket.ts';
import type { Milliseconds } from '../domain/time.ts';
import { seededRandom } from '../platform/seeded-random.ts';
import { drawTicket, nextArrivalMs, type Population } from './population.ts';

export type SimulationOptions = {
  readonly hopper: Hopper;
  readonly population: Population;
  readonly lastsMs: Milliseconds;
  readonly seed: number;
  /** How often the matcher looks at the pool. */
  readonly intervalMs: Milliseconds;
};

export type SimulationResult = {
  /** Waits of the players of parties of each size who were matched, in seconds, in ascending order. */
  readonly waits: ReadonlyMap<number, readonly number[]>;
  readonly playersCount: number;
  readonly matchedCount: number;
  readonly gaveUpCount: number;
  /** Players who still wait at the end. */
  readonly waitingCount: number;
  readonly matchesCount: number;
  /** Means over all matches, from 0 to 1: how near its tickets are; how full it is. */
  readonly quality: number;
  readonly fill: number;
  /** The mean difference of the means of the strongest and the weakest team; absent without teams. */
  readonly teamDifference?: number | undefined;
  /** Why tickets gave up, the commonest first: of the first `explainedMax` of them. */
  readonly reasons: readonly GiveUpReason[];
  /** Players in the pool at the end of each of `pool.length` equal parts of the time. */
  readonly pool: readonly number[];
};

export type GiveUpReason = {
  readonly text: string;
  /** What was in the way of the nearest ticket, of the first ticket with this reason. */
  readonly example: string | undefined;
  readonly ticketsCount: number;
};

/** Tickets that gave up and are explained, and tickets that each is compared with: it takes time. */
const explainedMax = 10_000;
const comparedMax = 200;

/** Points of the curve that shows the pool. */
const poolPointsMax = 240;

/** Between two steps a caller may show how far it is. The value is from 0 to 1. */
export function* simulate(options: SimulationOptions): Generator<number, SimulationResult> {
  const { hopper, population, lastsMs, seed, intervalMs } = options;
  const random = seededRandom(seed);
  const rules = hopperRules(hopper);
  const pool = new MatchPool(rules);
  const tally = new Tally(hopper);
  const points = Math.min(poolPointsMax, Math.max(1, Math.floor(lastsMs / intervalMs)));
  let arrivesMs = nextArrivalMs(population, random);
  let ticketsCount = 0;
  let pointsDone = 0;

  for (let nowMs = intervalMs; nowMs <= lastsMs; nowMs += intervalMs) {
    while (arrivesMs <= nowMs) {
      const ticket = drawTicket(population, random, ticketsCount, arrivesMs);
      ticketsCount += 1;
      pool.put(candidateOf(rules, ticket));
      tally.arrived(ticket);
      arrivesMs += nextArrivalMs(population, random);
    }
    for (const candidate of pool.candidates()) {
      const { ticket } = candidate;
      // In the order of their arrival, so that the first who may stay ends it.
      if (nowMs - ticket.sinceMs < population.giveUpMs) break;
      pool.remove(ticket.id);
      tally.gaveUp(ticket);
      if (!tally.isExplained) {
        const others = firstOf(pool.candidates(), comparedMax);
        tally.explained(explainTicket(rules, candidate, others, nowMs));
      }
    }
    for (const match of allMatches(pool, nowMs)) {
      for (const { id } of match.tickets) pool.remove(id);
      tally.matched(match, nowMs);
    }
    while (pointsDone < Math.floor((nowMs * points) / lastsMs)) {
      pointsDone += 1;
      tally.pool.push([...pool.candidates()].reduce((sum, { places }) => sum + places, 0));
      yield nowMs / lastsMs;
    }
  }
  return tally.result([...pool.candidates()].map(({ ticket }) => ticket));
}

function* firstOf(all: Iterable<Candidate>, count: number): Generator<Candidate> {
  let left = count;
  for (const one of all) {
    if (left <= 0) return;
    left -= 1;
    yield one;
  }
}

/** What has happened so far. */
class Tally {
  readonly pool: number[] = [];
  readonly #hopper: Hopper;
  readonly #waits = new Map<number, number[]>();
  readonly #strengthName: string | undefined;
  readonly #reasons = new Map<string, { example: string | undefined; ticketsCount: number }>();
  #explainedCount = 0;
  #players = 0;
  #matchedPlayers = 0;
  #gaveUp = 0;
  #matches = 0;
  #quality = 0;
  #fill = 0;
  #teamDifference = 0;
  #teamMatches = 0;

  constructor(hopper: Hopper) {
    this.#hopper = hopper;
    const strength = hopper.rules.find((rule) => rule.dataType === 'number');
    this.#strengthName = strength?.attribute;
  }

  arrived({ players }: MatchTicket): void {
    this.#players += players.length;
  }

  gaveUp({ players }: MatchTicket): void {
    this.#gaveUp += players.length;
  }

  /** True once so many tickets are explained as are to be. */
  get isExplained(): boolean {
    return this.#explainedCount >= explainedMax;
  }

  explained(why: WhyNot): void {
    this.#explainedCount += 1;
    const { text, example } = reasonOf(why);
    const known = this.#reasons.get(text);
    if (known) known.ticketsCount += 1;
    else this.#reasons.set(text, { example, ticketsCount: 1 });
  }

  matched(match: Match, nowMs: Milliseconds): void {
    let players = 0;
    for (const { players: party, sinceMs } of match.tickets) {
      players += party.length;
      const waits = this.#waits.get(party.length) ?? [];
      this.#waits.set(party.length, waits);
      for (const _ of party) waits.push((nowMs - sinceMs) / 1_000);
    }
    this.#matches += 1;
    this.#matchedPlayers += players;
    this.#quality += match.quality;
    this.#fill += players / this.#hopper.maxGroupSize;
    const difference = this.#differenceOf(match);
    if (difference === undefined) return;
    this.#teamDifference += difference;
    this.#teamMatches += 1;
  }

  #differenceOf({ tickets, teams }: Match): number | undefined {
    const name = this.#strengthName;
    if (teams === undefined || name === undefined) return undefined;
    const byTeam = new Map<string, number[]>();
    for (const { xuid, attributes } of tickets.flatMap(({ players }) => players)) {
      const team = teams.get(xuid) ?? '';
      byTeam.set(team, [...(byTeam.get(team) ?? []), Number(attributes[name] ?? 0)]);
    }
    const means = [...byTeam.values()].map(meanOf);
    return means.length < 2 ? undefined : Math.max(...means) - Math.min(...means);
  }

  result(waiting: readonly MatchTicket[]): SimulationResult {
    const share = (sum: number, count: number): number => (count === 0 ? 0 : sum / count);
    const waits = [...this.#waits].sort(([a], [b]) => a - b);
    return {
      waits: new Map(waits.map(([size, all]) => [size, all.sort((a, b) => a - b)])),
      playersCount: this.#players,
      matchedCount: this.#matchedPlayers,
      gaveUpCount: this.#gaveUp,
      waitingCount: waiting.reduce((sum, { players }) => sum + players.length, 0),
      matchesCount: this.#matches,
      quality: share(this.#quality, this.#matches),
      fill: share(this.#fill, this.#matches),
      ...(this.#teamMatches > 0 && {
        teamDifference: this.#teamDifference / this.#teamMatches,
      }),
      reasons: [...this.#reasons]
        .map(([text, reason]) => ({ text, ...reason }))
        .sort((a, b) => b.ticketsCount - a.ticketsCount || (a.text < b.text ? -1 : 1)),
      pool: this.pool,
    };
  }
}

function reasonOf(why: WhyNot): { readonly text: string; readonly example: string | undefined } {
  const { comparedCount, compatiblePlayers, neededPlayers, keptBy, nearest } = why;
  if (comparedCount === 0) return { text: 'no other ticket waits', example: undefined };
  if (compatiblePlayers >= neededPlayers) {
    return { text: 'enough players go with the ticket, not with each other', example: undefined };
  }
  const [strictest] = keptBy;
  if (strictest === undefined) return { text: 'too few players wait', example: undefined };
  const example = nearest[0]?.because.join('; ');
  return { text: `${strictest.rule} keeps tickets apart`, example };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value that a part of `sorted` does not exceed; NaN of none. `part` is from 0 to 1. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}
