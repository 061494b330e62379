import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RateLimit, rateServices, xboxRateLimits } from './rate-limits.ts';
import { WindowCounts } from './window-counts.ts';

const burst: RateLimit = { requestsMax: 30, periodSeconds: 15 };
const sustained: RateLimit = { requestsMax: 100, periodSeconds: 300 };

/** How many of `count` requests are refused. */
function refusedOf(counts: WindowCounts, count: number, nowMs: number): number {
  let refused = 0;
  for (let n = 0; n < count; n += 1) if (counts.add(nowMs)) refused += 1;
  return refused;
}

/** @source docs/wire/rate-limits.md "Windows", docs/wire/unknowns.md "two limits passed at once" */
test('the documented example: requests that are refused count, in both windows', () => {
  const counts = new WindowCounts([burst, sustained]);
  const requests = [35, 28, 21, 36, 24, 4];
  const refused = requests.map((count, n) => refusedOf(counts, count, n * 15_000));
  assert.deepEqual(refused, [5, 0, 0, 20, 24, 4]);
  assert.equal(counts.exceeded?.count, 148);
  assert.equal(counts.exceeded?.limit, sustained);
  assert.equal(counts.exceeded?.endMs, 300_000);
  assert.equal(refusedOf(counts, 30, 300_000), 0, 'the next window begins with nothing');
});

const aLimit = fc.record({
  requestsMax: fc.integer({ min: 1, max: 5 }),
  periodSeconds: fc.integer({ min: 1, max: 4 }),
});

/** @source docs/wire/unknowns.md "when a window begins" */
// Kills: a window that begins with its first request, or ends late; a refused request that is not
// counted; one window that hides another; counts that stay when the clock goes back.
test('a request is one too many exactly when its window has had as many as it may', () => {
  fc.assert(
    fc.property(
      fc.array(aLimit, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: -3_000, max: 2_500 }), { maxLength: 60 }),
      (limits, steps) => {
        const counts = new WindowCounts(limits);
        // By limit: the present window, and how many requests it had.
        const expected = limits.map(() => ({ window: Number.NaN, count: 0 }));
        let nowMs = 1_000_000;
        for (const step of steps) {
          // Time goes back only now and then.
          nowMs += step < -2_000 ? step : Math.abs(step % 900);
          const tooMany = limits.filter(({ requestsMax, periodSeconds }, i) => {
            const window = Math.floor(nowMs / (periodSeconds * 1_000));
            const before = expected[i];
            const count = before?.window === window ? before.count + 1 : 1;
            expected[i] = { window, count };
            return count > requestsMax;
          });
          assert.equal(counts.add(nowMs), tooMany.length > 0);
          assert.equal(counts.exceeded !== undefined, tooMany.length > 0);
        }
      },
    ),
  );
});

test('the limits of Xbox Live are the documented ones', () => {
  const shown = rateServices.flatMap((service) => {
    const limits = xboxRateLimits.services[service];
    return limits ? [[service, ...limits.map((one) => Object.values(one).join(' in '))]] : [];
  });
  assert.deepEqual(shown, [
    ['sessiondirectory', '30 in 15', '300 in 300'],
    ['searchRead', '1 in 15', '20 in 300'],
    ['searchWrite', '1 in 15', '20 in 300'],
    ['smartmatch', '10 in 15', '100 in 300'],
    ['social', '10 in 15', '30 in 300'],
    ['privacy', '10 in 15', '30 in 300'],
    ['profile', '10 in 15', '30 in 300'],
    ['presenceRead', '30 in 15', '100 in 300'],
    ['presenceWrite', '3 in 15', '30 in 300'],
  ]);
});
