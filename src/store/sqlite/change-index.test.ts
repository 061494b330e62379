import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChangeIndex } from './change-index.ts';

// Kills: the oldest kept for the newest; a row that is taken for gone while it is needed; growth without end.
test('of each session the newest rows are kept', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 }))),
      (added) => {
        const index = new ChangeIndex();
        const all = new Map<number, number[]>();
        for (const [at, [session, changesMax]] of added.entries()) {
          index.add(session, at + 1, changesMax);
          all.set(session, [...(all.get(session) ?? []), at + 1]);
          const rows = all.get(session)?.slice(-changesMax) ?? [];
          // Those that a smaller number has let go do not come back.
          assert.deepEqual(index.rowsOf(session).slice(-1), rows.slice(-1));
          assert.ok(index.rowsOf(session).length <= changesMax);
          assert.equal(index.changesMaxOf(session), changesMax);
          for (const row of all.get(session) ?? []) {
            assert.equal(index.isKept(session, row), index.rowsOf(session).includes(row));
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('rows and sessions that are removed are not kept any more', () => {
  const index = new ChangeIndex();
  for (const row of [1, 2, 3]) index.add(7, row, 2);
  assert.deepEqual(index.rowsOf(7), [2, 3]);
  index.removeRow(7, 2);
  assert.deepEqual(index.rowsOf(7), [3]);
  index.removeRow(7, 9);
  index.removeSession(7);
  assert.deepEqual(index.rowsOf(7), []);
  assert.equal(index.isKept(7, 3), false);
  index.add(8, 4, 2);
  index.removeRow(8, 4);
  assert.equal(index.isKept(8, 4), false);
  index.add(8, 5, 2);
  index.clear();
  assert.deepEqual(index.rowsOf(8), []);
});
