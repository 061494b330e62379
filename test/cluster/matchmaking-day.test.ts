/**
 * A day of matchmaking on Redis under a clock that the test moves: news, leases and due times are kept by
 * the server, and nothing of them is left.
 */

import { test } from 'node:test';
import { openRedisStore } from '../../src/store/redis/open-redis-store.ts';
import { spendDay } from '../../src/testing/match-day.ts';
import { startRedis } from '../../src/testing/redis-servers.ts';

// Kills: news that nobody removes; a due time that stays where its record has gone; a ticket of a killed
// node that is forgotten.
test('a day with kills on Redis leaves no ticket without an end, and no record', {
  timeout: 900_000,
}, async () => {
  await using redis = await startRedis();
  const { store } = await openRedisStore({
    url: redis.url,
    durability: 'relaxed',
    // A busy machine takes its time.
    patienceMs: 60_000,
    replyTimeoutMs: 30_000,
  });
  await using _open = store;
  await spendDay(store, 20);
});
