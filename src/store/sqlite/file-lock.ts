import { accessSync, constants } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFile } from '../../platform/private-files.ts';
import { StoreUnavailable } from '../store.ts';
import { isLackOfRoom, sqliteCodes } from './sqlite-errors.ts';

export type FileLock = {
  /** True once a server has noted that it wrote the data file. */
  readonly isWritten: boolean;
  /** Notes that the data file is written. Where the disk has no room for that, the next start does it. */
  noteWritten(): void;
  close(): void;
};

/**
 * The lock of this process on the data in `file`, until it is closed.
 *
 * SQLite holds it on a file beside it, so the system drops it when the process dies in
 * whatever way, and readers and backups of the data file are not hindered. The file stays: to delete
 * a locked file is to let two processes lock two files of the same name. It also says whether the data file
 * was ever written: one that is empty later has lost what was in it.
 *
 * Throws StoreUnavailable when somebody else holds the lock, or the file beside it cannot be written.
 */
export function lockFile(file: string): FileLock {
  let lock: DatabaseSync | undefined;
  try {
    makePrivateFile(`${file}-claim`);
    lock = new DatabaseSync(`${file}-claim`, { timeout: 0 });
    // SQLite gives the lock of a read-only file to everybody.
    accessSync(`${file}-claim`, constants.W_OK);
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    // The lock outlasts a commit. Said before it, each of two starts at once would be in the other's way.
    lock.exec('PRAGMA locking_mode = EXCLUSIVE');
    return fileLockOf(file, lock);
  } catch (error) {
    lock?.close();
    throw new StoreUnavailable(problemOf(file, error), { cause: error });
  }
}

function fileLockOf(file: string, db: DatabaseSync): FileLock {
  const isWritten = db.prepare('PRAGMA user_version').get()?.['user_version'] === written;
  return {
    isWritten,
    noteWritten() {
      if (isWritten) return;
      try {
        db.exec(`PRAGMA user_version = ${written}; COMMIT`);
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        if (!isLackOfRoom(error))
          throw new StoreUnavailable(problemOf(file, error), { cause: error });
      }
    },
    close: () => db.close(),
  };
}

/** The `user_version` of the file beside the data file once that is written. */
const written = 1;

function problemOf(file: string, error: unknown): string {
  const { errcode, message } = error as { errcode?: number; message: string };
  return errcode === sqliteCodes.busy
    ? `${file} is in use by another OpenMPSD process. Stop that one, or use another data folder.`
    : `${file}-claim cannot be written: ${message}. Check that this process may write to it and to the folder that it is in.`;
}
