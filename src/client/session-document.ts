/**
 * The session document on the wire, and the changes of a write. In the shape of contract version
 * 107; what only 104 and 105 write is marked so.
 *
 * @source docs/wire/sessions.md "The document"
 */

import type { Guid, TitleId, Xuid } from '../domain/ids.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import type { Capability, Visibility } from '../domain/session/constants.ts';
import type { JsonInput } from './json.ts';
import type { SessionReference } from './reference.ts';
import type { Restriction } from '../domain/session/session.ts';

export type { Capability, Guid, Json, JsonObject, Restriction, TitleId, Visibility, Xuid };

/** A time on the wire: `2016-09-20T20:50:00.5180000Z`. */
export type TimeText = string;

/**
 * The shapes of a title's own data: what it keeps under `custom`. A part that a title does not
 * name is any JSON.
 *
 *     type Deathmatch = {
 *       properties: { map?: string };
 *       memberProperties: { score?: number };
 *     };
 *     const read = await ada.getSession<Deathmatch>(reference);
 *
 * These are the title's word, not checked. A number beyond 2^53 arrives as a `RawNumber`, so such
 * a field is best typed `number | RawNumber`.
 */
export type TitleData = {
  readonly constants?: object;
  readonly properties?: object;
  readonly memberConstants?: unknown;
  readonly memberProperties?: object;
};

/** A title without types for its data. */
export type AnyTitle = Record<never, never>;

type Part<Title, Name extends keyof TitleData, Otherwise> = Name extends keyof Title
  ? Title[Name]
  : Otherwise;

/** Changes to `T`: a key takes its whole new value, null removes it, every other key stays. */
export type Patch<T> = { readonly [K in keyof T]?: T[K] | null };

type JsonInputObject = { readonly [key: string]: JsonInput };

// what is read

/** A session as the server answers it. @source docs/wire/sessions.md "The document" */
export type SessionDocument<Title extends TitleData = AnyTitle> = {
  readonly membersInfo: MembersInfo;
  readonly constants: {
    readonly system: SessionConstantsSystem;
    readonly custom: Part<Title, 'constants', JsonObject>;
  };
  readonly properties: {
    readonly system: SessionPropertiesSystem;
    readonly custom: Part<Title, 'properties', JsonObject>;
  };
  readonly roleTypes?: Readonly<Record<string, RoleTypeDocument>>;
  /** By index; of a large session only the caller, as `me`. `membersOf` makes a list of it. */
  readonly members: Readonly<Record<string, MemberDocument<Title>>>;
  readonly servers: Readonly<Record<string, ServerDocument>>;
  /** While members are being initialized, and after the first episode failed. */
  readonly initializing?: {
    readonly stage: 'joining' | 'measuring' | 'evaluating' | 'failed';
    readonly stageStartTime: TimeText;
    readonly episode: number;
  };
  /** Device tokens of members that could be host, best first. */
  readonly hostCandidates?: readonly string[];
  readonly contractVersion?: number;
  /** The same for every life of this session. */
  readonly correlationId: Guid;
  /** One life of the session: a session deleted and created again has a new one. */
  readonly branch: Guid;
  /** From 1, rising with each visible change of this branch. */
  readonly changeNumber: number;
  readonly startTime: TimeText;
  /** When the next timeout would change something. */
  readonly nextTimer?: TimeText;
  /** The id of the search handle that lists this session. */
  readonly searchHandle?: Guid;
};

/** How many are in the session, and where the list of members begins and ends. */
export type MembersInfo = {
  readonly first: number;
  /** The index of the next member to join. */
  readonly next: number;
  readonly count: number;
  /** Without those who are only reserved. */
  readonly accepted: number;
  readonly active: number;
};

/**
 * Constants that the service knows. Timeouts in milliseconds; absent: never.
 *
 * @source docs/wire/sessions.md "Constants"
 */
