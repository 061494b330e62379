/**
 * Who may read, join and write a session.
 *
 * @source docs/wire/sessions.md "Access"
 */

import { hasMultiplayerPrivilege, xuidOf, type Caller } from '../caller.ts';
import type { Xuid } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { tallyOf } from './large.ts';
import { sessionFull } from './members.ts';
import { restrictionsOf } from './properties.ts';
import { acceptedMemberOf, memberOf, type Session, type Restriction } from './session.ts';

/** The facts for access, beside the session and the caller. */
export type AccessFacts = {
  /** True when the handle of the request lifts the restrictions. */
  readonly granted: boolean;
  /** True when an accepted member follows the caller; asked for only if `followersToAsk` says so. */
  readonly followed: boolean;
  /** True when an owner has blocked the caller; asked for only of writes, if `ownersToAsk` says so. */
  readonly blockedByOwner: boolean;
};

/**
 * The accepted members who must be asked whether they follow the caller; undefined when it does not
 * matter.
 */
export function followersToAsk(session: Session, caller: Caller): readonly Xuid[] | undefined {
  const xuid = xuidOf(caller);
  if (xuid === undefined || memberOf(session, xuid) !== undefined) return undefined;
  const { join, read } = restrictionsOf(session);
  if (join !== 'followed' && read !== 'followed') return undefined;
  return session.members.filter(({ status }) => status !== 'reserved').map((member) => member.xuid);
}

/** Undefined when the caller may read the session. Refuses: sessionPrivate, readRestricted. */
export function mayRead(session: Session, caller: Caller, facts: AccessFacts): Refusal | undefined {
  const { capabilities, visibility, broadcastViewerTitleIds } = session.constants.system;
  if (caller.kind === 'service' || memberOf(session, caller.xuid) !== undefined) return undefined;
  if (
    capabilities.broadcast &&
    caller.titleId !== undefined &&
    broadcastViewerTitleIds?.includes(caller.titleId)
  ) {
    return undefined;
  }
  if (visibility === 'private') {
    return new Refusal(
      'sessionPrivate',
      'The session is private: only its members and those it has a reservation for can see it.',
      { detail: 'visibility private' },
    );
  }
  const { read } = restrictionsOf(session);
  if (facts.granted || passes(read, session, caller, facts)) return undefined;
  return new Refusal('readRestricted', `The session can be read only by ${whom[read]}.`, {
    detail: `readRestriction ${read}`,
  });
}

/**
 * True when lists of handles show the session to the caller: private ones only to callers who may
 * read them.
 *
 * @source docs/wire/handles.md "POST /handles/query"
 */
export function isListedTo(session: Session, caller: Caller): boolean {
  const isPrivate = session.constants.system.visibility === 'private';
  return !isPrivate || mayRead(session, caller, noFacts) === undefined;
}

const noFacts: AccessFacts = { granted: false, followed: false, blockedByOwner: false };

/**
 * Undefined when the user may become a member of the existing session. Refuses, the first that
 * applies: privilegeMissing, sessionPrivate, reservationNeeded, sessionFull, blockedByOwner,
 * sessionClosed, joinRestricted.
 */
export function mayJoin(
  session: Session,
  caller: Caller & { readonly kind: 'user' },
  facts: AccessFacts,
): Refusal | undefined {
  const privilege = mayPlay(caller);
  if (privilege) return privilege;
  if (memberOf(session, caller.xuid)?.status === 'reserved') return undefined;
  const { visibility, maxMembersCount } = session.constants.system;
  const { closed, locked } = session.properties.system;
  if (visibility === 'private') {
    return new Refusal(
      'sessionPrivate',
      'The session is private: it can be joined only with a reservation.',
      { detail: 'visibility private' },
    );
  }
  if (visibility === 'visible') {
    return new Refusal(
      'reservationNeeded',
      'The session is visible but not open: a member must reserve a seat for the user before.',
      { detail: 'visibility visible' },
    );
  }
  if (tallyOf(session).count >= maxMembersCount) return sessionFull(session);
  if (facts.blockedByOwner) {
    return new Refusal('blockedByOwner', 'An owner of the session has blocked the caller.', {
      detail: 'owners',
    });
  }
  if (closed === true && !(locked === true && session.formerXuids.includes(caller.xuid))) {
    return new Refusal(
      'sessionClosed',
      locked === true
        ? 'The session is closed and locked: only reservations and users who were in it before get in.'
        : 'The session is closed: only users with a reservation get in.',
      { detail: 'closed true' },
    );
  }
  const { join } = restrictionsOf(session);
  if (facts.granted || passes(join, session, caller, facts)) return undefined;
  return new Refusal(
    'joinRestricted',
    `The session can be joined only by ${whom[join]}, or through an invite, a transfer or a search handle.`,
    { detail: `joinRestriction ${join}` },
  );
}

/** Undefined when the caller may create and join sessions at all. Refuses: privilegeMissing. */
export function mayPlay(caller: Caller): Refusal | undefined {
  return hasMultiplayerPrivilege(caller)
    ? undefined
    : new Refusal(
        'privilegeMissing',
        'The token lists privileges and 254 (multiplayer sessions) is not among them; it is needed to create or join a session.',
        { detail: 'prv 254' },
      );
}

const whom: Readonly<Record<Restriction, string>> = {
  none: 'everyone',
  local: 'users on the device of an active member (token claim did)',
  followed: 'users whom a member follows, or on the device of an active member',
};

function passes(
  restriction: Restriction,
  session: Session,
  caller: Caller & { readonly kind: 'user' },
  { followed }: AccessFacts,
): boolean {
  switch (restriction) {
    case 'none':
      return true;
    case 'local':
      return isLocal(session, caller.deviceId);
    case 'followed':
      return followed || isLocal(session, caller.deviceId);
  }
}

function isLocal(session: Session, deviceId: string | undefined): boolean {
  return (
    deviceId !== undefined &&
    session.members.some((member) => member.status === 'active' && member.deviceId === deviceId)
  );
}

/**
 * Undefined when the user, who does not join by this write, may write to the existing session.
 *
 * Refuses: notAMember, reservedOnly.
 */
export function mayWriteAsMember(
  session: Session,
  caller: Caller & { readonly kind: 'user' },
): Refusal | undefined {
  if (acceptedMemberOf(session, caller.xuid) !== undefined) return undefined;
  return memberOf(session, caller.xuid) === undefined
    ? new Refusal(
        'notAMember',
        'Only members may write to a session; join it by writing members.me in the same request.',
      )
    : new Refusal(
        'reservedOnly',
        'The user only has a reservation; take it by writing members.me in the same request.',
      );
}
