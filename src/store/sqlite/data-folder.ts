import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileProblemOf } from '../../platform/file-problem.ts';
import { realPathOf } from '../../platform/real-path.ts';
import { StoreUnavailable } from '../store.ts';
import { problemOfUnfinishedRestore } from './unfinished-restore.ts';

/** The SQLite file of a data folder. */
export function dataFileOf(folder: string): string {
  return join(folder, 'openmpsd.db');
}

/**
 * The path, or where a folder is there its data file.
 *
 * Throws StoreUnavailable, with a text for the operator, when the system does not let it be looked at.
 */
export function dataFileAt(path: string): string {
  try {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    return isFolder ? dataFileOf(path) : path;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): StoreUnavailable {
  return new StoreUnavailable(`${path} cannot be read: ${fileProblemOf(error)}.`, { cause: error });
}

/**
 * The path of a data file without links, as a server resolves it, for programs that only read it.
 *
 * Throws StoreUnavailable, with a text for the operator.
 */
export function realDataFile(named: string): string {
  try {
    return realPathOf(named);
  } catch (error) {
    throw unreadable(named, error);
  }
}

/**
 * The secret of the store in a data folder (see `Agreements.secret`), whether a server is running on it
 * or not.
 *
 * Throws StoreUnavailable, with a text for the operator, when there is none to be read.
 */
export async function readSecret(folder: string): Promise<Uint8Array> {
  const file = realDataFile(dataFileOf(folder));
  const unfinished = problemOfUnfinishedRestore(file);
  if (unfinished !== undefined) throw new StoreUnavailable(unfinished);
  if (!existsSync(file)) {
    throw new StoreUnavailable(
      `${file} does not exist yet; start the server once with this data folder, or use --unsigned.`,
    );
  }
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    return db.prepare('SELECT bytes FROM secret').get()?.['bytes'] as Uint8Array;
  } catch (error) {
    const { message } = error as Error;
    throw new StoreUnavailable(`${file} cannot be read: ${message}.`, { cause: error });
  } finally {
    db?.close();
  }
}
