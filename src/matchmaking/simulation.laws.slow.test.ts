import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyHopper } from '../testing/match-arbitraries.ts';
import { parsePopulation } from './population.ts';
import { percentile, simulate } from './simulation.ts';

// Kills: a ticket that stays in the pool after its match; a party that gives up and is matched.
test('every player who comes is matched, gives up or waits', () => {
  fc.assert(
    fc.property(anyHopper, fc.integer({ min: 1, max: 1_000 }), (hopper, seed) => {
      const population = parsePopulation({ playersPerMinute: 30, giveUpSeconds: 20 }, hopper);
      assert.ok(!('problems' in population));
      const steps = simulate({ hopper, population, lastsMs: 300_000, seed, intervalMs: 1_000 });
      let step = steps.next();
      while (!step.done) step = steps.next();
      const { value } = step;
      assert.equal(value.matchedCount + value.gaveUpCount + value.waitingCount, value.playersCount);
      assert.equal([...value.waits.values()].flat().length, value.matchedCount);
      for (const waits of value.waits.values()) assert.ok((waits.at(-1) ?? 0) <= 21);
    }),
    { numRuns: 50 },
  );
});

test('percentiles of a sorted list', () => {
  assert.equal(percentile([1, 2, 3, 4], 0.5), 2);
  assert.equal(percentile([1, 2, 3, 4], 0.99), 4);
  assert.equal(percentile([7], 0.5), 7);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});
