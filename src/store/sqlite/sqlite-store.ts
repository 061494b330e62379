import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import type { Handle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import { parseExactJson } from '../../domain/json.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Member, Session } from '../../domain/session/session.ts';
import type { Milliseconds } from '../../domain/time.ts';
import { makeFolder } from '../../platform/make-folder.ts';
import { hintText } from '../hint-text.ts';
import { Sightings } from '../sightings.ts';
import {
  StoreUnavailable,
  type Batch,
  type Committed,
  type Conflict,
  type Durability,
  type Hint,
  type ListEntry,
  type ListName,
  type NodeId,
  type OwedTaps,
  type LastKnown,
  type SessionDelete,
  type SessionPut,
  type SessionRecord,
  type Store,
  type Taken,
} from '../store.ts';
import { claim } from './claim.ts';
import { migrate, migrations } from './migrations.ts';
import { ProcessClaims } from '../process-claims.ts';
import { formatStoredSession } from '../session-text.ts';
import type { Write } from './statements.ts';
import { WriterThread } from './writer-thread.ts';
import { besideWrites, deleteWrites, handleWrites } from './writes.ts';

export type SqliteSettings = {
  /** Where the data is kept; the file and its folder are made when they are not there. */
  readonly file: string;
  /** `strict`: each commit is on the disk; `relaxed`: it is with the operating system. */
  readonly durability: Durability;
  /** Sessions kept parsed, by the length of their texts; at least 1, 64 MiB unless given. */
  readonly cacheBytesMax?: number;
  /** The file is not let grow beyond this; commits that need more room fail. No bound unless given. */
  readonly fileBytesMax?: number;
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
 * newest commits are in the `-wal` file. To restore, stop the process, put the copy in place of the
 * file, and remove its `-wal` and `-shm`.
 *
 * Throws StoreUnavailable, with a text for the keeper of the machine, when the file is in use by
 * another process, cannot be opened or written, is not a data file of OpenMPSD, or was written by
 * a newer one.
 */
export async function openSqliteStore(settings: SqliteSettings): Promise<Store> {
  const file = resolve(settings.file);
  const problem = makeFolder(dirname(file));
  if (problem !== undefined) throw new StoreUnavailable(`${problem}. Use another data folder.`);
  const claimed = claim(file);
  try {
    const reader = openReader(file);
    const { durability, fileBytesMax } = settings;
    const writer = new WriterThread({ file, durability, fileBytesMax });
    const cacheBytesMax = settings.cacheBytesMax ?? 64 * 1024 * 1024;
    return new SqliteStore({ file, claimed, ...reader, writer, cacheBytesMax });
  } catch (error) {
    claimed.close();
    throw error;
  }
}

/** Marks a file as data of OpenMPSD: "MPSD" in ASCII. */
const applicationId = 0x4d505344;
const readerCacheBytesMax = 4 * 1024 * 1024;
const sqliteCannotOpen = 14;
const sqliteNotADatabase = 26;

type Reader = {
  readonly db: DatabaseSync;
  readonly queries: Queries;
  readonly sessionNumberMax: number;
};

/** A connection for reading, to a file that has the newest schema. */
function openReader(file: string): Reader {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 5_000 });
    // One that may only be read is opened as well, and would fail at the first write.
    accessSync(file, constants.W_OK);
    const isOurs = isMarked(db);
    // The writer's first commit that waits for the disk takes with it what is written here.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    if (!isOurs) db.exec(`PRAGMA application_id = ${applicationId}`);
    db.exec(`PRAGMA cache_size = -${readerCacheBytesMax / 1024}`);
    migrate(db, migrations);
    db.exec('PRAGMA query_only = ON');
    const queries = prepareQueries(db);
    return { db, queries, sessionNumberMax: Number(queries.sessionNumberMax.get()?.max ?? 0) };
  } catch (error) {
    db?.close();
    if (error instanceof StoreUnavailable) throw error;
    const problem = problemOfOpening(file, error as { errcode?: number; message: string });
    throw new StoreUnavailable(problem, { cause: error });
  }
}

