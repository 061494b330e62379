import { LRUCache } from 'lru-cache';
import { formatJson } from '../../domain/json.ts';
import type { Milliseconds } from '../../domain/time.ts';
import type {
  RecordChange,
  RecordConflict,
  RecordName,
  RecordsCommitted,
  StoredRecord,
} from '../store.ts';
import { Group, type GroupCommit } from './group-commit.ts';
import type { Queries } from './queries.ts';
import { parseRecord, type Row } from './rows.ts';
import { mayTryAlone } from './sqlite-errors.ts';
import type { WriteFailure } from './writer-messages.ts';

/** The data file as the records use it. */
export type RecordFile = {
  readonly groups: GroupCommit;
  /** Throws StoreUnavailable once the store has been disposed of. */
  refuseIfDisposed(): void;
  /** What `query` finds of what belongs to this key. Throws StoreUnavailable. */
  read<T>(kind: string, key: string, query: (queries: Queries) => T): T;
  /** The first `limit` of the rows that belong to this key, parsed, but for those that are damaged. */
  firstRows<T>(
    limit: number,
    kind: string,
    key: string,
    parse: (row: Row) => T,
    query: (queries: Queries, limit: number) => readonly Row[],
  ): Promise<readonly T[]>;
  /** Throws StoreUnavailable. */
  fail(failure: WriteFailure): never;
  /** Of a write that no other took part in. Throws DamagedRecord for damage, else StoreUnavailable. */
  failAlone(failure: WriteFailure, kind: string, key: string): never;
};

/** A table, a group and an id: what separates them is in none of them. */
type RecordKey = `${string} ${string} ${string}`;

type KeyedChange = RecordChange & { readonly key: RecordKey };

/** Records whose revision is kept in memory: some megabytes. */
const revisionsMax = 20_000;

/**
 * The records of a data file: see RecordStore. They are read from the file, where a commit is seen once it
 * is durable, and not kept in memory; the revisions of those that were written last are. A commit that
 * expects something of a record waits until what is being written of it is in the file, and is compared
 * with that.
 */
export class SqliteRecords {
  readonly #file: RecordFile;
  /** What the file holds. */
  readonly #revisions = new LRUCache<RecordKey, number>({ max: revisionsMax });
  /** The next life of a removed record starts above it: see StoredRecord. */
  #revisionRemovedMax = 0;

  constructor(file: RecordFile) {
    this.#file = file;
  }

  /** Takes note of a group that is in the file now, or of which nothing is. */
  noteFinished({ records }: Group, failure: WriteFailure | undefined): void {
    for (const [key, revision] of records) {
      if (failure !== undefined || revision === 0) this.#revisions.delete(key as RecordKey);
      else this.#revisions.set(key as RecordKey, revision);
    }
  }

  async record(table: string, group: string, id: string): Promise<StoredRecord | undefined> {
    return this.#filed(keyOf(table, group, id));
  }

