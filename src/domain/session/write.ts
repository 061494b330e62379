/**
 * The one way a session changes by request.
 *
 *     precondition → access → constants → members → owners → roles → properties → servers
 *     → initialization → end → compare → connection
 *
 * Timeouts have been applied to the session that comes in (see timeouts.ts), as a change
 * of its own, before anybody's write is looked at.
 *
 * @source docs/wire/sessions.md "PUT"
 */

import { xuidOf, type Caller } from '../caller.ts';
import type { Guid } from '../ids.ts';
import { jsonEquals, type JsonObject } from '../json.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';
import { mayJoin, mayRead, mayWriteAsMember, type AccessFacts } from './access.ts';
import type { SessionBounds } from './bounds.ts';
import { newestContractVersion } from './contract-version.ts';
import { createSession, mayRepeatConstants } from './create.ts';
import { mergeExtra, sessionNames } from './extra.ts';
import {
  graceMsOf,
  type Graces,
  markDisconnected,
  markUnconnected,
  newConnection,
  unconnectedGraceMsOf,
} from './disconnect.ts';
import { mayAskOfLarge } from './large.ts';
import { mayStartInitialization, writeInitialization } from './initialization.ts';
import { removeMembers, reserveSeats, writeOwnMember, type MemberFacts } from './members.ts';
import { managesSession, mayWriteOwnedProperties, noteKicks, withOwners } from './owners.ts';
import { mayWriteUnder, type Preconditions } from './precondition.ts';
import { withHiddenClosed, withKnownHost, writeProperties } from './properties.ts';
import type { SessionReference } from './reference.ts';
import { RefusalWithSession } from './refusal-with-session.ts';
import type { MemberRequest, SessionRequest } from './request.ts';
import { assignRoles, changeRoleTypes, mayHoldRoles, type RoleAssignment } from './roles.ts';
import { withServerCandidates } from './server-candidates.ts';
import { mayWriteServers, writeServers } from './servers.ts';
import {
  acceptedMemberOf,
  memberOf,
  withNextChange,
  type Member,
  type Session,
} from './session.ts';
import type { SessionTemplate } from './template.ts';
import { hasEnded } from './timeouts.ts';
import { viewProperties } from './view.ts';
import { mayWeigh } from './weight.ts';

export type SessionWrite = {
  readonly reference: SessionReference;
  readonly request: SessionRequest;
  readonly preconditions: Preconditions;
  readonly caller: Caller;
  /** True when the write may not create the session: its URI is that of a handle or an element. */
  readonly onlyExisting: boolean;
};

export type WriteFacts = MemberFacts &
  AccessFacts & {
    readonly template: SessionTemplate;
    readonly freshGuid: Guid;
    readonly bounds: SessionBounds;
    readonly graces: Graces;
    /**
     * In how many more sessions of this service config the caller may be; asked if `takesOneMore`.
     */
    readonly sessionsLeft: number;
    /** True of a connection, in lower case, that has ended; asked only of `connectionToAsk`'s. */
    readonly isEnded: (connection: Guid) => boolean;
  };

export type WriteDecision =
  /** `session` is to be stored: something that clients see has changed, or a hidden fact. */
  | {
      readonly kind: 'created' | 'updated';
      readonly session: Session;
      /**
       * The connection by which the caller is active from now on. It may end before `session` is
       * stored.
       */
      readonly connection?: Guid;
    }
  /** The write changes nothing: there is nothing to store. */
  | { readonly kind: 'unchanged'; readonly session: Session }
  /** The stored session is to be deleted: it has no members left. */
  | { readonly kind: 'deleted' }
  /** There is no session and the write makes none. */
  | { readonly kind: 'absent' };

/**
 * What a write makes of the session, or a refusal. It carries the current session where the caller
 * may read it and the protocol answers with the document: a failed precondition, a write that
 * access forbids.
 *
 * Refuses: mayWriteUnder's, sessionGone, mayJoin's, mayWriteAsMember's, createSession's,
 * memberNotYours, ownerRequired, userRequired, serviceRequired, mayWeigh's and those of the parts.
 */
