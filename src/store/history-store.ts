import type { Guid, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';

/**
 * What sessions were, also of those that have ended: changes by the session and its branch. A change
 * is stored in one step with the commit that makes it (`SessionPut.history`), or not at all where
 * only what makes room is stored.
 */
export interface HistoryStore {
  /** The branches of this session of which changes are kept, the one that began last first. */
  historyBranches(key: SessionKey): Promise<readonly Guid[]>;

  /**
   * The kept changes of a branch, the newest first. No older than any commit acknowledged before the
   * call.
   */
  history(key: SessionKey, branch: Guid): Promise<readonly StoredChange[]>;

  /**
   * Branches that were found by this name, of sessions whose key begins with `prefix`, the one that
   * got the name last first. May hold some whose changes are all forgotten.
   */
  historyBy(name: HistoryName, prefix: string, limit: number): Promise<readonly StoredBranch[]>;

  /**
   * Forgets what is older than `keptMs` at `nowMs`, of at most `limit` branches. A store that forgets
   * by itself does nothing.
   */
  forgetHistory(nowMs: Milliseconds, keptMs: Milliseconds, limit: number): Promise<'done' | 'more'>;
}

/** What the history of a session is found by, beside its key; the id is lower-case. */
export type HistoryName = `xuid:${Xuid}` | `correlation:${Guid}`;

/** A change, and how long it is kept. */
export type HistoryPut = {
  readonly branch: Guid;
  readonly atMs: Milliseconds;
  /** The change: the text of a JSON object. */
  readonly text: string;
  /** What the branch is found by from now on. */
  readonly addNames: readonly HistoryName[];
  /** Of the newest changes of a branch so many are found, and at most `historySlack` more. */
  readonly changesMax: number;
  /** A change is kept for so long, and a little longer. */
  readonly keptMs: Milliseconds;
};

/** Older changes are forgotten together, since each time costs. */
export const historySlack = 16;

export type StoredChange = {
  /** The revision of the record after the change; of the end of a session one more than the last. */
  readonly revision: number;
  readonly atMs: Milliseconds;
  readonly change: JsonObject;
};

export type StoredBranch = { readonly key: SessionKey; readonly branch: Guid };
