/**
 * What SQLite's shared-memory file (`-shm`) knows of the write-ahead log (`-wal`).
 *
 * Both lie beside the data file and outlive a killed process. The index in the first says how many
 * pages the second held; when fewer are recovered at the next start, the log has been cut.
 *
 * Layout: https://sqlite.org/walformat.html, "The WAL-Index File Format". Native byte order.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';

const headerBytes = 136;
const salt = { from: 32, to: 40 } as const;

export type LogIndex = {
  /** Pages of committed transactions in the log. */
  readonly pagesCount: number;
  /** Of these, how many are in the data file already. */
  readonly copiedCount: number;
  /** Changes each time the log is begun anew. */
  readonly salt: string;
};

/** What the index beside `file` says now; undefined when it says nothing, or nothing to be believed. */
export function readLogIndex(file: string): LogIndex | undefined {
  const header = readHeader(`${file}-shm`);
  // The index begins with two copies of the same 48 bytes; a writer may have died between them.
  if (header === undefined || !header.subarray(0, 48).equals(header.subarray(48, 96))) {
    return undefined;
  }
  const number = (at: number): number =>
    endianness() === 'LE' ? header.readUInt32LE(at) : header.readUInt32BE(at);
  const isInitialized = header[12] === 1;
  return isInitialized
    ? {
        pagesCount: number(16),
        copiedCount: number(96),
        salt: header.toString('hex', salt.from, salt.to),
      }
    : undefined;
}

/**
 * How many pages of committed transactions are lost, going by the index before the file was opened
 * and after. 0 when none are, or when it cannot be known.
 */
export function pagesLost(before: LogIndex | undefined, after: LogIndex | undefined): number {
  if (before === undefined) return 0;
  const isSameLog = after !== undefined && after.salt === before.salt;
  const recovered = isSameLog ? after.pagesCount : 0;
  return Math.max(0, before.pagesCount - Math.max(before.copiedCount, recovered));
}

function readHeader(path: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const header = Buffer.alloc(headerBytes);
    return readSync(descriptor, header, 0, headerBytes, 0) === headerBytes ? header : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