export type SessionConstantsSystem = {
  readonly version: number;
  readonly maxMembersCount: number;
  readonly visibility: Visibility;
  readonly initiators?: readonly Xuid[];
  readonly inviteProtocol?: string;
  readonly reservedRemovalTimeout?: number;
  readonly inactiveRemovalTimeout?: number;
  readonly readyRemovalTimeout?: number;
  readonly sessionEmptyTimeout?: number;
  /** The four timeouts as contract versions 104 and 105 write them. */
  readonly timeouts?: {
    readonly reserved?: number;
    readonly inactive?: number;
    readonly ready?: number;
    readonly sessionEmpty?: number;
  };
  readonly capabilities?: { readonly [name in Capability]?: boolean };
  readonly metrics?: {
    readonly latency?: boolean;
    readonly bandwidthDown?: boolean;
    readonly bandwidthUp?: boolean;
    readonly custom?: boolean;
  };
  readonly memberInitialization?: {
    readonly joinTimeout?: number;
    readonly measurementTimeout?: number;
    readonly evaluationTimeout?: number;
    readonly externalEvaluation?: boolean;
    readonly membersNeededToStart?: number;
  };
  readonly peerToPeerRequirements?: {
    readonly latencyMaximum?: number;
    readonly bandwidthMinimum?: number;
  };
  readonly peerToHostRequirements?: {
    readonly latencyMaximum?: number;
    readonly bandwidthDownMinimum?: number;
    readonly bandwidthUpMinimum?: number;
    readonly hostSelectionMetric?: 'latency' | 'bandwidthup' | 'bandwidthdown' | 'bandwidth';
  };
  readonly measurementServerAddresses?: Readonly<
    Record<string, { readonly secureDeviceAddress: string }>
  >;
  readonly cloudComputePackage?: {
    readonly crossSandbox?: boolean;
    readonly titleId?: TitleId;
    readonly gsiSet?: string;
    readonly variant?: string;
  };
  readonly arbitration?: {
    readonly forfeitTimeout?: number;
    readonly arbitrationTimeout?: number;
  };
  readonly broadcastViewerTitleIds?: readonly TitleId[];
  readonly ownershipPolicies?: {
    readonly migration?: 'oldest' | 'endsession';
    readonly allowNonOwnerInviteHandles?: boolean;
    readonly nonOwnerModifiableSystemProperties?: readonly string[];
  };
};

/**
 * Properties of the session that the service knows.
 *
 * @source docs/wire/sessions.md "properties.system"
 */
export type SessionPropertiesSystem = {
  readonly keywords?: readonly string[];
  /** Indexes of the members whose turn it is. */
  readonly turn?: readonly number[];
  readonly joinRestriction?: Restriction;
  readonly readRestriction?: Restriction;
  readonly closed?: boolean;
  readonly locked?: boolean;
  /** The device token of the host. */
  readonly host?: string;
  /** Indexes of the owners, with capability hasOwners. */
  readonly owners?: readonly number[];
  readonly matchmaking?: {
    readonly targetSessionConstants?: JsonObject;
    readonly serverConnectionString?: string;
    readonly clientResult?: JsonObject;
  };
  readonly matchmakingResubmit?: boolean;
  readonly serverConnectionStringCandidates?: readonly string[];
  readonly allocateCloudCompute?: boolean;
};

/** A user in a session. @source docs/wire/sessions.md "Members" */
export type MemberDocument<Title extends TitleData = AnyTitle> = {
  /** The index of the member after this one, or `membersInfo.next`. */
  readonly next?: number;
  /** Of a reserved member the time of the reservation. */
  readonly joinTime: TimeText;
  readonly constants: {
    readonly system: {
      readonly xuid: Xuid;
      readonly index: number;
      readonly initialize?: boolean;
      readonly team?: string;
      readonly matchmakingResult?: JsonObject;
    };
    readonly custom: Part<Title, 'memberConstants', Json>;
  };
  readonly properties: {
    readonly system: MemberPropertiesSystem;
    readonly custom: Part<Title, 'memberProperties', JsonObject>;
  };
  /** True until the user's first own write. */
  readonly reserved?: boolean;
  readonly gamertag?: string;
  /** Names the member's device; present once it wrote a secure device address. */
  readonly deviceToken?: string;
  readonly nat?: 'open' | 'moderate' | 'strict';
  /** The title that the member is active in. */
  readonly activeTitleId?: TitleId;
  readonly turn?: boolean;
  /** Role name by role type. */
  readonly roles?: Readonly<Record<string, string>>;
  readonly initializationFailure?: string;
  readonly initializationEpisode?: number;
};

