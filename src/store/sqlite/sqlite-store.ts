import { LRUCache } from 'lru-cache';
import type { Handle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Member } from '../../domain/session/session.ts';
import type { Milliseconds } from '../../domain/time.ts';
import type { Conditions } from '../../platform/conditions.ts';
import { firstReadable } from '../first-readable.ts';
import { HintIndex } from '../hint-index.ts';
import { hintText } from '../hint-text.ts';
import { ProcessStore } from '../process-store.ts';
import { assertRecordChanges, assertRecordNames } from '../record-store.ts';
import {
  DamagedRecord,
  UnwritableRecord,
  isOutage,
  StoreUnavailable,
  type Batch,
  type CommitSuccess,
  type CountedPart,
  type Conflict,
  type Durability,
  type Hint,
  type HistoryName,
  type ListEntry,
  type ListName,
  type NodeId,
  type LastKnown,
  type RecordChange,
  type RecordConflict,
  type RecordName,
  type RecordsCommitted,
  type SessionDelete,
  type SessionPut,
  type SessionKeys,
  type SessionRecord,
  type Store,
  type StoredBranch,
  type StoredChange,
  type StoredRecord,
  type HandleIdConflict,
} from '../store.ts';
import { type DataFile, openDataFile, unavailable } from './data-file.ts';
import { DataFileHealth } from './data-file-health.ts';
import { Group, GroupCommit, nothing, type StoredState } from './group-commit.ts';
import { countPart } from './count-part.ts';
import { changesOf, handleOf, prepareQueries, type Queries } from './queries.ts';
import { sessionMemoryBytes } from '../session-memory.ts';
import { formatStoredSession } from '../session-text.ts';
import {
  isOfDamage,
  parseChange,
  parseEntry,
  parseHandle,
  parseMember,
  parseSession,
  type Row,
} from './rows.ts';
import {
  isDamage,
  isDamagedPage,
  isLackOfRoom,
  mayTryAlone,
  sqliteCodes,
} from './sqlite-errors.ts';
import { SqliteRecords } from './sqlite-records.ts';
import type { Write } from './statements.ts';
import type { HistoryFault, WriteFailure, WriterSettings } from './writer-messages.ts';
import { WriterThread } from './writer-thread.ts';
import {
  besideWrites,
  deleteWrites,
  handleWrites,
  historyWrites,
  isOfConnection,
} from './writes.ts';

/** Why a commit was not made with the others of its group. */
type CommitFailure = Conflict | HandleIdConflict | WriteFailure;

/** A success that is made before it is certain. */
type Success = { -readonly [K in keyof CommitSuccess]: CommitSuccess[K] };

type GroupListener = (writesCount: number, isFailed: boolean) => void;

export type SqliteSettings = {
  /** Where the data is kept; the file and its folder are made when they are not there. */
  readonly file: string;
  /** `strict`: each commit is on the disk; `relaxed`: it is with the operating system. */
  readonly durability: Durability;
  /** Memory for sessions that are kept parsed, about; at least 1, 64 MiB unless given. */
  readonly cacheBytesMax?: number;
  /** The file is not let grow beyond this; commits that need more room fail. No bound unless given. */
  readonly fileBytesMax?: number;
  /** Hears that the file cannot be written or is damaged, and that it can be written again. */
  readonly conditions?: Conditions;
  /** Hears of each record that cannot be read, of lost writes and of a conversion, a line each. */
  readonly log?: (line: string) => void;
  /** Awaited before a file of a former version is converted; what it throws leaves the file alone. */
  readonly beforeConversion?: () => Promise<void>;
  /** Called when a group of commits is durable, or failed: with the rows that it wrote. */
  readonly grouped?: GroupListener;
  /** Time that passes, for pauses between attempts to open a file that the disk had no room for. */
  readonly elapsedMs?: () => Milliseconds;
};

/**
 * A store in one SQLite file, written by this process alone.
 *
 * Programs may read the file meanwhile; while one writes to it, or holds a lock to do so, commits
 * wait and then fail.
 *
 * To back it up while it is running: `sqlite3 openmpsd.db "VACUUM INTO 'copy.db'"`. The copy holds
 * every commit acknowledged before it began. (`.backup` does as well, but starts over when the file
 * changes, and under load may not come to its end.) A copy by the system's means is none: the
 * newest commits are in the `-wal` file. To restore, stop the process and use `openmpsd restore`: a
 * former `-wal` beside the copy would damage it.
 *
 * A file that is there opens on a full disk as well: it is read, and commits fail until there is room.
 *
 * Throws StoreUnavailable, with a text for the operator, when the file is in use by another process,
 * may have been written by another user, cannot be opened or written, is not a data file of
 * OpenMPSD, or was written by a newer one.
 */
