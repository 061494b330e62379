import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleHopper } from '../../testing/match-samples.ts';
import {
  cycleOf,
  isBinding,
  numberDiffMax,
  peerLatencyMaxMs,
  serverLatencyMarginMs,
} from './expansion.ts';

const cycles = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

/** The documented examples, by the cycles from 0 on. */
const numberExamples: readonly (readonly [
  what: string,
  rule: { readonly maxDiff: number; readonly expansionDelta: number },
  allowed: readonly number[],
])[] = [
  ['level 20: 19-21, 17-23, 15-25, 13-27', { maxDiff: 1, expansionDelta: 2 }, [1, 3, 5, 7]],
  [
    'a delta of 0.4 counts in cycles 3 and 5',
    { maxDiff: 1, expansionDelta: 0.4 },
    [1, 1, 1, 2, 2, 3],
  ],
  ['no delta', { maxDiff: 5, expansionDelta: 0 }, [5, 5, 5]],
  [
    'a sum of tenths reaches whole numbers',
    { maxDiff: 0, expansionDelta: 0.1 },
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ],
];

for (const [what, rule, allowed] of numberExamples) {
  test(`a SHOULD number: ${what}`, () => {
    const found = cycles(allowed.length).map((cycle) =>
      numberDiffMax({ type: 'should', ...rule }, cycle),
    );
    assert.deepEqual(found, allowed);
  });
}

test('a MUST number is never relaxed', () => {
  const rule = { type: 'must', maxDiff: 3, expansionDelta: 2 } as const;
  assert.deepEqual(
    cycles(5).map((cycle) => numberDiffMax(rule, cycle)),
    [3, 3, 3, 3, 3],
  );
});

const latencyExamples: readonly (readonly [
  latencyMaximum: number,
  expansionCycles: number,
  allowed: readonly number[],
])[] = [
  [200, 3, [200, 400, 600]],
  [255, 2, [255, 510]],
  [556, 6, [50, 100, 150, 200, 250, 300]],
  [556, 5, [50, 112.5, 175, 237.5, 300]],
  [556, 1, [300]],
  // Below 50 ms nothing would ever go with anything.
  [256, 3, [50, 50, 50]],
];

for (const [latencyMaximum, expansionCycles, allowed] of latencyExamples) {
  test(`latency between peers: ${latencyMaximum} ms over ${expansionCycles} cycles`, () => {
    const rule = { type: 'should', latencyMaximum } as const;
    const found = cycles(allowed.length).map((cycle) =>
      peerLatencyMaxMs(rule, { expansionCycles }, cycle),
    );
    assert.deepEqual(found, allowed);
    const must = { ...rule, type: 'must' } as const;
    assert.equal(peerLatencyMaxMs(must, { expansionCycles }, 9), latencyMaximum);
  });
}

test('servers: at first the best alone, at last up to the scaling maximum above it', () => {
  const hopper = { expansionCycles: 4 };
  const found = cycles(6).map((cycle) =>
    serverLatencyMarginMs({ scalingMaximum: 100 }, hopper, cycle),
  );
  assert.deepEqual(found, [0, 25, 50, 75, 100, 100]);
});

test('a cycle lasts 5 seconds, and SHOULD rules end after the last one', () => {
  const hopper = sampleHopper();
  assert.deepEqual(
    [0, 4_999, 5_000, 14_999, 20_000].map((nowMs) => cycleOf(hopper, 0, nowMs)),
    [0, 0, 1, 2, 4],
  );
  assert.equal(cycleOf(hopper, 10_000, 0), 0, 'a clock that went back');
  assert.deepEqual(
    cycles(6).map((cycle) => isBinding({ type: 'should' }, hopper, cycle)),
    [true, true, true, true, false, false],
  );
  assert.equal(isBinding({ type: 'must' }, hopper, 1_000), true);
});
