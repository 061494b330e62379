import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleReference } from '../../testing/samples.ts';
import { isName, keyOf } from './reference.ts';

const anyName = fc
  .string({ unit: fc.constantFrom('a', 'A', '-', '~'), maxLength: 3 })
  .filter(isName);

// Kills: parts joined by "-"; "~" allowed in names.
test('two references have the same key exactly when their parts are the same but for case', () => {
  fc.assert(
    fc.property(anyName, anyName, anyName, anyName, (a, b, c, d) => {
      const [first, second] = [
        { ...sampleReference, templateName: a, name: b },
        { ...sampleReference, templateName: c, name: d },
      ];
      const same = a.toLowerCase() === c.toLowerCase() && b.toLowerCase() === d.toLowerCase();
      assert.equal(keyOf(first) === keyOf(second), same);
    }),
    { numRuns: 2_000 },
  );
});
