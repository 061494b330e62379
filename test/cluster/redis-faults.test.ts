/** What goes wrong between the store and Redis, with real servers and a line that can be spoilt. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { openRedisStore, type RedisSettings } from '../../src/store/redis/open-redis-store.ts';
import {
  DamagedRecord,
  StoreUnavailable,
  type RecordChange,
  type Store,
} from '../../src/store/store.ts';
import { CannotStart, startServer } from '../../src/server.ts';
import { Kit, type KitUser } from '../../src/testing/kit.ts';
import {
  startRedis,
  startRedisReplicas,
  type RedisServers,
} from '../../src/testing/redis-servers.ts';
import {
  deleteOf,
  putOf,
  storedActivity,
  storedGuid,
  storedKey,
  storedMember,
  storedSession,
} from '../../src/testing/store-samples.ts';
import { startTcpProxy } from '../../src/testing/tcp-proxy.ts';
import { within } from './deadline.ts';

let redis: RedisServers;
before(async () => {
  redis = await startRedis();
});
after(() => redis?.[Symbol.asyncDispose]());

const portOf = ({ servers }: RedisServers): number => servers[0]?.port ?? assert.fail();

let prefixesCount = 0;
/** Patient with a busy machine, unless `more` says otherwise. */
async function open(url: string, more: Partial<RedisSettings> = {}): Promise<Store> {
  prefixesCount += 1;
  const prefix = `faults${prefixesCount}`;
  const patient = { patienceMs: 60_000, replyTimeoutMs: 30_000 };
  return (await openRedisStore({ url, durability: 'relaxed', prefix, ...patient, ...more })).store;
}

async function refused(opening: Promise<unknown>, ...parts: readonly string[]): Promise<void> {
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof StoreUnavailable || error instanceof CannotStart, String(error));
    for (const part of parts) {
      assert.ok(error.message.includes(part), `${error.message} does not name ${part}`);
    }
    return true;
  });
}

test('an address where nothing listens is said to be one', async () => {
  // Nothing is given this port, where a free one may be taken meanwhile.
  const port = 1;
  const url = `redis://ada:secret@127.0.0.1:${port},no-such-host.invalid` as const;
  await refused(open(url), `127.0.0.1:${port}: nothing listens there`, 'no such host');
  await refused(startServer({ port: 0, store: url }), `127.0.0.1:${port}`);
  await assert.rejects(open(url), (error) => !String(error).includes('secret'));
});

test('a server that accepts and never answers is said to be silent', async () => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const impatient = { replyTimeoutMs: 500 };
  // With a password, the connection itself waits for an answer.
  for (const login of ['', ':sesame@']) {
    const opening = open(`redis://${login}127.0.0.1:${port}`, impatient);
    await refused(opening, `127.0.0.1:${port}: it d`, 'not answer');
  }
  await new Promise((resolve) => server.close(resolve));
});

test('a server that wants another password says so', async () => {
  await using guarded = await startRedis('--requirepass', 'sesame');
  const at = `127.0.0.1:${portOf(guarded)}`;
  await refused(open(`redis://${at}`), 'asks for a password');
  await refused(open(`redis://:wrong@${at}`), 'does not know this user and password');
  await using store = await open(`redis://:sesame@${at}`);
  assert.equal((await store.commit({ session: putOf('a', 0) })).kind, 'committed');
});

test('a replica, and a server that throws data away, are refused', async () => {
  await using pair = await startRedisReplicas(1);
  await refused(open(`redis://127.0.0.1:${pair.servers[1]?.port}`), 'it is a replica');
  await using forgetful = await startRedis(
    '--maxmemory',
    '100mb',
    '--maxmemory-policy',
    'allkeys-lru',
  );
  await refused(open(forgetful.url), 'allkeys-lru', 'expected noeviction');
});

