import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { migrate, migrations } from './migrations.ts';
import { changesOf, prepareQueries } from './queries.ts';
import { RecentChanges } from './recent-changes.ts';
import { type Statement, statements } from './statements.ts';
import type { HistoryFault } from './writer-messages.ts';

const sessions = [1, 2, 3] as const;
const [beginMs, keptMs] = [1_000, 500];

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-recent-changes-'));
after(() => rmSync(folder, { recursive: true }));

function open(file = ':memory:') {
  const db = new DatabaseSync(file);
  migrate(db, migrations);
  const reports: (HistoryFault | undefined)[] = [];
  const recent = new RecentChanges(db, (fault) => reports.push(fault));
  return { db, recent, queries: prepareQueries(db), reports };
}

/** Closes the file, and opens it again with the page overwritten that has this text. */
function openSpoiled({ db }: Opened, text: string): Opened {
  const file = db.location() ?? assert.fail();
  db.close();
  const bytes = readFileSync(file);
  const at = bytes.indexOf(text);
  assert.ok(at > 0);
  writeFileSync(file, bytes.fill(0xff, at - (at % 4096), at - (at % 4096) + 4096));
  return open(file);
}

/** A change that fills a page alone. */
function longChangeOf(number: number, revision: number): Statement {
  const text = JSON.stringify({ is: `${number} at ${revision}.`, text: 'x'.repeat(3_000) });
  return ['insertRecentChange', number, revision, beginMs + revision, 5, text];
}

function count({ db }: Opened, table: string): unknown {
  return db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'];
}

function kindsOf({ reports }: Opened): readonly (string | undefined)[] {
  return reports.map((fault) => fault?.kind);
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
  // The log is measured by the steps.
  assert.equal(opened.recent.sortAll(), 4);
  opened.recent.noteCommitted([['sortRecentChanges']]);
  assert.equal(opened.recent.sortSome(), false);
  const rows = opened.db.prepare('SELECT count(*) AS n FROM history_change').get();
  assert.equal(rows?.['n'], 2_000);
});

// Kills: steps that go on after it with the changes that came since, and remove some that were not copied.
test('after a sorting between two steps that fails, the steps begin anew', () => {
  const opened = open();
  for (let n = 1; n <= 2_000; n += 1) insert(opened, changeOf(n, 1));
  assert.equal(opened.recent.sortSome(), true);
  insert(opened, changeOf(1, 2));
  opened.db.exec('ALTER TABLE history_name RENAME TO gone; BEGIN');
  assert.throws(() => opened.recent.sortAll());
  opened.db.exec('ROLLBACK; ALTER TABLE gone RENAME TO history_name');
  while (opened.recent.sortSome());
  assert.equal(opened.queries.history.all(1).length, 2);
  assert.equal(count(opened, 'recent_change'), 0);
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
  assert.deepEqual(kindsOf(opened), ['unsorted']);
  assert.equal(opened.recent.sortSome(), false);
  assert.deepEqual(kindsOf(opened), ['unsorted', undefined]);
  assert.equal(opened.db.prepare('SELECT * FROM recent_change').all().length, 0);
});

// Kills: a full file that takes no commits any more, since its recent changes cannot leave; changes that
// come later and belong to no branch.
test('where there is no room to sort them in, recent changes give theirs back', () => {
  const opened = open();
  insert(opened, namedChangeOf(1, 1, ['a']));
  for (let n = 2; n <= 600; n += 1) insert(opened, changeOf(n, 1));
  const pages = Number(opened.db.prepare('PRAGMA page_count').get()?.['page_count']);
  opened.db.exec(`PRAGMA max_page_count = ${pages}`);
  assert.equal(opened.recent.sortSome(), false);
  assert.equal(count(opened, 'recent_change'), 0);
  assert.deepEqual(kindsOf(opened), ['forgotten']);
  insert(opened, changeOf(1, 2));
  assert.equal(opened.recent.sortSome(), false);
  assert.deepEqual(
    seen(opened).histories[0]?.map(({ revision }) => revision),
    [2],
  );
  assert.equal(seen(opened).named[0]?.length, 1);
});

