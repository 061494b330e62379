import type { SearchHandle } from '../handle/handle.ts';
import type { Guid, TitleId, Xuid } from '../ids.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Milliseconds } from '../time.ts';
import type { SessionReference } from './reference.ts';
import type { ConstantsSystem } from './constants.ts';
import type { Extra } from './extra.ts';

/**
 * One session as it is stored: the document of contract version 107 with times in milliseconds,
 * members in a list, and a few facts that no client sees (marked hidden).
 *
 * Immutable; a write makes a new one that shares what it left alone. Plain JSON, so that a store
 * keeps it as text.
 *
 * @source docs/wire/README.md "Words", docs/wire/sessions.md "The document"
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
  readonly constants: {
    readonly system: ConstantsSystem;
    readonly custom: JsonObject;
    /** What clients see as `memberInitialization`: as it was written, without defaults. */
    readonly memberInitialization?: JsonObject;
  } & Extra;
  readonly properties: {
    readonly system: SessionPropertiesSystem;
    readonly custom: JsonObject;
  } & Extra;
  /** From the template and the creating write; members say who has which role. */
  readonly roleTypes?: RoleTypes;
  /** In ascending order of index. Of a large session those whose rows were loaded. */
  readonly members: readonly Member[];
  /** Hidden, of a large session: how many are in it. */
  readonly tally?: Tally;
  /** Hidden, of a large session: when the first of its rows is due. */
  readonly rowsDueMs?: Milliseconds;
  /** The index that the next new member gets; indexes are never reused within a branch. */
  readonly nextMemberIndex: number;
  readonly servers: Readonly<Record<string, Server>>;
  /** The id by which searches find the session; clients see it. */
  readonly searchHandle?: SearchHandle;
  /** Hidden until an episode begins. */
  readonly initialization?: Initialization;
  /** Device tokens of members who may be host, the best first; only without a host. */
  readonly hostCandidates?: readonly string[];
  /** Hidden: the user who created it, if a user did. */
  readonly createdBy?: Xuid;
  /** Hidden: the accepted members of this branch who left, newest last. */
  readonly formerXuids: readonly Xuid[];
  /** Hidden: the number of transfer handles to this session; absent: none. */
  readonly transfersCount?: number;
  /** Hidden: the users whom owners removed, newest last. */
  readonly kicks?: readonly Kick[];
  /** Hidden: since when it has no members; absent while it has some. */
  readonly emptySinceMs?: Milliseconds;
  /**
   * Hidden: how long the session stays without members, and a member in a status that is not active
   * while nobody is active; where the creating write, and not the template, allows longer.
   */
  readonly emptyMsMax?: Milliseconds;
  /** Hidden, beside `emptyMsMax`: longer timeouts that the template sets. They hold. */
  readonly templateTimeouts?: readonly TimeoutName[];
} & Extra;

/** Timeouts of members and of an empty session. */
export const memberTimeouts = [
  'reservedRemovalTimeout',
  'readyRemovalTimeout',
  'inactiveRemovalTimeout',
  'sessionEmptyTimeout',
] as const;

/** Timeouts of the stages of member initialization. */
export const stageTimeouts = ['joinTimeout', 'measurementTimeout', 'evaluationTimeout'] as const;

export type TimeoutName = (typeof memberTimeouts)[number] | (typeof stageTimeouts)[number];

/** An owner's removal of a member. */
export type Kick = {
  readonly xuid: Xuid;
  readonly by: Xuid;
  /** Absent of sessions that an older version wrote. */
  readonly atMs?: Milliseconds;
};

/** Members in all, those that are more than a reservation, and those active. */
export type Tally = {
  readonly count: number;
  readonly accepted: number;
  readonly active: number;
};

/** Active > ready > reserved > inactive. @source docs/wire/README.md "Words" */
export type MemberStatus = 'active' | 'ready' | 'reserved' | 'inactive';

export type Member = {
  readonly index: number;
  readonly xuid: Xuid;
  /** Absent while reserved, and when the token names none. */
  readonly gamertag?: string;
  readonly status: MemberStatus;
  /** Hidden: when the member got its status; its timeouts count from it. */
  readonly statusSinceMs: Milliseconds;
  /** Reservation time while reserved, then the time of joining. */
  readonly joinTimeMs: Milliseconds;
  /** `system`: what nobody knows of it; the rest of what clients see there is of the member itself. */
  readonly constants: { readonly custom: Json; readonly system?: JsonObject } & Extra;
  readonly properties: {
    readonly system: MemberPropertiesSystem;
    readonly custom: JsonObject;
  } & Extra;
  /** By role type; absent without any. A reservation may have them. */
  readonly roles?: MemberRoles;
  /** Hash of the secure device address, while one is set. */
  readonly deviceToken?: string;
  /** True of a member that asked to be initialized; only in sessions with initialization. */
  readonly initialize?: true;
  /** The episode that the member is in, waits for, or failed in. */
  readonly initializationEpisode?: number;
  readonly initializationFailure?: InitializationFailure;
  /** The title of the token that last wrote as this member; answered while active. */
  readonly titleId?: TitleId;
  /** Hidden: the device of the token that last wrote as this member, for the local restriction. */
  readonly deviceId?: string;
  /** Hidden: the user who reserved the seat, if a user did; reserved members only. */
  readonly reservedBy?: Xuid;
  /** Hidden: the activity handle that this member set on this session. */
  readonly activityHandleId?: Guid;
  /**
   * Hidden: there is no open connection, and the member stays active until then; active members
   * only.
   */
  readonly activeUntilMs?: Milliseconds;
} & Extra;

