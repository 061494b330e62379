/**
 * The thread that writes. It owns the only connection that changes the file, takes groups of
 * writes, puts each group into one transaction, and answers when that is as durable as asked. So a
 * slow disk stalls this thread and not the event loop of the server.
 *
 *   in   a group: a list of `Write`          out  an answer: committed; with a failure: nothing of it is
 *   in   a question about recent changes     out  its answer
 *   in   null: close and end                 out  the thread ends
 *                                            out  what happened to changes of histories
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
// Nothing heavier: the thread is up when its imports are.
import { isLackOfRoom, type SqliteError } from './sqlite-errors.ts';
import { RecentChanges } from './recent-changes.ts';
import {
  type HistoryWrite,
  logBytesOf,
  pageBytes,
  removes,
  statements,
  type Write,
} from './statements.ts';
import type {
  WriteFailure,
  WriterMessage,
  WriterQuestion,
  WriterRequest,
  WriterSettings,
} from './writer-messages.ts';

/**
 * The log is copied into the file each time about this much has been written to it. It is done by
 * hand, after a group has been answered, since SQLite would do it within a commit; and rarely,
 * since a page that was written many times meanwhile is copied once.
 */
const checkpointAfterBytes = 16 * 1024 * 1024;
/** What a part of the work at recent changes writes, about. */
const bytesOfWork = 64 * pageBytes;
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
let isWorking = false;
/** Of those who ask before the recent changes are indexed. */
let questions: readonly WriterQuestion[] = [];

parentPort?.on('message', (request: WriterRequest) => {
  if (request === null) {
    db.close();
    parentPort?.close();
  } else if ('kind' in request) {
    if (request.kind === 'mend') recentChanges.mend();
    questions = [...questions, request];
    answerQuestions();
    workLater();
  } else writeGroup(request);
});

function writeGroup(group: readonly Write[]): void {
  const failure = failureOfWriting(group);
  if (isLackOfRoom(failure ?? {})) cutTheLog();
  post({ kind: 'answer', failure });
  if (failure !== undefined) return;
  checkpointWhenDue(group);
  recentChanges.noteCommitted(group);
  workLater();
  if (!isShrinking && group.some(removes) && hasRoomToGiveBack()) {
    isShrinking = true;
    setImmediate(shrink);
  }
}

/** Answers those that can be answered, and all of them when it is not known when that will be. */
function answerQuestions(): void {
  if (questions.length === 0 || (recentChanges.isDue && !recentChanges.isIndexed)) return;
  for (const { id, session } of questions) {
    post({ kind: 'rows', id, rows: recentChanges.rowsOf(session) });
  }
  questions = [];
}

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
    recentChanges.noteBegun();
    begin.run();
    for (const write of group) {
      if (isOfHistory(write)) recentChanges.write(write);
      else {
        const [name, ...values] = write;
        prepared[name].run(...values);
      }
    }
    commit.run();
    return undefined;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    const { message, errcode } = error as SqliteError;
    return { message, isUndone: true, ...(errcode !== undefined && { errcode }) };
  }
}

function isOfHistory(write: Write): write is HistoryWrite {
  return !(write[0] in prepared);
}

function checkpointWhenDue(group: readonly Write[]): void {
  for (const write of group) bytesSinceCheckpoint += logBytesOf(write);
  if (bytesSinceCheckpoint >= checkpointAfterBytes) copyTheLog(checkpoint);
}

/** Does what is due with the recent changes, and lets the groups go first that came meanwhile. */
function workLater(): void {
  if (isWorking || !recentChanges.isDue) return;
  isWorking = true;
  setImmediate(() => {
    isWorking = false;
    if (!db.isOpen) return;
    recentChanges.workSome();
    answerQuestions();
    bytesSinceCheckpoint += bytesOfWork;
    if (bytesSinceCheckpoint >= checkpointAfterBytes) copyTheLog(checkpoint);
    workLater();
  });
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
