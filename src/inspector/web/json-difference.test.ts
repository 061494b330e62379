import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExactJson, type Json } from '../../domain/json.ts';
import { type DifferenceNode, differenceOf } from './json-difference.ts';

/** One side of a difference, put together again from its leaves. */
function sideOf(node: DifferenceNode, side: 'before' | 'after'): Json | undefined {
  if (node.kind !== 'inside') return node[side];
  const there = node.children
    .map((child) => [child.key, sideOf(child, side)] as const)
    .filter((entry): entry is readonly [string, Json] => entry[1] !== undefined);
  return Array.isArray(node[side])
    ? there.sort(([a], [b]) => Number(a) - Number(b)).map(([, value]) => value)
    : Object.fromEntries(there);
}

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;

// Kills: children that take the other side's value, members of `before` that are left out.
test('both values can be put together again from their difference', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const node = differenceOf(before, after);
      assert.deepEqual(sideOf(node, 'before'), before);
      assert.deepEqual(sideOf(node, 'after'), after);
    }),
  );
});

// Kills: equality by reference, a count that forgets removed members.
test('only equal values have no difference', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const isEqual = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after));
      assert.equal(differenceOf(before, after).count === 0, isEqual);
      assert.equal(differenceOf(before, structuredClone(before)).count, 0);
    }),
  );
});

/** The order of members is no difference. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as Record<string, Json>)
      .map(([key, member]) => [key, sorted(member)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

test('a member who joined and one who changed are shown apart from those who stayed', () => {
  const member = (team: string) => ({ properties: { custom: { team } } });
  const { children } = differenceOf(
    { members: { 0: member('red'), 1: member('red') } },
    { members: { 0: member('red'), 1: member('blue'), 2: member('red') } },
  );
  const [members] = children;
  assert.deepEqual(
    members?.children.map(({ key, kind, count }) => [key, kind, count]),
    [
      ['0', 'same', 0],
      ['1', 'inside', 1],
      ['2', 'added', 1],
    ],
  );
});

test('numbers with more digits than a double has are compared as they are written', () => {
  const [before, after] = [
    parseExactJson('{"score": 12345678901234567890}'),
    parseExactJson('{"score": 12345678901234567891}'),
  ];
  assert.equal(differenceOf(before, after).count, 1);
  assert.equal(differenceOf(before, parseExactJson('{"score": 12345678901234567890}')).count, 0);
});
