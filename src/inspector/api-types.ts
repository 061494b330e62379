/**
 * Version 1 of the inspector's API: what it answers, as JSON. Types only, so that the page of the
 * inspector and other tools share them. Times are milliseconds since 1970 by the server's clock.
 *
 *     GET    /inspector/api/v1                              InspectorInfo
 *     GET    /inspector/api/v1/sessions                     SessionList
 *     GET    /inspector/api/v1/sessions/{scid}/{template}/{name}            SessionDetail
 *     GET    /inspector/api/v1/sessions/{scid}/{template}/{name}/changes    ChangeList
 *     GET    /inspector/api/v1/sessions/{scid}/{template}/{name}/changes/{branch}/{changeNumber}  PastSession
 *     GET    /inspector/api/v1/users                        UserList
 *     GET    /inspector/api/v1/users/{xuid}                 UserDetail
 *     GET    /inspector/api/v1/requests                     ActivityList
 *     GET    /inspector/api/v1/requests/{id}                RequestDetail
 *     GET    /inspector/api/v1/hoppers                      HopperList
 *     GET    /inspector/api/v1/hoppers/{scid}/{name}        HopperDetail
 *     GET    /inspector/api/v1/analysis                     Analysis
 *     GET    /inspector/api/v1/stream                       text/event-stream of LiveEvent
 *
 * and, of a server that was started with --control:
 *
 *     POST   /inspector/api/v1/act                          ActRequest → ActAnswer
 *     POST   /inspector/api/v1/act/connections              { as } → ActingConnection
 *     DELETE /inspector/api/v1/act/connections/{id}
 *     GET    /inspector/api/v1/control …                    the control API, whole: /control of docs/control.md
 *     POST   /inspector/api/v1/control/clock                { freeze, advanceMs, nowMs }
 *     POST   /inspector/api/v1/control/connections/{id}/drop
 *     POST   /inspector/api/v1/control/connections/{id}/taps { delayMs, drop }
 *     POST   /inspector/api/v1/control/refusals             and DELETE
 *     GET    /inspector/api/v1/state                        SavedState, a file
 *     PUT    /inspector/api/v1/state                        SavedState → LoadedState
 *
 * A refusal has the status, the text and the headers X-Mpsd-Refusal and X-Mpsd-Detail of every other
 * refusal of the server.
 *
 * @see docs/inspector.md
 */

import type { Json, JsonObject } from '../domain/json.ts';

/** `custom`: a store that the program gave. */
export type StoreKind = 'memory' | 'sqlite' | 'redis' | 'custom';

export type InspectorInfo = {
  /** Of this API. It rises when a member changes its meaning or goes, not when one is added. */
  readonly apiVersion: 1;
  readonly serverVersion: string;
  /** The node that answers. What is in memory only, such as connections and requests, is its own. */
  readonly nodeId: string;
  readonly store: StoreKind;
  /** True when other nodes may be on the same store. */
  readonly isShared: boolean;
  readonly auth: 'dev' | 'signed' | 'oidc';
  /** Why this API answers: to all of this machine, or to holders of the admin token. */
  readonly access: 'open' | 'token';
  /** True with --control: the actions answer. */
  readonly mayControl: boolean;
  /** True when act answers too: control, and development tokens. */
  readonly mayAct: boolean;
  readonly hasHistory: boolean;
  readonly startedMs: number;
  readonly clock: ClockState;
  readonly counts: {
    readonly sessions: number;
    /** Of this node. */
    readonly connections: number;
    readonly requests: number;
  };
  readonly serviceConfigs: readonly ServiceConfigInfo[];
};

export type ClockState = { readonly nowMs: number; readonly isFrozen: boolean };

export type ServiceConfigInfo = {
  readonly scid: string;
  readonly titleIds: readonly string[];
  readonly templates: readonly {
    readonly name: string;
    /** Of the newest contract version, with defaults. */
    readonly constants: JsonObject;
  }[];
  readonly hoppers: readonly string[];
};

