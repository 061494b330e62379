import { accessSync, constants } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFile } from '../../platform/private-files.ts';
import { StoreUnavailable } from '../store.ts';
import { sqliteCodes } from './sqlite-errors.ts';

/**
 * The lock of this process on the data in `file`, until it is closed.
 *
 * SQLite holds it on an empty file beside it, so the system drops it when the process dies in
 * whatever way, and readers and backups of the data file are not hindered. The file stays: to delete
 * a locked file is to let two processes lock two files of the same name.
 *
 * Throws StoreUnavailable when somebody else holds the lock, or the file beside it cannot be written.
 */
export function lockFile(file: string): { close(): void } {
  let lock: DatabaseSync | undefined;
  try {
    makePrivateFile(`${file}-claim`);
    lock = new DatabaseSync(`${file}-claim`, { timeout: 0 });
    // SQLite gives the lock of a read-only file to everybody.
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
  return errcode === sqliteCodes.busy
    ? `${file} is in use by another OpenMPSD process. Stop that one, or use another data folder.`
    : `${file}-claim cannot be written: ${message}. Check that this process may write to it and to the folder that it is in.`;
}
