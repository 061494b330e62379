import { isBinding, numberDiffMax } from './expansion.ts';
import type { NumberRule } from './hopper.ts';
import { type Candidate, type HopperRules, mayMeet, type ReadyRule } from './hopper-rules.ts';
import { isLaneText } from './lanes.ts';
import { closenessScaleOf } from './rules/number.ts';
import {
  type NumberRuleIndexes,
  numberRuleIndexes,
  type TicketColumns,
  ticketFlags,
} from './ticket-columns.ts';

type NumberState = {
  readonly rule: NumberRule;
  readonly scale: number;
  /** The difference that is allowed in the cycle that was set. */
  allowed: number;
};

type OtherState = { readonly one: ReadyRule; readonly index: number; binds: boolean };

const lookCloser = ticketFlags.sharesPlayer | ticketFlags.hasAvoids | ticketFlags.lacksValue;

/**
 * `mayPair` and `closenessOf` for two tickets of one lane, by rows of its columns: the same answers,
 * sooner. The texts that part the lanes are equal there.
 */
export class LanePairs {
  readonly indexes: NumberRuleIndexes;
  readonly #rules: HopperRules;
  readonly #candidates: readonly (Candidate | undefined)[];
  readonly #numbers: readonly NumberState[];
  /** Rules that are neither about numbers nor settled by the lane. */
  readonly #others: readonly OtherState[];
  /** Those that look at pairs where no value is missing. */
  readonly #pairRules: readonly OtherState[];
  readonly #weights: number;
  /** What the texts of the lane add to the closeness of each of its pairs. */
  readonly #commonWeight: number;
  #cycle = 0;

  /** `candidates` are the tickets by their slots. */
  constructor(rules: HopperRules, candidates: readonly (Candidate | undefined)[]) {
    this.#rules = rules;
    this.#candidates = candidates;
    this.indexes = numberRuleIndexes(rules);
    this.#numbers = rules.rules.flatMap(({ rule }) =>
      rule.dataType === 'number' ? [{ rule, scale: closenessScaleOf(rule), allowed: 0 }] : [],
    );
    this.#others = rules.rules
      .map((one, index) => ({ one, index, binds: true }))
      .filter(({ one: { rule } }) => rule.dataType !== 'number' && !isLaneText(rule));
    this.#pairRules = this.#others.filter(({ one }) => one.body.admits);
    const weighed = rules.rules.filter(({ body }) => body.closeness);
    const weightOf = (ready: readonly ReadyRule[]): number =>
      ready.reduce((sum, { rule }) => sum + rule.weight, 0);
    this.#weights = weightOf(weighed);
    this.#commonWeight = weightOf(weighed.filter(({ rule }) => isLaneText(rule)));
  }

  /** Pairs are asked for in this cycle from now on. */
  setCycle(cycle: number): void {
    const { hopper } = this.#rules;
    this.#cycle = cycle;
    for (const state of this.#numbers) {
      state.allowed = isBinding(state.rule, hopper, cycle)
        ? numberDiffMax(state.rule, cycle)
        : Number.POSITIVE_INFINITY;
    }
    for (const state of this.#others) state.binds = isBinding(state.one.rule, hopper, cycle);
  }

  /** How far the numbers of two tickets of a lane may be from each other. */
  get reach(): number {
    const at = this.indexes.all.indexOf(this.indexes.nearest);
    return this.#numbers[at]?.allowed ?? Number.POSITIVE_INFINITY;
  }

  mayPair(columns: TicketColumns, a: number, b: number): boolean {
    const { places, flags, mins, maxs } = columns;
    const { maxGroupSize } = this.#rules.hopper;
    if ((places[a] as number) + (places[b] as number) > maxGroupSize) return false;
    for (let i = 0; i < this.#numbers.length; i += 1) {
      const difference = differenceOf(mins[i] as Float64Array, maxs[i] as Float64Array, a, b);
      // False of NaN.
      if (difference > (this.#numbers[i] as NumberState).allowed) return false;
    }
    const flagsA = flags[a] as number;
    const flagsB = flags[b] as number;
    if ((flagsA & flagsB & ticketFlags.isPreserved) !== 0) return false;
    const isClear = ((flagsA | flagsB) & lookCloser) === 0;
    return (isClear && this.#pairRules.length === 0) || this.#mayPairCloser(columns, a, b, isClear);
  }

  #mayPairCloser({ slots }: TicketColumns, a: number, b: number, isClear: boolean): boolean {
    const left = this.#candidates[slots[a] as number];
    const right = this.#candidates[slots[b] as number];
    if (left === undefined || right === undefined) return false;
    for (const { one, index, binds } of isClear ? this.#pairRules : this.#others) {
      if (!binds) continue;
      const l = left.values[index];
      const r = right.values[index];
      if (l === null || r === null) return false;
      if (l === undefined || r === undefined || one.body.admits === undefined) continue;
      if (!one.body.admits(l, r, this.#cycle)) return false;
    }
    return isClear || mayMeet(left, right);
  }

  closeness(columns: TicketColumns, a: number, b: number): number {
    if (this.#weights === 0) return 1;
    const { mins, maxs, slots } = columns;
    let sum = this.#commonWeight;
    for (let i = 0; i < this.#numbers.length; i += 1) {
      const { rule, scale } = this.#numbers[i] as NumberState;
      const difference = differenceOf(mins[i] as Float64Array, maxs[i] as Float64Array, a, b);
      sum += Number.isNaN(difference) ? rule.weight : rule.weight / (1 + difference / scale);
    }
    for (const { one, index } of this.#others) {
      if (one.body.closeness === undefined) continue;
      const l = this.#candidates[slots[a] as number]?.values[index];
      const r = this.#candidates[slots[b] as number]?.values[index];
      if (l === undefined || r === undefined) sum += one.rule.weight;
      else if (l !== null && r !== null) sum += one.rule.weight * one.body.closeness(l, r);
    }
    return sum / this.#weights;
  }
}

/** The largest minus the smallest value of both; NaN: one of them goes with everything. */
function differenceOf(min: Float64Array, max: Float64Array, a: number, b: number): number {
  const highest = Math.max(max[a] as number, max[b] as number);
  return highest - Math.min(min[a] as number, min[b] as number);
}
