import type { Handle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Share } from './share.ts';

/** The handles that commits have stored. Search handles are parts of their sessions. */
export interface HandleReader {
  /** The handle of this id, expired and unconfirmed ones included. */
  handle(id: Guid): Promise<Handle | undefined>;

  /**
   * The activities of these users, at most one for each user and service config; in the order of
   * `xuids`, those of one user by service config. Of one service config when `scid` is given.
   */
  activitiesOf(xuids: readonly Xuid[], scid?: Guid): Promise<readonly Handle[]>;

  /**
   * Handles of this session: activities on it and transfers to it. No invites. In no particular
   * order; may contain stale ones.
   */
  handlesFor(key: SessionKey): Promise<readonly Handle[]>;

  /** The invites of this user, expired ones included, the oldest first. */
  invitesOf(xuid: Xuid): Promise<readonly Handle[]>;

  /** Ids of invites that have expired at `nowMs`, the longest expired first. */
  expired(nowMs: Milliseconds, limit: number, share?: Share): Promise<readonly Guid[]>;
}