test('a commit whose answer is lost is sent again, and made once', async () => {
  await using proxy = await startTcpProxy(portOf(redis));
  await using store = await open(`redis://127.0.0.1:${proxy.port}`);
  await store.commit({ session: putOf('a', 0, { custom: { turn: 0 } }) });
  const activity = storedActivity(storedGuid(1), 'a', { requestId: storedGuid(9) });
  const steps = [
    { session: { ...putOf('a', 1, { custom: { turn: 1 } }), pendingTaps: { kind: 'taps' } } },
    { session: putOf('a', 2, { custom: { turn: 2 } }), handle: activity },
    { session: { ...putOf('b', 0), addHints: ['xuid:11'] as const } },
    { session: deleteOf('b', 1) },
  ];
  for (const step of steps) {
    proxy.loseNextAnswer();
    const owes = 'pendingTaps' in step.session;
    const revision = step.session.expectRevision + 1;
    const committed = { kind: 'committed', revision, ...(owes && { hasPendingTaps: true }) };
    assert.deepEqual(await store.commit(step), committed);
  }
  assert.deepEqual(await store.session(storedKey('a')), {
    revision: 3,
    session: storedSession('a', { turn: 2 }),
  });
  assert.deepEqual(await store.activitiesOf([activity.ownerXuid]), [activity]);
  assert.equal(await store.session(storedKey('b')), undefined);
  assert.deepEqual(await store.pendingNotifications?.read(0, 10), [
    { key: storedKey('a'), revision: 2, pendingTaps: { kind: 'taps' } },
  ]);
});

// Kills: a batch that conflicts with itself when it is sent again, or is made twice.
test('a batch of records whose answer is lost is sent again, and made once', async () => {
  await using proxy = await startTcpProxy(portOf(redis));
  await using store = await open(`redis://127.0.0.1:${proxy.port}`);
  const change = async (...changes: RecordChange[]): Promise<number> => {
    proxy.loseNextAnswer();
    const outcome = await store.commitRecords('ticket', 'quick', changes);
    assert.ok(outcome.kind === 'committed');
    return outcome.revision;
  };
  const first = await change({ id: 'a', expectRevision: 0, value: { turn: 1 }, dueMs: 5 });
  assert.equal((await store.record('ticket', 'quick', 'a'))?.revision, first);
  const second = await change(
    { id: 'a', expectRevision: first },
    { id: 'b', expectRevision: 0, value: { turn: 2 } },
  );
  assert.deepEqual(await store.records('ticket', 'quick', 10), [
    { id: 'b', revision: second, value: { turn: 2 }, dueMs: undefined },
  ]);
  assert.deepEqual(await store.dueRecords('ticket', 5, 10), []);
  await change({ id: 'b', expectRevision: second });
  assert.deepEqual(await store.records('ticket', 'quick', 10), []);
});

// Kills: a damaged session, member or list entry that hides the others, or fails as a bug; a page with one
// member too few, which its reader takes for the last page.
test('damaged sessions, members and list entries are logged once, and hurt no others', async () => {
  await using lone = await startRedis();
  const lines: string[] = [];
  const settings = { prefix: 'damaged', log: (line: string) => lines.push(line) };
  await using store = await open(lone.url, settings);
  const members = ['11', '22', '33'].map((xuid, index) => storedMember(xuid, index));
  const put = members.map((member) => ({ member, dueMs: 5 }));
  await store.commit({ session: { ...putOf('a', 0), memberRows: { put } } });
  for (const name of ['b', 'c', 'd']) await store.commit({ session: putOf(name, 0) });
  const entries = ['4', '5', '6'].map((xuid) => ({ xuid, addedMs: 1 }));
  await store.changeList('11', 'follows', { put: entries });
  const keyLike = async (pattern: string): Promise<string> =>
    (await lone.cli(portOf(lone), 'KEYS', pattern)).trim();
  const [b, c, rows, list] = await Promise.all([
    keyLike(`*:session:${storedKey('b')}`),
    keyLike(`*:session:${storedKey('c')}`),
    keyLike(`*:rows:${storedKey('a')}`),
    keyLike('*11}:follows'),
  ]);
  await lone.cli(portOf(lone), 'HSET', b, 'd', '{}');
  await lone.cli(portOf(lone), 'SET', c, 'of another kind');
  await lone.cli(portOf(lone), 'HSET', rows, '11', '{"xuid":');
  await lone.cli(portOf(lone), 'HSET', list, '5', 'null');
  await using reader = await open(lone.url, settings);
  const keys = ['a', 'b', 'c', 'd'].map(storedKey);
  for (let times = 0; times < 2; times += 1) {
    for (const name of ['b', 'c']) {
      await assert.rejects(reader.session(storedKey(name)), DamagedRecord);
    }
    const found = await reader.sessions(keys);
    assert.deepEqual(
      found.map((record) => record?.revision),
      [1, undefined, undefined, 1],
    );
    await assert.rejects(reader.memberRow(storedKey('a'), '11'), DamagedRecord);
    assert.deepEqual(await reader.memberRows(storedKey('a'), 2), members.slice(1));
    assert.deepEqual(await reader.memberRowsDue(storedKey('a'), 5, 2), members.slice(1));
    const others = entries.filter(({ xuid }) => xuid !== '5');
    assert.deepEqual(await reader.list('11', 'follows'), others);
    assert.deepEqual(await reader.listEntries('11', 'follows', ['4', '5', '6', '7']), others);
  }
  assert.equal(lines.length, 4, lines.join('\n'));
});

