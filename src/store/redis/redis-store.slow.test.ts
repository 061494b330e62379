import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRedis, startRedisCluster, type RedisServers } from '../../testing/redis-servers.ts';
import { testStoreContract } from '../../testing/store-contract.ts';
import { putOf } from '../../testing/store-samples.ts';
import type { Store } from '../store.ts';
import { openRedisStore } from './open-redis-store.ts';

let single: RedisServers;
let cluster: RedisServers;

before(async () => {
  [single, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
});
after(async () => {
  await Promise.all([single, cluster].map((servers) => servers?.[Symbol.asyncDispose]()));
});

let storesCount = 0;

/** A store that nothing is in yet, on servers that others are on as well. */
async function open({ url }: RedisServers, durability: 'strict' | 'relaxed'): Promise<Store> {
  storesCount += 1;
  const prefix = `test${storesCount}`;
  // Patient with a busy machine.
  const patient = { patienceMs: 60_000, replyTimeoutMs: 20_000 };
  return (await openRedisStore({ url, durability, prefix, ...patient })).store;
}

testStoreContract('redis', () => open(single, 'relaxed'), { mixedStepsCount: 1_000 });
testStoreContract('redis cluster', () => open(cluster, 'strict'), { mixedStepsCount: 400 });

test('of what is due each of three nodes is given another part', async () => {
  await using store = await open(single, 'relaxed');
  for (let n = 0; n < 60; n += 1) {
    await store.commit({ session: putOf(`session-${n}`, 0, { dueMs: 10 }) });
  }
  const shares = await Promise.all([0, 1, 2].map((index) => store.due(10, 100, { index, of: 3 })));
  assert.equal(shares.flat().length, 60);
  for (const share of shares) assert.ok(share.length > 0 && share.length < 60, `${share.length}`);
});
