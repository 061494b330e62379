/**
 * Checks everything in a data file, also while a server uses it, and reports what is lost. Rows of
 * sessions and handles are found by their keys, which an index has too: a damaged page hides the
 * names of none of its rows. Other rows are read from both ends; what lies between two damaged ones
 * is lost.
 */

import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { StoreUnavailable } from '../store.ts';
import { WrongText } from '../stored-text.ts';
import { emptyFile, isMarked, unavailable } from './data-file.ts';
import { realDataFile } from './data-folder.ts';
import { rowsOfBlock } from './history-block.ts';
import { migrations, refuseNewer, versionOf } from './migrations.ts';
import {
  parseChange,
  parseHandle,
  parseMember,
  parseRecord,
  parseSession,
  type Row,
} from './rows.ts';
import {
  isDamage,
  kindOfCode,
  type SqliteError,
  sqliteCodes,
  UnusableFile,
} from './sqlite-errors.ts';
import { problemOfUnfinishedRestore } from './unfinished-restore.ts';
import {
  adviceOnLeftLog,
  countPagesInLog,
  hasNoLog,
  isBegunAnew,
  pagesLost,
  problemOfMissingLog,
  readLogIndex,
} from './write-ahead-log.ts';

export type DataFileListener = {
  /** `done` of `total` rows have been checked; `kinds` names them, such as "sessions". */
  progress(kinds: string, done: number, total: number): void;
  /** Something is lost or damaged: a sentence without a full stop. */
  found(problem: string): void;
};

export type DataFileSummary = {
  /** How many rows of each kind are whole. */
  readonly wholeCounts: readonly WholeCount[];
  /** True when its last pages are not there: SQLite opens no such file for a server. */
  readonly isCut: boolean;
};

export type WholeCount = {
  /** One of the kind, and more, to be written after the count. */
  readonly one: string;
  readonly many: string;
  readonly count: number;
};

const progressEvery = 1_000;

/**
 * What is in the data file, after checking all of it; nothing is changed.
 *
 * Throws StoreUnavailable, with a text for the operator, when there is no such file, it is not one
 * of OpenMPSD, or nothing of it can be read.
 */
export function checkDataFile(named: string, listener: DataFileListener): DataFileSummary {
  const file = realDataFile(named);
  const unfinished = problemOfUnfinishedRestore(file);
  if (unfinished !== undefined) throw new StoreUnavailable(unfinished);
  if (!existsSync(file)) throw new StoreUnavailable(`${file} does not exist.`);
  const index = readLogIndex(file);
  const pagesFound = index === undefined ? 0 : countPagesInLog(file);
  let db: DatabaseSync | undefined;
  let cutPages = 0;
  try {
    db = openToRead(file);
    // Of a file that has been cut SQLite reads nothing otherwise; nothing can be written here.
    db.enableDefensive?.(false);
    db.exec('PRAGMA writable_schema = ON');
    cutPages = pagesCut(file);
    if (cutPages > 0) {
      listener.found(`the file has been cut: its last ${cutPages} pages are lost`);
    }
    if (!isMarked(db)) {
      throw emptyFile(file) ?? new StoreUnavailable(problemOfMissingLog(file));
    }
    refuseNewer(db, migrations);
    const lost = isBegunAnew(file, index) ? 0 : pagesLost(index, pagesFound);
    if (lost > 0) {
      listener.found(
        `its log (${file}-wal) has been cut: ${lost} pages of acknowledged writes are lost`,
      );
    }
    // One snapshot of a file that a server may be writing to.
    db.exec('BEGIN');
    const isNewest = versionOf(db) === migrations.length;
    const wholeCounts = isNewest ? checkTables(db, listener) : [];
    checkStructure(db, listener, isNewest ? checkedTables : new Set());
    return { wholeCounts, isCut: cutPages > 0 };
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    const { errcode = 0, message } = error as SqliteError;
    // Of a file that was cut, tables themselves may be gone.
    if (kindOfCode(errcode) === sqliteCodes.corrupt || cutPages > 0) {
      throw new UnusableFile(
        `${file} is damaged so far that no session can be read: ${message}.`,
        `Restore a backup. ${adviceOnLeftLog(file)}`,
        error,
      );
    }
    throw unavailable(file, error);
  } finally {
    db?.close();
  }
}