export async function openSqliteStore(settings: SqliteSettings): Promise<Store> {
  const { log = () => undefined, durability, fileBytesMax } = settings;
  const { elapsedMs = () => performance.now() } = settings;
  const data = await openDataFile(settings.file, settings);
  try {
    return new SqliteStore({
      data,
      reader: openReader(data),
      writer: { file: data.path, durability, fileBytesMax },
      health: new DataFileHealth(data.path, settings.conditions, log, elapsedMs),
      cacheBytesMax: settings.cacheBytesMax ?? 64 * 1024 * 1024,
      elapsedMs,
      grouped: settings.grouped,
    });
  } catch (error) {
    data.close();
    throw unavailable(data.path, error);
  }
}

type Reader = { readonly queries: Queries; readonly sessionNumberMax: number };

function openReader({ db }: DataFile): Reader {
  const queries = prepareQueries(db);
  const number = Number(queries.sessionNumberMax.get()?.['max'] ?? 0);
  return { queries, sessionNumberMax: Math.max(number, recentNumberMax(queries)) };
}

function recentNumberMax({ recentNumberMax }: Queries): number {
  try {
    return Number(recentNumberMax.get()?.['max'] ?? 0);
  } catch (error) {
    // A full disk had no room to set the damaged table aside: that is done when there is.
    if (isDamage(error)) return 0;
    throw error;
  }
}

/** A file that the disk had no room for is opened again at most once in this time. */
const reopenEveryMs: Milliseconds = 1_000;

/** Tables of recent changes that were read to their end without damage are read so again after this time. */
const mendEveryMs: Milliseconds = 60_000;

/** How often a file that could not be written is tried, so that one that nobody writes is well again too. */
const probeEveryMs: Milliseconds = 1_000;
/** Changes the file, and leaves nothing in it. */
const probe: readonly Write[] = [
  ['insertNode', 'probe'],
  ['deleteNode', 'probe'],
];

/**
 * Reading goes by a cache of parsed sessions, else by a connection of this thread. Writing is
 * decided here, since nobody else writes: a commit is compared with what is known of its key, and
 * joins the group that the writer is given next (`GroupCommit`).
 *
 *   key:  at rest ── commit joins a group ──▶ being written ── group is done ──▶ at rest
 *
 * - A commit that does not match what is about to be written waits for that, and is then
 *   compared with what is really there. It waits for handles of its ids as well.
 * - What the cache holds is durable: a group enters it when it was written, and what a failed
 *   one was about is forgotten, so that it is read again from the file.
 * - When a group fails over something that concerns one of its writes alone, each of its commits is
 *   tried again in a group of its own, before what came meanwhile. When there is no room, those that
 *   make room are: so leaving and ending come first.
 */
class SqliteStore extends ProcessStore implements Store {
  #data: DataFile;
  #queries: Queries;
  readonly #writer: WriterThread;
  readonly #health: DataFileHealth;
  readonly #elapsedMs: () => Milliseconds;
  readonly #grouped: GroupListener | undefined;
  #reopenAfterMs: Milliseconds;
  readonly #cache: LRUCache<SessionKey, StoredState>;
  readonly #groups: GroupCommit;
  readonly #records: SqliteRecords;
  /** Given to a session or meant for one; the numbers of those that failed are left out. */
  #sessionNumberMax: number;
  /** The next life of a deleted session starts above it; see `SessionRecord`. */
  #revisionDeletedMax = 0;
  /** Of commits that failed: somebody may have read it as `lastKnown`, so it is not given again. */
  #revisionFailedMax = 0;
  /** Nodes in the file, and whether this process began them: those of former ones are dead. */
  readonly #nodes: Map<NodeId, boolean>;
  /**
   * Hints of connections, which are not in the file: all connections end with the process, and the next
   * one finds the sessions that they were in by the node.
   */
  readonly #connectionHints = new HintIndex();
  /** Begun and not in the file yet: the next group takes them along. */
  readonly #nodesToWrite = new Set<NodeId>();
  /** How often changes of histories were lost. */
  #historyLosses = 0;
  #mendAfterMs: Milliseconds;
  #probing: NodeJS.Timeout | undefined;
  #disposed: Promise<void> | undefined;

