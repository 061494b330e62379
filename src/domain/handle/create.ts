/**
 * Making a handle: who may, and what changes in the session.
 *
 * @source docs/wire/handles.md "POST /handles"
 */

import { xuidOf, type Caller } from '../caller.ts';
import type { Guid } from '../ids.ts';
import { formatJson, jsonEquals } from '../json.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { withMember } from '../session/members.ts';
import { isOwner, mayInvite } from '../session/owners.ts';
import { keyOf, type SessionReference } from '../session/reference.ts';
import { acceptedMemberOf, type Session, withNextChange } from '../session/session.ts';
import type { ServiceConfig, SessionTemplate } from '../session/template.ts';
import type { Milliseconds } from '../time.ts';
import { activityIdOf } from './activity-id.ts';
import type {
  ActivityHandle,
  Handle,
  InviteHandle,
  SearchHandle,
  TransferHandle,
} from './handle.ts';
import type { HandleRequest } from './request.ts';

export type HandleFacts = {
  readonly nowMs: Milliseconds;
  readonly freshGuid: Guid;
  readonly inviteLifetimeMs: Milliseconds;
  /** How many more invites the caller may send in this service config; services, any number. */
  readonly invitesLeft: number;
  readonly searchAttributesBytesMax: number;
  readonly config: ServiceConfig;
  readonly template: SessionTemplate;
};

/** The handle to store and, where making it is a change, the next session. */
export type HandleDecision = { readonly handle: Handle; readonly session?: Session };

type RequestOf<T extends HandleRequest['type']> = Extract<HandleRequest, { readonly type: T }>;

/**
 * An activity: the session is what the caller is doing now. A change of the session. Without a name
 * in the request there is no session yet. `isDisconnected` says that the connection which the
 * caller wrote into the session has ended.
 *
 * Refuses: userRequired, notAMember, notActive.
 *
 * @source docs/wire/handles.md "POST /handles"
 */
export function createActivity(
  request: RequestOf<'activity'>,
  reference: SessionReference,
  session: Session | undefined,
  caller: Caller,
  isDisconnected: boolean,
  facts: HandleFacts,
): HandleDecision | Refusal {
  if (caller.kind === 'service') return userRequired('An activity');
  const member = session && acceptedMemberOf(session, caller.xuid);
  if (request.reference.name !== undefined && member === undefined) {
    return notAMember('set a session as their activity', reference);
  }
  if (member && (member.status !== 'active' || isDisconnected)) {
    return new Refusal(
      'notActive',
      `The owner isn't active in the referenced session ${reference.name}: write members.me with properties.system.active true first, and with a connection that is open.`,
      { detail: 'active' },
    );
  }
  const identity = identityOf(request, facts, activityIdOf(caller.xuid, facts.freshGuid));
  const handle: ActivityHandle = {
    type: 'activity',
    ...identity,
    version: 1,
    reference,
    createTimeMs: facts.nowMs,
    ownerXuid: caller.xuid,
    ...(caller.titleId !== undefined && { titleId: caller.titleId }),
    ...titleFacts(session, facts, caller.titleId),
    ...(session && { branch: session.branch }),
  };
  if (session === undefined || member === undefined) return { handle };
  return {
    handle,
    session: changed(withMember(session, { ...member, activityHandleId: identity.id })),
  };
}

/**
 * An invite of one user, which expires. It does not change the session, and needs none when a
 * service sends it.
 *
 * Refuses: notAMember, ownerRequired, tooManyInvites, inviteBlocked; requestInvalid for an invite
 * to oneself.
 */
