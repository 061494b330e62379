/** Messages between nodes over real servers. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openRedisStore, type RedisSettings } from '../../src/store/redis/open-redis-store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import type { Bus, Topic } from '../../src/store/bus.ts';
import {
  startRedis,
  startRedisCluster,
  type RedisServers,
} from '../../src/testing/redis-servers.ts';
import { within } from './deadline.ts';

let cluster: RedisServers;
before(async () => {
  cluster = await startRedisCluster();
});
after(() => cluster?.[Symbol.asyncDispose]());

/** Patient with a busy machine, unless `more` says otherwise. */
async function open({ url }: RedisServers, more: Partial<RedisSettings> = {}) {
  const patient = { durability: 'relaxed', patienceMs: 60_000, replyTimeoutMs: 10_000 } as const;
  const { store, bus } = await openRedisStore({ url, prefix: 'bus', ...patient, ...more });
  return { bus, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

/** What a subscriber heard: messages, and `gap`. */
async function listen(bus: Bus, topic: Topic) {
  const heard: string[] = [];
  const subscription = await bus.subscribe(topic, {
    message: ({ text }) => heard.push(String(text)),
    gap: () => heard.push('gap'),
  });
  return { heard, subscription };
}

const until = (isSo: () => boolean | Promise<boolean>): Promise<boolean> =>
  within(60_000, String(isSo), async () => isSo());

const topics = Array.from({ length: 12 }, (_, n): Topic => `user:${n}`);
const texts = Array.from({ length: 30 }, (_, n) => `message ${n}`);

test('what is published comes to those who listen on any node, once and in order', async () => {
  await using one = await open(cluster);
  await using other = await open(cluster);
  const ears = await Promise.all(
    topics.map(async (topic) => [await listen(one.bus, topic), await listen(other.bus, topic)]),
  );
  await Promise.all(
    topics.flatMap((topic) =>
      texts.map((text) => one.bus.publish(topic, { text: `${topic} ${text}` })),
    ),
  );
  await until(() => ears.flat().every(({ heard }) => heard.length >= texts.length));
  for (const [n, both] of ears.entries()) {
    const expected = texts.map((text) => `${topics[n]} ${text}`);
    for (const { heard } of both) assert.deepEqual(heard, expected);
  }
});

test('who has left hears nothing more, and the others do', async () => {
  await using one = await open(cluster);
  const [stays, leaves] = [await listen(one.bus, 'user:7'), await listen(one.bus, 'user:7')];
  await leaves.subscription[Symbol.asyncDispose]();
  await one.bus.publish('user:7', { text: 'a' });
  await until(() => stays.heard.length === 1);
  assert.deepEqual([stays.heard, leaves.heard], [['a'], []]);
  await stays.subscription[Symbol.asyncDispose]();
  const back = await listen(one.bus, 'user:7');
  await one.bus.publish('user:7', { text: 'b' });
  await until(() => back.heard.length === 1);
  assert.deepEqual([back.heard, stays.heard], [['b'], ['a']]);
});

test('nobody listening is no error; a bus that was closed throws', async () => {
  const { bus, ...opened } = await open(cluster);
  await bus.publish('node:0000000a', { text: 'hello?' });
  await opened[Symbol.asyncDispose]();
  await assert.rejects(bus.publish('node:0000000a', { text: '' }), StoreUnavailable);
  await assert.rejects(
    bus.subscribe('node:0000000a', { message: () => undefined, gap: () => undefined }),
    StoreUnavailable,
  );
});

test('on a single server: when it was away there is a gap, and then what comes after it', async () => {
  await using single = await startRedis();
  await using one = await open(single, { patienceMs: 3_000 });
  const { heard } = await listen(one.bus, 'node:0000000a');
  await one.bus.publish('node:0000000a', { text: 'before' });
  await until(() => heard.length === 1);
  const server = single.servers[0] ?? assert.fail();
  await server.kill();
  await assert.rejects(one.bus.publish('node:0000000a', { text: 'lost' }), StoreUnavailable);
  await server.restart();
  await until(() => heard.includes('gap'));
  await one.bus.publish('node:0000000a', { text: 'after' });
  await until(() => heard.length === 3);
  assert.deepEqual(heard, ['before', 'gap', 'after']);
});

test('on a single server: when it stood still there is a gap, though no connection ended', async () => {
  await using single = await startRedis();
  await using one = await open(single, { patienceMs: 3_000, replyTimeoutMs: 4_000 });
  const { heard } = await listen(one.bus, 'node:0000000a');
  const server = single.servers[0] ?? assert.fail();
  server.signal('SIGSTOP');
  // The first loses its connection, the second finds none within its patience.
  await assert.rejects(one.bus.publish('node:0000000a', { text: 'held' }), StoreUnavailable);
  await assert.rejects(one.bus.publish('node:0000000a', { text: 'held' }), StoreUnavailable);
  server.signal('SIGCONT');
  await until(() => heard.includes('gap'));
  await one.bus.publish('node:0000000a', { text: 'after' });
  await until(() => heard.at(-1) === 'after');
  assert.deepEqual(
    heard.filter((text) => text !== 'held'),
    ['gap', 'after'],
  );
});

test('subscribers of topics that move to another server learn of a gap and go on', async () => {
  await using one = await open(cluster);
  await using other = await open(cluster);
  const ears = await Promise.all(topics.map((topic) => listen(one.bus, topic)));
  await cluster.moveSlots(0, 1, 5_000);
  await until(() => ears.some(({ heard }) => heard.includes('gap')));
  for (const [n, topic] of topics.entries()) {
    await other.bus.publish(topic, { text: 'still there?' });
    await until(() => ears[n]?.heard.at(-1) === 'still there?');
  }
});

test('a cluster that loses a primary says that there may be a gap, and goes on', async () => {
  await using one = await open(cluster);
  await using other = await open(cluster);
  const ears = await Promise.all(topics.map((topic) => listen(one.bus, topic)));
  const victim = cluster.servers[1] ?? assert.fail();
  await cluster.takeOverSoon();
  await victim.kill();
  // Those whose server was killed; the others have lost nothing.
  await until(() => ears.some(({ heard }) => heard.includes('gap')));
  for (const [n, topic] of topics.entries()) {
    await until(async () => {
      await other.bus.publish(topic, { text: 'still there?' }).catch(() => undefined);
      return (ears[n]?.heard ?? []).includes('still there?');
    });
  }
  for (const { heard } of ears) {
    const gapAt = heard.indexOf('gap');
    assert.ok(gapAt <= 0, `the gap comes first: ${heard}`);
  }
  await victim.restart();
  await cluster.ready();
});
