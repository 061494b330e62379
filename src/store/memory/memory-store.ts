import { randomBytes } from 'node:crypto';
import type { ActivityHandle, Handle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import { keyOf, type SessionKey } from '../../domain/session/reference.ts';
import { tallyOf } from '../../domain/session/large.ts';
import type { Member } from '../../domain/session/session.ts';
import type { Milliseconds } from '../../domain/time.ts';
import { addTo, HintIndex, removeFrom } from '../hint-index.ts';
import { copyInto } from '../copy-into.ts';
import { ProcessStore } from '../process-store.ts';
import { assertRecordChanges, assertRecordNames } from '../record-store.ts';
import {
  StoreUnavailable,
  type Batch,
  type CommitSuccess,
  type CountedPart,
  type Conflict,
  type Hint,
  type HistoryName,
  type ListEntry,
  type ListName,
  type MemberRow,
  type NodeId,
  type LastKnown,
  type RecordChange,
  type RecordConflict,
  type RecordName,
  type RecordsCommitted,
  type SessionDelete,
  type SessionKeys,
  type SessionPut,
  type SessionRecord,
  type Store,
  type StoredBranch,
  type StoredChange,
  type StoredRecord,
  type HandleIdConflict,
} from '../store.ts';
import { MemoryHistory } from './memory-history.ts';
import { MemoryRecords } from './memory-records.ts';

/** How many sessions one part of a count has: some milliseconds. */
const countedSessionsMax = 2_000;

/**
 * A store that keeps everything in this process and loses it when disposed of.
 *
 * A commit takes effect before the call returns; only the answer comes later.
 */
export function openMemoryStore(): Store {
  return new MemoryStore();
}

/**
 * A store of its own that holds what a memory store holds now. Throws TypeError when `store` is of
 * another kind.
 */
export function copyMemoryStore(store: Store): Store {
  if (store instanceof MemoryStore) return store.copy();
  throw new TypeError('only a memory store can be copied');
}

class MemoryStore extends ProcessStore implements Store {
  readonly #sessions = new Map<SessionKey, SessionRecord>();
  readonly #dueMs = new Map<SessionKey, Milliseconds>();
  /** The next life of a deleted session starts above it; see `SessionRecord`. */
  #revisionDeletedMax = 0;
  /** By lower-case id, as is the next one. */
  readonly #handles = new Map<Guid, Handle>();
  readonly #expirationMs = new Map<Guid, Milliseconds>();
  readonly #activitiesOf = new Map<Xuid, Map<Guid, ActivityHandle>>();
  readonly #handlesFor = new Map<SessionKey, Set<Handle>>();
  readonly #invitesOf = new Map<Xuid, Set<Handle>>();
  readonly #hints = new HintIndex();
  readonly #rows = new Map<SessionKey, Map<Xuid, MemberRow>>();
  /** In the order of their last change: key to the number of that change. */
  readonly #searchChanges = new Map<SessionKey, number>();
  #searchChangesCount = 0;
  readonly #lists = new Map<`${ListName}:${Xuid}`, Map<Xuid, ListEntry>>();
  readonly #records = new MemoryRecords();
  readonly #history = new MemoryHistory();
  readonly #nodes = new Set<NodeId>();
  readonly #secret: Uint8Array = randomBytes(32);
  #disposed = false;

  /** @see copyMemoryStore */
  copy(): MemoryStore {
    const copy = new MemoryStore();
    copy.copyProcessState(this);
    copyInto(copy.#sessions, this.#sessions);
    copyInto(copy.#dueMs, this.#dueMs);
    copy.#revisionDeletedMax = this.#revisionDeletedMax;
    copyInto(copy.#handles, this.#handles);
    copyInto(copy.#expirationMs, this.#expirationMs);
    copyInto(copy.#activitiesOf, this.#activitiesOf);
    copyInto(copy.#handlesFor, this.#handlesFor);
    copyInto(copy.#invitesOf, this.#invitesOf);
    copy.#hints.copyFrom(this.#hints);
    copyInto(copy.#rows, this.#rows);
    copyInto(copy.#searchChanges, this.#searchChanges);
    copy.#searchChangesCount = this.#searchChangesCount;
    copyInto(copy.#lists, this.#lists);
    copy.#records.copyFrom(this.#records);
    copy.#history.copyFrom(this.#history);
    for (const node of this.#nodes) copy.#nodes.add(node);
    copy.#secret.set(this.#secret);
    return copy;
  }

  async session(key: SessionKey): Promise<SessionRecord | undefined> {
    this.refuseIfDisposed();
    return this.#sessions.get(key);
  }

  async sessions(keys: readonly SessionKey[]): Promise<readonly (SessionRecord | undefined)[]> {
    this.refuseIfDisposed();
    return keys.map((key) => this.#sessions.get(key));
  }

  lastKnown(key: SessionKey): LastKnown {
    return { record: this.#sessions.get(key), isCommitted: true };
  }

  async handle(id: Guid): Promise<Handle | undefined> {
    this.refuseIfDisposed();
    return this.#handles.get(id.toLowerCase());
  }

  async activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    this.refuseIfDisposed();
    return [...new Set(xuids)].flatMap((xuid) => {
      const activities = this.#activitiesOf.get(xuid) ?? new Map<Guid, ActivityHandle>();
      const scids = scid === undefined ? [...activities.keys()].sort() : [scid.toLowerCase()];
      return scids.flatMap((each) => activities.get(each) ?? []);
    });
  }

  async handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    this.refuseIfDisposed();
    return [...(this.#handlesFor.get(key) ?? [])];
  }

  async invitesOf(xuid: Xuid): Promise<readonly Handle[]> {
    this.refuseIfDisposed();
    return [...(this.#invitesOf.get(xuid) ?? [])];
  }

  async sessionsBy(hint: Hint, limit: number, after?: SessionKey): Promise<readonly SessionKey[]> {
    this.refuseIfDisposed();
    return this.#hints.keysBy(hint, limit, after);
  }

  async memberRow(key: SessionKey, xuid: Xuid): Promise<Member | undefined> {
    this.refuseIfDisposed();
    return this.#rows.get(key)?.get(xuid)?.member;
  }

  async memberRows(key: SessionKey, limit: number, after = ''): Promise<readonly Member[]> {
    this.refuseIfDisposed();
    const rows = [...(this.#rows.get(key)?.values() ?? [])].map(({ member }) => member);
    return rows
      .filter(({ xuid }) => xuid > after)
      .sort((a, b) => (a.xuid < b.xuid ? -1 : 1))
      .slice(0, limit);
  }

  async memberRowsDue(
    key: SessionKey,
    nowMs: Milliseconds,
    limit: number,
  ): Promise<readonly Member[]> {
    this.refuseIfDisposed();
    const rows = [...(this.#rows.get(key)?.values() ?? [])];
    return rows
      .flatMap(({ member, dueMs }) => (dueMs === undefined ? [] : [{ member, dueMs }]))
      .filter(({ dueMs }) => dueMs <= nowMs)
      .sort((a, b) => a.dueMs - b.dueMs)
      .slice(0, limit)
      .map(({ member }) => member);
  }

  async sessionKeys(limit: number, cursor = ''): Promise<SessionKeys> {
    this.refuseIfDisposed();
    const keys = [...this.#sessions.keys()]
      .filter((key) => key > cursor)
      .sort()
      .slice(0, limit);
    return { keys, cursor: keys.length < limit ? undefined : keys.at(-1) };
  }

  /** The cursor is how many sessions have been counted. */
  async countPart(cursor?: string): Promise<CountedPart> {
    this.refuseIfDisposed();
    const begin = Number(cursor ?? 0);
    const end = begin + countedSessionsMax;
    const counts = { sessions: 0, joined: 0, reserved: 0 };
    let at = -1;
    for (const { session } of this.#sessions.values()) {
      at += 1;
      if (at < begin) continue;
      if (at >= end) return { counts, cursor: String(end) };
      const { count, accepted } = tallyOf(session);
      counts.sessions += 1;
      counts.joined += accepted;
      counts.reserved += count - accepted;
    }
    const handles = { handles: this.#handles.size, activities: 0, invites: 0 };
    for (const { type } of this.#handles.values()) {
      if (type === 'activity') handles.activities += 1;
      else if (type === 'invite') handles.invites += 1;
    }
    return { counts: { ...counts, ...handles }, cursor: undefined };
  }

  async due(nowMs: Milliseconds, limit: number): Promise<readonly SessionKey[]> {
    this.refuseIfDisposed();
    return earliest(this.#dueMs, nowMs, limit);
  }

  async expired(nowMs: Milliseconds, limit: number): Promise<readonly Guid[]> {
    this.refuseIfDisposed();
    return earliest(this.#expirationMs, nowMs, limit);
  }

  async commit(batch: Batch): Promise<CommitSuccess | Conflict | HandleIdConflict> {
    this.refuseIfDisposed();
    const { session, handle, removeHandles = [] } = batch;
    if (handle?.requestId !== undefined) {
      const there = this.#handles.get(handle.id.toLowerCase());
      if (there && there.requestId !== handle.requestId) return { kind: 'taken', handle: there };
    }
    let revision: number | undefined;
    if (session) {
      const current = this.#sessions.get(session.key);
      if ((current?.revision ?? 0) !== session.expectRevision) return { kind: 'conflict', current };
      if (session.kind === 'put') revision = this.#put(session);
      else revision = this.#delete(session);
    }
    if (handle) this.#keep(handle);
    for (const id of removeHandles) this.#remove(id.toLowerCase());
    return { kind: 'committed', ...(revision !== undefined && { revision }) };
  }

  async searchChanges(
    cursor: string | undefined,
    limit: number,
  ): Promise<{ readonly keys: readonly SessionKey[]; readonly cursor: string }> {
    this.refuseIfDisposed();
    const after = Number(cursor ?? 0);
    const changes = [...this.#searchChanges].filter(([, at]) => at > after).slice(0, limit);
    return { keys: changes.map(([key]) => key), cursor: String(changes.at(-1)?.[1] ?? after) };
  }

  async historyBranches(key: SessionKey): Promise<readonly Guid[]> {
    this.refuseIfDisposed();
    return this.#history.branches(key);
  }

  async history(key: SessionKey, branch: Guid): Promise<readonly StoredChange[]> {
    this.refuseIfDisposed();
    return this.#history.changes(key, branch);
  }

  async historyBy(
    name: HistoryName,
    prefix: string,
    limit: number,
  ): Promise<readonly StoredBranch[]> {
    this.refuseIfDisposed();
    return this.#history.by(name, prefix, limit);
  }

  async forgetHistory(
    nowMs: Milliseconds,
    keptMs: Milliseconds,
    limit: number,
  ): Promise<'done' | 'more'> {
    this.refuseIfDisposed();
    return this.#history.forget(nowMs, keptMs, limit, (key, branch) => {
      return this.#sessions.get(key)?.session.branch === branch;
    });
  }

  async list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    this.refuseIfDisposed();
    return [...(this.#lists.get(`${list}:${owner}`)?.values() ?? [])];
  }

  async listEntries(
    owner: Xuid,
    list: ListName,
    xuids: readonly Xuid[],
  ): Promise<readonly ListEntry[]> {
    this.refuseIfDisposed();
    const entries = this.#lists.get(`${list}:${owner}`);
    return xuids.flatMap((xuid) => entries?.get(xuid) ?? []);
  }

  async listSize(owner: Xuid, list: ListName, max: number): Promise<number> {
    this.refuseIfDisposed();
    return Math.min(max, this.#lists.get(`${list}:${owner}`)?.size ?? 0);
  }

  async changeList(
    owner: Xuid,
    list: ListName,
    { put = [], remove = [] }: { put?: readonly ListEntry[]; remove?: readonly Xuid[] },
  ): Promise<void> {
    this.refuseIfDisposed();
    const entries = this.#lists.get(`${list}:${owner}`) ?? new Map<Xuid, ListEntry>();
    this.#lists.set(`${list}:${owner}`, entries);
    for (const entry of put) entries.set(entry.xuid, entry);
    for (const xuid of remove) entries.delete(xuid);
  }

  async record(table: string, group: string, id: string): Promise<StoredRecord | undefined> {
    this.refuseIfDisposed();
    assertRecordNames(table, group, id);
    return this.#records.record(table, group, id);
  }

  async records(
    table: string,
    group: string,
    limit: number,
    after?: string,
  ): Promise<readonly StoredRecord[]> {
    this.refuseIfDisposed();
    assertRecordNames(table, group);
    return this.#records.records(table, group, limit, after);
  }

  async dueRecords(
    table: string,
    nowMs: Milliseconds,
    limit: number,
  ): Promise<readonly RecordName[]> {
    this.refuseIfDisposed();
    assertRecordNames(table);
    return this.#records.due(table, nowMs, limit);
  }

  async commitRecords(
    table: string,
    group: string,
    changes: readonly RecordChange[],
  ): Promise<RecordsCommitted | RecordConflict> {
    this.refuseIfDisposed();
    assertRecordChanges(table, group, changes);
    return this.#records.commit(table, group, changes);
  }

  async renewNode(node: NodeId): Promise<'held'> {
    this.refuseIfDisposed();
    this.#nodes.add(node);
    return 'held';
  }

  async nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]> {
    this.refuseIfDisposed();
    return [...this.#nodes].map((node) => ({ node, isAlive: true }));
  }

  async forgetNode(node: NodeId): Promise<void> {
    this.refuseIfDisposed();
    this.#nodes.delete(node);
  }

  async secret(): Promise<Uint8Array> {
    this.refuseIfDisposed();
    return this.#secret;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
  }

  protected override refuseIfDisposed(): void {
    if (this.#disposed) throw new StoreUnavailable('The store has been closed.');
  }

  #put(put: SessionPut): number {
    const { key, expectRevision, session, dueMs, memberRows } = put;
    const revision = (expectRevision || this.#revisionDeletedMax) + 1;
    this.#sessions.set(key, { revision, session });
    if (put.history) this.#history.put(key, revision, put.history);
    this.#putRows(key, memberRows);
    this.#noteBeside(put);
    if (dueMs === undefined) this.#dueMs.delete(key);
    else this.#dueMs.set(key, dueMs);
    return revision;
  }

  #delete(change: SessionDelete): number | undefined {
    const { key, expectRevision } = change;
    this.#revisionDeletedMax = Math.max(this.#revisionDeletedMax, expectRevision);
    const isThere = this.#sessions.has(key);
    if (change.history && isThere) this.#history.put(key, expectRevision + 1, change.history);
    this.#sessions.delete(key);
    this.#dueMs.delete(key);
    this.#rows.delete(key);
    this.#noteBeside({ ...change, removeHints: this.#hints.of(key) });
    return isThere ? expectRevision + 1 : undefined;
  }

  #putRows(key: SessionKey, { put = [], remove = [] }: SessionPut['memberRows'] = {}): void {
    if (put.length === 0 && remove.length === 0) return;
    const rows = this.#rows.get(key) ?? new Map<Xuid, MemberRow>();
    this.#rows.set(key, rows);
    for (const row of put) rows.set(row.member.xuid, row);
    for (const xuid of remove) rows.delete(xuid);
  }

  #noteBeside({
    key,
    addHints = [],
    removeHints = [],
    isSearchChange,
  }: SessionPut | SessionDelete) {
    this.#hints.add(key, addHints);
    this.#hints.remove(key, removeHints);
    if (!isSearchChange) return;
    this.#searchChanges.delete(key);
    this.#searchChanges.set(key, ++this.#searchChangesCount);
  }

  #keep(handle: Handle): void {
    const id = handle.id.toLowerCase();
    if (this.#handles.has(id)) return;
    this.#handles.set(id, handle);
    if (handle.type === 'invite') {
      this.#expirationMs.set(id, handle.expirationMs);
      addTo(this.#invitesOf, handle.invitedXuid, handle);
    } else addTo(this.#handlesFor, keyOf(handle.reference), handle);
    if (handle.type === 'activity') this.#makeCurrent(handle);
  }

  #makeCurrent(handle: ActivityHandle): void {
    const { ownerXuid, reference } = handle;
    const scid = reference.scid.toLowerCase();
    const activities = this.#activitiesOf.get(ownerXuid) ?? new Map<Guid, ActivityHandle>();
    const former = activities.get(scid);
    if (former) this.#remove(former.id.toLowerCase());
    this.#activitiesOf.set(ownerXuid, activities.set(scid, handle));
  }

  #remove(id: Guid): void {
    const handle = this.#handles.get(id);
    if (handle?.type === 'invite') removeFrom(this.#invitesOf, handle.invitedXuid, handle);
    else if (handle) removeFrom(this.#handlesFor, keyOf(handle.reference), handle);
    if (handle?.type === 'activity') {
      this.#activitiesOf.get(handle.ownerXuid)?.delete(handle.reference.scid.toLowerCase());
    }
    this.#handles.delete(id);
    this.#expirationMs.delete(id);
  }
}

/** The keys whose time has come, earliest first. */
function earliest<K>(times: ReadonlyMap<K, Milliseconds>, nowMs: Milliseconds, limit: number): K[] {
  return [...times]
    .filter(([, timeMs]) => timeMs <= nowMs)
    .sort(([, a], [, b]) => a - b)
    .slice(0, limit)
    .map(([key]) => key);
}