/**
 * Query of a list: `scid`, `template`, `text` (part of a name, xuid or gamertag, in any case), `filter`
 * (the language of POST /handles/query, of every session), `order` (name, changed,
 * created, members, due; with `-` in front the other way round; -changed), `skip`, `take` (1 to 1,000; 100).
 */
export type SessionList = {
  readonly nowMs: number;
  /** All sessions, and those that the query asks for. */
  readonly totalCount: number;
  readonly matchedCount: number;
  /** True when there are more sessions than the inspector lists: 100,000. */
  readonly isCut: boolean;
  readonly skip: number;
  readonly sessions: readonly SessionRow[];
};

export type SessionRow = {
  readonly scid: string;
  readonly template: string;
  readonly name: string;
  /** Lower-case `scid~template~name`, by which events name the session. */
  readonly key: string;
  readonly branch: string;
  readonly changeNumber: number;
  readonly createdMs: number;
  /** When this node saw the last change; absent when it saw none. */
  readonly changedMs?: number;
  readonly members: {
    readonly total: number;
    readonly active: number;
    readonly ready: number;
    readonly reserved: number;
    readonly inactive: number;
    readonly max: number;
  };
  /** Of at most 16 members. */
  readonly people: readonly { readonly xuid: string; readonly gamertag?: string }[];
  readonly visibility: string;
  readonly joinRestriction: string;
  readonly readRestriction: string;
  readonly isClosed: boolean;
  readonly isSearchable: boolean;
  readonly isLarge: boolean;
  readonly initializationStage?: string;
  readonly keywords: readonly string[];
  /** When time next changes something. */
  readonly dueMs?: number;
};

export type SessionDetail = {
  readonly nowMs: number;
  readonly row: SessionRow;
  readonly etag: string;
  /** As clients of contract version 107 see it; of a large session without members. */
  readonly document: JsonObject;
  readonly members: readonly MemberRow[];
  /** Not all when a session is large: then `members` has the first 500. */
  readonly hasAllMembers: boolean;
  readonly timers: readonly Timer[];
  readonly handles: readonly HandleRow[];
  readonly initialization?: {
    readonly stage: string;
    readonly stageStartMs: number;
    readonly episode: number;
    /** Between device tokens of members: `measurements` of the first to the second. */
    readonly links: readonly {
      readonly from: number;
      readonly to: number;
      readonly latencyMs?: number;
      readonly bandwidthDown?: number;
      readonly bandwidthUp?: number;
    }[];
  };
  /** Facts that no client sees. */
  readonly hidden: {
    readonly createdBy?: string;
    readonly emptySinceMs?: number;
    readonly formerXuids: readonly string[];
    readonly kicks: readonly {
      readonly xuid: string;
      readonly by: string;
      readonly atMs?: number;
    }[];
  };
};

export type MemberRow = {
  readonly index: number;
  readonly xuid: string;
  readonly gamertag?: string;
  readonly status: 'active' | 'ready' | 'reserved' | 'inactive';
  readonly statusSinceMs: number;
  readonly joinedMs: number;
  readonly roles: Readonly<Record<string, string>>;
  readonly isOwner: boolean;
  readonly isHost: boolean;
  readonly hasTurn: boolean;
  /** `isOpen`: undefined when another node holds it, or did. */
  readonly connection?: {
    readonly id: string;
    readonly nodeId: string;
    readonly isOpen?: boolean;
    readonly subscribedTo?: readonly string[];
  };
  /** While the connection has ended and the member is still active. */
  readonly activeUntilMs?: number;
  readonly initialization?: {
    readonly episode?: number;
    readonly failure?: string;
  };
  readonly titleId?: string;
};

/**
 * What time will do, the next first: `what` is the name of a timeout in the constants, or `grace` after a
 * connection has ended.
 */
export type Timer = {
  readonly what: string;
  /** Whose, where it is a member's. */
  readonly index?: number;
  readonly xuid?: string;
  /** Absent where only the end is known. */
  readonly startMs?: number;
  readonly dueMs: number;
  readonly becomes: 'inactive' | 'removed' | 'ended' | 'nextStage' | 'decided';
};

