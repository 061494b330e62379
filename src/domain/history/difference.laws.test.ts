import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyJsonText, anyPlot, play } from '../../testing/arbitraries.ts';
import { formatJson, type Json, jsonEquals, parseExactJson } from '../json.ts';
import { differenceOf, withDifference } from './difference.ts';

function check(from: Json | undefined, to: Json | undefined): void {
  const stored = parseExactJson(formatJson(differenceOf(from, to))) as typeof edits;
  const edits = differenceOf(from, to);
  const made = withDifference(from, stored);
  assert.ok(made === to || jsonEquals(made, to), `${formatJson(edits)} makes ${formatJson(made)}`);
}

const anyJson = anyJsonText.map(parseExactJson);

// Kills: a removed member or item that stays; a null taken for nothing; inherited names taken for
// members; an exact number that loses digits; edits of an array in the wrong order; a shared item
// counted at both ends.
test('the difference of two values makes the one of the other, also after it was stored', () => {
  fc.assert(
    fc.property(anyJson, anyJson, (from, to) => {
      check(from, to);
      check(undefined, to);
      check(from, undefined);
    }),
  );
  fc.assert(
    fc.property(
      fc.array(anyJson, { maxLength: 4 }),
      fc.array(fc.oneof(fc.nat(5), anyJson), { maxLength: 6 }),
      (items, picks) => {
        // Items that both arrays share, in another order, beside others.
        const to = picks.map((pick) => (typeof pick === 'number' ? (items[pick] ?? null) : pick));
        check(items, to);
        check({ a: items, b: [items] }, { a: to, b: [to] });
      },
    ),
  );
});

// Kills: a difference that repeats what both states share.
test('every state of a session is made from the one after it, by less than its text', () => {
  let shorter = 0;
  fc.assert(
    fc.property(anyPlot, (plot) => {
      for (const { before, after } of play(plot)) {
        const [next, former] = [after, before] as unknown as readonly Json[];
        check(next, former);
        if (before === undefined || after === undefined) continue;
        const text = formatJson(differenceOf(next, former));
        if (text.length < formatJson(former).length / 2) shorter += 1;
      }
    }),
  );
  assert.ok(shorter > 100, `${shorter} differences are short`);
});

test('a difference of another value is an error, not a wrong value', () => {
  for (const from of [undefined, null, [], {}, { members: [] }, { members: [{}, {}] }]) {
    assert.throws(
      () => withDifference(from, [[['members', 5, 'status'], 'active']]),
      /at \/members/,
    );
    assert.throws(() => withDifference(from, [[['members'], 2, 1, []]]), /not that of this value/);
  }
});

test('a member that joined, and one that changed, are named by their places', () => {
  const ada = { xuid: '1', custom: { map: 'moon' } };
  const ben = { xuid: '2' };
  assert.deepEqual(differenceOf({ members: [ada, ben] }, { members: [ada] }), [
    [['members'], 1, 1, []],
  ]);
  assert.deepEqual(differenceOf({ members: [ben] }, { members: [ada, ben] }), [
    [['members'], 0, 0, [ada]],
  ]);
  assert.deepEqual(
    differenceOf({ members: [{ ...ada, custom: {} }, ben] }, { members: [ada, ben] }),
    [[['members', 0, 'custom', 'map'], 'moon']],
  );
});
