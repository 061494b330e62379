/**
 * The thread that writes. It owns the only connection that changes the file, takes groups of
 * writes, puts each group into one transaction, and answers when that is as durable as asked. So a
 * slow disk stalls this thread and not the event loop of the server.
 *
 *   in   a group: a list of `Write`          out  an answer: committed; with a failure: nothing of it is
 *   in   null: close and end                 out  the thread ends
 *                                            out  what happened to changes of histories
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
// Nothing heavier: the thread is up when its imports are.
import { isLackOfRoom, type SqliteError } from './sqlite-errors.ts';
import { RecentChanges } from './recent-changes.ts';
import { type Statement, statements, type Write } from './statements.ts';
import type { WriteFailure, WriterMessage, WriterSettings } from './writer-messages.ts';

/**
 * The log is copied into the file each time about this much has been written to it. It is done by
 * hand, after a group has been answered, since SQLite would do it within a commit; and rarely,
 * since a page that was written many times meanwhile is copied once.
 */
const checkpointAfterBytes = 16 * 1024 * 1024;
const pageBytes = 4096;
/** What one step of sorting changes in writes, about. */
const bytesOfSorting = 256 * pageBytes;
const busyTimeoutMs = 5_000;
const cacheBytesMax = 8 * 1024 * 1024;

/** Room that deletes have left is given back when it is as much as this, and this share of the file. */
const giveBackAfterBytes = 4 * 1024 * 1024;
const giveBackAfterShare = 1 / 4;
/** Pages given back between two groups: some milliseconds at most. */
const givenBackAtOnce = 128;

const { file, durability, fileBytesMax } = workerData as WriterSettings;
const db = new DatabaseSync(file, { timeout: busyTimeoutMs });
db.exec(`
  PRAGMA synchronous = ${durability === 'strict' ? 'FULL' : 'NORMAL'};
  PRAGMA cache_size = -${cacheBytesMax / 1024};
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA journal_size_limit = ${4 * checkpointAfterBytes};
`);
if (fileBytesMax !== undefined) {
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(fileBytesMax / pageBytes))}`);
}
const begin = db.prepare('BEGIN IMMEDIATE');
const commit = db.prepare('COMMIT');
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
const cutLog = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
const freePages = db.prepare('PRAGMA freelist_count');
const allPages = db.prepare('PRAGMA page_count');
const prepared = Object.fromEntries(
  Object.entries(statements).map(([name, sql]) => [name, db.prepare(sql)]),
) as Record<keyof typeof statements, StatementSync>;
const recentChanges = new RecentChanges(db, (fault) => post({ kind: 'history', fault }));
let bytesSinceCheckpoint = 0;
let isShrinking = false;

parentPort?.on('message', (group: readonly Write[] | null) => {
  if (group === null) {
    db.close();
    parentPort?.close();
    return;
  }
  const failure = failureOfWriting(group);
  if (isLackOfRoom(failure ?? {})) cutTheLog();
  post({ kind: 'answer', failure });
  if (failure !== undefined) return;
  checkpointWhenDue(group);
  if (recentChanges.noteCommitted(group)) setImmediate(sortRecentChanges);
  if (!isShrinking && group.some(([name]) => name.startsWith('delete')) && hasRoomToGiveBack()) {
    isShrinking = true;
    setImmediate(shrink);
  }
});

function post(message: WriterMessage): void {
  parentPort?.postMessage(message);
}

/** Undefined once the group is committed; else why it is not, and nothing of it is left. */
function failureOfWriting(group: readonly Write[]): WriteFailure | undefined {
  const failure = failureOfTrying(group);
  if (failure === undefined || !recentChanges.makeWayFor(group, failure)) return failure;
  return failureOfTrying(group);
}

function failureOfTrying(group: readonly Write[]): WriteFailure | undefined {
  try {
    begin.run();
    for (const write of group) {
      if (write[0] !== 'sortRecentChanges') run(write);
      else bytesSinceCheckpoint += recentChanges.sortAll() * bytesOfSorting;
    }
    commit.run();
    return undefined;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    const { message, errcode } = error as SqliteError;
    return { message, isUndone: true, ...(errcode !== undefined && { errcode }) };
  }
}

function run([name, ...values]: Statement): void {
  prepared[name].run(...values);
}

function checkpointWhenDue(group: readonly Write[]): void {
  for (const values of group) {
    const document = values.at(-1);
    const length = typeof document === 'string' ? document.length : 0;
    // Recent changes share pages.
    const isShared = values[0].startsWith('insertRecentChange');
    bytesSinceCheckpoint += isShared ? length : Math.max(pageBytes, length);
  }
  if (bytesSinceCheckpoint >= checkpointAfterBytes) copyTheLog(checkpoint);
}

/** Goes on when the groups that came meanwhile are written, until all are sorted in. */
function sortRecentChanges(): void {
  if (!db.isOpen) return;
  const isMore = recentChanges.sortSome();
  bytesSinceCheckpoint += bytesOfSorting;
  if (bytesSinceCheckpoint >= checkpointAfterBytes) copyTheLog(checkpoint);
  if (isMore) setImmediate(sortRecentChanges);
}

/** What the log takes is given back to a disk that is full, as far as the file has its pages. */
function cutTheLog(): void {
  // Not waiting for those who read.
  db.exec('PRAGMA busy_timeout = 0');
  copyTheLog(cutLog);
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
}

/** A checkpoint that fails (the disk is full, say) costs nothing: the log is as good as the file. */
function copyTheLog(how: StatementSync): void {
  bytesSinceCheckpoint = 0;
  try {
    how.get();
  } catch {
    // Tried again after as many bytes.
  }
}

function hasRoomToGiveBack(): boolean {
  const free = Number(freePages.get()?.['freelist_count']);
  if (free * pageBytes < giveBackAfterBytes) return false;
  return free > Number(allPages.get()?.['page_count']) * giveBackAfterShare;
}

/**
 * Gives some free pages back, and goes on when the groups that came meanwhile are written, until few
 * are left; then the file itself becomes shorter.
 */
function shrink(): void {
  try {
    db.exec(`PRAGMA incremental_vacuum(${givenBackAtOnce})`);
    bytesSinceCheckpoint += givenBackAtOnce * pageBytes;
    const isMore = Number(freePages.get()?.['freelist_count']) > givenBackAtOnce;
    if (bytesSinceCheckpoint >= checkpointAfterBytes || !isMore) {
      if (isMore) copyTheLog(checkpoint);
      else cutTheLog();
    }
    isShrinking = isMore;
  } catch {
    // The disk is full, say. Tried again when more becomes free.
    isShrinking = false;
  }
  if (isShrinking) setImmediate(shrink);
}
