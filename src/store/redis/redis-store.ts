import type { Handle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Member } from '../../domain/session/session.ts';
import type { Milliseconds } from '../../domain/time.ts';
import { firstReadable } from '../first-readable.ts';
import { assertRecordChanges, assertRecordNames } from '../record-store.ts';
import {
  unlessDamaged,
  type Batch,
  type CommitSuccess,
  type CountedPart,
  type Conflict,
  type Durability,
  type HandleIdConflict,
  type Hint,
  type HistoryName,
  type GroupPart,
  type LastKnown,
  type ListEntry,
  type ListName,
  type NodeId,
  type PendingNotifications,
  type PeopleStore,
  type RecordChange,
  type RecordConflict,
  type RecordName,
  type RecordsCommitted,
  type SessionKeys,
  type SessionRecord,
  type Share,
  type SharedCounts,
  type Store,
  type StoredBranch,
  type StoredChange,
  type StoredRecord,
} from '../store.ts';
import { DamageLog } from './damage-log.ts';
import { RedisAgreements } from './redis-agreements.ts';
import { RedisCommands } from './redis-commands.ts';
import { hintSeparator, RedisCommits } from './redis-commits.ts';
import { RedisHandles } from './redis-handles.ts';
import { RedisCounts } from './redis-counts.ts';
import { RedisHistory } from './redis-history.ts';
import type { RedisKeys } from './redis-keys.ts';
import { RedisNodes } from './redis-nodes.ts';
import { RedisPendingNotifications } from './redis-pending-notifications.ts';
import type { Reply } from './redis-link.ts';
import { RedisPeople } from './redis-people.ts';
import { RedisRecords } from './redis-records.ts';
import { readCountPart } from './redis-count-part.ts';
import { earliestUntil, formatScore, pairsOf, parseStored } from './redis-replies.ts';
import { readSessionKeys } from './redis-session-keys.ts';
import { RedisSearchChanges, type SearchChanges } from './redis-search-changes.ts';
import { type CachedRecord, RedisSessionCache } from './redis-session-cache.ts';
import type { RedisShards } from './redis-shards.ts';

export type RedisStoreParts = {
  readonly shards: RedisShards;
  readonly keys: RedisKeys;
  readonly durability: Durability;
  /** What the sessions that are kept parsed may take of the memory. */
  readonly cacheBytesMax: number;
  /** How long a commit may wait to be carried out, by the time of its server. */
  readonly patienceMs: number;
  /** Closed with the store, whose connections it uses. */
  readonly bus: AsyncDisposable;
  /** Gets a line for each damaged record. */
  readonly log: (line: string) => void;
};

/**
 * A store on Redis or Valkey, a single server or a cluster, shared by any number of processes. Each
 * part of the interface has a class of its own; this one reads sessions, and what finds them.
 */
export class RedisStore implements Store {
  readonly pendingNotifications: PendingNotifications;
  readonly sharedCounts: SharedCounts;
  readonly #shards: RedisShards;
  readonly #commands: RedisCommands;
  readonly #handles: RedisHandles;
  readonly #commits: RedisCommits;
  readonly #records: RedisRecords;
  readonly #searchChanges: RedisSearchChanges;
  readonly #history: RedisHistory;
  readonly #people: RedisPeople;
  readonly #nodes: RedisNodes;
  readonly #agreements: RedisAgreements;
  readonly #cache: RedisSessionCache;
  readonly #damage: DamageLog;
  readonly #bus: AsyncDisposable;
  #disposed: Promise<void> | undefined;

