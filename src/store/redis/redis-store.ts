import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Handle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import { formatJson, formatJsonOnce } from '../../domain/json.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Member, Session } from '../../domain/session/session.ts';
import type { Milliseconds } from '../../domain/time.ts';
import { assertRecordChanges, assertRecordNames } from '../record-store.ts';
import { sessionMemoryBytes } from '../session-memory.ts';
import { formatStoredSession } from '../session-text.ts';
import {
  StoreUnavailable,
  type Batch,
  type CommitSuccess,
  type Conflict,
  type Durability,
  type Hint,
  type ListEntry,
  type ListName,
  type NodeId,
  type PendingNotifications,
  type LastKnown,
  type RecordChange,
  type RecordConflict,
  type RecordName,
  type RecordsCommitted,
  type SessionDelete,
  type SessionPut,
  type SessionRecord,
  type Share,
  type Store,
  type StoredRecord,
  type HandleIdConflict,
} from '../store.ts';
import { RedisCommands } from './redis-commands.ts';
import { isNotedWith, RedisHandles } from './redis-handles.ts';
import type { RedisKeys } from './redis-keys.ts';
import type { Reply } from './redis-link.ts';
import { RedisPendingNotifications } from './redis-pending-notifications.ts';
import { RedisRecords } from './redis-records.ts';
import { formatScore, pairsOf, parseStored } from './redis-replies.ts';
import { readSearchChanges, type SearchChanges } from './redis-search-changes.ts';
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

/** What this process last knew of a session, and which commit made it. */
type CachedRecord = { readonly record: SessionRecord; readonly commitId: CommitId };

/** 12 characters that no two commits share. */
type CommitId = string;

/**
 * A store on Redis or Valkey, a single server or a cluster, shared by any number of processes.
 *
 * A session is compared and set by one script on the server that has it. What belongs to other
 * slots is written around that step, so that what a reader finds leads somewhere:
 *
 *   before   a handle, which a session's record confirms; hints, which may hold too many
 *   step     session, due time, member rows, its handle, search change, pending taps
 *   after    pointers of users; removals
 *
 * Nobody waits for the removal of what a session no longer confirms: readers ask the session.
 *
 * A batch that conflicts takes back what it wrote before. Every command may be sent again: a session
 * knows the commits that made it, and the other commands do the same when they are repeated.
 */
export class RedisStore implements Store {
  readonly pendingNotifications: PendingNotifications;
  readonly #shards: RedisShards;
  readonly #commands: RedisCommands;
  readonly #handles: RedisHandles;
  readonly #records: RedisRecords;
  readonly #patienceMs: number;
  readonly #lastKnown: LRUCache<SessionKey, CachedRecord>;
  readonly #bus: AsyncDisposable;
  readonly #idPrefix = randomBytes(4).toString('base64url').slice(0, 5);
  #idsCount = 0;
  /** Nodes that were there the last time: their leases are asked for along with them. */
  #nodesKnown: readonly NodeId[] = [];
  #disposed: Promise<void> | undefined;

