/** Arbitrary candidates and filters: few fields and few values, so that they meet. */

import fc from 'fast-check';
import {
  linesOf,
  packCandidate,
  type CandidateValues,
  type SearchCandidate,
  type Value,
} from '../domain/search/candidate.ts';
import { listPaths, type ListPath } from '../domain/search/fields.ts';
import { operators, type Comparison, type Filter } from '../domain/search/filter.ts';
import type { Order } from '../domain/search/order.ts';
import type { Milliseconds } from '../domain/time.ts';
import { startMs } from './samples.ts';

/** Objects as literals make them. */
const plain = { noNullPrototype: true };

const words = ['elite', 'it', "it's", 'z', 'ä', '', 'a\n=b\\n', 't:elite'];

const numberFields = [
  'numbers/rank',
  'numbers/constructor',
  'session/membersCount',
  'session/needs',
];
const stringFields = [
  'strings/rank',
  'strings/clan',
  'language',
  'session/visibility',
  'session/templateName',
];

const anyNumber = fc.constantFrom(-1.5, 0, 1, 2, 3, 1e21);
const anyWord = fc.constantFrom(...words);
const anyTimeMs: fc.Arbitrary<Milliseconds> = fc.nat(5).map((n) => startMs + n);

/** What a candidate holds, as it was before it was packed. */
export function unpacked(candidate: SearchCandidate): CandidateValues {
  const values: Record<string, Value> = { ...candidate.values };
  const lists: { [list in ListPath]?: string[] } = {};
  for (const one of linesOf(candidate)) {
    if ('field' in one) values[one.field] = one.value;
    else lists[one.list] = [...(lists[one.list] ?? []), one.member];
  }
  return { values, lists };
}

const anyHeld: fc.Arbitrary<CandidateValues & { readonly createTimeMs: Milliseconds }> = fc
  .record({
    createTimeMs: anyTimeMs,
    values: fc.record(
      {
        ...Object.fromEntries(numberFields.map((field) => [field, anyNumber])),
        ...Object.fromEntries(stringFields.map((field) => [field, anyWord])),
        'session/scheduledTime': anyTimeMs,
        'session/closed': fc.constant(true as const),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
    lists: fc.record(
      Object.fromEntries(
        listPaths.map((list) => [list, fc.uniqueArray(anyWord, { minLength: 1, maxLength: 3 })]),
      ),
      { requiredKeys: [], noNullPrototype: true },
    ),
  })
  .map(({ createTimeMs, values, lists }) => ({
    createTimeMs,
    values: { ...values, 'session/postedTime': createTimeMs } as CandidateValues['values'],
    lists,
  }));

/** The candidate of the n-th session; the n-th of another time is another state of it. */
export function anyCandidate(n: number): fc.Arbitrary<SearchCandidate> {
  return anyHeld.map((held) => packCandidate(`scid~template~${n}`, held.createTimeMs, held));
}

/** So many candidates, each of another session. */
export function anyCandidates(maxLength: number): fc.Arbitrary<readonly SearchCandidate[]> {
  return fc
    .array(anyHeld, { maxLength })
    .map((all) =>
      all.map((held, n) => packCandidate(`scid~template~${n}`, held.createTimeMs, held)),
    );
}

function comparison<V extends string | number>(
  fields: readonly string[],
  value: fc.Arbitrary<V>,
): fc.Arbitrary<Comparison> {
  return fc.record(
    {
      kind: fc.constant('compare' as const),
      field: fc.constantFrom(...fields),
      operator: fc.constantFrom(...operators),
      value,
    },
    plain,
  );
}

const anyCondition: fc.Arbitrary<Filter> = fc.oneof(
  comparison([...numberFields, 'session/roles/lfg/confirmed/needs'], anyNumber),
  comparison(stringFields, anyWord),
  comparison(['session/postedTime', 'session/scheduledTime'], anyTimeMs),
  fc.record(
    {
      kind: fc.constant('has' as const),
      list: fc.constantFrom<ListPath>(...listPaths),
      value: anyWord,
    },
    plain,
  ),
  fc.constant<Filter>({ kind: 'is', flag: 'session/closed' }),
);

/** A filter as the parser makes them. */
export const anyFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    anyCondition,
    fc.record(
      {
        kind: fc.constantFrom('and' as const, 'or' as const),
        of: fc.array(tie('filter'), { minLength: 2, maxLength: 4 }),
      },
      plain,
    ),
    fc.record({ kind: fc.constant('not' as const), of: tie('filter') }, plain),
  ),
})).filter;

export const anyOrder: fc.Arbitrary<Order> = fc.record({
  fields: fc.constantFrom<readonly string[]>(
    ['session/postedTime'],
    ['session/membersCount'],
    ['session/templateName'],
    ['session/scheduledTime'],
    ['numbers/rank', 'strings/rank'],
    ['numbers/clan', 'strings/clan'],
  ),
  descending: fc.boolean(),
});
