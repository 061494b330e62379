/**
 * Opening the data file: what has to be right before a session is read from it or written to it.
 *
 * 1. Nobody else could have written it, and it has one name (a log lies beside each name).
 * 2. No other server has it: by the lock on the file beside it, and by SQLite's lock on the file
 *    itself, which holds for the file under whatever path and cannot be deleted.
 * 3. Its log is whole.
 * 4. It is ours, and of the newest schema.
 */

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../../platform/make-folder.ts';
import {
  makeFolderPrivate,
  makePrivateFile,
  privateFolderMode,
  problemOfTrust,
} from '../../platform/private-files.ts';
import { realPathOf } from '../../platform/real-path.ts';
import { StoreUnavailable } from '../store.ts';
import { formerVersionOf, keepCopy } from './conversion.ts';
import { type FileLock, lockFile } from './file-lock.ts';
import { migrate, migrations, refuseNewer, versionOf } from './migrations.ts';
import { setAsideIfDamaged } from './recent-damage.ts';
import {
  isLackOfRoom,
  kindOfCode,
  type SqliteError,
  sqliteCodes,
  UnusableFile,
} from './sqlite-errors.ts';
import {
  adviceOnLeftLog,
  hasNoLog,
  needsItsLog,
  pagesInLog,
  pagesLost,
  problemOfMissingLog,
  readLogIndex,
} from './write-ahead-log.ts';
import { finishRestore, problemOfUnfinishedRestore } from './unfinished-restore.ts';
import type { HistoryFault } from './writer-messages.ts';

/** The data file, until it is closed; nobody else has it during that time. */
export type DataFile = {
  /** Its one real path. */
  readonly path: string;
  /** A connection that reads. */
  readonly db: DatabaseSync;
  /**
   * True when the disk had no room for what other connections need: there can be no other than
   * `db`, and nothing can be written until `reopen` gives another one.
   */
  readonly isAlone: boolean;
  /** Changes of histories that were found to be lost when it was opened. */
  readonly historyFault: HistoryFault | undefined;
  /** Opens a file that is alone again, in place of this; it is alone still when there is no room. */
  reopen(): DataFile;
  close(): void;
};

/** Marks a file as data of OpenMPSD: "MPSD" in ASCII. */
const applicationId = 0x4d505344;
const cacheBytesMax = 4 * 1024 * 1024;
const busyTimeoutMs = 5_000;
const attemptsMax = 50;
const attemptEveryMs = 100;

export type DataFileHooks = {
  /** Hears in a line that commits were lost with the log of the file, or that it is converted. */
  readonly log?: ((line: string) => void) | undefined;
  /** Awaited before a file of a former version is converted; what it throws leaves the file alone. */
  readonly beforeConversion?: (() => Promise<void>) | undefined;
};

/**
 * The data file at this path, made with its folder when they do not exist. A file of a former version
 * is converted; a copy of it is kept beside it.
 *
 * Throws StoreUnavailable, with a text for the operator, and what `beforeConversion` throws.
 */
export async function openDataFile(
  named: string,
  { log = () => undefined, beforeConversion }: DataFileHooks = {},
): Promise<DataFile> {
  const file = resolve(named);
  const problem = makeFolder(dirname(file), privateFolderMode);
  if (problem !== undefined) throw new StoreUnavailable(`${problem}. Use another data folder.`);
  const path = prepareFiles(file);
  finishInterruptedRestore(path, log);
  refuseCopyWithoutLog(path);
  const emptyProblem = problemOfEmptyFile(path);
  if (emptyProblem !== undefined && !isBesideLockAlone(path)) throw refusalOf(path, emptyProblem);
  // Before the data file is made: an empty one beside no other is none that a server left.
  const lock = lockFile(path);
  try {
    if (lock.isWritten) refuseWithoutContents(path);
    makeNewFile(path);
    const index = readLogIndex(path);
    const isLogMissing = hasNoLog(path) && needsItsLog(path);
    const connection = await openConnection(path, { log, beforeConversion });
    lock.noteWritten();
    const lostCount = pagesLost(index, connection.pagesInLog);
    if (lostCount > 0) tellOfLostPages(path, lostCount, log);
    else if (emptyProblem !== undefined) {
      log(`warning: ${emptyProblem} This server begins without sessions.`);
    } else if (isLogMissing) log(`warning: ${problemOfMissingLog(path)}`);
    return dataFileOf(path, connection, lock);
  } catch (error) {
    lock.close();
    throw error;
  }
}

