import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { historySlack } from '../history-store.ts';
import { isDamage, isLackOfRoom, type SqliteError } from './sqlite-errors.ts';
import type { Write } from './statements.ts';
import type { HistoryFault } from './writer-messages.ts';

/** Changes that are sorted in when they are as many, or as long, as this. */
const rowsMax = 16_384;
const bytesMax = 3 * 1024 * 1024;

/** Changes that are sorted in by one step, about: some milliseconds. */
const rowsOfStep = 512;

/** Sessions that a report of lost changes names. */
const namedMax = 10;

/** A session of which there are recent changes. */
type Changed = { readonly number: number; readonly newest: number; readonly changesMax: number };

/** Changes of these sessions are sorted in together, with all recent ones of sessions between them. */
type Step = { readonly from: number; readonly to: number; readonly sessions: readonly Changed[] };

/** Only removes what the steps before it have copied. */
const lastStep: Step = { from: 0, to: 0, sessions: [] };

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
 * Nothing here may stop the commits of sessions: what fails is reported, and damage costs the changes
 * that are on the damaged pages.
 *
 * Used by the thread that writes, between transactions unless it says otherwise.
 */
export class RecentChanges {
  readonly #db: DatabaseSync;
  readonly #report: (fault: HistoryFault | undefined) => void;
  readonly #measured: StatementSync;
  readonly #sessions: StatementSync;
  readonly #copy: StatementSync;
  readonly #oldest: StatementSync;
  readonly #drop: StatementSync;
  readonly #addPlaces: readonly StatementSync[];
  readonly #removePlain: StatementSync;
  readonly #remove: StatementSync;
  readonly #key: StatementSync;
  #rows = 0;
  #bytes = 0;
  /** The steps that are due, of the changes up to `#last`. */
  #steps: readonly Step[] = [];
  #last = 0;
  /** Sessions that lost changes to damage since the last report, and how SQLite put it. */
  #lost: string[] = [];
  #damage = '';
  /** True when new branches and names cannot be added, for damage: their changes are lost. */
  #skipsPlaces = false;

  /** `report` hears what happened to changes; undefined: all were sorted in. */
  constructor(
    db: DatabaseSync,
    report: (fault: HistoryFault | undefined) => void = () => undefined,
  ) {
    this.#db = db;
    this.#report = report;
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
    this.#removePlain = db.prepare(
      'DELETE FROM recent_change WHERE number <= ? AND key IS NULL AND names IS NULL',
    );
    this.#addPlaces = [
      'INSERT INTO history_branch (number, key, branch, check_ms) SELECT session_number, key, branch, check_ms FROM recent_change WHERE number <= ? AND key IS NOT NULL ORDER BY session_number ON CONFLICT DO NOTHING',
      "INSERT OR REPLACE INTO history_name (name, session_number, at_ms) SELECT value, session_number, at_ms FROM recent_change, json_each(iif(json_valid(names), names, '[]')) WHERE number <= ? AND names IS NOT NULL ORDER BY number",
    ].map((sql) => db.prepare(sql));
    this.#key = db.prepare(
      'SELECT key FROM session WHERE number = ?1 UNION ALL SELECT key FROM history_branch WHERE number = ?1 LIMIT 1',
    );
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
    try {
      this.#steps = this.#plan();
    } catch (error) {
      this.#noteFailure(error);
    }
    return this.#steps.length > 0;
  }

  /**
   * Makes the next step. True: there are more. A step that fails changes nothing, and others are due
   * after as many changes. One that meets damage is made in parts, until those that cannot be made are
   * known. Where there is no room for it, the recent changes are forgotten: sessions need the room.
   */
  sortSome(): boolean {
    let step: Step | undefined;
    try {
      if (this.#steps.length === 0) this.#steps = this.#plan();
      step = this.#steps[0] ?? lastStep;
      const later = this.#steps.slice(1);
      this.#db.exec('BEGIN IMMEDIATE');
      this.#make(step);
      if (later.length === 0) this.#finish();
      this.#db.exec('COMMIT');
      this.#steps = later;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      if (step && this.#isAround(error)) return this.#goAround(step, error as SqliteError);
      this.#noteFailure(error);
      return false;
    }
    if (this.#steps.length > 0) return true;
    this.#reportLost();
    this.#measure();
    this.#report(undefined);
    return false;
  }

  /** Sorts all in; within a transaction. The steps that it took. */
  sortAll(): number {
    // Those that are due begin anew, with what has come since; also when this one fails.
    this.#steps = [];
    const steps = this.#plan();
    for (const step of steps) this.#make(step);
    this.#finish();
    return steps.length;
  }

  /** True when the group, which failed, may now succeed: recent changes were in its way, and are not. */
  makeWayFor(group: readonly Write[], failure: SqliteError): boolean {
    if (isDamage(failure) && this.#setAsideIfDamaged()) return true;
    if (!group.some(([name]) => name === 'sortRecentChanges')) return false;
    if (isLackOfRoom(failure)) return this.#forget(failure);
    if (!isDamage(failure)) return false;
    // Within a transaction there is no way around damage: SQLite does not commit it then.
    while (this.sortSome());
    return true;
  }

  #plan(): readonly Step[] {
    this.#skipsPlaces = false;
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

  #finish(): void {
    if (!this.#skipsPlaces) for (const statement of this.#addPlaces) statement.run(this.#last);
    this.#remove.run(this.#last);
  }

  /** True of damage outside of the recent changes. */
  #isAround(error: unknown): boolean {
    return isDamage(error) && !this.#skipsPlaces && !isDamaged(this.#db);
  }

  /** Plans parts in place of a step that met damage; what is left of them in the end is lost. */
  #goAround(step: Step, damage: SqliteError): true {
    const { from, to, sessions } = step;
    const isLast = this.#steps.length <= 1;
    const later = isLast ? [lastStep] : this.#steps.slice(1);
    if (sessions.length === 0) {
      this.#skipsPlaces = true;
      this.#noteLost('all that are new', damage);
      this.#steps = later;
    } else if (isLast) this.#steps = [step, lastStep];
    else if (sessions.length === 1) {
      this.#noteLost(this.#nameOf(to), damage);
      this.#steps = later;
    } else {
      const middle = Math.floor(sessions.length / 2);
      const border = sessions[middle - 1]?.number ?? from;
      const first = { from, to: border, sessions: sessions.slice(0, middle) };
      this.#steps = [first, { from: border, to, sessions: sessions.slice(middle) }, ...later];
    }
    return true;
  }

  #noteLost(sessions: string, { message }: SqliteError): void {
    this.#lost.push(sessions);
    this.#damage = message;
  }

  /** The session with this number, as the operator knows it. */
  #nameOf(number: number): string {
    try {
      return String(this.#key.get(number)?.['key'] ?? number);
    } catch {
      return String(number);
    }
  }

  #reportLost(): void {
    if (this.#lost.length === 0) return;
    const named = this.#lost.slice(0, namedMax).join(', ');
    const more = this.#lost.length > namedMax ? ` and ${this.#lost.length - namedMax} more` : '';
    this.#lost = [];
    const message = `the newest changes of these sessions are lost: ${named}${more} (${this.#damage})`;
    this.#report({ kind: 'damaged', message });
  }

  #noteFailure(error: unknown): void {
    this.#reportLost();
    this.#steps = [];
    this.#rows = 0;
    this.#bytes = 0;
    const { message } = error as SqliteError;
    if (isLackOfRoom(error)) this.#forget(error as SqliteError);
    else if (!isDamage(error) || !this.#setAsideIfDamaged()) {
      this.#report({ kind: 'unsorted', message });
    }
  }

  /** Forgets the recent changes, not the branches and names that came with them. True: some are gone. */
  #forget({ message }: SqliteError): boolean {
    this.#steps = [];
    try {
      this.#last = Number(this.#measured.get()?.['last']);
      if (this.#last === 0) return false;
      this.#forgetChanges();
      this.#measure();
      this.#report({ kind: 'forgotten', message });
      return true;
    } catch {
      // The disk itself is full: tried again with the next steps.
      return false;
    }
  }

  #forgetChanges(): void {
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      for (const statement of [this.#removePlain, ...this.#addPlaces, this.#remove]) {
        statement.run(this.#last);
      }
      this.#db.exec('COMMIT');
    } catch {
      // No room for these either: later changes bring their branch again.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#remove.run(this.#last);
    }
  }

  /** True when the table was damaged, and is a new one now. */
  #setAsideIfDamaged(): boolean {
    try {
      const fault = setAsideIfDamaged(this.#db);
      if (!fault) return false;
      this.#steps = [];
      this.#measure();
      this.#report(fault);
      return true;
    } catch {
      // No room for a new one, say. Tried again with the next write that meets the damage.
      return false;
    }
  }

  #measure(): void {
    try {
      const measured = this.#measured.get();
      this.#rows = Number(measured?.['count']);
      this.#bytes = Number(measured?.['bytes']);
    } catch (error) {
      this.#noteFailure(error);
    }
  }
}

