import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Write } from './statements.ts';

/** Changes that are sorted in when they are as many, or as long, as this. */
const rowsMax = 16_384;
const bytesMax = 3 * 1024 * 1024;

/** Changes that are sorted in by one step: some milliseconds. */
const rowsOfStep = 1_024;

/** More changes than are to be kept of a session are removed together. */
const slack = 16;

/**
 * The changes of sessions that are not sorted in yet. A commit appends its change to the table
 * `recent_change`, which costs a tenth of a row among those of its session: all changes of a group are
 * on one page. Later they are put beside the older ones of their sessions, those of a session together.
 *
 * Used by the thread that writes, between transactions unless it says otherwise.
 */
export class RecentChanges {
  readonly #db: DatabaseSync;
  readonly #count: StatementSync;
  readonly #lastOfSteps: StatementSync;
  readonly #sort: readonly StatementSync[];
  readonly #sessions: StatementSync;
  readonly #oldest: StatementSync;
  readonly #drop: StatementSync;
  readonly #remove: StatementSync;
  #rows = 0;
  #bytes = 0;
  /** The steps that are due: each is about the sessions after those of the one before, to this number. */
  #steps: readonly number[] = [];
  #sortedTo = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    const where = 'session_number > ?1 AND session_number <= ?2';
    this.#count = db.prepare(
      'SELECT count(*) AS count, coalesce(sum(length(document)), 0) AS bytes FROM recent_change',
    );
    this.#lastOfSteps = db.prepare(
      'SELECT DISTINCT session_number AS number FROM (SELECT session_number, row_number() OVER (ORDER BY session_number) AS place FROM recent_change) WHERE place % ? = 0 ORDER BY number',
    );
    this.#sort = [
      `INSERT INTO history_branch (number, key, branch, check_ms) SELECT session_number, key, branch, check_ms FROM recent_change WHERE ${where} AND key IS NOT NULL ORDER BY number ON CONFLICT DO NOTHING`,
      `INSERT OR REPLACE INTO history_name (name, session_number, at_ms) SELECT value, session_number, at_ms FROM recent_change, json_each(names) WHERE ${where} AND names IS NOT NULL ORDER BY number`,
      `INSERT OR REPLACE INTO history_change (session_number, revision, at_ms, document) SELECT session_number, revision, at_ms, document FROM recent_change WHERE ${where} ORDER BY session_number, revision`,
    ].map((sql) => db.prepare(sql));
    // The bare columns are those of the row that has the maximum.
    this.#sessions = db.prepare(
      `SELECT session_number AS number, changes_max, max(revision) AS newest FROM recent_change WHERE ${where} GROUP BY session_number`,
    );
    this.#oldest = db.prepare(
      'SELECT min(revision) AS revision FROM history_change WHERE session_number = ?',
    );
    this.#drop = db.prepare(
      'DELETE FROM history_change WHERE session_number = ?1 AND revision <= (SELECT revision FROM history_change WHERE session_number = ?1 ORDER BY revision DESC LIMIT 1 OFFSET ?2)',
    );
    this.#remove = db.prepare(`DELETE FROM recent_change WHERE ${where}`);
    this.#measure();
  }

  /** True once steps are due. `group` has been committed. */
  noteCommitted(group: readonly Write[]): boolean {
    for (const [name, ...values] of group) {
      if (name === 'sortRecentChanges') this.#measure();
      else if (name.startsWith('insertRecentChange')) {
        this.#rows += 1;
        this.#bytes += String(values.at(-1)).length;
      }
    }
    if (this.#steps.length > 0 || (this.#rows < rowsMax && this.#bytes < bytesMax)) return false;
    const lasts = this.#lastOfSteps.all(rowsOfStep).map(({ number }) => Number(number));
    this.#steps = [...lasts, Number.MAX_SAFE_INTEGER];
    return true;
  }

  /**
   * Makes a step: sorts some changes in. True: there are more. A step that fails changes nothing, and
   * others are due after as many changes.
   */
  sortSome(): boolean {
    const [to = Number.MAX_SAFE_INTEGER, ...later] = this.#steps;
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      this.#sortBetween(this.#sortedTo, to);
      this.#db.exec('COMMIT');
    } catch {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#steps = [];
      this.#sortedTo = 0;
      this.#rows = 0;
      this.#bytes = 0;
      return false;
    }
    this.#steps = later;
    this.#sortedTo = later.length === 0 ? 0 : to;
    if (later.length === 0) this.#measure();
    return later.length > 0;
  }

  /** Sorts all in; within a transaction. */
  sortAll(): void {
    this.#sortBetween(0, Number.MAX_SAFE_INTEGER);
  }

  #sortBetween(from: number, to: number): void {
    for (const statement of this.#sort) statement.run(from, to);
    for (const { number, changes_max, newest } of this.#sessions.all(from, to)) {
      const most = Number(changes_max);
      const oldest = Number(this.#oldest.get(Number(number))?.['revision']);
      if (oldest <= Number(newest) - most - slack) this.#drop.run(Number(number), most);
    }
    this.#remove.run(from, to);
  }

  #measure(): void {
    const measured = this.#count.get();
    this.#rows = Number(measured?.['count']);
    this.#bytes = Number(measured?.['bytes']);
  }
}