type Connection = Pick<DataFile, 'db' | 'isAlone' | 'historyFault'> & {
  /** When it was opened, before anything was written. */
  readonly pagesInLog: number;
};

function dataFileOf(path: string, connection: Connection, lock: { close(): void }): DataFile {
  const { db, isAlone, historyFault } = connection;
  return {
    path,
    db,
    isAlone,
    historyFault,
    reopen() {
      if (db.isOpen) db.close();
      return dataFileOf(path, connect(path, 'ours'), lock);
    },
    close() {
      if (db.isOpen) db.close();
      lock.close();
    },
  };
}

/** The file's real path, once the files beside it are known to belong to this user only. */
function prepareFiles(file: string): string {
  try {
    const real = realPathOf(file);
    makeFolderPrivate(dirname(real), basename(real));
    const beside = ['-wal', '-shm', '-claim'].map((ending) => real + ending);
    for (const one of [real, ...beside]) {
      const problem = problemOfTrust(one);
      if (problem !== undefined) {
        throw new StoreUnavailable(`${problem}, or use another data folder.`);
      }
    }
    const links = statSync(real, { throwIfNoEntry: false });
    if (links?.isFile() && links.nlink > 1) {
      throw new StoreUnavailable(
        `${real} has ${links.nlink} names (hard links). The log of its newest changes lies beside one of them alone, so that under another name they would be lost. Delete the other names, or copy the file while no server is running.`,
      );
    }
    for (const one of [real, ...beside].filter(existsSync)) makePrivateFile(one);
    return real;
  } catch (error) {
    throw unavailable(file, error);
  }
}

/** Throws StoreUnavailable. */
function finishInterruptedRestore(path: string, log: (line: string) => void): void {
  if (problemOfUnfinishedRestore(path) === undefined) return;
  const lock = lockAlone(path);
  try {
    const finished = finishRestore(path);
    if (finished !== undefined) log(finished);
  } catch (error) {
    throw unavailable(path, error);
  } finally {
    lock.close();
  }
}

/** SQLite gives the files that it makes the mode of this one. Throws StoreUnavailable. */
function makeNewFile(path: string): void {
  try {
    makePrivateFile(path);
  } catch (error) {
    throw unavailable(path, error);
  }
}

async function openConnection(
  path: string,
  { log, beforeConversion }: DataFileHooks,
): Promise<Connection> {
  let former: FormerVersion | undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const connection = connect(path, 'unknown', (db) => {
        const version = formerVersionOf(db);
        if (version === undefined) return;
        if (former === undefined) throw new FormerVersion(pagesInLog(db));
        const copy = keepCopy(db, path, version);
        log?.(
          `${path} is being converted from schema version ${version} to ${migrations.length}. The file as it was is kept: ${copy}. A former OpenMPSD needs it in place of the converted one.`,
        );
      });
      return { ...connection, pagesInLog: former?.pagesInLog ?? connection.pagesInLog };
    } catch (error) {
      if (error instanceof FormerVersion) {
        former = error;
        await beforeConversion?.();
      } else if (!(error instanceof InUse) || attempt >= attemptsMax) {
        throw error;
      } else await sleep(attemptEveryMs);
    }
  }
}

/** The file must be converted, and what comes before that has not been done. */
class FormerVersion extends StoreUnavailable {
  readonly pagesInLog: number;

  constructor(pagesInLog: number) {
    super('A former OpenMPSD wrote the file.');
    this.pagesInLog = pagesInLog;
  }
}

/** Somebody else has the file open; whether a server or a reader, SQLite does not tell. */
class InUse extends StoreUnavailable {}

/**
 * A connection for reading, to a file that has the newest schema. Whether somebody else has the file is
 * found out unless it is known to be ours. What `beforeMigration` throws leaves the file as it is.
 */
