/** A Redis whose memory is full, and servers that are set up wrongly: real servers, real nodes. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { openConditions } from '../../src/platform/conditions.ts';
import { openRedisStore, type RedisSettings } from '../../src/store/redis/open-redis-store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { at, Kit } from '../../src/testing/kit.ts';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import {
  startRedis,
  startRedisCluster,
  startRedisReplicas,
  type RedisServers,
} from '../../src/testing/redis-servers.ts';
import { putOf, storedKey } from '../../src/testing/store-samples.ts';
import { within } from './deadline.ts';

const options = { timeout: 900_000 };
const portOf = ({ servers }: RedisServers, n = 0): number => servers[n]?.port ?? assert.fail();

test(
  'a full Redis: reads, leaving, ending, leases and taps go on, and it recovers',
  options,
  async () => {
    await using redis = await startRedis('--maxmemory', '12mb', '--maxmemory-policy', 'noeviction');
    const flags = [
      '--store',
      redis.url,
      '--tap-window',
      '0',
      '--sweep',
      '200ms',
      '--node-lease',
      '6s',
    ];
    await using node = await startNodeProcess(flags);
    const kit = new Kit(node.url, undefined);
    const [ada, ben] = [kit.user('ada'), kit.user('ben')];
    const newReference = (): SessionReference => kit.reference('dedicated');
    const ready = async () => {
      const { status, json } = await kit.request('GET', '/health/ready');
      return { status, text: JSON.stringify(json) };
    };

    // Two in a session, and Ben hears of each change of it.
    await using bensLine = await ben.connect();
    const connection = await bensLine.connectionId();
    const subscription = { id: randomUUID(), changeTypes: ['everything'] };
    const shared = newReference();
    assert.equal((await ada.join(shared)).status, 201);
    const bens = { properties: { system: { active: true, connection, subscription } } };
    assert.equal((await ben.putSession(shared, { members: { me: bens } })).status, 200);
    // Members whom time moves on while it is full.
    const timed = kit.reference('blank');
    const system = { inactiveRemovalTimeout: 0, readyRemovalTimeout: 1_000 };
    const readyMe = { members: { me: { properties: { system: { ready: true } } } } };
    assert.equal((await ada.putSession(timed, { constants: { system }, ...readyMe })).status, 201);

    const crowd: SessionReference[] = [];
    // What waits in buffers counts too, so that there may be room again the next time.
    let refusedCount = 0;
    await within(120_000, 'it is full', async () => {
      const one = kit.reference('blank');
      const active = { properties: { system: { active: true } } };
      const custom = { map: 'x'.repeat(250_000) };
      const answer = await ada.putSession(one, { members: { me: active }, properties: { custom } });
      refusedCount = answer.status === 201 ? 0 : refusedCount + 1;
      if (answer.status === 201) crowd.push(one);
      else assert.equal(answer.status, 503, answer.text);
      return refusedCount === 3;
    });
    assert.ok(crowd.length > 10);
    // Well over its bound, so that whatever is not let through is refused.
    await redis.cli(portOf(redis), 'CONFIG', 'SET', 'maxmemory', '6mb');
    const grown = await ada.putSession(shared, { properties: { custom: { more: 'x' } } });
    assert.equal(grown.status, 503);
    assert.ok(grown.headers.has('retry-after'));
    const answer = await within(60_000, 'readiness tells', async () => {
      const answer = await ready();
      return answer.text.includes('memory') && answer;
    });
    assert.equal(answer.status, 200);
    assert.ok(node.complaints.some((line) => line.includes('memory of the store is full')));

    // What reads, what leaves, and what that is to tell.
    assert.equal((await ben.getSession(shared)).status, 200);
    const left = await ada.putSession(shared, { members: { me: null } });
    assert.equal(left.status, 200, left.text);
    await bensLine.nextFrame(([kind, , data]) => {
      const tapped = kind === 3 && at(data as JsonObject, 'shoulderTaps.0.changeNumber');
      return tapped === left.json['changeNumber'];
    });
    await within(60_000, 'time moves members on', async () => {
      return (await ben.getSession(timed)).status === 204;
    });
    // Past the lease of before: it was renewed while the store was full.
    const laterMs = performance.now() + 8_000;
    await within(60_000, 'the lease is kept', async () => {
      const seen = await ben.getSession(shared);
      assert.equal(seen.status, 200, `${seen.text} ${node.complaints.join(' ')}`);
      return performance.now() > laterMs;
    });
    assert.equal(bensLine.socket.readyState, bensLine.socket.OPEN);
    const bensLeave = await ben.putSession(shared, { members: { me: null } });
    assert.equal(bensLeave.status, 200, bensLeave.text);

    // Room comes back as sessions end, and nobody need do anything about it.
    for (const one of crowd) {
      assert.equal((await ada.putSession(one, { members: { me: null } })).status, 204);
    }
    assert.equal((await ada.join(newReference())).status, 201);
    await within(60_000, 'readiness tells that it is over', async () => {
      return !(await ready()).text.includes('memory');
    });
  },
);

/** A store that looks at its servers all the time, and what it says of them. */
async function open(url: string, more: Partial<RedisSettings> = {}) {
  const lines: string[] = [];
  const conditions = openConditions((line) => lines.push(line));
  // Patient with a busy machine: what is opened is asked of every server.
  const patient = { lookAgainMs: 50, replyTimeoutMs: 20_000, patienceMs: 60_000 };
  const settings = { url, durability: 'relaxed', ...patient, conditions, ...more } as const;
  const { store } = await openRedisStore(settings);
  return { lines, conditions, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

test(
  'any server of a cluster that throws data away is refused, a replica too',
  options,
  async () => {
    await using cluster = await startRedisCluster();
    for (const { port } of cluster.servers)
      await cluster.cli(port, 'CONFIG', 'SET', 'maxmemory', '100mb');
    for (const n of [1, 4]) {
      const port = portOf(cluster, n);
      await cluster.cli(port, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      await assert.rejects(open(`redis://127.0.0.1:${portOf(cluster)}`), (error) => {
        assert.ok(error instanceof StoreUnavailable);
        assert.match(error.message, new RegExp(`127.0.0.1:${port}: it throws data away`));
        return true;
      });
      await cluster.cli(port, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    }
    await using opened = await open(cluster.url);
    assert.ok(!opened.conditions.list().some((sentence) => sentence.includes('memory')));
  },
);

test(
  'settings that change while it is in use are reported, and so is their end',
  options,
  async () => {
    await using redis = await startRedis('--maxmemory', '100mb', '--appendonly', 'yes');
    await using opened = await open(redis.url);
    assert.deepEqual(opened.conditions.list(), []);
    const changes = [
      {
        name: 'maxmemory-policy',
        wrong: 'volatile-lru',
        right: 'noeviction',
        problem: /throws sessions away/,
      },
      { name: 'appendonly', wrong: 'no', right: 'yes', problem: /keeps nothing on a disk/ },
    ];
    for (const { name, wrong, right, problem } of changes) {
      await redis.cli(portOf(redis), 'CONFIG', 'SET', name, wrong);
      const sentence = await within(60_000, `${name} is noticed`, async () =>
        opened.conditions.list().find((one) => problem.test(one)),
      );
      assert.ok(sentence.includes(`127.0.0.1:${portOf(redis)}`));
      await redis.cli(portOf(redis), 'CONFIG', 'SET', name, right);
      await within(60_000, `${name} is over`, async () => opened.conditions.list().length === 0);
      assert.deepEqual(
        opened.lines.splice(0).map((line) => line.replace(sentence, '…')),
        ['warning: …', 'no longer so: …'],
      );
    }
    assert.equal((await opened.store.commit({ session: putOf('a', 0) })).kind, 'committed');
  },
);

test('without an append-only file it is said what is at risk', options, async () => {
  await using redis = await startRedis();
  await using opened = await open(redis.url);
  const [sentence = ''] = opened.conditions.list();
  assert.match(
    sentence,
    /sessions, handles, lists of people and the secret of all tokens are lost/,
  );
  assert.deepEqual(opened.lines, [`warning: ${sentence}`]);
});

test('a lone server, strict, misses no replica', options, async () => {
  await using redis = await startRedis('--appendonly', 'yes');
  await using opened = await open(redis.url, { durability: 'strict' });
  assert.deepEqual(opened.conditions.list(), []);
});

test(
  'strict without its replica is reported, and so is a replica that takes writes',
  options,
  async () => {
    await using pair = await startRedisReplicas(1);
    const url = `redis://127.0.0.1:${portOf(pair)}`;
    await using opened = await open(url, { durability: 'strict' });
    const has = (problem: RegExp) => async () =>
      opened.conditions.list().some((one) => problem.test(one));
    const hasNot = (problem: RegExp) => async () => !(await has(problem)());
    assert.ok(await hasNot(/no replica now/)());
    await pair.cli(portOf(pair, 1), 'CONFIG', 'SET', 'replica-read-only', 'no');
    await within(60_000, 'the replica is noticed', has(/writes of others than their primary/));
    await pair.cli(portOf(pair, 1), 'CONFIG', 'SET', 'replica-read-only', 'yes');
    await within(60_000, 'it is over', hasNot(/writes of others than their primary/));
    await pair.servers[1]?.kill();
    await within(60_000, 'it is missed', has(/have no replica now/));
    assert.equal(await opened.store.session(storedKey('a')), undefined);
    await pair.servers[1]?.restart();
    await pair.cli(portOf(pair, 1), 'REPLICAOF', '127.0.0.1', String(portOf(pair)));
    await within(60_000, 'it is back', hasNot(/have no replica now/));
  },
);