// Kills: a damaged key that is taken for an outage, so that its reader stops for all others.
test('a key that holds something else is damage, and not an outage', async () => {
  await using lone = await startRedis();
  const lines: string[] = [];
  await using store = await open(lone.url, { log: (line) => lines.push(line) });
  const put = [{ member: storedMember('11', 0), dueMs: 5 }];
  const [activity, other] = ['21', '22'].map((ownerXuid, n) =>
    storedActivity(storedGuid(n + 1), 'a', { ownerXuid }),
  );
  const hint = 'xuid:11' as const;
  const session = { ...putOf('a', 0), memberRows: { put }, addHints: [hint] };
  assert.ok(activity && other);
  await store.commit({ session, handle: activity });
  await store.commit({ handle: other });
  await store.changeList('11', 'follows', { put: [{ xuid: '4', addedMs: 1 }] });
  await store.commitRecords('ticket', 'quick', [{ id: 'a', value: {} }]);
  const keyLike = async (pattern: string): Promise<string> =>
    (await lone.cli(portOf(lone), 'KEYS', pattern)).trim();
  for (const pattern of [
    `*:rows:${storedKey('a')}`,
    `*:handles:${storedKey('a')}`,
    '*21}:activities',
    '*11}:follows',
    '*:records:ticket quick',
    '*:{hxuid*',
  ]) {
    await lone.cli(portOf(lone), 'SET', await keyLike(pattern), 'of another kind');
  }
  for (let times = 0; times < 2; times += 1) {
    for (const read of [
      () => store.memberRow(storedKey('a'), '11'),
      () => store.memberRows(storedKey('a'), 2),
      () => store.memberRowsDue(storedKey('a'), 5, 2),
      () => store.handlesFor(storedKey('a')),
      () => store.list('11', 'follows'),
      () => store.listEntries('11', 'follows', ['4']),
      () => store.record('ticket', 'quick', 'a'),
      () => store.records('ticket', 'quick', 10),
      () => store.sessionsBy(hint, 10),
    ]) {
      await assert.rejects(read(), DamagedRecord);
    }
    assert.deepEqual(await store.activitiesOf(['21', '22']), [other]);
  }
  assert.equal(lines.length, 6, lines.join('\n'));
});

// Kills: a damaged record that hides the others of its group, or fails as a bug; a page with one record too
// few, which its reader takes for the last page.
test('a damaged record of a service is logged by name, once, and hurts no other', async () => {
  await using lone = await startRedis();
  const lines: string[] = [];
  await using store = await open(lone.url, { log: (line) => lines.push(line) });
  const changes = ['a', 'b', 'c'].map((id) => ({ id, value: { id }, dueMs: 5 }));
  await store.commitRecords('ticket', 'quick', changes);
  const [key = ''] = (await lone.cli(portOf(lone), 'KEYS', '*:records:ticket quick')).split('\n');
  await lone.cli(portOf(lone), 'HSET', key, 'b', '7 5 b {"id":');
  for (let times = 0; times < 2; times += 1) {
    await assert.rejects(store.record('ticket', 'quick', 'b'), DamagedRecord);
    for (const limit of [2, 10]) {
      const records = await store.records('ticket', 'quick', limit);
      assert.deepEqual(
        records.map(({ id }) => id),
        ['a', 'c'],
      );
    }
  }
  assert.deepEqual(
    lines.map((line) => /^error: the (record .*) cannot be read/.exec(line)?.[1]),
    ['record ticket quick b'],
  );
  await store.commitRecords('ticket', 'quick', [{ id: 'b', value: { id: 'new' } }]);
  assert.deepEqual((await store.record('ticket', 'quick', 'b'))?.value, { id: 'new' });
});

