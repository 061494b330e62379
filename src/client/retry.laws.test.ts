import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayRepeat, retryDelayMs, type Failure, type Repeat } from './retry.ts';
import { Hits } from '../testing/hits.ts';

const repeats: readonly Repeat[] = ['always', 'ifRefused', 'ifNotDone'];

const failure: fc.Arbitrary<Failure> = fc.record({
  status: fc.constantFrom(0, 400, 403, 408, 412, 429, 500, 502, 503, 504),
  code: fc.constantFrom(undefined, 'tooBusy', 'etagDiffers'),
  retryAfterMs: fc.option(fc.integer({ min: 0, max: 30_000 }), { nil: undefined }),
});

const policy = fc.record({
  windowMs: fc.integer({ min: 0, max: 60_000 }),
  leftMsMin: fc.integer({ min: 0, max: 10_000 }),
  firstDelayMs: fc.integer({ min: 1, max: 4_000 }),
  delayMsMax: fc.integer({ min: 1, max: 60_000 }),
});

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

// Kills: a delay that is the back-off alone, a window that leaves out the delay itself or the time
// that must be left, an exponent that is not the number of tries.
test('each delay honours the server, and the last try begins within the window', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(fc.array(fc.tuple(failure, random), { maxLength: 30 }), policy, (all, rules) => {
      let elapsedMs = 0;
      for (const [retries, [one, chance]] of all.entries()) {
        const known = {
          repeat: 'always',
          failure: one,
          retries,
          elapsedMs,
          random: chance,
        } as const;
        const delayMs = retryDelayMs(known, rules);
        if (delayMs === undefined) return;
        hits.count();
        const backOffMs = Math.min(rules.firstDelayMs * 2 ** retries, rules.delayMsMax);
        assert(delayMs >= (one.retryAfterMs ?? 0));
        assert(delayMs >= backOffMs / 2);
        assert(delayMs <= Math.max(backOffMs * 1.5, one.retryAfterMs ?? 0));
        elapsedMs += delayMs;
        assert(elapsedMs + rules.leftMsMin <= rules.windowMs);
      }
    }),
  );
  hits.assertAtLeast(9);
});

// Kills: a kind of call that is repeated after a failure that stops a less delicate one.
test('what may be repeated with a precondition may be without, and what may be then, always', () => {
  fc.assert(
    fc.property(failure, (one) => {
      const [always, ifRefused, ifNotDone] = repeats.map((repeat) => mayRepeat(repeat, one));
      if (ifNotDone) assert(ifRefused);
      if (ifRefused) assert(always);
      if (one.status >= 400 && one.status < 500 && one.status !== 408 && one.status !== 429) {
        assert(!always);
      }
    }),
  );
});
