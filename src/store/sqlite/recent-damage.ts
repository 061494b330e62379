/** What is done with a damaged table of recent changes or branches. */

import type { DatabaseSync } from 'node:sqlite';
import { isDamage } from './sqlite-errors.ts';
import type { HistoryFault } from './writer-messages.ts';

export type RecentTable = 'recent_change' | 'recent_branch';

/** Reads each row of a table to its end. */
const readAll: Readonly<Record<RecentTable, string>> = {
  recent_change: 'SELECT sum(length(document)) FROM recent_change',
  recent_branch: 'SELECT max(key), max(names) FROM recent_branch',
};

const removeOrphans = `
  DELETE FROM recent_change WHERE session_number NOT IN (
    SELECT number FROM session UNION SELECT number FROM history_branch
    UNION SELECT session_number FROM recent_branch
  )
`;

/** True when the table cannot be read to its end for damage. */
export function isTableDamaged(db: DatabaseSync, table: RecentTable): boolean {
  return !unlessDamaged(() => db.prepare(readAll[table]).get());
}

/**
 * Puts a new table in the place of a damaged one, with the rows that can be read from either end. The
 * damaged one stays in the file under another name, with what SQLite cannot remove of it. Undefined: it is
 * not damaged. Outside of transactions.
 *
 * Throws what SQLite throws when there is no room for the new one.
 */
export function setAsideIfDamaged(db: DatabaseSync, table: RecentTable): HistoryFault | undefined {
  if (!isTableDamaged(db, table)) return undefined;
  const one = (sql: string) => String(Object.values(db.prepare(sql).get() ?? {})[0]);
  // Before the transaction: SQLite does not commit one that met damage.
  const readable = readableNumbers(db, table);
  const create = one(`SELECT sql FROM sqlite_schema WHERE name = '${table}'`);
  const former = one(`SELECT count(*) FROM sqlite_schema WHERE name GLOB 'damaged_${table}*'`);
  const aside = `damaged_${table}_${former}`;
  inTransaction(db, () => {
    db.exec(`ALTER TABLE ${table} RENAME TO ${aside}; ${create}`);
    const copy = db.prepare(`INSERT INTO ${table} SELECT * FROM ${aside} WHERE number = ?`);
    for (const number of readable) copy.run(number);
    // A session that gets the number of a branch that is lost must not get its changes.
    if (table === 'recent_branch') db.exec(removeOrphans);
  });
  const what = table === 'recent_change' ? 'changes' : 'branches';
  const left = isRemoved(db, aside) ? '' : `; the damaged pages stay in the table ${aside}`;
  return {
    kind: 'damaged',
    message: `some of the newest ${what} are lost${left}`,
  };
}

/** False when SQLite does not remove the table; its rows are removed from either end then, as far as it can. */
function isRemoved(db: DatabaseSync, table: string): boolean {
  if (unlessDamaged(() => db.exec(`DROP TABLE ${table}`))) return true;
  for (const order of ['ASC', 'DESC']) {
    for (const count of [256, 1]) {
      const remove = db.prepare(
        `DELETE FROM ${table} WHERE number IN (SELECT number FROM ${table} ORDER BY number ${order} LIMIT ${count})`,
      );
      unlessDamaged(() => {
        while (Number(remove.run().changes) > 0);
      });
    }
  }
  return false;
}

/** Of the rows that can be read, from either end; the smallest first. */
function readableNumbers(db: DatabaseSync, table: RecentTable): readonly number[] {
  const row = db.prepare(`SELECT * FROM ${table} WHERE number = ?`);
  const found = new Set<number>();
  for (const order of ['ASC', 'DESC']) {
    const numbers = db.prepare(`SELECT number FROM ${table} ORDER BY number ${order}`);
    unlessDamaged(() => {
      for (const { number } of numbers.iterate()) {
        if (found.has(Number(number))) return;
        if (unlessDamaged(() => row.get(Number(number)))) found.add(Number(number));
      }
    });
  }
  return [...found].toSorted((one, other) => one - other);
}

/** Commits what `work` did, or nothing. Throws what it throws. */
export function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    work();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
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