export type HandleRow = {
  readonly id: string;
  readonly type: 'activity' | 'invite' | 'transfer' | 'search';
  readonly session: SessionName;
  readonly createdMs: number;
  readonly ownerXuid?: string;
  readonly senderXuid?: string;
  readonly invitedXuid?: string;
  readonly expiresMs?: number;
  readonly titleId?: string;
  /** As GET /handles/{id} answers it. */
  readonly document: JsonObject;
};

export type SessionName = {
  readonly scid: string;
  readonly template: string;
  readonly name: string;
};

/**
 * The changes that clients see, of all lives of the session, the newest first. `before` (a cursor of the
 * answer) and `take` (1 to 1,000; 100) go further back; `differences=true` says where the documents differ.
 */
export type ChangeList = {
  readonly changes: readonly ChangeRow[];
  readonly nextBefore?: string;
};

export type ChangeRow = {
  readonly branch: string;
  readonly changeNumber: number;
  /** Names this change for `before`. */
  readonly cursor: string;
  readonly atMs: number;
  readonly kind: 'created' | 'changed' | 'ended';
  readonly cause: {
    readonly kind: string;
    readonly requestId?: string;
    readonly xuid?: string;
    readonly gamertag?: string;
    readonly service?: string;
    /** What happened, in a sentence. */
    readonly sentence: string;
  };
  readonly changeTypes: readonly string[];
  /** Members who came, went or changed status, and why one went. */
  readonly members: readonly {
    readonly xuid: string;
    readonly gamertag?: string;
    readonly what: string;
  }[];
  readonly differences?: readonly DocumentDifference[];
};

/** Where two documents differ: the names on the way to it, and what is there; absent: nothing. */
export type DocumentDifference = {
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
};

/** The document as it was after this change; absent when the session had ended with it. */
export type PastSession = { readonly change: ChangeRow; readonly document?: JsonObject };

/** Query: `text`, `skip`, `take`. Users who are in a session, connected here, or seen here lately. */
export type UserList = {
  readonly totalCount: number;
  readonly matchedCount: number;
  readonly skip: number;
  readonly users: readonly UserRow[];
};

export type UserRow = {
  readonly xuid: string;
  readonly gamertag?: string;
  readonly sessionsCount: number;
  /** On this node. */
  readonly connectionsCount: number;
  readonly seenMs?: number;
  /** While the user may not call. */
  readonly ban?: { readonly untilMs: number; readonly by: string; readonly reason?: string };
};

export type UserDetail = {
  readonly nowMs: number;
  readonly row: UserRow;
  readonly sessions: readonly {
    readonly session: SessionName;
    readonly key: string;
    readonly status: string;
    readonly index: number;
    readonly joinedMs: number;
    readonly dueMs?: number;
  }[];
  readonly connections: readonly ConnectionRow[];
  readonly activities: readonly HandleRow[];
  readonly invites: readonly HandleRow[];
  readonly people: {
    readonly follows: readonly string[];
    readonly avoids: readonly string[];
    readonly mutes: readonly string[];
  };
  /** Of Multiplayer Activity, by title. */
  readonly titleActivities: readonly JsonObject[];
  readonly tickets: readonly TicketRow[];
};

export type ConnectionRow = {
  readonly id: string;
  readonly nodeId: string;
  readonly xuid: string;
  readonly gamertag?: string;
  readonly openedMs: number;
  readonly unsentBytes: number;
  /** The resources, such as `https://sessiondirectory.xboxlive.com/connections`. */
  readonly subscriptions: readonly { readonly id: number; readonly resource: string }[];
  /** True of one that act has opened. */
  readonly isActing?: boolean;
};

/**
 * The log of this node: requests and what happens on connections, the newest last. Query: `after` (a
 * `number` of a row), `take` (the newest, 200), `refused=true`, `text`, `xuid`, `key`. At most the last
 * 2,000 rows are kept; what the inspector asks for itself is not among them.
 */
export type ActivityList = {
  readonly rows: readonly ActivityRow[];
  /** Of the newest row of all. */
  readonly lastNumber: number;
  /** Since when rows are kept. */
  readonly sinceMs: number;
};