function problemOfOpening(
  file: string,
  { errcode, message }: { readonly errcode?: number; readonly message: string },
): string {
  if (errcode === sqliteNotADatabase) return notOurs(file);
  const isOfSqlite = errcode !== undefined && errcode !== sqliteCannotOpen;
  const advice =
    ' Check that it is a file, and that this process may write to it and to its folder.';
  return `${file} cannot be opened: ${message}.${isOfSqlite ? '' : advice}`;
}

/** False of a new file; throws StoreUnavailable for a database of another program. */
function isMarked(db: DatabaseSync): boolean {
  const id = db.prepare('PRAGMA application_id').get()?.application_id;
  if (id === applicationId) return true;
  const tables = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.count;
  if (id !== 0 || tables !== 0) throw new StoreUnavailable(notOurs(String(db.location())));
  return false;
}

function notOurs(file: string): string {
  return `${file} is not a data file of OpenMPSD. Move it away, or use another data folder.`;
}

/** What is known of a key: its record if it has one, when that is due, and its number in the file. */
type Shelved = {
  readonly record: SessionRecord | undefined;
  readonly dueMs: Milliseconds | undefined;
  readonly number: number | undefined;
};

const nothing: Shelved = { record: undefined, dueMs: undefined, number: undefined };

/**
 * Reading goes by a cache of parsed sessions, else by a connection of this thread. Writing is
 * decided here, since nobody else writes: a commit is compared with what is known of its key, and
 * joins the group that the writer is given next. All that arrive while the writer is at a group
 * share the one after it.
 *
 *   key:    at rest ── commit joins a group ──▶ being written ── group settles ──▶ at rest
 *   group:  filling ── end of the tick, writer idle ──▶ with the writer ──▶ settled
 *
 * - A commit may build upon one that has not settled, in its own group or in the one before. When
 *   a group fails, the next one fails with it if it holds such a commit.
 * - A commit that does not match what is about to be written waits for that to settle, and is then
 *   compared with what is really there. It waits for handles of its ids as well.
 * - What the cache holds is durable: a group enters it when it has settled well, and what a failed
 *   one was about is forgotten, so that it is read again from the file.
 */
class SqliteStore implements Store {
  readonly #file: string;
  readonly #claimed: { close(): void };
  readonly #db: DatabaseSync;
  readonly #queries: Queries;
  readonly #writer: WriterThread;
  readonly #cache: LRUCache<SessionKey, Shelved>;
  #filling: Group | undefined;
  #writing: Group | undefined;
  /** Given to a session or meant for one; the numbers of those that failed are left out. */
  #sessionNumberMax: number;
  /** The next life of a deleted session starts above it; see `SessionRecord`. */
  #revisionDeletedMax = 0;
  /** Of commits that failed: somebody may have read it as `lastKnown`, so it is not given again. */
  #revisionFailedMax = 0;
  /** Nodes in the file, and whether this process began them: those of former ones are dead. */
  readonly #nodes: Map<NodeId, boolean>;
  readonly #claims = new ProcessClaims();
  readonly #sightings = new Sightings();
  #disposed: Promise<void> | undefined;

  constructor(
    parts: Reader & {
      readonly file: string;
      readonly claimed: { close(): void };
      readonly writer: WriterThread;
      readonly cacheBytesMax: number;
    },
  ) {
    this.#file = parts.file;
    this.#claimed = parts.claimed;
    this.#db = parts.db;
    this.#queries = parts.queries;
    this.#writer = parts.writer;
    this.#cache = new LRUCache({ maxSize: parts.cacheBytesMax });
    this.#nodes = new Map(parts.queries.nodes.all().map(({ id }) => [String(id), false]));
    this.#sessionNumberMax = parts.sessionNumberMax;
  }

  async session(key: SessionKey): Promise<SessionRecord | undefined> {
    this.#refuseIfDisposed();
    await this.#groupOf(key)?.settled;
    return this.#shelved(key).record;
  }

