import assert from 'node:assert/strict';
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { dataFileOf } from '../store/sqlite/data-folder.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import { putOf, storedKey } from '../testing/store-samples.ts';
import { runRestore } from './restore.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-restore-'));
after(() => rmSync(folder, { recursive: true }));

let foldersCount = 0;
function freshFolder(): string {
  foldersCount += 1;
  return join(folder, `data ${foldersCount}`);
}

const noon = Date.UTC(2026, 0, 31, 12);

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runRestore(args, {
    nowMs: noon,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out, err };
}

const openStore = (data: string) =>
  openSqliteStore({ file: dataFileOf(data), durability: 'relaxed' });

/** A data folder with one session of this name, which no server uses. */
async function folderWith(name: string): Promise<string> {
  const data = freshFolder();
  await using store = await openStore(data);
  await store.commit({ session: putOf(name, 0) });
  return data;
}

/** As a killed process leaves it: the session is in the log alone. */
async function killedFolderWith(name: string): Promise<string> {
  const data = freshFolder();
  const killed = freshFolder();
  await using store = await openStore(data);
  await store.commit({ session: putOf(name, 0) });
  mkdirSync(killed, { mode: 0o700 });
  for (const file of readdirSync(data)) copyFileSync(join(data, file), join(killed, file));
  return killed;
}

async function namesIn(data: string): Promise<readonly string[]> {
  await using store = await openStore(data);
  const found: string[] = [];
  for (const name of ['backup', 'former', 'other']) {
    if ((await store.session(storedKey(name))) !== undefined) found.push(name);
  }
  return found;
}

/** What is in a folder, to see that nothing has changed. */
function filesOf(data: string): readonly (readonly [string, Buffer])[] {
  return readdirSync(data).map((name) => [name, readFileSync(join(data, name))]);
}

test('a backup is restored to a folder that is not there, for this user alone', async () => {
  const backup = dataFileOf(await folderWith('backup'));
  const data = join(freshFolder(), 'deep');
  assert.deepEqual(await run(backup, '--data', data), {
    code: 0,
    out: `${dataFileOf(data)}: 1 session, 0 handles, 0 records of services, 0 members of large sessions, 0 entries of people lists, 0 changes in histories, 0 recent changes of ${backup}.\n`,
    err: '',
  });
  assert.deepEqual(readdirSync(data), ['openmpsd.db', 'openmpsd.db-claim']);
  if (process.getuid !== undefined) {
    assert.deepEqual(
      [data, dataFileOf(data)].map((path) => statSync(path).mode & 0o777),
      [0o700, 0o600],
    );
  }
  assert.deepEqual(await namesIn(data), ['backup']);
});

test('data that is there is replaced when asked for only, and kept with its log', async () => {
  const backup = dataFileOf(await folderWith('backup'));
  const data = await killedFolderWith('former');
  const before = filesOf(data);
  const refused = await run(backup, '--data', data);
  assert.deepEqual([refused.code, refused.out], [1, '']);
  assert.match(refused.err, /openmpsd\.db is there already\. With --replace /);
  assert.deepEqual(filesOf(data), before);

  const restored = await run(backup, '--data', data, '--replace');
  const former = `${dataFileOf(data)}.before-20260131T120000Z`;
  assert.equal(restored.code, 0, restored.err);
  assert.ok(restored.out.endsWith(` The former data is kept: ${former}.\n`), restored.out);
  // Kills: a log of the former file that is left, which SQLite writes into the new one.
  assert.deepEqual(
    filesOf(data).filter(([name]) => name.includes('.before-')),
    before
      .filter(([name]) => !name.endsWith('-claim'))
      .map(([name, bytes]) => [
        name.replace('openmpsd.db', 'openmpsd.db.before-20260131T120000Z'),
        bytes,
      ]),
  );
  assert.deepEqual(await namesIn(data), ['backup']);

  // The way back, within the same second: what was kept stays.
  const back = await run(former, '--data', data, '--replace');
  assert.equal(back.code, 0, back.err);
  assert.ok(back.out.endsWith('.before-20260131T120000Z.2.\n'), back.out);
  assert.deepEqual(await namesIn(data), ['former']);
});

test('a log that is left without its file is kept too, and not written into the backup', async () => {
  const backup = dataFileOf(await folderWith('backup'));
  const data = await killedFolderWith('former');
  rmSync(dataFileOf(data));
  assert.match((await run(backup, '--data', data)).err, /openmpsd\.db-wal is there already/);
  const { code, out } = await run(backup, '--data', data, '--replace');
  assert.deepEqual([code, out.includes('is kept')], [0, true]);
  assert.deepEqual(await namesIn(data), ['backup']);
  assert.ok(existsSync(`${dataFileOf(data)}.before-20260131T120000Z-wal`));
});

