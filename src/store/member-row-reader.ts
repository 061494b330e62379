import type { Xuid } from '../domain/ids.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Member } from '../domain/session/session.ts';
import type { Milliseconds } from '../domain/time.ts';

/** The members of large sessions, whom their records do not have. */
export interface MemberRowReader {
  /** The row of a member of a large session, no older than any commit acknowledged before. */
  memberRow(key: SessionKey, xuid: Xuid): Promise<Member | undefined>;

  /** All rows of a large session, in the order of their xuids, after `after` or from the first. */
  memberRows(key: SessionKey, limit: number, after?: Xuid): Promise<readonly Member[]>;

  /**
   * Rows of a large session whose due time has come at `nowMs`, the longest overdue first; with
   * `nowMs` Infinity: all that have a due time.
   */
  memberRowsDue(key: SessionKey, nowMs: Milliseconds, limit: number): Promise<readonly Member[]>;
}
