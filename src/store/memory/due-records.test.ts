import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DueRecords } from './due-records.ts';

// Kills: a heap that loses its order; an entry that stays due after its record has changed; entries that
// are dropped and are true.
test('the records that are due are those of a list that is sorted each time', () => {
  const anyChange = fc.record({
    id: fc.integer({ min: 0, max: 30 }),
    dueMs: fc.option(fc.nat(50)),
  });
  fc.assert(
    fc.property(
      fc.array(anyChange, { maxLength: 200, size: 'max' }),
      fc.nat(60),
      (changes, nowMs) => {
        const current = new Map<string, number>();
        const due = new DueRecords(({ id, dueMs }) => current.get(id) === dueMs);
        for (const { id, dueMs } of changes) {
          if (dueMs === null) current.delete(String(id));
          else {
            current.set(String(id), dueMs);
            due.add({ group: 'g', id: String(id), dueMs });
          }
          const times = due.first(nowMs, 5).map((one) => one.dueMs);
          const all = [...current.values()].filter((one) => one <= nowMs).sort((a, b) => a - b);
          assert.deepEqual(times, all.slice(0, 5));
        }
      },
    ),
    { numRuns: 100 },
  );
});

// Kills: entries that are never dropped, or dropped while their record is due.
test('a record that changes again and again is due once', () => {
  let dueMs = 1;
  const due = new DueRecords((one) => one.id === 'other' || one.dueMs === dueMs);
  due.add({ group: 'g', id: 'other', dueMs: 5 });
  for (; dueMs < 10_000; dueMs += 1) due.add({ group: 'g', id: 'one', dueMs });
  due.add({ group: 'g', id: 'one', dueMs });
  assert.deepEqual(
    due.first(20_000, 10).map(({ id }) => id),
    ['other', 'one'],
  );
});
