import { after, before } from 'node:test';
import { startRedis, startRedisCluster, type RedisServers } from '../../testing/redis-servers.ts';
import { testStoreContract } from '../../testing/store-contract.ts';
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
  return (await openRedisStore({ url, durability, prefix: `test${storesCount}` })).store;
}

testStoreContract('redis', () => open(single, 'relaxed'), { mixedStepsCount: 1_000 });
testStoreContract('redis cluster', () => open(cluster, 'strict'), { mixedStepsCount: 400 });
