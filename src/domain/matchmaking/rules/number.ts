import { parseNumber, valuesOrWildcard } from '../attributes.ts';
import { numberDiffMax } from '../expansion.ts';
import type { NumberRule } from '../hopper.ts';
import type { RuleBody } from '../rule.ts';

/** The smallest and the largest value of a ticket; the same twice where they are averaged. */
export type NumberRange = { readonly min: number; readonly max: number };

/** Numbers may differ by so much. @source docs/wire/matchmaking.md "Rules" */
export function numberRule(rule: NumberRule): RuleBody<NumberRange> {
  const { attribute, maxDiff, expansionDelta } = rule;
  const scale = closenessScaleOf(rule);
  return {
    valueOf(ticket) {
      const values = valuesOrWildcard(ticket, rule, parseNumber);
      return values && rangeOf(values, rule.flatten);
    },
    admits: (a, b, cycle) => differenceOf(a, b) <= numberDiffMax(rule, cycle),
    closeness: (a, b) => 1 / (1 + differenceOf(a, b) / scale),
    difference: (a, b) => `${attribute} differs by ${formatNumber(differenceOf(a, b))}`,
    allowance: (cycle) => formatNumber(numberDiffMax(rule, cycle)),
    missing: `${attribute} is not given as a number`,
    words: `${attribute} differs by at most ${formatNumber(maxDiff)}${
      rule.type === 'should' && expansionDelta > 0
        ? `, ${formatNumber(expansionDelta)} more with each cycle`
        : ''
    }${rule.flatten === 'average' ? ', counted from the averages of tickets' : ''}`,
  };
}

/** Values that differ by so much are far from each other, in the eyes of the ranking. */
export function closenessScaleOf({ maxDiff, expansionDelta }: NumberRule): number {
  return Math.max(1, maxDiff + 4 * expansionDelta);
}

function rangeOf(values: readonly number[], flatten: NumberRule['flatten']): NumberRange {
  if (flatten === 'minMax') return { min: Math.min(...values), max: Math.max(...values) };
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { min: average, max: average };
}

/** The largest minus the smallest value of both. */
function differenceOf(a: NumberRange, b: NumberRange): number {
  return Math.max(a.max, b.max) - Math.min(a.min, b.min);
}

/** At most two digits after the point. */
export function formatNumber(value: number): string {
  return String(Math.round(value * 100) / 100);
}