  async sessions(keys: readonly SessionKey[]): Promise<readonly (SessionRecord | undefined)[]> {
    this.#refuseIfDisposed();
    for (const key of keys) await this.#groupOf(key)?.settled;
    return keys.map((key) => (this.#cache.peek(key) ?? this.#filed(key).shelved).record);
  }

  lastKnown(key: SessionKey): LastKnown | undefined {
    const pending = this.#groupOf(key)?.sessions.get(key);
    if (!pending) {
      const known = this.#cache.get(key);
      return known && { record: known.record, isCommitted: true };
    }
    const { record } = pending.shelved;
    const rows = [this.#writing, this.#filling].flatMap((group) => group?.rows.get(key) ?? []);
    if (rows.length === 0) return { record, isCommitted: false };
    // Rows of a former life are still in the file, and not to be taken for those of this one.
    if (rows.some(({ isAll }) => isAll)) return undefined;
    return { record, isCommitted: false, rows: new Map(rows.flatMap(({ byXuid }) => [...byXuid])) };
  }

  async handle(id: Guid): Promise<Handle | undefined> {
    return this.#read(({ handle }) => {
      const row = handle.get(id.toLowerCase());
      return row && parseHandle(row);
    });
  }

  async activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    return this.#read(({ activities, activity }) =>
      [...new Set(xuids)].flatMap((xuid) => {
        const rows =
          scid === undefined ? activities.all(xuid) : activity.all(xuid, scid.toLowerCase());
        return rows.map(parseHandle);
      }),
    );
  }

  async handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    return this.#read(({ handlesFor }) => handlesFor.all(key).map(parseHandle));
  }

  async invitesOf(xuid: Xuid): Promise<readonly Handle[]> {
    return this.#read(({ invites }) => invites.all(xuid).map(parseHandle));
  }

  async sessionsBy(hint: Hint, limit: number, after = ''): Promise<readonly SessionKey[]> {
    return this.#read(({ hinted }) =>
      hinted.all(hintText(hint), after, limit).map(({ key }) => String(key)),
    );
  }

  async memberRow(key: SessionKey, xuid: Xuid): Promise<Member | undefined> {
    return this.#read(({ memberRow }) => {
      const row = memberRow.get(key, xuid);
      return row && parseMember(row);
    });
  }

  async memberRows(key: SessionKey, limit: number, after = ''): Promise<readonly Member[]> {
    return this.#read(({ memberRows }) => memberRows.all(key, after, limit).map(parseMember));
  }

  async memberRowsDue(
    key: SessionKey,
    nowMs: Milliseconds,
    limit: number,
  ): Promise<readonly Member[]> {
    return this.#read(({ memberRowsDue }) => memberRowsDue.all(key, nowMs, limit).map(parseMember));
  }

  async due(nowMs: Milliseconds, limit: number): Promise<readonly SessionKey[]> {
    return this.#read(({ due }) => due.all(nowMs, limit).map(({ key }) => String(key)));
  }

  async expired(nowMs: Milliseconds, limit: number): Promise<readonly Guid[]> {
    return this.#read(({ expired }) => expired.all(nowMs, limit).map(({ id }) => String(id)));
  }

  async searchChanges(
    cursor: string | undefined,
    limit: number,
  ): Promise<{ readonly keys: readonly SessionKey[]; readonly cursor: string }> {
    return this.#read(({ searchChanges }) => {
      const after = Number(cursor ?? 0);
      const changes = searchChanges.all(after, limit);
      return {
        keys: changes.map(({ key }) => String(key)),
        cursor: String(changes.at(-1)?.number ?? after),
      };
    });
  }

  async list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]> {
    return this.#read(({ list: entries }) => entries.all(owner, list).map(entryOf));
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

  /** All connections end with the process, so that nobody is left to tap. */
  async untapped(): Promise<readonly OwedTaps[]> {
    this.#refuseIfDisposed();
    return [];
  }

  async tapped(): Promise<void> {
    this.#refuseIfDisposed();
  }

  async renewNode(node: NodeId): Promise<'held'> {
    this.#refuseIfDisposed();
    if (this.#nodes.get(node) !== true) await this.#write([['insertNode', node]]);
    this.#nodes.set(node, true);
    return 'held';
  }

  async nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]> {
    this.#refuseIfDisposed();
    return [...this.#nodes].map(([node, isAlive]) => ({ node, isAlive }));
  }

  async noteSeen(
    sightings: readonly (readonly [Xuid, Milliseconds])[],
    forgetBeforeMs: Milliseconds,
  ): Promise<void> {
    this.#refuseIfDisposed();
    this.#sightings.note(sightings, forgetBeforeMs);
  }

  async lastSeen(xuids: readonly Xuid[]): Promise<ReadonlyMap<Xuid, Milliseconds>> {
    this.#refuseIfDisposed();
    return this.#sightings.of(xuids);
  }

  async forgetNode(node: NodeId): Promise<void> {
    await this.#write([['deleteNode', node]]);
    this.#nodes.delete(node);
  }

  async claim(name: string, nowMs: Milliseconds, untilMs: Milliseconds): Promise<boolean> {
    this.#refuseIfDisposed();
    return this.#claims.claim(name, nowMs, untilMs);
  }

  async secret(): Promise<Uint8Array> {
    return this.#read(({ secret }) => secret.get()?.bytes as Uint8Array);
  }

  async commit(batch: Batch): Promise<Committed | Conflict | Taken> {
    for (;;) {
      this.#refuseIfDisposed();
      const change = batch.session;
      const before = change ? this.#newest(change.key) : nothing;
      const obstacle =
        this.#takenOrPending(batch.handles) ?? (change && this.#raceLost(change, before));
      if (obstacle === undefined) {
        await this.#settled(this.#join(batch, before));
        return { kind: 'committed' };
      }
      if (!(obstacle instanceof Group)) return obstacle;
      await obstacle.settled;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  async #close(): Promise<void> {
    for (
      let group = this.#writing ?? this.#filling;
      group;
      group = this.#writing ?? this.#filling
    ) {
      await group.settled;
    }
    // The connection that is closed last copies the log into the file: not on this thread.
    this.#db.close();
    await this.#writer.close();
    this.#claimed.close();
    this.#cache.clear();
  }

  #refuseIfDisposed(): void {
    if (this.#disposed) throw new StoreUnavailable(`${this.#file} has been closed.`);
  }

  /** The newest group that is to write this key, unless it has settled. */
  #groupOf(key: SessionKey): Group | undefined {
    if (this.#filling?.sessions.has(key)) return this.#filling;
    if (this.#writing?.sessions.has(key)) return this.#writing;
    return undefined;
  }

  /** What the key is going to hold, if nothing fails. */
  #newest(key: SessionKey): Shelved {
    return this.#groupOf(key)?.sessions.get(key)?.shelved ?? this.#shelved(key);
  }

  /** Why a change cannot be made to `before`, the newest of its key; or what has to settle first. */
  #raceLost({ key, expectRevision }: SessionPut | SessionDelete, before: Shelved) {
    if (revisionOf(before) === expectRevision) return undefined;
    const durable = this.#shelved(key);
    const group = this.#groupOf(key);
    if (group && revisionOf(durable) <= expectRevision) return group;
    return { kind: 'conflict', current: durable.record } as const;
  }

  /** The handle that has the id of one of these; or the group that is going to keep such a one. */
  #takenOrPending(handles: readonly Handle[] = []): Taken | Group | undefined {
    for (const { id, requestId } of handles) {
      const key = id.toLowerCase();
      const group = [this.#writing, this.#filling].find((each) => each?.handleIds.has(key));
      if (group) return group;
      const there = this.#read(({ handle }) => handle.get(key));
      const handle = there && parseHandle(there);
      if (handle && handle.requestId !== requestId) return { kind: 'taken', handle };
    }
    return undefined;
  }

  /** Resolves when the group is durable, or at once when there is none. */
  async #settled(group: Group | undefined): Promise<void> {
    const problem = await group?.settled;
    if (problem !== undefined) {
      throw new StoreUnavailable(`${this.#file} could not be written: ${problem}.`);
    }
  }

  async #write(writes: readonly Write[]): Promise<void> {
    this.#refuseIfDisposed();
    if (writes.length === 0) return;
    const group = this.#openGroup();
    group.writes.push(...writes);
    await this.#settled(group);
  }

  #read<T>(query: (queries: Queries) => T): T {
    this.#refuseIfDisposed();
    try {
      return query(this.#queries);
    } catch (error) {
      const { message } = error as Error;
      throw new StoreUnavailable(`${this.#file} could not be read: ${message}.`, { cause: error });
    }
  }

  /** What is durable of this key. */
  #shelved(key: SessionKey): Shelved {
    const known = this.#cache.get(key);
    if (known) return known;
    const { shelved, size } = this.#filed(key);
    this.#cache.set(key, shelved, { size });
    return shelved;
  }

  /** What the file holds of this key, and its size in the cache. */
  #filed(key: SessionKey): { readonly shelved: Shelved; readonly size: number } {
    return this.#read(({ session }) => {
      const row = session.get(key);
      if (!row) return { shelved: nothing, size: key.length };
      const text = String(row.document);
      const shelved: Shelved = {
        record: {
          revision: Number(row.revision),
          session: parseExactJson(text) as unknown as Session,
        },
        dueMs: row.due_ms === null ? undefined : Number(row.due_ms),
        number: Number(row.number),
      };
      return { shelved, size: key.length + text.length };
    });
  }

  /** The group that the batch now belongs to; undefined when there is nothing to write. */
  #join(batch: Batch, before: Shelved): Group | undefined {
    const beside = handleWrites(batch);
    const change = batch.session;
    const nothingToDo = !change || (change.kind === 'delete' && change.expectRevision === 0);
    if (nothingToDo && beside.length === 0) return undefined;
    const group = this.#openGroup();
    if (change && !nothingToDo) {
      group.buildsOnFormer ||= this.#writing?.sessions.has(change.key) === true;
      if (change.kind === 'put') this.#put(group, change, before);
      else this.#delete(group, change, before);
    }
    for (const { id } of batch.handles ?? []) group.handleIds.add(id.toLowerCase());
    group.writes.push(...beside);
    return group;
  }

  #put(group: Group, put: SessionPut, before: Shelved): void {
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
    if (put.memberRows) group.addRows(key, put.memberRows);
    const shelved: Shelved = { record: { revision, session }, dueMs, number };
    group.sessions.set(key, { shelved, size: key.length + text.length, writeAt: at });
  }

  #delete(group: Group, change: SessionDelete, { number }: Shelved): void {
    const { key, expectRevision } = change;
    this.#revisionDeletedMax = Math.max(this.#revisionDeletedMax, expectRevision);
    if (number !== undefined) group.writes.push(...deleteWrites(change, number));
    group.rows.set(key, { byXuid: new Map(), isAll: true });
    group.sessions.set(key, { shelved: nothing, size: key.length, writeAt: undefined });
  }

  /** The group to fill, sent at the end of the tick that opened it if the writer is idle then. */
  #openGroup(): Group {
    if (this.#filling) return this.#filling;
    if (!this.#writing) setImmediate(() => this.#send());
    this.#filling = new Group();
    return this.#filling;
  }

  #send(): void {
    const group = this.#filling;
    if (!group) return;
    this.#filling = undefined;
    this.#writing = group;
    void this.#writer.write(group.writes).then((problem) => this.#settle(group, problem));
  }

  #settle(group: Group, problem: string | undefined): void {
    this.#writing = undefined;
    if (problem === undefined) {
      for (const [key, { shelved, size }] of group.sessions)
        this.#cache.set(key, shelved, { size });
    } else {
      this.#forget(group);
      const next = this.#filling;
      if (next?.buildsOnFormer) {
        this.#filling = undefined;
        this.#forget(next);
        next.settle(problem);
      }
    }
    group.settle(problem);
    if (this.#filling) setImmediate(() => this.#send());
  }

  /** What is there instead of what the group was to write is in the file. */
  #forget({ sessions }: Group): void {
    for (const [key, { shelved }] of sessions) {
      this.#cache.delete(key);
      this.#revisionFailedMax = Math.max(this.#revisionFailedMax, revisionOf(shelved));
    }
  }
}

