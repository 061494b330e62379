import type { JsonObject } from '../domain/json.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Share } from './share.ts';

/**
 * Records of the services beside the sessions: one JSON object under a table, a group and an id.
 *
 * The table names the service's kind of record. The group is what changes together: all records of one
 * group can be changed in one step, records of two groups cannot. So a hopper is a group of tickets, and
 * a user is a group of activities.
 *
 * Tables, groups and ids are printable ASCII without spaces, 1 to 256 characters, compared as they are;
 * others are a bug of the caller, and RangeError is thrown. A text from outside is encoded first
 * (`encodeURIComponent`, a hash).
 */
export interface RecordStore {
  /**
   * The record, no older than any commit acknowledged before the call, and nothing that is not yet as
   * durable as the store was asked to be.
   */
  record(table: string, group: string, id: string): Promise<StoredRecord | undefined>;

  /**
   * Records of a group in the order of their ids, after `after` or from the first. No older than any
   * commit acknowledged before the call; may show one that is not durable yet, and then a commit on it
   * that is acknowledged makes it so.
   */
  records(
    table: string,
    group: string,
    limit: number,
    after?: string,
  ): Promise<readonly StoredRecord[]>;

  /**
   * Records of a table whose due time has come at `nowMs`, the longest overdue first: of all groups, of
   * those in a share, or of one group. A store for one process gives those of all groups in any case, and
   * another one may give some of other groups too.
   */
  dueRecords(
    table: string,
    nowMs: Milliseconds,
    limit: number,
    part?: Share | GroupPart,
  ): Promise<readonly RecordName[]>;

  /**
   * All changes or none, each compare-and-set. `conflict`: a record is not as its change expects, and
   * which. `committed` means durable as the store was asked to be.
   *
   * No two changes are of one id. One batch is one step of the store, which others wait for: some
   * hundreds of changes at most.
   */
  commitRecords(
    table: string,
    group: string,
    changes: readonly RecordChange[],
  ): Promise<RecordsCommitted | RecordConflict>;
}

export type StoredRecord = {
  readonly id: string;
  /**
   * Rises with each change of the record, not always by one. An id is not given a revision a second time,
   * not even when its record was removed and made again, as long as anyone lives who has read the former
   * one.
   */
  readonly revision: number;
  readonly value: JsonObject;
  /** When `dueRecords` lists it; undefined: never. */
  readonly dueMs: Milliseconds | undefined;
};

/** One group. */
export type GroupPart = { readonly group: string };

export type RecordName = { readonly group: string; readonly id: string };

export type RecordChange = {
  readonly id: string;
  /** The revision that the record must have, 0: there must be none; undefined: whatever is there. */
  readonly expectRevision?: number | undefined;
  /** The record's next value, in place of the former; undefined: the record is removed. */
  readonly value?: JsonObject | undefined;
  /** When `dueRecords` lists it from now on; undefined: never. */
  readonly dueMs?: Milliseconds | undefined;
};

/** The revision that all records have which the batch put; 0 of an empty batch. */
export type RecordsCommitted = { readonly kind: 'committed'; readonly revision: number };

/** The first record of the batch that is not as its change expects; `current` undefined: there is none. */
export type RecordConflict = {
  readonly kind: 'conflict';
  readonly id: string;
  readonly current: StoredRecord | undefined;
};

/** One table, group or id. Printable, so that none holds what separates them where they are stored. */
const name = /^[!-~]{1,256}$/;

/** Throws RangeError for a name that no store takes. */
export function assertRecordNames(...names: readonly string[]): void {
  for (const each of names) {
    if (!name.test(each)) {
      throw new RangeError(`${JSON.stringify(each)} cannot name a record: see RecordStore.`);
    }
  }
}

/** Throws RangeError for names that no store takes, and for two changes of one id. */
export function assertRecordChanges(
  table: string,
  group: string,
  changes: readonly RecordChange[],
): void {
  assertRecordNames(table, group, ...changes.map(({ id }) => id));
  if (new Set(changes.map(({ id }) => id)).size < changes.length) {
    throw new RangeError('Two changes of one batch are of the same record.');
  }
}