export type ActivityRow = RequestRow | RtaRow;

type CommonRow = {
  /** Rises by one with each row of this node. */
  readonly number: number;
  readonly atMs: number;
  readonly caller?: CallerRow;
};

export type CallerRow = {
  readonly xuid?: string;
  readonly gamertag?: string;
  readonly service?: string;
  readonly titleId?: string;
};

export type RequestRow = CommonRow & {
  readonly kind: 'request';
  /** The correlation id, as in X-XblCorrelationId. */
  readonly id: string;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Such as `/serviceconfigs/{scid}/sessionTemplates/{templateName}/sessions/{name}`. */
  readonly route?: string;
  readonly status: number;
  readonly durationMs: number;
  readonly refusal?: { readonly code: string; readonly text: string; readonly detail?: string };
  /** The session that it names, if it names one. */
  readonly key?: string;
};

export type RtaRow = CommonRow & {
  readonly kind: 'rta';
  readonly connectionId: string;
  readonly what:
    | 'connected'
    | 'disconnected'
    | 'subscribed'
    | 'subscribeRefused'
    | 'unsubscribed'
    | 'taps'
    | 'resync';
  /** In a few words: the resource, the sessions of taps, why it ended. */
  readonly text: string;
  readonly key?: string;
};

export type RequestDetail = {
  readonly row: RequestRow;
  /** Tokens are replaced. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  /** At most 64 KiB of each; `isCut` when there was more. */
  readonly requestBody?: BodyText;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answerBody?: BodyText;
  /** What the token of the caller says. */
  readonly claims?: JsonObject;
  /** Where the rule that refused is described. */
  readonly docs?: string;
  /** Of a refused request; absent where nothing is known that fits. */
  readonly accepted?: AcceptedRequests;
};

/** What would have been accepted in place of a refused request. */
export type AcceptedRequests = {
  /** The state of the session that the ways are worked out from: as it was then, if its history has that. */
  readonly session?: { readonly changeNumber: number; readonly isNow: boolean };
  /** Any one of them. */
  readonly ways: readonly AcceptedWay[];
};

/** `values`: those that `text` speaks of, at most 100. */
export type AcceptedWay = { readonly text: string; readonly values?: readonly string[] };

export type BodyText = { readonly text: string; readonly isCut: boolean };

export type HopperList = { readonly hoppers: readonly HopperRow[] };

export type HopperRow = {
  readonly scid: string;
  readonly name: string;
  /** Those that wait, of the first 2,000; `isCut` when there are more. */
  readonly ticketsCount: number;
  readonly playersCount: number;
  readonly isCut: boolean;
  /** Since when the first of them waits. */
  readonly waitingSinceMs?: number;
};

export type HopperDetail = {
  readonly row: HopperRow;
  /** The hopper as the service config has it. */
  readonly hopper: JsonObject;
  /** The first 200, those who wait longest first. */
  readonly tickets: readonly TicketRow[];
  /** Those that this node made while it was looked at, the newest first, at most 100. */
  readonly matches: readonly MatchRow[];
};

export type TicketRow = {
  readonly id: string;
  readonly scid: string;
  readonly hopper: string;
  /** searching, found, expired, canceled or failed. */
  readonly status: string;
  readonly xuids: readonly string[];
  readonly sinceMs: number;
  readonly expiresMs?: number;
  readonly attributes: JsonObject;
  /** Whose ticket it is, and where its players were matched into. */
  readonly session: SessionName;
  readonly target?: SessionName;
  /** Why it waits; of the first 50. */
  readonly whyNot?: {
    readonly text: string;
    readonly keptBy: readonly { readonly rule: string; readonly tickets: number }[];
    /** `xuids`: the players of that ticket. */
    readonly nearest: readonly {
      readonly ticketId: string;
      readonly xuids: readonly string[];
      readonly because: readonly string[];
    }[];
  };
};

export type MatchRow = {
  readonly atMs: number;
  readonly hopper: string;
  readonly tickets: readonly string[];
  readonly playersCount: number;
  /** The key of the session that the players meet in. */
  readonly key: string;
};