  async records(
    table: string,
    group: string,
    limit: number,
    after = '',
  ): Promise<readonly StoredRecord[]> {
    const name = `${table} ${group}`;
    return this.#file.firstRows(limit, 'record in', name, parseRecord, ({ records }, rowsMax) =>
      records.all(table, group, after, rowsMax),
    );
  }

  async due(table: string, nowMs: Milliseconds, limit: number): Promise<readonly RecordName[]> {
    return this.#file.read('list of', `records of ${table} that are due`, ({ dueRecords }) =>
      dueRecords
        .all(table, nowMs, limit)
        .map(({ group_name, id }) => ({ group: String(group_name), id: String(id) })),
    );
  }

  async commit(
    table: string,
    group: string,
    changes: readonly RecordChange[],
  ): Promise<RecordsCommitted | RecordConflict> {
    const keyed = changes.map((change) => ({ ...change, key: keyOf(table, group, change.id) }));
    const outcome = await this.#commitWithOthers(keyed);
    if (!('message' in outcome)) return outcome;
    const frees = changes.every(({ value }) => value === undefined);
    return mayTryAlone(outcome, frees) ? this.#commitAlone(keyed) : this.#file.fail(outcome);
  }

  async #commitWithOthers(
    changes: readonly KeyedChange[],
  ): Promise<RecordsCommitted | RecordConflict | WriteFailure> {
    for (;;) {
      this.#file.refuseIfDisposed();
      if (changes.length === 0) return { kind: 'committed', revision: 0 };
      const obstacle = this.#obstacle(changes);
      if (obstacle === undefined) {
        const group = this.#file.groups.open();
        const revision = this.#join(group, changes);
        return (await group.done) ?? { kind: 'committed', revision };
      }
      if (!(obstacle instanceof Group)) return obstacle;
      await obstacle.done;
    }
  }

  /** As `commit`, in a group of its own that overtakes the one that is being filled. */
  async #commitAlone(changes: readonly KeyedChange[]): Promise<RecordsCommitted | RecordConflict> {
    let wasAlone = false;
    const outcome = await this.#file.groups.alone(async (send) => {
      this.#file.refuseIfDisposed();
      // What is being filled was compared first; this one comes after it.
      if (changes.some(({ key }) => this.#groupOf(key))) return this.#commitWithOthers(changes);
      const obstacle = this.#obstacle(changes);
      if (obstacle instanceof Group) return this.#commitWithOthers(changes);
      if (obstacle !== undefined) return obstacle;
      const group = new Group();
      const revision = this.#join(group, changes);
      wasAlone = true;
      return (await send(group)) ?? ({ kind: 'committed', revision } as const);
    });
    if (!('message' in outcome)) return outcome;
    if (!wasAlone) return this.#file.fail(outcome);
    return this.#file.failAlone(outcome, 'record', changes.map(({ key }) => key).join(', '));
  }

  /** Why the batch cannot be made now: a record that is another one, or the group it has to wait for. */
  #obstacle(changes: readonly KeyedChange[]): RecordConflict | Group | undefined {
    const expecting = changes.filter(({ expectRevision }) => expectRevision !== undefined);
    for (const { key } of expecting) {
      const pending = this.#groupOf(key);
      if (pending) return pending;
    }
    for (const { id, key, expectRevision } of expecting) {
      if (this.#filedRevision(key) !== expectRevision) {
        return { kind: 'conflict', id, current: this.#filed(key) };
      }
    }
    return undefined;
  }

  /** Makes the batch a part of this group; the revision that its records get. */
  #join(to: Group, changes: readonly KeyedChange[]): number {
    // `#obstacle` has compared it already.
    const former = changes.map(
      ({ key, expectRevision }) =>
        expectRevision ?? this.#groupOf(key)?.records.get(key) ?? this.#filedRevision(key),
    );
    const revision = Math.max(this.#revisionRemovedMax, ...former) + 1;
    for (const { key, value, dueMs } of changes) {
      const names = key.split(' ') as [string, string, string];
      to.records.set(key, value === undefined ? 0 : revision);
      if (value === undefined) {
        this.#revisionRemovedMax = revision;
        to.writes.push(['deleteRecord', ...names]);
      } else {
        to.writes.push(['upsertRecord', ...names, revision, dueMs ?? null, formatJson(value)]);
      }
    }
    return revision;
  }

  /** The newest group that is to write this record, unless it is done. */
  #groupOf(key: RecordKey): Group | undefined {
    return this.#file.groups.pending.findLast(({ records }) => records.has(key));
  }

  #filed(key: RecordKey): StoredRecord | undefined {
    return this.#file.read('record', key, ({ record }) => {
      const row = record.get(...key.split(' '));
      return row && parseRecord(row);
    });
  }

  /** 0: there is no such record in the file. */
  #filedRevision(key: RecordKey): number {
    const known = this.#revisions.get(key);
    if (known !== undefined) return known;
    return this.#file.read('record', key, ({ recordRevision }) =>
      Number(recordRevision.get(...key.split(' '))?.['revision'] ?? 0),
    );
  }
}

function keyOf(table: string, group: string, id: string): RecordKey {
  return `${table} ${group} ${id}`;
}
