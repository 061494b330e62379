import type { Handle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';

/**
 * What the directory asks of a shelf: revisions, not rules. Every time is an argument.
 *
 * Each method may throw `StoreUnavailable` and nothing else; after it from `commit` the outcome is
 * unknown: the batch is there whole or not at all. Once the store is disposed of, every method
 * throws it; disposing waits for the commits under way, and may be asked for twice.
 *
 * Guids are compared without regard to case, session keys as they are. What is handed in and out
 * is shared, not copied: nobody changes it.
 */
export interface Store extends AsyncDisposable {
  /**
   * The record and its revision, no older than any commit acknowledged before the call, and
   * nothing that is not yet as durable as the store was asked to be.
   */
  session(key: SessionKey): Promise<SessionRecord | undefined>;

  /** The handle of this id, expired and unconfirmed ones included. */
  handle(id: Guid): Promise<Handle | undefined>;

  /**
   * The activity handles that the pointers of these users name, at most one for each user and
   * service config; in the order of `xuids`, those of one user by service config. Of one service
   * config when `scid` is given.
   */
  activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]>;

  /**
   * Handles that live with this session: activities on it and transfers to it. No invites. In no
   * particular order; may hold stale ones.
   */
  handlesFor(key: SessionKey): Promise<readonly Handle[]>;

  /** Keys of sessions whose due time has come at `nowMs`, the longest overdue first. */
  due(nowMs: Milliseconds, limit: number): Promise<readonly SessionKey[]>;

  /** Ids of invites that have expired at `nowMs`, the longest expired first. */
  expired(nowMs: Milliseconds, limit: number): Promise<readonly Guid[]>;

  /**
   * The whole batch or nothing. The session part is compare-and-set: `conflict` when the stored
   * revision is not `expectRevision`, with the winner's record to save a read. `committed` means
   * durable as the store was asked to be, and so is the winner of a conflict.
   */
  commit(batch: Batch): Promise<Committed | Conflict>;

  /** 32 random bytes, drawn once in the life of this data and the same on every node that uses it. */
  secret(): Promise<Uint8Array>;
}

/**
 * `revision` rises by one with each commit of a record; 0 stands for "no record".
 *
 * A key is not given a revision a second time, not even when its session was deleted and created
 * again, as long as anyone lives who has read the former one: whoever decided upon a session that
 * is gone is told of the conflict, and does not write into the next life.
 */
export type SessionRecord = { readonly revision: number; readonly session: Session };

/** Applied in the order of its members: what is removed is gone, even if the batch also puts it. */
export type Batch = {
  readonly session?: SessionPut | SessionDelete;
  /** Handles to keep. An id that is there already is left as it is. */
  readonly handles?: readonly Handle[];
  /** Points (owner, service config) at an activity, in place of the former one. */
  readonly pointActivity?: {
    readonly xuid: Xuid;
    readonly scid: Guid;
    readonly handleId: Guid;
  };
  /** Handles to drop, with the pointers that name them. Unknown ids are no error. */
  readonly removeHandles?: readonly Guid[];
};

export type SessionPut = {
  readonly kind: 'put';
  readonly key: SessionKey;
  readonly expectRevision: number;
  readonly session: Session;
  /** When the next settle would change something; undefined: nothing is pending. */
  readonly dueMs: Milliseconds | undefined;
};

export type SessionDelete = {
  readonly kind: 'delete';
  readonly key: SessionKey;
  readonly expectRevision: number;
};

export type Committed = { readonly kind: 'committed' };
export type Conflict = { readonly kind: 'conflict'; readonly current: SessionRecord | undefined };

/** How long an acknowledged write lasts: through power loss, or through the death of the process. */
export type Durability = 'strict' | 'relaxed';

/** The store cannot be reached or cannot write; nothing is known of a commit under way. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
