/**
 * The client of a session directory, for browsers, games and game servers: nothing but `fetch` and
 * `WebSocket`.
 *
 *     const ada = new MultiplayerService({ baseUrl: 'http://localhost:8350', authorization });
 *     const reference = { scid, templateName: 'deathmatch', name: 'session-49' };
 *     const { session, etag } = await ada.writeSession(reference, {
 *       members: { me: { properties: { system: { active: true } } } },
 *     });
 *     await ada.setActivity(reference);
 *     await ada.sendInvites(reference, ['2814639011617876'], { titleId: '1297287135' });
 */

import {
  bodyOf,
  errorOf,
  isAbsence,
  outOfSyncOf,
  referenceOf,
  resultsOf,
  sessionAndEtagOf,
  writtenOf,
} from './answer.ts';
import { requireKnown, requireList, requireObject, requireTimeLimit } from './arguments.ts';
import { chunksOf } from './chunks.ts';
import type {
  ActivityDetails,
  ActivityHandleDocument,
  HandleDocument,
  InviteHandleDocument,
  SearchAttributes,
  SearchDetails,
  SearchHandleDocument,
  TransferHandleDocument,
} from './handle-document.ts';
import { MultiplayerError } from './multiplayer-error.ts';
import {
  type HopperStatistics,
  matchProgressOf,
  type MatchProgress,
  type MatchTicket,
  type MatchTicketDocument,
  type MatchTicketReference,
  type MatchTicketRequest,
} from './match.ts';
import { NeighbourServices } from './neighbours.ts';
import {
  formatHandlePath,
  formatHopperPath,
  formatSessionPath,
  formatTemplatePath,
  formatTicketPath,
  requirePart,
  requireScope,
  type SessionReference,
  type SessionTarget,
} from './reference.ts';
import { newGuid, sleep, sleepInBackground, type Sleep } from './platform.ts';
import type { SearchFilter } from './search-filter.ts';
import { sessionQueryCall, type FoundSession, type SessionQuery } from './session-query.ts';
import { RtaConnection, type RtaSettings } from './rta-connection.ts';
import type { SessionWriter, WriteMode, WriteOptions } from './session-writer.ts';
import { defaultRetryPolicy, type Repeat, type RetryPolicy } from './retry.ts';
import type {
  AnyTitle,
  ByHandle,
  Guid,
  JsonObject,
  MemberChanges,
  MemberDocument,
  SessionAndEtag,
  SessionChanges,
  SessionConstantsSystem,
  SessionDocument,
  SessionNotModified,
  SessionOutOfSync,
  SessionPropertiesSystem,
  SessionRead,
  SessionWriteResult,
  TitleData,
  TitleId,
  Xuid,
} from './session-document.ts';
import {
  Transport,
  type Answer,
  type Authorization,
  type Call,
  type CallOptions,
  type Fetch,
} from './transport.ts';
import { within } from './within.ts';

export type * from './handle-document.ts';
export { isRawNumber, type JsonInput, type RawNumber } from './json.ts';
export {
  MultiplayerError,
  type ErrorFacts,
  type MultiplayerErrorCode,
} from './multiplayer-error.ts';
export type * from './neighbours.ts';
export type { ReconnectPolicy } from './reconnect.ts';
export type { SessionReference, SessionTarget } from './reference.ts';
export type { RetryPolicy } from './retry.ts';
export type {
  HopperStatistics,
  MatchProgress,
  MatchTicket,
  MatchTicketDocument,
  MatchTicketReference,
  MatchTicketRequest,
} from './match.ts';
export { where, type SearchFilter } from './search-filter.ts';
export type { FoundSession, FoundVisibility, SessionQuery } from './session-query.ts';
export type { SessionWriter, WriteMode, WriteOptions } from './session-writer.ts';
export {
  invitesResource,
  RtaConnection,
  type FollowOptions,
  type RtaSettings,
  type RtaSubscription,
} from './rta-connection.ts';
export { RtaError } from './rta-error.ts';
export type { OpenWebSocket, WebSocketLike } from './rta-socket.ts';
export { memberOf, membersOf } from './session-document.ts';
export type * from './session-document.ts';
export type { Resync, SessionTap, Tap, FollowEnd } from './taps.ts';
export type { Sleep } from './platform.ts';
export type { Authorization, CallOptions, Fetch, FetchAnswer } from './transport.ts';

/** How `findMatch` searches. */
export type MatchSearch = {
  /** The ticket to make; absent: that of another member of the lobby. */
  readonly ticket?: MatchTicketRequest;
  /** What is written as `members.me` of the game session. */
  readonly me?: MemberChanges;
  /** Follows the game session that was found: its taps come from this connection. */
  readonly connection?: RtaConnection;
  /** Called when the status of the search changes. */
  readonly progress?: (progress: MatchProgress) => void;
  /** How often the lobby is looked at, at first, in milliseconds: 1,000. In a long search five times as seldom. */
  readonly pollMs?: number;
};

/** How a search ended: in a game session that was joined, or not. */
export type MatchOutcome<Title extends TitleData = AnyTitle> =
  | {
      readonly status: 'joined';
      readonly reference: SessionReference;
      readonly session: SessionDocument<Title>;
      readonly etag: string;
    }
  | {
      readonly status: 'expired' | 'canceled' | 'failed';
      /** For players, or for the log: why it has failed. */
      readonly details?: string;
    };

