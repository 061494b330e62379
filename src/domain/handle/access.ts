/**
 * Who may see and delete a handle, and what it opens.
 *
 * @source docs/wire/sessions.md "Access", docs/wire/handles.md "POST /handles"
 */

import type { Caller } from '../caller.ts';
import type { Guid } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { isLarge } from '../session/large.ts';
import { wasKicked } from '../session/owners.ts';
import { acceptedMemberOf, type Session } from '../session/session.ts';
import { isSender } from './create.ts';
import type { Handle } from './handle.ts';

/** Undefined when the caller may read the handle. Refuses: handleNotYours. */
export function mayReadHandle(handle: Handle, caller: Caller): Refusal | undefined {
  if (handle.type !== 'invite' || caller.kind === 'service') return undefined;
  return isSender(handle, caller) || caller.xuid === handle.invitedXuid
    ? undefined
    : new Refusal('handleNotYours', 'An invite is shown to its sender and the invited user only.');
}

/**
 * Undefined when the caller may delete the handle. Of a search handle its session decides: see
 * `deleteSearch`.
 *
 * Refuses: handleNotYours.
 */
export function mayDeleteHandle(handle: Handle, caller: Caller): Refusal | undefined {
  return isOwner(handle, caller)
    ? undefined
    : new Refusal(
        'handleNotYours',
        `Only the user who made this ${handle.type} handle may delete it.`,
      );
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
 * True when the handle lifts the restrictions of its session for the caller, by the current
 * `session` and, for a transfer, `origin`: an invite for the invited user, a transfer for members
 * of its origin, a search handle for everybody, an activity for nobody. Invites and transfers are
 * for the lives of the sessions that they were made for. None lifts anything for a user whom an
 * owner has removed since it was made.
 *
 * @source docs/wire/handles.md "What a handle opens", docs/wire/unknowns.md "what a kick takes away"
 */
export function grants(
  handle: Handle,
  caller: Caller,
  session: Session | undefined,
  origin: Session | undefined,
): boolean {
  if (caller.kind === 'service' || session === undefined) return false;
  if (wasKicked(session, caller.xuid, handle.createTimeMs)) return false;
  switch (handle.type) {
    case 'activity':
      return false;
    case 'invite':
      return caller.xuid === handle.invitedXuid && isSameLife(session, handle.branch);
    case 'transfer':
      return (
        isSameLife(session, handle.branch) &&
        isSameLife(origin, handle.originBranch) &&
        acceptedMemberOf(origin, caller.xuid) !== undefined
      );
    case 'search':
      return session.searchHandle?.id === handle.id;
  }
}

/**
 * True when a search handle shows every caller the same of its session: the session is not private, and
 * no owner has removed anybody. False of large sessions, whose members are not loaded.
 *
 * @source docs/wire/handles.md "What a handle opens"
 */
export function opensToAll(session: Session): boolean {
  const { visibility } = session.constants.system;
  return visibility !== 'private' && !isLarge(session) && (session.kicks ?? []).length === 0;
}

/** True in the life that a handle was made for; in any, when it was made for none. */
function isSameLife(session: Session | undefined, branch: Guid | undefined): session is Session {
  return session !== undefined && (branch === undefined || session.branch === branch);
}
