import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { startScript } from '../../testing/child-script.ts';
import { changesOf, prepareQueries } from './queries.ts';
import { parseChange } from './rows.ts';
import { StoreUnavailable } from '../store.ts';
import { migrate, migrations, type Migration } from './migrations.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-migrations-'));
after(() => rmSync(folder, { recursive: true }));

const first: Migration = (db) => db.exec("CREATE TABLE a (x); INSERT INTO a VALUES ('old')");
const second: Migration = (db) => db.exec("ALTER TABLE a ADD y; UPDATE a SET y = x || '!'");
const third: Migration = (db) => db.exec('CREATE TABLE b AS SELECT y FROM a');

let filesCount = 0;
function freshFile(): string {
  filesCount += 1;
  return join(folder, `${filesCount}.db`);
}

function open(file: string): DatabaseSync & Disposable {
  return new DatabaseSync(file);
}

function versionOf(db: DatabaseSync): unknown {
  return db.prepare('PRAGMA user_version').get()?.user_version;
}

function rowsOf(db: DatabaseSync, table: string): readonly object[] {
  return db
    .prepare(`SELECT * FROM ${table}`)
    .all()
    .map((row) => ({ ...row }));
}

test('a new file goes through all migrations, in order', () => {
  using db = open(freshFile());
  migrate(db, [first, second, third]);
  assert.equal(versionOf(db), 3);
  assert.deepEqual(rowsOf(db, 'b'), [{ y: 'old!' }]);
});

test('an older file goes through those it has not been through, once', () => {
  const file = freshFile();
  {
    using db = open(file);
    migrate(db, [first]);
    db.exec("INSERT INTO a VALUES ('kept')");
  }
  using db = open(file);
  migrate(db, [first, second]);
  migrate(db, [first, second]);
  assert.equal(versionOf(db), 2);
  assert.deepEqual(rowsOf(db, 'a'), [
    { x: 'old', y: 'old!' },
    { x: 'kept', y: 'kept!' },
  ]);
});

test('of a migration that fails nothing is left, and what came before it stays', () => {
  using db = open(freshFile());
  const failing: Migration = (db) => {
    db.exec('CREATE TABLE half (x)');
    throw new Error('no');
  };
  assert.throws(() => migrate(db, [first, failing]), /^Error: no$/);
  assert.equal(db.isTransaction, false);
  assert.equal(versionOf(db), 1);
  assert.throws(() => rowsOf(db, 'half'), /no such table/);
  migrate(db, [first, second, third]);
  assert.deepEqual(rowsOf(db, 'b'), [{ y: 'old!' }]);
});

test('a crash within a migration leaves the version before; the next start goes on', async () => {
  const file = freshFile();
  const child = startScript(
    `import { DatabaseSync } from 'node:sqlite';
     const { migrate } = await import(process.argv[2]);
     const db = new DatabaseSync(process.argv[1]);
     db.exec('PRAGMA journal_mode = WAL');
     migrate(db, [
       (db) => db.exec("CREATE TABLE a (x); INSERT INTO a VALUES ('old')"),
       (db) => {
         db.exec("ALTER TABLE a ADD y; UPDATE a SET y = 'half'");
         process.kill(process.pid, 'SIGKILL');
       },
     ]);`,
    file,
    new URL('./migrations.ts', import.meta.url).href,
  );
  assert.equal(await child.ended, 'SIGKILL');
  using db = open(file);
  assert.equal(versionOf(db), 1);
  assert.deepEqual(rowsOf(db, 'a'), [{ x: 'old' }]);
  migrate(db, [first, second]);
  assert.deepEqual(rowsOf(db, 'a'), [{ x: 'old', y: 'old!' }]);
});

test('data of a newer schema is refused and left as it is', () => {
  const file = freshFile();
  using db = open(file);
  migrate(db, [first, second, third]);
  assert.throws(
    () => migrate(db, [first]),
    (error) => {
      assert.ok(error instanceof StoreUnavailable);
      for (const part of [file, 'schema version 3', 'up to 1', 'Start that one', 'data folder']) {
        assert.ok(error.message.includes(part), `${error.message} does not name ${part}`);
      }
      return true;
    },
  );
  assert.equal(versionOf(db), 3);
});

test('the shipped migrations make a schema of their number', () => {
  using db = open(freshFile());
  migrate(db, migrations);
  assert.equal(versionOf(db), migrations.length);
  assert.deepEqual(rowsOf(db, 'pragma_integrity_check'), [{ integrity_check: 'ok' }]);
});

// Kills: a history that is lost or out of order once its changes are in one row; a time that is rounded.
test('histories of one row a change are read after the migration that makes blocks of them', () => {
  using db = open(freshFile());
  migrate(db, migrations.slice(0, 7));
  const text = '{"say":"a \\"b\\" \\n ü 1.50"}';
  const add = db.prepare('INSERT INTO history_change VALUES (?, ?, ?, ?)');
  for (const revision of [9, 10, 100]) add.run(1, revision, 1_764_500_000_000.5 + revision, text);
  add.run(2, 1, 5, '{}');
  db.exec(`
    INSERT INTO recent_change VALUES (1, 1, 101, 7, 3, 'key', 'branch', 8, '["xuid:1"]', '{"n":1}');
    INSERT INTO recent_change VALUES (2, 1, 102, 8, 3, NULL, NULL, NULL, NULL, '{"n":2}');
  `);
  migrate(db, migrations);
  const queries = prepareQueries(db);
  assert.deepEqual({ ...queries.historyNumber.get('key', 'branch') }, { number: 1 });
  assert.equal(queries.historyBy.all('xuid:1', '', 9).length, 1);
  const read = (session: number) => changesOf(queries, session).map((row) => parseChange(row));
  assert.deepEqual(
    read(1).map(({ revision, atMs }) => [revision, atMs]),
    [
      [102, 8],
      [101, 7],
      [100, 1_764_500_000_100.5],
    ],
  );
  db.exec('DELETE FROM recent_change');
  assert.deepEqual(
    read(1).map(({ revision, change }) => [revision, change]),
    [100, 10, 9].map((revision) => [revision, JSON.parse(text)]),
  );
  assert.equal(read(2).length, 1);
});