function connect(
  path: string,
  whose: 'ours' | 'unknown',
  beforeMigration: (db: DatabaseSync) => void = () => undefined,
): Connection {
  let db: DatabaseSync | undefined;
  try {
    // Another process may have the file for long; it is tried again instead.
    db = new DatabaseSync(path, { timeout: 0 });
    // One that may only be read is opened as well, and would fail at the first write.
    accessSync(path, constants.W_OK);
    const isOurs = isMarked(db);
    const found = pagesInLog(db);
    refuseNewer(db, migrations);
    // Of a new file: so that it can give back room. It has to be said before anything is in it.
    if (!isOurs) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // The writer's first commit that waits for the disk takes with it what is written here. Said first,
    // it makes a new file wait less often too.
    db.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL');
    if (whose !== 'ours') refuseIfInUse(db);
    if (!isOurs) db.exec(`PRAGMA application_id = ${applicationId}`);
    beforeMigration(db);
    migrate(db, migrations);
    // That of the changes is long: its damage is found when it is met.
    const historyFault = setAsideIfDamaged(db, 'recent_branch');
    makeShrinkable(db);
    makeReader(db);
    return { db, isAlone: false, historyFault, pagesInLog: found };
  } catch (error) {
    db?.close();
    const alone = isLackOfRoom(error) ? connectAlone(path) : undefined;
    if (alone) {
      return { db: alone, isAlone: true, historyFault: undefined, pagesInLog: pagesInLog(alone) };
    }
    if (kindOfCode((error as SqliteError).errcode ?? 0) === sqliteCodes.busy) {
      throw new InUse(inUse(path), { cause: error });
    }
    throw unavailable(path, error);
  }
}

function inUse(path: string): string {
  return `${path} is in use by another process: another OpenMPSD server, or a program that reads it. Stop that one, or use another data folder.`;
}

/**
 * A connection that needs no room on the disk, since it keeps the index of the log in memory; as long
 * as it lasts there can be no other. Undefined when the file cannot be read in this way either.
 */
function connectAlone(path: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    if (isMarked(db) && versionOf(db) === migrations.length) {
      makeReader(db);
      return db;
    }
  } catch {
    // The first fault is reported.
  }
  db?.close();
  return undefined;
}

/**
 * Copies a file of a former version, once, so that it can free space; when the disk has space for
 * it.
 */
function makeShrinkable(db: DatabaseSync): void {
  if (db.prepare('PRAGMA auto_vacuum').get()?.['auto_vacuum'] !== 0) return;
  try {
    db.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (!isLackOfRoom(error)) throw error;
  }
}

function makeReader(db: DatabaseSync): void {
  db.exec(
    `PRAGMA cache_size = -${cacheBytesMax / 1024}; PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA query_only = ON`,
  );
}

/**
 * Every connection holds a shared lock on the file itself. A process that gets the exclusive one for a
 * moment was alone, and those who come later find the shared one that is held from then on.
 */
function refuseIfInUse(db: DatabaseSync): void {
  // The exclusive mode can be left again only by a connection that used the log before it.
  const look = db.prepare('SELECT count(*) FROM sqlite_schema');
  look.get();
  db.exec('PRAGMA locking_mode = EXCLUSIVE');
  try {
    db.exec('BEGIN IMMEDIATE; COMMIT');
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
    db.exec('PRAGMA locking_mode = NORMAL');
    look.get();
  }
}

/**
 * The lock on a data file that is going to be replaced, once no other process has the file open.
 *
 * Throws StoreUnavailable when one has.
 */