/** The address of the directory, the caller, and how failed calls are repeated. */
export type MultiplayerServiceSettings = {
  /** `http://localhost:8350`; may end in a path under which the directory is mounted. */
  readonly baseUrl: string;
  /** `XBL3.0 x=…;…`, or a function that returns it and can renew it. */
  readonly authorization: Authorization;
  /**
   * The xuid of `authorization`. `clearActivity` and calls about the caller's people need it, and
   * know it when this object has set an activity.
   */
  readonly xuid?: Xuid;
  /** 104, 105 or 107, the default. The types here are those of 107. */
  readonly contractVersion?: number;
  /** How failed calls are repeated; `false`: not at all. */
  readonly retry?: Partial<RetryPolicy> | false;
  /** How long one request may take with all its tries: 30 s. */
  readonly timeoutMs?: number;
  /** Ends all calls and connections, also later ones. They reject with the signal's reason. */
  readonly signal?: AbortSignal;
  /** In place of the platform's own. */
  readonly fetch?: Fetch;
  /** In place of timers. */
  readonly sleep?: Sleep;
  /** In place of `Math.random`, for delays. */
  readonly random?: () => number;
  /** In place of `Date.now`. */
  readonly nowMs?: () => number;
  /** In place of random GUIDs: the ids of invites and transfers. */
  readonly newGuid?: () => Guid;
};

/** The content of an invitation. @source docs/wire/handles.md "POST /handles" */
export type InviteAttributes = {
  /** The id of the title, decimal. */
  readonly titleId: TitleId;
  /** Names the text to show, from the title's configuration: `///id`. */
  readonly contextStringId?: string;
  /** What the title receives when the invite starts it; at most 256 characters encoded. */
  readonly customActivationContext?: string;
  /** The name of the sender, when a game service invites. */
  readonly senderString?: string;
};

/** The result of the invitation of one user. */
export type InviteOutcome =
  | { readonly xuid: Xuid; readonly status: 'sent'; readonly handle: InviteHandleDocument }
  | { readonly xuid: Xuid; readonly status: 'failed'; readonly error: MultiplayerError };

/** The content of a session template. @source docs/wire/service-configs.md "Asking for templates" */
export type SessionTemplateDocument = {
  readonly contractVersion?: number;
  readonly constants?: {
    readonly system?: Partial<SessionConstantsSystem>;
    readonly custom?: JsonObject;
  };
  readonly properties?: {
    readonly system?: SessionPropertiesSystem;
    readonly custom?: JsonObject;
  };
  readonly roleTypes?: JsonObject;
};

/** What to search for. @source docs/wire/search.md "POST /handles/query" */
export type HandleSearch = {
  readonly scid: Guid;
  readonly templateName?: string;
  /** Made by `where`, or a text in the language of the server. */
  readonly filter?: SearchFilter | string;
  /** An attribute or `session/…` field, and a direction: `mmr desc`. Else the oldest come first. */
  readonly orderBy?: string;
  /** Only sessions that one of the caller's people is in. Needs the caller's xuid. */
  readonly socialGroup?: SocialGroup;
  /** How many to answer. */
  readonly take?: number;
};

/** Lists of people that a user keeps. */
export type SocialGroup = 'people' | 'favorites';

/**
 * Users asked for at once, so that no answer is cut short.
 *
 * @source docs/wire/handles.md "POST /handles/query"
 */
const xuidsPerQueryMax = 100;

/** Invitations on their way at once. */
const invitesAtOnceMax = 8;

const updateAttemptsMaxDefault = 20;
const updatePauseMsMax = 1_000;
const timeoutMsDefault = 30_000;

/** Each setting that there is. */
const settingNames: Readonly<Record<keyof MultiplayerServiceSettings, true>> = {
  baseUrl: true,
  authorization: true,
  xuid: true,
  contractVersion: true,
  retry: true,
  timeoutMs: true,
  signal: true,
  fetch: true,
  sleep: true,
  random: true,
  nowMs: true,
  newGuid: true,
};

/**
 * The session directory as one user or game service sees it. Every method rejects with a
 * `MultiplayerError` when the server refuses, or when no usable answer comes. A read of a missing
 * thing is no error: the result is undefined. Calls that may be repeated without harm are repeated,
 * with growing delays, while the server is overloaded: see `retry.ts`. A 401 is answered once with
 * a fresh token, if `authorization` is a function.
 *
 * @source docs/wire/README.md "Every request"
 */
export class MultiplayerService implements SessionWriter {
  /** Profile, people, presence, permissions, activities without sessions. */
  readonly neighbours: NeighbourServices;
  readonly #transport: Transport;
  readonly #sleep: Sleep;
  readonly #sleepInBackground: Sleep;
  readonly #random: () => number;
  readonly #newGuid: () => Guid;
  readonly #baseUrl: string;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #connections = new Set<RtaConnection>();
  #xuid: Xuid | undefined;

