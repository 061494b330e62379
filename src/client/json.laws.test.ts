import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatJson, parseJson } from './json.ts';

const digits = (minLength: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength, maxLength: 24 }).map((all) => all.join(''));

const numberText = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: digits(1).map((text) => text.replace(/^0+(?=.)/, '')),
    fraction: fc.option(digits(1)),
    exponent: fc.option(fc.integer({ min: -500, max: 500 })),
  })
  .map(
    ({ sign, whole, fraction, exponent }) =>
      sign +
      whole +
      (fraction === null ? '' : `.${fraction}`) +
      (exponent === null ? '' : `e${exponent}`),
  );

/** The number times 10^1000, which makes each of those above a whole one. */
function scaled(text: string): bigint {
  const [significand = '', exponent = '0'] = text.split('e');
  const [whole = '', fraction = ''] = significand.split('.');
  const power = 1_000 + Number(exponent) - fraction.length;
  return BigInt(whole + fraction) * 10n ** BigInt(power);
}

// Kills: a plain JSON.parse; taking all numbers for the same as written; a fast path that does not
// see numbers after a space.
test('every number that is read is written as the same number', () => {
  fc.assert(
    fc.property(numberText, fc.constantFrom('', ' ', '\n'), (text, space) => {
      const written = formatJson(parseJson(`{"a":[1,${space}${text}]}`));
      const [, again = ''] = /^\{"a":\[1,(.*)\]\}$/.exec(written) ?? [];
      assert.equal(scaled(again), scaled(text));
    }),
    { numRuns: 2_000 },
  );
});

// Kills: a reviver that loses a key named __proto__, or that takes objects for numbers.
test('everything but numbers is read as by JSON.parse', () => {
  const value = fc.json({ depthSize: 'medium' }).map((text) => text.replace(/\d+/g, '7'));
  fc.assert(
    fc.property(value, (text) => {
      const doc = `{"__proto__":${text},"n":9007199254740993}`;
      const expected = JSON.stringify(JSON.parse(doc)).replace(
        '9007199254740992',
        '9007199254740993',
      );
      assert.equal(formatJson(parseJson(doc)), expected);
    }),
  );
});
