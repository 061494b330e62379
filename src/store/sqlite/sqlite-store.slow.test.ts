import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { formatJson } from '../../domain/json.ts';
import type { ActivityHandle } from '../../domain/handle/handle.ts';
import { hintsOf } from '../../domain/session/hints.ts';
import { keyOf } from '../../domain/session/reference.ts';
import type { Session } from '../../domain/session/session.ts';
import { startScript } from '../../testing/child-script.ts';
import { testStoreContract } from '../../testing/store-contract.ts';
import {
  deleteOf,
  putOf,
  storedActivity,
  storedGuid,
  storedHistory,
  storedInvite,
  storedKey,
  storedMember,
  storedScid,
  storedSession,
  storedTransfer,
} from '../../testing/store-samples.ts';
import {
  StoreUnavailable,
  type Hint,
  type RecordChange,
  type Store,
  type StoredRecord,
} from '../store.ts';
import { migrate, migrations } from './migrations.ts';
import { openSqliteStore, type SqliteSettings } from './sqlite-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-sqlite-'));
after(() => rmSync(folder, { recursive: true }));

let filesCount = 0;
function freshFile(): string {
  filesCount += 1;
  return join(folder, String(filesCount), 'data.db');
}

function open(file: string, more: Partial<SqliteSettings> = {}): Promise<Store> {
  return openSqliteStore({ file, durability: 'relaxed', ...more });
}

// Relaxed, since strict differs in when the disk is waited for, and in nothing that is seen here.
// Fewer steps than of the memory store: at each the writer's thread is waited for.
testStoreContract('sqlite', () => open(freshFile()), { mixedStepsCount: 2_000 });
// Nothing fits into this cache, so that whatever is read comes from the file.
testStoreContract('sqlite without a cache', () => open(freshFile(), { cacheBytesMax: 1 }), {
  mixedStepsCount: 1_000,
});

/** Fails unless `opening` is refused with a text that has all of `parts`. */
async function refused(opening: Promise<Store>, ...parts: readonly string[]): Promise<void> {
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    for (const part of parts) {
      assert.ok(error.message.includes(part), `${error.message} does not name ${part}`);
    }
    return true;
  });
}

test('what was committed is there when the file is opened again', async () => {
  const file = freshFile();
  const activity = storedActivity(storedGuid(1), 'a', { ownerXuid: '11' });
  const invite = storedInvite(storedGuid(2), 'a', { expirationMs: 7 });
  let secret: Uint8Array;
  {
    await using store = await open(file, { durability: 'strict' });
    await store.commit({
      session: putOf('a', 0, { custom: { map: 'atoll' }, dueMs: 5 }),
      handle: activity,
    });
    await store.commit({ handle: invite });
    await store.commit({ session: putOf('b', 0) });
    await store.commit({ session: deleteOf('b', 1) });
    secret = await store.secret();
  }
  assert.ok(!existsSync(`${file}-wal`), 'a store that was closed leaves one file of data');
  await using store = await open(file);
  assert.deepEqual(await store.session(storedKey('a')), {
    revision: 1,
    session: storedSession('a', { map: 'atoll' }),
  });
  assert.equal(await store.session(storedKey('b')), undefined);
  assert.deepEqual(await store.due(5, 10), [storedKey('a')]);
  assert.deepEqual(await store.handlesFor(storedKey('a')), [activity]);
  assert.deepEqual(await store.activitiesOf(['11']), [activity]);
  assert.deepEqual(await store.expired(7, 10), [invite.id.toLowerCase()]);
  assert.deepEqual(await store.secret(), secret);
  assert.equal((await store.commit({ session: putOf('a', 1) })).kind, 'committed');
});

test('what is looked at once is not kept, and what is kept stays', async () => {
  const file = freshFile();
  {
    await using store = await open(file);
    await store.commit({ session: putOf('a', 0) });
    await store.commit({ session: putOf('b', 0) });
  }
  await using store = await open(file);
  await store.session(storedKey('b'));
  const found = await store.sessions(['a', 'b', 'c'].map(storedKey));
  assert.deepEqual(
    found.map((record) => record?.revision),
    [1, 1, undefined],
  );
  assert.equal(store.lastKnown(storedKey('a')), undefined);
  assert.equal(store.lastKnown(storedKey('b'))?.record, found[1]);
  assert.equal(store.lastKnown(storedKey('c')), undefined);
});