  constructor(settings: MultiplayerServiceSettings) {
    if (typeof settings !== 'object' || settings === null) {
      throw new TypeError('A MultiplayerService needs settings: { baseUrl, authorization }.');
    }
    requireKnown(settings, settingNames, 'MultiplayerService');
    const { baseUrl, authorization, contractVersion = 107, retry = {} } = settings;
    if (retry !== false) requireKnown(retry, defaultRetryPolicy, 'The retry of MultiplayerService');
    if (!URL.canParse(baseUrl)) {
      throw new TypeError(`The baseUrl must be the address of a server, not ${baseUrl}`);
    }
    if (!/^https?:$/.test(new URL(baseUrl).protocol)) {
      throw new TypeError(`The baseUrl must begin with http:// or https://, not ${baseUrl}`);
    }
    if (typeof authorization !== 'string' && typeof authorization !== 'function') {
      throw new TypeError(
        'The authorization must be the value of the header Authorization, or a function that gives it.',
      );
    }
    this.#sleep = settings.sleep ?? sleep;
    this.#sleepInBackground = settings.sleep ?? sleepInBackground;
    this.#random = settings.random ?? Math.random;
    this.#newGuid = settings.newGuid ?? newGuid;
    this.#xuid = settings.xuid;
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#timeoutMs = settings.timeoutMs ?? timeoutMsDefault;
    requireTimeLimit(this.#timeoutMs);
    this.#signal = settings.signal;
    this.#transport = new Transport({
      baseUrl: this.#baseUrl,
      authorization,
      contractVersion,
      fetch: settings.fetch ?? globalThis.fetch,
      retry: retry === false ? undefined : { ...defaultRetryPolicy, ...retry },
      timeoutMs: this.#timeoutMs,
      signal: this.#signal,
      sleep: this.#sleep,
      random: this.#random,
      nowMs: settings.nowMs ?? Date.now,
    });
    this.neighbours = new NeighbourServices({
      send: (call, options) => this.#send(call, options),
      xuid: () => this.#xuid,
      nowMs: settings.nowMs ?? Date.now,
    });
  }

  // sessions

  /**
   * The session, or undefined when it does not exist. With `ifNoneMatch`, an ETag: `notModified`
   * when that is still the current one.
   *
   * @source docs/wire/sessions.md "Access"
   */
  async getSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    options?: CallOptions & { readonly ifNoneMatch?: undefined },
  ): Promise<SessionRead<Title> | undefined>;
  async getSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    options: CallOptions & { readonly ifNoneMatch: string },
  ): Promise<SessionRead<Title> | SessionNotModified | undefined>;
  async getSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    { ifNoneMatch, ...options }: CallOptions & { readonly ifNoneMatch?: string | undefined } = {},
  ): Promise<SessionRead<Title> | SessionNotModified | undefined> {
    const headers = ifNoneMatch === undefined ? {} : { 'If-None-Match': ifNoneMatch };
    const answer = await this.#read(formatSessionPath(reference), options, headers);
    if (answer?.status === 304) return { status: 'notModified' };
    return answer && { status: 'read', ...sessionAndEtagOf<Title>(answer) };
  }

  /**
   * The session of a handle, and its reference; undefined when the handle or the session is gone.
   *
   * @source docs/wire/handles.md "POST /handles"
   */
  async getSessionByHandle<Title extends TitleData = AnyTitle>(
    handleId: Guid,
    options?: CallOptions,
  ): Promise<ByHandle<SessionRead<Title>> | undefined> {
    const answer = await this.#read(`${formatHandlePath(handleId)}/session`, options);
    if (answer === undefined) return undefined;
    return { status: 'read', ...sessionAndEtagOf<Title>(answer), reference: referenceOf(answer) };
  }

  /**
   * The result of the write: the session is `created`, `updated` (also without a change), or
   * `deleted`. The changes decide whether it joins, leaves, creates or changes. A failed
   * precondition is an error here and a value in `tryWriteSession`.
   *
   * @source docs/wire/sessions.md "PUT"
   */
  async writeSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    changes: SessionChanges<Title>,
    options: WriteOptions = {},
  ): Promise<SessionWriteResult<Title>> {
    return writtenOf<Title>(await this.#writeOwn(reference, changes, options));
  }

  /**
   * The result of the write, or `outOfSync` with the current session and its ETag when the
   * precondition failed.
   *
   * Throws for any other refusal.
   *
   * @source docs/wire/sessions.md "Preconditions"
   */
  async tryWriteSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    changes: SessionChanges<Title>,
    options: WriteOptions = {},
  ): Promise<SessionWriteResult<Title> | SessionOutOfSync<Title>> {
    const answer = await this.#writeOwn(reference, changes, options);
    return outOfSyncOf<Title>(answer) ?? writtenOf<Title>(answer);
  }

  /**
   * The session after changes that depend on it: `change` gets the current session and returns the
   * changes, or undefined when there is nothing to do (`unchanged`). No other user's write comes
   * between the two: when one does, `change` is called again with the newer session.
   *
   * Throws when the session does not exist, and the 412 when others came first `attemptsMax` times
   * (20). When no answer arrived the write may have happened; then it throws too, so that nothing
   * is counted twice.
   *
   * @source docs/wire/sessions.md "Preconditions"
   */
  async updateSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    change: (
      session: SessionDocument<Title>,
    ) => SessionChanges<Title> | undefined | Promise<SessionChanges<Title> | undefined>,
    options: CallOptions & { readonly attemptsMax?: number } = {},
  ): Promise<
    SessionWriteResult<Title> | ({ readonly status: 'unchanged' } & SessionAndEtag<Title>)
  > {
    const { attemptsMax = updateAttemptsMaxDefault, ...call } = options;
    let current: SessionAndEtag<Title> | undefined;
    for (let attempt = 1; ; attempt += 1) {
      current ??= await this.#readExisting<Title>(reference, call);
      const changes = await change(current.session);
      if (changes === undefined) return { ...current, status: 'unchanged' };
      const answer = await this.#writeOwn(reference, changes, { ...call, etag: current.etag });
      const outOfSync = outOfSyncOf<Title>(answer);
      if (outOfSync === undefined) return writtenOf<Title>(answer);
      if (attempt >= attemptsMax) throw errorOf(answer);
      current = outOfSync.session && outOfSync;
      await this.#pause(attempt, call.signal);
    }
  }

  /**
   * The result of a write to the session of a handle, and its reference. This is how a user joins
   * by an invite, an activity or a transfer. It never creates a session: without one, or without
   * the handle, it throws.
   *
   * @source docs/wire/handles.md "POST /handles"
   */
  async writeSessionByHandle<Title extends TitleData = AnyTitle>(
    handleId: Guid,
    changes: SessionChanges<Title>,
    options: WriteOptions = {},
  ): Promise<ByHandle<SessionWriteResult<Title>>> {
    const answer = await this.#write(`${formatHandlePath(handleId)}/session`, changes, options);
    const written = writtenOf<Title>(answer);
    return written.status === 'deleted' ? written : { ...written, reference: referenceOf(answer) };
  }

  /**
   * The session without the caller; `deleted` when the caller was the last, or when there is no
   * such session.
   *
   * @source docs/wire/sessions.md "PUT"
   */
  leaveSession<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    options: CallOptions = {},
  ): Promise<SessionWriteResult<Title>> {
    return this.writeSession<Title>(reference, { members: { me: null } }, options);
  }

  /**
   * The sessions that a query finds, of which the caller may read each. A session comes once for
   * each user of the query who is in it, in the order of the users.
   *
   * @source docs/wire/queries.md "Queries for sessions"
   */
  async getSessions(query: SessionQuery, options?: CallOptions): Promise<readonly FoundSession[]> {
    return resultsOf(await this.#send(sessionQueryCall(query), options));
  }

  // elements of a session

  /**
   * One member, by index or the caller's own; undefined when there is no such member, or no
   * session.
   *
   * @source docs/wire/sessions.md "Element URIs"
   */
  async getMember<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    member: number | 'me',
    options?: CallOptions,
  ): Promise<MemberDocument<Title> | undefined> {
    requirePart(member, 'index of the member');
    const answer = await this.#read(`${formatSessionPath(reference)}/members/${member}`, options);
    return answer && (bodyOf(answer) as MemberDocument<Title>);
  }

  /**
   * The session without the member of this index; `deleted` when that was the last one, or when the
   * member was not there. For game services and owners.
   *
   * @source docs/wire/sessions.md "Element URIs"
   */
  async removeMember<Title extends TitleData = AnyTitle>(
    reference: SessionReference,
    index: number,
    options?: CallOptions,
  ): Promise<SessionWriteResult<Title>> {
    requirePart(index, 'index of the member');
    const path = `${formatSessionPath(reference)}/members/${index}`;
    return writtenOf<Title>(await this.#send({ verb: 'DELETE', path, repeat: 'always' }, options));
  }

  // handles

  /**
   * The handle by which others see the caller in this session. Replaces the caller's earlier
   * activity in this service config. The caller must be an active member. XSAPI: `SetActivityAsync`.
   *
   * @source docs/wire/handles.md "POST /handles"
   */
  async setActivity(target: SessionTarget, options?: CallOptions): Promise<ActivityHandleDocument> {
    const body = { type: 'activity', version: 1, sessionRef: sessionRefOf(target) };
    const handle = await this.#createHandle<ActivityHandleDocument>(body, options);
    this.#xuid ??= handle.ownerXuid;
    return handle;
  }

  /**
   * True when the caller had an activity in this service config; it is gone now. The caller's xuid
   * must be known: from `xuid` here or in the settings, or because this object set the activity.
   *
   * Throws a TypeError when it is not.
   *
   * @source docs/wire/handles.md "POST /handles"
   */
  async clearActivity(
    scid: Guid,
    { xuid = this.#xuid, ...options }: CallOptions & { readonly xuid?: Xuid } = {},
  ): Promise<boolean> {
    if (xuid === undefined) {
      throw new TypeError(
        'clearActivity must know whose activity: give "xuid" to it or to the MultiplayerService.',
      );
    }
    const activities = await this.getActivitiesForUsers(scid, [xuid], options);
    let cleared = false;
    for (const { id } of activities) cleared = (await this.deleteHandle(id, options)) || cleared;
    return cleared;
  }

  /**
   * The result of the invitation of each user, in the order of `xuids`. One that fails does not
   * stop the rest, and none is sent twice, however often it is tried or the user is named. The caller must be a member,
   * or a game service.
   *
   * @source docs/wire/handles.md "POST /handles"
   */
  async sendInvites(
    reference: SessionReference,
    xuids: readonly Xuid[],
    attributes: InviteAttributes,
    options?: CallOptions,
  ): Promise<readonly InviteOutcome[]> {
    requireList(xuids, 'xuids');
    requireObject(attributes, 'content of the invites', "{ titleId: '1297287135' }");
    const { titleId, contextStringId, customActivationContext, senderString } = attributes;
    const inviteAttributes = {
      titleId,
      ...(contextStringId !== undefined && { contextString: contextStringId }),
      ...(customActivationContext !== undefined && { context: customActivationContext }),
      ...(senderString !== undefined && { senderString }),
    };
    const invite = async (xuid: Xuid): Promise<InviteOutcome> => {
      const body = {
        id: this.#newGuid(),
        type: 'invite',
        version: 1,
        sessionRef: sessionRefOf(reference),
        invitedXuid: xuid,
        inviteAttributes,
      };
      try {
        const handle = await this.#createHandle<InviteHandleDocument>(body, options);
        return { xuid, status: 'sent', handle };
      } catch (error) {
        if (!(error instanceof MultiplayerError)) throw error;
        return { xuid, status: 'failed', error };
      }
    };
    const outcomes = new Map<Xuid, InviteOutcome>();
    for (const some of chunksOf([...new Set(xuids)], invitesAtOnceMax)) {
      for (const outcome of await Promise.all(some.map(invite))) {
        outcomes.set(outcome.xuid, outcome);
      }
    }
    return xuids.flatMap((xuid) => outcomes.get(xuid) ?? []);
  }

  /**
   * The id of a new handle by which the members of `origin`, a lobby, may join `target`, a game.
   * The caller must be a member of both.
   *
   * @source docs/wire/handles.md "POST /handles"
   */
  async setTransferHandle(
    target: SessionReference,
    origin: SessionReference,
    options?: CallOptions,
  ): Promise<Guid> {
    const body = {
      id: this.#newGuid(),
      type: 'transfer',
      version: 1,
      sessionRef: sessionRefOf(target),
      originSessionRef: sessionRefOf(origin),
    };
    return (await this.#createHandle<TransferHandleDocument>(body, options)).id;
  }

  /**
   * The handle, or undefined when there is none (any more).
   *
   * @source docs/wire/handles.md "Reading and deleting"
   */
  async getHandle(handleId: Guid, options?: CallOptions): Promise<HandleDocument | undefined> {
    const answer = await this.#read(formatHandlePath(handleId), options);
    return answer && (bodyOf(answer) as HandleDocument);
  }

  /**
   * True when the handle is deleted, false when there was none (any more).
   *
   * @source docs/wire/handles.md "Reading and deleting"
   */
  async deleteHandle(handleId: Guid, options?: CallOptions): Promise<boolean> {
    const call = { verb: 'DELETE', path: formatHandlePath(handleId), repeat: 'always' } as const;
    const answer = await this.#send(call, options);
    if (isAbsence(answer)) return false;
    if (answer.status >= 300) throw errorOf(answer);
    return true;
  }

  /**
   * The activities of these users in this service config, each with `relatedInfo` of its session
   * and the session's custom properties. A user who plays nothing that the caller may see has none.
   *
   * @source docs/wire/handles.md "POST /handles/query"
   */
  async getActivitiesForUsers<Title extends TitleData = AnyTitle>(
    scid: Guid,
    xuids: readonly Xuid[],
    options?: CallOptions,
  ): Promise<readonly ActivityDetails<SessionDocument<Title>['properties']['custom']>[]> {
    requireList(xuids, 'xuids');
    type Details = ActivityDetails<SessionDocument<Title>['properties']['custom']>;
    const activities: Details[] = [];
    for (const some of chunksOf([...new Set(xuids)], xuidsPerQueryMax)) {
      activities.push(...(await this.#queryActivities<Details>(scid, { xuids: some }, options)));
    }
    return activities;
  }

  /**
   * The activities of the people whom a user follows, or of the favourites among them: at most 100.
   * The user must be known: from `xuid` here or in the settings, or from an activity that this
   * object set; game services may ask for anybody's.
   *
   * Throws a TypeError when it is not known.
   *
   * @source docs/wire/handles.md "POST /handles/query"
   */
  async getActivitiesForSocialGroup<Title extends TitleData = AnyTitle>(
    scid: Guid,
    socialGroup: SocialGroup,
    { xuid, ...options }: CallOptions & { readonly xuid?: Xuid } = {},
  ): Promise<readonly ActivityDetails<SessionDocument<Title>['properties']['custom']>[]> {
    const people = this.#peopleOf(socialGroup, xuid, 'getActivitiesForSocialGroup');
    return this.#queryActivities(scid, { people }, options);
  }

  /**
   * The handle by which searches find the session. Replaces the session's earlier one. The session
   * needs the capability `searchable`; the caller must be a member, or an owner where there are
   * owners.
   *
   * @source docs/wire/search.md "Search handles"
   */
  setSearchHandle(
    reference: SessionReference,
    searchAttributes: SearchAttributes = {},
    options?: CallOptions,
  ): Promise<SearchHandleDocument> {
    const body = {
      type: 'search',
      version: 1,
      sessionRef: sessionRefOf(reference),
      searchAttributes,
    };
    return this.#createHandle<SearchHandleDocument>(body, options);
  }

  /**
   * The search handles of a search, each with what its session shows.
   *
   * @source docs/wire/search.md "POST /handles/query"
   */
  async getSearchHandles<Title extends TitleData = AnyTitle>(
    search: HandleSearch,
    { xuid, ...options }: CallOptions & { readonly xuid?: Xuid } = {},
  ): Promise<readonly SearchDetails<SessionDocument<Title>['properties']['custom']>[]> {
    requireObject(search, 'search', '{ scid }');
    const { scid, templateName, filter, orderBy, socialGroup, take } = search;
    const body = {
      type: 'search',
      scid,
      ...(templateName !== undefined && { templateName }),
      ...(filter !== undefined && { filter: typeof filter === 'string' ? filter : filter.text }),
      ...(orderBy !== undefined && { orderBy }),
      ...(socialGroup !== undefined && {
        sessionMembers: { people: this.#peopleOf(socialGroup, xuid, 'getSearchHandles') },
      }),
      ...(take !== undefined && { take }),
    };
    const path = '/handles/query?include=relatedInfo,roleInfo,customProperties';
    const call = { verb: 'POST', path, body, repeat: 'always' } as const;
    return resultsOf(await this.#send(call, options));
  }

  // people

  /**
   * Adds these users to the caller's list of friends; one who is on it already stays.
   *
   * @source docs/wire/people.md "People"
   */
  async follow(xuids: readonly Xuid[], options?: CallOptions): Promise<void> {
    requireList(xuids, 'xuids');
    const path = '/users/me/people/xuids?method=add';
    await this.#do({ verb: 'POST', path, body: { xuids }, repeat: 'always' }, options);
  }

  /** Removes these users from the caller's list of friends. @source docs/wire/people.md "People" */
  async unfollow(xuids: readonly Xuid[], options?: CallOptions): Promise<void> {
    requireList(xuids, 'xuids');
    const path = '/users/me/people/xuids?method=remove';
    await this.#do({ verb: 'POST', path, body: { xuids }, repeat: 'always' }, options);
  }

  /**
   * Blocks this user, who cannot invite the caller any more.
   *
   * @source docs/wire/people.md "People"
   */
  avoid(xuid: Xuid, options?: CallOptions): Promise<void> {
    return this.#changePrivacy('PUT', 'avoid', xuid, options);
  }

  unavoid(xuid: Xuid, options?: CallOptions): Promise<void> {
    return this.#changePrivacy('DELETE', 'avoid', xuid, options);
  }

  /** Adds this user to the caller's list of muted users. @source docs/wire/people.md "People" */
  mute(xuid: Xuid, options?: CallOptions): Promise<void> {
    return this.#changePrivacy('PUT', 'mute', xuid, options);
  }

  unmute(xuid: Xuid, options?: CallOptions): Promise<void> {
    return this.#changePrivacy('DELETE', 'mute', xuid, options);
  }

  // matchmaking

  /**
   * A match ticket for a session in which the caller is a member. The session shows that it searches.
   * A former ticket of the session is canceled.
   *
   * @source docs/wire/matchmaking.md "Tickets"
   */
  async createMatchTicket(
    session: SessionReference,
    request: MatchTicketRequest,
    options?: CallOptions,
  ): Promise<MatchTicket> {
    requireObject(request, 'request of a ticket', "{ hopper: 'quick' }");
    const { hopper, giveUpSeconds = 120, preserveSession = false, attributes } = request;
    const body = {
      giveUpDuration: giveUpSeconds,
      preserveSession: preserveSession ? 'always' : 'never',
      ticketSessionRef: sessionRefOf(session),
      ...(attributes && { ticketAttributes: attributes }),
    };
    const path = formatHopperPath(session.scid, hopper);
    const answer = await this.#send({ verb: 'POST', path, body, repeat: 'ifNotDone' }, options);
    return bodyOf(answer) as MatchTicket;
  }

  /** Ends the search of a ticket; one that is found or has ended stays as it is. */
  async deleteMatchTicket(
    { scid, hopper, ticketId }: MatchTicketReference,
    options?: CallOptions,
  ): Promise<void> {
    const path = formatTicketPath(scid, hopper, ticketId);
    await this.#do({ verb: 'DELETE', path, repeat: 'always' }, options);
  }

  /** A ticket, and while it searches why it is not matched yet. */
  async getMatchTicketDetails(
    { scid, hopper, ticketId }: MatchTicketReference,
    options?: CallOptions,
  ): Promise<MatchTicketDocument> {
    const path = formatTicketPath(scid, hopper, ticketId);
    const answer = await this.#send({ verb: 'GET', path, repeat: 'always' }, options);
    return bodyOf(answer) as MatchTicketDocument;
  }

  /** How long players of a hopper wait, and how many wait now. */
  async getHopperStatistics(
    scid: Guid,
    hopper: string,
    options?: CallOptions,
  ): Promise<HopperStatistics> {
    const path = `${formatHopperPath(scid, hopper)}/stats`;
    const answer = await this.#send({ verb: 'GET', path, repeat: 'always' }, options);
    return bodyOf(answer) as HopperStatistics;
  }

  /**
   * Takes the caller from a lobby to a joined game session, or says how the search ended. With `ticket`
   * it makes the ticket of the lobby; without, the caller comes along with the ticket of another
   * member. When `signal` is aborted, the ticket that was made is deleted, and then the call rejects. A
   * ticket that cannot be deleted ends after its own `giveUpSeconds`, as does that of a search which the
   * signal of the service ends.
   *
   * The caller joins as `me` says; without, as an active member, of `connection` if that is given.
   *
   * @source docs/wire/matchmaking.md "Life of a ticket"
   */
  async findMatch<Title extends TitleData = AnyTitle>(
    lobby: SessionReference,
    search: MatchSearch,
    { signal, ...options }: CallOptions = {},
  ): Promise<MatchOutcome<Title>> {
    requireObject(search, 'search', "{ ticket: { hopper: 'quick' } }");
    const { ticket } = search;
    const call: CallOptions = { ...options, ...(signal && { signal }) };
    signal?.throwIfAborted();
    // Without the signal: a ticket is deleted by its id, which comes with the answer.
    const made = ticket && (await this.createMatchTicket(lobby, ticket, options));
    try {
      const { status, target, details } = await this.#searchEnd(lobby, search, made, call);
      if (status === 'found' && target) return await this.#joinMatch<Title>(target, search, call);
      return {
        // Another status, of a newer server, says that no game was found either.
        status: status === 'expired' || status === 'canceled' ? status : 'failed',
        ...(details !== undefined && { details }),
      };
    } catch (error) {
      if (made && ticket && signal?.aborted) {
        const place = { scid: lobby.scid, hopper: ticket.hopper, ticketId: made.ticketId };
        await this.deleteMatchTicket(place, options).catch(() => undefined);
      }
      throw error;
    }
  }

  /** What a lobby shows when its search is over. Looks at it until then. */
  async #searchEnd(
    lobby: SessionReference,
    { progress, pollMs = matchPollMs }: MatchSearch,
    made: MatchTicket | undefined,
    call: CallOptions,
  ): Promise<MatchProgress> {
    let shown: string | undefined;
    for (let looks = 1; ; looks += 1) {
      const { session } = await this.#readExisting(lobby, call);
      const found = matchProgressOf(session);
      // Another member's ticket may have taken the place of this one.
      if (made && found?.ticketId !== made.ticketId) return { status: 'canceled' };
      if (found && found.status !== shown) progress?.(found);
      if (found && found.status !== 'searching') return found;
      shown = found?.status;
      // The documented limit of reads is 300 in 300 s, with those of the game.
      const waitMs = pollMs * Math.min(5, Math.max(1, looks / 10));
      await this.#sleepWithin(waitMs, call.signal);
    }
  }

  async #joinMatch<Title extends TitleData>(
    target: SessionReference,
    { me, connection }: MatchSearch,
    call: CallOptions,
  ): Promise<MatchOutcome<Title>> {
    const members = { me: me ?? { properties: { system: { active: true } } } };
    const changes = { members } as unknown as SessionChanges<Title>;
    const joined =
      connection === undefined
        ? await this.writeSession<Title>(target, changes, call)
        : await connection.follow<Title>(target, changes, call);
    if (joined.status === 'deleted') return { status: 'failed' };
    const { session, etag } = joined;
    return { status: 'joined', reference: target, session, etag };
  }

  // session templates

  /** The names of the session templates of a service config. */
  async getSessionTemplates(scid: Guid, options?: CallOptions): Promise<readonly string[]> {
    const path = formatTemplatePath(scid);
    return resultsOf(await this.#send({ verb: 'GET', path, repeat: 'always' }, options));
  }

  /**
   * One session template. Throws when there is none of this name.
   *
   * @source docs/wire/service-configs.md "Asking for templates"
   */
  async getSessionTemplate(
    scid: Guid,
    templateName: string,
    options?: CallOptions,
  ): Promise<SessionTemplateDocument> {
    requirePart(templateName, 'template name');
    const path = formatTemplatePath(scid, templateName);
    const answer = await this.#send({ verb: 'GET', path, repeat: 'always' }, options);
    return bodyOf(answer) as SessionTemplateDocument;
  }

  // real time

  /**
   * A real-time connection: it reports the changes of the sessions that it follows, and reconnects
   * by itself. Rejects when the server cannot be reached or refuses it.
   *
   * @source docs/wire/rta.md "Connecting"
   */
  async connect(settings: RtaSettings = {}): Promise<RtaConnection> {
    const connection = await RtaConnection.open(
      {
        service: this,
        url: `${this.#baseUrl.replace(/^http/, 'ws')}/connect`,
        newNonce: (signal) => this.#newNonce(signal),
        newGuid: this.#newGuid,
        timeoutMs: this.#timeoutMs,
        signal: this.#signal,
        sleep: this.#sleepInBackground,
        random: this.#random,
        onClosed: (closed) => this.#connections.delete(closed),
      },
      settings,
    );
    this.#connections.add(connection);
    return connection;
  }

  async #newNonce(signal: AbortSignal): Promise<string> {
    // The connection itself tries again, with pauses of its own.
    const call = { verb: 'GET', path: '/nonce', repeat: 'ifNotDone' } as const;
    const { nonce } = bodyOf(await this.#send(call, { signal })) as { readonly nonce: string };
    return nonce;
  }

  // what the methods are made of

  #send(call: Call, options?: CallOptions): Promise<Answer> {
    return this.#transport.send(call, options);
  }

  /** An answer with a document, or a 304; undefined for what does not exist. */
  async #read(
    path: string,
    options?: CallOptions,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer | undefined> {
    const answer = await this.#send({ verb: 'GET', path, headers, repeat: 'always' }, options);
    if (answer.status === 204 || isAbsence(answer)) return undefined;
    if (answer.status >= 400) throw errorOf(answer);
    return answer;
  }

  async #readExisting<Title extends TitleData>(
    reference: SessionReference,
    options: CallOptions,
  ): Promise<SessionAndEtag<Title>> {
    const read = await this.getSession<Title>(reference, options);
    if (read !== undefined) return read;
    throw new MultiplayerError({
      verb: 'GET',
      path: formatSessionPath(reference),
      status: 204,
      code: 'sessionGone',
      text: 'There is no such session to update.',
    });
  }

  /** A write by the session's own URI. A user who leaves by it does not follow the session any more. */
  async #writeOwn(
    reference: SessionReference,
    changes: { readonly members?: { readonly me?: unknown } },
    options: WriteOptions,
  ): Promise<Answer> {
    const answer = await this.#write(formatSessionPath(reference), changes, options);
    if (changes.members?.me === null && answer.status < 300 && !options.preview) {
      for (const connection of this.#connections) connection.unfollow(reference);
    }
    return answer;
  }

  #write(
    path: string,
    changes: unknown,
    { mode, etag, preview, ...options }: WriteOptions,
  ): Promise<Answer> {
    requireObject(changes, 'changes', '{ members: { me: null } }');
    const headers = preconditionOf(mode, etag);
    const repeat: Repeat = preview
      ? 'always'
      : Object.keys(headers).length === 0
        ? 'ifRefused'
        : 'ifNotDone';
    const query = preview ? '?nocommit=true' : '';
    const call = { verb: 'PUT', path: `${path}${query}`, headers, body: changes, repeat } as const;
    return this.#send(call, options);
  }

  async #queryActivities<Details>(
    scid: Guid,
    owners: object,
    options?: CallOptions,
  ): Promise<readonly Details[]> {
    const path = '/handles/query?include=relatedInfo,customProperties';
    const body = { type: 'activity', scid, owners };
    return resultsOf(await this.#send({ verb: 'POST', path, body, repeat: 'always' }, options));
  }

  #peopleOf(moniker: SocialGroup, xuid: Xuid | undefined, method: string): object {
    const monikerXuid = xuid ?? this.#xuid;
    if (monikerXuid !== undefined) return { moniker, monikerXuid };
    throw new TypeError(
      `${method} must know whose people: give "xuid" to it or to the MultiplayerService.`,
    );
  }

  #changePrivacy(
    verb: 'PUT' | 'DELETE',
    list: 'avoid' | 'mute',
    xuid: Xuid,
    options?: CallOptions,
  ): Promise<void> {
    const path = `/users/me/people/${list}`;
    return this.#do({ verb, path, body: { xuid }, repeat: 'always' }, options);
  }

  /** Makes a call without a result. */
  async #do(call: Call, options?: CallOptions): Promise<void> {
    const answer = await this.#send(call, options);
    if (answer.status >= 300) throw errorOf(answer);
  }

  async #createHandle<Handle extends HandleDocument>(
    body: unknown,
    options?: CallOptions,
  ): Promise<Handle> {
    const call = { verb: 'POST', path: '/handles', body, repeat: 'always' } as const;
    return bodyOf(await this.#send(call, options)) as Handle;
  }

  /** Spreads writers that got a 412 together. */
  async #pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
    const pauseMs = this.#random() * Math.min(10 * 2 ** attempt, updatePauseMsMax);
    await this.#sleepWithin(pauseMs, signal);
  }

  /** Sleeps until `signal` or that of the service is aborted: then it throws the reason. */
  #sleepWithin(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return within({ signals: [signal, this.#signal] }, async (ending) => this.#sleep(ms, ending));
  }
}

function preconditionOf(
  mode: WriteMode | undefined,
  etag: string | undefined,
): Readonly<Record<string, string>> {
  const effective = mode ?? (etag === undefined ? 'updateOrCreateNew' : 'synchronizedUpdate');
  if ((effective === 'synchronizedUpdate') !== Boolean(etag)) {
    throw new TypeError(
      etag
        ? `An etag goes with mode "synchronizedUpdate", not with "${effective}".`
        : 'Mode "synchronizedUpdate" needs the etag of the session that the changes are for.',
    );
  }
  switch (effective) {
    case 'createNew':
      return { 'If-None-Match': '*' };
    case 'updateExisting':
      return { 'If-Match': '*' };
    case 'synchronizedUpdate':
      return { 'If-Match': etag ?? '' };
    case 'updateOrCreateNew':
      return {};
  }
}

/** How often a search looks at its lobby. */
const matchPollMs = 1_000;

/** Only the members of a reference, without others of the caller's object. */
function sessionRefOf(target: SessionTarget): SessionTarget {
  requireScope(target);
  const { scid, templateName, name } = target;
  return { scid, templateName, ...(name !== undefined && { name }) };
}
