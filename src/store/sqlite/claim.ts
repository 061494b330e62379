import { accessSync, constants } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailable } from '../store.ts';

/**
 * The exclusive claim of this process on the data in `file`, until it is closed.
 *
 * It is a lock that SQLite holds on an empty file beside it, so the system drops it when the
 * process dies in whatever way, and the data file itself stays open to readers and backups. The
 * file stays: to delete a locked file is to let two processes lock two files of the same name.
 *
 * Throws StoreUnavailable when somebody holds the claim, or the file beside it cannot be written.
 */
export function claim(file: string): { close(): void } {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${file}-claim`, { timeout: 0 });
    // Of a file that it may only read, SQLite lets everybody have the lock.
    accessSync(`${file}-claim`, constants.W_OK);
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    throw new StoreUnavailable(problemOf(file, error), { cause: error });
  }
}

function problemOf(file: string, error: unknown): string {
  const { errcode, message } = error as { errcode?: number; message: string };
  return errcode === sqliteBusy
    ? `${file} is in use by another OpenMPSD process. Stop that one, or use another data folder.`
    : `${file}-claim cannot be written: ${message}. Check that this process may write to it and to the folder that it is in.`;
}

const sqliteBusy = 5;
