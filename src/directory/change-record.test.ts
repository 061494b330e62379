import assert from 'node:assert/strict';
import { test } from 'node:test';
import { override } from '../platform/override.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { asRefusal } from '../testing/samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { changeRecord, sweepRecords } from './change-record.ts';

const contexts = await openTestContexts();
const place = { table: 'things', group: 'g', id: 'one' };

test('of two who change a record at once, the one who is late decides again', async () => {
  const store = openMemoryStore();
  const context = contexts(store);
  const add = (by: number) =>
    changeRecord(context, place, (value) => ({ value: { sum: Number(value?.['sum'] ?? 0) + by } }));
  assert.deepEqual(await Promise.all([add(1), add(2), add(4)]), [undefined, undefined, undefined]);
  assert.deepEqual((await store.record('things', 'g', 'one'))?.value, { sum: 7 });
  await changeRecord(context, place, () => undefined);
  assert.deepEqual((await store.record('things', 'g', 'one'))?.value, { sum: 7 });
});

test('who loses every time is refused', async () => {
  const store = openMemoryStore();
  const context = contexts(store);
  let attempts = 0;
  const losing = {
    ...context,
    store: override(store, {
      async commitRecords(table, group, changes) {
        attempts += 1;
        await store.commitRecords(table, group, [{ id: 'one', value: { attempts } }]);
        return store.commitRecords(table, group, changes);
      },
    }),
  };
  asRefusal(await changeRecord(losing, place, () => ({ value: { mine: true } })), 'tooBusy');
  assert.equal(attempts, 10);
});

test('a sweep removes what is due, or does what it is given', async () => {
  const store = openMemoryStore();
  const context = contexts(store);
  const nowMs = context.clock.nowMs();
  await store.commitRecords('things', 'g', [
    { id: 'early', value: { n: 1 }, dueMs: nowMs },
    { id: 'late', value: { n: 2 }, dueMs: nowMs + 1 },
    { id: 'never', value: { n: 3 } },
  ]);
  const done: string[] = [];
  const keep = (value: object) => ({ value: { ...value, kept: true } });
  assert.equal(await sweepRecords(context, 'things', undefined, keep, (g) => done.push(g)), 'done');
  assert.deepEqual(done, ['g']);
  const early = await store.record('things', 'g', 'early');
  assert.deepEqual([early?.value, early?.dueMs], [{ n: 1, kept: true }, undefined]);
  context.clock.nowMs = () => nowMs + 1;
  assert.equal(await sweepRecords(context, 'things', undefined), 'done');
  const left = await store.records('things', 'g', 10);
  assert.deepEqual(
    left.map(({ id }) => id),
    ['early', 'never'],
  );
});
