/**
 * Activities, kept in the store:
 *
 *     activities   group xuid, id title id   an ActivityRecord, for 24 hours after its last change
 */

import { changeRecord, sweepRecords } from '../directory/change-record.ts';
import type { Context } from '../directory/context.ts';
import { seenMsOf } from '../directory/last-seen.ts';
import {
  type ActivityChange,
  type ActivityRecord,
  applyActivityChange,
  liveActivity,
  mayJoinActivity,
} from '../domain/activity/activity.ts';
import type { ShownActivity } from '../domain/activity/view.ts';
import type { Caller } from '../domain/caller.ts';
import type { TitleId, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import { stoppedMsOf } from '../domain/presence/presence.ts';
import type { Refusal } from '../domain/refusal.ts';
import { presenceRecords } from '../neighbours/presence.ts';
import type { Milliseconds } from '../domain/time.ts';
import { unlessDamaged, type Share } from '../store/store.ts';

const activities = 'activities';
/** Titles of one user that are looked at. */
const titlesMax = 50;

/**
 * Nothing once the activity is as the change says, or a newer change had been made before.
 *
 * Refuses: tooBusy.
 *
 * @source docs/wire/activity.md "Sequence numbers"
 */
export function changeActivity(
  context: Context,
  owner: Xuid,
  titleId: TitleId,
  change: ActivityChange,
  by: Caller,
): Promise<Refusal | undefined> {
  const place = { table: activities, group: owner, id: titleId };
  return changeRecord(context, place, (value) => {
    const next = applyActivityChange(recordOf(value), change, by, context.clock.nowMs());
    return next && { value: next, dueMs: next.updatedMs + limits.activityMsMax };
  });
}

function recordOf(value: JsonObject | undefined): ActivityRecord | undefined {
  return value as ActivityRecord | undefined;
}

/**
 * The activities of these users in their order, as the viewer may see them: in one title, or in all.
 *
 * @source docs/wire/activity.md "Activities"
 */
export async function queryActivitiesOf(
  context: Context,
  xuids: readonly Xuid[],
  titleId: TitleId | undefined,
  viewer: Caller,
): Promise<readonly { readonly xuid: Xuid; readonly activities: readonly ShownActivity[] }[]> {
  const seenMs = await seenMsOf(context, xuids);
  return Promise.all(
    xuids.map(async (xuid) => ({
      xuid,
      activities: await readActivities(context, xuid, titleId, seenMs(xuid), viewer),
    })),
  );
}

async function readActivities(
  context: Context,
  owner: Xuid,
  titleId: TitleId | undefined,
  seenMs: Milliseconds,
  viewer: Caller,
): Promise<readonly ShownActivity[]> {
  const { store, clock, people, settings } = context;
  const stored =
    titleId === undefined
      ? await store.records(activities, owner, titlesMax)
      : [await unlessDamaged(store.record(activities, owner, titleId))];
  const records = stored.flatMap((one) =>
    one ? [{ id: one.id, record: recordOf(one.value) }] : [],
  );
  if (records.length === 0) return [];
  const presences = await presenceRecords(context, owner);
  const nowMs = clock.nowMs();
  const live = records.flatMap(({ id, record }) => {
    const stoppedMs = stoppedMsOf(presences, id, nowMs);
    const { presenceTimeoutMs } = settings;
    const activity = liveActivity(record, { nowMs, seenMs, presenceTimeoutMs, stoppedMs });
    return record && activity ? [{ titleId: id, record, activity }] : [];
  });
  if (live.length === 0) return [];
  const isSomebody = viewer.kind === 'user' && viewer.xuid !== owner;
  const [isFollowed, isAvoided] = isSomebody
    ? await Promise.all([
        people.anyFollows([owner], viewer.xuid),
        people.avoids(owner, viewer.xuid),
      ])
    : [false, false];
  return live.map(({ titleId: id, record: { sequenceNumber }, activity }) => ({
    titleId: id,
    sequenceNumber,
    activity,
    mayJoin: mayJoinActivity(activity, viewer, { owner, isFollowed, isAvoided }),
  }));
}

/** Forgets what is older than 24 hours. The result says whether there may be more. */
export function sweepActivities(context: Context, share?: Share): Promise<'done' | 'more'> {
  return sweepRecords(context, activities, share);
}