// Kills: revisions counted from those that the server still has.
test('a server that was emptied gives no revision of a record a second time', async () => {
  await using lone = await startRedis();
  await using store = await open(lone.url);
  const change = [{ id: 'a', expectRevision: 0, value: {} }];
  const first = await store.commitRecords('ticket', 'quick', change);
  await lone.cli(portOf(lone), 'FLUSHALL');
  const second = await store.commitRecords('ticket', 'quick', change);
  assert.ok(first.kind === 'committed' && second.kind === 'committed');
  assert.ok(second.revision > first.revision);
});

test('a commit that was given up is not made when its line comes back', async () => {
  await using proxy = await startTcpProxy(portOf(redis));
  const prefix = 'late';
  // It opens on a busy machine, too, and gives up while the line is held.
  const settings = { patienceMs: 3_000, replyTimeoutMs: 3_000, prefix };
  await using store = await open(`redis://127.0.0.1:${proxy.port}`, settings);
  await using other = await open(redis.url, { prefix });
  // By the patient one: on a busy machine a commit may take longer than the other waits.
  await other.commit({ session: putOf('a', 0) });
  proxy.hold();
  const begunMs = performance.now();
  await Promise.all([
    assert.rejects(store.commit({ session: putOf('a', 1) }), StoreUnavailable),
    assert.rejects(store.commitRecords('t', 'g', [{ id: 'a', value: {} }]), StoreUnavailable),
  ]);
  // The server does not do what comes later than twice the patience.
  await within(60_000, 'too late', async () => performance.now() - begunMs > 7_000);
  proxy.release();
  await within(60_000, 'the line is back', () =>
    store.session(storedKey('a')).catch(() => undefined),
  );
  assert.equal((await other.session(storedKey('a')))?.revision, 1);
  assert.equal(await other.record('t', 'g', 'a'), undefined);
});

test('while Redis cannot be reached every call throws; once it can, none does', async () => {
  await using proxy = await startTcpProxy(portOf(redis));
  const url = `redis://127.0.0.1:${proxy.port}`;
  await using store = await open(url, { patienceMs: 5_000 });
  await store.commit({ session: putOf('a', 0) });
  proxy.refuse();
  proxy.cut();
  await Promise.all([
    assert.rejects(store.session(storedKey('a')), StoreUnavailable),
    assert.rejects(store.commit({ session: putOf('a', 1) }), StoreUnavailable),
    assert.rejects(store.due(0, 1), StoreUnavailable),
  ]);
  proxy.accept();
  assert.equal((await store.session(storedKey('a')))?.revision, 1);
  assert.equal((await store.commit({ session: putOf('a', 1) })).kind, 'committed');
});

test('strict waits for a replica and says so when none has it; relaxed does not', async () => {
  await using pair = await startRedisReplicas(1);
  const url = `redis://127.0.0.1:${portOf(pair)}`;
  const prefix = 'strict';
  // Half the time of a reply is what a commit waits for replicas.
  const settings = { prefix, patienceMs: 4_000, replyTimeoutMs: 3_000 };
  await using strict = await open(url, { ...settings, durability: 'strict' });
  await using relaxed = await open(url, { ...settings, durability: 'relaxed' });
  await using two = await open(url, { ...settings, durability: 'strict', replicasMin: 2 });
  assert.equal((await strict.commit({ session: putOf('a', 0) })).kind, 'committed');
  await assert.rejects(two.commit({ session: putOf('b', 0) }), /fewer than 2 replicas/);
  const replica = pair.servers[1] ?? assert.fail();
  replica.signal('SIGSTOP');
  await assert.rejects(strict.commit({ session: putOf('a', 1) }), (error) => {
    assert.ok(error instanceof StoreUnavailable);
    assert.match(error.message, /fewer than 1 replicas/);
    return true;
  });
  // It is there and no replica has it: nobody is shown what may still be lost.
  await assert.rejects(strict.session(storedKey('a')), StoreUnavailable);
  assert.equal((await relaxed.session(storedKey('a')))?.revision, 2);
  assert.equal((await relaxed.commit({ session: putOf('a', 2) })).kind, 'committed');
  replica.signal('SIGCONT');
  await within(60_000, 'the replica follows', async () => {
    const record = await strict.session(storedKey('a')).catch(() => undefined);
    return record?.revision === 3;
  });
  assert.equal((await strict.commit({ session: putOf('a', 3) })).kind, 'committed');
});

