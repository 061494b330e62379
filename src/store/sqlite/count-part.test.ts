import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { putOf, storedActivity, storedGuid, storedTransfer } from '../../testing/store-samples.ts';
import type { Hint } from '../store.ts';
import { countPart } from './count-part.ts';
import { prepareQueries } from './queries.ts';
import { openSqliteStore } from './sqlite-store.ts';

// Kills: a row counted twice, or not at all, where one step ends and the next begins.
test('what is counted does not depend on how many rows one step counts', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'openmpsd-count-'));
  const file = join(folder.path, 'openmpsd.sqlite');
  await using store = await openSqliteStore({ file, durability: 'relaxed' });
  const members: readonly Hint[] = ['xuid:1', 'xuid:2', 'xuid:22', 'seat:3', 'holder:1', 'node:x'];
  for (const [n, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    const ownerXuid = String(n);
    const handle =
      n % 2 === 0
        ? storedActivity(storedGuid(n), name, { ownerXuid })
        : storedTransfer(storedGuid(n), { origin: name, target: name });
    await store.commit({ session: { ...putOf(name, 0), addHints: members }, handle });
  }
  await store.commit({ removeHandles: [storedGuid(2)] });
  using db = new DatabaseSync(file, { readOnly: true });
  const queries = prepareQueries(db);
  for (const rowsMax of [1, 2, 3, 5, 15, 16, 10_000]) {
    const sums: Record<string, number> = {};
    let cursor: string | undefined;
    let partsCount = 0;
    do {
      const part = countPart(queries, cursor, rowsMax);
      for (const [kind, count] of Object.entries(part.counts)) {
        assert.ok(count <= rowsMax, kind);
        sums[kind] = (sums[kind] ?? 0) + count;
      }
      ({ cursor } = part);
      partsCount += 1;
    } while (cursor !== undefined && partsCount < 100);
    const handles = { handles: 4, activities: 2, invites: 0 };
    assert.deepEqual(sums, { sessions: 5, ...handles, joined: 15, reserved: 5 });
  }
});
