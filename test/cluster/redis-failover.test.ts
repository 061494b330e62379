/** Primaries that are killed, or stand still, while sessions are written. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRedisStore } from '../../src/store/redis/open-redis-store.ts';
import { StoreUnavailable, type Store } from '../../src/store/store.ts';
import { startRedisCluster, type RedisServers } from '../../src/testing/redis-servers.ts';
import { putOf, storedKey } from '../../src/testing/store-samples.ts';

const writersCount = 12;
const killsCount = 10;
/** Acknowledged after the fault, by each writer: so many that all shards are back. */
const stepsAfter = 20;

/** Writes to its own session until a signal ends it; keeps what was acknowledged last. */
class Writer {
  readonly name: string;
  acknowledged = 0;
  readonly failures: StoreUnavailable[] = [];

  constructor(name: string) {
    this.name = name;
  }

  async write(store: Store, isEnough: () => boolean): Promise<void> {
    const key = storedKey(this.name);
    while (!isEnough()) {
      try {
        const current = store.lastKnown(key)?.record ?? (await store.session(key));
        const revision = current?.revision ?? 0;
        assert.ok(revision >= this.acknowledged, `session ${this.name} went back`);
        const session = putOf(this.name, revision, { custom: { turn: revision + 1 } });
        const outcome = await store.commit({ session });
        assert.equal(outcome.kind, 'committed', 'there is no other writer');
        this.acknowledged = revision + 1;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        // The outcome is not known, and is looked up by the next turn.
        this.failures.push(error);
      }
    }
  }
}

/** Lets all writers write, lets `fault` happen, and goes on until all shards are back. */
async function writeThrough(store: Store, writers: readonly Writer[], fault: () => Promise<void>) {
  const before = new Map<Writer, number>();
  const start = new Map(writers.map((writer) => [writer, writer.acknowledged]));
  const isWarm = (writer: Writer): boolean =>
    writer.acknowledged >= (start.get(writer) ?? 0) + stepsAfter;
  const isBack = (writer: Writer): boolean =>
    writer.acknowledged >= (before.get(writer) ?? Infinity) + stepsAfter;
  const warm = Promise.withResolvers<void>();
  const done = Promise.all(
    writers.map((writer) =>
      writer.write(store, () => {
        if (writers.every(isWarm)) warm.resolve();
        return writers.every(isBack);
      }),
    ),
  );
  await Promise.race([warm.promise, done]);
  await fault();
  for (const writer of writers) before.set(writer, writer.acknowledged);
  await done;
}

async function checkAll(servers: RedisServers, prefix: string, writers: readonly Writer[]) {
  const { store: fresh } = await openRedisStore({
    url: servers.url,
    durability: 'relaxed',
    prefix,
    // A busy machine takes its time.
    patienceMs: 60_000,
    replyTimeoutMs: 20_000,
  });
  await using _closed = fresh;
  for (const { name, acknowledged } of writers) {
    const record = (await fresh.session(storedKey(name))) ?? assert.fail();
    assert.ok(record.revision >= acknowledged, `session ${name} went back`);
    assert.deepEqual(record.session.properties.custom, { turn: record.revision });
  }
}

const settings = { durability: 'strict', patienceMs: 60_000, replyTimeoutMs: 2_000 } as const;

test('strict: killed primaries lose nothing acknowledged, and writes wait for the next one', async () => {
  await using servers = await startRedisCluster();
  await servers.takeOverSoon();
  const prefix = 'killed';
  const { store } = await openRedisStore({ ...settings, url: servers.url, prefix });
  await using _closed = store;
  const writers = Array.from({ length: writersCount }, (_, n) => new Writer(String(n)));
  for (let n = 0; n < killsCount; n += 1) {
    // The first three begin as primaries; when they have been killed, the other three are.
    const victim = servers.servers[n % servers.servers.length] ?? assert.fail();
    await writeThrough(store, writers, () => victim.kill());
    await victim.restart();
    await servers.ready();
  }
  assert.deepEqual(
    writers.flatMap(({ failures }) => failures),
    [],
  );
  await checkAll(servers, prefix, writers);
});

test('strict: what a primary that stood still wakes up with was never acknowledged', async () => {
  await using servers = await startRedisCluster();
  await servers.takeOverSoon();
  const prefix = 'asleep';
  const { store } = await openRedisStore({ ...settings, url: servers.url, prefix });
  await using _closed = store;
  const writers = Array.from({ length: writersCount }, (_, n) => new Writer(String(n)));
  const [victim = assert.fail()] = servers.servers;
  await writeThrough(store, writers, async () => victim.signal('SIGSTOP'));
  await writeThrough(store, writers, async () => victim.signal('SIGCONT'));
  await servers.ready();
  await checkAll(servers, prefix, writers);
});

test('slots that move to another server while sessions are written are no trouble', async () => {
  await using servers = await startRedisCluster({ replicas: 0 });
  const prefix = 'moving';
  const { store } = await openRedisStore({ ...settings, url: servers.url, prefix });
  await using _closed = store;
  const writers = Array.from({ length: writersCount }, (_, n) => new Writer(String(n)));
  await writeThrough(store, writers, () => servers.moveSlots(0, 1, 1_000));
  assert.deepEqual(
    writers.flatMap(({ failures }) => failures),
    [],
  );
  await checkAll(servers, prefix, writers);
});
