/**
 * Activities as clients read them.
 *
 * @source docs/wire/activity.md "Activities"
 */

import type { TitleId, Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Activity } from './activity.ts';
import type { SequenceNumber } from './sequence-number.ts';

/** An activity with what its record says beside it. */
export type ShownActivity = {
  readonly titleId: TitleId;
  readonly sequenceNumber: SequenceNumber;
  readonly activity: Activity;
  /** True when the viewer may see how to join. */
  readonly mayJoin: boolean;
};

/** The activity as its viewer sees it. `titleId` is an integer here and nowhere else. */
export function viewActivity({
  titleId,
  sequenceNumber,
  activity: { connectionString, ...rest },
  mayJoin,
}: ShownActivity): JsonObject {
  return {
    sequenceNumber,
    titleId: Number(titleId),
    ...(mayJoin && { connectionString }),
    ...rest,
  };
}

/** The answer to a query: one entry for each user that was asked for, in that order. */
export function viewUserActivities(
  found: readonly { readonly xuid: Xuid; readonly activities: readonly ShownActivity[] }[],
): JsonObject {
  return {
    userActivities: found.map(({ xuid, activities }) => ({
      userId: xuid,
      activities: activities.map(viewActivity),
    })),
  };
}