  constructor(parts: {
    readonly data: DataFile;
    readonly reader: Reader;
    readonly writer: WriterSettings;
    readonly health: DataFileHealth;
    readonly cacheBytesMax: number;
    readonly elapsedMs: () => Milliseconds;
    readonly grouped: GroupListener | undefined;
  }) {
    super();
    this.#data = parts.data;
    this.#queries = parts.reader.queries;
    this.#writer = new WriterThread(parts.writer, (fault) => this.#noteHistory(fault));
    this.#health = parts.health;
    this.#elapsedMs = parts.elapsedMs;
    this.#grouped = parts.grouped;
    this.#reopenAfterMs = parts.elapsedMs();
    this.#mendAfterMs = parts.elapsedMs();
    this.#cache = new LRUCache({ maxSize: parts.cacheBytesMax });
    this.#nodes = new Map(this.#queries.nodes.all().map(({ id }) => [String(id), false]));
    this.#sessionNumberMax = parts.reader.sessionNumberMax;
    this.#groups = new GroupCommit(
      {
        write: (writes) => this.#writeOut(writes),
        finished: (group, failure) => this.#noteFinished(group, failure),
      },
      parts.elapsedMs,
    );
    this.#records = new SqliteRecords({
      groups: this.#groups,
      refuseIfDisposed: () => this.refuseIfDisposed(),
      read: (kind, key, query) => this.#read(kind, key, query),
      firstRows: (...asked) => this.#firstRows(...asked),
      fail: (failure) => this.#fail(failure),
      failAlone: (failure, kind, key) => this.#failAlone(failure, kind, key),
    });
    if (this.#data.historyFault) this.#noteHistory(this.#data.historyFault);
    if (this.#data.isAlone) {
      this.#health.noteWrite(noRoom);
      this.#probeLater();
    } else this.#writer.prepare();
  }

  async session(key: SessionKey): Promise<SessionRecord | undefined> {
    this.refuseIfDisposed();
    await this.#groups.groupOf(key)?.done;
    return this.#durable(key).record;
  }

  async sessions(keys: readonly SessionKey[]): Promise<readonly (SessionRecord | undefined)[]> {
    this.refuseIfDisposed();
    for (const key of keys) await this.#groups.groupOf(key)?.done;
    return keys.map((key) => {
      try {
        return (this.#cache.peek(key) ?? this.#filed(key).state).record;
      } catch (error) {
        // It has been reported, and must not hide the others.
        if (isOutage(error)) throw error;
        return undefined;
      }
    });
  }

  lastKnown(key: SessionKey): LastKnown | undefined {
    const pending = this.#groups.pendingState(key);
    if (!pending) {
      const known = this.#cache.get(key);
      return known && { record: known.record, isCommitted: true };
    }
    const { record } = pending.state;
    const rows = this.#groups.pending.flatMap((group) => group.rows.get(key) ?? []);
    if (rows.length === 0) return { record, isCommitted: false };
    // Rows of a former life are still in the file, and not to be taken for those of this one.
    if (rows.some(({ isAll }) => isAll)) return undefined;
    return { record, isCommitted: false, rows: new Map(rows.flatMap(({ byXuid }) => [...byXuid])) };
  }

  async handle(id: Guid): Promise<Handle | undefined> {
    const key = id.toLowerCase();
    return this.#read('handle', key, (queries) => handleOf(queries, key));
  }

  async activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    return [...new Set(xuids)].flatMap((xuid) =>
      this.#readRows('activity of', xuid, parseHandle, ({ activities, activity }) =>
        scid === undefined ? activities.all(xuid) : activity.all(xuid, scid.toLowerCase()),
      ),
    );
  }

  async handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    return this.#readRows('handle for', key, parseHandle, ({ handlesFor }) => handlesFor.all(key));
  }

  async invitesOf(xuid: Xuid): Promise<readonly Handle[]> {
    return this.#readRows('invite of', xuid, parseHandle, ({ invites }) => invites.all(xuid));
  }

  async sessionsBy(hint: Hint, limit: number, after = ''): Promise<readonly SessionKey[]> {
    if (isOfConnection(hint)) {
      this.refuseIfDisposed();
      return this.#connectionHints.keysBy(hint, limit, after);
    }
    return this.#read('list of sessions by', hint, ({ hinted }) =>
      hinted.all(hintText(hint), after, limit).map(({ key }) => String(key)),
    );
  }

  async memberRow(key: SessionKey, xuid: Xuid): Promise<Member | undefined> {
    return this.#read('member in', key, ({ memberRow }) => {
      const row = memberRow.get(key, xuid);
      return row && parseMember(row);
    });
  }

  async memberRows(key: SessionKey, limit: number, after = ''): Promise<readonly Member[]> {
    return this.#firstRows(limit, 'member in', key, parseMember, ({ memberRows }, rowsMax) =>
      memberRows.all(key, after, rowsMax),
    );
  }

  async memberRowsDue(
    key: SessionKey,
    nowMs: Milliseconds,
    limit: number,
  ): Promise<readonly Member[]> {
    return this.#firstRows(limit, 'member in', key, parseMember, ({ memberRowsDue }, rowsMax) =>
      memberRowsDue.all(key, nowMs, rowsMax),
    );
  }

  async sessionKeys(limit: number, cursor = ''): Promise<SessionKeys> {
    const keys = this.#read('list of', 'all sessions', ({ sessionKeys }) =>
      sessionKeys.all(cursor, limit).map(({ key }) => String(key)),
    );
    return { keys, cursor: keys.length < limit ? undefined : keys.at(-1) };
  }

  async countPart(cursor?: string): Promise<CountedPart> {
    return this.#read('count of', 'what is kept', (queries) => countPart(queries, cursor));
  }

  async due(nowMs: Milliseconds, limit: number): Promise<readonly SessionKey[]> {
    return this.#read('list of', 'sessions that are due', ({ due }) =>
      due.all(nowMs, limit).map(({ key }) => String(key)),
    );
  }

  async expired(nowMs: Milliseconds, limit: number): Promise<readonly Guid[]> {
    return this.#read('list of', 'invites that have expired', ({ expired }) =>
      expired.all(nowMs, limit).map(({ id }) => String(id)),
    );
  }

  async searchChanges(
    cursor: string | undefined,
    limit: number,
  ): Promise<{ readonly keys: readonly SessionKey[]; readonly cursor: string }> {
    return this.#read('list of', 'search changes', ({ searchChanges }) => {
      const after = Number(cursor ?? 0);
      const changes = searchChanges.all(after, limit);
      return {
        keys: changes.map(({ key }) => String(key)),
        cursor: String(changes.at(-1)?.['number'] ?? after),
      };
    });
  }

  async historyBranches(key: SessionKey): Promise<readonly Guid[]> {
    return this.#readHistory(key, ({ historyBranches }) =>
      historyBranches.all(key).map(({ branch }) => String(branch)),
    );
  }

  async history(key: SessionKey, branch: Guid): Promise<readonly StoredChange[]> {
    const number = await this.#readHistory(key, ({ historyNumber }) =>
      Number(historyNumber.get(key, branch)?.['number'] ?? 0),
    );
    if (number === 0) return [];
    const rows = await this.#recentRows(number, 'rows');
    const changes = await this.#readHistory(
      key,
      (queries, mended) => changesOf(queries, number, mended ?? rows),
      number,
    );
    return this.#readRows('history of', key, parseChange, () => changes);
  }

  async historyBy(
    name: HistoryName,
    prefix: string,
    limit: number,
  ): Promise<readonly StoredBranch[]> {
    return this.#readHistory(name, ({ historyBy }) =>
      historyBy
        .all(name, prefix, limit)
        .map(({ key, branch }) => ({ key: String(key), branch: String(branch) })),
    );
  }

  async forgetHistory(
    nowMs: Milliseconds,
    keptMs: Milliseconds,
    limit: number,
  ): Promise<'done' | 'more'> {
    const beforeMs = nowMs - keptMs;
    const oldestMs = (name: 'recentBranchMs' | 'recentChangeMs') =>
      this.#readHistory('all sessions', (queries) =>
        Number(queries[name].get()?.['at_ms'] ?? Number.POSITIVE_INFINITY),
      );
    if ((await oldestMs('recentBranchMs')) <= beforeMs) await this.#write([['sortBranches']]);
    const due = this.#read('list of', 'old changes', ({ historyDue }) =>
      historyDue.all(nowMs, limit).map(({ number }) => Number(number)),
    );
    const isOld = (await oldestMs('recentChangeMs')) <= beforeMs;
    if (!isOld && due.length === 0) return 'done';
    // The writer forgets what it has in its index, which it has once it answers. Without one it can forget
    // nothing now: the next sweep asks again.
    if ((await this.#recentRows(0, 'rows')) === undefined) return 'done';
    // Also when the first one is newer: the clock may have been ahead.
    await this.#write([['forgetOldest', beforeMs]]);
    // After a long pause there may be more old ones than are forgotten at once.
    const isMore = (await oldestMs('recentChangeMs')) <= beforeMs;
    if (due.length === 0) return isMore ? 'more' : 'done';
    const writesOf = (number: number): readonly Write[] => [
      ['forgetChanges', number, beforeMs, keptMs],
    ];
    const all = due.flatMap(writesOf);
    await this.#unlessDamaged(all, async () => {
      for (const number of due) {
        // It would be the first that is due for ever.
        const later: Write = ['postponeHistoryCheck', number, nowMs + keptMs];
        await this.#unlessDamaged(writesOf(number), () => this.#write([later]));
      }
    });
    return due.length === limit || isMore ? 'more' : 'done';
  }

  async list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    return this.#readRows(`${list} of`, owner, parseEntry, ({ list: entries }) =>
      entries.all(owner, list),
    );
  }

  async listEntries(
    owner: Xuid,
    list: ListName,
    xuids: readonly Xuid[],
  ): Promise<readonly ListEntry[]> {
    if (xuids.length === 0) return [];
    return this.#readRows(`${list} of`, owner, parseEntry, ({ listEntries }) =>
      listEntries.all(owner, list, JSON.stringify(xuids)),
    );
  }

  async listSize(owner: Xuid, list: ListName, max: number): Promise<number> {
    return this.#read(`${list} of`, owner, ({ listSize }) =>
      Number(listSize.get(owner, list, max)?.['size'] ?? 0),
    );
  }

  async changeList(
    owner: Xuid,
    list: ListName,
    { put = [], remove = [] }: { put?: readonly ListEntry[]; remove?: readonly Xuid[] },
  ): Promise<void> {
    await this.#write([
      ...put.map(({ xuid, addedMs, isFavorite }): Write => {
        const favorite = isFavorite === undefined ? null : Number(isFavorite);
        return ['upsertListEntry', owner, list, xuid, addedMs, favorite];
      }),
      ...remove.map((xuid): Write => ['deleteListEntry', owner, list, xuid]),
    ]);
  }

  async record(table: string, group: string, id: string): Promise<StoredRecord | undefined> {
    assertRecordNames(table, group, id);
    return this.#records.record(table, group, id);
  }

  async records(
    table: string,
    group: string,
    limit: number,
    after?: string,
  ): Promise<readonly StoredRecord[]> {
    assertRecordNames(table, group);
    return this.#records.records(table, group, limit, after);
  }

  async dueRecords(
    table: string,
    nowMs: Milliseconds,
    limit: number,
  ): Promise<readonly RecordName[]> {
    assertRecordNames(table);
    return this.#records.due(table, nowMs, limit);
  }

  async commitRecords(
    table: string,
    group: string,
    changes: readonly RecordChange[],
  ): Promise<RecordsCommitted | RecordConflict> {
    assertRecordChanges(table, group, changes);
    return this.#records.commit(table, group, changes);
  }

  async renewNode(node: NodeId): Promise<'held'> {
    this.refuseIfDisposed();
    // No connection of this node is in the file before a group is, and the node goes with that. So a
    // node begins on a full disk as well.
    if (this.#nodes.get(node) !== true) this.#nodesToWrite.add(node);
    this.#nodes.set(node, true);
    return 'held';
  }

  async nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]> {
    this.refuseIfDisposed();
    return [...this.#nodes].map(([node, isAlive]) => ({ node, isAlive }));
  }

  async forgetNode(node: NodeId): Promise<void> {
    await this.#write([['deleteNode', node]]);
    this.#nodesToWrite.delete(node);
    this.#nodes.delete(node);
  }

  async secret(): Promise<Uint8Array> {
    return this.#read('secret', 'of this store', ({ secret }) => {
      return secret.get()?.['bytes'] as Uint8Array;
    });
  }

  async commit(batch: Batch): Promise<CommitSuccess | Conflict | HandleIdConflict> {
    const success: Success = { kind: 'committed' };
    const outcome = await this.#commitWithOthers(batch, success);
    if (outcome === undefined) return success;
    if (!('message' in outcome)) return outcome;
    if (!mayTryAlone(outcome, frees(batch))) return this.#fail(outcome);
    // What makes room takes none for the history.
    return this.#commitAlone(isLackOfRoom(outcome) ? withoutHistory(batch) : batch);
  }

  /**
   * Undefined once it is committed, when `success` is complete. The usual way is one promise for the whole
   * group.
   */
  #commitWithOthers(
    batch: Batch,
    success: Success,
  ): Conflict | HandleIdConflict | undefined | Promise<CommitFailure | undefined> {
    this.refuseIfDisposed();
    const change = batch.session;
    const before = change ? this.#newest(change.key) : nothing;
    const obstacle =
      this.#conflictOrGroup(batch.handle) ?? (change && this.#raceLost(change, before));
    if (obstacle === undefined) {
      return this.#join(batch, before, success, () => this.#groups.open())?.done;
    }
    return obstacle instanceof Group
      ? obstacle.done.then(() => this.#commitWithOthers(batch, success))
      : obstacle;
  }

  /** As `commit`, in a group of its own that overtakes the one that is being filled. */
  async #commitAlone(batch: Batch): Promise<CommitSuccess | Conflict | HandleIdConflict> {
    const success: Success = { kind: 'committed' };
    let wasAlone = false;
    const outcome = await this.#groups.alone(async (send) => {
      this.refuseIfDisposed();
      const change = batch.session;
      const before = change ? this.#durable(change.key) : nothing;
      // What is being filled was compared first; this one comes after it.
      const isLater = change !== undefined && this.#groups.isFillingWith(change.key);
      const obstacle =
        this.#conflictOrGroup(batch.handle) ?? (change && this.#raceLost(change, before));
      if (isLater || obstacle instanceof Group) return this.#commitWithOthers(batch, success);
      if (obstacle !== undefined) return obstacle;
      const group = this.#join(batch, before, success, () => new Group());
      wasAlone = true;
      return group && send(group);
    });
    if (outcome === undefined) return success;
    if (!('message' in outcome)) return outcome;
    if (!wasAlone) return this.#fail(outcome);
    const { session, handle, removeHandles = [] } = batch;
    if (session !== undefined) return this.#failAlone(outcome, 'session', session.key);
    return this.#failAlone(outcome, 'handle', handle?.id ?? removeHandles.join(', '));
  }

  /** For a write of one record that no other took part in: damage concerns the record then, and not the file. */
  #failAlone(failure: WriteFailure, kind: string, key: string): never {
    // A node that is to be written goes with each group: the damage may be there.
    const isOfRecord = isDamagedPage(failure) && this.#nodesToWrite.size === 0;
    if (!failure.isUndone || !isOfRecord) return this.#fail(failure);
    this.#health.noteUnwritable(kind, key, failure);
    throw new UnwritableRecord(`${kind} ${key} could not be written: ${failure.message}.`, {
      cause: failure,
    });
  }

  #fail(failure: WriteFailure): never {
    throw new StoreUnavailable(`${this.#data.path} could not be written: ${failure.message}.`, {
      cause: failure,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#probing);
    await this.#groups.idle();
    // The connection that is closed last copies the log into the file: not on this thread. The lock
    // is given up last.
    this.#data.db.close();
    await this.#writer.close();
    this.#data.close();
    this.#cache.clear();
  }

  protected override refuseIfDisposed(): void {
    if (this.#disposed) throw new StoreUnavailable(`${this.#data.path} has been closed.`);
  }

  /** What the key is going to hold, if nothing fails. */
  #newest(key: SessionKey): StoredState {
    return this.#groups.pendingState(key)?.state ?? this.#durable(key);
  }

  /** Why a change cannot be made to `before`, the newest of its key; or what it has to wait for. */
  #raceLost({ key, expectRevision }: SessionPut | SessionDelete, before: StoredState) {
    if (revisionOf(before) === expectRevision) return undefined;
    const durable = this.#durable(key);
    const group = this.#groups.groupOf(key);
    if (group && revisionOf(durable) <= expectRevision) return group;
    return { kind: 'conflict', current: durable.record } as const;
  }

  /** Another stored handle that has the id of this one, or the group that will store one. */
  #conflictOrGroup(handle: Handle | undefined): HandleIdConflict | Group | undefined {
    // Without it: the server drew the id.
    if (handle?.requestId === undefined) return undefined;
    const key = handle.id.toLowerCase();
    const group = this.#groups.pending.find((each) => each.handleIds.has(key));
    if (group) return group;
    const other = this.#read('handle', key, (queries) => handleOf(queries, key));
    if (other === undefined || other.requestId === handle.requestId) return undefined;
    return { kind: 'taken', handle: other };
  }

  async #write(writes: readonly Write[]): Promise<void> {
    this.refuseIfDisposed();
    if (writes.length === 0) return;
    const group = this.#groups.open();
    group.writes.push(...writes);
    const failure = await group.done;
    if (failure !== undefined) this.#fail(failure);
  }

  /** Writes, or does `otherwise` when a damaged page is in the way, which has been reported then. */
  async #unlessDamaged(writes: readonly Write[], otherwise: () => Promise<void>): Promise<void> {
    try {
      await this.#write(writes);
    } catch (error) {
      if (!isDamage((error as Error).cause ?? {})) throw error;
      await otherwise();
    }
  }

  /** What `query` finds of what belongs to this key. */
  #read<T>(kind: string, key: string, query: (queries: Queries) => T): T {
    this.refuseIfDisposed();
    try {
      return query(this.#queries);
    } catch (error) {
      this.#health.noteUnreadable(kind, key, error);
      const { message } = error as Error;
      const Fault = isOfDamage(error) ? DamagedRecord : StoreUnavailable;
      throw new Fault(`${this.#data.path} could not be read: ${message}.`, { cause: error });
    }
  }

  /**
   * What `query` finds of histories. When it meets damage, the writer replaces damaged tables of recent
   * changes, and it is tried again, with the recent rows of the session that has this number.
   */
  async #readHistory<T>(
    key: string,
    query: (queries: Queries, rows?: readonly number[]) => T,
    number = 0,
  ): Promise<T> {
    this.refuseIfDisposed();
    try {
      return query(this.#queries);
    } catch (error) {
      if (!isDamage(error)) return this.#read('history of', key, query);
    }
    const rows = await this.#mendedRows(number);
    return this.#read('history of', key, (queries) => query(queries, rows));
  }

  /**
   * The recent rows of a session after damaged tables have been replaced. The writer writes nothing while it
   * looks for these: when it found none, the damage is elsewhere, and it is not asked again for a while.
   */
  async #mendedRows(number: number): Promise<readonly number[] | undefined> {
    // It answers in turn: what was asked to mend before is done when this is answered.
    if (this.#elapsedMs() < this.#mendAfterMs) return this.#recentRows(number, 'rows');
    this.#mendAfterMs = this.#elapsedMs() + mendEveryMs;
    const losses = this.#historyLosses;
    const rows = await this.#recentRows(number, 'mend');
    if (this.#historyLosses !== losses) this.#mendAfterMs = this.#elapsedMs();
    return rows;
  }

  /** Undefined when nobody knows them: they have to be looked for. */
  async #recentRows(number: number, kind: 'rows' | 'mend'): Promise<readonly number[] | undefined> {
    if (this.#data.isAlone) return undefined;
    const rows = await this.#writer.recentRows(number, kind);
    this.refuseIfDisposed();
    return rows;
  }

  /** Rows that belong to this key, parsed; those that are damaged are left out. */
  #readRows<T>(
    kind: string,
    key: string,
    parse: (row: Row) => T,
    query: (queries: Queries) => readonly Row[],
  ): readonly T[] {
    const parsed = this.#parser(kind, key, parse);
    return this.#read(kind, key, query).flatMap((row) => parsed(row) ?? []);
  }

  /** The first `limit` of the rows that belong to this key, parsed, but for those that are damaged. */
  #firstRows<T>(
    limit: number,
    kind: string,
    key: string,
    parse: (row: Row) => T,
    query: (queries: Queries, limit: number) => readonly Row[],
  ): Promise<readonly T[]> {
    const read = (rowsMax: number) => this.#read(kind, key, (queries) => query(queries, rowsMax));
    return firstReadable(limit, read, this.#parser(kind, key, parse));
  }

  /** `parse`, which gives undefined for a damaged row and reports it. */
  #parser<T>(kind: string, key: string, parse: (row: Row) => T): (row: Row) => T | undefined {
    return (row) => {
      try {
        return parse(row);
      } catch (error) {
        this.#health.noteUnreadable(kind, key, error);
        return undefined;
      }
    };
  }

  /** What is durable of this key. */
  #durable(key: SessionKey): StoredState {
    const known = this.#cache.get(key);
    if (known) return known;
    const { state, size } = this.#filed(key);
    this.#cache.set(key, state, { size });
    return state;
  }

  /** What the file holds of this key, and its size in the cache. */
  #filed(key: SessionKey): { readonly state: StoredState; readonly size: number } {
    return this.#read('session', key, (queries) => {
      const row = queries.session.get(key);
      if (!row) return { state: nothing, size: key.length };
      const { revision, due_ms, number } = row;
      const session = parseSession(key, row);
      const state: StoredState = {
        record: { revision: Number(revision), session },
        dueMs: due_ms === null ? undefined : Number(due_ms),
        number: Number(number),
      };
      return { state, size: key.length + sessionMemoryBytes(String(row['document'])) };
    });
  }

  /**
   * The group that the batch now belongs to; undefined when there is nothing to write. `success` gets the
   * revision.
   */
  #join(
    batch: Batch,
    before: StoredState,
    success: Success,
    openGroup: () => Group,
  ): Group | undefined {
    const beside = handleWrites(batch);
    const change = batch.session;
    const nothingToDo = !change || (change.kind === 'delete' && change.expectRevision === 0);
    if (nothingToDo && beside.length === 0) return undefined;
    const group = openGroup();
    if (change && !nothingToDo) {
      this.#groups.noteFormer(group, change.key);
      success.revision =
        change.kind === 'put'
          ? this.#put(group, change, before)
          : this.#delete(group, change, before);
    }
    const { handle } = batch;
    if (handle?.requestId !== undefined) group.handleIds.add(handle.id.toLowerCase());
    if (beside.length > 0) group.writes.push(...beside);
    return group;
  }

  /** The revision of the record. */
  #put(group: Group, put: SessionPut, before: StoredState): number {
    const { key, expectRevision, session, dueMs } = put;
    const revision =
      Math.max(expectRevision || this.#revisionDeletedMax, this.#revisionFailedMax) + 1;
    const number = before.number ?? ++this.#sessionNumberMax;
    const text = formatStoredSession(session);
    // What the group was to write of a hot session so far is overtaken, and not sent.
    const at = group.sessions.get(key)?.writeAt ?? group.writes.length;
    const row = { number, key, revision, dueMs, text };
    group.writes[at] = rowWrite(group.writes[at], before, row);
    group.writes.push(...besideWrites(put, number));
    this.#noteConnections(group, put);
    if (put.memberRows) group.addRows(key, put.memberRows);
    if (put.history) {
      const isKnown = this.#isInHistory(before);
      group.writes.push(...historyWrites(put, { number, revision, isKnown }));
    }
    const inHistoryAt = put.history === undefined ? before.inHistoryAt : this.#historyLosses;
    const state = { record: { revision, session }, dueMs, number, inHistoryAt };
    const size = key.length + sessionMemoryBytes(text);
    group.sessions.set(key, { state, size, writeAt: at });
    return revision;
  }

  /** The revision of the end of the record. */
  #delete(group: Group, change: SessionDelete, before: StoredState): number {
    const { number } = before;
    const isKnown = this.#isInHistory(before);
    const { key, expectRevision } = change;
    this.#revisionDeletedMax = Math.max(this.#revisionDeletedMax, expectRevision);
    const revision = Math.max(expectRevision, this.#revisionFailedMax) + 1;
    if (number !== undefined) {
      group.writes.push(...historyWrites(change, { number, revision, isKnown }));
      group.writes.push(...deleteWrites(change, number));
    }
    group.rows.set(key, { byXuid: new Map(), isAll: true });
    group.removeHints(key, this.#connectionHints.of(key));
    group.sessions.set(key, { state: nothing, size: key.length, writeAt: undefined });
    return revision;
  }

  #isInHistory({ inHistoryAt }: StoredState): boolean {
    return inHistoryAt === this.#historyLosses;
  }

  /** After a loss the branch of a session may be gone, so that its next change has to bring it again. */
  #noteHistory(fault: HistoryFault | undefined): void {
    if (fault && fault.kind !== 'unsorted') this.#historyLosses += 1;
    this.#health.noteHistory(fault);
  }

  /** New ones are there at once, lost ones until the group is written: there may be too many. */
  #noteConnections(group: Group, { key, addHints = [], removeHints = [] }: SessionPut): void {
    const added = addHints.filter(isOfConnection);
    const removed = removeHints.filter(isOfConnection);
    if (added.length > 0) {
      this.#connectionHints.add(key, added);
      group.addHints(key, added);
    }
    if (removed.length > 0) group.removeHints(key, removed);
  }

  async #writeOut(writes: readonly Write[]): Promise<WriteFailure | undefined> {
    if (this.#data.isAlone && !this.#isReopened()) return noRoom;
    const nodes = [...this.#nodesToWrite];
    const all = [...nodes.map((node): Write => ['insertNode', node]), ...writes];
    const failure = await this.#writer.write(nodes.length === 0 ? writes : all);
    if (failure === undefined) for (const node of nodes) this.#nodesToWrite.delete(node);
    return failure;
  }

  /** True once a file that was opened on a full disk is open as it should be. */
  #isReopened(): boolean {
    if (this.#elapsedMs() < this.#reopenAfterMs) return false;
    this.#reopenAfterMs = this.#elapsedMs() + reopenEveryMs;
    try {
      this.#data = this.#data.reopen();
      const { queries, sessionNumberMax } = openReader(this.#data);
      this.#queries = queries;
      this.#sessionNumberMax = Math.max(this.#sessionNumberMax, sessionNumberMax);
      if (this.#data.historyFault) this.#noteHistory(this.#data.historyFault);
      return !this.#data.isAlone;
    } catch {
      // A program that reads the file came between. Tried again with a later group.
      return false;
    }
  }

  #noteFinished(group: Group, failure: WriteFailure | undefined): void {
    this.#grouped?.(group.writes.length, failure !== undefined);
    this.#records.noteFinished(group, failure);
    this.#health.noteWrite(failure);
    this.#probeLater();
    if (failure !== undefined) {
      this.#forget(group);
      return;
    }
    for (const [key, { state, size }] of group.sessions) this.#cache.set(key, state, { size });
    for (const [key, hints] of group.hintsRemoved) {
      const later = this.#groups.groupOf(key)?.hintsAdded.get(key);
      this.#connectionHints.remove(
        key,
        later ? [...hints].filter((one) => !later.has(one)) : [...hints],
      );
    }
  }

  /** Tries the file again after a while, unless it can be written. */
  #probeLater(): void {
    if (!this.#health.isUnwritable || this.#probing !== undefined || this.#disposed) return;
    this.#probing = setTimeout(() => {
      this.#probing = undefined;
      void this.#groups.alone(async (send) => {
        if (this.#disposed) return;
        const group = new Group();
        group.writes.push(...probe);
        await send(group);
      });
    }, probeEveryMs).unref();
  }

  /** What is there instead of what the group was to write is in the file. */
  #forget({ sessions }: Group): void {
    for (const [key, { state }] of sessions) {
      this.#cache.delete(key);
      this.#revisionFailedMax = Math.max(this.#revisionFailedMax, revisionOf(state));
    }
  }
}

