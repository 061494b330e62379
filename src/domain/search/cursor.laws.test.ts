import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asRefusal, notRefused } from '../../testing/samples.ts';
import { Refusal } from '../refusal.ts';
import { formatCursor, parseCursor } from './cursor.ts';

const anyPosition = fc.record(
  {
    group: fc.nat(2),
    value: fc.oneof(fc.string({ unit: 'binary' }), fc.double({ noNaN: true })),
    createTimeMs: fc.maxSafeNat(),
    key: fc.stringMatching(/^[a-z0-9 ä-]{1,20}~[a-z]{1,5}~[^\n~]{1,20}$/u),
  },
  { noNullPrototype: true },
);

// Kills: a value that is cut at a line end; a string of digits that comes back as a number.
test('a token tells its place, to its own query alone', () => {
  fc.assert(
    fc.property(anyPosition, ({ value, ...rest }) => {
      // Minus zero and zero are the same place.
      const position = { ...rest, value: value === 0 ? 0 : value };
      const token = formatCursor(position, 'query');
      assert.match(token, /^[\w-]+$/);
      const known =
        typeof value === 'string' ? { ...position, value: value.toWellFormed() } : position;
      assert.deepEqual(notRefused(parseCursor(token, 'query')), known);
      asRefusal(parseCursor(token, 'other'), 'requestInvalid');
    }),
  );
});

// Kills: a token that is decoded before it is looked at.
test('any text is a token or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      assert.ok(parseCursor(text, 'query') instanceof Refusal);
    }),
  );
});
