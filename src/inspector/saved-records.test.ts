import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TicketStore } from '../matchmaking/ticket-store.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { sequentialIds } from '../testing/sequential-ids.ts';
import { putRecords } from './saved-records.ts';

// Kills: one record with the ids of a whole hopper, which may be megabytes; ids that are no tickets.
test('other nodes learn of all tickets that are loaded, in records of some kilobytes', async () => {
  await using store = openMemoryStore();
  const context = { store, catalog: () => new Map(), ids: sequentialIds(), clock: manualClock() };
  const [table, group] = ['matchmaking', 'a'];
  const ticketIds = Array.from({ length: 1_200 }, (_, n) => `t${String(n).padStart(36, '0')}`);
  const records = [
    ...ticketIds.map((id) => ({ table, group, id, value: { kind: 'ticket' } })),
    { table, group, id: 'm', value: { kind: 'match' } },
    { table, group, id: 'statistics', value: { kind: 'statistics' } },
  ] as const;
  await putRecords(context, records, true);
  const told = await new TicketStore(store, context).news(group);
  assert.deepEqual([...told.ticketIds].sort(), ticketIds);
  for (const id of told.ids) {
    const record = await store.record('matchmaking', group, id);
    const bytes = JSON.stringify(record?.value).length;
    assert.ok(bytes < 32_768, `${bytes} bytes`);
  }
});
