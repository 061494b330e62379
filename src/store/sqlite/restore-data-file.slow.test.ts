/** Processes that are killed while they restore a backup, and the data folder afterwards. */

import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { startScript } from '../../testing/child-script.ts';
import { putOf, storedKey } from '../../testing/store-samples.ts';
import { StoreUnavailable } from '../store.ts';
import { checkDataFile } from './check-data-file.ts';
import { dataFileOf, readSecret } from './data-folder.ts';
import { restoreDataFile } from './restore-data-file.ts';
import { openSqliteStore } from './sqlite-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-restore-kills-'));
after(() => rmSync(folder, { recursive: true }));

const nowMs = Date.UTC(2026, 0, 31, 12);
const names = ['one', 'two', 'three'];
const endings = ['', '-wal', '-shm', '-claim'];

/** A file with the sessions, whose text is `custom`; with its log, as a killed server leaves it. */
async function makeData(file: string, text: string): Promise<void> {
  const made = `${file}.made`;
  await using store = await openSqliteStore({ file: made, durability: 'relaxed' });
  for (const name of names) await store.commit({ session: putOf(name, 0, { custom: { text } }) });
  for (const ending of endings) copyFileSync(made + ending, file + ending);
}

/** The texts of all sessions, and what the server said at its start. */
async function textsIn(file: string) {
  const lines: string[] = [];
  const log = (line: string): unknown => lines.push(line);
  await using store = await openSqliteStore({ file, durability: 'relaxed', log });
  const sessions = await Promise.all(names.map((name) => store.session(storedKey(name))));
  const texts = new Set(sessions.map((one) => one?.session.properties.custom['text']));
  return { texts: [...texts], lines };
}

/** Restores, and kills itself after so many steps; prints each. */
const restoreUntilKilled = `
  import { writeSync } from 'node:fs';
  const [backup, file, stepsMax, nowMs, moduleUrl] = process.argv.slice(1);
  const { restoreDataFile } = await import(moduleUrl);
  let steps = 0;
  restoreDataFile({ backup, file, mayReplace: true, nowMs: Number(nowMs), reached(step) {
    writeSync(1, step + '\\n');
    steps += 1;
    if (steps === Number(stepsMax)) process.kill(process.pid, 'SIGKILL');
  }});`;

/** The steps that a process made that was killed after so many; `isKilled` is false when it ended before. */
async function restoreInProcess(backup: string, file: string, stepsMax: number) {
  const child = startScript(
    restoreUntilKilled,
    backup,
    file,
    String(stepsMax),
    String(nowMs),
    new URL('./restore-data-file.ts', import.meta.url).href,
  );
  const how = await child.ended;
  assert.ok(how === 'SIGKILL' || how === 0, String(how));
  return { steps: child.lines, isKilled: how === 'SIGKILL' };
}

const steps = [
  'the copy is begun',
  'the copy is written',
  'the copy is on the disk',
  'the copy has its name',
  'the former file is renamed: -wal',
  'the former file is renamed: -shm',
  'the former file is renamed: itself',
  'the former names are on the disk',
  'the copy is the data file',
];

test('killed after any step, the former data or that of the backup is there, and whole', async () => {
  const [backup, former] = [join(folder, 'backup.db'), join(folder, 'former.db')];
  await makeData(backup, 'backup');
  await makeData(former, 'former');
  for (let stepsMax = 1; ; stepsMax += 1) {
    const data = join(folder, String(stepsMax));
    const file = join(data, 'openmpsd.db');
    mkdirSync(data, { mode: 0o700 });
    for (const ending of endings) copyFileSync(former + ending, file + ending);
    const { steps: made, isKilled } = await restoreInProcess(backup, file, stepsMax);
    assert.deepEqual(made, steps.slice(0, stepsMax));
    const last = made.at(-1);
    const isCommitted = stepsMax >= steps.indexOf('the copy has its name') + 1;
    const isFinished = last === 'the copy is the data file';
    if (isCommitted && !isFinished) {
      // Kills: a check, or a secret, of the file that is there between two renames.
      const check = () => checkDataFile(file, { progress() {}, found() {} });
      assert.throws(check, /A restore of \S+ was interrupted\. Start a server on /);
    }
    const { texts, lines } = await textsIn(file);
    assert.deepEqual(texts, [isCommitted ? 'backup' : 'former'], last);
    assert.equal(
      lines.some((line) => line.includes('that was interrupted is finished')),
      isCommitted && !isFinished,
      last,
    );
    const kept = join(data, 'openmpsd.db.before-20260131T120000Z');
    if (isCommitted) assert.deepEqual((await textsIn(kept)).texts, ['former'], last);
    else assert.ok(!existsSync(kept));
    if (!isKilled) break;
  }
});

test('a second restore finishes an interrupted one, and leaves no unfinished copy', async () => {
  const [backup, other] = [join(folder, 'a.db'), join(folder, 'b.db')];
  await makeData(backup, 'backup');
  await makeData(other, 'other');
  const file = join(folder, 'again', 'openmpsd.db');
  const restore = (mayReplace: boolean) =>
    restoreDataFile({ backup: other, file, mayReplace, nowMs });
  // A folder without data has no former files to rename.
  const { steps: made } = await restoreInProcess(backup, file, 4);
  assert.deepEqual(made.at(-1), 'the copy has its name');
  assert.throws(
    () => restore(false),
    (error) => {
      assert.ok(error instanceof StoreUnavailable);
      assert.match(error.message, /that was interrupted is finished: .* is there already/);
      return true;
    },
  );
  await restoreInProcess(backup, file, 2);
  assert.ok(existsSync(`${file}.restoring`));
  const former = restore(true) ?? assert.fail();
  assert.deepEqual(
    [(await textsIn(file)).texts, (await textsIn(former)).texts],
    [['other'], ['backup']],
  );
  assert.deepEqual(
    readdirSync(dirname(file)).filter((name) => /restor/.test(name)),
    [],
  );
});

// Kills: a copy that is looked for beside the link while the link leads to nothing.
test('of a data file that is a link, a restore is finished beside its target', async () => {
  const [backup, former] = [join(folder, 'backup-of-link.db'), join(folder, 'former-of-link.db')];
  await makeData(backup, 'backup');
  await makeData(former, 'former');
  const data = join(folder, 'with-link');
  const disk = join(folder, 'disk');
  for (const each of [data, disk]) mkdirSync(each, { mode: 0o700 });
  const target = join(disk, 'sessions.db');
  for (const ending of endings) copyFileSync(former + ending, target + ending);
  const file = dataFileOf(data);
  symlinkSync(target, file);
  const stepsMax = steps.indexOf('the former file is renamed: itself') + 1;
  await restoreInProcess(backup, file, stepsMax);
  assert.ok(!existsSync(file));
  const problem = /A restore of \S+ was interrupted/;
  assert.throws(() => checkDataFile(file, { progress() {}, found() {} }), problem);
  await assert.rejects(readSecret(data), problem);
  assert.deepEqual((await textsIn(file)).texts, ['backup']);
  assert.equal(realpathSync(file), realpathSync(target));
  assert.deepEqual(readdirSync(data), ['openmpsd.db']);
  assert.equal((await readSecret(data)).length > 0, true);
});