  constructor(parts: RedisStoreParts) {
    const { shards, keys, durability, cacheBytesMax, patienceMs, bus, log } = parts;
    const deadlineMs = (key: string): Milliseconds => Math.ceil(shards.nowMs(key) + 2 * patienceMs);
    this.#shards = shards;
    this.#bus = bus;
    this.#commands = new RedisCommands(shards, keys, durability);
    const damage = new DamageLog(log);
    this.#damage = damage;
    this.#cache = new RedisSessionCache(cacheBytesMax, damage);
    this.#handles = new RedisHandles(this.#commands, damage);
    this.#commits = new RedisCommits(this.#commands, this.#handles, this.#cache, deadlineMs);
    this.#records = new RedisRecords(this.#commands, deadlineMs, damage);
    this.#searchChanges = new RedisSearchChanges(this.#commands, damage);
    this.#history = new RedisHistory(this.#commands, damage);
    this.#people = new RedisPeople(this.#commands, damage);
    this.#nodes = new RedisNodes(this.#commands);
    this.#agreements = new RedisAgreements(this.#commands);
    this.sharedCounts = new RedisCounts(this.#commands);
    this.pendingNotifications = new RedisPendingNotifications(this.#commands);
  }

  async session(key: SessionKey): Promise<SessionRecord | undefined> {
    return this.#session(key, this.#cache.find(key), (parts) => this.#cache.learn(key, parts));
  }

  async sessions(keys: readonly SessionKey[]): Promise<readonly (SessionRecord | undefined)[]> {
    const read = (key: SessionKey) =>
      this.#session(key, this.#cache.peek(key), (parts) => this.#cache.recordOf(key, parts));
    return Promise.all(keys.map((key) => unlessDamaged(read(key))));
  }

  async #session(
    key: SessionKey,
    known: CachedRecord | undefined,
    found: (parts: readonly string[]) => SessionRecord,
  ): Promise<SessionRecord | undefined> {
    this.#commands.assertOpen();
    const { session, partition } = this.#commands.keys.ofSession(key);
    const keys = [session, partition.meta];
    const { isStrict } = this.#commands;
    const values = [known?.commitId ?? '', isStrict ? '1' : '0'];
    // A strict read waits for the replicas as a write does, so it writes a mark.
    const reading = isStrict
      ? this.#commands.writeScript('sessionFenced', keys, values)
      : this.#commands.readScript('session', keys, values);
    const reply = await this.#damage.read(`the session ${key}`, reading);
    const [kind, ...parts] = reply as readonly string[];
    if (kind === 'same' && known) return known.record;
    return kind === 'found' ? found(parts) : this.#cache.forget(key);
  }

  /**
   * Nothing that is not stored yet: if that commit fails, another process may get its revision, and a
   * change decided on the one would be stored on the other.
   */
  lastKnown(key: SessionKey): LastKnown | undefined {
    const known = this.#cache.find(key);
    return known && { record: known.record, isCommitted: false };
  }

  async handle(id: Guid): Promise<Handle | undefined> {
    this.#commands.assertOpen();
    return this.#handles.find(id);
  }

  async activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    this.#commands.assertOpen();
    return this.#handles.activitiesOf(xuids, scid);
  }

