import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChangeIndex } from './change-index.ts';

// Kills: the oldest kept for the newest; a row that is taken for gone while it is needed, or for kept until somebody
// asks for the rows of its session.
test('of each session the newest rows are kept', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()), { maxLength: 40 }),
      (added) => {
        const index = new ChangeIndex();
        // `rowsOf` lets older rows go for good: this one is asked without it.
        const untouched = new ChangeIndex();
        const all = new Map<number, number[]>();
        for (const [row, [session, isRead]] of added.entries()) {
          // One fixed number for each session: rows that a smaller one has let go do not come back.
          const changesMax = session;
          for (const one of [index, untouched]) one.add(session, row, changesMax);
          const own = [...(all.get(session) ?? []), row];
          all.set(session, own);
          const rows = own.slice(-changesMax);
          for (const each of own) {
            assert.equal(untouched.isKept(session, each), rows.includes(each));
          }
          // Not after each row: then there would never be more than one to let go.
          if (isRead) assert.deepEqual(index.rowsOf(session), rows);
          assert.equal(index.changesMaxOf(session), changesMax);
        }
        for (const [session, own] of all) {
          assert.deepEqual(untouched.rowsOf(session), own.slice(-session));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('rows and sessions that are removed are not kept any more', () => {
  const index = new ChangeIndex();
  for (const row of [1, 2, 3]) index.add(7, row, 2);
  assert.deepEqual(index.rowsOf(7), [2, 3]);
  index.removeRow(7, 2);
  assert.deepEqual(index.rowsOf(7), [3]);
  index.removeRow(7, 9);
  for (const row of [4, 5, 6]) index.add(7, row, 3);
  index.removeRow(7, 5);
  assert.deepEqual(index.rowsOf(7), [4, 6]);
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
