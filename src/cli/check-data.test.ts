import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { dataFileOf } from '../store/sqlite/data-folder.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import { startScript } from '../testing/child-script.ts';
import {
  putOf,
  storedGuid,
  storedHistory,
  storedKey,
  storedMember,
  storedTransfer,
} from '../testing/store-samples.ts';
import { runCheckData } from './check-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-check-data-'));
after(() => rmSync(folder, { recursive: true }));

let foldersCount = 0;
function freshFolder(): string {
  foldersCount += 1;
  return join(folder, String(foldersCount));
}

async function run(...args: string[]) {
  return runOn(true, args);
}

async function runOn(isTTY: boolean, args: readonly string[]) {
  let out = '';
  let err = '';
  const code = await runCheckData(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { isTTY, write: (text) => (err += text) },
  });
  return { code, out: out.split('\n').slice(0, -1), err };
}

const names = Array.from({ length: 40 }, (_, index) => `s${index}`);

/** A data folder with 40 sessions, each on a page of its own, and a handle for each. */
async function filledFolder(): Promise<string> {
  const data = freshFolder();
  await using store = await openSqliteStore({ file: dataFileOf(data), durability: 'relaxed' });
  for (const [index, name] of names.entries()) {
    await store.commit({
      session: {
        ...putOf(name, 0, { custom: { text: name.padEnd(3_000, 'x') } }),
        memberRows: { put: [{ member: storedMember('7', 3), dueMs: undefined }] },
      },
      handle: storedTransfer(storedGuid(index), { origin: name, target: name }),
    });
  }
  await store.changeList('11', 'follows', { put: [{ xuid: '5', addedMs: 17 }] });
  const changes = ['a', 'b'].map((id) => ({ id, value: {} }));
  await store.commitRecords('ticket', 'quick', changes);
  return data;
}

test('a whole file has no problems, also while a server has it; progress is reported', async () => {
  const data = await filledFolder();
  const file = dataFileOf(data);
  await using store = await openSqliteStore({ file, durability: 'relaxed' });
  await store.commit({ session: putOf('more', 0) });
  const { code, out, err } = await run(data);
  assert.deepEqual(out, [
    `${file}: 41 sessions, 40 handles, 2 records of services, 40 members of large sessions, 1 entry of a people list, 0 changes in histories, 0 recent changes, no problems`,
  ]);
  assert.equal(code, 0);
  assert.match(err, /^sessions: 0 of 41 \(0 %\)\nsessions: 41 of 41 \(100 %\)\n/);
  // Kills: dozens of lines of progress in the log of a backup.
  assert.deepEqual(await runOn(false, [file]), { code: 0, out, err: '' });
});

test('progress names what it counts in the plural', async () => {
  const data = freshFolder();
  {
    await using store = await openSqliteStore({ file: dataFileOf(data), durability: 'relaxed' });
    const put = Array.from({ length: 1_000 }, (_, index) => ({
      xuid: `${index + 1}`,
      addedMs: 17,
    }));
    await store.changeList('11', 'follows', { put });
  }
  const { err } = await run(data);
  assert.match(err, /^list entries: 1,000 of 1,000 \(100 %\)$/m);
  assert.match(err, /^tables: /m);
});

test('what rows do not hold as they must is reported by its key', async () => {
  const data = await filledFolder();
  {
    using db = new DatabaseSync(dataFileOf(data));
    db.exec(`UPDATE session SET document = '{' WHERE key = '${storedKey('s3')}'`);
    db.exec(`UPDATE handle SET document = '[]' WHERE id = '${storedGuid(5).toLowerCase()}'`);
    db.exec("UPDATE record SET document = '{' WHERE id = 'b'");
  }
  const { code, out } = await run(data);
  assert.equal(code, 1);
  assert.match(out[0] ?? '', new RegExp(`^session ${storedKey('s3')} is lost: .*JSON`));
  assert.match(out[1] ?? '', new RegExp(`^handle ${storedGuid(5).toLowerCase()} is lost`));
  assert.match(out[2] ?? '', /^record ticket quick b is lost/);
  assert.match(
    out[3] ?? '',
    /39 sessions, 39 handles, 1 record of a service, .* 3 problems\. .*A server that starts on this file serves the rest; .*restore a backup\. .*db-wal.* by "openmpsd restore"/,
  );
});

/** Damages the first page that has this text. */
function fillPageOf(file: string, text: string): void {
  const at = readFileSync(file).indexOf(Buffer.from(text));
  assert.ok(at > 0);
  fillPage(file, Math.floor(at / 4096) + 1);
}

/** Damages the first page of a table. */
function fillRootOf(file: string, table: string): void {
  let root: unknown;
  {
    using db = new DatabaseSync(file, { readOnly: true });
    root = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table)?.['rootpage'];
  }
  fillPage(file, Number(root));
}