/**
 * Puts a new table in the place of a damaged one, with the changes that can be read from either end; the
 * damaged one stays in the file under another name. Undefined: it is not damaged. Outside of transactions.
 *
 * Throws what SQLite throws when there is no room for the new one.
 */
export function setAsideIfDamaged(db: DatabaseSync): HistoryFault | undefined {
  if (!isDamaged(db)) return undefined;
  const one = (sql: string) => String(Object.values(db.prepare(sql).get() ?? {})[0]);
  // Before the transaction: SQLite does not commit one that met damage.
  const readable = readableNumbers(db);
  db.exec('BEGIN IMMEDIATE');
  try {
    const create = one("SELECT sql FROM sqlite_schema WHERE name = 'recent_change'");
    const former = one(
      "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'damaged_recent_change*'",
    );
    const aside = `damaged_recent_change_${former}`;
    db.exec(`ALTER TABLE recent_change RENAME TO ${aside}; ${create}`);
    const copy = db.prepare(`INSERT INTO recent_change SELECT * FROM ${aside} WHERE number = ?`);
    for (const number of readable) copy.run(number);
    db.exec('COMMIT');
    return {
      kind: 'damaged',
      message: `some of the newest changes are lost; what is left of them is in the table ${aside}`,
    };
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Of the recent changes that can be read, from either end. */
function readableNumbers(db: DatabaseSync): Iterable<number> {
  const row = db.prepare('SELECT * FROM recent_change WHERE number = ?');
  const found = new Set<number>();
  for (const order of ['ASC', 'DESC']) {
    const numbers = db.prepare(`SELECT number FROM recent_change ORDER BY number ${order}`);
    unlessDamaged(() => {
      for (const { number } of numbers.iterate()) {
        if (unlessDamaged(() => row.get(Number(number)))) found.add(Number(number));
      }
    });
  }
  return found;
}

/** True when the table of recent changes cannot be read to its end for damage. */
function isDamaged(db: DatabaseSync): boolean {
  try {
    db.prepare('SELECT sum(length(document)), max(names) FROM recent_change').get();
    return false;
  } catch (error) {
    return isDamage(error);
  }
}

/** False when `work` met damage. */
function unlessDamaged(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}