/** What certification would say of the requests that are kept. */
export type Analysis = {
  readonly requestsCount: number;
  readonly sinceMs: number;
  /** Errors first, then in the order of time. */
  readonly findings: readonly Finding[];
  /** The most frequent first. */
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly calls: number;
    readonly users: number;
    readonly failed: number;
    /** The most calls of one user in a window of 15 s, and of 300 s. */
    readonly burstPeak: number;
    readonly sustainedPeak: number;
    /** What the limit that counts these calls is called. */
    readonly limit?: string;
  }[];
};

export type Finding = {
  readonly rule: string;
  readonly severity: 'error' | 'warning';
  /** The first of the callers. */
  readonly user: string;
  readonly usersCount: number;
  readonly endpoint: string;
  readonly sentence: string;
  readonly advice: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
  readonly limit?: number;
  readonly windowMs?: number;
  /** The ids of the first of the requests. */
  readonly callIds: readonly string[];
};

/**
 * One event of the stream, as `event: <kind>` and `data: <the event>`. The first is `hello`. A client
 * that reads too slowly gets `skipped` and asks for the lists again.
 */
export type LiveEvent =
  | { readonly kind: 'hello'; readonly info: InspectorInfo; readonly lastNumber: number }
  | { readonly kind: 'session'; readonly row: SessionRow; readonly change?: ChangeRow }
  | { readonly kind: 'sessionGone'; readonly key: string; readonly change?: ChangeRow }
  | { readonly kind: 'activity'; readonly row: ActivityRow }
  | { readonly kind: 'connection'; readonly row: ConnectionRow }
  | { readonly kind: 'connectionGone'; readonly id: string; readonly xuid: string }
  /** Its tickets or matches have changed: ask for it again. */
  | { readonly kind: 'hopper'; readonly name: string }
  | { readonly kind: 'clock'; readonly clock: ClockState }
  | { readonly kind: 'skipped'; readonly count: number };

/** A request that the server makes of itself as a development user. */
export type ActRequest = {
  readonly as: ActingUser;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query, such as `/handles/query?include=relatedInfo`. */
  readonly target: string;
  /** X-Xbl-Contract-Version is 107 unless given. Authorization and Host cannot be given. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** In place of `body`: the text as it is sent, JSON or not. */
  readonly bodyText?: string;
};

export type ActingUser = {
  readonly xuid: string;
  readonly gamertag?: string;
  readonly titleId?: string;
};

export type ActAnswer = {
  /** The id by which GET requests/{id} has it. */
  readonly requestId: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The text of the body; '' when there is none. */
  readonly body: string;
};

/** An RTA connection that the server holds for a development user, subscribed to session taps. */
export type ActingConnection = { readonly id: string; readonly as: ActingUser };

/**
 * The sessions and handles of a store, the gamertags and lists of the people in them, and the records of the
 * services, as a file that people can read and change. Sessions are as the store keeps them: times in milliseconds, members in a list.
 */
export type SavedState = {
  readonly openmpsdState: 1;
  /** When it was saved. Loading it sets the clock to this. */
  readonly savedMs: number;
  readonly sessions: readonly JsonObject[];
  readonly handles: readonly JsonObject[];
  readonly users: readonly JsonObject[];
  /** Absent in files of older versions; then loading leaves those of the store as they are. */
  readonly records?: readonly SavedRecord[];
};

/**
 * A record of a service beside the sessions: `matchmaking` (tickets, matches, figures of hoppers), `activities`
 * and `activityInvites` (Multiplayer Activity), `presence`, `bans`.
 */
export type SavedRecord = {
  readonly table: string;
  readonly group: string;
  readonly id: string;
  /** When time does something with it. */
  readonly dueMs?: number;
  readonly value: JsonObject;
};

/** `removedSessionsCount`: sessions that were there and are not in the file. */
export type LoadedState = {
  readonly sessionsCount: number;
  readonly handlesCount: number;
  readonly recordsCount: number;
  readonly removedSessionsCount: number;
};