test('a folder that was copied as a whole is a backup, with its log', async () => {
  const data = freshFolder();
  const backup = await killedFolderWith('backup');
  const before = filesOf(backup);
  assert.equal((await run(backup, '--data', data)).code, 0);
  assert.deepEqual(filesOf(backup), before);
  assert.deepEqual(await namesIn(data), ['backup']);
});

test('a damaged backup is refused with what it lacks, and nothing changes', async () => {
  const backup = dataFileOf(await folderWith('backup'));
  const data = await folderWith('former');
  const before = filesOf(data);
  {
    using db = new DatabaseSync(backup);
    db.exec("UPDATE session SET document = '{'");
  }
  const { code, out, err } = await run(backup, '--data', data, '--replace');
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /: session .* is lost: .*JSON/);
  assert.match(err, /is not restored: 1 problem\. Nothing has changed\./);
  truncateSync(backup, 20_000);
  assert.match((await run(backup, '--data', data, '--replace')).err, /has been cut/);
  writeFileSync(backup, 'Dear Sir or Madam');
  // Kills: the advice for a data file: to move it away, to use another folder, to restore a backup.
  const problems: string[] = [];
  for (const path of [backup, join(folder, 'absent')]) {
    problems.push((await run(path, '--data', data, '--replace')).err);
  }
  const problemOf = (path: string, problem: string): string =>
    `openmpsd restore: ${path} cannot be restored: ${path} ${problem}\n`;
  assert.deepEqual(problems, [
    problemOf(backup, 'is not a data file of OpenMPSD. Nothing has changed. Take another backup.'),
    problemOf(join(folder, 'absent'), 'does not exist. Nothing has changed.'),
  ]);
  const below = await run(join(backup, 'x.db'), '--data', data, '--replace');
  assert.equal(below.code, 1);
  assert.match(below.err, /cannot be read: a part of its path is no folder\./);
  assert.deepEqual(filesOf(data), before);
});

test('the backup of a former version is restored, and a server converts it', async () => {
  const written = join(import.meta.dirname, '../../test/upgrades/written/sqlite-v3.db.gz');
  const backup = join(folder, 'v3.db');
  writeFileSync(backup, gunzipSync(readFileSync(written)));
  const data = freshFolder();
  const { code, out } = await run(backup, '--data', data);
  assert.deepEqual(
    [code, out],
    [
      0,
      `${dataFileOf(data)}: the data, which the next start of a server converts, of ${backup}.\n`,
    ],
  );
  assert.deepEqual(await namesIn(data), []);
  assert.ok(existsSync(`${dataFileOf(data)}.v3`));
});

test('a folder that a server uses is refused, also without its lock file', async () => {
  const backup = dataFileOf(await folderWith('backup'));
  const data = freshFolder();
  await using store = await openStore(data);
  await store.commit({ session: putOf('former', 0) });
  const used = await run(backup, '--data', data, '--replace');
  assert.match(used.err, /is in use by another OpenMPSD process/);
  assert.equal(used.code, 1);
  rmSync(`${dataFileOf(data)}-claim`);
  assert.match(
    (await run(backup, '--data', data, '--replace')).err,
    /is in use by another process: another OpenMPSD server, or a program that reads it/,
  );
  assert.ok(await store.session(storedKey('former')));
});

test('the data file of the folder itself is no backup of it', async () => {
  const data = await folderWith('former');
  const { code, err } = await run(data, '--data', data, '--replace');
  assert.equal(code, 1);
  assert.match(err, /is the data file of this folder itself/);
  assert.deepEqual(await namesIn(data), ['former']);
});

test('the folder of another user is refused', {
  skip: process.getuid?.() !== 0 && 'needs root, which is another user than the owner',
}, async () => {
  const backup = dataFileOf(await folderWith('backup'));
  const data = await folderWith('former');
  chownSync(dirname(dataFileOf(data)), 65_534, 65_534);
  const { code, err } = await run(backup, '--data', data, '--replace');
  assert.equal(code, 1);
  assert.match(err, /belongs to another user \(uid 65534, this process has 0\)/);
});

test('what is misused is said', async () => {
  for (const [args, reason] of [
    [[], 'needs a backup before its options'],
    [['--data', 'x'], 'needs a backup before its options'],
    [['x'], 'needs a data folder: --data <folder>'],
    [['x', 'y', '--data', 'z'], 'does not expect "y"'],
    [['x', '--data', 'z', '--replace=no'], 'does not expect a value of --replace'],
  ] as const) {
    const { code, err } = await run(...args);
    assert.equal(code, 2);
    assert.equal(err, `openmpsd restore: ${reason}. See openmpsd restore --help.\n`);
  }
});