export function decideWrite(
  current: Session | undefined,
  write: SessionWrite,
  facts: WriteFacts,
): WriteDecision | Refusal {
  if (current === undefined && write.onlyExisting) return sessionGone(write.reference);
  const isReadable = (): boolean =>
    current === undefined || mayRead(current, write.caller, facts) === undefined;
  const precondition = mayWriteUnder(write.preconditions, current, isReadable);
  if (current === undefined) return precondition ?? decideCreation(write, facts);

  const shown = (refusal: Refusal): Refusal =>
    isReadable() ? new RefusalWithSession(refusal, current) : refusal;
  const forbidden = precondition ?? mayWrite(current, write, facts);
  if (forbidden) return withSentence.has(forbidden.code) ? forbidden : shown(forbidden);
  const conflict = mayRepeatConstants(current, write.request);
  if (conflict) return conflict;
  const next = applyRequest(current, write, facts);
  if (next instanceof Refusal) return next.code === 'ownerRequired' ? shown(next) : next;
  if (next === 'ended' || hasEnded(next, facts.nowMs)) return { kind: 'deleted' };
  const isSame = sameDocument(next, current);
  if (isSame && jsonEquals(next, current)) return { kind: 'unchanged', session: current };
  const changed = isSame ? next : withNextChange(next);
  const tooLarge = mayWeigh(current, changed, facts.bounds);
  if (tooLarge) return tooLarge;
  return { kind: 'updated', ...withNewConnection(current, changed, write.caller, facts) };
}

/** Refusals that are answered with a sentence, also to callers who may read the session. */
const withSentence: ReadonlySet<RefusalCode> = new Set([
  'etagWeak',
  'reservationNeeded',
  'sessionFull',
  'tooManySessions',
]);

/** The refusal that a session is missing. */
export function sessionGone({ name }: SessionReference): Refusal {
  return new Refusal('sessionGone', `The session ${name} does not exist (any more).`, {
    detail: name,
  });
}

function decideCreation(write: SessionWrite, facts: WriteFacts): WriteDecision | Refusal {
  const { request, reference, caller } = write;
  // Leaving a session that is gone is no error and does not create it again.
  if (request.me === null) return { kind: 'absent' };
  const created = createSession(reference, request, facts.template, caller, facts);
  if (created instanceof Refusal) return created;
  const refusal =
    mayTakeOneMore(undefined, write, facts) ??
    mayAskOfLarge(created, request, caller) ??
    refuseOthersMembers(created, write) ??
    mayWriteServers(request, caller);
  if (refusal) return refusal;
  const session = applyRequest(created, write, facts);
  if (session instanceof Refusal) return session;
  if (session === 'ended') return { kind: 'absent' };
  const tooFew = mayStartInitialization(session);
  if (tooFew) return tooFew;
  if (hasEnded(session, facts.nowMs)) return { kind: 'absent' };
  const tooLarge = mayWeigh(undefined, session, facts.bounds);
  if (tooLarge) return tooLarge;
  return {
    kind: 'created',
    ...withNewConnection(undefined, withHiddenClosed(session), caller, facts),
  };
}

/**
 * True when the caller, a user, is not in the session and is about to be in it or to hold seats in
 * it: then it counts for this user.
 */
export function takesOneMore(
  session: Session | undefined,
  { caller, request }: SessionWrite,
): boolean {
  if (caller.kind === 'service') return false;
  if (session === undefined) return request.me !== null;
  return (
    ownRequest(session, request, caller) != null &&
    acceptedMemberOf(session, caller.xuid) === undefined
  );
}

/** Refuses one more session for a user who is in too many: tooManySessions. */
function mayTakeOneMore(
  session: Session | undefined,
  write: SessionWrite,
  { sessionsLeft }: WriteFacts,
): Refusal | undefined {
  if (sessionsLeft > 0 || !takesOneMore(session, write)) return undefined;
  return new Refusal(
    'tooManySessions',
    'The user is in as many sessions of this service config as one may be, seats that are held for others and sessions that were left empty included; leave some before.',
  );
}