test('what goes with a session is there when the file is opened again, and former nodes are dead', async () => {
  const file = freshFile();
  const row = { member: storedMember('7', 3), dueMs: 30 };
  const entry = { xuid: '5', addedMs: 17, isFavorite: true };
  let cursor: string;
  {
    await using store = await open(file);
    const addHints = ['xuid:11', `keyword:${storedScid.toLowerCase()}~co\ud800op`] as const;
    await store.commit({
      session: { ...putOf('a', 0), addHints, memberRows: { put: [row] }, isSearchChange: true },
      handle: storedInvite(storedGuid(1), 'a'),
    });
    await store.changeList('11', 'follows', { put: [entry] });
    await store.renewNode('0000000a', 1_000);
    await store.renewNode('0000000b', 1_000);
    await store.forgetNode('0000000a');
    assert.deepEqual(await store.nodes(), [{ node: '0000000b', isAlive: true }]);
    ({ cursor } = await store.searchChanges(undefined, 10));
    await store.commit({ session: { ...putOf('b', 0), isSearchChange: true } });
    await store.commit({ session: deleteOf('b', 1) });
  }
  await using store = await open(file);
  assert.deepEqual(await store.sessionsBy('xuid:11', 10), [storedKey('a')]);
  assert.deepEqual(await store.memberRow(storedKey('a'), '7'), row.member);
  assert.deepEqual(await store.memberRowsDue(storedKey('a'), 30, 10), [row.member]);
  assert.deepEqual((await store.invitesOf('2814000000000002')).length, 1);
  assert.deepEqual(await store.list('11', 'follows'), [entry]);
  assert.deepEqual(await store.nodes(), [{ node: '0000000b', isAlive: false }]);
  await store.commit({ session: { ...putOf('c', 0), isSearchChange: true } });
  assert.deepEqual((await store.searchChanges(cursor, 10)).keys, [storedKey('c')]);
  await store.forgetNode('0000000b');
  assert.deepEqual(await store.nodes(), []);
});

test('sessions and invites of a file of the first schema are found by what the second one adds', async () => {
  const file = freshFile();
  const member = storedMember('7', 3);
  const session: Session = {
    ...storedSession('a'),
    properties: { system: { keywords: ['Co\ud800op'] }, custom: {} },
    members: [
      { ...member, properties: { ...member.properties, system: { connection: storedGuid(9) } } },
    ],
  };
  const invite = storedInvite(storedGuid(1), 'a');
  {
    using db = openSchema(file, 1);
    db.prepare('INSERT INTO session (key, revision, document) VALUES (?, 7, ?)').run(
      storedKey('a'),
      formatJson(session),
    );
    db.prepare('INSERT INTO handle (id, expiration_ms, document) VALUES (?, ?, ?)').run(
      invite.id.toLowerCase(),
      invite.expirationMs,
      formatJson(invite),
    );
  }
  await using store = await open(file);
  assert.deepEqual((await store.session(storedKey('a')))?.session, session);
  const hints = hintsOf(session);
  assert.deepEqual([...hints].map((hint) => hint.split(':')[0]).sort(), [
    'connection',
    'keyword',
    'node',
    'xuid',
  ]);
  for (const hint of hints) {
    // The connections of a former process have ended, and its sessions are found by the node.
    const found = hint.startsWith('connection:') ? [] : [storedKey('a')];
    assert.deepEqual(await store.sessionsBy(hint, 10), found, hint);
  }
  assert.deepEqual(await store.invitesOf(invite.invitedXuid), [invite]);
});

test('sessions of a file of the second schema keep what they are found by, and lose it with them', async () => {
  const file = freshFile();
  {
    using db = openSchema(file, 2);
    const insert = db.prepare(
      'INSERT INTO session (key, revision, due_ms, document) VALUES (?, 7, ?, ?)',
    );
    const insertHint = db.prepare('INSERT INTO hint (hint, key) VALUES (?, ?)');
    for (const [name, dueMs] of [
      ['b', null],
      ['a', 5],
      ['c', 1e300],
    ] as const) {
      insert.run(storedKey(name), dueMs, formatJson(storedSession(name)));
      for (const hint of ['xuid:11', `xuid:${name}`]) insertHint.run(hint, storedKey(name));
    }
  }
  await using store = await open(file);
  const found = (hint: Hint) => store.sessionsBy(hint, 10);
  const keysOf = (...names: readonly string[]) => names.map(storedKey);
  assert.deepEqual(await store.session(storedKey('a')), {
    revision: 7,
    session: storedSession('a'),
  });
  assert.deepEqual(await store.due(Infinity, 10), keysOf('a', 'c'));
  assert.deepEqual(await found('xuid:11'), keysOf('a', 'b', 'c'));
  await store.commit({ session: { ...putOf('d', 0), addHints: ['xuid:11'] } });
  await store.commit({ session: { ...putOf('b', 7), addHints: ['xuid:11', 'xuid:22'] } });
  await store.commit({ session: deleteOf('a', 7) });
  assert.deepEqual(await found('xuid:11'), keysOf('b', 'c', 'd'));
  assert.deepEqual(await found('xuid:a'), []);
  assert.deepEqual(await found('xuid:22'), keysOf('b'));
});

