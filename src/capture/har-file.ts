/**
 * A HAR file that grows, and is whole JSON after each write: the new entries go over the end of the
 * file, and the end is written again behind them.
 *
 *     head   {"log":{…,"entries":[
 *     kept   entry                           one on a line, never written again
 *            ,entry
 *     end    ,entry                          what may still change: sockets that are open
 *            ]}}                             then blanks, where the end before was longer
 */

import { type FileHandle, open } from 'node:fs/promises';
import { captureLimits } from './capture.ts';
import { ownHead } from './har.ts';

export type HarFileOptions = {
  /** The file, which must not be there. */
  readonly path: string;
  /** Of the program that writes. */
  readonly version: string;
  readonly fileBytesMax?: number;
};

/** Less than what can be read: the end comes on top of it. */
const defaultFileBytesMax = captureLimits.fileBytesMax - 16 * 1024 * 1024;

/** A recording cannot go on: the file is full, or cannot be written. */
export class RecordingFailure extends Error {}

export class HarFile {
  readonly #file: FileHandle;
  readonly #fileBytesMax: number;
  /** Where the end begins. */
  #keptBytes: number;
  #hasEntries = false;
  /** Of the file as it is. */
  #fileBytes: number;

  private constructor(file: FileHandle, headBytes: number, fileBytesMax: number) {
    this.#file = file;
    this.#keptBytes = headBytes;
    this.#fileBytes = headBytes;
    this.#fileBytesMax = fileBytesMax;
  }

  /** A new file without entries, which only its owner can read. Throws when it is there. */
  static async create({ path, version, fileBytesMax }: HarFileOptions): Promise<HarFile> {
    const head = `${ownHead},"version":${JSON.stringify(version)}},"entries":[\n`;
    const file = await open(path, 'wx', 0o600);
    const one = new HarFile(file, Buffer.byteLength(head), fileBytesMax ?? defaultFileBytesMax);
    await file.write(`${head}${end}`, 0);
    return one;
  }

  /**
   * Adds `entries` for good, and those of `open` until the next write. One write at a time.
   *
   * Throws RecordingFailure when the file is full; then nothing of it was written.
   */
  async write(entries: readonly string[], open: readonly string[]): Promise<void> {
    const kept = this.#linesOf(entries, this.#hasEntries);
    const keptBytes = this.#keptBytes + Buffer.byteLength(kept);
    const hasEntries = this.#hasEntries || entries.length > 0;
    const text = `${kept}${this.#linesOf(open, hasEntries)}${end}`;
    const bytes = Buffer.from(text.padEnd(text.length + this.#missing(text), ' '));
    if (this.#keptBytes + bytes.length > this.#fileBytesMax) {
      throw new RecordingFailure(
        `the recording has reached ${Math.round(this.#fileBytesMax / 1024 / 1024)} MiB and ends here`,
      );
    }
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        done,
        bytes.length - done,
        this.#keptBytes + done,
      );
      done += bytesWritten;
    }
    this.#fileBytes = Math.max(this.#fileBytes, this.#keptBytes + bytes.length);
    this.#keptBytes = keptBytes;
    this.#hasEntries = hasEntries;
  }

  #linesOf(entries: readonly string[], hasEarlier: boolean): string {
    return entries.map((entry, at) => `${hasEarlier || at > 0 ? ',' : ''}${entry}\n`).join('');
  }

  /** How much shorter the file would be with `text` behind what is kept. */
  #missing(text: string): number {
    return Math.max(this.#fileBytes - this.#keptBytes - Buffer.byteLength(text), 0);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

const end = ']}}\n';
