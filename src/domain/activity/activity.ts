/**
 * What a user plays right now, and how others join: the activity of a user in a title. A title sets it
 * without a session of the directory.
 *
 * @source docs/wire/activity.md "Activities"
 */

import type { Caller } from '../caller.ts';
import type { Xuid } from '../ids.ts';
import { limits } from '../limits.ts';
import type { Milliseconds } from '../time.ts';
import { isNewer, type SequenceNumber } from './sequence-number.ts';

export type Activity = {
  readonly connectionString: string;
  readonly joinRestriction: JoinRestriction;
  readonly maxPlayers?: number;
  readonly currentPlayers?: number;
  readonly groupId?: string;
  readonly platform?: Platform;
};

export const joinRestrictions = ['Public', 'Followed', 'InviteOnly'] as const;
export type JoinRestriction = (typeof joinRestrictions)[number];

/** In the letter case of the documentation. */
export const platforms = [
  'Unknown',
  'XboxOne',
  'WindowsOneCore',
  'Win32',
  'Scarlett',
  'IOS',
  'Android',
  'Nintendo',
  'PlayStation',
  'MacOS',
  'All',
] as const;
export type Platform = (typeof platforms)[number];

/**
 * What is stored for one user and title. After a delete the sequence number is kept, so that an
 * update that arrives late does not bring the activity back.
 */
export type ActivityRecord = {
  readonly sequenceNumber: SequenceNumber;
  readonly updatedMs: Milliseconds;
  /** Absent after a delete. */
  readonly activity?: Activity;
  /** True of what a game service wrote: its user may never have called this server. */
  readonly isByService?: true;
};

/** A PUT, or a DELETE when there is no `activity`. */
export type ActivityChange = {
  readonly sequenceNumber: SequenceNumber;
  readonly activity?: Activity;
};

/**
 * What is to be stored; undefined when the change is to be ignored, since it is not newer than the
 * last one. What is older than `activityMsMax` counts as nothing.
 *
 * @source docs/wire/activity.md "Sequence numbers"
 */
export function applyActivityChange(
  stored: ActivityRecord | undefined,
  change: ActivityChange,
  by: Caller,
  nowMs: Milliseconds,
): ActivityRecord | undefined {
  const former = stored !== undefined && isExpired(stored, nowMs) ? undefined : stored;
  if (former !== undefined && !isNewer(change.sequenceNumber, former.sequenceNumber)) {
    return undefined;
  }
  return { ...change, updatedMs: nowMs, ...(by.kind === 'service' && { isByService: true }) };
}

function isExpired({ updatedMs }: ActivityRecord, nowMs: Milliseconds): boolean {
  return nowMs - updatedMs >= limits.activityMsMax;
}

/** What is known of whether a user still plays a title. */
export type PlayFacts = {
  readonly nowMs: Milliseconds;
  /** When the user was last seen; what is not known counts as seen. */
  readonly seenMs: Milliseconds;
  /** How long nothing may be seen of a user who plays; 0: for ever. */
  readonly presenceTimeoutMs: Milliseconds;
  /** When the presence of the user in this title ended; undefined: it goes on, or never began. */
  readonly stoppedMs?: Milliseconds | undefined;
};

/**
 * The activity that a record stands for; undefined when it was deleted, is older than 24 hours, or
 * its user has stopped playing.
 *
 * @source docs/wire/activity.md "How long an activity lasts"
 */
export function liveActivity(
  record: ActivityRecord | undefined,
  { nowMs, seenMs, presenceTimeoutMs, stoppedMs }: PlayFacts,
): Activity | undefined {
  if (record === undefined || isExpired(record, nowMs)) return undefined;
  const { activity, updatedMs, isByService } = record;
  if (stoppedMs !== undefined && stoppedMs >= updatedMs) return undefined;
  const lastMs = Math.max(seenMs, updatedMs);
  const isAway = presenceTimeoutMs > 0 && nowMs - lastMs >= presenceTimeoutMs;
  return isAway && !isByService ? undefined : activity;
}

/** How the owner of an activity stands to somebody who looks at it. */
export type ViewerFacts = {
  readonly owner: Xuid;
  /** True when the owner follows the viewer. */
  readonly isFollowed: boolean;
  /** True when the owner has put the viewer on the avoid list. */
  readonly isAvoided: boolean;
};

/**
 * True when the viewer may see how to join: the owner and services always, others as the join
 * restriction says, if there is room.
 *
 * @source docs/wire/activity.md "Who sees the connection string", docs/wire/unknowns.md "activities of who blocked the viewer"
 */
export function mayJoinActivity(
  activity: Activity,
  viewer: Caller,
  { owner, isFollowed, isAvoided }: ViewerFacts,
): boolean {
  if (viewer.kind === 'service' || viewer.xuid === owner) return true;
  const { joinRestriction, currentPlayers = 0, maxPlayers = Infinity } = activity;
  if (isAvoided || currentPlayers >= maxPlayers) return false;
  return joinRestriction === 'Public' || (joinRestriction === 'Followed' && isFollowed);
}