/**
 * The file, to be read. The index of its log stays as it is: the next start sees by it that the log was cut.
 *
 * In a folder that nobody may write to, such as a backup that is mounted to be read, SQLite cannot make the
 * index of the log. Where there is no log, it is opened as a file without one.
 */
export function openToRead(file: string): DatabaseSync {
  const options = { readOnly: true, timeout: 5_000 };
  const withIndexAsItIs = pathToFileURL(file);
  withIndexAsItIs.searchParams.set('readonly_shm', '1');
  const hasIndex = existsSync(`${file}-shm`);
  const db = new DatabaseSync(hasIndex ? withIndexAsItIs : file, options);
  try {
    db.prepare('PRAGMA application_id').get();
    return db;
  } catch (error) {
    const code = kindOfCode((error as SqliteError).errcode ?? 0);
    const isRefused = code === sqliteCodes.cannotOpen || code === sqliteCodes.readOnly;
    if (!isRefused || !hasNoLog(file)) return db;
    db.close();
    const url = pathToFileURL(file);
    url.searchParams.set('immutable', '1');
    return new DatabaseSync(url, options);
  }
}

/** The pages that the header of a file counts and that are not there; 0 of a file with a log. */
function pagesCut(file: string): number {
  if (!hasNoLog(file)) return 0;
  const header = Buffer.alloc(headerBytes);
  const opened = openSync(file, 'r');
  try {
    if (readSync(opened, header) < headerBytes) return 0;
    if (!header.toString('latin1').startsWith('SQLite format 3\0')) return 0;
  } finally {
    closeSync(opened);
  }
  const written = header.readUInt16BE(16);
  const pageBytes = written === 1 ? 65_536 : written;
  if (pageBytes < 512) return 0;
  return Math.max(0, header.readUInt32BE(28) - Math.floor(statSync(file).size / pageBytes));
}

/** Of a SQLite file: the size of a page at 16, the count of pages at 28. */
const headerBytes = 100;

/** Tables whose rows are checked and counted. */
const countedTables: readonly (Counted & (KeyedTable | OrderedTable))[] = [
  {
    one: 'session',
    many: 'sessions',
    kind: 'session',
    table: 'session',
    kinds: 'sessions',
    keys: 'SELECT key, number AS id FROM session ORDER BY key',
    ids: 'SELECT number AS id FROM session ORDER BY id',
    row: 'SELECT key, document FROM session WHERE number = ?',
    parse: (row) => parseSession(String(row['key']), row),
  },
  {
    one: 'handle',
    many: 'handles',
    kind: 'handle',
    table: 'handle',
    kinds: 'handles',
    keys: "SELECT 'activity of ' || owner_xuid || ' in ' || scid AS key, rowid AS id FROM handle WHERE owner_xuid IS NOT NULL UNION ALL SELECT id, rowid FROM handle WHERE names_owner = 0",
    ids: 'SELECT rowid AS id FROM handle ORDER BY rowid',
    row: 'SELECT id AS key, document FROM handle WHERE rowid = ?',
    parse: parseHandle,
  },
  {
    one: 'record of a service',
    many: 'records of services',
    kind: 'record',
    table: 'record',
    kinds: 'records',
    keys: "SELECT table_name || ' ' || group_name || ' ' || id AS key, rowid AS id FROM record ORDER BY table_name, group_name, record.id",
    ids: 'SELECT rowid AS id FROM record ORDER BY rowid',
    row: 'SELECT id, revision, due_ms, document FROM record WHERE rowid = ?',
    parse: parseRecord,
  },
  {
    one: 'member of a large session',
    many: 'members of large sessions',
    kind: 'member',
    kinds: 'members',
    table: 'member_row',
    order: ['key', 'xuid'],
    parse: parseMember,
  },
  {
    one: 'entry of a people list',
    many: 'entries of people lists',
    kind: 'list entry',
    kinds: 'list entries',
    table: 'list_entry',
    order: ['owner', 'list', 'xuid'],
    parse: () => undefined,
  },
  {
    one: 'change in a history',
    many: 'changes in histories',
    kind: 'block of changes',
    kinds: 'blocks of changes',
    table: 'history_block',
    order: ['session_number', 'last_revision'],
    parse: (row) => rowsOfBlock(row).map(parseChange),
    count: (row) => rowsOfBlock(row).length,
  },
  {
    one: 'recent change',
    many: 'recent changes',
    kind: 'change',
    kinds: 'changes',
    table: 'recent_change',
    order: ['number'],
    parse: parseChange,
  },
];

