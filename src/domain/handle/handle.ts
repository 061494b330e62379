import type { Guid, TitleId, Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { SessionReference } from '../session/reference.ts';
import type { Milliseconds } from '../time.ts';

/**
 * An immutable pointer to a session. Plain JSON, so that a store keeps it as text. Its session (see
 * confirm.ts), or for an invite the clock, decides whether it is live.
 *
 * @source docs/wire/handles.md "POST /handles"
 */
export type Handle = ActivityHandle | InviteHandle | TransferHandle | SearchHandle;

type Common = {
  readonly id: Guid;
  readonly version: 1;
  /** In the letter case of the request. */
  readonly reference: SessionReference;
  readonly createTimeMs: Milliseconds;
  /** The id of the request, where the caller chose one: another request may have the same. */
  readonly requestId?: Guid;
};

/** What a handle says of the title, from the session's constants and the service config. */
type TitleFacts = {
  readonly inviteProtocol?: string;
  readonly gameTypes?: JsonObject;
};

export type ActivityHandle = Common &
  TitleFacts & {
    readonly type: 'activity';
    readonly ownerXuid: Xuid;
    readonly titleId?: TitleId;
    /** The life of the session that it was set on; absent when there was no session. */
    readonly branch?: Guid;
  };

export type InviteHandle = Common &
  TitleFacts & {
    readonly type: 'invite';
    readonly sender:
      | { readonly kind: 'user'; readonly xuid: Xuid }
      | { readonly kind: 'service'; readonly name: string };
    /** Where the user's token has one. */
    readonly senderGamertag?: string;
    readonly invitedXuid: Xuid;
    readonly inviteAttributes: InviteAttributes;
    readonly expirationMs: Milliseconds;
    /** The life of the session that it was sent to; absent when a service sent it before one. */
    readonly branch?: Guid;
  };

/** Party clients send none; then the title is that of the sender's token, where it has one. */
export type InviteAttributes = {
  readonly titleId?: TitleId;
  readonly context?: string;
  readonly contextString?: string;
  readonly senderString?: string;
};

export type TransferHandle = Common & {
  readonly type: 'transfer';
  readonly origin: SessionReference;
  /** The life of its target session. */
  readonly branch: Guid;
  /** The life of the origin; absent of handles that an older version made. */
  readonly originBranch?: Guid;
  readonly creatorXuid?: Xuid;
};

/** The session stores it and becomes searchable; the row leads from the id to the session. */
export type SearchHandle = Common & {
  readonly type: 'search';
  readonly creatorXuid: Xuid;
  /** The title of the token that made it; filters name it `session/titleId`. */
  readonly titleId?: TitleId;
  readonly searchAttributes: SearchAttributes;
};

/**
 * What a title says of a session so that others find it. Tags, numbers and strings are absent when
 * empty.
 */
export type SearchAttributes = {
  readonly tags?: readonly string[];
  readonly numbers?: Readonly<Record<string, number>>;
  readonly strings?: Readonly<Record<string, string>>;
  readonly achievementIds?: readonly string[];
  readonly language?: string;
  readonly locale?: string;
  readonly scheduledTimeMs?: Milliseconds;
  readonly targetMembersCount?: number;
};
