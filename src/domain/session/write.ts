/**
 * The one way a session changes by request.
 *
 *     precondition → access → constants → members → properties → servers → end → compare
 *
 * The session that comes in is settled (see timeouts.ts): time has done its own part, as a change
 * of its own, before anybody's write is looked at.
 *
 * @source contract 4
 */

import type { Caller, UserCaller } from '../caller.ts';
import type { Guid } from '../ids.ts';
import { jsonEquals, type JsonObject } from '../json.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';
import { mayJoin, mayRead, mayWriteAsMember, type AccessFacts } from './access.ts';
import { newestContractVersion } from './contract-version.ts';
import { createSession, mayRepeatConstants } from './create.ts';
import { removeMembers, reserveSeats, writeOwnMember, type MemberFacts } from './members.ts';
import { mayWriteUnder, type Preconditions } from './precondition.ts';
import { withKnownHost, writeProperties } from './properties.ts';
import type { SessionReference } from './reference.ts';
import type { MemberRequest, SessionRequest } from './request.ts';
import { mayWriteServers, writeServers } from './servers.ts';
import { acceptedMemberOf, memberOf, type Member, type Session } from './session.ts';
import type { SessionTemplate } from './template.ts';
import { hasEnded } from './timeouts.ts';
import { viewProperties } from './view.ts';

export type SessionWrite = {
  readonly reference: SessionReference;
  readonly request: SessionRequest;
  readonly preconditions: Preconditions;
  readonly caller: Caller;
  /** True when the write may not create the session: it is addressed by a handle or an element. */
  readonly onlyExisting: boolean;
};

export type WriteFacts = MemberFacts &
  AccessFacts & {
    readonly template: SessionTemplate;
    readonly freshGuid: Guid;
  };

export type WriteDecision =
  /** `session` is to be stored: what clients see has changed, or a fact that they do not see. */
  | { readonly kind: 'created' | 'updated'; readonly session: Session }
  /** The write says what holds already: nothing is to be stored. */
  | { readonly kind: 'unchanged'; readonly session: Session }
  /** The stored session is to be deleted: nobody is left in it. */
  | { readonly kind: 'deleted' }
  /** There is no session and the write makes none. */
  | { readonly kind: 'absent' };

/**
 * What a write makes of the session, or why it does not.
 *
 * A refusal carries the session as it stands where the caller may read it and the protocol answers
 * with the document: a failed precondition, a write that access forbids.
 *
 * Refuses: mayWriteUnder's, sessionGone, mayJoin's, mayWriteAsMember's, createSession's,
 * memberNotYours, userRequired, serviceRequired, notYetSupported and those of the parts.
 */
export function decideWrite(
  current: Session | undefined,
  write: SessionWrite,
  facts: WriteFacts,
): WriteDecision | Refusal {
  const readable = current !== undefined && mayRead(current, write.caller, facts) === undefined;
  const shown = (refusal: Refusal): Refusal => (readable ? refusal.withSession(current) : refusal);

  if (current === undefined && write.onlyExisting) return sessionGone(write.reference);
  const precondition = mayWriteUnder(write.preconditions, current);
  if (precondition) return shown(precondition);
  if (current === undefined) return decideCreation(write, facts);

  const forbidden = mayWrite(current, write, facts);
  if (forbidden) return toldInText.has(forbidden.code) ? forbidden : shown(forbidden);
  const conflict = mayRepeatConstants(current, write.request);
  if (conflict) return conflict;
  const next = applyRequest(current, write, facts);
  if (next instanceof Refusal) return next;
  if (hasEnded(next, facts.nowMs)) return { kind: 'deleted' };
  if (jsonEquals(next, current)) return { kind: 'unchanged', session: current };
  return {
    kind: 'updated',
    session: sameDocument(next, current) ? next : { ...next, changeNumber: next.changeNumber + 1 },
  };
}

/** What keeps a user out and is answered as a fault of the request (400), not as forbidden. */
const toldInText: ReadonlySet<RefusalCode> = new Set(['reservationNeeded', 'sessionFull']);

/** Says that there is no such session where one is needed. */
export function sessionGone({ name }: SessionReference): Refusal {
  return new Refusal('sessionGone', `The session ${name} does not exist (any more).`, {
    detail: name,
  });
}

function decideCreation(write: SessionWrite, facts: WriteFacts): WriteDecision | Refusal {
  const { request, reference, caller } = write;
  // Leaving a session that is gone is no error and brings nothing back.
  if (request.me === null) return { kind: 'absent' };
  const begun = createSession(reference, request, facts.template, caller, facts);
  if (begun instanceof Refusal) return begun;
  const strange = strangeMember(begun, write) ?? mayWriteServers(request, caller);
  if (strange) return strange;
  const session = applyRequest(begun, write, facts);
  if (session instanceof Refusal) return session;
  return hasEnded(session, facts.nowMs) ? { kind: 'absent' } : { kind: 'created', session };
}

