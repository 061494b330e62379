/**
 * Whether a handle still leads somewhere. A handle lives as long as its session confirms it; a row
 * that is left over anywhere is a hint and nothing more, so that a ghost cannot be shown.
 *
 * @source contract 8
 */

import { acceptedMemberOf, type Member, type Session } from '../session/session.ts';
import type { Milliseconds } from '../time.ts';
import type { ActivityHandle, InviteHandle, SearchHandle, TransferHandle } from './handle.ts';

/**
 * True of a member who is active. Where a connection is required for it, not of one whose connection
 * has ended, even while the document still shows the member as active.
 *
 * @source docs/wire/handles.md "POST /handles"
 */
export function countsAsActive({ constants }: Session, member: Member): boolean {
  const isDisconnected =
    constants.system.capabilities.connectionRequiredForActiveMembers === true &&
    member.activeUntilMs !== undefined;
  return member.status === 'active' && !isDisconnected;
}

/**
 * True while the owner is active in the session and this is the activity that the owner last set there.
 *
 * `isCurrent` tells whether it is also the owner's current activity in this service config. An
 * activity set before there was a session counts as soon as the owner is active in one.
 */
export function confirmsActivity(
  session: Session | undefined,
  handle: ActivityHandle,
  isCurrent: boolean,
): boolean {
  const owner = session && acceptedMemberOf(session, handle.ownerXuid);
  if (!session || !owner || !isCurrent || !countsAsActive(session, owner)) return false;
  return (
    handle.branch === undefined ||
    (session.branch === handle.branch && owner.activityHandleId === handle.id)
  );
}

/** True while the life of the target session that the handle was made for goes on. */
export function confirmsTransfer(session: Session | undefined, handle: TransferHandle): boolean {
  return session?.branch === handle.branch;
}

/** True while the session carries this very handle. */
export function confirmsSearch(session: Session | undefined, handle: SearchHandle): boolean {
  return session?.searchHandle?.id === handle.id;
}

/** True until the invite expires; its session may be gone. */
export function isPending(handle: InviteHandle, nowMs: Milliseconds): boolean {
  return nowMs < handle.expirationMs;
}
