/** Handles as the acting user: activities, invites, and joining through one. */

import type { ActingUser, HandleRow, SessionName } from '../api-types.ts';
import {
  act,
  actAs,
  actingUser,
  actingUsers,
  connectionOf,
  joinBody,
  referenceOf,
} from './acting.ts';
import { pathOf } from './api.ts';
import { info } from './live.ts';

/** Joins as handles are for: an invite as the user who is invited, else as the acting user. */
export async function joinByHandle(handle: HandleRow): Promise<void> {
  const { invitedXuid } = handle;
  const as: ActingUser =
    invitedXuid === undefined
      ? actingUser()
      : (actingUsers.value.find(({ xuid }) => xuid === invitedXuid) ?? { xuid: invitedXuid });
  actAs(as);
  const connection = await connectionOf(as);
  await act(
    handle.type === 'invite' ? 'accept the invite' : `join by the ${handle.type} handle`,
    {
      method: 'PUT',
      target: `/handles${pathOf(handle.id)}/session`,
      body: joinBody(as.xuid, connection),
    },
    as,
  );
}

export async function setActivity(session: SessionName): Promise<void> {
  await act('set activity', {
    method: 'POST',
    target: '/handles',
    body: { version: 1, type: 'activity', sessionRef: referenceOf(session) },
  });
}

export async function invite(session: SessionName, invitedXuid: string): Promise<void> {
  const config = info.value?.serviceConfigs.find(
    ({ scid }) => scid.toLowerCase() === session.scid.toLowerCase(),
  );
  await act(`invite ${invitedXuid}`, {
    method: 'POST',
    target: '/handles',
    body: {
      version: 1,
      type: 'invite',
      sessionRef: referenceOf(session),
      invitedXuid,
      inviteAttributes: { titleId: config?.titleIds[0] ?? '' },
    },
  });
}
