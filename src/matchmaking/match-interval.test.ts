import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchIntervalMs, pauseBetweenRuns } from './match-interval.ts';

// Kills: a pause that is counted from the end of a run; runs without a pause.
test('runs begin once in the interval, and leave a pause where they take longer', () => {
  for (const tookMs of [0, 1, 250, 899]) {
    assert.equal(tookMs + pauseBetweenRuns(tookMs), matchIntervalMs);
  }
  for (const tookMs of [900, 1_000, 30_000]) assert.equal(pauseBetweenRuns(tookMs), 100);
});