test('activities of a file of the second schema are those that were pointed at', async () => {
  const file = freshFile();
  const [former, current, other] = [1, 2, 3].map((n) => {
    return storedActivity(storedGuid(n), 'a', { ownerXuid: n === 3 ? '22' : '11' });
  }) as [ActivityHandle, ActivityHandle, ActivityHandle];
  const transfer = storedTransfer(storedGuid(4), { origin: 'a', target: 'b' });
  const invite = storedInvite(storedGuid(5), 'a');
  {
    using db = openSchema(file, 2);
    const insertHandle = db.prepare(
      'INSERT INTO handle (id, session_key, expiration_ms, invited_xuid, document) VALUES (?, ?, ?, ?, ?)',
    );
    const point = db.prepare('INSERT INTO activity (xuid, scid, handle_id) VALUES (?, ?, ?)');
    for (const handle of [former, current, other, transfer]) {
      const key = keyOf(handle.reference);
      insertHandle.run(handle.id.toLowerCase(), key, null, null, formatJson(handle));
    }
    const { expirationMs, invitedXuid } = invite;
    insertHandle.run(invite.id.toLowerCase(), null, expirationMs, invitedXuid, formatJson(invite));
    for (const { id, ownerXuid } of [current, other]) {
      point.run(ownerXuid, storedScid.toLowerCase(), id.toLowerCase());
    }
    point.run('33', storedScid.toLowerCase(), storedGuid(9).toLowerCase());
  }
  await using store = await open(file);
  assert.deepEqual(await store.activitiesOf(['11', '22', '33']), [current, other]);
  assert.equal(await store.handle(former.id), undefined);
  for (const handle of [current, other, transfer, invite]) {
    assert.deepEqual(await store.handle(handle.id), handle);
  }
  assert.deepEqual(await store.invitesOf(invite.invitedXuid), [invite]);
  const next = storedActivity(storedGuid(6), 'b', { ownerXuid: '11' });
  await store.commit({ handle: next });
  assert.deepEqual(await store.handlesFor(storedKey('a')), [other]);
  assert.deepEqual(await store.activitiesOf(['11']), [next]);
});

test('a file of the third schema opens, and takes records', async () => {
  const file = freshFile();
  {
    using db = openSchema(file, 3);
    db.prepare('INSERT INTO session (key, revision, document) VALUES (?, 7, ?)').run(
      storedKey('a'),
      formatJson(storedSession('a')),
    );
  }
  await using store = await open(file);
  assert.equal((await store.session(storedKey('a')))?.revision, 7);
  assert.deepEqual(await store.records('ticket', 'quick', 10), []);
  await store.commitRecords('ticket', 'quick', [{ id: 'a', value: {} }]);
  assert.equal((await store.records('ticket', 'quick', 10)).length, 1);
});

/** A file as a former OpenMPSD left it. */
function openSchema(file: string, version: number): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file);
  db.exec('PRAGMA application_id = 0x4d505344');
  migrate(db, migrations.slice(0, version));
  return db;
}

test('a process that does not close its store ends all the same', async () => {
  const child = startScript(
    `const { openSqliteStore } = await import(process.argv[2]);
     const { putOf } = await import(process.argv[3]);
     const store = await openSqliteStore({ file: process.argv[1], durability: 'strict' });
     console.log((await store.commit({ session: putOf('a', 0) })).kind);`,
    freshFile(),
    new URL('./sqlite-store.ts', import.meta.url).href,
    new URL('../../testing/store-samples.ts', import.meta.url).href,
  );
  assert.equal(await child.ended, 0);
  assert.deepEqual(child.lines, ['committed']);
});

