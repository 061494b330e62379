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
import { fileProblemOf } from '../../platform/file-problem.ts';
import { problemOfTrust } from '../../platform/private-files.ts';
import { StoreUnavailable } from '../store.ts';
import { waitForFolder } from './data-file-copy.ts';

/** The files of one SQLite database. A log is of no use without its file, and harms another in its place. */
const databaseEndings = ['-wal', '-shm', ''] as const;

/** True when a file of the database of this name is there. */
export function isDatabaseThere(name: string): boolean {
  return databaseEndings.some((ending) => existsSync(name + ending));
}

/** Of the file at `path`: where a copy of a backup waits to take its place. */
export function restoredName(path: string, date: string): string {
  return `${path}.restored-${date}`;
}

/** Of the file at `path`: its name once a backup has taken its place. */
export function formerName(path: string, date: string): string {
  return `${path}.before-${date}`;
}

/** The sentences for a program that finds a backup that waits; undefined: none does. Throws StoreUnavailable. */
export function problemOfUnfinishedRestore(path: string): string | undefined {
  return datesOfWaiting(path).length === 0
    ? undefined
    : `A restore of ${path} was interrupted. Start a server on ${dirname(path)} to finish it.`;
}

/**
 * Finishes a restore that was interrupted. Sentences that say so; undefined when there was none.
 * The process must have the lock of the file, and no connection to it.
 *
 * Throws StoreUnavailable, with a text for the operator: another user could have written the copy, or the
 * system refuses a step.
 */
export function finishRestore(path: string): string | undefined {
  const dates = datesOfWaiting(path);
  const date = dates.at(-1);
  if (date === undefined) return undefined;
  const problem = problemOfTrust(restoredName(path, date));
  if (problem !== undefined) throw new StoreUnavailable(`${problem}, or delete it.`);
  // Or the next start would put an older backup in the place of all that is written until then.
  for (const older of dates.slice(0, -1)) setOlderAside(path, older);
  const former = putInPlace(path, date);
  const kept = former === undefined ? '' : ` The former data is kept: ${former}.`;
  return `A restore of ${path} that was interrupted is finished: the data is that of the backup.${kept}`;
}

/**
 * Gives the copy of `date` the name of the data file. The name that the former file has now; undefined
 * when there was none. `reached` is called after each step.
 *
 * Throws StoreUnavailable, with a text for the operator, when the system refuses a step.
 */
export function putInPlace(
  path: string,
  date: string,
  reached: (step: string) => void = () => undefined,
): string | undefined {
  try {
    return exchangeFiles(path, date, reached);
  } catch (error) {
    throw new StoreUnavailable(
      `The backup counts as the data of ${path}, but the restore is not finished: ${(error as Error).message}. Look for faults of the disk in the log of the system. The next start of a server on ${dirname(path)} finishes it.`,
      { cause: error },
    );
  }
}

function exchangeFiles(
  path: string,
  date: string,
  reached: (step: string) => void,
): string | undefined {
  const former = formerName(path, date);
  const kept = freeFormerName(path, former);
  for (const ending of databaseEndings) {
    if (!existsSync(path + ending)) continue;
    renameSync(path + ending, kept + ending);
    reached(`the former file is renamed: ${ending || 'itself'}`);
  }
  // Else a power failure could keep the next step alone, and a former log would lie beside the new file.
  waitForFolder(dirname(path));
  reached('the former names are on the disk');
  renameSync(restoredName(path, date), path);
  reached('the copy is the data file');
  waitForFolder(dirname(path));
  return [former, kept].find(isDatabaseThere);
}

/**
 * The name under which the files that are at `path` are kept: one for all, since a file and a log that do not
 * belong together are damaged data. It is `former`, or the newest of `former.2`, `former.3` and so on: an
 * interrupted restore has renamed a log to it, and the file itself, which is renamed last, is still at `path`.
 * Where another program has made a file since, it is the next one, of which nothing is there.
 */
function freeFormerName(path: string, former: string): string {
  const numbered = (number: number): string => (number === 1 ? former : `${former}.${number}`);
  let number = 1;
  while (isDatabaseThere(numbered(number + 1))) number += 1;
  const newest = numbered(number);
  const isTaken =
    existsSync(newest) ||
    databaseEndings.some((ending) => existsSync(path + ending) && existsSync(newest + ending));
  return isTaken ? numbered(number + 1) : newest;
}

/** Throws StoreUnavailable, with a text for the operator. */
function setOlderAside(path: string, date: string): void {
  const waiting = restoredName(path, date);
  try {
    renameSync(waiting, `${path}.older-backup-${date}`);
  } catch (error) {
    throw new StoreUnavailable(
      `${waiting} is older than another backup, and cannot be renamed: ${fileProblemOf(error)}. Delete it.`,
      { cause: error },
    );
  }
}

/** The form of a date in the names, such as `20260131T120000Z` or `20260131T120000Z.2`. */
const dateForm = /^\d{8}T\d{6}Z(\.\d+)?$/;

/**
 * The dates of the copies that wait, the oldest first. Other files may have a name that begins as theirs.
 * Throws StoreUnavailable, with a text for the operator.
 */
function datesOfWaiting(path: string): readonly string[] {
  const folder = dirname(path);
  const start = basename(restoredName(path, ''));
  return namesIn(folder)
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length))
    .filter((date) => dateForm.test(date))
    .toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true }));
}

/** None when there is no such folder. */
function namesIn(folder: string): readonly string[] {
  try {
    return existsSync(folder) ? readdirSync(folder) : [];
  } catch (error) {
    throw new StoreUnavailable(`${folder} cannot be read: ${fileProblemOf(error)}.`, {
      cause: error,
    });
  }
}
