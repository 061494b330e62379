/** The ratios of the benchmarks, on a machine whose speed is made up. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measurePairs, quantile, ratioOf } from '../bench/pairs.ts';

/** A machine that is a tenth slower in each slice than in the one before; `turns` are those measured. */
function slowingMachine() {
  let speed = 1_000;
  const turns: string[] = [];
  const measure = (name: string, rate: number) => async () => {
    turns.push(name);
    speed *= 0.9;
    return speed * rate;
  };
  return { turns, on: measure('on', 2), off: measure('off', 1) };
}

// Kills: the same one first in each pair, with which the ratio is 1.8.
test('the order of a pair turns each time, and a machine that slows down favours neither', async () => {
  const { turns, on, off } = slowingMachine();
  const pairs = await measurePairs(20, on, off);
  assert.deepEqual(turns.slice(0, 8), ['off', 'on', 'on', 'off', 'off', 'on', 'on', 'off']);
  const { ratio, quarters, pairs: count } = ratioOf(pairs, (rate) => rate);
  assert.equal(count, 20);
  assert.ok(Math.abs(ratio - 2) < 0.02, String(ratio));
  assert.ok(Math.abs(quarters[0] - 1.8) < 1e-9 && Math.abs(quarters[1] - 2 / 0.9) < 1e-9);
});

test('a quantile lies between the two values beside it', () => {
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assert.equal(quantile([3, 1, 2], 0.5), 2);
  assert.equal(quantile([1, 2], 1), 2);
  assert.equal(quantile([10, 2, 1], 0), 1);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});
