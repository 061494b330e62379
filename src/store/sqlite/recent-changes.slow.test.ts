import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { migrate, migrations } from './migrations.ts';
import { changesOf, prepareQueries } from './queries.ts';
import { RecentChanges, type RecentLimits } from './recent-changes.ts';
import { type HistoryWrite, statements, type Write } from './statements.ts';
import type { HistoryFault } from './writer-messages.ts';

const sessions = [1, 2, 3] as const;
const [beginMs, keptMs] = [1_000, 500];
/** The table may have one change, and a step takes two. */
const few: RecentLimits = { changesMax: 1, bytesMax: 1_000_000, changesOfStep: 2 };
/** All in one step. */
const atOnce: RecentLimits = { changesMax: 0, bytesMax: 1_000_000, changesOfStep: 10_000 };

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-recent-changes-'));
after(() => rmSync(folder, { recursive: true }));

function open(file = ':memory:', limits: RecentLimits = few) {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA synchronous = OFF');
  migrate(db, migrations);
  const reports: (HistoryFault | undefined)[] = [];
  const recent = new RecentChanges(db, (fault) => reports.push(fault), limits);
  return { db, recent, queries: prepareQueries(db), reports };
}

/** Closes the file, and opens it again with the page overwritten that has this text. */
function openSpoiled({ db }: TestFile, text: string, limits?: RecentLimits): TestFile {
  const file = db.location() ?? assert.fail();
  db.close();
  spoil(file, text);
  return open(file, limits);
}

function spoil(file: string, text: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(text);
  assert.ok(at > 0);
  writeFileSync(file, bytes.fill(0xff, at - (at % 4096), at - (at % 4096) + 4096));
}

function count({ db }: TestFile, table: string): unknown {
  return db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'];
}

/** Rows that can be read of the table that was damaged. */
function leftOf({ db }: TestFile): number {
  let left = 0;
  for (const order of ['ASC', 'DESC']) {
    const rows = db.prepare(`SELECT number FROM damaged_recent_change_0 ORDER BY number ${order}`);
    try {
      for (const _ of rows.iterate()) left += 1;
    } catch {
      // The damaged page.
    }
  }
  return left;
}

function kindsOf({ reports }: TestFile): readonly (string | undefined)[] {
  return reports.map((fault) => fault?.kind);
}

const refuseBranches =
  'CREATE TRIGGER refuse BEFORE INSERT ON history_branch BEGIN SELECT RAISE(ABORT, 1); END';

type TestFile = ReturnType<typeof open>;

/** As the writer does. */
function commit({ db, recent }: TestFile, ...writes: readonly Write[]): void {
  recent.noteBegun();
  db.exec('BEGIN');
  for (const write of writes) {
    if (write[0] === 'appendChange') {
      const session = "INSERT INTO session VALUES (?, ?, 1, NULL, '{}') ON CONFLICT DO NOTHING";
      db.prepare(session).run(write[1], `key ${write[1]}`);
    }
    const sql = (statements as Record<string, string>)[write[0]];
    if (sql === undefined) recent.write(write as HistoryWrite);
    else db.prepare(sql).run(...(write.slice(1) as (string | number | null)[]));
  }
  db.exec('COMMIT');
  recent.noteCommitted(writes);
}

/** As when they have ended. */
function endSessions({ db }: TestFile): void {
  db.exec('DELETE FROM session');
}

/** Does all work that is due. */
function work({ recent }: TestFile): void {
  while (recent.isDue) recent.workSome();
}

function changeOf(session: number, revision: number, changesMax = 5, text = ''): Write {
  const change = JSON.stringify({ is: `${session} at ${revision}.`, ...(text && { text }) });
  return ['appendChange', session, revision, beginMs + revision, changesMax, change];
}

/** A change that fills a page alone. */
function longChangeOf(session: number, revision: number): Write {
  return changeOf(session, revision, 5, 'x'.repeat(3_000));
}