test('other programs may read the file meanwhile', async () => {
  const file = freshFile();
  await using store = await open(file);
  using reader = new DatabaseSync(file, { readOnly: true });
  for (const revision of [0, 1, 2]) {
    await store.commit({ session: putOf('a', revision) });
    const row = reader.prepare('SELECT revision FROM session WHERE key = ?').get(storedKey('a'));
    assert.equal(row?.revision, revision + 1);
  }
});

test('a file that a store of this process has open is refused to another', async () => {
  const file = freshFile();
  {
    await using store = await open(file);
    await refused(open(file), file, 'in use by another OpenMPSD', 'data folder');
    assert.equal((await store.commit({ session: putOf('a', 0) })).kind, 'committed');
  }
  await using store = await open(file);
  assert.equal((await store.session(storedKey('a')))?.revision, 1);
});

test('a file that is no database is refused and left as it is', async () => {
  const file = join(folder, 'letter.db');
  writeFileSync(file, 'Dear Sir or Madam, '.repeat(500));
  await refused(open(file), file, 'is not a data file of OpenMPSD', 'Move it away');
  assert.equal(statSync(file).size, 19 * 500);
  // The claim is given back as well: the next attempt gets as far as this one.
  await refused(open(file), 'is not a data file of OpenMPSD');
});

test('a database of another program is refused and left as it is', async () => {
  const file = join(folder, 'other.db');
  using other = new DatabaseSync(file);
  other.exec('CREATE TABLE recipes (name)');
  await refused(open(file), file, 'is not a data file of OpenMPSD');
  const tables = other.prepare('SELECT name FROM sqlite_schema').all();
  assert.deepEqual(
    tables.map(({ name }) => name),
    ['recipes'],
  );
});

test('a file of a newer schema is refused and left as it is', async () => {
  const file = freshFile();
  await (await open(file))[Symbol.asyncDispose]();
  const newer = migrations.length + 1;
  using db = new DatabaseSync(file);
  db.exec(`PRAGMA user_version = ${newer}`);
  await refused(
    open(file),
    file,
    `version ${newer}`,
    `up to ${migrations.length}`,
    'newer OpenMPSD',
  );
  assert.equal(db.prepare('PRAGMA user_version').get()?.user_version, newer);
});

test('a data file that lacks a table is refused', async () => {
  const file = freshFile();
  await (await open(file))[Symbol.asyncDispose]();
  {
    using db = new DatabaseSync(file);
    db.exec('DROP TABLE handle');
  }
  await refused(open(file), file, 'cannot be opened', 'handle');
});

test('a data folder that cannot be one is refused', async () => {
  const file = join(folder, 'not-a-folder');
  writeFileSync(file, '');
  await refused(open(join(file, 'data.db')), `${file} is not a folder`, 'another data folder');
});

test('a folder in the place of a file of its own is refused', async () => {
  const file = freshFile();
  mkdirSync(file, { recursive: true });
  await refused(open(file), file, 'cannot be opened', 'Check that it is a file');
  const claimed = freshFile();
  mkdirSync(`${claimed}-claim`, { recursive: true });
  await refused(open(claimed), `${claimed}-claim`, 'cannot be written');
});

test('when the disk is full commits fail whole, and once there is room they do not', async () => {
  await using store = await open(freshFile(), { fileBytesMax: 500_000 });
  const big = { custom: { map: 'x'.repeat(100_000) } };
  const names = ['1', '2', '3'];
  for (const name of names) await store.commit({ session: putOf(name, 0, big) });

  // One group: what fits fails together with what does not.
  const [small, large, handles] = await Promise.allSettled([
    store.commit({ session: putOf('small', 0) }),
    store.commit({ session: putOf('large', 0, big) }),
    store.commit({ handle: storedActivity(storedGuid(1), 'small') }),
  ]);
  for (const outcome of [small, large, handles]) {
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof StoreUnavailable);
    assert.match(outcome.reason.message, /data\.db could not be written: .*full/);
  }
  assert.equal(await store.session(storedKey('small')), undefined);
  assert.equal(await store.session(storedKey('large')), undefined);
  assert.equal(await store.handle(storedGuid(1)), undefined);

  for (const name of names) assert.equal((await store.session(storedKey(name)))?.revision, 1);
  assert.equal((await store.commit({ session: putOf('small', 0) })).kind, 'committed');
  const { revision } = (await store.session(storedKey('small'))) ?? assert.fail();
  await assert.rejects(store.commit({ session: putOf('small', revision, big) }), StoreUnavailable);
  assert.deepEqual(await store.session(storedKey('small')), {
    revision,
    session: storedSession('small'),
  });
  assert.equal((await store.commit({ session: deleteOf('1', 1) })).kind, 'committed');
  assert.equal((await store.commit({ session: putOf('small', revision, big) })).kind, 'committed');
});

