/**
 * Who may see and delete a handle, and what it opens.
 *
 * @source contract 5, 8
 */

import type { Caller } from '../caller.ts';
import { Refusal } from '../refusal.ts';
import { acceptedMemberOf, type Session } from '../session/session.ts';
import { isSender } from './create.ts';
import type { Handle } from './handle.ts';

/** Nothing when the caller may read the handle. Refuses: handleNotYours. */
export function mayReadHandle(handle: Handle, caller: Caller): Refusal | undefined {
  if (handle.type !== 'invite' || caller.kind === 'service') return undefined;
  return isSender(handle, caller) || caller.xuid === handle.invitedXuid
    ? undefined
    : new Refusal('handleNotYours', 'An invite is shown to its sender and the invited user only.');
}

/**
 * Nothing when the caller may delete the handle. Of a search handle its session decides: see
 * `deleteSearch`.
 *
 * Refuses: handleNotYours.
 */
export function mayDeleteHandle(handle: Handle, caller: Caller): Refusal | undefined {
  return isOwner(handle, caller)
    ? undefined
    : new Refusal('handleNotYours', `Only whoever made this ${handle.type} handle may delete it.`);
}

function isOwner(handle: Handle, caller: Caller): boolean {
  switch (handle.type) {
    case 'activity':
      return caller.kind === 'user' && caller.xuid === handle.ownerXuid;
    case 'invite':
      return isSender(handle, caller);
    case 'transfer':
      return caller.kind === 'user' && caller.xuid === handle.creatorXuid;
    case 'search':
      return false;
  }
}

/**
 * True when the handle lifts the restrictions of its session for the caller: an invite for whom it
 * was sent to, a transfer for whoever is in its origin session now, a search handle for everybody. An
 * activity lifts nothing.
 */
export function grants(handle: Handle, caller: Caller, origin: Session | undefined): boolean {
  if (caller.kind === 'service') return false;
  switch (handle.type) {
    case 'activity':
      return false;
    case 'invite':
      return caller.xuid === handle.invitedXuid;
    case 'transfer':
      return origin !== undefined && acceptedMemberOf(origin, caller.xuid) !== undefined;
    case 'search':
      return true;
  }
}
