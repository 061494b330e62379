import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import fc from 'fast-check';
import { migrate, migrations } from './migrations.ts';
import { changesOf, prepareQueries } from './queries.ts';
import { RecentChanges } from './recent-changes.ts';
import { type Statement, statements } from './statements.ts';

const sessions = [1, 2, 3] as const;
const [beginMs, keptMs] = [1_000, 500];

function open() {
  const db = new DatabaseSync(':memory:');
  migrate(db, migrations);
  const recent = new RecentChanges(db);
  return { db, recent, queries: prepareQueries(db) };
}

type Opened = ReturnType<typeof open>;

function insert({ db }: Opened, ...writes: readonly Statement[]): readonly Statement[] {
  for (const [name, ...values] of writes) db.prepare(statements[name]).run(...values);
  return writes;
}

function changeOf(number: number, revision: number, changesMax = 5): Statement {
  const text = JSON.stringify({ number, revision });
  return ['insertRecentChange', number, revision, beginMs + revision, changesMax, text];
}

/** As a process writes it that does not know whether the history has the branch. */
function namedChangeOf(number: number, revision: number, names: readonly string[]): Statement {
  const [, ...values] = changeOf(number, revision, 100);
  return [
    'insertRecentChangeWithNames',
    ...values.slice(0, 4),
    `key ${number}`,
    `branch ${number}`,
    beginMs + keptMs,
    JSON.stringify(names),
    values[4] ?? null,
  ];
}

function seen({ queries }: Opened) {
  return {
    histories: sessions.map((number) => {
      const rows = changesOf(queries, `key ${number}`, `branch ${number}`);
      return rows.map(({ revision, at_ms, document }) => ({ revision, at_ms, document }));
    }),
    branches: sessions.map((number) => queries.historyBranches.all(`key ${number}`)),
    named: ['a', 'b', 'c'].map((name) => queries.historyBy.all(name, 'key', 10)),
  };
}

const anyChange = fc.record({
  number: fc.constantFrom(...sessions),
  names: fc.option(fc.subarray(['a', 'b', 'c'])),
});

// Kills: a change that is lost or seen twice on its way; one that is sorted in out of order; a name or a
// branch that is found only before or only after; a step that does not end.
test('what is sorted in is read as before, also while more comes', () => {
  let steps = 0;
  fc.assert(
    fc.property(fc.array(fc.array(anyChange, { maxLength: 6 }), { maxLength: 6 }), (groups) => {
      const [sorted, unsorted] = [open(), open()];
      let revision = 0;
      const known = new Set<number>();
      for (const group of groups) {
        const writes = group.map(({ number, names }) => {
          revision += 1;
          const isKnown = known.has(number);
          known.add(number);
          return names === null && isKnown
            ? changeOf(number, revision, 100)
            : namedChangeOf(number, revision, names ?? []);
        });
        for (const opened of [sorted, unsorted]) insert(opened, ...writes);
        assert.deepEqual(seen(sorted), seen(unsorted));
        if (sorted.recent.sortSome()) assert.fail('a step takes them all');
        steps += 1;
        assert.deepEqual(seen(sorted), seen(unsorted));
      }
      assert.equal(sorted.db.prepare('SELECT * FROM recent_change').all().length, 0);
    }),
    { numRuns: 40, endOnFailure: true },
  );
  assert.ok(steps > 40);
});

// Kills: the newest dropped for the oldest; revisions counted in place of changes.
test('the newest of a session stay when changes are sorted in, be their revisions far apart', () => {
  const opened = open();
  const rows = () =>
    opened.db
      .prepare('SELECT revision FROM history_change WHERE session_number = 1')
      .all()
      .map(({ revision }) => revision);
  for (const revision of [10, 20, 30, 40]) insert(opened, changeOf(1, revision));
  opened.recent.sortSome();
  assert.deepEqual(rows(), [10, 20, 30, 40]);
  for (const revision of [50, 60, 70]) insert(opened, changeOf(1, revision));
  opened.recent.sortAll();
  assert.deepEqual(rows(), [30, 40, 50, 60, 70]);
});

