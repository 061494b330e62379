/**
 * Invites into activities, kept in the store until they expire:
 *
 *     activityInvites   group invited xuid, id title and sender   an ActivityInvite
 *
 * A newer invite of a sender takes the place of the former one in the same title.
 */

import { sweepRecords } from '../directory/change-record.ts';
import type { Context } from '../directory/context.ts';
import { notifyUser } from '../directory/notifications.ts';
import type { InviteNotification } from '../directory/pending-invites.ts';
import { noteActivityInvites } from '../directory/user-bounds.ts';
import { type ActivityInvite, viewActivityInvite } from '../domain/activity/invite.ts';
import type { InviteRequest } from '../domain/activity/request.ts';
import type { Caller } from '../domain/caller.ts';
import type { Guid, TitleId, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Refusal } from '../domain/refusal.ts';
import { titleNameOf } from '../domain/session/template.ts';
import { gamertagOf } from '../neighbours/profiles.ts';
import type { Share } from '../store/store.ts';
import { queryActivitiesOf } from './activities.ts';

const activityInvites = 'activityInvites';
/** Invites of one user that are sent to a new connection. */
const pendingMax = 200;

/**
 * Stores the invites and sends them to the connections of the invited users. Who has blocked the
 * sender gets none, and the sender does not learn of it.
 *
 * Refuses: tooManyInvites, and sends none of them then.
 *
 * @source docs/wire/activity.md "Invites", docs/wire/unknowns.md "invites of who is blocked"
 */
export async function sendActivityInvites(
  context: Context,
  titleId: TitleId,
  sender: Xuid,
  { invitedUsers, connectionString }: InviteRequest,
  by: Caller,
): Promise<Refusal | undefined> {
  const { clock, ids, people, store, settings } = context;
  if (by.kind === 'user') {
    const tooMany = noteActivityInvites(context, titleId, sender, invitedUsers);
    if (tooMany !== undefined) return tooMany;
  }
  const invite = {
    titleId,
    sender,
    senderGamertag: await gamertagOf(context, sender),
    connectionString: connectionString ?? (await ownConnectionString(context, sender, titleId, by)),
    expirationMs: clock.nowMs() + settings.inviteLifetimeMs,
  };
  await Promise.all(
    invitedUsers.map(async (invited) => {
      if (await people.avoids(invited, sender)) return;
      const own: ActivityInvite = { id: ids.guid(), ...invite };
      await store.commitRecords(activityInvites, invited, [
        { id: `${titleId}.${sender}`, value: own, dueMs: own.expirationMs },
      ]);
      const data = viewInvite(context, own, invited);
      notifyUser(context, invited, { kind: 'invite', id: own.id, titleId, data });
    }),
  );
  return undefined;
}

function viewInvite({ catalog }: Context, invite: ActivityInvite, invited: Xuid): JsonObject {
  return viewActivityInvite(invite, invited, titleNameOf(catalog())(invite.titleId));
}

/** How to join the activity of the sender in this title; empty without one. */
async function ownConnectionString(
  context: Context,
  sender: Xuid,
  titleId: TitleId,
  by: Caller,
): Promise<string> {
  const [own] = await queryActivitiesOf(context, [sender], titleId, by);
  return own?.activities[0]?.activity.connectionString ?? '';
}

/**
 * The invites of this user that have not expired and of whose ids `isNew` says true, with the title
 * of each.
 *
 * Throws StoreUnavailable.
 */
export async function pendingActivityInvites(
  context: Context,
  xuid: Xuid,
  isNew: (id: Guid) => boolean,
): Promise<readonly (InviteNotification & { readonly titleId: TitleId })[]> {
  const { store, clock } = context;
  const nowMs = clock.nowMs();
  const stored = await store.records(activityInvites, xuid, pendingMax);
  return stored
    .map(({ value }) => value as unknown as ActivityInvite)
    .filter(({ id, expirationMs }) => expirationMs > nowMs && isNew(id))
    .map((invite) => ({
      id: invite.id,
      titleId: invite.titleId,
      data: viewInvite(context, invite, xuid),
    }));
}

/** Removes invites that have expired. The result says whether there may be more. */
export function sweepActivityInvites(context: Context, share?: Share): Promise<'done' | 'more'> {
  return sweepRecords(context, activityInvites, share);
}