/** Properties of a member that the service knows. @source docs/wire/sessions.md "Members" */
export type MemberPropertiesSystem = {
  readonly active?: boolean;
  readonly ready?: boolean;
  /** The id of the member's real-time connection. */
  readonly connection?: Guid;
  /** Which changes the member gets taps for. */
  readonly subscription?: { readonly id: Guid; readonly changeTypes: readonly ChangeType[] };
  /** Base64. */
  readonly secureDeviceAddress?: string;
  /** Indexes of the members that are initialized together with this one. */
  readonly initializationGroup?: readonly number[];
  readonly groups?: readonly string[];
  readonly rolePreference?: JsonObject;
  /** By device token of the other member. */
  readonly measurements?: Readonly<Record<string, Measurement>>;
  /** By name of the measurement server. */
  readonly serverMeasurements?: Readonly<Record<string, Measurement>>;
};

/** Milliseconds and kilobits per second. */
export type Measurement = {
  readonly latency?: number;
  readonly bandwidthDown?: number;
  readonly bandwidthUp?: number;
  readonly custom?: JsonObject;
};

/** What a subscription can ask for. @source docs/wire/rta.md "Taps" */
export type ChangeType =
  | 'everything'
  | 'host'
  | 'initialization'
  | 'matchmakingStatus'
  | 'membersList'
  | 'membersStatus'
  | 'joinability'
  | 'customProperty'
  | 'membersCustomProperty';

/** Roles of one type, and who has them. @source docs/wire/sessions.md "Roles" */
export type RoleTypeDocument = {
  readonly ownerManaged?: boolean;
  readonly mutableRoleSettings?: readonly ('max' | 'target')[];
  readonly roles: Readonly<
    Record<
      string,
      {
        readonly max?: number;
        readonly target?: number;
        readonly count?: number;
        readonly memberXuids?: readonly Xuid[];
      }
    >
  >;
};

/** What a game service keeps in the session. @source docs/wire/sessions.md "Servers" */
export type ServerDocument = {
  readonly constants?: { readonly system?: JsonObject; readonly custom?: JsonObject };
  readonly properties?: { readonly system?: JsonObject; readonly custom?: JsonObject };
};

/** The members in ascending order of index; of a large session the caller alone. */
export function membersOf<Title extends TitleData = AnyTitle>(
  session: SessionDocument<Title>,
): readonly MemberDocument<Title>[] {
  return Object.values(session.members).toSorted(
    (a, b) => a.constants.system.index - b.constants.system.index,
  );
}

/** The member with this xuid, reserved or not; undefined when the user is not in the session. */
export function memberOf<Title extends TitleData = AnyTitle>(
  session: SessionDocument<Title>,
  xuid: Xuid,
): MemberDocument<Title> | undefined {
  return Object.values(session.members).find((one) => one.constants.system.xuid === xuid);
}

// what is written

/**
 * The changes of a write; every part is optional, and `{}` is valid.
 *
 * @source docs/wire/sessions.md "PUT"
 */
export type SessionChanges<Title extends TitleData = AnyTitle> = {
  /** Set when the session is created; later only equal values pass. */
  readonly constants?: {
    readonly system?: Patch<SessionConstantsSystem>;
    readonly custom?: Part<Title, 'constants', JsonInputObject>;
  };
  readonly properties?: {
    readonly system?: Patch<SessionPropertiesSystem> & {
      /** Ends the stage `evaluating`. */
      readonly initializationSucceeded?: boolean;
    };
    readonly custom?: Patch<Part<Title, 'properties', JsonInputObject>>;
  };
  readonly roleTypes?: Readonly<Record<string, RoleTypeChanges>>;
  readonly members?: MembersChanges<Title>;
  /** Game services only. */
  readonly servers?: Readonly<Record<string, ServerChanges | null>>;
};

