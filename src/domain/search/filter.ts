/**
 * A search filter as data: its test of one candidate, and its text.
 *
 * @source docs/wire/search.md "POST /handles/query"
 */

import { formatTime } from '../time.ts';
import { isOnList, fieldValue, type SearchCandidate } from './candidate.ts';
import { isTimeField, type ListPath } from './fields.ts';

export type Filter =
  /** Of two or more parts. */
  | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  /** The list holds the value. Lower-case. */
  | { readonly kind: 'has'; readonly list: ListPath; readonly value: string }
  /** The flag is set. */
  | { readonly kind: 'is'; readonly flag: string }
  | Comparison;

export type Comparison = {
  readonly kind: 'compare';
  /** As resolved by fields.ts: `numbers/rank`, `session/membersCount`. */
  readonly field: string;
  readonly operator: Operator;
  /** A string in lower case; of a time, milliseconds. */
  readonly value: string | number;
};

export const operators = ['eq', 'ne', 'gt', 'ge', 'lt', 'le'] as const;
export type Operator = (typeof operators)[number];

/** The operator that means the same with its sides exchanged. */
export const exchanged: Readonly<Record<Operator, Operator>> = {
  eq: 'eq',
  ne: 'ne',
  gt: 'lt',
  ge: 'le',
  lt: 'gt',
  le: 'ge',
};

/** True when the filter selects the candidate. A missing value satisfies only `ne`. */
export function matches(filter: Filter, candidate: SearchCandidate): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.of.every((part) => matches(part, candidate));
    case 'or':
      return filter.of.some((part) => matches(part, candidate));
    case 'not':
      return !matches(filter.of, candidate);
    case 'has':
      return isOnList(candidate, filter.list, filter.value);
    case 'is':
      return fieldValue(candidate, filter.flag) === true;
    case 'compare':
      return compares(fieldValue(candidate, filter.field), filter.operator, filter.value);
  }
}

function compares(
  held: string | number | boolean | undefined,
  operator: Operator,
  value: string | number,
): boolean {
  if (held === undefined) return operator === 'ne';
  switch (operator) {
    case 'eq':
      return held === value;
    case 'ne':
      return held !== value;
    case 'gt':
      return held > value;
    case 'ge':
      return held >= value;
    case 'lt':
      return held < value;
    case 'le':
      return held <= value;
  }
}

/** The text of the filter; the inverse of `parseFilter`. */
export function formatFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.of.map(formatPart).join(` ${filter.kind} `);
    case 'not':
      return `not ${formatPart(filter.of)}`;
    case 'has':
      return `${filter.list}/any(d:d eq ${quote(filter.value)})`;
    case 'is':
      return filter.flag;
    case 'compare':
      return `${filter.field} ${filter.operator} ${formatValue(filter)}`;
  }
}

function formatPart(part: Filter): string {
  return part.kind === 'and' || part.kind === 'or' ? `(${formatFilter(part)})` : formatFilter(part);
}

function formatValue({ field, value }: Comparison): string {
  if (typeof value === 'string') return quote(value);
  return isTimeField(field) ? quote(formatTime(value)) : String(value);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