export function createInvite(
  request: RequestOf<'invite'>,
  reference: SessionReference,
  session: Session | undefined,
  caller: Caller,
  isBlocked: boolean,
  facts: HandleFacts,
): HandleDecision | Refusal {
  const isMember =
    caller.kind === 'user' &&
    session !== undefined &&
    acceptedMemberOf(session, caller.xuid) !== undefined;
  if (caller.kind === 'user' && !isMember) return notAMember('invite to a session', reference);
  const forbidden = session && mayInvite(session, caller);
  if (forbidden) return forbidden;
  if (caller.kind === 'user' && caller.xuid === request.invitedXuid) {
    return new Refusal(
      'requestInvalid',
      '$.invitedXuid: Expected another user than the caller: nobody invites oneself.',
      { detail: '$.invitedXuid' },
    );
  }
  if (caller.kind === 'user' && facts.invitesLeft <= 0) {
    return new Refusal(
      'tooManyInvites',
      'So many invites of the caller are waiting that no more are sent; they expire, and can be deleted.',
    );
  }
  if (isBlocked) {
    return new Refusal('inviteBlocked', 'The invited user has blocked the sender.', {
      detail: `xuid ${request.invitedXuid}`,
    });
  }
  const { invitedXuid, inviteAttributes = attributesFor(caller) } = request;
  const handle: InviteHandle = {
    type: 'invite',
    ...identityOf(request, facts),
    version: 1,
    reference,
    createTimeMs: facts.nowMs,
    sender:
      caller.kind === 'user'
        ? { kind: 'user', xuid: caller.xuid }
        : { kind: 'service', name: caller.name },
    ...(caller.kind === 'user' &&
      caller.gamertag !== undefined && { senderGamertag: caller.gamertag }),
    invitedXuid,
    inviteAttributes,
    expirationMs: facts.nowMs + facts.inviteLifetimeMs,
    ...(session && { branch: session.branch }),
    ...titleFacts(session, facts, inviteAttributes.titleId),
  };
  return { handle };
}

/** The attributes of an invite that came without: clients of the invited user read the title. */
function attributesFor(caller: Caller): InviteHandle['inviteAttributes'] {
  return caller.titleId === undefined ? {} : { titleId: caller.titleId };
}

/**
 * A transfer: all members of the origin session may follow into the target. A change of the target.
 *
 * Refuses: userRequired, transferTargetMissing, notAMember, tooManyHandles.
 */
export function createTransfer(
  request: RequestOf<'transfer'>,
  target: Session | undefined,
  origin: Session | undefined,
  caller: Caller,
  facts: HandleFacts,
): HandleDecision | Refusal {
  if (caller.kind === 'service') return userRequired('A transfer handle');
  if (target === undefined) {
    return new Refusal(
      'transferTargetMissing',
      `The target session ${request.reference.name} does not exist; a transfer handle cannot lead there.`,
      { detail: '$.sessionRef' },
    );
  }
  for (const [session, reference] of [
    [target, request.reference],
    [origin, request.origin],
  ] as const) {
    if (session === undefined || acceptedMemberOf(session, caller.xuid) === undefined) {
      return notAMember('make a transfer handle from one session to another', reference);
    }
  }
  const transfersCount = (target.transfersCount ?? 0) + 1;
  if (transfersCount > limits.transfersPerSessionMax) {
    return new Refusal(
      'tooManyHandles',
      `So many transfer handles lead to session ${request.reference.name} that it can have no more; use one of them.`,
      { detail: `${limits.transfersPerSessionMax} transfers` },
    );
  }
  const handle: TransferHandle = {
    type: 'transfer',
    ...identityOf(request, facts),
    version: 1,
    reference: request.reference,
    origin: request.origin,
    createTimeMs: facts.nowMs,
    branch: target.branch,
    ...(origin && { originBranch: origin.branch }),
    creatorXuid: caller.xuid,
  };
  return { handle, session: changed({ ...target, transfersCount }) };
}

/**
 * A search handle: the attributes by which the session is found from now on. A change of the
 * session.
 *
 * Refuses: userRequired, notAMember, notSearchable, ownerRequired, searchAttributesTooLarge.
 */
export function createSearch(
  request: RequestOf<'search'>,
  session: Session | undefined,
  caller: Caller,
  facts: HandleFacts,
): HandleDecision | Refusal {
  if (caller.kind === 'service') return userRequired('A search handle');
  const { reference, searchAttributes } = request;
  if (session === undefined || acceptedMemberOf(session, caller.xuid) === undefined) {
    return notAMember('make a session searchable', reference);
  }
  const { capabilities } = session.constants.system;
  if (!capabilities.searchable) {
    return new Refusal(
      'notSearchable',
      `Session ${reference.name} cannot have a search handle: its template lacks the capability searchable.`,
      { detail: 'capabilities.searchable' },
    );
  }
  const forbidden = mayKeepSearch(session, caller);
  if (forbidden) return forbidden;
  const attributesBytes = new TextEncoder().encode(formatJson(searchAttributes)).length;
  const { searchAttributesBytesMax } = facts;
  if (attributesBytes > searchAttributesBytesMax) {
    return new Refusal(
      'searchAttributesTooLarge',
      `$.searchAttributes: They are ${attributesBytes} bytes of JSON, and may be ${searchAttributesBytesMax}.`,
      { detail: '$.searchAttributes' },
    );
  }
  const searchHandle: SearchHandle = {
    type: 'search',
    ...identityOf(request, facts),
    version: 1,
    reference,
    createTimeMs: facts.nowMs,
    creatorXuid: caller.xuid,
    ...(caller.titleId !== undefined && { titleId: caller.titleId }),
    searchAttributes,
  };
  return { handle: searchHandle, session: changed({ ...session, searchHandle }) };
}

