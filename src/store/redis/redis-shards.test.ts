import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionTimeoutError, SocketClosedUnexpectedlyError } from '@redis/client';
import { openConditions } from '../../platform/conditions.ts';
import { StoreUnavailable } from '../store.ts';
import { requireRedisAddress } from './redis-address.ts';
import type { RedisClient } from './redis-link.ts';
import { RedisShards } from './redis-shards.ts';

const settings = {
  durability: 'relaxed',
  patienceMs: 5_000,
  replyTimeoutMs: 2_000,
  replicationTimeoutMs: 1_000,
  replicasMin: undefined,
  lookAgainMs: 5_000,
} as const;

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
      conditions: openConditions(() => undefined),
      ...settings,
    });
    await assert.rejects(
      opening,
      (thrown) => thrown instanceof StoreUnavailable && reason.test(thrown.message),
    );
    assert.equal(callsCount, count);
  }
});

// Kills: a server that restarts, of which each error says that it may not speak TLS.
test('the scheme is named as a cause where no connection was made, and not of a server that worked', async () => {
  const lost = new SocketClosedUnexpectedlyError();
  let isLost = true;
  const client = {
    get isReady() {
      return !isLost;
    },
    async sendCommand([name]: readonly string[]) {
      if (isLost) throw lost;
      return name === 'TIME' ? ['1', '0'] : 'redis_version:7.2.0\r\nrole:master\r\n';
    },
    destroy: () => undefined,
  } as unknown as RedisClient;
  const open = () =>
    RedisShards.open({
      address: requireRedisAddress('rediss://h'),
      connect: async () => client,
      conditions: openConditions(() => undefined),
      ...settings,
      patienceMs: 0,
    });
  await assert.rejects(
    open(),
    /it ended the connection \(rediss:\/\/ is for a server that speaks TLS\)\.$/,
  );
  isLost = false;
  await using shards = await open();
  isLost = true;
  await assert.rejects(
    shards.run('a', ['GET', 'a']),
    /^StoreUnavailable: .* cannot be reached or cannot write: it ended the connection\.$/,
  );
});

// Kills: a failover behind one name, or a restart, that leaves no trace but the address, which is the same.
test('the run of a server is another one once it has started again at its address', async () => {
  let runId = 'a';
  const client = {
    isReady: true,
    sendCommand: async ([name]: readonly string[]) =>
      name === 'TIME' ? ['1', '0'] : `redis_version:7.2.0\r\nrole:master\r\nrun_id:${runId}\r\n`,
    destroy: () => undefined,
  } as unknown as RedisClient;
  await using shards = await RedisShards.open({
    address: requireRedisAddress('redis://h'),
    connect: async () => client,
    conditions: openConditions(() => undefined),
    ...settings,
  });
  assert.equal(shards.runOf('k'), 'h:6379 a');
  runId = 'b';
  await shards.refresh();
  // The servers are asked after the topology was read; nothing here waits for a clock or a socket.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(shards.runOf('k'), 'h:6379 b');
});
