import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeldBytes } from './held-bytes.ts';

function open({ bytesMax = 100, heldMsMax = 30 } = {}) {
  const ended: string[] = [];
  let nowMs = 0;
  const held = new HeldBytes<{ readonly name: string }>({
    bytesMax,
    heldMsMax,
    elapsedMs: () => nowMs,
  });
  const holders = new Map(['a', 'b', 'c', 'd'].map((name) => [name, { name }]));
  const of = (name: string) => holders.get(name) ?? { name };
  return {
    ended,
    held,
    add: (name: string, bytes: number) => held.add(of(name), bytes, () => ended.push(name)),
    remove: (name: string) => held.delete(of(name)),
    pass: (ms: number) => {
      nowMs += ms;
      held.endLate();
    },
  };
}

test('past the bound those let go first that have held something for the longest time', () => {
  const { add, remove, ended, held } = open();
  add('a', 40);
  add('b', 40);
  add('a', 10);
  assert.deepEqual(ended, []);
  add('c', 20);
  assert.deepEqual([ended, held.bytes], [['a'], 60]);
  remove('b');
  add('b', 70);
  assert.deepEqual([ended, held.bytes], [['a'], 90]);
  add('d', 20);
  assert.deepEqual([ended, held.bytes], [['a', 'c'], 90]);
});

test('one that alone is over the bound lets go of it', () => {
  const { add, ended, held } = open();
  add('a', 101);
  assert.deepEqual([ended, held.bytes], [['a'], 0]);
});

// Kills: the time counted from the last bytes in place of the first.
test('nobody holds something for longer than it may', () => {
  const { add, pass, remove, ended } = open();
  add('a', 1);
  pass(20);
  add('a', 1);
  add('b', 1);
  pass(9);
  assert.deepEqual(ended, []);
  pass(1);
  assert.deepEqual(ended, ['a']);
  remove('b');
  add('b', 1);
  pass(29);
  assert.deepEqual(ended, ['a']);
});

// Kills: bytes not taken off when a holder lets go, or taken off twice.
test('what is counted is what is held, and never more than may be', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    bytes: fc.integer({ min: 1, max: 60 }),
    isEnd: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const { add, remove, held, ended } = open();
      const model = new Map<string, number>();
      for (const { name, bytes, isEnd } of steps) {
        if (isEnd) {
          remove(name);
          model.delete(name);
        } else {
          model.set(name, (model.get(name) ?? 0) + bytes);
          const before = ended.length;
          add(name, bytes);
          for (const gone of ended.slice(before)) model.delete(gone);
        }
        const sum = [...model.values()].reduce((all, one) => all + one, 0);
        assert.equal(held.bytes, sum);
        assert.ok(held.bytes <= 100);
      }
    }),
  );
});
