/**
 * Who owns a session, where the capability hasOwners lets somebody own it.
 *
 * @source contract 4.2, 7
 */

import type { Xuid } from '../ids.ts';
import { acceptedMemberOf, type Session } from './session.ts';

/** The owners' member indexes; none without the capability. */
function ownersOf({ properties }: Session): readonly number[] {
  return (properties.system as { readonly owners?: readonly number[] }).owners ?? [];
}

/** True when this user is an accepted member and an owner. */
export function isOwner(session: Session, xuid: Xuid | undefined): boolean {
  const member = acceptedMemberOf(session, xuid);
  return member !== undefined && ownersOf(session).includes(member.index);
}

/** The owners, in the order of their member indexes. */
export function ownerXuidsOf(session: Session): readonly Xuid[] {
  const owners = ownersOf(session);
  if (owners.length === 0) return [];
  return session.members.filter(({ index }) => owners.includes(index)).map(({ xuid }) => xuid);
}
