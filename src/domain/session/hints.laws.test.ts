import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anySession } from '../../testing/arbitraries.ts';
import { hintChange, hintsOf } from './hints.ts';

// Kills: hints compared by the lists of members alone, which forgets keywords; removed hints that
// another member still gives.
test('the hints of the former session, changed as told, are those of the next', () => {
  fc.assert(
    fc.property(anySession, anySession, (before, next) => {
      const hints = new Set(hintsOf(before));
      const { addHints = [], removeHints = [] } = hintChange(before, next);
      for (const hint of removeHints) hints.delete(hint);
      for (const hint of addHints) hints.add(hint);
      assert.deepEqual(hints, new Set(hintsOf(next)));
    }),
  );
});
