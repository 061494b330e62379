import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { historySlack } from '../history-store.ts';
import { isLackOfRoom, type SqliteError } from './sqlite-errors.ts';
import type { Write } from './statements.ts';

/** Changes that are sorted in when they are as many, or as long, as this. */
const rowsMax = 16_384;
const bytesMax = 3 * 1024 * 1024;

/** Changes that are sorted in by one step, about: some milliseconds. */
const rowsOfStep = 512;

/** A session of which there are recent changes. */
type Changed = { readonly number: number; readonly newest: number; readonly changesMax: number };

/** Changes of these sessions are sorted in together, with all recent ones of sessions between them. */
type Step = { readonly from: number; readonly to: number; readonly sessions: readonly Changed[] };

/**
 * The changes of sessions that are not sorted in yet. A commit appends its change to the table
 * `recent_change`, which costs a tenth of a row among those of its session: all changes of a group are
 * on one page. Later they are put beside the older ones of their sessions, those of a session together.
 *
 *     due ──▶ step: the changes of some sessions are copied ──▶ … ──▶ last step: all that were copied
 *                                                                     are removed from the recent ones
 *
 * So a change may be found twice meanwhile. Rows that are removed in the order in which they were
 * written leave whole pages, which costs little.
 *
 * Used by the thread that writes, between transactions unless it says otherwise.
 */
export class RecentChanges {
  readonly #db: DatabaseSync;
  readonly #measured: StatementSync;
  readonly #sessions: StatementSync;
  readonly #copy: StatementSync;
  readonly #oldest: StatementSync;
  readonly #drop: StatementSync;
  readonly #finish: readonly StatementSync[];
  readonly #remove: StatementSync;
  #rows = 0;
  #bytes = 0;
  /** The steps that are due, of the changes up to `#last`. */
  #steps: readonly Step[] = [];
  #last = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#measured = db.prepare(
      'SELECT count(*) AS count, coalesce(max(number), 0) AS last, coalesce(sum(length(document)), 0) AS bytes FROM recent_change',
    );
    // The bare column is that of the row that has the maximum.
    this.#sessions = db.prepare(
      'SELECT session_number AS number, count(*) AS count, max(revision) AS newest, changes_max FROM recent_change WHERE number <= ? GROUP BY session_number ORDER BY session_number',
    );
    this.#copy = db.prepare(
      'INSERT OR REPLACE INTO history_change (session_number, revision, at_ms, document) SELECT session_number, revision, at_ms, document FROM recent_change WHERE session_number > ? AND session_number <= ? AND number <= ? ORDER BY session_number, revision',
    );
    this.#oldest = db.prepare(
      'SELECT min(revision) AS revision FROM history_change WHERE session_number = ?',
    );
    this.#drop = db.prepare(
      'DELETE FROM history_change WHERE session_number = ?1 AND revision <= (SELECT revision FROM history_change WHERE session_number = ?1 ORDER BY revision DESC LIMIT 1 OFFSET ?2)',
    );
    this.#remove = db.prepare('DELETE FROM recent_change WHERE number <= ?');
    this.#finish = [
      ...[
        'INSERT INTO history_branch (number, key, branch, check_ms) SELECT session_number, key, branch, check_ms FROM recent_change WHERE number <= ? AND key IS NOT NULL ORDER BY session_number ON CONFLICT DO NOTHING',
        'INSERT OR REPLACE INTO history_name (name, session_number, at_ms) SELECT value, session_number, at_ms FROM recent_change, json_each(names) WHERE number <= ? AND names IS NOT NULL ORDER BY number',
      ].map((sql) => db.prepare(sql)),
      this.#remove,
    ];
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
    this.#steps = this.#plan();
    return true;
  }

  /**
   * Makes the next step. True: there are more. A step that fails changes nothing, and others are due
   * after as many changes. Where there is no room for it, the recent changes are forgotten: sessions
   * need the room.
   */
  sortSome(): boolean {
    if (this.#steps.length === 0) this.#steps = this.#plan();
    const [step, ...later] = this.#steps;
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      if (step) this.#make(step);
      if (later.length === 0) for (const statement of this.#finish) statement.run(this.#last);
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#steps = [];
      this.#rows = 0;
      this.#bytes = 0;
      if (isLackOfRoom(error as SqliteError)) this.#forget();
      return false;
    }
    this.#steps = later;
    if (later.length === 0) this.#measure();
    return later.length > 0;
  }

  /** Sorts all in; within a transaction. */
  sortAll(): void {
    for (const step of this.#plan()) this.#make(step);
    for (const statement of this.#finish) statement.run(this.#last);
    // One that is due begins anew, with what has come since.
    this.#steps = [];
  }

  #plan(): readonly Step[] {
    this.#last = Number(this.#measured.get()?.['last']);
    const steps: Step[] = [];
    let [from, to, count] = [0, 0, 0];
    let sessions: Changed[] = [];
    for (const row of this.#sessions.all(this.#last)) {
      to = Number(row['number']);
      count += Number(row['count']);
      const [newest, changesMax] = [Number(row['newest']), Number(row['changes_max'])];
      sessions.push({ number: to, newest, changesMax });
      if (count < rowsOfStep) continue;
      steps.push({ from, to, sessions });
      from = to;
      count = 0;
      sessions = [];
    }
    if (sessions.length > 0) steps.push({ from, to, sessions });
    return steps;
  }

  #make({ from, to, sessions }: Step): void {
    this.#copy.run(from, to, this.#last);
    for (const { number, newest, changesMax } of sessions) {
      const oldest = Number(this.#oldest.get(number)?.['revision']);
      if (oldest <= newest - changesMax - historySlack) this.#drop.run(number, changesMax);
    }
  }

  #forget(): void {
    try {
      this.#remove.run(this.#last);
    } catch {
      // The disk itself is full: tried again with the next steps.
    }
  }

  #measure(): void {
    const measured = this.#measured.get();
    this.#rows = Number(measured?.['count']);
    this.#bytes = Number(measured?.['bytes']);
  }
}
