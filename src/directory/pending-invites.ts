import { isPending } from '../domain/handle/confirm.ts';
import { viewInviteNotification } from '../domain/handle/view.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Context } from './context.ts';

/** An invite as the connections of the invited user get it. */
export type InviteNotification = { readonly id: Guid; readonly data: JsonObject };

/**
 * The invites of this user that can still be accepted and of whose ids `isNew` says true.
 *
 * Throws StoreUnavailable.
 */
export async function pendingInvites(
  { store, clock }: Context,
  xuid: Xuid,
  isNew: (id: Guid) => boolean,
): Promise<readonly InviteNotification[]> {
  const invites = await store.invitesOf(xuid);
  const nowMs = clock.nowMs();
  return invites.flatMap((invite) =>
    invite.type === 'invite' && isPending(invite, nowMs) && isNew(invite.id)
      ? [{ id: invite.id, data: viewInviteNotification(invite) }]
      : [],
  );
}
