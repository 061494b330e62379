/** What SQLite's errors mean: https://sqlite.org/rescode.html */

import { StoreUnavailable } from '../store.ts';
import type { WriteFailure } from './writer-messages.ts';

/**
 * A file that no server starts on. The message also has the advice for a data file, which is of no use
 * for a backup.
 */
export class UnusableFile extends StoreUnavailable {
  /** Sentences without advice. */
  readonly problem: string;

  constructor(problem: string, advice: string, cause?: unknown) {
    super(`${problem} ${advice}`, { cause });
    this.problem = problem;
  }
}

/** An error of node:sqlite. */
export type SqliteError = { readonly errcode?: number; readonly message: string };

export const sqliteCodes = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
  notADatabase: 26,
  /** No room for the index of the log. */
  noIndexRoom: 4874,
} as const;

/** True when the disk, or the limit of the file, has no space for a write. */
export function isLackOfRoom(error: unknown): boolean {
  const { errcode, code } = error as { readonly errcode?: number; readonly code?: string };
  return errcode === sqliteCodes.full || errcode === sqliteCodes.noIndexRoom || code === 'ENOSPC';
}

/**
 * True when a batch whose group failed is worth a try in a group of its own: another batch caused
 * it, or there is no space and this one frees some.
 */
export function mayTryAlone(failure: WriteFailure, frees: boolean): boolean {
  return failure.isUndone && (isLackOfRoom(failure) ? frees : concernsOneWrite(failure));
}

/** The code of its kind: SQLite's longer codes have it in their last byte. */
export function kindOfCode(errcode: number): number {
  return errcode & 0xff;
}

/** True when a page of the file is damaged, and others may be whole. */
export function isDamagedPage(error: unknown): boolean {
  const { errcode = 0 } = error as { readonly errcode?: number };
  return kindOfCode(errcode) === sqliteCodes.corrupt;
}

/** True when the file is damaged. */
export function isDamage(error: unknown): boolean {
  const { errcode = 0 } = error as { readonly errcode?: number };
  return isDamagedPage(error) || kindOfCode(errcode) === sqliteCodes.notADatabase;
}

/** True when one write of several failed, and the others may be made without it. */
export function concernsOneWrite(error: unknown): boolean {
  const { errcode = 0 } = error as { readonly errcode?: number };
  return isDamage(error) || kindOfCode(errcode) === sqliteCodes.constraint;
}
