import { resolve } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import type { Handle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import { parseExactJson } from '../../domain/json.ts';
import type { SessionKey } from '../../domain/session/reference.ts';
import type { Session } from '../../domain/session/session.ts';
import type { Milliseconds } from '../../domain/time.ts';
import {
  StoreUnavailable,
  type Batch,
  type Committed,
  type Conflict,
  type Durability,
  type SessionDelete,
  type SessionPut,
  type SessionRecord,
  type Store,
} from '../store.ts';
import { claim } from './claim.ts';
import { migrate, migrations } from './migrations.ts';
import { formatStoredSession } from './session-text.ts';
import type { Write } from './statements.ts';
import { WriterThread } from './writer-thread.ts';
import { handleWrites } from './writes.ts';

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
const sqliteNotADatabase = 26;

type Reader = { readonly db: DatabaseSync; readonly queries: Queries };

/** A connection for reading, to a file that has the newest schema. */
function openReader(file: string): Reader {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 5_000 });
    refuseForeign(db);
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA cache_size = -${readerCacheBytesMax / 1024}`);
    migrate(db, migrations);
    db.exec('PRAGMA query_only = ON');
    return { db, queries: prepareQueries(db) };
  } catch (error) {
    db?.close();
    if (error instanceof StoreUnavailable) throw error;
    const { errcode, message } = error as { errcode?: number; message: string };
    const problem =
      errcode === sqliteNotADatabase ? notOurs(file) : `${file} cannot be opened: ${message}.`;
    throw new StoreUnavailable(problem, { cause: error });
  }
}

/** Marks a new file as ours; throws StoreUnavailable for a database of another program. */
function refuseForeign(db: DatabaseSync): void {
  const id = db.prepare('PRAGMA application_id').get()?.application_id;
  if (id === applicationId) return;
  const tables = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.count;
  if (id !== 0 || tables !== 0) throw new StoreUnavailable(notOurs(String(db.location())));
  db.exec(`PRAGMA application_id = ${applicationId}`);
}

function notOurs(file: string): string {
  return `${file} is not a data file of OpenMPSD. Move it away, or use another data folder.`;
}

/** What is known of a key: its record if it has one, and when that is due. */
type Shelved = {
  readonly record: SessionRecord | undefined;
  readonly dueMs: Milliseconds | undefined;
};

const nothing: Shelved = { record: undefined, dueMs: undefined };

/**
 * Reading goes by a cache of parsed sessions, else by a connection of this thread. Writing is
 * decided here, since nobody else writes: a commit is compared with what is known of its key, and
 * joins the group that the writer is given next. All that arrive while the writer is at a group
 * share the one after it.
 *
 *   key:    at rest ── commit joins a group ──▶ being written ── group settles ──▶ at rest
 *   group:  filling ── end of the tick, writer idle ──▶ with the writer ──▶ settled
 *
 * - A key is in at most one group at a time: a second commit to it waits for the first to settle,
 *   and is then compared with what is really there.
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
  /** The next life of a deleted session starts above it; see `SessionRecord`. */
  #revisionDeletedMax = 0;
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
  }

  async session(key: SessionKey): Promise<SessionRecord | undefined> {
    this.#refuseIfDisposed();
    const group = this.#groupOf(key);
    if (group) await group.settled;
    return this.#shelved(key).record;
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

  async due(nowMs: Milliseconds, limit: number): Promise<readonly SessionKey[]> {
    return this.#read(({ due }) => due.all(nowMs, limit).map(({ key }) => String(key)));
  }

  async expired(nowMs: Milliseconds, limit: number): Promise<readonly Guid[]> {
    return this.#read(({ expired }) => expired.all(nowMs, limit).map(({ id }) => String(id)));
  }

  async secret(): Promise<Uint8Array> {
    return this.#read(({ secret }) => secret.get()?.bytes as Uint8Array);
  }

  async commit(batch: Batch): Promise<Committed | Conflict> {
    this.#refuseIfDisposed();
    const change = batch.session;
    let before = nothing;
    if (change) {
      for (let group = this.#groupOf(change.key); group; group = this.#groupOf(change.key)) {
        await group.settled;
      }
      before = this.#shelved(change.key);
      const current = before.record;
      if ((current?.revision ?? 0) !== change.expectRevision) return { kind: 'conflict', current };
    }
    const group = this.#join(batch, before);
    const problem = await group?.settled;
    if (problem !== undefined) {
      throw new StoreUnavailable(`${this.#file} could not be written: ${problem}.`);
    }
    return { kind: 'committed' };
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

  /** The group that is to write this key, unless it has settled. */
  #groupOf(key: SessionKey): Group | undefined {
    if (this.#writing?.sessions.has(key)) return this.#writing;
    if (this.#filling?.sessions.has(key)) return this.#filling;
    return undefined;
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
    return this.#read(({ session }) => {
      const row = session.get(key);
      if (!row) {
        this.#cache.set(key, nothing, { size: key.length });
        return nothing;
      }
      const text = String(row.document);
      const shelved: Shelved = {
        record: {
          revision: Number(row.revision),
          session: parseExactJson(text) as unknown as Session,
        },
        dueMs: row.due_ms === null ? undefined : Number(row.due_ms),
      };
      this.#cache.set(key, shelved, { size: key.length + text.length });
      return shelved;
    });
  }

  /** The group that the batch now belongs to; undefined when there is nothing to write. */
  #join(batch: Batch, before: Shelved): Group | undefined {
    this.#refuseIfDisposed();
    const beside = handleWrites(batch);
    const change = batch.session;
    const nothingToDo = !change || (change.kind === 'delete' && change.expectRevision === 0);
    if (nothingToDo && beside.length === 0) return undefined;
    this.#filling ??= this.#openGroup();
    const group = this.#filling;
    if (change?.kind === 'put') this.#put(group, change, before);
    else if (change && !nothingToDo) this.#delete(group, change);
    group.writes.push(...beside);
    return group;
  }

  #put(group: Group, { key, expectRevision, session, dueMs }: SessionPut, before: Shelved): void {
    const revision = (expectRevision || this.#revisionDeletedMax) + 1;
    const text = formatStoredSession(session);
    // An index is touched when its column is named, be the value the same: so it is not named.
    if (!before.record) group.writes.push(['insertSession', key, revision, dueMs ?? null, text]);
    else if (before.dueMs === dueMs) group.writes.push(['updateSession', key, revision, text]);
    else group.writes.push(['updateSessionAndDue', key, revision, dueMs ?? null, text]);
    const shelved: Shelved = { record: { revision, session }, dueMs };
    group.sessions.set(key, { shelved, size: key.length + text.length });
  }

  #delete(group: Group, { key, expectRevision }: SessionDelete): void {
    this.#revisionDeletedMax = Math.max(this.#revisionDeletedMax, expectRevision);
    group.writes.push(['deleteSession', key]);
    group.sessions.set(key, { shelved: nothing, size: key.length });
  }

  /** A group to fill, sent at the end of this tick if the writer is idle then. */
  #openGroup(): Group {
    if (!this.#writing) setImmediate(() => this.#send());
    return new Group();
  }

  #send(): void {
    const group = this.#filling;
    if (!group) return;
    this.#filling = undefined;
    this.#writing = group;
    void this.#writer.write(group.writes).then((problem) => this.#settle(group, problem));
  }

  #settle(group: Group, problem: string | undefined): void {
    for (const [key, { shelved, size }] of group.sessions) {
      if (problem === undefined) this.#cache.set(key, shelved, { size });
      else this.#cache.delete(key);
    }
    this.#writing = undefined;
    group.settle(problem);
    if (this.#filling) setImmediate(() => this.#send());
  }
}

