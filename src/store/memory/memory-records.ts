import type { Milliseconds } from '../../domain/time.ts';
import { DueRecords } from './due-records.ts';
import type {
  RecordChange,
  RecordConflict,
  RecordName,
  RecordsCommitted,
  StoredRecord,
} from '../record-store.ts';

type Group = {
  readonly name: string;
  readonly records: Map<string, StoredRecord>;
  /** Its ids in order, once somebody has asked for them since an id came or went. */
  order: readonly string[] | undefined;
};

/** The records of a store in memory: see RecordStore. A commit takes effect before the call returns. */
export class MemoryRecords {
  readonly #tables = new Map<string, Map<string, Group>>();
  readonly #due = new Map<string, DueRecords>();
  #revisionMax = 0;

  /** Takes over what another store holds. */
  copyFrom(other: MemoryRecords): void {
    this.#revisionMax = other.#revisionMax;
    for (const [table, groups] of other.#tables) {
      const copies = [...groups].map(([name, group]): [string, Group] => [
        name,
        { ...group, records: new Map(group.records) },
      ]);
      this.#tables.set(table, new Map(copies));
      for (const { name, records } of groups.values()) {
        for (const record of records.values()) this.#noteDue(table, name, record);
      }
    }
  }

  record(table: string, group: string, id: string): StoredRecord | undefined {
    return this.#tables.get(table)?.get(group)?.records.get(id);
  }

  records(table: string, group: string, limit: number, after = ''): readonly StoredRecord[] {
    const found = this.#tables.get(table)?.get(group);
    if (found === undefined) return [];
    found.order ??= [...found.records.keys()].sort();
    const from = positionAfter(found.order, after);
    return found.order.slice(from, from + limit).flatMap((id) => found.records.get(id) ?? []);
  }

  due(table: string, nowMs: Milliseconds, limit: number): readonly RecordName[] {
    const found = this.#due.get(table)?.first(nowMs, limit) ?? [];
    return found.map(({ group, id }) => ({ group, id }));
  }

  #noteDue(table: string, group: string, { id, dueMs }: StoredRecord): void {
    if (dueMs === undefined) return;
    let due = this.#due.get(table);
    if (due === undefined) {
      due = new DueRecords((one) => this.record(table, one.group, one.id)?.dueMs === one.dueMs);
      this.#due.set(table, due);
    }
    due.add({ group, id, dueMs });
  }

  commit(
    table: string,
    group: string,
    changes: readonly RecordChange[],
  ): RecordsCommitted | RecordConflict {
    if (changes.length === 0) return { kind: 'committed', revision: 0 };
    for (const { id, expectRevision } of changes) {
      const current = this.record(table, group, id);
      if (expectRevision !== undefined && expectRevision !== (current?.revision ?? 0)) {
        return { kind: 'conflict', id, current };
      }
    }
    this.#revisionMax += 1;
    const revision = this.#revisionMax;
    const changed = this.#groupOf(table, group);
    const { records } = changed;
    for (const { id, value, dueMs } of changes) {
      if (value !== undefined && !records.has(id)) changed.order = undefined;
      if (value !== undefined) {
        const record = { id, revision, value, dueMs };
        if (records.get(id)?.dueMs !== dueMs) this.#noteDue(table, group, record);
        records.set(id, record);
      } else if (records.delete(id)) changed.order = undefined;
    }
    if (records.size === 0) this.#tables.get(table)?.delete(group);
    return { kind: 'committed', revision };
  }

  #groupOf(table: string, name: string): Group {
    const groups = this.#tables.get(table) ?? new Map<string, Group>();
    this.#tables.set(table, groups);
    const group = groups.get(name) ?? { name, records: new Map(), order: undefined };
    groups.set(name, group);
    return group;
  }
}

/** The place of the first of these texts, which are in order, that comes after this one. */
function positionAfter(order: readonly string[], text: string): number {
  let [from, to] = [0, order.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((order[middle] ?? '') > text) to = middle;
    else from = middle + 1;
  }
  return from;
}
