import type { Handle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { ListChange, ListEntry, ListName } from '../domain/people/list.ts';
import type { SessionHint } from '../domain/session/hints.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
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

  /**
   * What `session` tells of each of these keys, in their order; for whoever looks at many and at each
   * once: what is read for it is not kept in place of what others use.
   */
  sessions(keys: readonly SessionKey[]): Promise<readonly (SessionRecord | undefined)[]>;

  /**
   * What this process last heard of the record, for whoever is going to commit upon it: it may be
   * older than `session` would tell, or not yet durable. Undefined when nothing is known here.
   *
   * `commit` finds out whether it was current. What ends without a commit (a refusal, a write that
   * changes nothing) is decided again upon `session`, or it would show what may never have been;
   * unless `isCommitted` says that `session` would tell the same now.
   */
  lastKnown(key: SessionKey): LastKnown | undefined;

  /** The handle of this id, expired and unconfirmed ones included. */
  handle(id: Guid): Promise<Handle | undefined>;

  /**
   * The activities of these users, at most one for each user and service config; in the order of
   * `xuids`, those of one user by service config. Of one service config when `scid` is given.
   */
  activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]>;

  /**
   * Handles that live with this session: activities on it and transfers to it. No invites. In no
   * particular order; may hold stale ones.
   */
  handlesFor(key: SessionKey): Promise<readonly Handle[]>;

  /** The invites of this user, expired ones included, the oldest first. */
  invitesOf(xuid: Xuid): Promise<readonly Handle[]>;

  /**
   * Keys of sessions that carry this hint, after `after` in the order of keys, or from the first.
   * Never misses a session whose hint was acknowledged; may hold some that have lost it.
   */
  sessionsBy(hint: Hint, limit: number, after?: SessionKey): Promise<readonly SessionKey[]>;

  /** The row of a member of a large session, no older than any commit acknowledged before. */
  memberRow(key: SessionKey, xuid: Xuid): Promise<Member | undefined>;

  /** All rows of a large session, in the order of their xuids, after `after` or from the first. */
  memberRows(key: SessionKey, limit: number, after?: Xuid): Promise<readonly Member[]>;

  /**
   * Rows of a large session whose due time has come at `nowMs`, the longest overdue first; with
   * `nowMs` Infinity: all that have one.
   */
  memberRowsDue(key: SessionKey, nowMs: Milliseconds, limit: number): Promise<readonly Member[]>;

  /** Keys of sessions whose due time has come at `nowMs`, the longest overdue first. */
  due(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly SessionKey[]>;

  /** Ids of invites that have expired at `nowMs`, the longest expired first. */
  expired(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly Guid[]>;

  /**
   * The whole batch or nothing. The session part is compare-and-set: `conflict` when the stored
   * revision is not `expectRevision`, with the winner's record to save a read. `taken` when a handle
   * of the batch has the id of one that another request made, whatever the session is like.
   * `committed` means durable as the store was asked to be, and so is the winner of a conflict.
   */
  commit(batch: Batch): Promise<Committed | Conflict | Taken>;

  /**
   * Sessions whose search handle was set, changed or lost after `cursor`, the longest ago first,
   * each once; from the beginning when there is no cursor. `cursor` of the answer goes on from
   * there; fewer than `limit` keys: there are no more for now.
   *
   * A session that was deleted may be left out by a store that only one process writes to: that
   * process knows.
   */
  searchChanges(
    cursor: string | undefined,
    limit: number,
  ): Promise<{ readonly keys: readonly SessionKey[]; readonly cursor: string }>;

  /** One list of a user, whole, in the order in which its entries were first put. */
  list(owner: Xuid, list: ListName): Promise<readonly ListEntry[]>;

  /** Puts entries, in place of those of the same xuid, and drops others: all or nothing. */
  changeList(owner: Xuid, list: ListName, change: ListChange): Promise<void>;

  /**
   * Taps that commits made more than `ageMs` ago still owe, the oldest first: the process that
   * committed them has not come to sending them.
   */
  untapped(ageMs: Milliseconds, limit: number, share?: Share): Promise<readonly OwedTaps[]>;

  /** Forgets the taps that this revision owed. Of a commit that does not say so, there are none. */
  tapped(key: SessionKey, revision: number): Promise<void>;

  /**
   * Begins or extends the lease of a node, by the store's own clock. `lost`: the lease had run out
   * meanwhile, others may have ended what the node held, and it is not begun again.
   */
  renewNode(node: NodeId, leaseMs: Milliseconds): Promise<'held' | 'lost'>;

  /**
   * Nodes that have or had a lease, and whether it still runs. In a store for one process the only
   * node alive is the one that this process began.
   */
  nodes(): Promise<readonly { readonly node: NodeId; readonly isAlive: boolean }[]>;

  /**
   * Notes when users were seen by this process; of several times of one user the latest counts. What
   * was seen before `forgetBeforeMs` may be forgotten. Need not survive anything.
   */
  noteSeen(
    sightings: readonly (readonly [Xuid, Milliseconds])[],
    forgetBeforeMs: Milliseconds,
  ): Promise<void>;

  /** When these users were last seen, as noted by any process; without those of whom nothing is. */
  lastSeen(xuids: readonly Xuid[]): Promise<ReadonlyMap<Xuid, Milliseconds>>;

  /** Gives up a lease, or forgets a node that is dead and has nothing left to end. */
  forgetNode(node: NodeId): Promise<void>;

  /**
   * True for the first who asks for this name, on whichever node, and false for all others until
   * `untilMs`. Where a claim was made and its answer lost, nobody gets it.
   */
  claim(name: string, nowMs: Milliseconds, untilMs: Milliseconds): Promise<boolean>;

  /**
   * 32 random bytes, the same on every node that uses this data. Where there are none yet, or none any
   * more since the store was emptied, they are drawn; `known`, if given, is kept in their place.
   */
  secret(known?: Uint8Array): Promise<Uint8Array>;
}

/**
 * `revision` rises by one with each commit of a record, or by more after commits that failed; 0
 * stands for "no record".
 *
 * A key is not given a revision a second time, not even when its session was deleted and created
 * again, as long as anyone lives who has read the former one: whoever decided upon a session that
 * is gone is told of the conflict, and does not write into the next life.
 */
export type SessionRecord = { readonly revision: number; readonly session: Session };

/**
 * What a session is found by:
 *
 *     xuid:<xuid>                  somebody who is in it
 *     keyword:<scid>~<keyword>     both lower-case
 *     connection:<id>              lower-case; a member's connection
 *     node:<id>                    the node that minted such a connection
 */
export type Hint = SessionHint;

export type { ListEntry, ListName };

export type LastKnown = {
  readonly record: SessionRecord | undefined;
  readonly isCommitted: boolean;
  /** Member rows that commits not yet durable have put, or removed (undefined). */
  readonly rows?: ReadonlyMap<Xuid, Member | undefined>;
};

/** Applied in the order of its members: what is removed is gone, even if the batch also puts it. */
export type Batch = {
  readonly session?: SessionPut | SessionDelete;
  /**
   * Handles to keep. One that is there already, by the same request, is left as it is. An activity
   * takes the place of the former one of its owner in its service config, which is dropped, maybe a
   * moment later.
   */
  readonly handles?: readonly Handle[];
  /** Handles to drop. Unknown ids are no error. */
  readonly removeHandles?: readonly Guid[];
};

export type SessionPut = {
  readonly kind: 'put';
  readonly key: SessionKey;
  readonly expectRevision: number;
  readonly session: Session;
  /**
   * True of a commit that makes room sooner or later: somebody leaves, or time moves members on. A
   * store that is full makes it all the same. A delete always does.
   */
  readonly frees?: boolean;
  /** When the next settle would change something; undefined: nothing is pending. */
  readonly dueMs: Milliseconds | undefined;
  /** Members of a large session, who are not in `session.members`, put or removed with it. */
  readonly memberRows?: {
    readonly put?: readonly MemberRow[];
    readonly remove?: readonly Xuid[];
  };
} & Beside;

/** Removes the session with its member rows and all of its hints. */
export type SessionDelete = {
  readonly kind: 'delete';
  readonly key: SessionKey;
  readonly expectRevision: number;
} & Beside;

/** What goes into the store with a session record, in the same atomic step or before it. */
type Beside = {
  readonly addHints?: readonly Hint[];
  /** May lag behind the commit. */
  readonly removeHints?: readonly Hint[];
  /** True when the search handle of the session, or what a search sees of it, is another. */
  readonly isSearchChange?: boolean;
  /**
   * The taps that this commit owes, as `untapped` is to give them back: plain JSON. They are kept
   * until `tapped`, and the commit `owesTaps`; a store whose process takes all connections along
   * when it dies need not keep them.
   */
  readonly owedTaps?: JsonObject;
};

/**
 * The part of all records that one of several nodes is to look at: the `index`-th of `of`. The
 * shares of all of them make up everything; a store for one process gives everything to each.
 */
export type Share = { readonly index: number; readonly of: number };

/** One life of a process that holds connections: 8 lower-case hex digits. */
export type NodeId = string;

export type OwedTaps = {
  readonly key: SessionKey;
  readonly revision: number;
  readonly owedTaps: JsonObject;
};

export type MemberRow = { readonly member: Member; readonly dueMs: Milliseconds | undefined };

export type Committed = {
  readonly kind: 'committed';
  /** True when the store keeps taps for this commit, until it is told that they were sent. */
  readonly owesTaps?: true;
};
export type Conflict = { readonly kind: 'conflict'; readonly current: SessionRecord | undefined };
/** The handle that has the id: its `requestId` is another one. */
export type Taken = { readonly kind: 'taken'; readonly handle: Handle };

/** How long an acknowledged write lasts: through power loss, or through the death of the process. */
export type Durability = 'strict' | 'relaxed';

/** The store cannot be reached or cannot write; nothing is known of a commit under way. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