export type MembersChanges<Title extends TitleData = AnyTitle> = {
  /** The caller: joins or changes; null leaves. */
  readonly me?: MemberChanges<Title> | null;
  /** Reserves a seat for a user. Counted from 0 in each write. */
  readonly [reservation: `reserve_${number}`]: ReservationChanges<Title>;
  /** Removes the member with this index, or assigns its roles: game services and owners only. */
  readonly [index: number]: null | Required<Pick<MemberChanges, 'roles'>>;
};

export type MemberChanges<Title extends TitleData = AnyTitle> = {
  /** Read when the user joins; ignored later. */
  readonly constants?: {
    /** The token names the user; a xuid here changes nothing. */
    readonly system?: { readonly xuid?: Xuid; readonly initialize?: boolean };
    readonly custom?: Part<Title, 'memberConstants', JsonInput>;
  };
  readonly properties?: {
    readonly system?: Patch<MemberPropertiesSystem> & {
      /** Consumed, never answered. */
      readonly encounters?: readonly string[];
    };
    readonly custom?: Patch<Part<Title, 'memberProperties', JsonInputObject>>;
  };
  /** Role name by role type. */
  readonly roles?: Readonly<Record<string, string | null>>;
};

export type ReservationChanges<Title extends TitleData = AnyTitle> = {
  readonly constants: {
    readonly system: { readonly xuid: Xuid; readonly initialize?: boolean };
    readonly custom?: Part<Title, 'memberConstants', JsonInput>;
  };
};

export type RoleTypeChanges = {
  readonly ownerManaged?: boolean;
  readonly mutableRoleSettings?: readonly ('max' | 'target')[];
  readonly roles?: Readonly<
    Record<string, { readonly max?: number | null; readonly target?: number | null }>
  >;
};

export type ServerChanges = {
  readonly constants?: { readonly system?: JsonInputObject; readonly custom?: JsonInputObject };
  readonly properties?: {
    readonly system?: Patch<JsonInputObject>;
    readonly custom?: Patch<JsonInputObject>;
  };
};

// outcomes

/** A session as it was read, or as a write left it. */
export type SessionAndEtag<Title extends TitleData = AnyTitle> = {
  readonly session: SessionDocument<Title>;
  /**
   * For `ifNoneMatch` and for a synchronized write; opaque, quotes included. Empty when the answer
   * had none: a preview, which no stored session is like.
   */
  readonly etag: string;
};

/** There is no document, so nothing to take from it. */
type NoSession = { readonly session?: undefined; readonly etag?: undefined };

/** The session of the answer to a read. */
export type SessionRead<Title extends TitleData = AnyTitle> = {
  readonly status: 'read';
} & SessionAndEtag<Title>;

/** The caller has the session already: its ETag is still the current one. */
export type SessionNotModified = { readonly status: 'notModified' } & NoSession;

/**
 * What a write did. `deleted`: no member is left, or there never was one, and the session does not
 * exist.
 */
export type SessionWriteResult<Title extends TitleData = AnyTitle> =
  | ({ readonly status: 'created' | 'updated' } & SessionAndEtag<Title>)
  | ({ readonly status: 'deleted' } & NoSession);

/**
 * Nothing was written: the precondition failed. With the current session, unless there is none or
 * the caller may not read it.
 */
export type SessionOutOfSync<Title extends TitleData = AnyTitle> = {
  readonly status: 'outOfSync';
} & (SessionAndEtag<Title> | NoSession);

/** `Outcome`, with the session that the handle leads to wherever there is a document. */
export type ByHandle<Outcome> = Outcome extends { readonly etag: string }
  ? Outcome & { readonly reference: SessionReference }
  : Outcome & { readonly reference?: undefined };
