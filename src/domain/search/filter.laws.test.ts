import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { notRefused } from '../../testing/samples.ts';
import { anyCandidates, anyFilter, unpacked } from '../../testing/search-arbitraries.ts';
import { Refusal } from '../refusal.ts';
import type { SearchCandidate } from './candidate.ts';
import { formatFilter, matches, type Filter } from './filter.ts';
import { parseFilter } from './parser.ts';
import { Hits } from '../../testing/hits.ts';

// Kills: formatFilter without parentheses around a part that is an `or`; quotes not doubled.
test('the parser reads what was formatted, as it was', () => {
  fc.assert(
    fc.property(anyFilter, (filter) => {
      assert.deepEqual(notRefused(parseFilter(formatFilter(filter))), filter);
    }),
  );
});

type Candidates = ReadonlySet<SearchCandidate>;

/** The candidates that a filter selects, as algebra of sets. */
function selected(filter: Filter, all: Candidates): Candidates {
  const where = (holds: (one: SearchCandidate) => boolean) => new Set([...all].filter(holds));
  const union = (a: Candidates, b: Candidates) => new Set([...a, ...b]);
  const difference = (a: Candidates, b: Candidates) => where((one) => a.has(one) && !b.has(one));
  const intersection = (a: Candidates, b: Candidates) => where((one) => a.has(one) && b.has(one));
  switch (filter.kind) {
    case 'and':
      return filter.of.map((part) => selected(part, all)).reduce(intersection);
    case 'or':
      return filter.of.map((part) => selected(part, all)).reduce(union);
    case 'not':
      return difference(all, selected(filter.of, all));
    case 'has':
      return where((one) => new Set(unpacked(one).lists[filter.list]).has(filter.value));
    case 'is':
      return where((one) => Object.keys(unpacked(one).values).includes(filter.flag));
    case 'compare': {
      const { field, value } = filter;
      const held = where((one) => Object.keys(unpacked(one).values).includes(field));
      const [less, same] = [
        new Set([...held].filter((one) => (unpacked(one).values[field] ?? 0) < value)),
        new Set([...held].filter((one) => unpacked(one).values[field] === value)),
      ];
      switch (filter.operator) {
        case 'eq':
          return same;
        case 'ne':
          return difference(all, same);
        case 'lt':
          return less;
        case 'le':
          return union(less, same);
        case 'gt':
          return difference(held, union(less, same));
        case 'ge':
          return difference(held, less);
      }
    }
  }
}

// Kills: a missing value that satisfies more than `ne`; `ge` for `gt`; `some` for `every`.
test('a filter selects what the algebra of sets selects', () => {
  fc.assert(
    fc.property(anyFilter, anyCandidates(8), (filter, candidates) => {
      const all = new Set(candidates);
      assert.deepEqual(
        candidates.filter((one) => matches(filter, one)),
        [...all].filter((one) => selected(filter, all).has(one)),
      );
    }),
  );
});

// Kills: an operator that is exchanged to its negation (lt to ge) instead of its mirror (lt to gt).
test('a comparison with its sides exchanged says the same', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('eq', 'ne', 'lt', 'le', 'gt', 'ge'),
      fc.integer({ min: -2, max: 2 }),
      anyCandidates(8),
      (operator, value, candidates) => {
        const mirror = { eq: 'eq', ne: 'ne', lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' }[operator];
        const left = notRefused(parseFilter(`${value} ${operator} numbers/rank`));
        const right = notRefused(parseFilter(`numbers/rank ${mirror} ${value}`));
        for (const one of candidates) assert.equal(matches(left, one), matches(right, one));
      },
    ),
  );
});

const words = ['(', ')', 'and', 'or', 'not', 'eq', 'gt', 'true', 'tags/any(', 'd', ':', "'x'", '5'];

// Kills: a parser that stops before the end of the text, or throws where it should refuse.
test('any words are read whole or refused at a character of the text', () => {
  const hits = new Hits();
  const anyText = fc.array(
    fc.oneof(fc.constantFrom(...words, 'numbers/x', 'session/closed', 'tolower('), fc.string()),
  );
  fc.assert(
    fc.property(
      anyText.map((all) => all.join(' ')),
      (text) => {
        const filter = parseFilter(text);
        if (!(filter instanceof Refusal)) {
          assert.deepEqual(notRefused(parseFilter(formatFilter(filter))), filter);
          assert.ok(parseFilter(`${text} )`) instanceof Refusal);
          return;
        }
        hits.count();
        const at = Number(/\d+/.exec(filter.detail ?? '')?.[0]);
        assert.ok(at >= 1 && at <= text.length + 1, `${at} in ${text}`);
      },
    ),
  );
  hits.assertAtLeast(20);
});