function revisionOf({ record }: Shelved): number {
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
  before: Shelved,
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

/** What a group writes of a key. */
type Pending = {
  readonly shelved: Shelved;
  readonly size: number;
  /** Where in the group the row is put; undefined: it is deleted. */
  readonly writeAt: number | undefined;
};

/** Member rows of a key that a group puts, or, where there is no member, removes. */
type PendingRows = {
  readonly byXuid: Map<Xuid, Member | undefined>;
  /** True when there are no others. */
  readonly isAll: boolean;
};

/** Commits that share one transaction. */
class Group {
  readonly writes: Write[] = [];
  /** What will be known of each key once the group is durable. */
  readonly sessions = new Map<SessionKey, Pending>();
  readonly rows = new Map<SessionKey, PendingRows>();
  /** Lower-case. */
  readonly handleIds = new Set<Guid>();
  /** True when a commit expects what the group before this one was to write. */
  buildsOnFormer = false;
  /** Why nothing of it is there, or undefined: everything is durable. */
  readonly settled: Promise<string | undefined>;
  readonly settle: (problem: string | undefined) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.settled = promise;
    this.settle = resolve;
  }

  addRows(key: SessionKey, { put = [], remove = [] }: Required<SessionPut>['memberRows']): void {
    const rows = this.rows.get(key) ?? { byXuid: new Map(), isAll: false };
    this.rows.set(key, rows);
    for (const { member } of put) rows.byXuid.set(member.xuid, member);
    for (const xuid of remove) rows.byXuid.set(xuid, undefined);
  }
}

