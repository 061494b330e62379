/**
 * One node under trouble, seed by seed. A failing seed is in the test's name.
 *
 * MPSD_SEEDS (20): how many seeds, MPSD_SEED: only this one.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenGuarantees, simulate } from './simulate.ts';

const only = process.env['MPSD_SEED'];
const seeds =
  only === undefined
    ? Array.from({ length: Number(process.env['MPSD_SEEDS'] ?? 20) }, (_, n) => n + 1)
    : [Number(only)];

for (const seed of seeds) {
  test(`one node, lost calls and answers, crashes, seed ${seed}`, async () => {
    const history = await simulate({
      seed,
      users: 8,
      steps: 1_000,
      faults: { fails: 0.01, losesAnswer: 0.02, crashes: 0.005 },
    });
    assert.deepEqual(brokenGuarantees(history), []);
    assert.ok(history.counts.lost > 0 && history.counts.crashes > 0 && history.listed.length > 0);
  });
}

test('a seed gives the same history again', async () => {
  const run = () =>
    simulate({
      seed: 7,
      users: 4,
      steps: 200,
      faults: { fails: 0.01, losesAnswer: 0.02, crashes: 0.01 },
    });
  assert.deepEqual(await run(), await run());
});
