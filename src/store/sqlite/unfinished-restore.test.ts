import assert from 'node:assert/strict';
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { StoreUnavailable } from '../store.ts';
import { writeCopy } from './data-file-copy.ts';
import { finishRestore, problemOfUnfinishedRestore, putInPlace } from './unfinished-restore.ts';

const date = '20260131T120000Z';

/** The path of a data file in a folder of its own, which has these files: name after that of the data file to text. */
function fileWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'openmpsd-unfinished-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'openmpsd.db');
  for (const [ending, text] of Object.entries(files)) {
    writeFileSync(path + ending, text, { mode: 0o600 });
  }
  return path;
}

/** What is in the folder of the data file, as for `fileWith`. */
function filesBeside(path: string): Readonly<Record<string, string>> {
  const names = readdirSync(join(path, '..')).toSorted();
  return Object.fromEntries(
    names.map((name) => [
      name.slice('openmpsd.db'.length),
      readFileSync(join(path, '..', name), 'utf8'),
    ]),
  );
}

/** Lets the disk refuse the wait of this number, counted from 1. */
function failWait(t: TestContext, number: number): void {
  const wait = fs.fsyncSync;
  let count = 0;
  const mocked = t.mock.method(fs, 'fsyncSync', (descriptor: number) => {
    count += 1;
    if (count === number) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
    wait(descriptor);
  });
  syncBuiltinESMExports();
  t.after(() => {
    mocked.mock.restore();
    syncBuiltinESMExports();
  });
}

// Kills: a name that only begins as that of a copy.
test('a copy waits under the name with a date alone', (t) => {
  const others = { '.restored-20260131T120000Z-journal': '', '.restored-20260131T120000Z.bak': '' };
  const path = fileWith(t, { ...others, '.restored-': '', '.restored-old': '', '': 'former' });
  assert.equal(problemOfUnfinishedRestore(path), undefined);
  assert.equal(finishRestore(path), undefined);
  for (const each of [date, `${date}.2`]) {
    writeFileSync(`${path}.restored-${each}`, each, { mode: 0o600 });
    assert.match(finishRestore(path) ?? '', /that was interrupted is finished/);
    assert.equal(readFileSync(path, 'utf8'), each);
  }
});

// Kills: a free name for each file by itself, by which a log lies beside another file than its own.
test('files that belong together are kept under one name', (t) => {
  const copy = { [`.restored-${date}`]: 'backup' };
  const kept = (number = ''): string => `.before-${date}${number}`;
  const finished = (files: Readonly<Record<string, string>>) => {
    const path = fileWith(t, { ...copy, ...files });
    assert.equal(putInPlace(path, date), path + kept());
    return filesBeside(path);
  };
  // The log had its name when the restore was interrupted.
  assert.deepEqual(finished({ [`${kept()}-wal`]: 'log', '': 'former' }), {
    '': 'backup',
    [kept()]: 'former',
    [`${kept()}-wal`]: 'log',
  });
  // The file as well; then another program made a file with a log.
  assert.deepEqual(finished({ [kept()]: 'former', '': 'newer', '-wal': 'newer log' }), {
    '': 'backup',
    [kept()]: 'former',
    [kept('.2')]: 'newer',
    [`${kept('.2')}-wal`]: 'newer log',
  });
  // And this was interrupted after the log.
  assert.deepEqual(
    finished({ [kept()]: 'former', [`${kept('.2')}-wal`]: 'newer log', '': 'newer' }),
    {
      '': 'backup',
      [kept()]: 'former',
      [kept('.2')]: 'newer',
      [`${kept('.2')}-wal`]: 'newer log',
    },
  );
  // The log is not that of the file, which has one of its own.
  assert.deepEqual(finished({ [`${kept()}-wal`]: 'log', '': 'newer', '-wal': 'newer log' }), {
    '': 'backup',
    [`${kept()}-wal`]: 'log',
    [kept('.2')]: 'newer',
    [`${kept('.2')}-wal`]: 'newer log',
  });
});

// Kills: the first one that the folder has, or the last one by its letters.
test('of several copies that wait, the newest is put in place', (t) => {
  const copies = [date, `${date}.10`, `${date}.9`].map((each) => [`.restored-${each}`, each]);
  const path = fileWith(t, Object.fromEntries(copies));
  finishRestore(path);
  assert.equal(readFileSync(path, 'utf8'), `${date}.10`);
  // Kills: an older one that takes its place at the next start.
  assert.equal(finishRestore(path), undefined);
  assert.equal(readFileSync(path, 'utf8'), `${date}.10`);
});

const skip = process.platform === 'win32' && 'no system call waits for a folder';

// Kills: a copy of which the caller says that nothing has changed, and which the next start puts in place.
test('a copy whose name may not be on the disk is deleted', { skip }, (t) => {
  const path = fileWith(t, {});
  using db = new DatabaseSync(':memory:');
  failWait(t, 2);
  assert.throws(() => writeCopy(db, `${path}.v4`, `${path}.copying`), /EIO/);
  assert.deepEqual(filesBeside(path), {});
});

// Kills: "cannot be opened: check that it is a file", of data that the next start replaces.
test('an error after the backup counts says so', { skip }, (t) => {
  const path = fileWith(t, { [`.restored-${date}`]: 'backup', '': 'former' });
  failWait(t, 1);
  assert.throws(
    () => finishRestore(path),
    (error) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.match(
        error.message,
        /The backup counts .* EIO.* The next start of a server .* finishes it/,
      );
      return true;
    },
  );
  assert.match(finishRestore(path) ?? '', /finished/);
  assert.equal(readFileSync(path, 'utf8'), 'backup');
});