/** What a write comes to while the disk has no room for what writing needs. */
const noRoom: WriteFailure = {
  message: 'database or disk is full',
  errcode: sqliteCodes.full,
  isUndone: true,
};

function withoutHistory(batch: Batch): Batch {
  if (batch.session === undefined) return batch;
  const { history: _history, ...session } = batch.session;
  return { ...batch, session };
}

/** True of a batch that takes room from nobody: what is removed, or says that it makes room. */
function frees({ session, handle }: Batch): boolean {
  if (handle) return false;
  return session === undefined || session.kind === 'delete' || session.frees === true;
}

function revisionOf({ record }: StoredState): number {
  return record?.revision ?? 0;
}

type SessionRow = {
  readonly number: number;
  readonly key: SessionKey;
  readonly revision: number;
  readonly dueMs: Milliseconds | undefined;
  readonly text: string;
};

/** The write of a session's row that takes the place of `former` in its group, if there is one. */
function rowWrite(
  former: Write | undefined,
  before: StoredState,
  { number, key, revision, dueMs, text }: SessionRow,
): Write {
  if (!before.record || former?.[0] === 'insertSession') {
    return ['insertSession', number, key, revision, dueMs ?? null, text];
  }
  // An index is touched when its column is named, be the value the same: so it is not named.
  return before.dueMs === dueMs && former?.[0] !== 'updateSessionAndDue'
    ? ['updateSession', number, revision, text]
    : ['updateSessionAndDue', number, revision, dueMs ?? null, text];
}
