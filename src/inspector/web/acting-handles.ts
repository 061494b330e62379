/** Handles as the acting user: activities, invites, and joining through one. */

import type { HandleRow, SessionName } from '../api-types.ts';
import {
  type ActProblem,
  act,
  actAs,
  actInForm,
  actingUser,
  connectionOf,
  joinBody,
  referenceOf,
} from './acting.ts';
import { pathOf } from './api.ts';
import { info } from './live.ts';
import { nameOf } from './names.ts';

/** Joins as handles are for: an invite as the user who is invited, else as the acting user. */
export async function joinByHandle(handle: HandleRow): Promise<void> {
  const { invitedXuid } = handle;
  if (invitedXuid !== undefined) actAs({ xuid: invitedXuid });
  const as = actingUser();
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

/** Comes back with why it was not done. */
export async function invite(
  session: SessionName,
  invitedXuid: string,
): Promise<ActProblem | undefined> {
  const config = info.value?.serviceConfigs.find(
    ({ scid }) => scid.toLowerCase() === session.scid.toLowerCase(),
  );
  return actInForm(`invite ${nameOf({ xuid: invitedXuid })}`, {
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
