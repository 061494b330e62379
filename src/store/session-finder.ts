import type { SessionHint } from '../domain/session/hints.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Share } from './share.ts';

/** Which sessions there are: by hint, by due time, by change, all of them. Keys alone, and counts. */
export interface SessionFinder {
  /**
   * Keys of sessions that carry this hint, after `after` in the order of keys, or from the first.
   * Never misses a session whose hint was acknowledged; may hold some that have lost it.
   */
  sessionsBy(hint: Hint, limit: number, after?: SessionKey): Promise<readonly SessionKey[]>;

  /**
   * Keys of all sessions, a page after the other, in no particular order: `cursor` of an answer leads
   * to the next page, and is undefined when there is none. `limit` is how many keys a page has at the
   * least, while there are more.
   *
   * A session that is there all the while is listed at least once; one that comes or goes meanwhile may
   * be. A store of several servers may miss those that move between its servers meanwhile.
   */
  sessionKeys(limit: number, cursor?: string): Promise<SessionKeys>;

  /**
   * Counts a part of what is kept, within a few milliseconds: `cursor` leads to the next part, and is
   * undefined after the last one. The sum of all parts is exact while nothing changes; members of a store
   * of several servers may be too many by those that have just gone.
   */
  countPart(cursor?: string): Promise<CountedPart>;

  /** Keys of sessions whose due time has come at `nowMs`, the longest overdue first. */
  due(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly SessionKey[]>;

  /**
   * Sessions whose search handle was set, changed or lost after `cursor`; from the beginning when there is
   * no cursor. `cursor` of the answer goes on from there; fewer than `limit` keys: there are no more for
   * now.
   *
   * A store of one server gives the longest ago first, each session once. One of several parts begins at any
   * of them, may give a session twice, and gives all of a part again when another server has it.
   *
   * A session that was deleted may be left out by a store that only one process writes to: that
   * process knows.
   */
  searchChanges(
    cursor: string | undefined,
    limit: number,
  ): Promise<{ readonly keys: readonly SessionKey[]; readonly cursor: string }>;
}

/**
 * What a session is found by:
 *
 *     xuid:<xuid>                  somebody who is in it
 *     seat:<xuid>                  somebody for whom a seat is reserved
 *     holder:<xuid>                a user for whom it counts, though perhaps not in it: who reserved a
 *                                  seat, or created it and nobody is in it
 *     keyword:<scid>~<keyword>     both lower-case
 *     connection:<id>              lower-case; a member's connection
 *     node:<id>                    the node that minted such a connection
 */
export type Hint = SessionHint;

export type SessionKeys = {
  readonly keys: readonly SessionKey[];
  readonly cursor: string | undefined;
};

/** How many of each are kept. Search handles are parts of their sessions, and not counted. */
export type StoredCounts = {
  readonly sessions: number;
  /** Members who have joined, those of large sessions with them. */
  readonly joined: number;
  /** Members for whom a place is reserved. */
  readonly reserved: number;
  /** Activities, invites and transfers. */
  readonly handles: number;
  readonly activities: number;
  readonly invites: number;
};

export type CountedPart = {
  /** What is left out is 0. */
  readonly counts: Partial<StoredCounts>;
  readonly cursor: string | undefined;
};
