import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionTimeoutError } from '@redis/client';
import { openConditions } from '../../platform/conditions.ts';
import { StoreUnavailable } from '../store.ts';
import { requireRedisAddress } from './redis-address.ts';
import { RedisShards } from './redis-shards.ts';

// Kills: a start that gives up a server since this process was too busy to hear it.
test('at the start a server that seems silent is asked once more, and one that refuses is not', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  for (const [error, count, reason] of [
    [new ConnectionTimeoutError(), 2, /cannot be used: h:6379: it does not answer\.$/],
    [refused, 1, /cannot be used: h:6379: nothing listens there\.$/],
  ] as const) {
    let callsCount = 0;
    const opening = RedisShards.open({
      address: requireRedisAddress('redis://h'),
      connect: async () => {
        callsCount += 1;
        throw error;
      },
      durability: 'relaxed',
      conditions: openConditions(() => undefined),
      patienceMs: 5_000,
      replyTimeoutMs: 2_000,
      replicationTimeoutMs: 1_000,
      replicasMin: undefined,
      lookAgainMs: 5_000,
    });
    await assert.rejects(
      opening,
      (thrown) => thrown instanceof StoreUnavailable && reason.test(thrown.message),
    );
    assert.equal(callsCount, count);
  }
});