/**
 * The connection by which the caller may be active after this write and is not before it, in lower
 * case; undefined: none. The decision needs to know whether it has ended.
 */
export function connectionToAsk(
  session: Session | undefined,
  { caller, request }: SessionWrite,
): Guid | undefined {
  if (caller.kind === 'service') return undefined;
  const me = session ? ownRequest(session, request, caller) : request.me;
  if (me == null) return undefined;
  const own = session && memberOf(session, caller.xuid);
  const stored = own?.properties.system.connection;
  const written = me.properties?.system?.connection;
  const connection = (written === undefined ? stored : written)?.toLowerCase();
  return own?.status === 'active' && stored?.toLowerCase() === connection ? undefined : connection;
}

/**
 * The caller's connection after the write: when it has ended, or there is none, the caller is
 * marked from this moment.
 *
 * @source docs/wire/time.md "Connections that are gone"
 */
function withNewConnection(
  before: Session | undefined,
  session: Session,
  caller: Caller,
  { graces, isEnded, nowMs }: WriteFacts,
): { readonly session: Session; readonly connection?: Guid } {
  const xuid = xuidOf(caller);
  const connection = newConnection(before, session, xuid);
  if (connection === undefined) {
    const graceMs = unconnectedGraceMsOf(session, graces);
    return {
      session: graceMs === undefined ? session : markUnconnected(session, xuid, nowMs + graceMs),
    };
  }
  const graceMs = graceMsOf(session, graces);
  if (graceMs === undefined) return { session };
  return isEnded(connection)
    ? { session: markDisconnected(session, (one) => one === connection, nowMs + graceMs) }
    : { session, connection };
}

/** Access to an existing session. @source docs/wire/sessions.md "Access" */
function mayWrite(session: Session, write: SessionWrite, facts: WriteFacts): Refusal | undefined {
  const { caller, request } = write;
  if (caller.kind === 'user') {
    const me = ownRequest(session, request, caller);
    const joins = me != null && acceptedMemberOf(session, caller.xuid) === undefined;
    const refusal = joins
      ? mayJoin(session, caller, facts)
      : isOnlyLeaving(me, request) && memberOf(session, caller.xuid) !== undefined
        ? undefined // who is in, also by a reservation, may leave
        : mayWriteAsMember(session, caller);
    if (refusal) return refusal;
  }
  return (
    mayTakeOneMore(session, write, facts) ??
    mayAskOfLarge(session, request, caller) ??
    refuseOthersMembers(session, write) ??
    mayWriteOwnedProperties(session, request.properties, caller) ??
    mayWriteServers(request, caller)
  );
}

function isOnlyLeaving(
  me: MemberRequest | null | undefined,
  { properties, reservations, extra }: SessionRequest,
): boolean {
  return (
    me === null && properties === undefined && extra === undefined && reservations.length === 0
  );
}

/** Refuses members that the caller may not write: memberNotYours, ownerRequired, userRequired. */
function refuseOthersMembers(
  session: Session,
  { caller, request }: SessionWrite,
): Refusal | undefined {
  if (caller.kind === 'service' && request.me !== undefined) {
    return new Refusal(
      'userRequired',
      'members.me is the calling user, and a service is none; reserve seats with reserve_0 … or remove members by index.',
      { detail: '$.members.me' },
    );
  }
  if (request.meXuid !== undefined && request.meXuid !== xuidOf(caller)) {
    return new Refusal(
      'memberNotYours',
      `$.members.me_${request.meXuid} is not the caller; users write their own member (me).`,
      { detail: `$.members.me_${request.meXuid}` },
    );
  }
  const others = othersIn(session, request, caller);
  if (managesSession(session, caller)) {
    const written = others.find(({ request }) => request !== null && !isOfRolesAlone(request));
    return written && notYours(written.index);
  }
  const [other] = others;
  if (other === undefined) return undefined;
  return session.constants.system.capabilities.hasOwners && isOwnersToDo(other.request)
    ? new Refusal(
        'ownerRequired',
        `Member ${other.index} is not the caller; only owners remove others or assign their roles.`,
        { detail: `$.members.${other.index}` },
      )
    : notYours(other.index);
}