/** Commits that share one transaction. */
class Group {
  readonly writes: Write[] = [];
  /** What will be known of each key once the group is durable. */
  readonly sessions = new Map<SessionKey, { readonly shelved: Shelved; readonly size: number }>();
  /** Why nothing of it is there, or undefined: everything is durable. */
  readonly settled: Promise<string | undefined>;
  readonly settle: (problem: string | undefined) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.settled = promise;
    this.settle = resolve;
  }
}

type Queries = ReturnType<typeof prepareQueries>;

function prepareQueries(db: DatabaseSync) {
  const namedHandles =
    'SELECT handle.document FROM activity JOIN handle ON handle.id = activity.handle_id WHERE xuid = ?';
  return {
    session: db.prepare('SELECT revision, due_ms, document FROM session WHERE key = ?'),
    handle: db.prepare('SELECT document FROM handle WHERE id = ?'),
    activities: db.prepare(`${namedHandles} ORDER BY scid`),
    activity: db.prepare(`${namedHandles} AND scid = ?`),
    handlesFor: db.prepare('SELECT document FROM handle WHERE session_key = ?'),
    due: db.prepare('SELECT key FROM session WHERE due_ms <= ? ORDER BY due_ms LIMIT ?'),
    expired: db.prepare(
      'SELECT id FROM handle WHERE expiration_ms <= ? ORDER BY expiration_ms LIMIT ?',
    ),
    secret: db.prepare('SELECT bytes FROM secret'),
  } as const;
}

function parseHandle({ document }: Record<string, SQLOutputValue>): Handle {
  return parseExactJson(String(document)) as unknown as Handle;
}
