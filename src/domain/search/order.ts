/**
 * The order of search results.
 *
 *     orderBy  = name [ "asc" | "desc" ]
 *     name     = "timestamp" | path | the bare name of an attribute
 *
 * A bare name is that of a number attribute or a string attribute. `timestamp` is when the handle
 * was created, and the order without an orderBy.
 *
 * @source docs/wire/unknowns.md "the order of search results", docs/wire/search.md "POST /handles/query"
 */

import { Refusal } from '../refusal.ts';
import { fieldValue, type SearchCandidate } from './candidate.ts';
import { commonFields, resolvePath } from './fields.ts';

export type Order = {
  /** Candidates that have the first field come first, then those that have the next. */
  readonly fields: readonly string[];
  readonly descending: boolean;
};

const created = 'session/postedTime';

/** By creation, the oldest first. */
export const oldestFirst: Order = { fields: [created], descending: false };

const barePattern = /^[a-z][a-z0-9]*$/;

/** The order of `text`. Refuses: requestInvalid. */
export function parseOrder(text: string): Order | Refusal {
  const [name = '', direction = 'asc', ...more] = text.trim().toLowerCase().split(/\s+/);
  const fields = fieldsOf(name);
  if (fields === undefined || !['asc', 'desc'].includes(direction) || more.length > 0) {
    return new Refusal(
      'requestInvalid',
      '$.orderBy: Expected the name of an attribute, numbers/{name}, strings/{name}, session/{field} or timestamp, and then asc or desc, as in "mmr desc".',
      { detail: '$.orderBy' },
    );
  }
  return { fields, descending: direction === 'desc' };
}

function fieldsOf(name: string): readonly string[] | undefined {
  if (name === 'timestamp') return [created];
  const named = resolvePath(name);
  if (named !== undefined && 'field' in named && named.kind !== 'flag') {
    return commonFields.has(named.field) ? undefined : [named.field];
  }
  return barePattern.test(name) && named === undefined
    ? [`numbers/${name}`, `strings/${name}`]
    : undefined;
}

/** The place of a candidate in an order: all that a comparison needs. */
export type Position = {
  /** Which of the order's fields it has; their number when it has none. */
  readonly group: number;
  readonly value: string | number;
  readonly createTimeMs: number;
  readonly key: string;
};

/** The candidate's place in the order. */
export function positionOf({ fields }: Order, candidate: SearchCandidate): Position {
  const { key, createTimeMs } = candidate;
  for (const [group, field] of fields.entries()) {
    const value = fieldValue(candidate, field);
    if (value !== undefined && value !== true) return { group, value, createTimeMs, key };
  }
  return { group: fields.length, value: 0, createTimeMs, key };
}

/**
 * Negative when `a` comes before `b`. Candidates without any of the fields come last, whatever the
 * direction; equal values in order of creation, reversed with the direction.
 */
export function comparePositions({ descending }: Order, a: Position, b: Position): number {
  if (a.group !== b.group) return a.group - b.group;
  const ascending =
    compareValues(a.value, b.value) ||
    a.createTimeMs - b.createTimeMs ||
    compareValues(a.key, b.key);
  return descending ? -ascending : ascending;
}

function compareValues<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
