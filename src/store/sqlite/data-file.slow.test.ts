/** The checks before a data file is opened, with real files and processes. */

import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type ScriptProcess, startScript } from '../../testing/child-script.ts';
import {
  putOf,
  storedGuid,
  storedHistory,
  storedKey,
  storedSession,
} from '../../testing/store-samples.ts';
import { openConditions } from '../../platform/conditions.ts';
import { DamagedRecord, StoreUnavailable, type Store } from '../store.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { WriterThread } from './writer-thread.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-data-file-'));
after(() => rmSync(folder, { recursive: true }));

const hasModes = process.getuid !== undefined;

let filesCount = 0;
function freshFile(): string {
  filesCount += 1;
  return join(folder, String(filesCount), 'data.db');
}

function open(file: string, log?: (line: string) => void): Promise<Store> {
  return openSqliteStore({ file, durability: 'strict', ...(log && { log }) });
}

async function refused(opening: Promise<Store>, pattern: RegExp): Promise<void> {
  // One that is opened is closed, or the test would not end.
  const closing = opening.then((store) => store[Symbol.asyncDispose]());
  await assert.rejects(closing, (error) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

/** A process that has a store open in which session `a` is at revision 1; it says so in a line. */
function startOwner(file: string): ScriptProcess {
  return startScript(
    `const { openSqliteStore } = await import(process.argv[2]);
     const { putOf } = await import(process.argv[3]);
     const store = await openSqliteStore({ file: process.argv[1], durability: 'strict' });
     console.log((await store.commit({ session: putOf('a', 0) })).kind);
     setInterval(() => undefined, 1_000);`,
    file,
    new URL('./sqlite-store.ts', import.meta.url).href,
    new URL('../../testing/store-samples.ts', import.meta.url).href,
  );
}

test('a file that a server has is refused to another, by whatever path and without the lock file', async () => {
  const file = freshFile();
  const owner = startOwner(file);
  await owner.printed(1);
  try {
    await refused(open(file), /in use by another OpenMPSD process/);
    symlinkSync(dirname(file), join(folder, 'link'));
    await refused(open(join(folder, 'link', 'data.db')), /in use by another OpenMPSD process/);
    const linked = join(folder, 'linked.db');
    symlinkSync(file, linked);
    await refused(open(linked), /in use by another OpenMPSD process/);
    rmSync(`${file}-claim`);
    await refused(open(file), /in use by another process/);
    await refused(open(linked), /in use by another process/);
  } finally {
    await owner.kill();
  }
  await using store = await open(file);
  assert.equal((await store.session(storedKey('a')))?.revision, 1);
});

test('a file with a second name is refused under both, and left as it is', async () => {
  const file = freshFile();
  await (await open(file))[Symbol.asyncDispose]();
  const before = readFileSync(file);
  const other = join(dirname(file), 'other.db');
  linkSync(file, other);
  for (const name of [file, other]) await refused(open(name), /has 2 names \(hard links\)/);
  rmSync(other);
  assert.deepEqual(readFileSync(file), before);
  await (await open(file))[Symbol.asyncDispose]();
});

test('files and folder belong to this user alone', { skip: !hasModes }, async () => {
  const file = freshFile();
  const owner = startOwner(file);
  await owner.printed(1);
  await owner.kill();
  const modes = (): Record<string, string> =>
    Object.fromEntries(
      ['.', ...readdirSync(dirname(file))].map((name) => [
        name,
        (statSync(join(dirname(file), name)).mode & 0o777).toString(8),
      ]),
    );
  const all = {
    '.': '700',
    'data.db': '600',
    'data.db-claim': '600',
    'data.db-shm': '600',
    'data.db-wal': '600',
  };
  assert.deepEqual(modes(), all);
  // As a former version wrote them.
  chmodSync(dirname(file), 0o755);
  for (const ending of ['', '-claim', '-shm', '-wal']) chmodSync(file + ending, 0o644);
  await using store = await open(file);
  assert.equal((await store.session(storedKey('a')))?.revision, 1);
  assert.deepEqual(modes(), all);
});

test('a file that another user could have written is refused', { skip: !hasModes }, async () => {
  for (const ending of ['', '-wal', '-shm', '-claim']) {
    const file = freshFile();
    mkdirSync(dirname(file));
    writeFileSync(file + ending, '');
    chmodSync(file + ending, 0o666);
    await refused(open(file), new RegExp(`${file}${ending} may be written by other users .*chmod`));
  }
});

// Kills: opening and closing one of the files while a connection is open, which releases its locks.
test('the locks of a store stay, so that nobody else takes its log for an abandoned one', {
  skip: process.platform !== 'linux',
}, async () => {
  const file = freshFile();
  const owner = startOwner(file);
  await owner.printed(1);
  await owner.kill();
  await using store = await open(file);
  assert.equal((await store.commit({ session: putOf('a', 1) })).kind, 'committed');
  const locks = readFileSync('/proc/locks', 'utf8').split('\n');
  for (const ending of ['', '-shm', '-claim']) {
    const { ino } = statSync(file + ending);
    assert.ok(
      locks.some((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `)),
      `no lock on data.db${ending}`,
    );
  }
});

test('a log that was cut after a kill is reported, and one that is whole is not', async () => {
  const file = freshFile();
  const owner = startScript(
    `const { openSqliteStore } = await import(process.argv[2]);
     const { putOf } = await import(process.argv[3]);
     const store = await openSqliteStore({ file: process.argv[1], durability: 'strict' });
     for (let revision = 0; revision < 20; revision += 1) {
       await store.commit({ session: putOf('a', revision, { custom: { revision } }) });
     }
     console.log('done');
     setInterval(() => undefined, 1_000);`,
    file,
    new URL('./sqlite-store.ts', import.meta.url).href,
    new URL('../../testing/store-samples.ts', import.meta.url).href,
  );
  await owner.printed(1);
  await owner.kill();
  const size = statSync(`${file}-wal`).size;
  const open2 = async (prepare: (copy: string) => void) => {
    const copy = freshFile();
    mkdirSync(dirname(copy));
    for (const ending of ['', '-wal', '-shm']) copyFileSync(file + ending, copy + ending);
    prepare(copy);
    const lines: string[] = [];
    await using store = await open(copy, (line) => lines.push(line));
    return { lines, revision: (await store.session(storedKey('a')))?.revision ?? 0 };
  };
  const whole = await open2(() => undefined);
  assert.deepEqual(whole, { lines: [], revision: 20 });
  const cut = await open2((copy) => truncateSync(`${copy}-wal`, size / 2));
  assert.ok(cut.revision < 20);
  // The tables were made in the part that is left, but not all of them: the file is converted as well.
  assert.match(
    cut.lines.at(-1) ?? '',
    /^warning: .*data\.db-wal has been cut: \d+ pages of acknowledged writes/,
  );
  const gone = await open2((copy) => rmSync(`${copy}-wal`));
  assert.match(gone.lines.join(), /data\.db-wal has been cut/);
});

// Kills: a copy without its log that is taken for a new file: all sessions are gone, without a word.
test('a copy without its log is refused and left as it is; beside a lock file it is reported', async () => {
  const file = freshFile();
  await using store = await open(file);
  await store.commit({ session: putOf('a', 0) });
  const copy = freshFile();
  mkdirSync(dirname(copy));
  copyFileSync(file, copy);
  const before = readFileSync(copy);
  for (let time = 0; time < 2; time += 1) {
    await refused(open(copy), /data\.db has no tables\. .*data\.db-wal.* delete \S+data\.db\.$/);
  }
  assert.deepEqual(readFileSync(copy), before);
  assert.deepEqual(readdirSync(dirname(copy)), ['data.db']);
  // As a server leaves it that is killed while it makes the file.
  writeFileSync(`${copy}-claim`, '');
  const lines: string[] = [];
  {
    await using begun = await open(copy, (line) => lines.push(line));
    assert.equal(await begun.session(storedKey('a')), undefined);
  }
  assert.match(
    lines.join('\n'),
    /^warning: \S+data\.db has no tables\. .* was not copied with it\./,
  );
  await using again = await open(copy, (line) => lines.push(line));
  assert.equal(await again.session(storedKey('a')), undefined);
  assert.equal(lines.length, 1);
});

// Kills: a data file that a broken copy left is taken for a new one, without a word; and one whose log
// still has the newest writes, which SQLite deletes when it opens an empty file.
test('an empty file is refused and left as it is; beside a lock file alone it is reported', async () => {
  const file = freshFile();
  mkdirSync(dirname(file));
  writeFileSync(file, '');
  const refusal =
    /data\.db is empty, .* restore a backup.* delete \S+data\.db and the files beside it\.$/;
  await refused(open(file), refusal);
  assert.deepEqual(readdirSync(dirname(file)), ['data.db']);
  writeFileSync(`${file}-claim`, '');
  writeFileSync(`${file}-wal`, 'the newest writes');
  await refused(open(file), refusal);
  assert.equal(readFileSync(`${file}-wal`, 'utf8'), 'the newest writes');
  // As a server leaves it that is killed before it writes anything.
  rmSync(`${file}-wal`);
  const lines: string[] = [];
  await using begun = await open(file, (line) => lines.push(line));
  assert.equal((await begun.commit({ session: putOf('a', 0) })).kind, 'committed');
  assert.match(lines.join('\n'), /^warning: \S+data\.db is empty, .* begins without sessions\.$/);
});

// Kills: a restore that broke off after a clean stop, which deletes the log, taken for a new file.
test('in place of a file that was written, an empty one or one without its log is refused', async () => {
  const file = freshFile();
  await (await open(file))[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(dirname(file)).toSorted(), ['data.db', 'data.db-claim']);
  truncateSync(file);
  for (let time = 0; time < 2; time += 1) {
    await refused(
      open(file),
      /data\.db is empty, .* restore a backup.* delete \S+data\.db and the files beside it\.$/,
    );
  }
  assert.equal(statSync(file).size, 0);
  const running = freshFile();
  await using store = await open(running);
  await store.commit({ session: putOf('a', 0) });
  copyFileSync(running, file);
  await refused(open(file), /data\.db has no tables\. .* and the files beside it\.$/);
  // The operator deleted it, so this server begins without sessions.
  rmSync(file);
  await using begun = await open(file);
  assert.equal((await begun.commit({ session: putOf('a', 0) })).kind, 'committed');
});

test('a record that is damaged is reported by name, once, and hurts no other', async () => {
  const file = freshFile();
  {
    await using store = await open(file);
    for (const name of ['a', 'b', 'c']) {
      await store.commit({ session: { ...putOf(name, 0), addHints: ['xuid:11'] } });
    }
  }
  {
    using db = new DatabaseSync(file);
    const damage = db.prepare('UPDATE session SET document = ? WHERE key = ?');
    damage.run('{"reference":', storedKey('a'));
    damage.run(JSON.stringify(storedSession('b')), storedKey('c'));
  }
  const lines: string[] = [];
  const raised: string[] = [];
  await using store = await openSqliteStore({
    file,
    durability: 'strict',
    log: (line) => lines.push(line),
    conditions: {
      raise: (_name, text) => raised.push(text),
      clear: () => undefined,
      hide: () => undefined,
      list: () => [],
    },
  });
  for (let times = 0; times < 2; times += 1) {
    for (const name of ['a', 'c']) {
      await assert.rejects(store.session(storedKey(name)), DamagedRecord);
      await assert.rejects(store.commit({ session: putOf(name, 0) }), DamagedRecord);
    }
    const found = await store.sessions(['a', 'b', 'c'].map(storedKey));
    assert.deepEqual(
      found.map((record) => record?.revision),
      [undefined, 1, undefined],
    );
  }
  assert.deepEqual(
    lines.map((line) => /session (\S+) cannot be read: .*openmpsd check-data/.exec(line)?.[1]),
    ['a', 'c'].map(storedKey),
  );
  assert.match(raised[0] ?? '', /is damaged.*openmpsd check-data/);
});

// Kills: a page with one record too few, which its reader takes for the last page.
test('a damaged record of a service is reported by name, once, and hurts no other', async () => {
  const file = freshFile();
  {
    await using store = await open(file);
    const changes = ['a', 'b', 'c'].map((id) => ({ id, value: { id }, dueMs: 1 }));
    await store.commitRecords('ticket', 'quick', changes);
  }
  {
    using db = new DatabaseSync(file);
    db.exec("UPDATE record SET document = '{\"id\":' WHERE id = 'b'");
  }
  const lines: string[] = [];
  await using store = await open(file, (line) => lines.push(line));
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
  const named = lines.map((line) => /(record .*) cannot be read: .*openmpsd check-data/.exec(line));
  assert.deepEqual(
    named.map((found) => found?.[1]),
    ['record ticket quick b', 'record in ticket quick'],
  );
  const outcome = await store.commitRecords('ticket', 'quick', [{ id: 'b', value: { id: 'new' } }]);
  assert.equal(outcome.kind, 'committed');
  assert.deepEqual((await store.record('ticket', 'quick', 'b'))?.value, { id: 'new' });
});

test('a page that is damaged fails the write that needs it, and not those of its group', async () => {
  const file = freshFile();
  const custom = { text: 'x'.repeat(3_000) };
  const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
  {
    await using store = await open(file);
    for (const name of names) await store.commit({ session: putOf(name, 0, { custom }) });
  }
  spoilPageOf(file, storedKey('s20'));
  const lines: string[] = [];
  await using store = await open(file, (line) => lines.push(line));
  const outcomes = await Promise.allSettled(
    names.map((name) =>
      store.commit({ session: putOf(name, 1, { custom: { ...custom, more: 1 } }) }),
    ),
  );
  const failed = names.filter((_, index) => outcomes[index]?.status === 'rejected');
  assert.ok(failed.includes('s20') && failed.length < 10, `${failed}`);
  assert.ok(lines.some((line) => line.includes(`session ${storedKey('s20')} cannot be read`)));
});

// Kills: a sweep that stops at the first of these, as it does at an outage.
test('a damaged page that only a write needs is damage of this session or record, and no outage', async () => {
  const file = freshFile();
  await (await open(file))[Symbol.asyncDispose]();
  for (const index of ['session_due', 'record_due']) spoilPage(file, rootPageOf(file, index));
  const lines: string[] = [];
  await using store = await open(file, (line) => lines.push(line));
  const record = { id: 'r', value: {}, dueMs: 1 };
  for (let times = 0; times < 2; times += 1) {
    const [a, , r] = await Promise.allSettled([
      store.commit({ session: { ...putOf('a', 0), dueMs: 1 } }),
      store
        .commit({ session: putOf(`b${times}`, 0) })
        .then(({ kind }) => assert.equal(kind, 'committed')),
      store.commitRecords('ticket', 'quick', [record]),
    ]);
    for (const one of [a, r]) {
      assert.ok(one.status === 'rejected' && one.reason instanceof DamagedRecord);
    }
  }
  assert.deepEqual(
    lines
      .map(
        (line) => / (session|record) .* cannot be written: .*openmpsd check-data/.exec(line)?.[1],
      )
      .toSorted(),
    ['record', 'session'],
  );
});

// Kills: a healthy server whose data folder was deleted: the next start has nothing of what it acknowledged.
test('a file that is moved while it is written to is reported, until it is back', {
  skip: process.platform === 'win32',
}, async () => {
  const file = freshFile();
  const conditions = openConditions(() => undefined);
  let nowMs = 0;
  const settings = { file, durability: 'relaxed', conditions, elapsedMs: () => nowMs } as const;
  await using store = await openSqliteStore(settings);
  const conditionsAfterWrite = async (name: string) => {
    nowMs += 1_000;
    await store.commit({ session: putOf(name, 0) });
    return conditions.list();
  };
  assert.deepEqual(await conditionsAfterWrite('a'), []);
  renameSync(file, `${file}.away`);
  const [sentence = '', ...more] = await conditionsAfterWrite('b');
  assert.ok(sentence.startsWith(`${file} was removed or moved while this server writes to it.`));
  assert.deepEqual(more, []);
  writeFileSync(file, '');
  assert.deepEqual(await conditionsAfterWrite('c'), [sentence]);
  renameSync(`${file}.away`, file);
  assert.deepEqual(await conditionsAfterWrite('d'), []);
});

// Kills: a server that does not start, writes nothing, or reads no history at all, for the sake of the newest changes of histories.
test('a page of recent changes that is damaged costs changes, and neither the start nor a write', async () => {
  const branch = storedGuid(1).toLowerCase();
  const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
  const put = (store: Store, name: string, revision: number) => {
    const change = { is: `${name} at ${revision}.`, text: 'x'.repeat(3_000) };
    return store.commit({
      session: { ...putOf(name, revision), history: storedHistory(branch, { change }) },
    });
  };
  for (const spoiled of ['leaf', 'root'] as const) {
    const file = freshFile();
    {
      await using store = await open(file);
      for (const name of names) await put(store, name, 0);
    }
    if (spoiled === 'leaf') spoilPageWith(file, '"is":"s20 at 0."');
    else spoilPage(file, rootPageOf(file, 'recent_change'));
    const raised: string[] = [];
    const conditions = {
      raise: (_name: string, text: string) => raised.push(text),
      clear: () => undefined,
      hide: () => undefined,
      list: () => [],
    };
    await using store = await openSqliteStore({ file, durability: 'strict', conditions });
    const revisionsOf = async (name: string) =>
      (await store.history(storedKey(name), branch)).map(({ revision }) => revision);
    // A reader that meets the page has the others read as well.
    assert.deepEqual(await revisionsOf('s20'), []);
    assert.deepEqual(await revisionsOf('s5'), spoiled === 'leaf' ? [1] : []);
    for (const name of names) assert.equal((await put(store, name, 1)).kind, 'committed');
    assert.deepEqual(await revisionsOf('s20'), [2]);
    assert.deepEqual(await revisionsOf('s5'), spoiled === 'leaf' ? [2, 1] : [2]);
    await store.forgetHistory(storedHistory(branch).atMs + 1_000_000, 1_000_000, 100);
    assert.deepEqual(await revisionsOf('s20'), []);
    assert.equal(raised.length, 1);
    assert.match(raised[0] ?? '', /damaged in the history of sessions.*openmpsd check-data/);
  }
});

// Kills: a sweep that fails for good, and forgets nothing of any session, for the sake of a damaged history.
test('a history on a damaged page is not forgotten, and those of other sessions are', async () => {
  const file = freshFile();
  const branch = storedGuid(1).toLowerCase();
  const { atMs, keptMs } = storedHistory(branch);
  const names = Array.from({ length: 200 }, (_, index) => `s${index}`);
  await fillBlocks(file, names);
  spoilPageWith(file, '"is":"s20."');
  await using store = await open(file);
  const left = async () => {
    const histories = await Promise.allSettled(
      names.map((name) => store.history(storedKey(name), branch)),
    );
    return names.filter((_, at) => {
      const outcome = histories[at];
      return outcome?.status !== 'fulfilled' || outcome.value.length > 0;
    });
  };
  assert.equal((await left()).length, 200);
  await store.forgetHistory(atMs + keptMs, 0.5 * keptMs, 0);
  assert.equal(await store.forgetHistory(atMs + keptMs, keptMs, 200), 'more');
  // Deletes touch the pages beside as well.
  assert.ok((await left()).includes('s20') && (await left()).length < 40, `${await left()}`);
  assert.equal(await store.forgetHistory(atMs + keptMs, keptMs, 200), 'done');
});

// Kills: old changes that a server shows after a long pause, since it forgets only some of them a sweep.
test('all old changes are forgotten, however many there are', async () => {
  const file = freshFile();
  const branch = storedGuid(1).toLowerCase();
  const history = storedHistory(branch);
  const { atMs, keptMs } = history;
  {
    await using store = await open(file);
    await store.commit({ session: { ...putOf('a', 0), history } });
  }
  {
    using db = new DatabaseSync(file);
    db.exec(`WITH RECURSIVE n (at) AS (SELECT 2 UNION ALL SELECT at + 1 FROM n WHERE at < 20000)
      INSERT INTO recent_change (number, session_number, revision, at_ms, changes_max, document)
      SELECT at, session_number, at, at_ms, changes_max, document FROM recent_change, n`);
  }
  await using store = await open(file);
  let steps = 1;
  while ((await store.forgetHistory(atMs + keptMs, keptMs, 10)) === 'more') steps += 1;
  assert.equal(steps, 3);
  assert.deepEqual(await store.history(storedKey('a'), branch), []);
});

// Kills: a sweep of many steps in none of which anything is forgotten.
test('while the writer does not know its recent changes, old ones are left to the next sweep', async (t) => {
  const branch = storedGuid(1).toLowerCase();
  const history = storedHistory(branch);
  const { atMs, keptMs } = history;
  await using store = await open(freshFile());
  await store.commit({ session: { ...putOf('a', 0), history } });
  const unknown = t.mock.method(WriterThread.prototype, 'recentRows', async () => undefined);
  assert.equal(await store.forgetHistory(atMs + keptMs, keptMs, 1), 'done');
  assert.equal((await store.history(storedKey('a'), branch)).length, 1);
  unknown.mock.restore();
  await store.forgetHistory(atMs + keptMs, keptMs, 1);
  assert.deepEqual(await store.history(storedKey('a'), branch), []);
});

// Kills: writes that wait at each read of a damaged history, since the writer looks for damage elsewhere.
test('reads of a damaged history have the recent tables looked through once a minute', async (t) => {
  const file = freshFile();
  const branch = storedGuid(1).toLowerCase();
  const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
  await fillBlocks(file, names);
  spoilPageWith(file, '"is":"s20."');
  let nowMs = 0;
  let mendsCount = 0;
  const post = Worker.prototype.postMessage;
  t.mock.method(Worker.prototype, 'postMessage', function (this: Worker, request: unknown) {
    if ((request as { kind?: string } | null)?.kind === 'mend') mendsCount += 1;
    return post.call(this, request);
  });
  await using store = await openSqliteStore({ file, durability: 'strict', elapsedMs: () => nowMs });
  const readTwice = async () => {
    const reads = [1, 2].map(() => store.history(storedKey('s20'), branch));
    for (const read of reads) await assert.rejects(read, StoreUnavailable);
    await assert.rejects(store.history(storedKey('s20'), branch), StoreUnavailable);
  };
  await readTwice();
  nowMs = 59_999;
  await readTwice();
  assert.equal(mendsCount, 1);
  nowMs = 60_000;
  await readTwice();
  assert.equal(mendsCount, 2);
});

/** A file in which each session has a history of one change, in a block. */
async function fillBlocks(file: string, names: readonly string[]): Promise<void> {
  const branch = storedGuid(1).toLowerCase();
  {
    await using store = await open(file);
    for (const name of names) {
      const change = { is: `${name}.`, text: 'x'.repeat(850) };
      const history = storedHistory(branch, { change });
      await store.commit({ session: { ...putOf(name, 0), history } });
    }
  }
  {
    // As changes are sorted in. Free pages have them as well.
    using db = new DatabaseSync(file);
    db.exec(`
      INSERT INTO history_block
        SELECT session_number, revision, 1, 3, at_ms, format('%d %d %s\n', revision, at_ms, document)
        FROM recent_change;
      DELETE FROM recent_change;
      VACUUM;
      PRAGMA wal_checkpoint(TRUNCATE);
    `);
  }
}

/** Overwrites the page that has the row of this session. */
function spoilPageOf(file: string, key: string): void {
  spoilPageWith(file, `"name":"${key.split('~').at(-1)}"`);
}

function spoilPageWith(file: string, text: string): void {
  const at = readFileSync(file).indexOf(text);
  assert.ok(at > 0);
  spoilPage(file, Math.floor(at / 4096) + 1);
}

/** Pages are counted from 1. */
function spoilPage(file: string, page: number): void {
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0xff, (page - 1) * 4096, page * 4096));
}

function rootPageOf(file: string, table: string): number {
  using db = new DatabaseSync(file, { readOnly: true });
  const root = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table);
  return Number(root?.['rootpage']);
}

test('the file gives room back after a crowd has left, and goes on being written meanwhile', async () => {
  const file = freshFile();
  await using store = await open(file);
  const names = Array.from({ length: 4_000 }, (_, index) => `s${index}`);
  const custom = { text: 'x'.repeat(4_000) };
  await Promise.all(names.map((name) => store.commit({ session: putOf(name, 0, { custom }) })));
  const reader = new DatabaseSync(file, { readOnly: true });
  const pages = (): number => Number(reader.prepare('PRAGMA page_count').get()?.['page_count']);
  const before = pages();
  await Promise.all(
    names.slice(1).map((name) => {
      return store.commit({ session: { kind: 'delete', key: storedKey(name), expectRevision: 1 } });
    }),
  );
  for (let revision = 1; pages() > before / 10; ) {
    assert.equal((await store.commit({ session: putOf('s0', revision) })).kind, 'committed');
    revision = (await store.session(storedKey('s0')))?.revision ?? 0;
  }
  // While another process reads, the log is not written back at the end.
  reader.close();
  await store[Symbol.asyncDispose]();
  assert.ok(statSync(file).size < (before / 10) * 4096);
});

// Kills: room that is given back after deletes only, while old changes leave without one.
test('the file gives room back after old changes are forgotten', async () => {
  const file = freshFile();
  await using store = await open(file);
  const branch = storedGuid(1).toLowerCase();
  const { atMs, keptMs } = storedHistory(branch);
  const change = { text: 'x'.repeat(10_000) };
  const names = Array.from({ length: 800 }, (_, index) => `s${index}`);
  await Promise.all(
    names.map((name) =>
      store.commit({ session: { ...putOf(name, 0), history: storedHistory(branch, { change }) } }),
    ),
  );
  using reader = new DatabaseSync(file, { readOnly: true });
  const pages = (): number => Number(reader.prepare('PRAGMA page_count').get()?.['page_count']);
  const before = pages();
  await store.forgetHistory(atMs + keptMs, keptMs, 1);
  // Between groups, some pages at once.
  for (let revision = 1; revision < 200 && pages() > before / 2; revision += 1) {
    await store.commit({ session: putOf('s0', revision) });
  }
  assert.ok(pages() <= before / 2, `${pages()} of ${before} pages`);
});

test('a file of a former version, which gave nothing back, does from its next start on', async () => {
  const file = freshFile();
  mkdirSync(dirname(file));
  {
    using db = new DatabaseSync(file);
    db.exec('PRAGMA journal_mode = WAL');
    // Without it the file would be taken for a copy whose log is missing.
    writeFileSync(`${file}-claim`, '');
  }
  await (await open(file))[Symbol.asyncDispose]();
  using db = new DatabaseSync(file);
  db.exec('PRAGMA auto_vacuum = NONE; VACUUM');
  assert.equal(db.prepare('PRAGMA auto_vacuum').get()?.['auto_vacuum'], 0);
  db.close();
  await (await open(file))[Symbol.asyncDispose]();
  using again = new DatabaseSync(file);
  assert.equal(again.prepare('PRAGMA auto_vacuum').get()?.['auto_vacuum'], 2);
});