/** Pages are counted from 1. */
function fillPage(file: string, page: number): void {
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0xff, (page - 1) * 4096, page * 4096));
}

test('a damaged page is reported by the sessions that were on it, and by no other', async () => {
  const data = await filledFolder();
  const file = dataFileOf(data);
  fillPageOf(file, '"text":"s20x');
  const { code, out } = await run(data);
  assert.equal(code, 1);
  const lost = out.filter((line) => /^session \S+ is lost/.test(line));
  assert.ok(
    lost.some((line) => line.includes(` ${storedKey('s20')} `)),
    out.join('\n'),
  );
  assert.ok(lost.length < 5);
  const damaged = out.filter((line) =>
    line.startsWith('table session is damaged, and what of it '),
  );
  assert.match(damaged.join('\n'), /named above \(.* fault.*, as SQLite names it: .+\)$/);
  // Kills: texts that only who knows SQLite understands.
  assert.doesNotMatch(out.join('\n'), /malformed(?!.*as SQLite names it)/);
  assert.match(lost.join('\n'), /is lost: a page of the file is damaged$/m);
  assert.match(out.at(-1) ?? '', new RegExp(`: ${40 - lost.length} sessions, 40 handles`));
});

// Kills: all that the numbers leave room for is called lost.
test('of changes on a damaged page, how many are lost at most is said', async () => {
  const data = await folderOfChanges();
  fillPageOf(dataFileOf(data), '"is":"s20."');
  const { code, out } = await run(data);
  assert.equal(code, 1);
  assert.match(out[0] ?? '', /^changes between \d+ and \d+ are lost, 1 at most: /);
  assert.match(out.at(-1) ?? '', /, 39 recent changes, /);
});

/** A data folder with a change of each session, each on a page of its own. */
async function folderOfChanges(): Promise<string> {
  const data = freshFolder();
  await using store = await openSqliteStore({ file: dataFileOf(data), durability: 'relaxed' });
  for (const name of names) {
    const history = storedHistory(storedGuid(1), {
      change: { is: `${name}.`, text: 'x'.repeat(3_000) },
    });
    await store.commit({ session: { ...putOf(name, 0), history } });
  }
  return data;
}

// Kills: "between the first and the first".
test('of a table whose first and last page are damaged, all is named as lost', async () => {
  const data = await folderOfChanges();
  for (const name of ['s0', 's39']) fillPageOf(dataFileOf(data), `"is":"${name}."`);
  const { code, out } = await run(data);
  assert.equal(code, 1);
  assert.match(out[0] ?? '', /^changes between the first and the last are lost: one or more pages/);
});

// Kills: a loss that is said to be named above, where it is not.
test('of a damaged table whose rows are not checked, what is lost is not known', async () => {
  const data = await filledFolder();
  const file = dataFileOf(data);
  const aside = 'damaged_recent_change_0';
  {
    using db = new DatabaseSync(file);
    db.exec(`CREATE TABLE ${aside} (number INTEGER PRIMARY KEY)`);
  }
  for (const table of ['hint', aside]) fillRootOf(file, table);
  const { code, out } = await run(data);
  assert.equal(code, 1);
  const damaged = out.filter((line) => line.startsWith('table '));
  assert.deepEqual(
    damaged.map((line) => line.replace(/ \(.*\)$/, '')),
    [
      'table hint is damaged, and what of it is lost is not known',
      `table ${aside} is damaged, and a server has put a new one in its place`,
    ],
  );
});

test('a damaged index is named as that, with what it means', async () => {
  const data = await filledFolder();
  {
    using db = new DatabaseSync(dataFileOf(data));
    db.enableDefensive?.(false);
    db.exec('PRAGMA writable_schema = ON; CREATE INDEX spare ON handle(id)');
    // The index of another table in its place: none of its rows is right.
    db.exec(`UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'list_entry')
      WHERE name = 'spare'`);
  }
  const { code, out } = await run(data);
  assert.equal(code, 1);
  assert.match(
    out[0] ?? '',
    /^index spare of table handle is damaged: no row is lost by that, and lists may leave some out \(.*: .+\)$/,
  );
  assert.match(out.at(-1) ?? '', /: 40 sessions, 40 handles, .* problems?\. /);
});