/** An entry of `servers`, as clients see it; what nobody knows stands in it as in the document. */
export type Server = {
  readonly constants: { readonly system: JsonObject; readonly custom: JsonObject };
  readonly properties: { readonly system: JsonObject; readonly custom: JsonObject };
};

export const restrictions = ['none', 'local', 'followed'] as const;
export type Restriction = (typeof restrictions)[number];

/** `properties.system` as stored: only what was written; `viewSession` adds the rest. */
export type SessionPropertiesSystem = {
  readonly keywords?: readonly string[];
  readonly turn?: readonly number[];
  readonly joinRestriction?: Restriction;
  readonly readRestriction?: Restriction;
  /** Null: false since the creating write, which is not shown. */
  readonly closed?: boolean | null;
  readonly locked?: boolean;
  /** Device token of a member. */
  readonly host?: string;
  readonly matchmaking?: {
    readonly targetSessionConstants?: JsonObject;
    readonly serverConnectionString?: string;
    readonly clientResult?: JsonObject;
  };
  readonly matchmakingResubmit?: boolean;
  readonly serverConnectionStringCandidates?: readonly string[];
  readonly allocateCloudCompute?: boolean;
  /** Indexes of the members who own the session; kept by owners.ts. */
  readonly owners?: readonly number[];
  /** What a post that looks for players says; answered with its search handle too. */
  readonly description?: { readonly text?: string; readonly locale?: string };
  readonly searchHandleVisibility?: string;
  /** The time at which a post wants to play; kept as written. */
  readonly scheduledTime?: string;
};

/** What a member measured of a connection; `latency` in milliseconds. */
export type Measurement = {
  readonly latency?: number;
  readonly bandwidthDown?: number;
  readonly bandwidthUp?: number;
  readonly custom?: Json;
};

/** A member's `properties.system` as stored; the status is the member's own field. */
export type MemberPropertiesSystem = {
  readonly connection?: string;
  /** Without `changeTypes`: of everything. */
  readonly subscription?: { readonly id: string; readonly changeTypes?: readonly string[] };
  /** By their ids. Kept and answered; they cause no taps. */
  readonly secondarySubscriptions?: Readonly<
    Record<
      string,
      {
        readonly changeTypes?: readonly string[];
        readonly rta?: { readonly connection?: string };
      }
    >
  >;
  readonly secureDeviceAddress?: string;
  readonly initializationGroup?: readonly number[];
  readonly groups?: readonly string[];
  readonly measurements?: Readonly<Record<string, Measurement>>;
  readonly serverMeasurements?: Readonly<Record<string, Pick<Measurement, 'latency'>>>;
  readonly rolePreference?: JsonObject;
  readonly subscriptions?: JsonObject;
};

export const roleSettings = ['max', 'target'] as const;

/** What owners may change of a role, where its type says so. */
export type RoleSetting = (typeof roleSettings)[number];

export type Role = { readonly max?: number; readonly target?: number };

export type RoleType = {
  /** True: only owners assign its roles. */
  readonly ownerManaged?: boolean;
  readonly mutableRoleSettings?: readonly RoleSetting[];
  readonly roles: Readonly<Record<string, Role>>;
};

/** By name of the type. Look up with `ownOf`: a type may be named "constructor". */
export type RoleTypes = Readonly<Record<string, RoleType>>;

/** The roles of one member: the name of the role by role type. */
export type MemberRoles = Readonly<Record<string, string>>;

/** Stages of an episode, in their order. */
export const runningStages = ['joining', 'measuring', 'evaluating'] as const;
export type RunningStage = (typeof runningStages)[number];
export type InitializationStage = 'none' | RunningStage | 'failed';

/** How far the initialization of a session has come. */
export type Initialization = {
  readonly stage: InitializationStage;
  readonly stageStartTimeMs: Milliseconds;
  /** The number of the last episode that began. */
  readonly episode: number;
};

/** Why a member was not initialized; of several reasons the first of this list is shown. */
export const initializationFailures = [
  'timeout',
  'latency',
  'bandwidthdown',
  'bandwidthup',
  'network',
  'group',
  'episode',
] as const;
export type InitializationFailure = (typeof initializationFailures)[number];

/** The session as a new visible state of its branch: the only place where the number rises. */
export function withNextChange(session: Session): Session {
  return { ...session, changeNumber: session.changeNumber + 1 };
}

/** The member with this xuid, reserved or not. */
export function memberOf(session: Session, xuid: Xuid | undefined): Member | undefined {
  return xuid === undefined ? undefined : session.members.find((member) => member.xuid === xuid);
}

/** The member with this xuid that is no reservation. */
export function acceptedMemberOf(session: Session, xuid: Xuid | undefined): Member | undefined {
  const member = memberOf(session, xuid);
  return member?.status === 'reserved' ? undefined : member;
}