/** The members named by an index that is not the caller's own. */
function othersIn(
  session: Session,
  { others }: SessionRequest,
  caller: Caller,
): SessionRequest['others'] {
  if (others.length === 0) return others;
  const own = caller.kind === 'user' ? memberOf(session, caller.xuid) : undefined;
  return others.filter(({ index }) => index !== own?.index);
}

function isOwnersToDo(request: MemberRequest | null): boolean {
  return request === null || isOfRolesAlone(request);
}

function isOfRolesAlone({ constants, properties }: MemberRequest): boolean {
  return constants == null && properties == null;
}

function notYours(index: number): Refusal {
  return new Refusal(
    'memberNotYours',
    `Member ${index} is not the caller; users write their own member (me), services and owners remove others and assign their roles.`,
    { detail: `$.members.${index}` },
  );
}

/** The inputs of the steps of a write. */
type StepInput = {
  /** The session before the first step. */
  readonly before: Session;
  readonly request: SessionRequest;
  /** What is asked for the caller's own member; null: leave. */
  readonly me: MemberRequest | null | undefined;
  readonly caller: Caller;
  readonly facts: WriteFacts;
};

type Step = (session: Session, asked: StepInput) => Session | 'ended' | Refusal;

/** The parts of a write in their order. Access has been decided. */
const steps: readonly Step[] = [
  removeAsked,
  writeMe,
  reserveAsked,
  withOwners,
  writeRoles,
  writeAskedProperties,
  writeAskedServers,
  writeAskedExtra,
  withKnownHost,
  writeAskedInitialization,
  // Initialization may have removed the last owner.
  withOwners,
  withServerCandidates,
];

/** The session after all steps; `ended` when no owner is left. */
function applyRequest(
  before: Session,
  { request, caller }: SessionWrite,
  facts: WriteFacts,
): Session | 'ended' | Refusal {
  const asked = { before, request, me: ownRequest(before, request, caller), caller, facts };
  let session = before;
  for (const step of steps) {
    const next = step(session, asked);
    if (next === 'ended' || next instanceof Refusal) return next;
    session = next;
  }
  return session;
}

function writeMe(session: Session, { me, caller, facts }: StepInput): Session | Refusal {
  return me != null && caller.kind === 'user'
    ? writeOwnMember(session, me, caller, facts)
    : session;
}

function reserveAsked(session: Session, { request, caller, facts }: StepInput): Session | Refusal {
  return reserveSeats(session, request.reservations, caller, facts.nowMs);
}

function writeAskedProperties(session: Session, { request }: StepInput): Session | Refusal {
  return request.properties ? writeProperties(session, request.properties) : session;
}

function writeAskedServers(session: Session, { request }: StepInput): Session | Refusal {
  return writeServers(session, request.servers);
}

/** Unknown members at the root of a document. */
function writeAskedExtra(session: Session, { request }: StepInput): Session {
  if (request.extra === undefined) return session;
  const { extra, ...rest } = session;
  return { ...rest, ...mergeExtra(extra, request.extra, sessionNames) };
}

function writeAskedInitialization(
  session: Session,
  { request, facts }: StepInput,
): Session | Refusal {
  const { initializationSucceeded } = request.properties?.system ?? {};
  return writeInitialization(session, initializationSucceeded, facts.nowMs);
}

