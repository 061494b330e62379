/** Copies of a data file beside it, each whole or not there. */

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { makePrivateFile } from '../../platform/private-files.ts';

/**
 * Writes what `db` holds to a new file, `copy`, which only this user may read. It has the name `unfinished`
 * until all of it is on the disk; what has that name already is deleted. `reached` is called after each step.
 * When it throws, neither is there.
 *
 * Throws the error of SQLite or the system: there is no room, for instance.
 */
export function writeCopy(
  db: DatabaseSync,
  copy: string,
  unfinished: string,
  reached: (step: string) => void = () => undefined,
): void {
  const drop = (...files: readonly string[]): void => {
    for (const file of files) rmSync(file, { force: true });
  };
  const begun = [unfinished, `${unfinished}-journal`];
  drop(...begun);
  // So that only this user may read it; SQLite takes a file that is empty.
  makePrivateFile(unfinished);
  reached('the copy is begun');
  try {
    db.prepare('VACUUM INTO ?').run(unfinished);
    reached('the copy is written');
    // Windows flushes only what may be written.
    waitFor(unfinished, 'r+');
    reached('the copy is on the disk');
    renameSync(unfinished, copy);
  } catch (error) {
    drop(...begun);
    throw error;
  }
  reached('the copy has its name');
  try {
    waitForFolder(dirname(copy));
  } catch (error) {
    drop(copy);
    throw error;
  }
}

/**
 * Returns once the names in the folder are on the disk. Where the system has no such call, it returns at
 * once, as SQLite does: Windows, and some file systems that a container or a network brings.
 */
export function waitForFolder(path: string): void {
  if (process.platform === 'win32') return;
  try {
    waitFor(path, 'r');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(code)) throw error;
  }
}

function waitFor(path: string, mode: 'r' | 'r+'): void {
  const descriptor = openSync(path, mode);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The path when it is not taken, else the first one with a number that is not: `.2`, `.3`. */
export function freeName(path: string, isTaken: (name: string) => boolean = existsSync): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? path : `${path}.${number}`;
    if (!isTaken(name)) return name;
  }
}