test('stores of two processes see each other’s commits, leases, secret and pending taps', async () => {
  const prefix = 'two';
  await using one = await open(redis.url, { prefix });
  await using other = await open(redis.url, { prefix });
  assert.deepEqual(await one.secret(), await other.secret());
  await one.commit({ session: putOf('a', 0) });
  const record = (await other.session(storedKey('a'))) ?? assert.fail();
  await other.commit({
    session: { ...putOf('a', record.revision), pendingTaps: { kind: 'taps' } },
  });
  // What one knows is older, and its commit finds that out.
  assert.equal(one.lastKnown(storedKey('a'))?.record?.revision, 1);
  assert.equal(one.lastKnown(storedKey('a'))?.isCommitted, false);
  const outcome = await one.commit({ session: putOf('a', 1) });
  assert.ok(outcome.kind === 'conflict' && outcome.current?.revision === 2);
  assert.deepEqual(await one.pendingNotifications?.read(0, 10), [
    { key: storedKey('a'), revision: 2, pendingTaps: { kind: 'taps' } },
  ]);
  assert.deepEqual(await one.pendingNotifications?.read(60_000, 10), []);
  await one.pendingNotifications?.forget(storedKey('a'), 2);
  assert.deepEqual(await other.pendingNotifications?.read(0, 10), []);

  assert.equal(await one.renewNode('0000000a', 60_000), 'held');
  assert.equal(await other.renewNode('0000000b', 20), 'held');
  await within(60_000, 'its lease ends', async () =>
    (await one.nodes()).some(({ isAlive }) => !isAlive),
  );
  const nodes = [...(await one.nodes())].sort((a, b) => (a.node < b.node ? -1 : 1));
  assert.deepEqual(nodes, [
    { node: '0000000a', isAlive: true },
    { node: '0000000b', isAlive: false },
  ]);
  assert.equal(await other.renewNode('0000000b', 60_000), 'lost');
  await one.forgetNode('0000000b');
  assert.deepEqual(await other.nodes(), [{ node: '0000000a', isAlive: true }]);
});

test('a deleted session is known to searches of other processes', async () => {
  const prefix = 'gone';
  await using one = await open(redis.url, { prefix });
  await using other = await open(redis.url, { prefix });
  await one.commit({ session: { ...putOf('a', 0), isSearchChange: true } });
  const before = await other.searchChanges(undefined, 10);
  assert.deepEqual(before.keys, [storedKey('a')]);
  await one.commit({ session: deleteOf('a', 1) });
  assert.deepEqual((await other.searchChanges(before.cursor, 10)).keys, [storedKey('a')]);
});

/** What no test waits for, and what scripts do. */
const housekeeping = / lua\]|"(TIME|INFO|PING|CLUSTER|SUNSUBSCRIBE)"/;
/** What a server looks for by itself while it has nothing to do. */
const lookout =
  /records(-due)?:(matchmaking|hopperLeases)|"EVALSHA" "[^"]*" "1" "[^"]*" "(HGET|ZRANGE|EXISTS)"/;

/** The commands that the server was sent meanwhile, but for those that nodes send by themselves. */
async function sentDuring(
  work: () => Promise<unknown>,
  others: readonly RegExp[] = [housekeeping, lookout],
): Promise<readonly string[]> {
  const monitor = spawn('redis-cli', ['-p', String(portOf(redis)), 'MONITOR']);
  try {
    const lines = createInterface({ input: monitor.stdout })[Symbol.asyncIterator]();
    await lines.next();
    await work();
    await redis.cli(portOf(redis), 'ECHO', 'that is all');
    const sent: string[] = [];
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, 'the monitor goes on');
      if (value.includes('that is all')) return sent;
      if (value !== '' && !others.some((pattern) => pattern.test(value))) sent.push(value);
    }
  } finally {
    monitor.kill();
  }
}

