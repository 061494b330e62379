/**
 * What SQLite's shared-memory file (`-shm`) knows of the write-ahead log (`-wal`).
 *
 * Both lie beside the data file and outlive a killed process. The index in the first says how many
 * pages the second held; when fewer are recovered at the next start, the log has been cut.
 *
 * Layout: https://sqlite.org/walformat.html. Numbers of the index are in native byte order.
 */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { endianness } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';

export type LogIndex = {
  /** Pages of committed transactions in the log. */
  readonly pagesCount: number;
  /** Of these, how many are in the data file already. */
  readonly copiedCount: number;
  /** Another one each time the log is begun anew. */
  readonly salt: string;
};

/**
 * What the index beside `file` says; undefined when it says nothing, or nothing to be believed.
 *
 * No connection of this process may be open to the file: to close any descriptor of a file gives up all
 * locks that the process holds on it.
 */
export function readLogIndex(file: string): LogIndex | undefined {
  const header = readStart(`${file}-shm`, 136);
  // The index begins with two copies of the same 48 bytes; a writer may have died between them.
  if (header === undefined || !header.subarray(0, 48).equals(header.subarray(48, 96))) {
    return undefined;
  }
  const number = (at: number): number =>
    endianness() === 'LE' ? header.readUInt32LE(at) : header.readUInt32BE(at);
  const isInitialized = header[12] === 1;
  return isInitialized
    ? { pagesCount: number(16), copiedCount: number(96), salt: header.toString('hex', 32, 40) }
    : undefined;
}

/** How many pages of committed transactions `db` finds in its log. */
export function pagesInLog(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA wal_checkpoint(NOOP)').get()?.['log']);
}

/**
 * How many pages of committed transactions are in the log of `file`, counted as SQLite does at a start: up to
 * the first page whose salt or checksum is wrong. For who may not write to the index, where SQLite does not
 * count. 0 when there is no log.
 */
export function countPagesInLog(file: string): number {
  const header = readStart(`${file}-wal`, logHeaderBytes);
  if (header === undefined) return 0;
  const pageBytes = header.readUInt32BE(8);
  if (pageBytes < 512 || pageBytes > 65_536) return 0;
  const isBigEndian = (header.readUInt32BE(0) & 1) === 1;
  const page = Buffer.alloc(pageHeaderBytes + pageBytes);
  const descriptor = openSync(`${file}-wal`, 'r');
  try {
    let sums = sumOn([0, 0], header.subarray(0, 24), isBigEndian);
    let committedCount = 0;
    for (let count = 1; ; count += 1) {
      const at = logHeaderBytes + (count - 1) * page.length;
      if (readSync(descriptor, page, 0, page.length, at) < page.length) return committedCount;
      if (!page.subarray(8, 16).equals(header.subarray(16, 24))) return committedCount;
      sums = sumOn(sums, page.subarray(0, 8), isBigEndian);
      sums = sumOn(sums, page.subarray(pageHeaderBytes), isBigEndian);
      const isWhole = sums[0] === page.readUInt32BE(16) && sums[1] === page.readUInt32BE(20);
      if (!isWhole) return committedCount;
      // The last page of a transaction says how many pages the file has after it.
      if (page.readUInt32BE(4) > 0) committedCount = count;
    }
  } finally {
    closeSync(descriptor);
  }
}

const logHeaderBytes = 32;
const pageHeaderBytes = 24;

/** The two running checksums of a log, after these bytes too. */
function sumOn(
  [first, second]: readonly [number, number],
  bytes: Buffer,
  isBigEndian: boolean,
): readonly [number, number] {
  const read = (at: number): number =>
    isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
  let a = first;
  let b = second;
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    a = (a + read(at) + b) >>> 0;
    b = (b + read(at + 4) + a) >>> 0;
  }
  return [a, b];
}

/**
 * How many pages of committed transactions are lost, going by the index before the file was opened and
 * what was found in the log then. 0 when none are, or when it cannot be known.
 */
export function pagesLost(before: LogIndex | undefined, found: number): number {
  if (before === undefined) return 0;
  return Math.max(0, before.pagesCount - Math.max(before.copiedCount, found));
}

/** True when a server that is running has copied the log and begun it anew since `before` was read. */
export function isBegunAnew(file: string, before: LogIndex | undefined): boolean {
  const salt = readStart(`${file}-wal`, 24)?.toString('hex', 16, 24);
  return salt !== undefined && salt !== before?.salt;
}

/** True when there is no log, or nothing in it. */
export function hasNoLog(file: string): boolean {
  return (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/**
 * True of a file that has a log, going by its header, and no table without it: all that was ever written
 * may be in the log. No connection of this process may be open to the file.
 */
export function needsItsLog(file: string): boolean {
  const start = readStart(file, 105);
  if (start === undefined || !start.toString('latin1').startsWith('SQLite format 3\0'))
    return false;
  const usesLog = start[18] === 2;
  const applicationId = start.readUInt32BE(68);
  const rowsOfSchema = start.readUInt16BE(103);
  return usesLog && applicationId === 0 && rowsOfSchema === 0;
}

/** The sentences about such a file whose log is not there. */
export function problemOfMissingLog(file: string): string {
  return `${file} has no tables. If it is a copy of a data file, the log (${file}-wal), which had everything, was not copied with it. Copy a data folder as a whole, while no server uses it, or make a backup: docs/guides/backup-and-upgrade.md.`;
}

/** The sentences for who finds a damaged file after a restore: the cause is often a log that was left. */
export function adviceOnLeftLog(file: string): string {
  return `If it is a copy that was put there while ${file}-wal and ${file}-shm of the former file lay beside it, they have damaged it: put the backup there again by "openmpsd restore", which keeps both under other names.`;
}

/** The first bytes of a file; undefined when it has fewer. */
function readStart(path: string, bytes: number): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const start = Buffer.alloc(bytes);
    return readSync(descriptor, start, 0, bytes, 0) === bytes ? start : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