const newBranches: OrderedTable = {
  kind: 'new branch of a history',
  kinds: 'new branches of histories',
  table: 'recent_branch',
  order: ['number'],
  parse: () => undefined,
};

/** In a file of the newest schema, these are the tables of which each lost row is reported. */
const checkedTables: ReadonlySet<string> = new Set(
  [newBranches, ...countedTables].map(({ table }) => table),
);

function checkTables(db: DatabaseSync, listener: DataFileListener): readonly WholeCount[] {
  checkFromBothEnds(db, listener, newBranches);
  return countedTables.map((table) => {
    const count =
      'keys' in table ? checkByKey(db, listener, table) : checkFromBothEnds(db, listener, table);
    return { one: table.one, many: table.many, count };
  });
}

type Counted = Pick<WholeCount, 'one' | 'many'>;

type KeyedTable = {
  readonly kind: string;
  /** More than one of the kind. */
  readonly kinds: string;
  readonly table: string;
  /** Keys and row ids, by the index of the keys. */
  readonly keys: string;
  /** Row ids, by the table. */
  readonly ids: string;
  readonly row: string;
  readonly parse: (row: Row) => unknown;
};

function checkByKey(db: DatabaseSync, listener: DataFileListener, table: KeyedTable): number {
  const { kind, kinds } = table;
  const known = keysOf(db, listener, table);
  const read = db.prepare(table.row);
  let whole = 0;
  for (const [done, { id, key }] of known.entries()) {
    if (done % progressEvery === 0) listener.progress(kinds, done, known.length);
    try {
      const row = read.get(id);
      if (row === undefined) throw new WrongText('its row is not there');
      table.parse(row);
      whole += 1;
    } catch (error) {
      listener.found(`${kind} ${key ?? `in row ${id}`} is lost: ${reasonOf(error)}`);
    }
  }
  listener.progress(kinds, known.length, known.length);
  return whole;
}

/** Every row id that index or table knows of, with its key if the index tells it. */
function keysOf(
  db: DatabaseSync,
  listener: DataFileListener,
  { kinds, keys, ids }: KeyedTable,
): readonly { readonly id: number; readonly key: string | undefined }[] {
  const found = new Map<number, string | undefined>();
  try {
    for (const { id, key } of db.prepare(keys).iterate()) found.set(Number(id), String(key));
  } catch (error) {
    listener.found(`the index of ${kinds} by key cannot be read: ${reasonOf(error)}`);
  }
  // Each end as far as it goes.
  for (const order of ['', ' DESC']) {
    try {
      for (const { id } of db.prepare(ids + order).iterate()) {
        if (!found.has(Number(id))) found.set(Number(id), undefined);
      }
    } catch {
      // The rows themselves are tried below.
    }
  }
  return [...found].map(([id, key]) => ({ id, key }));
}

type OrderedTable = {
  readonly kind: string;
  /** More than one of the kind. */
  readonly kinds: string;
  readonly table: string;
  readonly order: readonly string[];
  readonly parse: (row: Row) => unknown;
  /** How many a row holds; one unless given. */
  readonly count?: (row: Row) => number;
};