// Kills: a sweep that fails for good on a full file, whose deletes would make room.
test('a group that sorts in is worth another try once recent changes are forgotten', () => {
  const opened = open();
  const full = { errcode: 13, message: 'full' };
  const sort = ['sortRecentChanges'] as const;
  assert.equal(opened.recent.makeWayFor([sort], full), false);
  insert(opened, changeOf(1, 1));
  assert.equal(opened.recent.makeWayFor([['deleteNode', '1']], full), false);
  assert.equal(opened.recent.makeWayFor([sort], { errcode: 10, message: 'I/O' }), false);
  assert.equal(count(opened, 'recent_change'), 1);
  assert.equal(opened.recent.makeWayFor([sort], full), true);
  assert.equal(count(opened, 'recent_change'), 0);
  assert.deepEqual(kindsOf(opened), ['forgotten']);
});

// Kills: one damaged page of the histories, with which nothing is sorted in any more; damage that nobody
// hears of; a session that loses changes with its neighbours.
test('a damaged page of the histories costs the changes of its sessions, which are named', () => {
  const ways: readonly ((recent: RecentChanges) => unknown)[] = [
    (recent) => {
      while (recent.sortSome());
    },
    (recent) => recent.makeWayFor([['sortRecentChanges']], { errcode: 11, message: '' }),
  ];
  for (const [at, sort] of ways.entries()) {
    const former = open(join(folder, `histories-${at}.db`));
    insert(former, namedChangeOf(41, 0, []));
    former.recent.sortAll();
    const add = former.db.prepare('INSERT INTO history_change VALUES (?, 1, ?, ?)');
    // Four to a page, with some room left.
    for (let n = 1; n <= 60; n += 1) {
      add.run(n, beginMs, JSON.stringify({ is: `${n} at 1.`, text: 'x'.repeat(850) }));
    }
    const opened = openSpoiled(former, '"is":"41 at 1."');
    for (let n = 1; n <= 60; n += 1) insert(opened, changeOf(n, 2));
    sort(opened.recent);
    assert.equal(count(opened, 'recent_change'), 0);
    const lost = Array.from({ length: 60 }, (_, n) => n + 1).filter((number) => {
      try {
        return opened.queries.history.all(number).length !== 2;
      } catch {
        return true;
      }
    });
    assert.ok(lost.includes(41) && lost.length < 10, `${lost}`);
    const [fault] = opened.reports;
    assert.equal(fault?.kind, 'damaged');
    assert.match(fault.message, /these sessions are lost: .*key 41/);
    opened.db.close();
  }
});

// Kills: a table of recent changes that grows without end, since new names have a damaged page.
test('damage where new branches and names are put costs these, and no change', () => {
  const former = open(join(folder, 'places.db'));
  const add = former.db.prepare("INSERT INTO history_name VALUES ('a spoiled name', 1, 1)");
  add.run();
  const opened = openSpoiled(former, 'a spoiled name');
  insert(opened, namedChangeOf(1, 1, ['a']), changeOf(2, 1));
  while (opened.recent.sortSome());
  assert.equal(count(opened, 'recent_change'), 0);
  assert.equal(count(opened, 'history_change'), 2);
  assert.match(opened.reports[0]?.message ?? '', /are lost: all that are new/);
  assert.deepEqual(kindsOf(opened), ['damaged', undefined]);
  opened.db.close();
});

// Kills: a thread that writes and ends when it starts or when steps are due; a table that is damaged for good;
// whole changes that are lost with the damaged ones.
test('a damaged page of recent changes costs those on it, whenever it is found', () => {
  const finds: readonly ((opened: Opened) => unknown)[] = [
    // It was found when the file was opened.
    () => undefined,
    ({ recent }) => assert.equal(recent.sortSome(), false),
    ({ recent }) => assert.equal(recent.noteCommitted([['sortRecentChanges']]), false),
    ({ recent }) => assert.equal(recent.makeWayFor([], { errcode: 11, message: '' }), false),
  ];
  for (const [at, find] of finds.entries()) {
    const former = open(join(folder, `recent-${at}.db`));
    for (let n = 1; n <= 60; n += 1) insert(former, longChangeOf(n, 1));
    const opened = openSpoiled(former, '"is":"41 at 1."');
    find(opened);
    assert.equal(opened.reports[0]?.kind, 'damaged');
    assert.match(opened.reports[0].message, /left of them is in the table damaged_recent_change_0/);
    assert.equal(insert(opened, longChangeOf(41, 2)).length, 1);
    opened.recent.sortSome();
    assert.equal(count(opened, 'recent_change'), 0);
    assert.equal(count(opened, 'history_change'), 60);
    assert.equal(opened.queries.history.all(41).length, 1);
    opened.db.close();
  }
});
