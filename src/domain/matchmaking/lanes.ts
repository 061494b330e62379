/**
 * The tickets of a pool, so that those near to a ticket are found quickly: apart by the texts of MUST
 * rules, and within such a lane in the order of the number that matters most.
 */

import { isBinding, numberDiffMax } from './expansion.ts';
import type { NumberRule } from './hopper.ts';
import type { Candidate, HopperRules } from './hopper-rules.ts';
import type { NumberRange } from './rules/number.ts';

type Lane = {
  /** What all its tickets have; undefined in place of what goes with everything. */
  readonly key: readonly (string | undefined)[];
  /** Tickets by their numbers, those with the same number by their wait. */
  readonly order: Uint32Array;
  /** For each place in `order` a place from there on, or before it, that may be free. */
  readonly next: Int32Array;
  readonly former: Int32Array;
};

export class Lanes {
  readonly #rules: HopperRules;
  readonly #numberRule: NumberRule | undefined;
  /** By ticket; NaN where it has none. */
  readonly #numbers: Float64Array;
  readonly #lanes: readonly Lane[];
  readonly #wildLanes: readonly Lane[];
  readonly #laneOf: readonly (Lane | undefined)[];
  readonly #placeOf: Uint32Array;
  readonly #isTaken: Uint8Array;

