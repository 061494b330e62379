/**
 * The thread that writes. It owns the only connection that changes the file, takes groups of
 * writes, puts each group into one transaction, and answers when that is as durable as asked. So a
 * slow disk stalls this thread and not the event loop of the server.
 *
 *   in   a group: a list of `Write`          out  undefined: committed; a text: nothing of it is
 *   in   null: close and end                 out  the thread ends
 */

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Durability } from '../store.ts';
// Nothing heavier: the thread is up when its imports are.
import { statements, type Write } from './statements.ts';

export type WriterSettings = {
  readonly file: string;
  readonly durability: Durability;
  readonly fileBytesMax: number | undefined;
};

/**
 * The log is copied into the file each time about this much has been written to it. It is done by
 * hand, after a group has been answered, since SQLite would do it within a commit; and rarely,
 * since a page that was written many times meanwhile is copied once.
 */
const checkpointAfterBytes = 16 * 1024 * 1024;
const pageBytes = 4096;
const cacheBytesMax = 8 * 1024 * 1024;

const { file, durability, fileBytesMax } = workerData as WriterSettings;
const db = new DatabaseSync(file, { timeout: 5_000 });
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
const prepared = Object.fromEntries(
  Object.entries(statements).map(([name, sql]) => [name, db.prepare(sql)]),
) as Record<keyof typeof statements, StatementSync>;
let bytesSinceCheckpoint = 0;

parentPort?.on('message', (group: readonly Write[] | null) => {
  if (group === null) {
    db.close();
    parentPort?.close();
    return;
  }
  parentPort?.postMessage(problemOfWriting(group));
  checkpointWhenDue(group);
});

/** Undefined once the group is committed; else why it is not, and nothing of it is left. */
function problemOfWriting(group: readonly Write[]): string | undefined {
  try {
    begin.run();
    for (const [name, ...values] of group) prepared[name].run(...values);
    commit.run();
    return undefined;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    return (error as Error).message;
  }
}

/** A checkpoint that fails (the disk is full, say) costs nothing: the log is as good as the file. */
function checkpointWhenDue(group: readonly Write[]): void {
  for (const values of group) {
    const document = values.at(-1);
    bytesSinceCheckpoint += Math.max(pageBytes, typeof document === 'string' ? document.length : 0);
  }
  if (bytesSinceCheckpoint < checkpointAfterBytes) return;
  bytesSinceCheckpoint = 0;
  try {
    checkpoint.run();
  } catch {
    // Tried again after as many bytes.
  }
}
