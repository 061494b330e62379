import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../platform/seeded-random.ts';
import { sampleHopper, sampleTicket } from '../../testing/match-samples.ts';
import { candidateOf, hopperRules } from './hopper-rules.ts';
import type { Rule } from './hopper.ts';
import { MatchPool } from './match-pool.ts';
import { allMatches, searchMatches } from './matcher.ts';
import { mergeInTurns, sortInTurns } from './sort-in-turns.ts';

function last<T>(turns: Generator<void, T>): { readonly value: T; readonly turnsCount: number } {
  for (let turnsCount = 1; ; turnsCount += 1) {
    const { done, value } = turns.next();
    if (done) return { value, turnsCount };
  }
}

const skillRule: Rule = {
  name: 'skill',
  type: 'must',
  weight: 1,
  dataType: 'number',
  attribute: 'skill',
  allowWildcards: false,
  maxDiff: 3,
  expansionDelta: 0,
  flatten: 'minMax',
};

const ascending = (a: number, b: number): number => a - b;

// Kills: a run that is left out; runs merged in the wrong order; all done in one turn.
test('many items are sorted in several turns, few in one', () => {
  const random = seededRandom(7);
  for (const length of [0, 1, 512, 513, 1_024, 5_000, 20_000]) {
    const items = Int32Array.from({ length }, () => random.below(10_000));
    const { value, turnsCount } = last(sortInTurns(items, ascending));
    assert.deepEqual(value, items.slice().sort(ascending));
    assert.equal(turnsCount > 1, length > 512);
  }
});

// Kills: an end of a list that is lost; equal items that change places.
test('two lists in order become one, those of the first before equal ones', () => {
  const key = (item: number): number => Math.floor(item / 10);
  const lists = [[], [0], [10, 20, 30], [11, 12, 31], [5, 25, 45]].map((one) =>
    Int32Array.from(one),
  );
  for (const first of lists) {
    for (const second of lists) {
      const { value } = last(mergeInTurns(first, second, (a, b) => key(a) - key(b)));
      const expected = [...first, ...second].sort((a, b) => key(a) - key(b));
      assert.deepEqual([...value], expected);
    }
  }
});

// Kills: tickets that are lost with a search that ends while they are sorted in; a slot that is given
// again while an order still has it.
test('a search that ends while many tickets are sorted in loses none', () => {
  const rules = hopperRules(sampleHopper({ rules: [skillRule] }));
  const random = seededRandom(8);
  const tickets = Array.from({ length: 3_000 }, () =>
    sampleTicket({ skill: random.below(50_000) }, { sinceMs: random.below(1_000) }),
  );
  const nowMs = 10_000;
  for (let turns = 0; turns < 48; turns += 3) {
    const pool = new MatchPool(rules);
    for (const ticket of tickets) pool.put(candidateOf(rules, ticket));
    const search = searchMatches(pool, nowMs);
    for (let turn = 0; turn < turns; turn += 1) search.next();
    for (const { id } of tickets.slice(0, 500)) pool.remove(id);
    for (const ticket of tickets.slice(0, 200)) pool.put(candidateOf(rules, ticket));
    for (const { id } of tickets.slice(100, 200)) pool.remove(id);

    const fresh = new MatchPool(rules);
    const there = [...tickets.slice(0, 100), ...tickets.slice(500)];
    for (const ticket of there) fresh.put(candidateOf(rules, ticket));
    const expected = allMatches(fresh, nowMs);
    assert.ok(expected.length > 100);
    assert.deepEqual(allMatches(pool, nowMs), expected);
  }
});

// Kills: a ticket that has gone and takes the row of another one.
test('tickets that go in any turn hide no other ticket from the same search', () => {
  const rules = hopperRules(sampleHopper({ rules: [{ ...skillRule, maxDiff: 0 }] }));
  const nowMs = 10_000;
  for (let turns = 0; turns < 12; turns += 1) {
    const pool = new MatchPool(rules);
    // Two of each skill, which go together and with no other.
    const tickets = Array.from({ length: 3_000 }, (_, at) =>
      sampleTicket({ skill: Math.floor(at / 2) }, { sinceMs: (at * 7) % 1_000 }),
    );
    const put = (from: number, to: number): void => {
      for (const ticket of tickets.slice(from, to)) pool.put(candidateOf(rules, ticket));
    };
    put(0, 1_500);
    allMatches(pool, nowMs);
    put(1_500, 3_000);
    const gone = new Set<string>();
    const matched = new Set<string>();
    let turn = 0;
    for (const match of searchMatches(pool, nowMs)) {
      if (match === undefined && turn++ === turns) {
        for (let at = 0; at < 3_000; at += 10) {
          for (const { id } of tickets.slice(at, at + 2)) {
            pool.remove(id);
            gone.add(id);
          }
        }
      }
      for (const { id } of match?.tickets ?? []) matched.add(id);
    }
    assert.equal(gone.size, 600);
    for (const { id } of tickets) assert.ok(matched.has(id) || gone.has(id));
  }
});
