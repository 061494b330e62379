import { isPending } from '../domain/handle/confirm.ts';
import { viewInviteNotification } from '../domain/handle/view.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Context } from './context.ts';

/** An invite as the connections of the invited user get it. */
export type InviteNotification = { readonly id: Guid; readonly data: JsonObject };

/**
 * The invites of this user that can still be accepted and whose ids `isNew` accepts. One that
 * cannot be shown is set aside.
 *
 * Throws StoreUnavailable.
 */
export async function pendingInvites(
  { store, clock, setAside }: Context,
  xuid: Xuid,
  isNew: (id: Guid) => boolean,
): Promise<readonly InviteNotification[]> {
  const invites = await store.invitesOf(xuid);
  const nowMs = clock.nowMs();
  const notifications: InviteNotification[] = [];
  for (const invite of invites) {
    if (invite.type !== 'invite' || !isPending(invite, nowMs) || !isNew(invite.id)) continue;
    const view = (): JsonObject => viewInviteNotification(invite);
    const data = await setAside.attempt('the notification', `invite ${invite.id}`, view);
    if (data !== undefined) notifications.push({ id: invite.id, data });
  }
  return notifications;
}
