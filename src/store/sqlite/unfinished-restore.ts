/**
 * A backup that becomes the data file, in steps of which each may be the last one of a process.
 *
 * The copy of the backup has a name that says that it is whole, and when it was made:
 * `openmpsd.db.restored-20260131T120000Z`. From then on it counts. The former files get the same date
 * (`openmpsd.db.before-20260131T120000Z`, also with `-wal` and `-shm`), then the copy gets the name of the
 * data file. Where a process ended in between, the next one that has the lock does the rest.
 */

import { existsSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { problemOfTrust } from '../../platform/private-files.ts';
import { StoreUnavailable } from '../store.ts';
import { freeName, waitForFolder } from './data-file-copy.ts';

/** The files of one SQLite database. A log is of no use without its file, and harms another in its place. */
export const databaseEndings = ['-wal', '-shm', ''] as const;

/** Of the file at `path`: where a copy of a backup waits to take its place. */
export function restoredName(path: string, date: string): string {
  return `${path}.restored-${date}`;
}

/** Of the file at `path`: its name once a backup has taken its place. */
export function formerName(path: string, date: string): string {
  return `${path}.before-${date}`;
}

/** The sentences for a program that finds a backup that waits; undefined: none does. */
export function problemOfUnfinishedRestore(path: string): string | undefined {
  return findWaiting(path) === undefined
    ? undefined
    : `A restore of ${path} was interrupted. Start a server on ${dirname(path)} to finish it.`;
}

/**
 * Finishes a restore that was interrupted. Sentences that say so; undefined when there was none.
 * The process must have the lock of the file, and no connection to it.
 *
 * Throws StoreUnavailable for a copy that another user could have written, and the error of the system.
 */
export function finishRestore(path: string): string | undefined {
  const date = findWaiting(path);
  if (date === undefined) return undefined;
  const problem = problemOfTrust(restoredName(path, date));
  if (problem !== undefined) throw new StoreUnavailable(`${problem}, or delete it.`);
  const former = putInPlace(path, date);
  const kept = former === undefined ? '' : ` The former data is kept: ${former}.`;
  return `A restore of ${path} that was interrupted is finished: the data is that of the backup.${kept}`;
}

/**
 * Gives the copy of `date` the name of the data file. The name that the former file has now; undefined
 * when there was none. `reached` is called after each step.
 */
export function putInPlace(
  path: string,
  date: string,
  reached: (step: string) => void = () => undefined,
): string | undefined {
  const former = formerName(path, date);
  for (const ending of databaseEndings) {
    if (!existsSync(path + ending)) continue;
    // Another program may have made a file there since an interrupted restore: that one is kept too.
    renameSync(path + ending, freeName(former + ending));
    reached(`the former file is renamed: ${ending || 'itself'}`);
  }
  // Else a power failure could keep the next step alone, and a former log would lie beside the new file.
  waitForFolder(dirname(path));
  reached('the former names are on the disk');
  renameSync(restoredName(path, date), path);
  reached('the copy is the data file');
  waitForFolder(dirname(path));
  return databaseEndings.some((ending) => existsSync(former + ending)) ? former : undefined;
}

/** The date of the copy that waits; undefined: none does. */
function findWaiting(path: string): string | undefined {
  const folder = dirname(path);
  const start = basename(restoredName(path, ''));
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.find((name) => name.startsWith(start))?.slice(start.length);
}