/** Access to an existing session. @source contract 5 */
function mayWrite(session: Session, write: SessionWrite, facts: WriteFacts): Refusal | undefined {
  const { caller, request } = write;
  if (caller.kind === 'user') {
    const me = ownRequest(session, request, caller);
    const joins = me != null && acceptedMemberOf(session, caller.xuid) === undefined;
    const refusal = joins
      ? mayJoin(session, caller, facts)
      : isOnlyLeaving(me, request) && memberOf(session, caller.xuid) !== undefined
        ? undefined // whoever is in, be it by a reservation, may leave
        : mayWriteAsMember(session, caller);
    if (refusal) return refusal;
  }
  return strangeMember(session, write) ?? mayWriteServers(request, caller);
}

function isOnlyLeaving(
  me: MemberRequest | null | undefined,
  { properties, reservations }: SessionRequest,
): boolean {
  return me === null && properties === undefined && reservations.length === 0;
}

/** Refuses members that are not the caller's to write: memberNotYours, userRequired. */
function strangeMember(session: Session, { caller, request }: SessionWrite): Refusal | undefined {
  if (caller.kind === 'service') {
    if (request.me !== undefined) {
      return new Refusal(
        'userRequired',
        'members.me is the calling user, and a service is none; reserve seats with reserve_0 … or remove members by index.',
        { detail: '$.members.me' },
      );
    }
    const written = request.others.find((other) => other.request !== null);
    return written && notYours(written.index);
  }
  const own = memberOf(session, caller.xuid);
  const stranger = request.others.find(({ index }) => index !== own?.index);
  return stranger && notYours(stranger.index);
}

function notYours(index: number): Refusal {
  return new Refusal(
    'memberNotYours',
    `Member ${index} is not the caller; users write their own member (me), and only services remove others.`,
    { detail: `$.members.${index}` },
  );
}

/** The parts of a request applied in their order. Access has been decided. */
function applyRequest(
  session: Session,
  { request, caller }: SessionWrite,
  facts: WriteFacts,
): Session | Refusal {
  const me = ownRequest(session, request, caller);
  const unsupported = notYetSupported(request, me);
  if (unsupported) return unsupported;
  const removed = removeMembers(session, removedIndexes(session, request, me, caller), facts.nowMs);
  const joined =
    me != null && caller.kind === 'user' ? writeOwnMember(removed, me, caller, facts) : removed;
  if (joined instanceof Refusal) return joined;
  const reserved = reserveSeats(joined, request.reservations, facts.nowMs);
  if (reserved instanceof Refusal) return reserved;
  const written = request.properties ? writeProperties(reserved, request.properties) : reserved;
  if (written instanceof Refusal) return written;
  const served = writeServers(written, request.servers);
  return served instanceof Refusal ? served : withKnownHost(served);
}

/** What is asked for the caller's own member, by `me` or by its index; null: leave. */
function ownRequest(
  session: Session,
  request: SessionRequest,
  caller: Caller,
): MemberRequest | null | undefined {
  if (caller.kind === 'service' || request.me !== undefined) return request.me;
  const own = memberOf(session, caller.xuid);
  return request.others.find(({ index }) => index === own?.index)?.request;
}

function removedIndexes(
  session: Session,
  request: SessionRequest,
  me: MemberRequest | null | undefined,
  caller: Caller,
): readonly number[] {
  if (caller.kind === 'service') return request.others.map(({ index }) => index);
  const own = memberOf(session, (caller satisfies UserCaller).xuid);
  return me === null && own !== undefined ? [own.index] : [];
}

/** Refuses what belongs to roles and member initialization: notYetSupported. */
function notYetSupported(
  request: SessionRequest,
  me: MemberRequest | null | undefined,
): Refusal | undefined {
  const refuse = (path: string, what: string): Refusal =>
    new Refusal('notYetSupported', `${path}: ${what} are not yet supported by this server.`, {
      detail: path,
    });
  if (request.roleTypes && Object.keys(request.roleTypes).length > 0) {
    return refuse('$.roleTypes', 'roles');
  }
  if (Object.keys(me?.roles ?? {}).length > 0) return refuse('$.members.me.roles', 'roles');
  return undefined;
}

/** True when clients see the same document in both, the change number aside. */
function sameDocument(a: Session, b: Session): boolean {
  return (
    (a.properties === b.properties || jsonEquals(seenPropertiesOf(a), seenPropertiesOf(b))) &&
    jsonEquals(a.servers, b.servers) &&
    a.nextMemberIndex === b.nextMemberIndex &&
    a.emptySinceMs === b.emptySinceMs &&
    a.members.length === b.members.length &&
    a.members.every((member, i) => sameMember(member, b.members[i]))
  );
}

/** A restriction that was written, and the same one as the default, look alike. */
function seenPropertiesOf(session: Session): JsonObject {
  return viewProperties(session, newestContractVersion);
}

function sameMember(a: Member, b: Member | undefined): boolean {
  if (a === b) return true;
  return b !== undefined && jsonEquals(seenOf(a), seenOf(b));
}

function seenOf(member: Member): Partial<Member> {
  const { deviceId, activityHandleId, activeUntilMs, titleId, ...seen } = member;
  return member.status === 'active' && titleId !== undefined ? { ...seen, titleId } : seen;
}