// Kills: a command for each of the 256 partitions, several times a second, from each idle node.
test('a look for work takes one command where there is none, and finds what there is', async () => {
  await using store = await open(redis.url);
  const looks = [
    () => store.searchChanges(undefined, 10),
    () => store.due(1_000, 10),
    () => store.expired(1_000, 10),
    () => store.dueRecords('tests', 1_000, 10),
    async () => store.pendingNotifications?.read(0, 10),
  ];
  for (const look of looks) {
    const sent = await sentDuring(look, [housekeeping]);
    assert.equal(sent.length, 1, sent.join('\n'));
  }
  for (const name of ['a', 'b', 'c']) {
    const session = { ...putOf(name, 0, { dueMs: 10 }), isSearchChange: true };
    await store.commit({ session });
  }
  assert.equal((await store.due(1_000, 10)).length, 3);
  const sent = await sentDuring(() => store.due(1_000, 10), [housekeeping]);
  assert.ok(sent.length >= 2 && sent.length <= 4, sent.join('\n'));
  assert.equal((await store.searchChanges(undefined, 10)).keys.length, 3);
});

// Kills: a partition that cannot be read, and with it all due work of its server.
test('a damaged list of due times hides no due session of the others', async () => {
  await using store = await open(redis.url);
  for (const name of ['a', 'b', 'c'])
    await store.commit({ session: putOf(name, 0, { dueMs: 10 }) });
  const pattern = `faults${prefixesCount}:*:due`;
  const names = (await redis.cli(portOf(redis), 'KEYS', pattern)).trim().split('\n');
  assert.equal(names.length, 3);
  for (const leftCount of [2, 1]) {
    await redis.cli(portOf(redis), 'SET', names[leftCount] ?? '', 'no list of due times');
    assert.equal((await store.due(1_000, 10)).length, leftCount);
  }
  await redis.cli(portOf(redis), 'DEL', names[0] ?? '');
  assert.deepEqual(await store.due(1_000, 10), []);
});

// Kills: changes that are numbered as those which a failover has lost, so that nodes take them for read.
test('a search learns of changes that were made after a failover which lost some', async () => {
  await using lone = await startRedis();
  await using store = await open(lone.url, { prefix: 'failover' });
  const change = (revision: number) =>
    store.commit({ session: { ...putOf('a', revision), isSearchChange: true } });
  await change(0);
  await change(1);
  const { keys, cursor } = await store.searchChanges(undefined, 10);
  assert.deepEqual(keys, [storedKey('a')]);
  const partition = (await lone.cli(portOf(lone), 'KEYS', '*:meta')).trim();
  // As the server that takes over has it, to which nothing of it was copied.
  await lone.cli(portOf(lone), 'HDEL', partition, 'search');
  await lone.cli(portOf(lone), 'DEL', partition.replace(/meta$/, 'search'));
  // As many as were read: those that count from there have the same numbers.
  await change(2);
  await change(3);
  assert.deepEqual((await store.searchChanges(cursor, 10)).keys, [storedKey('a')]);
});

