import type { Handle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Member, Session } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { HandleReader } from './handle-reader.ts';
import type { HistoryPut } from './history-store.ts';
import type { MemberRowReader } from './member-row-reader.ts';
import type { Hint, SessionFinder } from './session-finder.ts';

/**
 * Sessions and their handles: revisions, not rules. Every time is an argument. Guids are compared
 * without regard to case, session keys as they are. Arguments and results are shared, not copied:
 * nobody changes them.
 *
 * All that a commit writes is in one store. Who only reads asks for the part that it needs.
 */
export interface SessionStore extends SessionFinder, HandleReader, MemberRowReader {
  /**
   * The record and its revision, no older than any commit acknowledged before the call, and
   * nothing that is not yet as durable as the store was asked to be.
   */
  session(key: SessionKey): Promise<SessionRecord | undefined>;

  /**
   * What `session` returns for each of these keys, in their order, and undefined for a damaged one; for
   * readers of many: their reads do not take the place of others in the cache.
   */
  sessions(keys: readonly SessionKey[]): Promise<readonly (SessionRecord | undefined)[]>;

  /**
   * What this process last knew of the record, for a commit: it may be older than `session` would
   * return, or not yet durable. Undefined when nothing is known here. `commit` detects whether it
   * was current. What ends without a commit (a refusal, a write that changes nothing) is decided
   * again on `session`, or it could show what is never stored; unless `isCommitted` says that
   * `session` would return the same now.
   */
  lastKnown(key: SessionKey): LastKnown | undefined;

  /**
   * The whole batch or nothing. The session part is compare-and-set: `conflict` when the stored
   * revision is not `expectRevision`, with the winner's record to save a read. `taken` when the handle
   * of the batch has the id of one that another request made, whatever the session is like; a handle
   * without `requestId` has an id that nobody else has, and is not asked about.
   * `committed` means durable as the store was asked to be, and so is the winner of a conflict.
   */
  commit(batch: Batch): Promise<CommitSuccess | Conflict | HandleIdConflict>;
}

/**
 * `revision` rises by one with each commit of a record, or by more after commits that failed; 0
 * stands for "no record".
 *
 * A key is not given a revision a second time, not even when its session was deleted and created
 * again, as long as anyone lives who has read the former one: a writer who decided on a
 * session that is gone gets a conflict, and does not write into the next life.
 */
export type SessionRecord = { readonly revision: number; readonly session: Session };

export type LastKnown = {
  readonly record: SessionRecord | undefined;
  readonly isCommitted: boolean;
  /** Member rows that commits under way have put, or removed (undefined). */
  readonly rows?: ReadonlyMap<Xuid, Member | undefined>;
};

/** Applied in the order of its members: a removed row is gone, even if the batch also puts it. */
export type Batch = {
  readonly session?: SessionPut | SessionDelete;
  /**
   * A handle to keep. One that is there already, by the same request, is left as it is. An activity
   * takes the place of the former one of its owner in its service config, which is dropped, maybe a
   * moment later.
   */
  readonly handle?: Handle;
  /** Handles to remove. Unknown ids are no error. */
  readonly removeHandles?: readonly Guid[];
};

export type SessionPut = {
  readonly kind: 'put';
  readonly key: SessionKey;
  readonly expectRevision: number;
  readonly session: Session;
  /**
   * True of a commit that frees space sooner or later: a member leaves, or timeouts move members. A
   * full store makes it all the same. A delete always does.
   */
  readonly frees?: boolean | undefined;
  /** When the next timeout is due; undefined: none is pending. */
  readonly dueMs: Milliseconds | undefined;
  /** Members of a large session, who are not in `session.members`, put or removed with it. */
  readonly memberRows?: MemberRowsPut | undefined;
} & CommitParts;

/** Removes the session with its member rows and all of its hints. */
export type SessionDelete = {
  readonly kind: 'delete';
  readonly key: SessionKey;
  readonly expectRevision: number;
} & CommitParts;

export type MemberRowsPut = {
  readonly put?: readonly MemberRow[];
  readonly remove?: readonly Xuid[];
};

/** What is stored with a session record, in the same atomic step or before it. */
type CommitParts = {
  readonly addHints?: readonly Hint[];
  /** May lag behind the commit. */
  readonly removeHints?: readonly Hint[];
  /** True when the search handle of the session changes, or what a search sees of the session. */
  readonly isSearchChange?: boolean | undefined;
  /**
   * Taps that are to be sent for this commit: plain JSON. A store with `pendingNotifications` keeps
   * them there, and the commit `hasPendingTaps`. Others need not: when their process dies,
   * its connections end with it.
   */
  readonly pendingTaps?: JsonObject | undefined;
  /** What the history of the session keeps of this commit. */
  readonly history?: HistoryPut | undefined;
};

export type MemberRow = { readonly member: Member; readonly dueMs: Milliseconds | undefined };

export type CommitSuccess = {
  readonly kind: 'committed';
  /**
   * Of the record that was put, or above all of the record that was deleted: not always one more than was
   * expected. Undefined of a batch without a session, of a delete of a session that is not there, and where
   * others have committed since and it is not known any more.
   */
  readonly revision?: number;
  /** True when the store keeps taps for this revision, until `forget` says that they were sent. */
  readonly hasPendingTaps?: true;
};
export type Conflict = { readonly kind: 'conflict'; readonly current: SessionRecord | undefined };
/** The handle that has the id, with another `requestId`. */
export type HandleIdConflict = { readonly kind: 'taken'; readonly handle: Handle };