  async handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    this.#commands.assertOpen();
    return this.#handles.handlesFor(key);
  }

  async invitesOf(xuid: Xuid): Promise<readonly Handle[]> {
    this.#commands.assertOpen();
    return this.#handles.invitesOf(xuid);
  }

  async sessionsBy(hint: Hint, limit: number, after?: SessionKey): Promise<readonly SessionKey[]> {
    this.#commands.assertOpen();
    const set = this.#commands.keys.hint(hint);
    const found = new Set<SessionKey>();
    let from = after === undefined ? '-' : `(${after}${lastOfKey}`;
    while (found.size < limit) {
      const count = String(limit - found.size);
      const range = ['ZRANGE', set, from, '+', 'BYLEX', 'LIMIT', '0', count];
      const reading = this.#commands.read(set, range);
      const members = (await this.#damage.read(`the hint ${hint}`, reading)) as readonly string[];
      for (const member of members) found.add(member.slice(0, member.indexOf(hintSeparator)));
      const last = members.at(-1);
      if (last === undefined) break;
      from = `(${last.slice(0, last.indexOf(hintSeparator))}${lastOfKey}`;
    }
    return [...found];
  }

  async memberRow(key: SessionKey, xuid: Xuid): Promise<Member | undefined> {
    this.#commands.assertOpen();
    const { rows } = this.#commands.keys.ofSession(key);
    const reading = this.#commands.read(rows, ['HGET', rows, xuid]);
    const text = await this.#damage.read(membersOf(key), reading);
    if (text === null) return undefined;
    return this.#damage.parsed(...memberOf(`the member ${xuid}`, key, String(text)));
  }

  async memberRows(key: SessionKey, limit: number, after?: Xuid): Promise<readonly Member[]> {
    const from = after === undefined ? '-' : `(${after}`;
    return this.#rowsInOrder(key, 'rowsOrder', [from, '+', 'BYLEX'], limit);
  }

  async memberRowsDue(
    key: SessionKey,
    nowMs: Milliseconds,
    limit: number,
  ): Promise<readonly Member[]> {
    return this.#rowsInOrder(key, 'rowsDue', ['-inf', formatScore(nowMs), 'BYSCORE'], limit);
  }

  async #rowsInOrder(
    key: SessionKey,
    order: 'rowsOrder' | 'rowsDue',
    range: readonly string[],
    limit: number,
  ): Promise<readonly Member[]> {
    this.#commands.assertOpen();
    const keys = this.#commands.keys.ofSession(key);
    const read = async (rowsMax: number) => {
      const values = [...range, 'LIMIT', '0', String(rowsMax)];
      const names = [keys.rows, keys[order]];
      const reading = this.#commands.readScript('valuesInOrder', names, values);
      const texts = await this.#damage.read(membersOf(key), reading);
      return (texts as readonly Reply[]).map(String);
    };
    return firstReadable(limit, read, (text) =>
      this.#damage.parsedUnlessDamaged(...memberOf('a member', key, text)),
    );
  }

  async sessionKeys(limit: number, cursor?: string): Promise<SessionKeys> {
    this.#commands.assertOpen();
    return readSessionKeys(this.#commands, cursor, limit);
  }

  async countPart(cursor?: string): Promise<CountedPart> {
    this.#commands.assertOpen();
    return readCountPart(this.#commands, cursor);
  }

  async due(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly SessionKey[]> {
    return this.#earliest('due', nowMs, limit, share);
  }

  async expired(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly Guid[]> {
    return this.#earliest('expirations', nowMs, limit, share);
  }

  /** The names whose time has come, the longest ago first. */
  async #earliest(
    what: 'due' | 'expirations',
    nowMs: Milliseconds,
    limit: number,
    share: Share | undefined,
  ): Promise<readonly string[]> {
    this.#commands.assertOpen();
    const [command, ...range] = earliestUntil(nowMs, limit);
    const found = await this.#commands.inPartitions(
      share,
      { keyOf: (partition) => partition[what], read: earliestUntil(nowMs, 1) },
      async ({ [what]: due }) =>
        pairsOf(await this.#commands.read(due, [command, due, ...range, 'WITHSCORES'])),
    );
    const inOrder = [...found].sort(([, a], [, b]) => Number(a) - Number(b));
    return inOrder.slice(0, limit).map(([name]) => name);
  }

  async commit(batch: Batch): Promise<CommitSuccess | Conflict | HandleIdConflict> {
    this.#commands.assertOpen();
    return this.#commands.track(this.#commits.commit(batch));
  }

  async searchChanges(cursor: string | undefined, limit: number): Promise<SearchChanges> {
    this.#commands.assertOpen();
    return this.#searchChanges.read(cursor, limit);
  }

  async record(table: string, group: string, id: string): Promise<StoredRecord | undefined> {
    assertRecordNames(table, group, id);
    this.#commands.assertOpen();
    return this.#records.record(table, group, id);
  }

  async records(
    table: string,
    group: string,
    limit: number,
    after?: string,
  ): Promise<readonly StoredRecord[]> {
    assertRecordNames(table, group);
    this.#commands.assertOpen();
    return this.#records.records(table, group, limit, after);
  }

  async dueRecords(
    table: string,
    nowMs: Milliseconds,
    limit: number,
    part?: Share | GroupPart,
  ): Promise<readonly RecordName[]> {
    assertRecordNames(table);
    this.#commands.assertOpen();
    return this.#records.due(table, nowMs, limit, part);
  }

  async commitRecords(
    table: string,
    group: string,
    changes: readonly RecordChange[],
  ): Promise<RecordsCommitted | RecordConflict> {
    assertRecordChanges(table, group, changes);
    this.#commands.assertOpen();
    return this.#records.commit(table, group, changes);
  }

  async historyBranches(key: SessionKey): Promise<readonly Guid[]> {
    this.#commands.assertOpen();
    return this.#history.branches(key);
  }

  async history(key: SessionKey, branch: Guid): Promise<readonly StoredChange[]> {
    this.#commands.assertOpen();
    return this.#history.changes(key, branch);
  }

  async historyBy(
    name: HistoryName,
    prefix: string,
    limit: number,
  ): Promise<readonly StoredBranch[]> {
    this.#commands.assertOpen();
    return this.#history.by(name, prefix, limit);
  }

  /** Nothing: commits forget, and keys have an end. */
  async forgetHistory(): Promise<'done'> {
    this.#commands.assertOpen();
    return 'done';
  }

  list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    return this.#people.list(owner, list);
  }

  listEntries(owner: Xuid, list: ListName, xuids: readonly Xuid[]): Promise<readonly ListEntry[]> {
    return this.#people.listEntries(owner, list, xuids);
  }

  listSize(owner: Xuid, list: ListName, max: number): Promise<number> {
    return this.#people.listSize(owner, list, max);
  }

  changeList(
    owner: Xuid,
    list: ListName,
    change: Parameters<PeopleStore['changeList']>[2],
  ): Promise<void> {
    return this.#people.changeList(owner, list, change);
  }

  renewNode(node: NodeId, leaseMs: Milliseconds): Promise<'held' | 'lost'> {
    return this.#nodes.renewNode(node, leaseMs);
  }

  nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]> {
    return this.#nodes.nodes();
  }

  noteSeen(
    sightings: readonly (readonly [Xuid, Milliseconds])[],
    forgetBeforeMs: Milliseconds,
  ): Promise<void> {
    return this.#nodes.noteSeen(sightings, forgetBeforeMs);
  }

  lastSeen(xuids: readonly Xuid[]): Promise<ReadonlyMap<Xuid, Milliseconds>> {
    return this.#nodes.lastSeen(xuids);
  }

  forgetNode(node: NodeId): Promise<void> {
    return this.#nodes.forgetNode(node);
  }

  acquireOnce(name: string, nowMs: Milliseconds, untilMs: Milliseconds): Promise<boolean> {
    return this.#agreements.acquireOnce(name, nowMs, untilMs);
  }

  secret(known?: Uint8Array): Promise<Uint8Array> {
    return this.#agreements.secret(known);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  async #close(): Promise<void> {
    await this.#commands.close();
    await this.#bus[Symbol.asyncDispose]();
    await this.#shards[Symbol.asyncDispose]();
    this.#cache.clear();
  }
}

/** Sorts after a key with a hint's separator, and before every longer key. */
const lastOfKey = '\u0001';

/** The members of a large session for the damage log. */
function membersOf(key: SessionKey): string {
  return `the members of the session ${key}`;
}

/** A member for the damage log: its name, how it is read, and what tells it from others of its session. */
function memberOf(
  who: string,
  key: SessionKey,
  text: string,
): [name: string, parse: () => Member, thing: string] {
  const thing = `member ${key} ${text.slice(0, 512)}`;
  return [`${who} of the session ${key}`, () => parseStored<Member>(text), thing];
}
