/** A backup put in the place of the data file; the steps are in `unfinished-restore.ts`. */

import { existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { makeFolder } from '../../platform/make-folder.ts';
import { makeFolderPrivate, privateFolderMode } from '../../platform/private-files.ts';
import { realPathOf } from '../../platform/real-path.ts';
import { StoreUnavailable } from '../store.ts';
import { openToRead } from './check-data-file.ts';
import { freeName, writeCopy } from './data-file-copy.ts';
import { lockAlone, unavailable } from './data-file.ts';
import { isLackOfRoom } from './sqlite-errors.ts';
import {
  finishRestore,
  formerName,
  isDatabaseThere,
  putInPlace,
  restoredName,
} from './unfinished-restore.ts';

export type Restore = {
  /** A SQLite file that has been checked. */
  readonly backup: string;
  /** The data file, which need not be there, nor its folder. */
  readonly file: string;
  /** True when data that is there may be replaced. */
  readonly mayReplace: boolean;
  /** The time, for the names of the files. */
  readonly nowMs: number;
  /** Called after each step, for tests. */
  readonly reached?: (step: string) => void;
};

/**
 * Puts a copy of the backup in the place of the data file. The name that the former file has now;
 * undefined when there was none.
 *
 * A process that is killed meanwhile leaves the former data or that of the backup, and what is left to do
 * the next server or restore on the folder does.
 *
 * Throws StoreUnavailable, with a text for the operator: a server uses the folder, data is there that may
 * not be replaced, there is no room.
 */
export function restoreDataFile({
  backup,
  file,
  mayReplace,
  nowMs,
  reached,
}: Restore): string | undefined {
  const path = prepareFolder(file);
  const lock = lockAlone(path);
  try {
    const finished = finishRestore(path);
    if (existsSync(path) && realPathOf(backup) === path) {
      throw new StoreUnavailable(`${backup} is the data file of this folder itself.`);
    }
    const there = dataAt(path);
    if (there !== undefined && !mayReplace) {
      throw new StoreUnavailable(
        `${finished === undefined ? '' : `${finished} `}${there} is there already. With --replace the backup takes its place, and the former data is kept under another name.`,
      );
    }
    const date = freeDate(path, nowMs);
    copyBackup(backup, path, date, reached);
    const former = putInPlace(path, date, reached);
    lock.noteWritten();
    return former;
  } catch (error) {
    throw unavailable(path, error);
  } finally {
    lock.close();
  }
}

/** The one real path of the file, whose folder is there and belongs to this user. */
function prepareFolder(file: string): string {
  const named = resolve(file);
  const problem = makeFolder(dirname(named), privateFolderMode);
  if (problem !== undefined) throw new StoreUnavailable(`${problem}. Use another data folder.`);
  try {
    const real = realPathOf(named);
    const { uid } = statSync(dirname(real));
    const ours = process.getuid?.() ?? uid;
    if (uid !== ours) {
      throw new StoreUnavailable(
        `${dirname(real)} belongs to another user (uid ${uid}, this process has ${ours}), and a server of that user could not read what is restored. Run this as that user.`,
      );
    }
    makeFolderPrivate(dirname(real), basename(real));
    return real;
  } catch (error) {
    throw unavailable(named, error);
  }
}

/** A file with data, or a log that may have some; undefined: there is neither. */
function dataAt(path: string): string | undefined {
  return [path, `${path}-wal`].find(
    (one) => (statSync(one, { throwIfNoEntry: false })?.size ?? 0) > 0,
  );
}

/** The time as names of files have it: `20260131T120000Z`, with a number where the name is taken. */
function freeDate(path: string, nowMs: number): string {
  const second = `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  return freeName(second, (date) => isDatabaseThere(formerName(path, date)));
}

function copyBackup(backup: string, path: string, date: string, reached: Restore['reached']): void {
  const copy = restoredName(path, date);
  try {
    using db = openToRead(realPathOf(backup));
    writeCopy(db, copy, `${path}.restoring`, reached);
  } catch (error) {
    const state = existsSync(copy)
      ? `${copy} could not be deleted: delete it, or the next start of a server puts it in place.`
      : 'Nothing has changed.';
    if (isLackOfRoom(error)) {
      throw new StoreUnavailable(
        `The disk of ${dirname(path)} has no room for the backup. ${state} Make room, or use another disk.`,
        { cause: error },
      );
    }
    throw new StoreUnavailable(
      `${backup} cannot be copied to ${dirname(path)}: ${(error as Error).message}. ${state}`,
      { cause: error },
    );
  }
}
