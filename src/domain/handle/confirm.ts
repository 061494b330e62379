/**
 * Whether a handle is live. A handle lives as long as its session confirms it; its row in the store
 * is only a hint, so that no outdated handle is shown.
 *
 * @source docs/wire/handles.md "POST /handles"
 */

import { acceptedMemberOf, type Session } from '../session/session.ts';
import type { Milliseconds } from '../time.ts';
import type { ActivityHandle, InviteHandle, SearchHandle, TransferHandle } from './handle.ts';

/**
 * True while the owner is in the session, has not become inactive, and this is the activity that
 * the owner last set there. `isCurrent` says whether it is also the owner's current activity in
 * this service config. An activity set before there was a session counts as soon as the owner is
 * active in one.
 */
export function confirmsActivity(
  session: Session | undefined,
  handle: ActivityHandle,
  isCurrent: boolean,
): boolean {
  const owner = session && acceptedMemberOf(session, handle.ownerXuid);
  if (session === undefined || owner === undefined || !isCurrent) return false;
  if (handle.branch === undefined) return owner.status === 'active';
  return (
    owner.status !== 'inactive' &&
    session.branch === handle.branch &&
    owner.activityHandleId === handle.id
  );
}

/** True in the life of the target session that the handle was made for. */
export function confirmsTransfer(session: Session | undefined, handle: TransferHandle): boolean {
  return session?.branch === handle.branch;
}

/** True while the session carries this handle. */
export function confirmsSearch(session: Session | undefined, handle: SearchHandle): boolean {
  return session?.searchHandle?.id === handle.id;
}

/** True until the invite expires; its session may be gone. */
export function isPending(handle: InviteHandle, nowMs: Milliseconds): boolean {
  return nowMs < handle.expirationMs;
}
