import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findRepeatedKeys } from './repeated-keys.ts';

const texts: readonly (readonly [json: string, ...repeated: string[]])[] = [
  ['{}'],
  ['"a"'],
  ['{"a":1,"b":1}'],
  ['{"a":{"a":1},"b":{"a":1}}'],
  ['{"a":"a","b":["a","a","b"]}'],
  ['[{"a":1},{"a":1}]'],
  ['{"a":1,"A":1}'],
  ['{"a":1,"a":2}', '1:8 a'],
  ['{"a":1,\n "b":[{}],\n "b":2, "b":3}', '3:2 b', '3:9 b'],
  ['{"x":[{"a":1,"a":1}]}', '1:14 a'],
  ['{"a":{"b":1},"a":2}', '1:14 a'],
  ['{"\\u0061":1,"a":2}', '1:13 a'],
  ['{"q\\"{,":1,"q\\"{,":2}', '1:12 q"{,'],
  ['{"__proto__":1,"__proto__":2}', '1:16 __proto__'],
];

for (const [json, ...expected] of texts) {
  test(`${json} repeats ${expected.length} keys`, () => {
    assert.doesNotThrow(() => JSON.parse(json));
    const found = findRepeatedKeys(json).map(({ line, column, key }) => `${line}:${column} ${key}`);
    assert.deepEqual(found, expected);
  });
}

// Kills: a string that is an item or a value taken for a key; a bracket in a string taken for one.
test('what the engine prints repeats no key', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(2), (value, indent) => {
      assert.deepEqual(findRepeatedKeys(JSON.stringify(value, null, indent)), []);
    }),
  );
});