/** Role settings, then roles, as the request asks. @source docs/wire/sessions.md "Owners" */
function writeRoles(
  session: Session,
  { before, request, me, caller }: StepInput,
): Session | Refusal {
  // The owners before the write, or by the write.
  const manages = managesSession(before, caller) || managesSession(session, caller);
  const roleTypes = changeRoleTypes(session.roleTypes, request.roleTypes ?? {});
  if (roleTypes instanceof Refusal && roleTypes.code === 'requestInvalid') return roleTypes;
  if (roleTypes !== session.roleTypes && !manages) {
    return new Refusal(
      'ownerRequired',
      'Role settings are changed by the owners of a session, or by game services.',
      { detail: '$.roleTypes' },
    );
  }
  if (roleTypes instanceof Refusal) return roleTypes;
  const assignments = assignmentsOf(session, request, me, caller);
  if (roleTypes === session.roleTypes && assignments.length === 0) return session;
  const set = roleTypes === undefined ? session : { ...session, roleTypes };
  const assigned = assignRoles(set, assignments, manages);
  return assigned instanceof Refusal ? assigned : (mayHoldRoles(assigned) ?? assigned);
}

function assignmentsOf(
  session: Session,
  request: SessionRequest,
  me: MemberRequest | null | undefined,
  caller: Caller,
): readonly RoleAssignment[] {
  if (me?.roles == null && request.others.length === 0) return [];
  const own = caller.kind === 'user' ? memberOf(session, caller.xuid) : undefined;
  return [
    { index: own?.index, roles: me?.roles, path: '$.members.me' },
    ...othersIn(session, request, caller).map(({ index, request }) => ({
      index,
      roles: request?.roles,
      path: `$.members.${index}`,
    })),
  ].flatMap(({ index, roles, path }) =>
    index !== undefined && roles != null ? [{ index, roles, path }] : [],
  );
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

/** The session without the members that the request removes: the caller, and others if it may. */
function removeAsked(
  session: Session,
  { request, me, caller, facts: { nowMs } }: StepInput,
): Session {
  if (me !== null && request.others.length === 0) return session;
  const asked = othersIn(session, request, caller)
    .filter((other) => other.request === null)
    .map(({ index }) => index);
  if (caller.kind === 'service') return removeMembers(session, asked, nowMs);
  const own = me === null ? memberOf(session, caller.xuid) : undefined;
  const kicked = session.members.filter(({ index }) => asked.includes(index));
  const removed = removeMembers(session, own ? [...asked, own.index] : asked, nowMs);
  return noteKicks(removed, kicked, caller.xuid, nowMs);
}

/** True when clients see the same document in both, the change number aside. */
function sameDocument(a: Session, b: Session): boolean {
  return (
    sameProperties(a, b) &&
    jsonEquals(a.servers, b.servers) &&
    jsonEquals(a.roleTypes, b.roleTypes) &&
    jsonEquals(a.extra, b.extra) &&
    a.nextMemberIndex === b.nextMemberIndex &&
    a.emptySinceMs === b.emptySinceMs &&
    a.members.length === b.members.length &&
    a.members.every((member, i) => sameMember(member, b.members[i])) &&
    a.tally?.count === b.tally?.count
  );
}

function sameProperties(a: Session, b: Session): boolean {
  if (a.properties === b.properties) return true;
  return (
    jsonEquals(a.properties.custom, b.properties.custom) &&
    jsonEquals(a.properties.extra, b.properties.extra) &&
    (jsonEquals(a.properties.system, b.properties.system) ||
      jsonEquals(seenPropertiesOf(a), seenPropertiesOf(b)))
  );
}

/** A restriction that was written, and the same one as the default, look alike. */
function seenPropertiesOf(session: Session): JsonObject {
  return viewProperties(session, newestContractVersion);
}

function sameMember(a: Member, b: Member | undefined): boolean {
  if (a === b) return true;
  // What most writes change, without a copy of the rest.
  if (b === undefined || !jsonEquals(a.properties.custom, b.properties.custom)) return false;
  return jsonEquals(seenOf(a), seenOf(b));
}

function seenOf(member: Member): Partial<Member> {
  const { deviceId, activityHandleId, activeUntilMs, titleId, ...seen } = member;
  return member.status === 'active' && titleId !== undefined ? { ...seen, titleId } : seen;
}