/**
 * The session without its search handle. A change of the session.
 *
 * Refuses: handleNotYours, ownerRequired.
 */
export function deleteSearch(session: Session, caller: Caller): Session | Refusal {
  if (acceptedMemberOf(session, xuidOf(caller)) === undefined) {
    return new Refusal('handleNotYours', 'Only members of its session may delete a search handle.');
  }
  const { searchHandle: _deleted, ...rest } = session;
  return mayKeepSearch(session, caller) ?? changed(rest);
}

/** Refuses members who are no owners, in a session with owners: ownerRequired. */
function mayKeepSearch(session: Session, caller: Caller): Refusal | undefined {
  if (!session.constants.system.capabilities.hasOwners || isOwner(session, caller))
    return undefined;
  return new Refusal(
    'ownerRequired',
    'The session has owners: only they make and delete its search handle.',
  );
}

function identityOf(
  { id }: HandleRequest,
  { freshGuid }: HandleFacts,
  drawnId = freshGuid,
): Pick<Handle, 'id' | 'requestId'> {
  return id === undefined ? { id: drawnId } : { id, requestId: freshGuid };
}

/** The session with the next change number, although documents show nothing else new. */
function changed(session: Session): Session {
  return withNextChange(session);
}

function titleFacts(
  session: Session | undefined,
  { config, template }: HandleFacts,
  titleId: string | undefined,
): Pick<ActivityHandle, 'inviteProtocol' | 'gameTypes'> {
  const configured = template.constants.system['inviteProtocol'];
  const inviteProtocol =
    session?.constants.system.inviteProtocol ??
    (typeof configured === 'string' ? configured : undefined);
  const gameTypes = config.titles.find((title) => title.titleId === titleId)?.gameTypes;
  return {
    ...(inviteProtocol !== undefined && { inviteProtocol }),
    ...(gameTypes && { gameTypes }),
  };
}

function notAMember(action: string, { name }: SessionReference): Refusal {
  return new Refusal(
    'notAMember',
    `Only a member may ${action}, and the caller is not a member of session ${name}, or there is no such session; join it first.`,
    { detail: name },
  );
}

function userRequired(what: string): Refusal {
  return new Refusal(
    'userRequired',
    `${what} belongs to a user; the token is a service's (claim svc) and names none.`,
  );
}

/**
 * True when `existing` is what the caller would get by `request`: then a POST repeated with its own
 * id answers the first handle.
 */
export function isSameHandle(existing: Handle, request: HandleRequest, caller: Caller): boolean {
  const { reference } = existing;
  const asked = { ...request.reference, name: request.reference.name ?? reference.name };
  if (existing.type !== request.type || keyOf(asked) !== keyOf(reference)) return false;
  switch (existing.type) {
    case 'activity':
      return caller.kind === 'user' && caller.xuid === existing.ownerXuid;
    case 'invite':
      return (
        request.type === 'invite' &&
        isSender(existing, caller) &&
        request.invitedXuid === existing.invitedXuid &&
        jsonEquals(request.inviteAttributes ?? attributesFor(caller), existing.inviteAttributes)
      );
    case 'transfer':
      return (
        request.type === 'transfer' &&
        caller.kind === 'user' &&
        caller.xuid === existing.creatorXuid &&
        keyOf(request.origin) === keyOf(existing.origin)
      );
    case 'search':
      return (
        request.type === 'search' &&
        caller.kind === 'user' &&
        caller.xuid === existing.creatorXuid &&
        jsonEquals(request.searchAttributes, existing.searchAttributes)
      );
  }
}

/** True when the caller sent this invite. */
export function isSender({ sender }: InviteHandle, caller: Caller): boolean {
  return caller.kind === 'user'
    ? sender.kind === 'user' && sender.xuid === caller.xuid
    : sender.kind === 'service' && sender.name === caller.name;
}
