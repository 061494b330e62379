import { randomBytes } from 'node:crypto';
import { formatJson, type JsonObject } from '../../domain/json.ts';
import type { Milliseconds } from '../../domain/time.ts';
import {
  type GroupPart,
  StoreUnavailable,
  type RecordChange,
  type RecordConflict,
  type RecordName,
  type RecordsCommitted,
  type Share,
  type StoredRecord,
} from '../store.ts';
import { firstReadable } from '../first-readable.ts';
import type { DamageLog } from './damage-log.ts';
import type { RedisCommands } from './redis-commands.ts';
import type { Reply } from './redis-link.ts';
import { earliestUntil, formatScore, pairsOf, parseScore, parseStored } from './redis-replies.ts';

/**
 * The records on Redis: see RecordStore. Those of one table and group are in one partition, and so in one
 * slot: a batch is one script.
 */
export class RedisRecords {
  readonly #commands: RedisCommands;
  /** By when a commit must be carried out, in the time of the server that has this key. */
  readonly #deadlineMs: (key: string) => Milliseconds;
  readonly #damage: DamageLog;
  readonly #idPrefix = randomBytes(6).toString('base64url');
  #idsCount = 0;

  constructor(
    commands: RedisCommands,
    deadlineMs: (key: string) => Milliseconds,
    damage: DamageLog,
  ) {
    this.#commands = commands;
    this.#deadlineMs = deadlineMs;
    this.#damage = damage;
  }

  async record(table: string, group: string, id: string): Promise<StoredRecord | undefined> {
    const { values, partition } = this.#commands.keys.ofRecords(table, group);
    // A strict read waits for the replicas as a write does, so it writes a mark.
    const reading = this.#commands.isStrict
      ? this.#commands.writeScript('recordFenced', [values, partition.meta], [id])
      : this.#commands.read(values, ['HGET', values, id]);
    const text = await this.#damage.read(recordsOf(table, group), reading);
    if (text === null) return undefined;
    return this.#damage.parsed(...recordOf(table, group, String(text), id));
  }

  async records(
    table: string,
    group: string,
    limit: number,
    after?: string,
  ): Promise<readonly StoredRecord[]> {
    const { values, order } = this.#commands.keys.ofRecords(table, group);
    const from = after === undefined ? '-' : `(${after}`;
    const read = async (rowsMax: number) => {
      const range = [from, '+', 'BYLEX', 'LIMIT', '0', String(rowsMax)];
      const reading = this.#commands.readScript('valuesInOrder', [values, order], range);
      const texts = await this.#damage.read(recordsOf(table, group), reading);
      return (texts as readonly Reply[]).map(String);
    };
    return firstReadable(limit, read, (text) =>
      this.#damage.parsedUnlessDamaged(...recordOf(table, group, text)),
    );
  }

  async due(
    table: string,
    nowMs: Milliseconds,
    limit: number,
    part: Share | GroupPart | undefined,
  ): Promise<readonly RecordName[]> {
    const keyOf = ({ base }: { readonly base: string }): string =>
      this.#commands.keys.recordsDue(base, table);
    const read = earliestUntil(nowMs, 1);
    const [command, ...range] = earliestUntil(nowMs, limit);
    const look = async (partition: { readonly base: string }) => {
      const due = keyOf(partition);
      return pairsOf(await this.#commands.read(due, [command, due, ...range, 'WITHSCORES']));
    };
    const found =
      part !== undefined && 'group' in part
        ? await look(this.#commands.keys.ofRecords(table, part.group).partition)
        : await this.#commands.inPartitions(part, { keyOf, read }, look);
    const inOrder = [...found].sort(([, a], [, b]) => Number(a) - Number(b));
    return inOrder.slice(0, limit).map(([name]) => {
      const [group = '', id = ''] = name.split(' ');
      return { group, id };
    });
  }

  async commit(
    table: string,
    group: string,
    changes: readonly RecordChange[],
  ): Promise<RecordsCommitted | RecordConflict> {
    if (changes.length === 0) return { kind: 'committed', revision: 0 };
    const { values, order, partition } = this.#commands.keys.ofRecords(table, group);
    const commitId = this.#freshId();
    const keys = [
      values,
      order,
      this.#commands.keys.recordsDue(partition.base, table),
      partition.meta,
      this.#commands.keys.recordCommit(partition.base, commitId),
    ];
    const strict = this.#commands.isStrict ? '1' : '0';
    const head = [commitId, String(this.#deadlineMs(values)), strict, group];
    const frees = changes.every(({ value }) => value === undefined);
    const reply = await this.#commands.track(
      this.#commands.writeScript(frees ? 'removeRecords' : 'changeRecords', keys, [
        ...head,
        ...changes.flatMap(valuesOf),
      ]),
    );
    const [kind, ...parts] = reply as readonly string[];
    if (kind === 'late') {
      throw new StoreUnavailable('The write reached the store too late, and was not made.');
    }
    if (kind === 'done') return { kind: 'committed', revision: Number(parts[0]) };
    const [id = '', text] = parts;
    const current =
      text === undefined ? undefined : this.#damage.parsed(...recordOf(table, group, text, id));
    return { kind: 'conflict', id, current };
  }

  #freshId(): string {
    this.#idsCount += 1;
    return this.#idPrefix + this.#idsCount.toString(36);
  }
}

/** A group of records for the damage log. */
function recordsOf(table: string, group: string): string {
  return `the records of ${table} ${group}`;
}

/**
 * A record for the damage log: its name, how it is read, and what tells it from others of its group, the same
 * whether its id is known or not.
 */
function recordOf(
  table: string,
  group: string,
  text: string,
  id?: string,
): [name: string, parse: () => StoredRecord, thing: string] {
  const name = id === undefined ? `in ${table} ${group}` : `${table} ${group} ${id}`;
  const thing = `record ${table} ${group} ${text.slice(0, 512)}`;
  return [`the record ${name}`, () => parseRecord(text), thing];
}

/** A change as the script reads it: id, expectation, due time and text; each empty: none. */
function valuesOf({ id, expectRevision, value, dueMs }: RecordChange): readonly string[] {
  return [
    id,
    expectRevision === undefined ? '' : String(expectRevision),
    dueMs === undefined ? '' : formatScore(dueMs),
    value === undefined ? '' : formatJson(value),
  ];
}

/** A record as the script writes it: its revision, its due time, its id, its text. Throws for others. */
function parseRecord(text: string): StoredRecord {
  const [head, revision, due, id] = /^(\d+) (\S*) (\S+) /.exec(text) ?? [];
  if (head === undefined || id === undefined) {
    throw new Error('it is not what this program has written');
  }
  const value = parseStored<JsonObject>(text.slice(head.length));
  return { id, revision: Number(revision), value, dueMs: parseScore(due) };
}