// Kills: a partition that cannot be read, and with it the search of all others; and a cursor that goes on
// as if it had been read; sessions that are missing from every search, and nothing says so.
test('damaged keys of a search list are logged, hide no change of the others, and none when mended', async () => {
  const lines: string[] = [];
  await using store = await open(redis.url, { log: (line) => lines.push(line) });
  for (const name of ['a', 'b', 'c'])
    await store.commit({ session: { ...putOf(name, 0), isSearchChange: true } });
  const keysOf = async (name: string): Promise<readonly string[]> => {
    const found = await redis.cli(portOf(redis), 'KEYS', `faults${prefixesCount}:*:${name}`);
    return found.trim().split('\n');
  };
  for (const name of ['search', 'meta']) {
    const [key = '', ...others] = await keysOf(name);
    assert.equal(others.length, 2);
    await redis.cli(portOf(redis), 'RENAME', key, `${key}-sound`);
    await redis.cli(portOf(redis), 'SET', key, 'damaged');
    const { keys, cursor } = await store.searchChanges(undefined, 10);
    assert.equal(keys.length, 2);
    const again = await store.searchChanges(cursor, 10);
    assert.deepEqual(again.keys, []);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.ok(lines.pop()?.startsWith(`error: the key ${key} holds something else`));
    await redis.cli(portOf(redis), 'RENAME', `${key}-sound`, key);
    const mended = await store.searchChanges(again.cursor, 10);
    assert.equal(mended.keys.length, 1);
    // Damaged once more, it is logged once more.
    await redis.cli(portOf(redis), 'RENAME', key, `${key}-sound`);
    await redis.cli(portOf(redis), 'SET', key, 'damaged');
    await store.searchChanges(undefined, 10);
    assert.ok(lines.pop()?.includes(key));
    await redis.cli(portOf(redis), 'RENAME', `${key}-sound`, key);
  }
  assert.deepEqual(lines, []);
});

test('a put of a session that was heard of takes one command', async () => {
  await using store = await open(redis.url);
  await store.commit({ session: putOf('a', 0) });
  const { revision } = store.lastKnown(storedKey('a'))?.record ?? assert.fail();
  const sent = await sentDuring(() => store.commit({ session: putOf('a', revision) }));
  assert.equal(sent.length, 1, sent.join('\n'));
});

test('an activity takes three steps, and nobody waits for the former one to be removed', async () => {
  await using store = await open(redis.url);
  await store.commit({ session: putOf('a', 0) });
  const activity = (n: number) => storedActivity(storedGuid(n), 'a');
  const batch = { session: putOf('a', 1), handle: activity(1) };
  const sent = await sentDuring(() => store.commit(batch));
  assert.equal(sent.length, 3, sent.join('\n'));
  assert.deepEqual(await store.handlesFor(storedKey('a')), [activity(1)]);
  // The former one cannot be removed: a caller who waited for that would fail.
  const key = (await redis.cli(portOf(redis), 'KEYS', `faults${prefixesCount}:*handle:*`)).trim();
  await redis.cli(portOf(redis), 'SET', key, 'no hash');
  await store.commit({ session: putOf('a', 2), handle: activity(2) });
  assert.deepEqual(await store.activitiesOf([activity(2).ownerXuid]), [activity(2)]);
});

test('a PUT takes one step before its answer, the POST of an activity four at most', async () => {
  const server = await startServer({
    port: 0,
    store: redis.url as `redis://${string}`,
    durability: 'relaxed',
    sweepIntervalMs: 3_600_000,
    nodeLeaseMs: 3_600_000,
  });
  await using _closed = { [Symbol.asyncDispose]: () => server.close() };
  const kit = new Kit(server.url, undefined);
  const sessionRef = kit.reference();
  const post = async (user: KitUser): Promise<void> => {
    const { status } = await user.postHandle({ version: 1, type: 'activity', sessionRef });
    assert.equal(status, 201);
  };
  const [ada, ben] = [kit.user('ada'), kit.user('ben')];
  assert.equal((await ada.join(sessionRef)).status, 201);
  assert.equal((await ben.join(sessionRef)).status, 200);
  // It learns of the nodes that other tests have left.
  await post(ada);
  const posted = await sentDuring(() => post(ben));
  assert.ok(posted.length <= 4, posted.join('\n'));
  const put = await sentDuring(async () => {
    const { status } = await ben.putSession(sessionRef, { properties: { custom: { a: 1 } } });
    assert.equal(status, 200);
  });
  assert.equal(put.length, 1, put.join('\n'));
});

test('a server forgets its scripts, and is sent them again', async () => {
  await using store = await open(redis.url);
  await redis.cli(portOf(redis), 'SCRIPT', 'FLUSH');
  assert.equal((await store.commit({ session: putOf('a', 0) })).kind, 'committed');
  assert.equal((await store.session(storedKey('a')))?.revision, 1);
});