  constructor(parts: RedisStoreParts) {
    const { shards, keys, durability, cacheBytesMax, patienceMs, bus, log } = parts;
    this.#shards = shards;
    this.#commands = new RedisCommands(shards, keys, durability);
    this.#handles = new RedisHandles(this.#commands, log);
    this.pendingNotifications = new RedisPendingNotifications(this.#commands);
    this.#records = new RedisRecords(this.#commands, (key) => this.#deadlineMs(key), log);
    this.#patienceMs = patienceMs;
    this.#bus = bus;
    this.#lastKnown = new LRUCache({ maxSize: cacheBytesMax });
  }

  async session(key: SessionKey): Promise<SessionRecord | undefined> {
    return this.#session(key, this.#lastKnown.get(key), (parts) => this.#learn(key, parts));
  }

  async sessions(keys: readonly SessionKey[]): Promise<readonly (SessionRecord | undefined)[]> {
    return Promise.all(keys.map((key) => this.#session(key, this.#lastKnown.peek(key), recordOf)));
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
    const reply = await (isStrict
      ? this.#commands.writeScript('sessionFenced', keys, values)
      : this.#commands.readScript('session', keys, values));
    const [kind, ...parts] = reply as readonly string[];
    if (kind === 'same' && known) return known.record;
    return kind === 'found' ? found(parts) : this.#forget(key);
  }

  /**
   * Nothing that is not stored yet: if that commit fails, another process may get its revision, and a
   * change decided on the one would be stored on the other.
   */
  lastKnown(key: SessionKey): LastKnown | undefined {
    const known = this.#lastKnown.get(key);
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
      const members = (await this.#commands.read(set, range)) as readonly string[];
      for (const member of members) found.add(member.slice(0, member.indexOf(separator)));
      const last = members.at(-1);
      if (last === undefined) break;
      from = `(${last.slice(0, last.indexOf(separator))}${lastOfKey}`;
    }
    return [...found];
  }

  async memberRow(key: SessionKey, xuid: Xuid): Promise<Member | undefined> {
    this.#commands.assertOpen();
    const { rows } = this.#commands.keys.ofSession(key);
    const text = await this.#commands.read(rows, ['HGET', rows, xuid]);
    return text === null ? undefined : parseStored<Member>(text);
  }

  async memberRows(key: SessionKey, limit: number, after?: Xuid): Promise<readonly Member[]> {
    const from = after === undefined ? '-' : `(${after}`;
    return this.#rowsInOrder(key, 'rowsOrder', [from, '+', 'BYLEX', 'LIMIT', '0', String(limit)]);
  }

  async memberRowsDue(
    key: SessionKey,
    nowMs: Milliseconds,
    limit: number,
  ): Promise<readonly Member[]> {
    const range = ['-inf', formatScore(nowMs), 'BYSCORE', 'LIMIT', '0', String(limit)];
    return this.#rowsInOrder(key, 'rowsDue', range);
  }

  async #rowsInOrder(
    key: SessionKey,
    order: 'rowsOrder' | 'rowsDue',
    range: readonly string[],
  ): Promise<readonly Member[]> {
    this.#commands.assertOpen();
    const keys = this.#commands.keys.ofSession(key);
    const texts = await this.#commands.readScript('valuesInOrder', [keys.rows, keys[order]], range);
    return (texts as readonly string[]).map((text) => parseStored<Member>(text));
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
    const range = [
      '-inf',
      formatScore(nowMs),
      'BYSCORE',
      'LIMIT',
      '0',
      String(limit),
      'WITHSCORES',
    ];
    const found = await this.#commands.inPartitions(share, async (partition) =>
      pairsOf(await this.#commands.read(partition[what], ['ZRANGE', partition[what], ...range])),
    );
    const inOrder = [...found].sort(([, a], [, b]) => Number(a) - Number(b));
    return inOrder.slice(0, limit).map(([name]) => name);
  }

  async commit(batch: Batch): Promise<CommitSuccess | Conflict | HandleIdConflict> {
    this.#commands.assertOpen();
    return this.#commands.track(this.#commit(batch));
  }

  async searchChanges(cursor: string | undefined, limit: number): Promise<SearchChanges> {
    this.#commands.assertOpen();
    return readSearchChanges(this.#commands, cursor, limit);
  }

  async list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    this.#commands.assertOpen();
    const { entries, order } = this.#commands.keys.list(owner, list);
    const texts = await this.#commands.readScript('valuesInOrder', [entries, order], ['0', '-1']);
    return (texts as readonly string[]).map((text) => parseStored<ListEntry>(text));
  }

  async listEntries(
    owner: Xuid,
    list: ListName,
    xuids: readonly Xuid[],
  ): Promise<readonly ListEntry[]> {
    this.#commands.assertOpen();
    if (xuids.length === 0) return [];
    const { entries } = this.#commands.keys.list(owner, list);
    const texts = await this.#commands.read(entries, ['HMGET', entries, ...xuids]);
    return (texts as readonly (string | null)[]).flatMap((text) =>
      text === null ? [] : parseStored<ListEntry>(text),
    );
  }

  async listSize(owner: Xuid, list: ListName, max: number): Promise<number> {
    this.#commands.assertOpen();
    const { order } = this.#commands.keys.list(owner, list);
    return Math.min(max, Number(await this.#commands.read(order, ['ZCARD', order])));
  }

  async changeList(
    owner: Xuid,
    list: ListName,
    { put = [], remove = [] }: { put?: readonly ListEntry[]; remove?: readonly Xuid[] },
  ): Promise<void> {
    this.#commands.assertOpen();
    if (put.length === 0 && remove.length === 0) return;
    const { entries, order } = this.#commands.keys.list(owner, list);
    const puts = put.flatMap((entry) => [entry.xuid, formatJson(entry)]);
    const values = [String(put.length), ...puts, ...remove];
    const name = put.length > 0 ? 'changeList' : 'shortenList';
    await this.#commands.track(this.#commands.writeScript(name, [entries, order], values));
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
    share?: Share,
  ): Promise<readonly RecordName[]> {
    assertRecordNames(table);
    this.#commands.assertOpen();
    return this.#records.due(table, nowMs, limit, share);
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

  async renewNode(node: NodeId, leaseMs: Milliseconds): Promise<'held' | 'lost'> {
    this.#commands.assertOpen();
    const keys = [this.#commands.keys.nodes, this.#commands.keys.lease(node)];
    const reply = await this.#commands.writeScript('renewNode', keys, [node, String(leaseMs)]);
    return reply === 'held' ? 'held' : 'lost';
  }

  async nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]> {
    this.#commands.assertOpen();
    const known = this.#nodesKnown;
    const keys = [
      this.#commands.keys.nodes,
      ...known.map((node) => this.#commands.keys.lease(node)),
    ];
    const found = pairsOf(await this.#commands.readScript('nodes', keys, known));
    this.#nodesKnown = found.map(([node]) => node);
    return Promise.all(
      found.map(async ([node, isAlive]) => {
        if (isAlive !== '-1') return { node, isAlive: isAlive === '1' };
        const lease = this.#commands.keys.lease(node);
        return { node, isAlive: (await this.#commands.read(lease, ['EXISTS', lease])) === 1 };
      }),
    );
  }

  async noteSeen(
    sightings: readonly (readonly [Xuid, Milliseconds])[],
    forgetBeforeMs: Milliseconds,
  ): Promise<void> {
    this.#commands.assertOpen();
    const bySet = Map.groupBy(sightings, ([xuid]) => this.#commands.keys.seen(xuid));
    await Promise.all(
      [...bySet].map(async ([seen, ofSet]) => {
        const pairs = ofSet.flatMap(([xuid, seenMs]) => [String(seenMs), xuid]);
        await this.#commands.write(['ZADD', seen, 'GT', ...pairs]);
        await this.#commands.write(['ZREMRANGEBYSCORE', seen, '-inf', `(${forgetBeforeMs}`]);
      }),
    );
  }

  async lastSeen(xuids: readonly Xuid[]): Promise<ReadonlyMap<Xuid, Milliseconds>> {
    this.#commands.assertOpen();
    const bySet = Map.groupBy(new Set(xuids), (xuid) => this.#commands.keys.seen(xuid));
    const found = await Promise.all(
      [...bySet].map(async ([seen, ofSet]) => {
        const scores = (await this.#commands.read(seen, ['ZMSCORE', seen, ...ofSet])) as readonly (
          | string
          | null
        )[];
        return ofSet.flatMap((xuid, i) => {
          const score = scores[i];
          return score == null ? [] : [[xuid, Number(score)] as const];
        });
      }),
    );
    return new Map(found.flat());
  }

  async forgetNode(node: NodeId): Promise<void> {
    this.#commands.assertOpen();
    const { nodes } = this.#commands.keys;
    await this.#commands.write(['DEL', this.#commands.keys.lease(node)]);
    await this.#commands.write(['SREM', nodes, node]);
  }

  async acquireOnce(name: string, nowMs: Milliseconds, untilMs: Milliseconds): Promise<boolean> {
    this.#commands.assertOpen();
    const key = this.#commands.keys.claim(name);
    const lifetime = String(Math.max(1, Math.ceil(untilMs - nowMs)));
    return (await this.#commands.write(['SET', key, '1', 'NX', 'PX', lifetime])) === 'OK';
  }

  async secret(known?: Uint8Array): Promise<Uint8Array> {
    this.#commands.assertOpen();
    const { secret } = this.#commands.keys;
    const stored = await this.#commands.read(secret, ['GET', secret]);
    if (stored !== null) return Buffer.from(String(stored), 'base64');
    const proposed = Buffer.from(known ?? randomBytes(32)).toString('base64');
    await this.#commands.write(['SET', secret, proposed, 'NX']);
    const agreed = await this.#commands.read(secret, ['GET', secret]);
    if (agreed === null) throw new StoreUnavailable('The store does not keep its secret.');
    return Buffer.from(String(agreed), 'base64');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  async #close(): Promise<void> {
    await this.#commands.close();
    await this.#bus[Symbol.asyncDispose]();
    await this.#shards[Symbol.asyncDispose]();
    this.#lastKnown.clear();
  }

  async #commit(batch: Batch): Promise<CommitSuccess | Conflict | HandleIdConflict> {
    const { session, removeHandles = [] } = batch;
    const commitId = this.#freshId();
    const prepared = await this.#prepare(batch, commitId);
    const { handle } = prepared;
    if (handle && handle.requestId !== batch.handle?.requestId) {
      await prepared.undo();
      return { kind: 'taken', handle };
    }
    if (session) {
      const conflict = await this.#decide(session, commitId, handle);
      if (conflict) {
        await prepared.undo();
        return conflict;
      }
    }
    if (handle?.type === 'activity') await this.#handles.pointTo(handle);
    if (handle?.type === 'invite') await this.#handles.addInvite(handle);
    const removed = new Set(removeHandles.map((id) => id.toLowerCase()));
    await Promise.all([...removed].map((id) => this.#handles.remove(id)));
    return { kind: 'committed', ...(session?.pendingTaps && { hasPendingTaps: true }) };
  }

  /** Writes what must be there before the session is, and says how to take it back. */
  async #prepare({ session, handle }: Batch, commitId: CommitId): Promise<Preparation> {
    if (!handle && !session?.addHints?.length) return nothingPrepared;
    const hinted = (session?.addHints ?? []).map(
      (hint) => [this.#commands.keys.hint(hint), session] as const,
    );
    const member = session && `${session.key}${separator}${commitId}`;
    const [there] = await Promise.all([
      handle && this.#handles.put(handle, session),
      Promise.all(hinted.map(([set]) => this.#addHint(set, member ?? '', session))),
    ]);
    const undo = async (): Promise<void> => {
      // Too many hints do no harm, and a writer that lost a race must not lose the next by waiting.
      this.#commands.later(
        Promise.all(hinted.map(([set]) => this.#commands.write(['ZREM', set, member ?? '']))),
      );
      if (handle && there === undefined) await this.#handles.takeBack(handle, session);
    };
    return { handle: there ?? handle, undo };
  }

  /** Adds a session to those with a hint: also in a full memory, where its commit is let through. */
  #addHint(set: string, member: string, session: Batch['session']): Promise<Reply> {
    return session?.kind === 'put' && session.frees
      ? this.#commands.writeScript('addHint', [set], [member])
      : this.#commands.write(['ZADD', set, '0', member]);
  }

  /** Compares and sets the session; undefined once that is done. */
  async #decide(
    change: SessionPut | SessionDelete,
    commitId: CommitId,
    handle: Handle | undefined,
  ): Promise<Conflict | undefined> {
    const { key, expectRevision } = change;
    const text = change.kind === 'put' ? formatStoredSession(change.session) : '';
    const before = this.#commitIdOf(key, expectRevision);
    try {
      const reply = await (change.kind === 'put'
        ? this.#put(change, commitId, before, text, handle)
        : this.#delete(change, commitId, before));
      const [kind, ...parts] = reply as readonly string[];
      if (kind === 'late') {
        throw new StoreUnavailable('The write reached the store too late, and was not made.');
      }
      if (kind === 'conflict') {
        return { kind, current: parts.length > 0 ? this.#learn(key, parts) : this.#forget(key) };
      }
      const [revision = '0', ...dropped] = parts;
      if (change.kind === 'delete') this.#forget(key);
      else this.#remember(key, Number(revision), change.session, commitId, text);
      this.#commands.later(this.#dropHints(key, dropped));
      return undefined;
    } catch (error) {
      this.#forget(key);
      throw error;
    }
  }

  /** The commit that made what a change expects, if this process knows it. */
  #commitIdOf(key: SessionKey, revision: number): CommitId {
    const known = this.#lastKnown.peek(key);
    return known?.record.revision === revision ? known.commitId : '';
  }

  #put(
    put: SessionPut,
    commitId: CommitId,
    before: CommitId,
    text: string,
    handle: Handle | undefined,
  ): Promise<Reply> {
    const { addHints = [], removeHints = [], memberRows, isSearchChange, pendingTaps } = put;
    const { partition, ...own } = this.#commands.keys.ofSession(put.key);
    const keys = [own.session, partition.due, partition.meta];
    const dueMs = put.dueMs === undefined ? '' : formatScore(put.dueMs);
    const more: string[] = [text, dueMs];
    let letters = '';
    if (addHints.length > 0 || removeHints.length > 0) {
      letters += 'h';
      keys.push(own.hints);
      const counted = [addHints, removeHints].map((hints) => hints.map(this.#commands.keys.hint));
      for (const sets of counted) more.push(String(sets.length), ...sets);
    }
    if (memberRows) {
      letters += 'r';
      keys.push(own.rows, own.rowsDue, own.rowsOrder);
      const { put: rows = [], remove = [] } = memberRows;
      more.push(String(rows.length));
      for (const { member, dueMs } of rows) {
        more.push(member.xuid, dueMs === undefined ? '' : formatScore(dueMs), formatJson(member));
      }
      more.push(String(remove.length), ...remove);
    }
    if (isSearchChange) {
      letters += 's';
      keys.push(partition.search, partition.searchGone);
    }
    if (handle && isNotedWith(handle, put)) {
      letters += 'a';
      keys.push(own.handles);
      more.push(handle.id.toLowerCase());
    }
    if (pendingTaps !== undefined) {
      letters += 'o';
      keys.push(partition.owed, partition.owedTexts);
      more.push(formatJsonOnce(pendingTaps));
    }
    const head = this.#head(letters, put, commitId, before);
    return this.#commands.writeScript(put.frees ? 'putFreeing' : 'put', keys, [...head, ...more]);
  }

  #delete(change: SessionDelete, commitId: CommitId, before: CommitId): Promise<Reply> {
    const { isSearchChange, pendingTaps } = change;
    const { partition, ...own } = this.#commands.keys.ofSession(change.key);
    const keys = [own.session, partition.due, partition.meta, own.hints];
    keys.push(own.rows, own.rowsDue, own.rowsOrder);
    keys.push(partition.search, partition.searchGone, own.deleter);
    if (pendingTaps !== undefined) keys.push(partition.owed, partition.owedTexts);
    const head = this.#head(pendingTaps === undefined ? '' : 'o', change, commitId, before);
    const values = [
      ...head,
      isSearchChange ? '1' : '0',
      pendingTaps ? formatJsonOnce(pendingTaps) : '',
    ];
    return this.#commands.writeScript('remove', keys, values);
  }

  #head(
    letters: string,
    { key, expectRevision }: SessionPut | SessionDelete,
    commitId: CommitId,
    before: CommitId,
  ): readonly string[] {
    const deadlineMs = String(this.#deadlineMs(this.#commands.keys.ofSession(key).session));
    const strict = this.#commands.isStrict ? '1' : '0';
    return [letters, key, String(expectRevision), commitId, before, deadlineMs, strict];
  }

  /** By when a commit must be carried out, in the time of the server that has this key. */
  #deadlineMs(key: string): Milliseconds {
    return Math.ceil(this.#shards.nowMs(key) + 2 * this.#patienceMs);
  }

  /** Removes the session from hints that it has lost: pairs of a hint and the commit that added it. */
  async #dropHints(key: SessionKey, dropped: readonly string[]): Promise<void> {
    const pairs = pairsOf(dropped);
    // A hint too many does no harm, so a failure does none either.
    await Promise.allSettled(
      pairs.map(([set, commitId]) =>
        this.#commands.write(['ZREM', set, `${key}${separator}${commitId}`]),
      ),
    );
  }

  #learn(key: SessionKey, parts: readonly string[]): SessionRecord {
    const [, ids = '', text = ''] = parts;
    const record = recordOf(parts);
    this.#lastKnown.set(
      key,
      { record, commitId: ids.slice(0, 12) },
      { size: key.length + sessionMemoryBytes(text) },
    );
    return record;
  }

  #forget(key: SessionKey): undefined {
    this.#lastKnown.delete(key);
    return undefined;
  }

  #remember(
    key: SessionKey,
    revision: number,
    session: Session,
    commitId: CommitId,
    text: string,
  ): void {
    const size = key.length + sessionMemoryBytes(text);
    // 0: others have changed it since.
    if (revision === 0) this.#forget(key);
    else if (revision >= (this.#lastKnown.peek(key)?.record.revision ?? 0)) {
      this.#lastKnown.set(key, { record: { revision, session }, commitId }, { size });
    }
  }

  #freshId(): CommitId {
    this.#idsCount += 1;
    return this.#idPrefix + this.#idsCount.toString(36).padStart(7, '0');
  }
}

/** The record in an answer of a script: its revision, the ids of its commits, its text. */
function recordOf([revision, , text = '']: readonly string[]): SessionRecord {
  return { revision: Number(revision), session: parseStored<Session>(text) };
}

/** What a batch has written before its session. */
type Preparation = {
  /** The handle of the batch, or the one that has its id already. */
  readonly handle: Handle | undefined;
  readonly undo: () => Promise<void>;
};

const nothingPrepared: Preparation = { handle: undefined, undo: async () => undefined };

/** Between a key and what follows it: no key holds it, and no character of a key sorts before it. */
const separator = '\u0000';
const lastOfKey = '\u0001';
