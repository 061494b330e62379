import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countdownText } from './time-text.ts';

// Kills: time left that reads like a time of the day, a unit that is rounded down to nothing.
test('time left is said in its two largest units', () => {
  for (const [ms, text] of [
    [-5_000, '0 s'],
    [0, '0 s'],
    [1, '1 s'],
    [41_001, '42 s'],
    [60_000, '1 min'],
    [873_000, '14 min 33 s'],
    [3_600_000, '1 h'],
    [3_605_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [273_600_000, '3 d 4 h'],
  ] as const) {
    assert.equal(countdownText(ms), text);
  }
});