type Queries = ReturnType<typeof prepareQueries>;

function prepareQueries(db: DatabaseSync) {
  return {
    session: db.prepare('SELECT number, revision, due_ms, document FROM session WHERE key = ?'),
    sessionNumberMax: db.prepare('SELECT max(number) AS max FROM session'),
    handle: db.prepare('SELECT document FROM handle WHERE id = ?'),
    activities: db.prepare('SELECT document FROM handle WHERE owner_xuid = ? ORDER BY scid'),
    activity: db.prepare('SELECT document FROM handle WHERE owner_xuid = ? AND scid = ?'),
    handlesFor: db.prepare('SELECT document FROM handle WHERE session_key = ?'),
    due: db.prepare('SELECT key FROM session WHERE due_ms <= ? ORDER BY due_ms LIMIT ?'),
    expired: db.prepare(
      'SELECT id FROM handle WHERE expiration_ms <= ? ORDER BY expiration_ms LIMIT ?',
    ),
    invites: db.prepare('SELECT document FROM handle WHERE invited_xuid = ? ORDER BY rowid'),
    hinted: db.prepare('SELECT key FROM hint WHERE hint = ? AND key > ? ORDER BY key LIMIT ?'),
    memberRow: db.prepare('SELECT document FROM member_row WHERE key = ? AND xuid = ?'),
    memberRows: db.prepare(
      'SELECT document FROM member_row WHERE key = ? AND xuid > ? ORDER BY xuid LIMIT ?',
    ),
    memberRowsDue: db.prepare(
      'SELECT document FROM member_row WHERE key = ? AND due_ms <= ? ORDER BY due_ms LIMIT ?',
    ),
    searchChanges: db.prepare(
      'SELECT number, key FROM search_change WHERE number > ? ORDER BY number LIMIT ?',
    ),
    list: db.prepare(
      'SELECT xuid, added_ms, is_favorite FROM list_entry WHERE owner = ? AND list = ? ORDER BY rowid',
    ),
    nodes: db.prepare('SELECT id FROM node'),
    secret: db.prepare('SELECT bytes FROM secret'),
  } as const;
}

function parseHandle({ document }: Record<string, SQLOutputValue>): Handle {
  return parseExactJson(String(document)) as unknown as Handle;
}

function parseMember({ document }: Record<string, SQLOutputValue>): Member {
  return parseExactJson(String(document)) as unknown as Member;
}

function entryOf({ xuid, added_ms, is_favorite }: Record<string, SQLOutputValue>): ListEntry {
  const entry = { xuid: String(xuid), addedMs: Number(added_ms) };
  return is_favorite === null ? entry : { ...entry, isFavorite: is_favorite === 1 };
}
