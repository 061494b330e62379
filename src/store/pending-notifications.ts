import type { JsonObject } from '../domain/json.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Share } from './share.ts';

/** Taps of commits whose process may have died before it sent them. */
export interface PendingNotifications {
  /** Taps of commits made more than `ageMs` ago, the oldest first. */
  read(ageMs: Milliseconds, limit: number, share?: Share): Promise<readonly PendingTaps[]>;

  /** Forgets the taps of this revision. A commit without `hasPendingTaps` has none. */
  forget(key: SessionKey, revision: number): Promise<void>;
}

export type PendingTaps = {
  readonly key: SessionKey;
  readonly revision: number;
  readonly pendingTaps: JsonObject;
};