function checkFromBothEnds(
  db: DatabaseSync,
  listener: DataFileListener,
  table: OrderedTable,
): number {
  const { kind, kinds, order } = table;
  const seen = new Set<string>();
  let whole = 0;
  const readFrom = (direction: '' | ' DESC'): string | undefined => {
    let last = direction === '' ? 'the first' : 'the last';
    try {
      const by = order.map((column) => column + direction).join(', ');
      const rows = db.prepare(`SELECT * FROM ${table.table} ORDER BY ${by}`).iterate();
      for (const row of rows) {
        last = order.map((column) => String(row[column])).join(' ');
        if (seen.has(last)) return undefined;
        seen.add(last);
        if (seen.size % progressEvery === 0) listener.progress(kinds, seen.size, seen.size);
        try {
          table.parse(row);
          whole += table.count?.(row) ?? 1;
        } catch (error) {
          listener.found(`${kind} ${last} is lost: ${reasonOf(error)}`);
        }
      }
      return undefined;
    } catch {
      return last;
    }
  };
  const lastBefore = readFrom('');
  if (lastBefore !== undefined) {
    const firstAfter = readFrom(' DESC') ?? 'the last';
    listener.found(problemBetween(table, lastBefore, firstAfter));
  }
  return whole;
}

/** What lies between is on damaged pages, or between two of them, where it is not looked for. */
function problemBetween({ kinds, order }: OrderedTable, before: string, after: string): string {
  const what = `${kinds} between ${before} and ${after}`;
  // Numbers are whole and each is there once.
  const countMax = order.length === 1 ? Number(after) - Number(before) - 1 : Number.NaN;
  const most = countMax >= 1 ? `, ${countMax.toLocaleString('en')} at most` : '';
  return `${what} are lost${most}: one or more pages of the file are damaged`;
}

/** Why a row is lost, in words. */
function reasonOf(error: unknown): string {
  if (isDamage(error)) return 'a page of the file is damaged';
  return (error as Error).message;
}

/**
 * The faults that SQLite finds in each table and its indexes, apart from the contents of rows. What is lost
 * of the `checked` tables has been reported.
 */
function checkStructure(
  db: DatabaseSync,
  listener: DataFileListener,
  checked: ReadonlySet<string>,
): void {
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    .all()
    .map(({ name }) => String(name));
  for (const [done, table] of tables.entries()) {
    listener.progress('tables', done, tables.length);
    for (const [damaged, texts] of faultsOf(db, table)) {
      const [first = ''] = texts;
      const count = `${texts.length}${texts.length < faultsMax ? '' : ' or more'}`;
      const which = texts.length === 1 ? 'the fault' : `the first of ${count} faults`;
      const what =
        damaged === table
          ? `table ${table} is damaged, ${lossOf(table, checked)}`
          : `index ${damaged} of table ${table} is damaged: no row is lost by that, and lists may leave some out`;
      listener.found(`${what} (${which}, as SQLite names it: ${first})`);
    }
  }
  listener.progress('tables', tables.length, tables.length);
}

function lossOf(table: string, checked: ReadonlySet<string>): string {
  if (checked.has(table)) return 'and what of it is lost is named above';
  if (table.startsWith('damaged_')) {
    return 'and a server has put a new one in its place';
  }
  return 'and what of it is lost is not known';
}

/** SQLite names no more of a table. */
const faultsMax = 100;

/** What SQLite says is wrong with a table, by the name of the table or of its index that is concerned. */
function faultsOf(db: DatabaseSync, table: string): ReadonlyMap<string, readonly string[]> {
  const faults = new Map<string, string[]>();
  const add = (text: string): void => {
    const name = indexOf(db, table, text) ?? table;
    faults.set(name, [...(faults.get(name) ?? []), text]);
  };
  try {
    const check = db.prepare(`PRAGMA integrity_check(${table})`);
    for (const { integrity_check: text } of check.iterate()) {
      // Faults of pages are lines of one text, under a heading.
      const lines = String(text).split('\n');
      for (const line of lines) if (line !== 'ok' && !line.startsWith('*** ')) add(line);
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    add((error as Error).message);
  }
  return faults;
}

/** The index of a table that a fault is in; undefined: it is in the table. */
function indexOf(db: DatabaseSync, table: string, text: string): string | undefined {
  const named = /^(?:row \d+ missing from|wrong # of entries in|non-unique entry in) index (\S+)$/;
  const [, name] = named.exec(text) ?? [];
  if (name !== undefined) return name;
  const [, root] = /^Tree (\d+) /.exec(text) ?? [];
  if (root === undefined) return undefined;
  const index = db
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND rootpage = ?",
    )
    .get(table, Number(root));
  return index && String(index['name']);
}