test('of a file that was cut, what can be read is checked, and the rest is reported', async () => {
  const data = await filledFolder();
  const file = dataFileOf(data);
  const { size } = statSync(file);
  truncateSync(file, size - 5 * 4096);
  const { code, out } = await run(data);
  assert.equal(code, 1);
  assert.match(out[0] ?? '', /^the file has been cut: its last 5 pages are lost$/);
  assert.match(
    out.at(-1) ?? '',
    /: [1-9]\d* sessions, .* problems\. No server starts on this file, .* restore a backup$/,
  );
  await assert.rejects(
    openSqliteStore({ file, durability: 'relaxed' }),
    /is damaged: .* restore a backup\. If it is a copy .*db-wal and \S+db-shm .* by "openmpsd restore"/,
  );
  truncateSync(file, 2 * 4096);
  const most = await run(data);
  assert.equal(most.code, 1);
  assert.match(
    most.err,
    /is damaged so far that no session can be read: .*Restore a backup\. .*by "openmpsd restore".*\n$/,
  );
});

/** The name and the hash of each file in a folder. */
function filesOf(data: string): readonly string[] {
  const hash = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(data, name)))
      .digest('hex');
  return readdirSync(data)
    .toSorted()
    .map((name) => `${name} ${hash(name)}`);
}

test('a log that was cut is reported, and no file is changed', async () => {
  const data = freshFolder();
  const writer = startScript(
    `const { openSqliteStore } = await import(process.argv[2]);
     const { putOf } = await import(process.argv[3]);
     const store = await openSqliteStore({ file: process.argv[1], durability: 'strict' });
     for (let revision = 0; revision < 9; revision += 1) await store.commit({ session: putOf('a', revision) });
     console.log('done');
     setInterval(() => undefined, 1_000);`,
    dataFileOf(data),
    new URL('../store/sqlite/sqlite-store.ts', import.meta.url).href,
    new URL('../testing/store-samples.ts', import.meta.url).href,
  );
  await writer.printed(1);
  await writer.kill();
  truncateSync(`${dataFileOf(data)}-wal`, 60_000);
  const before = filesOf(data);
  const { code, out } = await run(data);
  assert.equal(code, 1);
  assert.match(
    out[0] ?? '',
    /^its log .* has been cut: \d+ pages of acknowledged writes are lost$/,
  );
  // The index beside the file is what the start knows it by.
  assert.deepEqual(filesOf(data), before);
  const lines: string[] = [];
  await using _ = await openSqliteStore({
    file: dataFileOf(data),
    durability: 'strict',
    log: (line) => lines.push(line),
  });
  const lost = out[0]?.match(/\d+ pages of acknowledged writes/)?.[0];
  const isTold = lines.some((line) => line.includes(`-wal has been cut: ${lost} `));
  assert.ok(isTold, lines.join('\n'));
});

test('a copy of a data file without its log is named as that', async () => {
  const data = freshFolder();
  const file = dataFileOf(data);
  await using store = await openSqliteStore({ file, durability: 'relaxed' });
  await store.commit({ session: putOf('a', 0) });
  const copy = join(folder, 'copy.db');
  copyFileSync(file, copy);
  const { code, out, err } = await run(copy);
  assert.deepEqual([code, out], [1, []]);
  assert.match(
    err,
    /copy\.db has no tables\. .* the log \(\S+copy\.db-wal\).* was not copied with it/,
  );
  const empty = join(folder, 'empty.db');
  writeFileSync(empty, '');
  assert.match(
    (await run(empty)).err,
    /empty\.db is empty, as .* If it had sessions, restore a backup/,
  );
});

test('a backup is checked in a folder that nobody may write to', async () => {
  const data = await filledFolder();
  const file = dataFileOf(data);
  chmodSync(folder, 0o711);
  chmodSync(file, 0o444);
  chmodSync(data, 0o555);
  // Root may write everywhere.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  const { code, out, err } = await run(file);
  if (isRoot) process.seteuid?.(0);
  chmodSync(data, 0o755);
  assert.equal(err.replaceAll(/^\w+: .*\n/gm, ''), '');
  assert.match(out.at(-1) ?? '', / 40 sessions, .* no problems$/);
  assert.equal(code, 0);
});

test('what cannot be checked is said, with what would be right', async () => {
  const nothing = await run(freshFolder());
  assert.deepEqual([nothing.code, nothing.out], [1, []]);
  assert.match(nothing.err, /does not exist/);
  const letter = join(folder, 'letter');
  writeFileSync(letter, 'Dear Sir or Madam, '.repeat(500));
  const other = await run(letter);
  assert.equal(other.code, 1);
  assert.match(other.err, /is not a data file of OpenMPSD/);
  // Kills: a stack trace. Windows says that such a file does not exist.
  const below = await run(join(letter, 'x.db'));
  assert.equal(below.code, 1);
  assert.match(below.err, /cannot be read: a part of its path is no folder\.\n|does not exist/);
  for (const args of [[], ['a', 'b'], ['--deep']]) assert.equal((await run(...args)).code, 2);
  assert.equal((await run('--help')).code, 0);
});
