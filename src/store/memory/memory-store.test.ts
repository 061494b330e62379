import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testStoreContract } from '../../testing/store-contract.ts';
import { putOf, storedActivity, storedGuid } from '../../testing/store-samples.ts';
import { openMemoryStore } from './memory-store.ts';

testStoreContract('memory', async () => openMemoryStore());

// Kills: all sessions in one part, however many; one counted twice, or not at all, between two parts.
test('one part of a count has 2,000 sessions, and the last one the handles', async () => {
  await using store = openMemoryStore();
  const counts = async (): Promise<readonly (readonly (number | undefined)[])[]> => {
    const parts: (readonly (number | undefined)[])[] = [];
    let cursor: string | undefined;
    do {
      const part = await store.countPart(cursor);
      parts.push([part.counts.sessions, part.counts.handles]);
      ({ cursor } = part);
    } while (cursor !== undefined && parts.length < 9);
    return parts;
  };
  for (let n = 0; n < 2_000; n += 1) await store.commit({ session: putOf(`s${n}`, 0) });
  await store.commit({ handle: storedActivity(storedGuid(1), 's0') });
  assert.deepEqual(await counts(), [[2_000, 1]]);
  for (let n = 2_000; n < 4_001; n += 1) await store.commit({ session: putOf(`s${n}`, 0) });
  assert.deepEqual(await counts(), [
    [2_000, undefined],
    [2_000, undefined],
    [1, 1],
  ]);
});
