import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime, latestTimeMs, parseTime } from './time.ts';

const times: readonly (readonly [timeMs: number, text: string])[] = [
  [0, '1970-01-01T00:00:00.0000000Z'],
  [Date.UTC(2016, 8, 20, 20, 50, 0, 518), '2016-09-20T20:50:00.5180000Z'],
  [latestTimeMs, '9999-12-31T23:59:59.9990000Z'],
];

for (const [timeMs, text] of times) {
  test(`${timeMs} is written ${text}`, () => {
    assert.equal(formatTime(timeMs), text);
    // As clients do: seven digits are more than Date keeps.
    assert.equal(Date.parse(text), timeMs);
    assert.equal(parseTime(text), timeMs);
  });
}

for (const [text, timeMs] of [
  ['2016-09-20T20:50:00Z', Date.UTC(2016, 8, 20, 20, 50)],
  ['2016-09-20T20:50:00.5Z', Date.UTC(2016, 8, 20, 20, 50, 0, 500)],
  ['2016-09-20T20:50:00.5189999Z', Date.UTC(2016, 8, 20, 20, 50, 0, 518)],
  ['2016-09-20T20:50:00', undefined],
  ['2016-09-20T20:50:00+01:00', undefined],
  ['2016-09-20', undefined],
  ['2016-02-31T00:00:00Z', undefined],
  ['2016-09-20T24:00:00Z', undefined],
  ['2016-13-20T20:50:00Z', undefined],
  ['soon', undefined],
] as const) {
  test(`${text} is read as ${timeMs}`, () => assert.equal(parseTime(text), timeMs));
}
