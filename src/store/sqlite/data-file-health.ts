import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Milliseconds } from '../../domain/time.ts';
import type { Conditions } from '../../platform/conditions.ts';
import { isOfDamage } from './rows.ts';
import { concernsOneWrite, isLackOfRoom, kindOfCode, sqliteCodes } from './sqlite-errors.ts';
import type { HistoryFault, WriteFailure } from './writer-messages.ts';

/** Each is reported once, so that a damaged file does not fill the log. */
const recordsToldMax = 1_000;
/**
 * On a nearly full disk some writes succeed: the file counts as well again only after so long
 * without a failure.
 */
const wellAfterMs: Milliseconds = 2_000;
/** How often, at most, a write looks whether the file is still at its path. */
const lookEveryMs: Milliseconds = 1_000;

/** Faults of a data file, each reported to the operator once. */
export class DataFileHealth {
  readonly #path: string;
  readonly #conditions: Conditions | undefined;
  readonly #log: (line: string) => void;
  readonly #elapsedMs: () => Milliseconds;
  readonly #recordsTold = new Set<string>();
  /** When the file could not be written last; undefined: it can. */
  #unwritableMs: Milliseconds | undefined;
  /** The file that was opened. */
  readonly #identity: string;
  #lookAfterMs: Milliseconds;

  constructor(
    path: string,
    conditions: Conditions | undefined,
    log: (line: string) => void,
    elapsedMs: () => Milliseconds,
  ) {
    this.#path = path;
    this.#conditions = conditions;
    this.#log = log;
    this.#elapsedMs = elapsedMs;
    this.#identity = identityOf(path);
    this.#lookAfterMs = elapsedMs() + lookEveryMs;
  }

  /** True from a write that failed for the file's sake until writes have succeeded for a while. */
  get isUnwritable(): boolean {
    return this.#unwritableMs !== undefined;
  }

  /** Notes the result of a write; undefined: it succeeded. */
  noteWrite(failure: WriteFailure | undefined): void {
    this.#lookForFile();
    if (failure !== undefined) {
      const sentence = `${this.#path} ${problemOfWriting(this.#path, failure)}`;
      // A fault of one write does not end with the success of another.
      if (concernsOneWrite(failure)) this.#conditions?.raise('data file, some writes', sentence);
      else {
        this.#unwritableMs = this.#elapsedMs();
        this.#conditions?.raise('data file', sentence);
      }
    } else if (this.#unwritableMs !== undefined) {
      if (this.#elapsedMs() < this.#unwritableMs + wellAfterMs) return;
      this.#unwritableMs = undefined;
      this.#conditions?.clear('data file');
    }
  }

  /** Writes to a file that was removed or moved succeed, and the next start does not find them. */
  #lookForFile(): void {
    if (this.#elapsedMs() < this.#lookAfterMs) return;
    this.#lookAfterMs = this.#elapsedMs() + lookEveryMs;
    if (identityOf(this.#path) === this.#identity) this.#conditions?.clear('data file, its place');
    else {
      this.#conditions?.raise(
        'data file, its place',
        `${this.#path} was removed or moved while this server writes to it. All that is stored is lost to the next start, unless the file is moved back with its -wal and -shm. If it was removed, sessions are there as long as this process runs.`,
      );
    }
  }

  /** Notes what happened to changes of histories; undefined: all were sorted in. */
  noteHistory(fault: HistoryFault | undefined): void {
    const { kind, message } = fault ?? {};
    const folder = dirname(this.#path);
    if (kind === undefined) {
      this.#conditions?.clear('unsorted history');
      this.#conditions?.hide('forgotten history');
    } else if (kind === 'damaged') {
      this.#conditions?.raise(
        'damaged history',
        `${this.#path} is damaged in the history of sessions: ${message}. Everything else works. ${this.#advice}`,
      );
    } else if (kind === 'forgotten') {
      this.#conditions?.raise(
        'forgotten history',
        `${this.#path} had no room for the newest changes in the histories of sessions, and they are forgotten. The sessions themselves are whole. Make room on the disk of ${folder}, or keep less history.`,
      );
    } else {
      this.#conditions?.raise(
        'unsorted history',
        `${this.#path}: the newest changes could not be sorted into the histories of sessions (${message}). They are kept and tried again. Look for faults of the disk in the log of the system.`,
      );
    }
  }

  /** Notes that a record, or what belongs to a user, cannot be read: `kind` and the key it has. */
  noteUnreadable(kind: string, key: string, error: unknown): void {
    const { message } = error as Error;
    this.#noteRecord(
      kind,
      key,
      error,
      `cannot be read: ${message}. What needs it is answered with 503, and lists leave it out`,
    );
  }

  /** Notes that a damaged page is in the way of a write of a record alone. */
  noteUnwritable(kind: string, key: string, failure: WriteFailure): void {
    this.#noteRecord(
      kind,
      key,
      failure,
      `cannot be written: ${failure.message}. Its writes are answered with 503`,
    );
  }

  #noteRecord(kind: string, key: string, error: unknown, problem: string): void {
    if (isOfDamage(error)) {
      this.#conditions?.raise(
        'damaged records',
        `${this.#path} is damaged; the log names the records that cannot be read or written, and everything else works. ${this.#advice}`,
      );
    }
    const name = `${kind} ${key}`;
    if (this.#recordsTold.has(name) || this.#recordsTold.size >= recordsToldMax) return;
    this.#recordsTold.add(name);
    this.#log(`error: ${this.#path}: ${name} ${problem}. ${this.#advice}`);
  }

  get #advice(): string {
    return `Run "openmpsd check-data ${dirname(this.#path)}" to learn what is lost, and restore a backup if you need it.`;
  }
}

/** Names the file that has this path now; empty where none has. Windows lets nobody move an open file. */
function identityOf(path: string): string {
  if (process.platform === 'win32') return '';
  try {
    const { dev, ino } = statSync(path);
    return `${dev} ${ino}`;
  } catch {
    return '';
  }
}

function problemOfWriting(path: string, failure: WriteFailure): string {
  const writesFail = 'Writes are answered with 503, and reads go on';
  if (isLackOfRoom(failure)) {
    return `cannot be written: the disk is full. ${writesFail}. Make room on the disk of ${dirname(path)}; nothing need be restarted.`;
  }
  switch (kindOfCode(failure.errcode ?? 0)) {
    case sqliteCodes.readOnly:
      return `cannot be written: its disk has become read-only. ${writesFail}. Disks become so when they are faulty: look at the log of the system; restart this server when the disk can be written again.`;
    case sqliteCodes.ioError:
      return `cannot be written: ${failure.message} (code ${failure.errcode}). ${writesFail}. Look for faults of the disk in the log of the system.`;
    case sqliteCodes.busy:
      return `cannot be written: another program is writing to it, or holds a lock to do so. ${writesFail}. End that program.`;
    case sqliteCodes.corrupt:
    case sqliteCodes.notADatabase:
      return `is damaged: a write came upon a page that is not as it must be (${failure.message}). Writes that need the page are answered with 503. Run "openmpsd check-data ${dirname(path)}" to learn what is lost, and restore a backup.`;
    default:
      return `could not be written: ${failure.message}. The writes were answered with 503.`;
  }
}