// Kills: a table of recent changes without end; steps that are never due again; a change that is seen
// twice, or not, between two steps; one that came meanwhile and is removed unsorted.
test('steps are due after thousands of changes, or long ones, and leave none behind', () => {
  const opened = open();
  const left = () => opened.db.prepare('SELECT count(*) AS n FROM recent_change').get()?.['n'];
  insert(opened, ...sessions.map((number) => namedChangeOf(number, 1, ['a'])));
  for (const round of [1, 2]) {
    const many = Array.from({ length: 16_383 }, (_, n) => changeOf(n + 1, 10 * round));
    opened.db.exec('BEGIN');
    assert.equal(opened.recent.noteCommitted(insert(opened, ...many)), false);
    opened.db.exec('COMMIT');
    assert.equal(opened.recent.noteCommitted(insert(opened, changeOf(16_384, 10 * round))), true);
    const before = seen(opened);
    let steps = 1;
    while (opened.recent.sortSome()) {
      assert.deepEqual(seen(opened), before);
      steps += 1;
      // Not due a second time while they go on.
      assert.equal(opened.recent.noteCommitted(insert(opened, changeOf(4, 100 * steps))), false);
    }
    assert.ok(steps >= 16, `${steps} steps`);
    assert.deepEqual(seen(opened), before);
    assert.equal(left(), steps - 1);
    opened.recent.sortSome();
    assert.equal(left(), 0);
  }
  const long: Statement = ['insertRecentChange', 1, 99, beginMs, 5, 'x'.repeat(3 * 2 ** 20)];
  assert.equal(opened.recent.noteCommitted(insert(opened, long)), true);
});

// Kills: a sweep that forgets between two steps, and gets in their way.
test('all that is sorted in at once between two steps leaves nothing for them', () => {
  const opened = open();
  for (let n = 1; n <= 2_000; n += 1) insert(opened, changeOf(n, 1));
  assert.equal(opened.recent.sortSome(), true);
  opened.recent.sortAll();
  opened.recent.noteCommitted([['sortRecentChanges']]);
  assert.equal(opened.recent.sortSome(), false);
  const rows = opened.db.prepare('SELECT count(*) AS n FROM history_change').get();
  assert.equal(rows?.['n'], 2_000);
});

test('a step that fails changes nothing, and steps are due again later', () => {
  const opened = open();
  insert(opened, changeOf(1, 1));
  opened.db.exec('ALTER TABLE history_name RENAME TO gone');
  assert.throws(() => opened.recent.sortAll());
  opened.db.exec('ALTER TABLE gone RENAME TO history_name');
  opened.db.exec(
    'CREATE TRIGGER refuse BEFORE INSERT ON history_change BEGIN SELECT RAISE(ABORT, 1); END',
  );
  assert.equal(opened.recent.sortSome(), false);
  assert.equal(opened.db.prepare('SELECT * FROM recent_change').all().length, 1);
  opened.db.exec('DROP TRIGGER refuse');
  assert.equal(opened.recent.sortSome(), false);
  assert.equal(opened.db.prepare('SELECT * FROM recent_change').all().length, 0);
});

// Kills: a full file that takes no commits any more, since its recent changes cannot leave.
test('where there is no room to sort them in, recent changes give theirs back', () => {
  const opened = open();
  for (let n = 1; n <= 600; n += 1) insert(opened, changeOf(n, 1));
  const pages = Number(opened.db.prepare('PRAGMA page_count').get()?.['page_count']);
  opened.db.exec(`PRAGMA max_page_count = ${pages}`);
  assert.equal(opened.recent.sortSome(), false);
  assert.equal(opened.db.prepare('SELECT * FROM recent_change').all().length, 0);
  insert(opened, changeOf(1, 2));
  assert.equal(opened.recent.sortSome(), false);
  assert.equal(opened.queries.history.all(1).length, 1);
});