test('when there is no room, what makes some is written first, and the group with it is not lost', async () => {
  await using store = await open(freshFile(), { fileBytesMax: 460_000 });
  for (const name of ['a', 'b', 'c']) {
    await store.commit({ session: putOf(name, 0, { custom: { map: 'x'.repeat(90_000) } }) });
  }
  const [large, left, ended, handle] = await Promise.allSettled([
    store.commit({ session: putOf('large', 0, tooBig) }),
    store.commit({ session: { ...putOf('a', 1), frees: true } }),
    store.commit({ session: deleteOf('b', 1) }),
    store.commit({ removeHandles: [storedGuid(1)] }),
  ]);
  assert.deepEqual(
    [large, left, ended, handle].map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  assert.deepEqual((await store.session(storedKey('a')))?.session, storedSession('a'));
  assert.equal(await store.session(storedKey('b')), undefined);
});

// Kills: a full file that stays so though old changes are forgotten; a history that is not found any more.
test('a full file has room once old changes are forgotten, and histories go on', async () => {
  await using store = await open(freshFile(), { fileBytesMax: 400_000 });
  const branch = storedGuid(1).toLowerCase();
  const { atMs, keptMs } = storedHistory(branch);
  const put = (revision: number, length: number) => {
    const change = { revision, text: 'x'.repeat(length) };
    const history = storedHistory(branch, { change });
    return store.commit({ session: { ...putOf('a', revision), history } });
  };
  const revisionOf = async () => (await store.session(storedKey('a')))?.revision ?? 0;
  for (const length of [3_000, 10]) {
    for (let isRoom = true; isRoom; ) {
      isRoom = await put(await revisionOf(), length).then(
        () => true,
        () => false,
      );
    }
  }
  await store.forgetHistory(atMs + keptMs, keptMs / 2, 10);
  assert.equal((await put(await revisionOf(), 3_000)).kind, 'committed');
  assert.deepEqual(
    (await store.history(storedKey('a'), branch)).map(({ revision }) => revision),
    [await revisionOf()],
  );
});

// Kills: forgotten changes that come back with a restart, since the clock was ahead at the first of all.
test('what is forgotten stays forgotten after a restart, also behind a change that is newer', async () => {
  const file = freshFile();
  const branch = storedGuid(1).toLowerCase();
  const { atMs, keptMs } = storedHistory(branch);
  const put = (store: Store, name: string, revision: number, more: { readonly atMs: number }) =>
    store.commit({ session: { ...putOf(name, revision), history: storedHistory(branch, more) } });
  {
    await using store = await open(file);
    await put(store, 'a', 0, { atMs: atMs + 5 * keptMs });
    for (const revision of [0, 1, 2, 3]) await put(store, 'b', revision, { atMs });
    await store.forgetHistory(atMs + 2 * keptMs, keptMs, 10);
    assert.deepEqual(await store.history(storedKey('b'), branch), []);
  }
  await using store = await open(file);
  assert.deepEqual(await store.history(storedKey('b'), branch), []);
  assert.equal((await store.history(storedKey('a'), branch)).length, 1);
});

test('a write that the file does not take fails alone, and the rest of its group is written', async () => {
  const file = freshFile();
  await using store = await open(file);
  assert.equal(await store.session(storedKey('a')), undefined);
  using meddler = new DatabaseSync(file);
  meddler
    .prepare('INSERT INTO session (key, revision, document) VALUES (?, 7, ?)')
    .run(storedKey('a'), JSON.stringify(storedSession('a')));
  const [a, b] = await Promise.all([
    store.commit({ session: putOf('a', 0) }),
    store.commit({ session: putOf('b', 0) }),
  ]);
  assert.ok(a.kind === 'conflict' && a.current?.revision === 7);
  assert.equal(b.kind, 'committed');
  assert.equal((await store.commit({ session: putOf('b', 1) })).kind, 'conflict');
  const { revision } = (await store.session(storedKey('b'))) ?? assert.fail();
  assert.equal((await store.commit({ session: putOf('b', revision) })).kind, 'committed');
  assert.equal((await store.commit({ session: putOf('a', 7) })).kind, 'committed');
});

/** A session that does not fit into a file of 200,000 bytes, and fails the group that it is in. */
const tooBig = { custom: { map: 'x'.repeat(300_000) } };

test('a commit upon one that fails fails with it; one upon what is there is then made', async () => {
  await using store = await open(freshFile(), { fileBytesMax: 200_000 });
  const [first, second, late] = await Promise.allSettled([
    store.commit({ session: putOf('a', 0, { custom: { by: 'first' } }) }),
    store.commit({ session: putOf('a', 0, { custom: { by: 'second' } }) }),
    store.commit({ session: putOf('a', 1, { custom: { by: 'late' } }) }),
    store.commit({ session: putOf('b', 0, tooBig) }),
  ]);
  assert.deepEqual([first.status, late.status], ['rejected', 'rejected']);
  assert.ok(second.status === 'fulfilled' && second.value.kind === 'committed');
  const current = await store.session(storedKey('a'));
  assert.deepEqual(current?.session, storedSession('a', { by: 'second' }));
  // 1 and 2 were those of the commits that failed, and somebody may have read them.
  for (const expectRevision of [1, 2]) {
    const outcome = await store.commit({ session: putOf('a', expectRevision) });
    assert.deepEqual(outcome, { kind: 'conflict', current });
  }
});

/** A group with a commit goes to the writer after a turn of the event loop that adds nothing to it. */
async function groupSent() {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

test('when a group fails, so does the next one that depends on it, and no other', async () => {
  for (const [name, status] of [
    ['a', 'rejected'],
    ['c', 'fulfilled'],
  ] as const) {
    await using store = await open(freshFile(), { fileBytesMax: 200_000 });
    const first = [
      store.commit({ session: putOf('a', 0) }),
      store.commit({ session: putOf('b', 0, tooBig) }),
    ];
    // What follows fills the next group.
    await groupSent();
    const { revision } = store.lastKnown(storedKey(name))?.record ?? { revision: 0 };
    const second = [
      store.commit({ session: putOf(name, revision) }),
      store.commit({ session: putOf('d', 0), handle: storedActivity(storedGuid(1), 'd') }),
    ];
    assert.deepEqual(await statusesOf(first), ['rejected', 'rejected']);
    assert.deepEqual(await statusesOf(second), [status, status]);
    assert.equal((await store.session(storedKey('d'))) === undefined, status === 'rejected');
    assert.equal((await store.commit({ session: putOf('a', 0) })).kind, 'committed');
  }
});

test('a chain of commits through a delete and a next life ends in the last of them', async () => {
  await using store = await open(freshFile());
  const outcomes = [
    store.commit({ session: putOf('a', 0, { dueMs: 5 }) }),
    store.commit({ session: putOf('a', 1, { dueMs: 6 }) }),
    store.commit({ session: putOf('a', 2) }),
    store.commit({ session: deleteOf('a', 3) }),
    store.commit({ session: putOf('a', 0, { custom: { life: 2 }, dueMs: 7 }) }),
  ];
  const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind);
  assert.deepEqual(new Set(kinds), new Set(['committed']));
  const record = (await store.session(storedKey('a'))) ?? assert.fail();
  assert.deepEqual(record.session, storedSession('a', { life: 2 }));
  assert.ok(record.revision > 3);
  assert.deepEqual(await store.due(6, 10), []);
  assert.deepEqual(await store.due(7, 10), [storedKey('a')]);
});

test('records are there when the file is opened again, and go on from their revisions', async () => {
  const file = freshFile();
  let former: readonly StoredRecord[];
  {
    await using store = await open(file);
    const changes = ['a', 'b', 'c'].map((id) => ({ id, value: { id }, dueMs: 5 }));
    await store.commitRecords('ticket', 'quick', changes);
    await store.commitRecords('ticket', 'quick', [{ id: 'a', value: { turn: 2 } }, { id: 'b' }]);
    former = await store.records('ticket', 'quick', 10);
    assert.equal(former.length, 2);
  }
  await using store = await open(file);
  assert.deepEqual(await store.records('ticket', 'quick', 10), former);
  assert.deepEqual(await store.dueRecords('ticket', 5, 10), [{ group: 'quick', id: 'c' }]);
  const revision = former[0]?.revision ?? assert.fail();
  const change = { id: 'a', expectRevision: revision, value: {} };
  const outcome = await store.commitRecords('ticket', 'quick', [change]);
  assert.ok(outcome.kind === 'committed' && outcome.revision > revision);
});

// Kills: a batch of records that fails with what its group could not take, or is made by halves; a
// removal that waits for room; an expectation compared with what a failed group was to write.
test('when a group fails, records that make room or need none of it are tried alone', async () => {
  await using store = await open(freshFile(), { fileBytesMax: 250_000 });
  const change = (...changes: RecordChange[]) => store.commitRecords('ticket', 'quick', changes);
  await change({ id: 'a', value: {} }, { id: 'b', value: {} });
  const [large, removed, half, created] = await Promise.allSettled([
    store.commit({ session: putOf('large', 0, tooBig) }),
    change({ id: 'a' }),
    change({ id: 'b' }, { id: 'c', value: { text: 'x'.repeat(300_000) } }),
    // It waits for the group above, which was to remove `a`, and then finds what is there.
    change({ id: 'a', expectRevision: 0, value: { life: 2 } }),
  ]);
  assert.deepEqual(
    [large, removed, half].map(({ status }) => status),
    ['rejected', 'fulfilled', 'rejected'],
  );
  assert.equal(created.status, 'fulfilled');
  const isThere = created.status === 'fulfilled' && created.value.kind === 'committed';
  const records = await store.records('ticket', 'quick', 10);
  assert.deepEqual(
    records.map(({ id, value }) => [id, value]),
    [...(isThere ? [['a', { life: 2 }]] : []), ['b', {}]],
  );
});

test('a batch of records that the file does not take fails alone', async () => {
  const file = freshFile();
  await using store = await open(file);
  using meddler = new DatabaseSync(file);
  meddler.exec(`CREATE TRIGGER refuse BEFORE INSERT ON record WHEN new.id = 'no'
    BEGIN SELECT RAISE(ABORT, 'no such'); END`);
  const change = (...ids: string[]) =>
    store.commitRecords(
      'ticket',
      'quick',
      ids.map((id) => ({ id, expectRevision: 0, value: {} })),
    );
  const outcomes = await Promise.allSettled([change('a'), change('b', 'no'), change('c')]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal((await store.commitRecords('ticket', 'quick', [{ id: 'a' }])).kind, 'committed');
  const records = await store.records('ticket', 'quick', 10);
  assert.deepEqual(
    records.map(({ id }) => id),
    ['c'],
  );
});

async function statusesOf(promises: readonly Promise<unknown>[]): Promise<readonly string[]> {
  return (await Promise.allSettled(promises)).map(({ status }) => status);
}

test('many writes to one session at once need few groups, and all count', async (t) => {
  const writers = watchWriters(t);
  await using store = await open(freshFile(), { durability: 'strict' });
  const writes: ReturnType<Store['commit']>[] = [];
  for (let count = 0; count < 1_000; count += 1) {
    const { revision } = store.lastKnown(storedKey('a'))?.record ?? { revision: 0 };
    writes.push(store.commit({ session: putOf('a', revision, { custom: { count } }) }));
    if (count % 100 === 99) await new Promise(setImmediate);
  }
  for (const [n, outcome] of (await Promise.all(writes)).entries()) {
    assert.deepEqual(outcome, { kind: 'committed', revision: n + 1 });
  }
  assert.deepEqual(await store.session(storedKey('a')), {
    revision: 1_000,
    session: storedSession('a', { count: 999 }),
  });
  assert.equal(writers.size, 1);
  assert.ok(groupsCount <= 11, `${groupsCount} groups`);
});

let groupsCount = 0;

/** The threads that are given groups to write while the test runs, in the order of their start. */
function watchWriters(t: TestContext): ReadonlySet<Worker> {
  const workers = new Set<Worker>();
  const post = Worker.prototype.postMessage;
  groupsCount = 0;
  t.mock.method(Worker.prototype, 'postMessage', function (this: Worker, ...args: [unknown]) {
    workers.add(this);
    groupsCount += 1;
    return post.apply(this, args);
  });
  return workers;
}

test('when the thread that writes has died, the next group gets another', async (t) => {
  const writers = watchWriters(t);
  await using store = await open(freshFile());
  await store.commit({ session: putOf('a', 0) });
  for (const writer of writers) await writer.terminate();
  assert.equal((await store.commit({ session: putOf('a', 1) })).kind, 'committed');
  assert.equal(writers.size, 2);
});

test('when the thread dies over a group, the commits fail and are read from the file', async (t) => {
  const writers = watchWriters(t);
  const file = freshFile();
  await using store = await open(file);
  await store.commit({ session: putOf('a', 0) });
  // The thread commits and its answer gets lost, which is the worst moment to die.
  for (const writer of writers) writer.removeAllListeners('message');
  const commit = store.commit({ session: putOf('a', 1, { custom: { by: 'lost' } }) });
  const failed = assert.rejects(commit, StoreUnavailable);
  using reader = new DatabaseSync(file, { readOnly: true });
  const revision = reader.prepare('SELECT revision FROM session');
  while (revision.get()?.revision !== 2) await new Promise(setImmediate);
  for (const writer of writers) await writer.terminate();
  await failed;
  assert.deepEqual(await store.session(storedKey('a')), {
    revision: 2,
    session: storedSession('a', { by: 'lost' }),
  });
  assert.equal((await store.commit({ session: putOf('a', 2) })).kind, 'committed');
});

test('the log is copied into the file before it grows out of hand', async () => {
  const file = freshFile();
  await using store = await open(file);
  for (let revision = 0; revision < 400; revision += 1) {
    // Another text each time: SQLite does not write pages that stay as they are.
    const map = 'ab'.charAt(revision % 2).repeat(250_000);
    await store.commit({ session: putOf('a', revision, { custom: { map } }) });
  }
  // 100 MB have been written.
  assert.ok(statSync(`${file}-wal`).size < 40_000_000);
});

test('a backup under load opens and holds what was acknowledged before it began', async () => {
  const file = freshFile();
  const copy = join(folder, 'copy.db');
  await using store = await open(file, { durability: 'strict' });
  const acknowledged = new Map<string, number>();
  const enough = Promise.withResolvers<void>();
  let done = false;
  const writers = [...Array(16).keys()].map(String).map(async (name) => {
    for (let revision = 0; !done; revision += 1) {
      const id = storedGuid(revision * 100 + Number(name));
      const handle = storedTransfer(id, { origin: name, target: name });
      await store.commit({ session: putOf(name, revision, { custom: { revision } }), handle });
      acknowledged.set(name, revision + 1);
      if (revision === 100) enough.resolve();
    }
  });
  await Promise.race([enough.promise, ...writers]);
  const before = new Map(acknowledged);
  const backup = startScript(
    `import { DatabaseSync } from 'node:sqlite';
     new DatabaseSync(process.argv[1]).prepare('VACUUM INTO ?').run(process.argv[2]);`,
    file,
    copy,
  );
  assert.equal(await backup.ended, 0);
  const after = new Map(acknowledged);
  done = true;
  await Promise.all(writers);
  assert.ok(
    [...before].some(([name, revision]) => (after.get(name) ?? 0) > revision),
    'no load',
  );

  await using restored = await open(copy);
  assert.equal(before.size, 16);
  for (const [name, revision] of before) {
    const record = (await restored.session(storedKey(name))) ?? assert.fail();
    assert.ok(record.revision >= revision);
    assert.equal(record.session.properties.custom.revision, record.revision - 1);
    const handles = await restored.handlesFor(storedKey(name));
    assert.equal(handles.length, record.revision);
  }
  assert.deepEqual(await restored.secret(), await store.secret());
});

test('a connection that is added again while its removal is being written stays a hint', async () => {
  await using store = await open(freshFile());
  const hint = `connection:${storedGuid(9)}` as const;
  const found = () => store.sessionsBy(hint, 10);
  await store.commit({ session: { ...putOf('a', 0), addHints: [hint] } });
  assert.deepEqual(await found(), [storedKey('a')]);
  const removing = store.commit({ session: { ...putOf('a', 1), removeHints: [hint] } });
  await groupSent();
  const adding = store.commit({ session: { ...putOf('a', 2), addHints: [hint] } });
  await Promise.all([removing, adding]);
  assert.deepEqual(await found(), [storedKey('a')]);
  // And within one group.
  await Promise.all([
    store.commit({ session: { ...putOf('a', 3), removeHints: [hint] } }),
    store.commit({ session: { ...putOf('a', 4), addHints: [hint] } }),
  ]);
  assert.deepEqual(await found(), [storedKey('a')]);
  await store.commit({ session: deleteOf('a', 5) });
  assert.deepEqual(await found(), []);
});
