/**
 * Owners: with the capability hasOwners, the creator owns the session. When the last owner leaves,
 * is removed or times out, the policy `migration` decides: `oldest` makes an owner of the accepted
 * member who joined first, `endsession` ends the session. Invariant: while a session with hasOwners
 * has accepted members, it has an owner.
 *
 * @source docs/wire/sessions.md "Owners", docs/wire/rta.md "Invites"
 */

import { xuidOf, type Caller } from '../caller.ts';
import type { Xuid } from '../ids.ts';
import { isJsonObject, jsonEquals } from '../json.ts';
import type { Milliseconds } from '../time.ts';
import { limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { restrictionsOf } from './properties.ts';
import type { PropertiesRequest } from './request.ts';
import { memberOf, type Member, type Session } from './session.ts';

/** The members who own the session; none without the capability. */
export function ownersOf({ properties, members }: Session): readonly Member[] {
  const { owners } = properties.system;
  return owners === undefined ? [] : members.filter(({ index }) => owners.includes(index));
}

/** True of a user who owns the session. */
export function isOwner(session: Session, caller: Caller): boolean {
  const xuid = xuidOf(caller);
  return xuid !== undefined && ownersOf(session).some((owner) => owner.xuid === xuid);
}

/** True of callers whom the rules of ownership do not bind: owners and game services. */
export function managesSession(session: Session, caller: Caller): boolean {
  return caller.kind === 'service' || isOwner(session, caller);
}

/**
 * The owners who must be asked whether they block the caller; undefined when it does not matter.
 */
export function ownersToAsk(session: Session, caller: Caller): readonly Xuid[] | undefined {
  const xuid = xuidOf(caller);
  if (xuid === undefined || memberOf(session, xuid) !== undefined) return undefined;
  const owners = ownersOf(session);
  return owners.length === 0 ? undefined : owners.map((owner) => owner.xuid);
}

/**
 * The session with its owners after members came or went; `ended` when the last owner went and the
 * policy ends it. To be applied after all that adds or removes members.
 */
export function withOwners(session: Session): Session | 'ended' {
  const { capabilities, ownershipPolicies } = session.constants.system;
  if (!capabilities.hasOwners) return session;
  const former = session.properties.system.owners ?? [];
  const accepted = session.members.filter(({ status }) => status !== 'reserved');
  const stayed = former.filter((index) => accepted.some((member) => member.index === index));
  if (stayed.length > 0 && stayed.length === former.length) return session;
  if (stayed.length > 0) return ownedBy(session, stayed);
  const isLastGone = former.length > 0;
  if (isLastGone && ownershipPolicies?.migration !== 'oldest') return 'ended';
  const [oldest] = accepted.toSorted((a, b) => a.joinTimeMs - b.joinTimeMs || a.index - b.index);
  if (oldest === undefined && !isLastGone) return session;
  return ownedBy(session, oldest === undefined ? [] : [oldest.index]);
}

function ownedBy(session: Session, owners: readonly number[]): Session {
  const { owners: _former, ...rest } = session.properties.system;
  const system = owners.length === 0 ? rest : { ...rest, owners };
  return { ...session, properties: { ...session.properties, system } };
}

/**
 * The session in which `owner` has removed these members: they may not return as former members,
 * and the removals are kept.
 */
export function noteKicks(
  session: Session,
  kicked: readonly Member[],
  owner: Xuid,
  nowMs: Milliseconds,
): Session {
  if (kicked.length === 0) return session;
  const xuids = kicked.map(({ xuid }) => xuid);
  const kicks = xuids.map((xuid) => ({ xuid, by: owner, atMs: nowMs }));
  return {
    ...session,
    formerXuids: session.formerXuids.filter((xuid) => !xuids.includes(xuid)),
    kicks: [...(session.kicks ?? []), ...kicks].slice(-limits.formerMembersMax),
  };
}

/** True when an owner has removed this user at `sinceMs` or later. */
export function wasKicked({ kicks = [] }: Session, xuid: Xuid, sinceMs: Milliseconds): boolean {
  return kicks.some(
    (kick) => kick.xuid === xuid && kick.atMs !== undefined && kick.atMs >= sinceMs,
  );
}

/**
 * Undefined when the caller may write these properties: an owner, a service, or anybody where there
 * is no owner or only fields that all members may change. Custom properties are for every member.
 *
 * Refuses: ownerRequired.
 *
 * @source docs/wire/unknowns.md "custom properties in sessions with owners", docs/wire/sessions.md "Access"
 */
export function mayWriteOwnedProperties(
  session: Session,
  request: PropertiesRequest | undefined,
  caller: Caller,
): Refusal | undefined {
  // A user who joins a session without an owner becomes its owner.
  if (ownersOf(session).length === 0 || managesSession(session, caller)) return undefined;
  const open = session.constants.system.ownershipPolicies?.nonOwnerModifiableSystemProperties;
  const field = Object.entries(request?.system ?? {}).find(
    ([name, asked]) => asked !== undefined && !open?.includes(name) && !holds(session, name, asked),
  )?.[0];
  if (field === undefined) return undefined;
  const path = `$.properties.system.${field}`;
  return new Refusal(
    'ownerRequired',
    `${path} is for the owners of the session; ownershipPolicies.nonOwnerModifiableSystemProperties does not list it.`,
    { detail: path },
  );
}

/**
 * True when the value is the current one: clients send back what they read, and false for absent.
 */
function holds(session: Session, name: string, asked: unknown): boolean {
  const system = new Map<string, unknown>(Object.entries(session.properties.system));
  const { join, read } = restrictionsOf(session);
  const held = system.get(name);
  return (
    jsonEquals(held, asked) ||
    (saysNothing(held) && saysNothing(asked)) ||
    (name === 'joinRestriction' && asked === join) ||
    (name === 'readRestriction' && asked === read)
  );
}

function saysNothing(value: unknown): boolean {
  return (
    value == null ||
    value === false ||
    (Array.isArray(value) && value.length === 0) ||
    (isJsonObject(value) && Object.keys(value).length === 0)
  );
}

/**
 * Undefined when the caller, who is a member, may invite to the session.
 *
 * Refuses: ownerRequired.
 */
export function mayInvite(session: Session, caller: Caller): Refusal | undefined {
  const { capabilities, ownershipPolicies } = session.constants.system;
  if (!capabilities.hasOwners || ownershipPolicies?.allowNonOwnerInviteHandles === true) {
    return undefined;
  }
  return managesSession(session, caller)
    ? undefined
    : new Refusal(
        'ownerRequired',
        'Only owners invite to this session; ownershipPolicies.allowNonOwnerInviteHandles would let every member.',
        { detail: 'allowNonOwnerInviteHandles false' },
      );
}
