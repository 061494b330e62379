import type {
  Guid,
  JsonObject,
  Restriction,
  TimeText,
  TitleId,
  Visibility,
  Xuid,
} from './session-document.ts';
import type { SessionReference } from './reference.ts';

/**
 * A handle as the server answers it: an immutable pointer to a session.
 *
 * @source docs/wire/handles.md "POST /handles"
 */
export type HandleDocument =
  | ActivityHandleDocument
  | InviteHandleDocument
  | TransferHandleDocument
  | SearchHandleDocument;

type Common = {
  readonly id: Guid;
  readonly version: number;
  /** In the letter case in which it was written. */
  readonly sessionRef: SessionReference;
};

/** The title of a handle: how to launch it, and on which platforms. */
type TitleFacts = {
  readonly inviteProtocol?: string;
  readonly gameTypes?: JsonObject;
  readonly createTime: TimeText;
};

/** What a user is playing now. @source docs/wire/handles.md "POST /handles" */
export type ActivityHandleDocument = Common &
  TitleFacts & {
    readonly type: 'activity';
    readonly ownerXuid: Xuid;
    readonly titleId?: TitleId;
  };

/** An invitation of one user. @source docs/wire/handles.md "POST /handles" */
export type InviteHandleDocument = Common &
  TitleFacts & {
    readonly type: 'invite';
    /** Absent when a game service invited. */
    readonly senderXuid?: Xuid;
    readonly invitedXuid: Xuid;
    readonly inviteAttributes: {
      readonly titleId: TitleId;
      readonly context?: string;
      readonly contextString?: string;
      readonly senderString?: string;
    };
    readonly expiration: TimeText;
  };

/** An invitation as the invited user gets it. @source docs/wire/rta.md "Invites" */
export type ReceivedInvite = InviteHandleDocument & {
  readonly inviteInfo: {
    /** The gamertag of the sender, or the name that a game service gave. */
    readonly sender: string;
  };
};

/**
 * A way from one session to another for members of the first.
 *
 * @source docs/wire/handles.md "POST /handles"
 */
export type TransferHandleDocument = Common & {
  readonly type: 'transfer';
  readonly originSessionRef: SessionReference;
};

/** A handle by which searches find a session. @source docs/wire/search.md "Search handles" */
export type SearchHandleDocument = Common & {
  readonly type: 'search';
  readonly createTime: TimeText;
  readonly searchAttributes?: SearchAttributes;
};

/**
 * What a title says of a session for searches to find it by.
 *
 * @source docs/wire/search.md "Search handles"
 */
export type SearchAttributes = {
  readonly tags?: readonly string[];
  /** Names are lower-case letters and digits that begin with a letter. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly strings?: Readonly<Record<string, string>>;
};

/**
 * A result of a search, with what it shows of the session.
 *
 * @source docs/wire/search.md "POST /handles/query"
 */
export type SearchDetails<Properties = JsonObject> = SearchHandleDocument & {
  readonly relatedInfo?: RelatedInfo & { readonly sessionOwners?: readonly Xuid[] };
  readonly roleInfo?: { readonly roleTypes?: JsonObject };
  /** The session's `properties.custom`. */
  readonly customProperties: Properties;
};

/**
 * An activity, with what a friends list shows of its session.
 *
 * @source docs/wire/handles.md "POST /handles/query"
 */
export type ActivityDetails<Properties = JsonObject> = ActivityHandleDocument & {
  /** Absent until the session exists. */
  readonly relatedInfo?: RelatedInfo;
  /** The session's `properties.custom`. */
  readonly customProperties: Properties;
};

export type RelatedInfo = {
  readonly visibility?: Visibility;
  readonly joinRestriction?: Restriction;
  readonly closed?: boolean;
  readonly maxMembersCount: number;
  readonly membersCount: number;
  readonly inviteProtocol?: string;
  readonly postedTime?: TimeText;
};
