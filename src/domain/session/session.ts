import type { SearchHandle } from '../handle/handle.ts';
import type { Guid, TitleId, Xuid } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Milliseconds } from '../time.ts';
import type { SessionReference } from './reference.ts';
import type { ConstantsSystem } from './constants.ts';
import type { MemberPropertiesSystem, SessionPropertiesSystem } from './properties.ts';

/**
 * One session as it is stored: the document of contract version 107 with times in milliseconds,
 * members in a list, and a few facts that no client sees (marked hidden).
 *
 * Immutable; a write makes a new one that shares what it left alone. Plain JSON, so that a store
 * keeps it as text.
 *
 * @source contract 1, wire 3
 */
export type Session = {
  /** In the case of the write that created the session. */
  readonly reference: SessionReference;
  /** One life of the session; a session that is deleted and created again has a new one. */
  readonly branch: Guid;
  /** From 1; rises by one with each visible change of this branch. */
  readonly changeNumber: number;
  readonly correlationId: Guid;
  readonly startTimeMs: Milliseconds;
  readonly constants: { readonly system: ConstantsSystem; readonly custom: JsonObject };
  readonly properties: { readonly system: SessionPropertiesSystem; readonly custom: JsonObject };
  /** Role types as the template gave them, kept for when roles are decided. */
  readonly roleTypes?: JsonObject;
  /** In ascending order of index. */
  readonly members: readonly Member[];
  /** The index that the next new member gets; indexes are never reused within a branch. */
  readonly nextMemberIndex: number;
  readonly servers: Readonly<Record<string, Server>>;
  /** By which the session can be found; clients see its id. */
  readonly searchHandle?: SearchHandle;
  /** Hidden: who has been an accepted member of this branch and left, newest last. */
  readonly formerXuids: readonly Xuid[];
  /** Hidden: since when nobody is in it; absent while somebody is. */
  readonly emptySinceMs?: Milliseconds;
};

/** Active > ready > reserved > inactive. @source contract 1 */
export type MemberStatus = 'active' | 'ready' | 'reserved' | 'inactive';

export type Member = {
  readonly index: number;
  readonly xuid: Xuid;
  /** Absent while reserved, and when the token names none. */
  readonly gamertag?: string;
  readonly status: MemberStatus;
  /** Hidden: when the member got its status; what its timeouts count from. */
  readonly statusSinceMs: Milliseconds;
  /** Reservation time while reserved, then the time of joining. */
  readonly joinTimeMs: Milliseconds;
  readonly constants: { readonly custom: Json };
  readonly properties: { readonly system: MemberPropertiesSystem; readonly custom: JsonObject };
  /** Hash of the secure device address, while one is set. */
  readonly deviceToken?: string;
  /** The title of the token that last wrote as this member; answered while active. */
  readonly titleId?: TitleId;
  /** Hidden: the device of the token that last wrote as this member, for the local restriction. */
  readonly deviceId?: string;
  /** Hidden: the activity handle that this member set on this session. */
  readonly activityHandleId?: Guid;
};

export type Server = {
  readonly constants: { readonly system: JsonObject; readonly custom: JsonObject };
  readonly properties: { readonly system: JsonObject; readonly custom: JsonObject };
};

/** The member with this xuid, reserved or not. */
export function memberOf(session: Session, xuid: Xuid | undefined): Member | undefined {
  return xuid === undefined ? undefined : session.members.find((member) => member.xuid === xuid);
}

/** The member with this xuid that is more than a reservation. */
export function acceptedMemberOf(session: Session, xuid: Xuid | undefined): Member | undefined {
  const member = memberOf(session, xuid);
  return member?.status === 'reserved' ? undefined : member;
}