  /** `tickets` are in the order of their wait, and named by their places in it. */
  constructor(rules: HopperRules, tickets: readonly Candidate[]) {
    this.#rules = rules;
    const numberIndex = nearestRuleIndex(rules);
    const numberRule = rules.rules[numberIndex]?.rule;
    this.#numberRule = numberRule?.dataType === 'number' ? numberRule : undefined;
    this.#numbers = Float64Array.from(tickets, ({ values }) => {
      const range = values[numberIndex] as NumberRange | undefined | null;
      return range ? (range.min + range.max) / 2 : Number.NaN;
    });
    this.#placeOf = new Uint32Array(tickets.length);
    this.#isTaken = new Uint8Array(tickets.length);
    const laneOf = Array<Lane | undefined>(tickets.length);
    this.#lanes = groupByKey(rules, tickets, numberIndex).map(({ key, indexes }) => {
      const lane = this.#laneFor(key, indexes);
      for (const index of indexes) laneOf[index] = lane;
      return lane;
    });
    this.#laneOf = laneOf;
    this.#wildLanes = this.#lanes.filter(isWild);
  }

  #laneFor(key: Lane['key'], indexes: readonly number[]): Lane {
    const numbers = this.#numbers;
    const order = Uint32Array.from(indexes);
    if (this.#numberRule) {
      order.sort((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0) || a - b);
    }
    for (const [place, index] of order.entries()) this.#placeOf[index] = place;
    const places = Int32Array.from({ length: order.length + 1 }, (_, place) => place);
    return { key, order, next: places, former: places.slice() };
  }

  /** False: the ticket was taken, or goes with no other. */
  has(index: number): boolean {
    return this.#laneOf[index] !== undefined && this.#isTaken[index] === 0;
  }

  take(index: number): void {
    const lane = this.#laneOf[index];
    if (lane === undefined) return;
    this.#isTaken[index] = 1;
    const place = this.#placeOf[index] ?? 0;
    lane.next[place] = place + 1;
    lane.former[place] = place - 1;
  }

  /**
   * The tickets that may go with one, the nearest number first; without numbers the longest wait first.
   * What the rules say of them is not asked, and the ticket itself is not among them.
   */
  *near(index: number, cycle: number): Generator<number> {
    const own = this.#laneOf[index];
    if (own === undefined) return;
    const number = this.#numbers[index] ?? Number.NaN;
    const start = Number.isNaN(number) ? 0 : (this.#placeOf[index] ?? 0);
    for (const found of this.#outward(own, start, number, cycle)) if (found !== index) yield found;
    for (const lane of isWild(own) ? this.#lanes : this.#wildLanes) {
      if (lane !== own && goTogether(own, lane)) yield* this.#outward(lane, 0, Number.NaN, cycle);
    }
  }

  /** From a place in both directions, as far as the rule about the number reaches. */
  *#outward(lane: Lane, start: number, number: number, cycle: number): Generator<number> {
    const { order, next, former } = lane;
    const reach = this.#reachOf(number, cycle);
    const distance = (place: number): number => {
      if (place < 0 || place >= order.length) return Number.POSITIVE_INFINITY;
      const away = Math.abs((this.#numbers[order[place] ?? 0] ?? number) - number);
      return Number.isNaN(away) ? 0 : away;
    };
    let up = freeFrom(next, start);
    let down = freeBefore(former, start - 1);
    while (up < order.length || down >= 0) {
      const isUp = distance(up) <= distance(down);
      const place = isUp ? up : down;
      if (distance(place) > reach) return;
      if (isUp) up = freeFrom(next, up + 1);
      else down = freeBefore(former, down - 1);
      yield order[place] ?? 0;
      // What was just yielded may have been taken, and others with it.
    }
  }

  #reachOf(number: number, cycle: number): number {
    const rule = this.#numberRule;
    if (rule === undefined || Number.isNaN(number)) return Number.MAX_VALUE;
    return isBinding(rule, this.#rules.hopper, cycle)
      ? numberDiffMax(rule, cycle)
      : Number.MAX_VALUE;
  }
}

/** The number rule by which tickets are ordered: the heaviest; -1: there is none. */
function nearestRuleIndex({ rules }: HopperRules): number {
  let best = -1;
  for (const [index, { rule }] of rules.entries()) {
    if (rule.dataType === 'number' && rule.weight > (rules[best]?.rule.weight ?? 0)) best = index;
  }
  return best;
}

function groupByKey(
  { rules }: HopperRules,
  tickets: readonly Candidate[],
  numberIndex: number,
): readonly { readonly key: Lane['key']; readonly indexes: readonly number[] }[] {
  const textIndexes = rules.flatMap(({ rule }, index) =>
    rule.type === 'must' && rule.dataType === 'string' ? [index] : [],
  );
  const lanes = new Map<string, { readonly key: Lane['key']; readonly indexes: number[] }>();
  for (const [i, { values, constantsKey }] of tickets.entries()) {
    // A ticket that lacks what it must have goes with no other.
    if (textIndexes.some((index) => values[index] === null)) continue;
    const isAnyNumber = numberIndex >= 0 && !values[numberIndex];
    const texts = textIndexes.map((index) => values[index] as string | undefined);
    const key = [constantsKey, isAnyNumber ? undefined : '', ...texts];
    const name = nameOf(key);
    const lane = lanes.get(name);
    if (lane) lane.indexes.push(i);
    else lanes.set(name, { key, indexes: [i] });
  }
  return [...lanes.values()];
}

/** Two keys with the same name share a lane; the rules tell their tickets apart. */
function nameOf(key: Lane['key']): string {
  let name = '';
  for (const part of key) name += part === undefined ? '\u0001\u0000' : `${part}\u0000`;
  return name;
}

function isWild({ key }: Lane): boolean {
  return key.includes(undefined);
}

function goTogether(a: Lane, b: Lane): boolean {
  return a.key.every(
    (part, i) => part === undefined || b.key[i] === undefined || part === b.key[i],
  );
}

/** The first free place from `place` on; the length of the lane when there is none. */
function freeFrom(next: Int32Array, place: number): number {
  let free = place;
  while (free < next.length - 1 && next[free] !== free) free = next[free] ?? next.length;
  shorten(next, place, free);
  return free;
}

/** The last free place up to `place`; -1 when there is none. */
function freeBefore(former: Int32Array, place: number): number {
  let free = place;
  while (free >= 0 && former[free] !== free) free = former[free] ?? -1;
  shorten(former, place, free);
  return free;
}

/** Each place on the way leads to the end of it from now on, or a full lane would cost ever more. */
function shorten(links: Int32Array, from: number, to: number): void {
  let place = from;
  while (place !== to && place >= 0 && place < links.length - 1) {
    const following = links[place] ?? to;
    links[place] = to;
    place = following;
  }
}