/** What a commit adds that does not know whether the history has the branch. */
function branchOf(session: number, names: readonly string[], atMs = beginMs): Write {
  const place = [`key ${session}`, `branch ${session}`, atMs + keptMs] as const;
  return ['insertRecentBranch', session, atMs, ...place, JSON.stringify(names)];
}

function revisionsOf({ queries, recent }: TestFile, session: number): readonly number[] {
  const rows = changesOf(queries, session, recent.rowsOf(session));
  return rows.map(({ revision }) => Number(revision));
}

function seen(opened: TestFile) {
  const { queries } = opened;
  return {
    histories: sessions.map((session) =>
      changesOf(queries, session, opened.recent.rowsOf(session)).map((row) => {
        const { revision, at_ms, document } = row;
        return { revision, at_ms, document };
      }),
    ),
    branches: sessions.map((session) => queries.historyBranches.all(`key ${session}`)),
    named: ['a', 'b', 'c'].map((name) => queries.historyBy.all(name, 'key', 10)),
  };
}

const anyChange = fc.record({
  session: fc.constantFrom(...sessions),
  names: fc.option(fc.subarray(['a', 'b', 'c'])),
});

// Kills: a change that is lost or seen twice on its way; blocks in the wrong order; one of which too much is
// dropped; a name or a branch that is found only before or only after; work without end.
test('what is sorted in is read as before, at each step and after a restart', () => {
  let steps = 0;
  fc.assert(
    fc.property(
      fc.array(fc.array(anyChange, { maxLength: 6 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 7 }),
      (groups, kept) => {
        const [sorted, unsorted] = [open(), open(':memory:', { ...few, changesMax: 1_000 })];
        let revision = 0;
        const known = new Set<number>();
        for (const group of groups) {
          const writes = group.flatMap(({ session, names }) => {
            revision += 1;
            const isKnown = known.has(session);
            known.add(session);
            const change = changeOf(session, revision, kept);
            return names === null && isKnown ? [change] : [change, branchOf(session, names ?? [])];
          });
          for (const opened of [sorted, unsorted]) commit(opened, ...writes);
          work(unsorted);
          while (sorted.recent.isDue) {
            sorted.recent.workSome();
            steps += 1;
            assert.deepEqual(seen(sorted), seen(unsorted));
          }
          const restarted = { ...sorted, recent: new RecentChanges(sorted.db, undefined, few) };
          assert.deepEqual(seen(restarted), seen(unsorted));
          commit(sorted, ['sortBranches']);
          assert.deepEqual(seen(sorted), seen(unsorted));
        }
        assert.ok(Number(count(sorted, 'recent_change')) <= 1);
        assert.equal(count(sorted, 'recent_branch'), 0);
      },
    ),
    { numRuns: 60, endOnFailure: true },
  );
  assert.ok(steps > 60);
});

// Kills: a hole in a history that is read while the writer's thread moves the changes into a block.
test('changes that are sorted in between two reads of a history are seen', () => {
  for (const before of [1, 2, 3, 4, 5]) {
    const opened = open(':memory:', { ...few, changesMax: 4, changesOfStep: 3 });
    for (const revision of [1, 2, 3, 4, 5]) commit(opened, changeOf(1, revision));
    opened.recent.workSome();
    const rows = opened.recent.rowsOf(1) ?? assert.fail();
    const { queries, recent } = opened;
    let reads = 0;
    const get = (row: number, session: number) => {
      reads += 1;
      if (reads === before) recent.workSome();
      return queries.recentChange.get(row, session);
    };
    const read = changesOf({ ...queries, recentChange: { get } as never }, 1, rows);
    assert.deepEqual(
      read.map(({ revision }) => revision),
      [5, 4, 3, 2, 1],
    );
    assert.equal(count(opened, 'recent_change'), 2);
  }
});

// Kills: a block twice, since some of its changes were still recent ones when the process ended.
test('changes that are in a block and recent ones as well are sorted in once', () => {
  const opened = open();
  for (const revision of [1, 2, 3, 4]) commit(opened, changeOf(1, revision));
  commit(opened, changeOf(2, 1));
  while (count(opened, 'history_block') === 0) opened.recent.workSome();
  assert.ok(Number(count(opened, 'recent_change')) > 0);
  const again = { ...opened, recent: new RecentChanges(opened.db, undefined, atOnce) };
  work(again);
  assert.equal(count(again, 'recent_change'), 0);
  const counted = again.db.prepare('SELECT sum(changes_count) AS n FROM history_block').get();
  assert.equal(counted?.['n'], 5);
  assert.deepEqual(revisionsOf(again, 1), [4, 3, 2, 1]);
});

// Kills: blocks that nobody reads and that stay; the newest dropped for the oldest; a session that changes
// often and of which each change is written twice.
test('what is kept of a session is bounded, and of one that changes often nothing is sorted in', () => {
  const opened = open(':memory:', { ...few, changesMax: 100 });
  for (let revision = 1; revision <= 1_000; revision += 1) {
    // Far apart, as after commits without history.
    commit(opened, changeOf(1, revision * 10));
    if (revision % 60 === 0) commit(opened, changeOf(2, revision));
    work(opened);
    assert.ok(Number(count(opened, 'recent_change')) <= 100);
  }
  assert.deepEqual(revisionsOf(opened, 1), [10_000, 9_990, 9_980, 9_970, 9_960]);
  const blocks = opened.db
    .prepare('SELECT session_number AS n, sum(changes_count) AS c FROM history_block GROUP BY 1')
    .all();
  assert.deepEqual(
    blocks.map(({ n }) => n),
    [2],
  );
  assert.ok(Number(blocks[0]?.['c']) <= 5 + 2, JSON.stringify(blocks));
  assert.deepEqual(revisionsOf(opened, 2), [960, 900, 840, 780, 720]);
});

test('long changes are sorted in sooner, and lie in several blocks', () => {
  const opened = open(':memory:', {
    ...few,
    changesMax: 1_000,
    bytesMax: 200_000,
    changesOfStep: 1,
  });
  for (let revision = 1; revision <= 100; revision += 1) {
    commit(opened, changeOf(1, revision, 100, 'x'.repeat(3_000)));
    work(opened);
  }
  assert.ok(Number(count(opened, 'history_block')) > 1);
  assert.ok(Number(count(opened, 'recent_change')) < 70);
  assert.equal(revisionsOf(opened, 1).length, 100);
});

// Kills: rows of a transaction that was undone, in the index or in the count; a row given twice.
test('what is rolled back is not known', () => {
  const opened = open();
  work(opened);
  commit(opened, changeOf(1, 1));
  opened.recent.noteBegun();
  opened.db.exec('BEGIN');
  opened.recent.write(changeOf(1, 2) as HistoryWrite);
  opened.recent.write(['forgetOldest', beginMs + 9]);
  opened.db.exec('ROLLBACK');
  assert.deepEqual(opened.recent.rowsOf(1), [1]);
  commit(opened, changeOf(2, 1));
  assert.deepEqual(opened.recent.rowsOf(1), [1]);
  assert.deepEqual(opened.recent.rowsOf(2), [3]);
});

test('many new branches are sorted in between groups', () => {
  const opened = open();
  const many = Array.from({ length: 4_095 }, (_, n) => branchOf(n + 1, ['a']));
  commit(opened, ...many);
  work(opened);
  assert.equal(count(opened, 'recent_branch'), 4_095);
  commit(opened, branchOf(4_096, ['b']));
  work(opened);
  assert.ok(Number(count(opened, 'recent_branch')) < 4_096);
  assert.equal(opened.queries.historyBy.all('a', 'key', 5_000).length, 4_095);
  assert.equal(opened.queries.historyBy.all('b', 'key', 10).length, 1);
});

// Kills: a young change forgotten with an old one of its block; an old one that is read again once a younger
// one is gone; a branch that goes while something is left of it; a sweep that forgets what it cannot see.
test('what is old is forgotten in blocks and in recent changes, and at last the branch', () => {
  const opened = open(':memory:', { ...few, changesMax: 3 });
  commit(opened, changeOf(1, 1), branchOf(1, ['a']), ['forgetChanges', 1, beginMs + 9, keptMs]);
  commit(opened, changeOf(1, 2), changeOf(1, 3), changeOf(1, 4), ['sortBranches']);
  work(opened);
  for (const revision of [5, 6, 7]) commit(opened, changeOf(1, revision));
  assert.deepEqual(revisionsOf(opened, 1), [7, 6, 5, 4, 3]);
  const forget = (revision: number) =>
    commit(opened, ['forgetChanges', 1, beginMs + revision, keptMs]);
  const checkMs = () =>
    opened.db.prepare('SELECT check_ms FROM history_branch').get()?.['check_ms'];
  forget(3);
  assert.deepEqual(revisionsOf(opened, 1), [7, 6, 5, 4]);
  assert.equal(checkMs(), beginMs + 4 + keptMs);
  forget(5);
  assert.deepEqual(revisionsOf(opened, 1), [7, 6]);
  assert.equal(count(opened, 'history_block'), 0);
  assert.equal(checkMs(), beginMs + 6 + keptMs);
  endSessions(opened);
  forget(7);
  assert.deepEqual(revisionsOf(opened, 1), []);
  assert.equal(count(opened, 'history_branch'), 0);
  assert.equal(count(opened, 'history_name'), 0);
});

// Kills: the last change of a session that nobody can read, since its branch went in its own group.
test('what is forgotten in the group of a newer change leaves that change and its branch', () => {
  const opened = open(':memory:', { ...few, changesMax: 1_000 });
  commit(opened, changeOf(1, 1), branchOf(1, []), ['sortBranches']);
  work(opened);
  // The last one of the session.
  const end: Write = ['deleteSession', 1];
  commit(opened, changeOf(1, 3), end, ['forgetChanges', 1, beginMs + 2, keptMs]);
  assert.deepEqual(revisionsOf(opened, 1), [3]);
  assert.equal(seen(opened).branches[0]?.length, 1);
  const { check_ms } = opened.db.prepare('SELECT check_ms FROM history_branch').get() ?? {};
  assert.equal(check_ms, beginMs + 3 + keptMs);
  commit(opened, changeOf(1, 4), end, ['forgetChanges', 1, beginMs + 4, keptMs]);
  assert.deepEqual(revisionsOf(opened, 1), []);
  assert.equal(count(opened, 'recent_change'), 0);
  assert.equal(count(opened, 'history_branch'), 0);
});

// Kills: changes that nobody can read any more, and that stay in a file that changes rarely.
test('the oldest recent changes are forgotten, also those of which newer ones are kept', () => {
  const opened = open(':memory:', { ...few, changesMax: 1_000 });
  for (let revision = 1; revision <= 20; revision += 1) commit(opened, changeOf(1, revision));
  commit(opened, ['forgetOldest', beginMs + 20]);
  assert.equal(count(opened, 'recent_change'), 20);
  work(opened);
  commit(opened, ['forgetOldest', beginMs + 18]);
  assert.equal(count(opened, 'recent_change'), 2);
  assert.deepEqual(revisionsOf(opened, 1), [20, 19]);
  commit(opened, ['forgetOldest', beginMs + 20]);
  commit(opened, ['forgetOldest', beginMs + 20]);
  assert.equal(count(opened, 'recent_change'), 0);
  // A row number is not given again.
  commit(opened, changeOf(1, 21));
  assert.deepEqual(revisionsOf(opened, 1), [21]);
});

// Kills: a new row with the number of an old one, which SQLite refuses, and the commit with it.
test('a file that could not be read at first gets new rows after its last one', () => {
  const file = join(folder, 'locked.db');
  const former = open(file);
  for (const revision of [1, 2]) commit(former, changeOf(1, revision));
  former.db.close();
  const db = new DatabaseSync(file);
  db.prepare('SELECT 1 FROM recent_change').get();
  using other = new DatabaseSync(file);
  other.exec('BEGIN EXCLUSIVE');
  const reports: (HistoryFault | undefined)[] = [];
  const recent = new RecentChanges(db, (fault) => reports.push(fault), few);
  other.exec('ROLLBACK');
  const opened = { db, recent, queries: prepareQueries(db), reports };
  assert.deepEqual(kindsOf(opened), ['unsorted']);
  commit(opened, changeOf(1, 3));
  assert.deepEqual(revisionsOf(opened, 1), [3, 2, 1]);
});

// Kills: changes that stay behind one that a clock which was ahead has dated, and one that comes back
// when a younger one of its session is forgotten.
test('what is old is forgotten though it is not the oldest row', () => {
  const opened = open(':memory:', { ...few, changesMax: 1_000 });
  for (const ahead of [1, 2]) {
    commit(opened, ['appendChange', 1, ahead, beginMs + 1_000, 3, '{}']);
  }
  for (const revision of [3, 4, 5]) commit(opened, changeOf(1, revision, 3));
  work(opened);
  commit(opened, ['forgetOldest', beginMs + 4]);
  assert.deepEqual(revisionsOf(opened, 1), [5]);
  assert.equal(count(opened, 'recent_change'), 3);
});

// Kills: changes of an ended session that come back with a restart, or that a new session finds, since the
// number was free again; those of others that go with them.
test('what is left of a forgotten branch is removed, and its number is not given again', () => {
  const opened = open(':memory:', { ...few, changesMax: 1_000 });
  for (const revision of [1, 2, 3, 4]) {
    commit(opened, changeOf(9, revision, 2), changeOf(1, revision), changeOf(2, revision));
  }
  commit(opened, branchOf(9, []), branchOf(8, []), branchOf(2, []), ['sortBranches']);
  commit(opened, branchOf(3, []), changeOf(3, 1), ['deleteSession', 2], ['deleteSession', 3]);
  work(opened);
  for (const session of [8, 9]) {
    const forget: Write = ['forgetChanges', session, beginMs + 9, keptMs];
    commit(opened, ['deleteSession', session], forget);
  }
  // Two rows of it are not in the index.
  assert.equal(count(opened, 'recent_change'), 2 + 4 + 4 + 1);
  assert.equal(opened.queries.sessionNumberMax.get()?.['max'], 9);
  const restarted = { ...opened, recent: new RecentChanges(opened.db, undefined, few) };
  restarted.recent.workSome();
  assert.equal(count(restarted, 'recent_change'), 4 + 4 + 1);
  assert.deepEqual(revisionsOf(restarted, 9), []);
  assert.deepEqual(revisionsOf(restarted, 1), [4, 3, 2, 1]);
  assert.deepEqual(revisionsOf(restarted, 2), [4, 3, 2, 1]);
  assert.deepEqual(revisionsOf(restarted, 3), [1]);
});

// Kills: an index that is never made, since it is not known which branches are there.
test('with a damaged page of branches changes are indexed as before', () => {
  const former = open(join(folder, 'known.db'));
  const add = former.db.prepare('INSERT INTO history_branch VALUES (?, ?, ?, 1)');
  for (let n = 1; n <= 60; n += 1) {
    add.run(n, `key ${n}`, `${n}. ${'x'.repeat(900)}`);
    commit(former, changeOf(n, 1));
  }
  const opened = openSpoiled(former, '41. xxx', { ...few, changesMax: 1_000 });
  work(opened);
  assert.deepEqual(revisionsOf(opened, 41), [1]);
  assert.deepEqual(opened.reports, []);
  opened.db.close();
});

test('a step that fails changes nothing, and is made again after more changes', () => {
  const opened = open();
  for (let n = 1; n <= 3; n += 1) commit(opened, changeOf(n, 1));
  opened.db.exec(
    'CREATE TRIGGER refuse BEFORE INSERT ON history_block BEGIN SELECT RAISE(ABORT, 1); END',
  );
  work(opened);
  assert.equal(count(opened, 'recent_change'), 3);
  opened.db.exec('DROP TRIGGER refuse');
  assert.deepEqual(kindsOf(opened), ['unsorted']);
  commit(opened, ...Array.from({ length: 1_024 }, (_, n) => changeOf(n, 2)));
  work(opened);
  assert.deepEqual(kindsOf(opened), ['unsorted', undefined]);
  assert.deepEqual(revisionsOf(opened, 1), [2, 1]);
});

// Kills: a fault that ends and comes again with every thousand changes, while its cause stays.
test('a failure is over when what failed has succeeded, and not sooner', () => {
  const opened = open(':memory:', { ...few, changesMax: 5_000 });
  const more = () => {
    for (let n = 1; n <= 1_100; n += 1) commit(opened, changeOf(n, 1));
    work(opened);
  };
  opened.db.exec(refuseBranches);
  commit(opened, ...Array.from({ length: 4_096 }, (_, n) => branchOf(n + 1, ['a'])));
  work(opened);
  assert.deepEqual(kindsOf(opened), ['unsorted']);
  more();
  more();
  assert.deepEqual(new Set(kindsOf(opened)), new Set(['unsorted']));
  opened.db.exec('DROP TRIGGER refuse');
  more();
  assert.equal(kindsOf(opened).at(-1), undefined);
  assert.equal(kindsOf(opened).indexOf(undefined), opened.reports.length - 1);
});

// Kills: a thread that writes and ends, since what it does about damage meets another fault.
test('branches that can be sorted in neither with their group nor apart are kept for later', () => {
  const opened = open();
  commit(opened, branchOf(1, ['a']), changeOf(1, 1));
  opened.db.exec(refuseBranches);
  const sort: Write = ['sortBranches'];
  assert.equal(opened.recent.makeWayFor([sort], { errcode: 11, message: 'damaged' }), false);
  assert.deepEqual(kindsOf(opened), ['unsorted']);
  assert.equal(count(opened, 'recent_branch'), 1);
  opened.db.exec('DROP TRIGGER refuse');
  commit(opened, sort);
  assert.deepEqual(kindsOf(opened), ['unsorted', undefined]);
  assert.equal(count(opened, 'recent_branch'), 0);
});

// Kills: a full file that takes no commits any more, since its recent changes cannot leave; changes that
// come later and belong to no branch.
test('where there is no room to sort them in, recent changes give theirs back', () => {
  const opened = open(':memory:', { ...few, changesMax: 590 });
  commit(opened, changeOf(1, 1, 5, 'x'.repeat(9_000)), branchOf(1, ['a']));
  for (let n = 2; n <= 600; n += 1) commit(opened, changeOf(n, 1, 5, 'x'.repeat(500)));
  const pages = Number(opened.db.prepare('PRAGMA page_count').get()?.['page_count']);
  opened.db.exec(`PRAGMA max_page_count = ${pages}`);
  work(opened);
  assert.deepEqual(kindsOf(opened), ['forgotten']);
  assert.equal(count(opened, 'recent_change'), 0);
  commit(opened, changeOf(1, 2));
  assert.deepEqual(revisionsOf(opened, 1), [2]);
  assert.equal(seen(opened).named[0]?.length, 1);
  // It is well once as many changes have come as after another failure.
  for (let revision = 3; revision < 2_000; revision += 1) commit(opened, changeOf(1, revision));
  work(opened);
  assert.deepEqual(kindsOf(opened), ['forgotten', undefined]);
});

// Kills: a sweep that fails for good on a full file, whose deletes would make room.
test('a group that forgets is worth another try once recent changes are forgotten', () => {
  const opened = open();
  const full = { errcode: 13, message: 'full' };
  const forget: Write = ['forgetChanges', 1, 1, 1];
  assert.equal(opened.recent.makeWayFor([forget], full), false);
  commit(opened, changeOf(1, 1));
  assert.equal(opened.recent.makeWayFor([['deleteNode', '1']], full), false);
  assert.equal(opened.recent.makeWayFor([forget], { errcode: 10, message: 'I/O' }), false);
  assert.equal(count(opened, 'recent_change'), 1);
  assert.equal(opened.recent.makeWayFor([forget], full), true);
  assert.equal(count(opened, 'recent_change'), 0);
  assert.deepEqual(kindsOf(opened), ['forgotten']);
});

// Kills: one damaged page of the histories, with which nothing is sorted in any more; damage that nobody
// hears of; a session that loses changes with its neighbours.
test('a damaged page of the histories costs the changes of its sessions, which are named', () => {
  const former = open(join(folder, 'histories.db'));
  commit(former, branchOf(41, []), ['sortBranches']);
  const add = former.db.prepare('INSERT INTO history_block VALUES (?, 1, 1, 5, ?, ?)');
  // Four to a page, with some room left.
  for (let n = 1; n <= 60; n += 1) {
    const text = JSON.stringify({ is: `${n} at 1.`, text: 'x'.repeat(850) });
    add.run(n, beginMs, `1 ${beginMs} ${text}\n`);
  }
  const opened = openSpoiled(former, '"is":"41 at 1."', atOnce);
  for (let n = 1; n <= 60; n += 1) commit(opened, changeOf(n, 2));
  work(opened);
  assert.equal(count(opened, 'recent_change'), 0);
  const lost = Array.from({ length: 60 }, (_, n) => n + 1).filter((session) => {
    try {
      return revisionsOf(opened, session).length !== 2;
    } catch {
      return true;
    }
  });
  assert.ok(lost.includes(41) && lost.length < 10, `${lost}`);
  const [fault] = opened.reports;
  assert.equal(fault?.kind, 'damaged');
  assert.match(fault.message, /these sessions are lost: .*key 41/);
  opened.db.close();
});

// Kills: a table of new branches that grows without end, since new names have a damaged page.
test('damage where new branches and names are put costs these, and no change', () => {
  const former = open(join(folder, 'places.db'));
  former.db.prepare("INSERT INTO history_name VALUES ('a spoiled name', 1, 1)").run();
  const opened = openSpoiled(former, 'a spoiled name');
  commit(opened, changeOf(1, 1), branchOf(1, ['a']), changeOf(2, 1));
  const sort: Write = ['sortBranches'];
  assert.throws(() => commit(opened, sort));
  opened.db.exec('ROLLBACK');
  assert.equal(opened.recent.makeWayFor([sort], { errcode: 11, message: 'damaged' }), true);
  assert.equal(count(opened, 'recent_branch'), 0);
  assert.equal(count(opened, 'recent_change'), 2);
  assert.match(opened.reports[0]?.message ?? '', /^new names of these sessions are lost: key 1 \(/);
  // The branch itself is there.
  assert.equal(count(opened, 'history_branch'), 1);
  opened.db.close();
});

// Kills: branches that are lost with one on a damaged page; changes of a lost branch that stay and belong to
// nobody; those of a session that goes on, lost with its branch; a log that says something else.
test('a damaged page of branches costs the new ones on it, with the changes of ended sessions', () => {
  const former = open(join(folder, 'branch-pages.db'));
  const add = former.db.prepare('INSERT INTO history_branch VALUES (?, ?, ?, 1)');
  // Four to a page. The new ones are between them.
  for (let n = 1; n < 120; n += 2) add.run(n, `key ${n}`, `${n}. ${'x'.repeat(850)}`);
  const opened = openSpoiled(former, '41. xxx', { ...few, changesMax: 1_000 });
  for (let n = 2; n <= 120; n += 2) commit(opened, changeOf(n, 1), branchOf(n, ['a']));
  commit(opened, ['deleteSession', 2], ['deleteSession', 42]);
  const sort: Write = ['sortBranches'];
  assert.throws(() => commit(opened, sort));
  opened.db.exec('ROLLBACK');
  assert.equal(opened.recent.makeWayFor([sort], { errcode: 11, message: 'damaged' }), true);
  commit(opened, sort);
  assert.equal(count(opened, 'recent_branch'), 0);
  const one = opened.db.prepare('SELECT key FROM history_branch WHERE number = ?');
  const lost = Array.from({ length: 60 }, (_, n) => 2 * (n + 1)).filter((number) => {
    try {
      return one.get(number) === undefined;
    } catch {
      return true;
    }
  });
  assert.ok(lost.includes(42) && lost.length < 10, `${lost}`);
  const keys = lost.map((number) => `key ${number}`).join(', ');
  assert.deepEqual(
    opened.reports.map((fault) => fault?.message.replace(/ \(.*/, '')),
    [`new branches of these sessions are lost: ${keys}`],
  );
  assert.equal(count(opened, 'history_name'), 60 - lost.length);
  work(opened);
  assert.equal(count(opened, 'recent_change'), 59);
  assert.deepEqual(
    [2, 42, 44].map((session) => revisionsOf(opened, session)),
    [[1], [], [1]],
  );
  opened.db.close();
});

// Kills: a thread that writes and ends when it starts or when work is due; a table that is damaged for good;
// whole changes that are lost with the damaged ones; readers that ask for rows and wait without end.
test('a damaged page of recent changes costs those on it, whenever it is found', () => {
  const finds: readonly ((opened: TestFile) => unknown)[] = [
    ({ recent }) => recent.mend(),
    // In the index first, then when it is sorted in.
    (opened) => work(opened),
    // By the one that asks for the last row.
    () => undefined,
  ];
  for (const [at, find] of finds.entries()) {
    const former = open(join(folder, `recent-${at}.db`));
    for (let n = 1; n <= 60; n += 1) commit(former, longChangeOf(n, 1));
    const spoiled = at === 2 ? 60 : 41;
    const opened = openSpoiled(former, `"is":"${spoiled} at 1."`, atOnce);
    find(opened);
    assert.equal(opened.reports[0]?.kind, 'damaged');
    assert.match(
      opened.reports[0].message,
      /the damaged pages stay in the table damaged_recent_change_0/,
    );
    // Each row is a page: those on the damaged one and beside it.
    assert.ok(leftOf(opened) < 10, `${leftOf(opened)} stay`);
    commit(opened, longChangeOf(spoiled, 2));
    work(opened);
    assert.equal(count(opened, 'recent_change'), 0);
    assert.equal(count(opened, 'history_block'), 60);
    assert.deepEqual(revisionsOf(opened, spoiled), [2]);
    opened.db.close();
  }
});

// Kills: a server that takes no commits any more, since the page for its changes is damaged.
test('a commit that meets a damaged page of recent changes is worth another try', () => {
  const opened = open(join(folder, 'append.db'));
  for (let n = 1; n <= 60; n += 1) commit(opened, longChangeOf(n, 1));
  spoil(opened.db.location() ?? '', '"is":"60 at 1."');
  // It reads the page again.
  opened.db.exec('PRAGMA shrink_memory');
  assert.throws(() => commit(opened, longChangeOf(61, 1)));
  opened.db.exec('ROLLBACK');
  const damage = { errcode: 11, message: '' };
  assert.equal(opened.recent.makeWayFor([['deleteNode', '1']], damage), true);
  assert.equal(opened.recent.makeWayFor([['deleteNode', '1']], damage), false);
  commit(opened, longChangeOf(61, 1));
  assert.equal(count(opened, 'recent_change'), 60);
  opened.db.close();
});

// Kills: changes of an ended session that a new one finds, since the number was free again.
test('with a damaged branch its recent changes go', () => {
  const former = open(join(folder, 'branches.db'));
  for (let n = 1; n <= 60; n += 1) {
    commit(former, changeOf(n, 1), branchOf(n, [`name ${n}. ${'x'.repeat(3_000)}`]));
  }
  endSessions(former);
  const opened = openSpoiled(former, 'name 41.');
  opened.recent.mend();
  assert.match(opened.reports[0]?.message ?? '', /some of the newest branches are lost/);
  assert.equal(count(opened, 'recent_branch'), 59);
  assert.equal(count(opened, 'recent_change'), 59);
  work(opened);
  assert.deepEqual(revisionsOf(opened, 41), []);
  assert.deepEqual(revisionsOf(opened, 42), [1]);
  opened.db.close();
});
