import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { analyzeCalls } from './analyze-calls.ts';
import type { Call } from './call.ts';

/** Calls of one user to a service of which 10 are allowed in 15 s, 30 in 300 s. */
const someCalls = () =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 45_000 }), fc.constantFrom('1', '2')), {
      minLength: 20,
      maxLength: 60,
    })
    .map((drawn) =>
      drawn.map(
        ([atMs, user], at): Call => ({
          id: String(at),
          atMs,
          endMs: atMs,
          user,
          service: 'social',
          verb: 'GET',
          path: '/users/me/people',
          query: `n=${at}`,
          body: '',
          status: 200,
        }),
      ),
    );

/** @source docs/wire/unknowns.md "which windows certification counts" */
// Kills: a window that is closed at both ends; a stretch that starts at the call that is too much.
test('there is an error exactly where some window has more calls than allowed, and it has them all', () => {
  let hits = 0;
  fc.assert(
    fc.property(someCalls(), (calls) => {
      const errors = analyzeCalls(calls).findings.filter(
        ({ rule, severity, limit }) => rule === 'frequency' && severity === 'error' && limit === 10,
      );
      for (const user of ['1', '2']) {
        const own = calls.filter((call) => call.user === user);
        const over = new Set(
          own
            .map(({ atMs }) => own.filter((o) => o.atMs >= atMs && o.atMs < atMs + 15_000))
            .filter(({ length }) => length > 10)
            .flat()
            .map(({ id }) => id),
        );
        const reported = errors.filter((one) => one.user === user);
        assert.deepEqual(
          reported.flatMap(({ callIds }) => callIds).toSorted(),
          [...over].toSorted(),
        );
        hits += reported.length;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(hits > 10, `only ${hits} cases had something to find`);
});

// Kills: rules that rely on the order in which calls were handed over.
test('the order in which calls are handed over does not matter, but of calls at the same time', () => {
  fc.assert(
    fc.property(someCalls(), fc.infiniteStream(fc.nat()), (calls, order) => {
      const once = [...new Map(calls.map((call) => [call.atMs, call])).values()];
      const keyed = once.map((call) => ({ call, key: order.next().value ?? 0 }));
      const shuffled = keyed.toSorted((a, b) => a.key - b.key).map(({ call }) => call);
      assert.deepEqual(analyzeCalls(shuffled), analyzeCalls(once));
    }),
    { numRuns: 100 },
  );
});
