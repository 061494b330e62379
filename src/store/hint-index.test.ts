import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HintIndex } from './hint-index.ts';
import type { Hint } from './store.ts';

const keys = ['a', 'b', 'c'];
const hints: readonly Hint[] = ['xuid:1', 'xuid:2', 'node:1'];
const hintOfSome = fc.constantFrom(...hints);
const change = fc.record({
  kind: fc.constantFrom('add', 'remove'),
  key: fc.constantFrom(...keys),
  hints: fc.array(hintOfSome, { maxLength: 3 }),
});

// Kills: a second session takes the place of the first; a hint of one session stays when it is removed;
// removing a hint from a session that has it not takes it from another; a copy that shares its sets.
test('an index finds the sessions that have a hint, whatever was added and removed before', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const index = new HintIndex();
      const pairs = new Set<string>();
      for (const { kind, key, hints } of changes) {
        if (kind === 'add') index.add(key, hints);
        else index.remove(key, hints);
        for (const hint of hints) {
          if (kind === 'add') pairs.add(`${key} ${hint}`);
          else pairs.delete(`${key} ${hint}`);
        }
      }
      const copy = new HintIndex();
      copy.copyFrom(index);
      for (const hint of hints) {
        const expected = keys.filter((key) => pairs.has(`${key} ${hint}`));
        assert.deepEqual(index.keysBy(hint, 10), expected);
        assert.deepEqual(copy.keysBy(hint, 1), expected.slice(0, 1));
        const after = expected.filter((key) => key > 'a');
        assert.deepEqual(index.keysBy(hint, 10, 'a'), after);
      }
      copy.remove('a', hints);
      for (const key of keys) {
        const expected = hints.filter((hint) => pairs.has(`${key} ${hint}`));
        assert.deepEqual([...index.of(key)].sort(), [...expected].sort());
      }
    }),
  );
});
