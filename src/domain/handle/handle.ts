import type { Guid, TitleId, Xuid } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { SessionReference } from '../session/reference.ts';
import type { Milliseconds } from '../time.ts';

/**
 * An immutable pointer to a session. Plain JSON, so that a store keeps it as text.
 *
 * What makes a handle live is not here: its session confirms it (see confirm.ts), or, for an
 * invite, the clock.
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
  /** Of the request that made it, where the caller chose the id: others may come with the same. */
  readonly requestId?: Guid;
};

/** What a handle tells of the title, from the session's constants and the service config. */
type TitleFacts = {
  readonly inviteProtocol?: string;
  readonly gameTypes?: JsonObject;
};

export type ActivityHandle = Common &
  TitleFacts & {
    readonly type: 'activity';
    readonly ownerXuid: Xuid;
    readonly titleId?: TitleId;
    /** The life of the session that it was set on; absent when there was no session yet. */
    readonly branch?: Guid;
  };

export type InviteHandle = Common &
  TitleFacts & {
    readonly type: 'invite';
    readonly sender:
      | { readonly kind: 'user'; readonly xuid: Xuid }
      | { readonly kind: 'service'; readonly name: string };
    /** Of a user whose token names one. */
    readonly senderGamertag?: string;
    readonly invitedXuid: Xuid;
    readonly inviteAttributes: InviteAttributes;
    readonly expirationMs: Milliseconds;
    /** The life of the session that it was sent to; absent when a service sent it before one. */
    readonly branch?: Guid;
  };

/** Party clients send none; the title is then that of the sender's token, where it names one. */
export type InviteAttributes = {
  readonly titleId?: TitleId;
  readonly context?: string;
  readonly contextString?: string;
  readonly senderString?: string;
};

export type TransferHandle = Common & {
  readonly type: 'transfer';
  readonly origin: SessionReference;
  /** The life of the target session that it leads to. */
  readonly branch: Guid;
  /** The life of the origin; absent of handles that an older version made. */
  readonly originBranch?: Guid;
  readonly creatorXuid?: Xuid;
};

/** Kept in its session, which it makes searchable; the row beside leads there from the id. */
export type SearchHandle = Common & {
  readonly type: 'search';
  readonly creatorXuid: Xuid;
  /** Of the token that made it; filters name it `session/titleId`. */
  readonly titleId?: TitleId;
  readonly searchAttributes: SearchAttributes;
};

/** What a title says of a session so that others find it. Tags, numbers and strings are absent when empty. */
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