export function lockAlone(path: string): FileLock {
  const isLockThere = existsSync(`${path}-claim`);
  const lock = lockFile(path);
  try {
    // Without its lock file a server is found only by SQLite's own lock.
    if (!isLockThere) refuseIfOpen(path);
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * Throws StoreUnavailable when another process has the file open. A file that is damaged, or of another
 * program, is nobody's.
 */
function refuseIfOpen(path: string): void {
  if (!existsSync(path)) return;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    refuseIfInUse(db);
  } catch (error) {
    if (kindOfCode((error as SqliteError).errcode ?? 0) === sqliteCodes.busy) {
      throw new InUse(inUse(path), { cause: error });
    }
  } finally {
    db?.close();
  }
}

/**
 * Beside a file of a server there is the one that it locked. Where a server ended while it made the file,
 * that one is there too, and the file may be used: nothing was in it.
 */
function refuseCopyWithoutLog(path: string): void {
  if (endingsBeside(path).length > 0 || !needsItsLog(path)) return;
  throw new StoreUnavailable(`${problemOfMissingLog(path)} To begin without it, delete ${path}.`);
}

/**
 * A server that stops leaves no log beside a file that it has written. Then all of its contents are in the
 * file: one that is empty now, or has no tables, was put there by a copy.
 */
function refuseWithoutContents(path: string): void {
  if (!isBesideLockAlone(path)) return;
  const noLog = needsItsLog(path) ? problemOfMissingLog(path) : undefined;
  const problem = problemOfEmptyFile(path) ?? noLog;
  if (problem !== undefined) throw refusalOf(path, problem);
}

function refusalOf(path: string, problem: string): StoreUnavailable {
  return new StoreUnavailable(
    `${problem} To begin without sessions, delete ${path} and the files beside it.`,
  );
}

/**
 * True where a server may have ended before it wrote anything into the file. A log beside an empty one has
 * writes, and SQLite deletes it when it opens the file.
 */
function isBesideLockAlone(path: string): boolean {
  return endingsBeside(path).join() === '-claim';
}

function endingsBeside(path: string): readonly string[] {
  return ['-wal', '-shm', '-claim'].filter((ending) => existsSync(path + ending));
}

/** The sentences about a file that is there and has nothing in it; undefined of any other. */
function problemOfEmptyFile(path: string): string | undefined {
  return emptyFile(path)?.message;
}

/** The error for a file that is there and has nothing in it; undefined for any other. */
export function emptyFile(path: string): UnusableFile | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isFile() || found.size > 0) return undefined;
  return new UnusableFile(
    `${path} is empty, as a copy that broke off or a full disk leaves a file.`,
    'If it had sessions, restore a backup: docs/guides/backup-and-upgrade.md.',
  );
}

function tellOfLostPages(path: string, count: number, log: (line: string) => void): void {
  log(
    `warning: ${path}-wal has been cut: ${count} pages of acknowledged writes that were in it when the last server ended are not. The newest writes are lost; every session is whole, as it was some writes ago. If there is a copy of ${path}-wal, stop this server and put the copy back.`,
  );
}

/** False of a new file; throws StoreUnavailable for a database of another program. */
export function isMarked(db: DatabaseSync): boolean {
  const id = db.prepare('PRAGMA application_id').get()?.['application_id'];
  if (id === applicationId) return true;
  const tables = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count'];
  if (id !== 0 || tables !== 0) throw notOurs(String(db.location()));
  return false;
}

/** Why the file cannot be opened, as the error that a store throws. */
export function unavailable(path: string, error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error;
  const { errcode } = error as SqliteError;
  if (errcode === sqliteCodes.notADatabase) return notOurs(path, error);
  return new StoreUnavailable(problemOfOpening(path, error as SqliteError), { cause: error });
}

function problemOfOpening(path: string, { errcode, message }: SqliteError): string {
  if (isLackOfRoom({ errcode })) {
    return `${path} cannot be opened: ${message}. Make room on the disk of ${dirname(path)}.`;
  }
  if (errcode === sqliteCodes.corrupt) {
    return `${path} is damaged: ${message}. Run "openmpsd check-data ${dirname(path)}" to learn what is lost, and restore a backup. ${adviceOnLeftLog(path)}`;
  }
  const isOfSqlite = errcode !== undefined && errcode !== sqliteCodes.cannotOpen;
  const advice =
    ' Check that it is a file, and that this process may write to it and to its folder.';
  return `${path} cannot be opened: ${message}.${isOfSqlite ? '' : advice}`;
}

/** The error for a file of another program. */
function notOurs(path: string, cause?: unknown): UnusableFile {
  return new UnusableFile(
    `${path} is not a data file of OpenMPSD.`,
    'Move it away, or use another data folder.',
    cause,
  );
}
