import { randomBytes } from 'node:crypto';
import type { Handle } from '../../domain/handle/handle.ts';
import type { Guid, Xuid } from '../../domain/ids.ts';
import { keyOf, type SessionKey } from '../../domain/session/reference.ts';
import type { Milliseconds } from '../../domain/time.ts';
import {
  StoreUnavailable,
  type Batch,
  type Committed,
  type Conflict,
  type SessionDelete,
  type SessionPut,
  type SessionRecord,
  type Store,
} from '../store.ts';

/**
 * A store that keeps everything in this process and loses it when disposed of.
 *
 * A commit takes effect before the call returns; only the answer comes later.
 */
export function openMemoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #sessions = new Map<SessionKey, SessionRecord>();
  readonly #dueMs = new Map<SessionKey, Milliseconds>();
  /** The next life of a deleted session starts above it; see `SessionRecord`. */
  #revisionDeletedMax = 0;
  /** By lower-case id, as are the next two. */
  readonly #handles = new Map<Guid, Handle>();
  readonly #expirationMs = new Map<Guid, Milliseconds>();
  /** Users one of whose pointers names this handle, or did. */
  readonly #pointersTo = new Map<Guid, Set<Pointers>>();
  readonly #pointers = new Map<Xuid, Pointers>();
  readonly #handlesFor = new Map<SessionKey, Set<Handle>>();
  readonly #secret: Uint8Array = randomBytes(32);
  #disposed = false;

  async session(key: SessionKey): Promise<SessionRecord | undefined> {
    this.#refuseIfDisposed();
    return this.#sessions.get(key);
  }

  async handle(id: Guid): Promise<Handle | undefined> {
    this.#refuseIfDisposed();
    return this.#handles.get(id.toLowerCase());
  }

  async activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]> {
    this.#refuseIfDisposed();
    return [...new Set(xuids)].flatMap((xuid) => {
      const pointers: Pointers = this.#pointers.get(xuid) ?? new Map();
      const scids = scid === undefined ? [...pointers.keys()].sort() : [scid.toLowerCase()];
      return scids.flatMap((each) => this.#handles.get(pointers.get(each) ?? '') ?? []);
    });
  }

  async handlesFor(key: SessionKey): Promise<readonly Handle[]> {
    this.#refuseIfDisposed();
    return [...(this.#handlesFor.get(key) ?? [])];
  }

  async due(nowMs: Milliseconds, limit: number): Promise<readonly SessionKey[]> {
    this.#refuseIfDisposed();
    return earliest(this.#dueMs, nowMs, limit);
  }

  async expired(nowMs: Milliseconds, limit: number): Promise<readonly Guid[]> {
    this.#refuseIfDisposed();
    return earliest(this.#expirationMs, nowMs, limit);
  }

  async commit(batch: Batch): Promise<Committed | Conflict> {
    this.#refuseIfDisposed();
    const { session, handles = [], pointActivity, removeHandles = [] } = batch;
    if (session) {
      const current = this.#sessions.get(session.key);
      if ((current?.revision ?? 0) !== session.expectRevision) return { kind: 'conflict', current };
      if (session.kind === 'put') this.#put(session);
      else this.#delete(session);
    }
    for (const handle of handles) this.#keep(handle);
    if (pointActivity) this.#point(pointActivity);
    for (const id of removeHandles) this.#remove(id.toLowerCase());
    return { kind: 'committed' };
  }

  async secret(): Promise<Uint8Array> {
    this.#refuseIfDisposed();
    return this.#secret;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
  }

  #refuseIfDisposed(): void {
    if (this.#disposed) throw new StoreUnavailable('The store has been closed.');
  }

  #put({ key, expectRevision, session, dueMs }: SessionPut): void {
    const revision = (expectRevision || this.#revisionDeletedMax) + 1;
    this.#sessions.set(key, { revision, session });
    if (dueMs === undefined) this.#dueMs.delete(key);
    else this.#dueMs.set(key, dueMs);
  }

  #delete({ key, expectRevision }: SessionDelete): void {
    this.#revisionDeletedMax = Math.max(this.#revisionDeletedMax, expectRevision);
    this.#sessions.delete(key);
    this.#dueMs.delete(key);
  }

  #keep(handle: Handle): void {
    const id = handle.id.toLowerCase();
    if (this.#handles.has(id)) return;
    this.#handles.set(id, handle);
    if (handle.type === 'invite') this.#expirationMs.set(id, handle.expirationMs);
    else addTo(this.#handlesFor, keyOf(handle.reference), handle);
  }

  #point({ xuid, scid, handleId }: Required<Batch>['pointActivity']): void {
    const pointers: Pointers = this.#pointers.get(xuid) ?? new Map();
    this.#pointers.set(xuid, pointers);
    const [scidKey, id] = [scid.toLowerCase(), handleId.toLowerCase()];
    pointers.set(scidKey, id);
    addTo(this.#pointersTo, id, pointers);
  }

  #remove(id: Guid): void {
    const handle = this.#handles.get(id);
    if (handle) removeFrom(this.#handlesFor, keyOf(handle.reference), handle);
    this.#handles.delete(id);
    this.#expirationMs.delete(id);
    for (const pointers of this.#pointersTo.get(id) ?? []) {
      for (const [scid, named] of pointers) if (named === id) pointers.delete(scid);
    }
    this.#pointersTo.delete(id);
  }
}

/** Of one user: service config to handle id, both lower-case. */
type Pointers = Map<Guid, Guid>;

/** The keys whose time has come, earliest first. */
function earliest<K>(times: ReadonlyMap<K, Milliseconds>, nowMs: Milliseconds, limit: number): K[] {
  return [...times]
    .filter(([, timeMs]) => timeMs <= nowMs)
    .sort(([, a], [, b]) => a - b)
    .slice(0, limit)
    .map(([key]) => key);
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function removeFrom<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
