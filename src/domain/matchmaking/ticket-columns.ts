/**
 * Tickets in columns. A search looks at many thousands of pairs, and what decides about most of them lies
 * side by side here.
 */

import type { Candidate, HopperRules } from './hopper-rules.ts';
import type { NumberRange } from './rules/number.ts';

/** What makes a pair need more than a look at the columns. */
export const ticketFlags = {
  isPreserved: 1,
  sharesPlayer: 2,
  hasAvoids: 4,
  lacksValue: 8,
} as const;

export class TicketColumns {
  readonly length: number;
  /** Where each ticket is kept. */
  readonly slots: Int32Array<ArrayBuffer>;
  readonly places: Uint16Array<ArrayBuffer>;
  readonly flags: Uint8Array<ArrayBuffer>;
  /** What a ticket is found by: the middle of its range by the nearest rule; NaN: it has none. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** The codes of the rule whose sums are asked for; 0 where there is none. */
  readonly codes: Float64Array<ArrayBuffer>;
  /**
   * The ranges of the number rules, in their order. NaN: goes with every other ticket. From minus to
   * plus infinity: with none.
   */
  readonly mins: readonly Float64Array<ArrayBuffer>[];
  readonly maxs: readonly Float64Array<ArrayBuffer>[];

  constructor(length: number, numberRulesCount: number) {
    this.length = length;
    this.slots = new Int32Array(length);
    this.places = new Uint16Array(length);
    this.flags = new Uint8Array(length);
    this.numbers = new Float64Array(length);
    this.codes = new Float64Array(length);
    const ranges = () => Array.from({ length: numberRulesCount }, () => new Float64Array(length));
    this.mins = ranges();
    this.maxs = ranges();
  }

  /** Copies a row of other columns. */
  copyRow(to: number, from: TicketColumns, row: number): void {
    this.slots[to] = from.slots[row] as number;
    this.places[to] = from.places[row] as number;
    this.flags[to] = from.flags[row] as number;
    this.numbers[to] = from.numbers[row] as number;
    this.codes[to] = from.codes[row] as number;
    for (let i = 0; i < this.mins.length; i += 1) {
      (this.mins[i] as Float64Array)[to] = (from.mins[i] as Float64Array)[row] as number;
      (this.maxs[i] as Float64Array)[to] = (from.maxs[i] as Float64Array)[row] as number;
    }
  }

  /** Writes a ticket that is kept in the slot `row`. */
  setRow(
    row: number,
    { values, places }: Candidate,
    { flags, code }: { readonly flags: number; readonly code: number },
    { nearest, all }: NumberRuleIndexes,
  ): void {
    this.slots[row] = row;
    this.places[row] = Math.min(places, 0xffff);
    this.flags[row] = flags;
    this.codes[row] = code;
    const range = values[nearest] as NumberRange | undefined | null;
    this.numbers[row] = range ? (range.min + range.max) / 2 : Number.NaN;
    for (const [i, index] of all.entries()) {
      const value = values[index] as NumberRange | undefined | null;
      const isNone = value === null;
      (this.mins[i] as Float64Array)[row] = isNone
        ? Number.NEGATIVE_INFINITY
        : (value?.min ?? Number.NaN);
      (this.maxs[i] as Float64Array)[row] = isNone
        ? Number.POSITIVE_INFINITY
        : (value?.max ?? Number.NaN);
    }
  }

  /** The same rows, and as many more. */
  doubled(): TicketColumns {
    const next = new TicketColumns(2 * this.length, this.mins.length);
    next.slots.set(this.slots);
    next.places.set(this.places);
    next.flags.set(this.flags);
    next.numbers.set(this.numbers);
    next.codes.set(this.codes);
    for (const [i, column] of this.mins.entries()) next.mins[i]?.set(column);
    for (const [i, column] of this.maxs.entries()) next.maxs[i]?.set(column);
    return next;
  }
}

/** Where the number rules are among the rules of a hopper. */
export type NumberRuleIndexes = {
  readonly all: readonly number[];
  /** The heaviest, by which tickets are found; -1: there is none. */
  readonly nearest: number;
};

export function numberRuleIndexes({ rules }: HopperRules): NumberRuleIndexes {
  const all = rules.flatMap(({ rule }, index) => (rule.dataType === 'number' ? [index] : []));
  let nearest = -1;
  for (const index of all) {
    if ((rules[index]?.rule.weight ?? 0) > (rules[nearest]?.rule.weight ?? 0)) nearest = index;
  }
  return { all, nearest };
}
