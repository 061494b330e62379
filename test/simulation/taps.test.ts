import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenTapGuarantees, simulateTaps } from './simulate-taps.ts';

const seedsCount = Number(process.env['SIMULATION_SEEDS'] ?? 12);
const faults = {
  fails: 0.01,
  losesAnswer: 0.01,
  publishFails: 0.03,
  messageLost: 0.02,
  crashes: 0.005,
  drops: 0.03,
  blocks: 0.05,
};

const counted = { crashes: 0, drops: 0, resyncs: 0, taps: 0, lost: 0 };

for (let seed = 1; seed <= seedsCount; seed += 1) {
  test(`two nodes, taps, dropped connections, slow readers and crashes, seed ${seed}`, async () => {
    const history = await simulateTaps({ seed, users: 6, steps: 600, faults });
    assert.deepEqual(brokenTapGuarantees(history), []);
    for (const what of Object.keys(counted) as (keyof typeof counted)[]) {
      counted[what] += history.counts[what];
    }
  });
}

test('all of it came', () => {
  for (const [what, count] of Object.entries(counted)) assert.ok(count > seedsCount, what);
});

test('a seed gives the same taps again', async () => {
  const run = () => simulateTaps({ seed: 7, users: 4, steps: 150, faults });
  assert.deepEqual(await run(), await run());
});
