/**
 * What the server tells its observers: the log, metrics, traces, recordings, the inspector.
 *
 * Values are those of the server, not copies: an observer changes none, and bounds what it keeps.
 * Headers, targets and bodies hold tokens as they came; `secrets.ts` replaces them.
 */

import type { Caller, UserCaller } from '../domain/caller.ts';
import type { Cause } from '../domain/cause.ts';
import type { Handle } from '../domain/handle/handle.ts';
import type { Guid, Xuid } from '../domain/ids.ts';
import type { Refusal } from '../domain/refusal.ts';
import type { SessionKey } from '../domain/session/reference.ts';
import type { SessionChange } from '../domain/session/session-change.ts';
import type { Tap } from '../domain/tap/tap.ts';
import type { Milliseconds } from '../domain/time.ts';

export type ObservedEvent =
  | RequestEnded
  | ConnectionOpened
  | ConnectionClosed
  | Frame
  | SubscriptionChanged
  | TapsSent
  | ResyncSent
  | SessionCommitted
  | HandlesCommitted
  | CommitConflict
  | StoreCalled
  | GroupCommitted
  | BusPublished
  | SweepEnded
  | ClockMoved
  | ClockFrozen
  | TicketChanged
  | MatchMade
  | HopperWorked;

/** An HTTP request is answered, or a WebSocket is open (status 101). */
export type RequestEnded = {
  readonly kind: 'request';
  /** The correlation id, which the answer has too. */
  readonly id: Guid;
  /** When the request began, by the clock of the server. */
  readonly atMs: Milliseconds;
  /** By the clock of the machine, whatever the clock of the server shows. */
  readonly durationMs: Milliseconds;
  /** Empty when the client did not send HTTP. */
  readonly method: string;
  /** The request target, with its query. */
  readonly target: string;
  /** The path of the route, with names in braces; undefined when no route has this path and verb. */
  readonly route: string | undefined;
  /** Undefined when the caller is not known or not needed. */
  readonly caller: Caller | undefined;
  /** Of the client, by X-Forwarded-For behind a balancer; the network of an IPv6 address. */
  readonly address: string | undefined;
  readonly requestHeaders: ObservedHeaders;
  /** The bytes as they were read; undefined when the body was not read. */
  readonly requestBody: Uint8Array | undefined;
  readonly status: number;
  readonly refusal: Refusal | undefined;
  /** What was thrown, when the request could not be decided. */
  readonly fault: unknown;
  /** Those of this answer alone: without the ones that each answer has. */
  readonly answerHeaders: ObservedHeaders;
  /** The `Content-Type` of a body; undefined: JSON. */
  readonly answerType?: string | undefined;
  readonly answerBody: string | undefined;
};

/** By lower-case name in requests. */
export type ObservedHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export type ConnectionOpened = {
  readonly kind: 'connectionOpened';
  readonly atMs: Milliseconds;
  readonly connection: Guid;
  readonly caller: UserCaller;
  /** The correlation id of the request that became the connection. */
  readonly requestId: Guid | undefined;
};

export type ConnectionClosed = {
  readonly kind: 'connectionClosed';
  readonly atMs: Milliseconds;
  readonly connection: Guid;
  readonly xuid: Xuid;
  readonly why: CloseReason;
};

/**
 * Why a connection ended: the client closed it; it was lost, without a word of the client, as when the
 * network fails or the process dies; the client sent what is no frame, was silent for too long, did not
 * read; it reached its greatest age; the control API or an operator dropped it; the server ends.
 */
export type CloseReason =
  | 'closed'
  | 'lost'
  | 'malformed'
  | 'silent'
  | 'slow'
  | 'old'
  | 'dropped'
  | 'serverEnds';

/** A text frame of a connection. */
export type Frame = {
  readonly kind: 'frame';
  readonly atMs: Milliseconds;
  readonly connection: Guid;
  readonly direction: 'received' | 'sent';
  readonly text: string;
};

export type SubscriptionChanged = {
  readonly kind: 'subscription';
  readonly atMs: Milliseconds;
  readonly change: 'subscribed' | 'refused' | 'unsubscribed';
  readonly connection: Guid;
  readonly xuid: Xuid;
  /**
   * The kind of the resource, with the user where that is another one: `connections`,
   * `presence of 1002`. As the client wrote it (200 characters) where it is unknown; undefined where
   * an unsubscribe names an unknown subscription.
   */
  readonly resource: string | undefined;
  /** The code of the answer: 0 unless refused. */
  readonly code: number;
};

/** One event with taps was sent to a connection. */
export type TapsSent = {
  readonly kind: 'tapsSent';
  readonly atMs: Milliseconds;
  readonly connection: Guid;
  readonly xuid: Xuid;
  readonly taps: readonly Tap[];
};

/** A connection got the frame that says that it may have missed something. */
export type ResyncSent = {
  readonly kind: 'resyncSent';
  readonly atMs: Milliseconds;
  readonly connection: Guid;
  readonly xuid: Xuid;
};

/** A session changed, began or ended. */
export type SessionCommitted = {
  readonly kind: 'committed';
  readonly atMs: Milliseconds;
  readonly key: SessionKey;
  /** Of the record. */
  readonly revision: number;
  readonly change: SessionChange;
  readonly cause: Cause;
  readonly madeHandle: Handle | undefined;
  readonly removedHandles: readonly Guid[];
};

/** Handles were made or removed without a change of a session. */
export type HandlesCommitted = {
  readonly kind: 'handlesCommitted';
  readonly atMs: Milliseconds;
  readonly madeHandle: Handle | undefined;
  readonly removedHandles: readonly Guid[];
};

/** A commit lost to another one and is tried again. */
export type CommitConflict = {
  readonly kind: 'conflict';
  readonly atMs: Milliseconds;
  readonly key: SessionKey;
  /** From 1. */
  readonly attempt: number;
  /** True when this was the last attempt. */
  readonly isLast: boolean;
};

/** A call of the store is done. */
export type StoreCalled = {
  readonly kind: 'storeCalled';
  /** The name of the method. */
  readonly call: string;
  /** The request that it was made for; undefined where none is, or none is known. */
  readonly requestId: Guid | undefined;
  readonly durationMs: Milliseconds;
  readonly isFailed: boolean;
};

/** Several commits were made durable in one step. */
export type GroupCommitted = {
  readonly kind: 'groupCommitted';
  /** Rows that were written. */
  readonly writesCount: number;
  readonly isFailed: boolean;
};

export type BusPublished = {
  readonly kind: 'busPublished';
  readonly topic: 'node' | 'user' | 'presence';
  readonly durationMs: Milliseconds;
  readonly isFailed: boolean;
};

/** One sweep, which may be a part of what is due. */
export type SweepEnded = {
  readonly kind: 'sweep';
  readonly atMs: Milliseconds;
  readonly durationMs: Milliseconds;
  /** Sessions whose timeouts were due. */
  readonly sessionsCount: number;
  /** Invites that had expired. */
  readonly invitesCount: number;
  readonly isFailed: boolean;
};

/** The clock of the server is moved by the control API; what comes due on the way is observed next. */
export type ClockMoved = {
  readonly kind: 'clockMoved';
  readonly atMs: Milliseconds;
  readonly toMs: Milliseconds;
};

/** The control API has made the clock of the server stand still, or go on. */
export type ClockFrozen = {
  readonly kind: 'clockFrozen';
  readonly atMs: Milliseconds;
  /** False: it goes on. */
  readonly isFrozen: boolean;
};

export type TicketChanged = {
  readonly kind: 'ticket';
  readonly atMs: Milliseconds;
  readonly change: 'created' | 'found' | 'expired' | 'canceled' | 'failed';
  readonly hopper: string;
  readonly ticketId: Guid;
  /** Since the ticket began to search. */
  readonly waitedMs: Milliseconds;
};

export type MatchMade = {
  readonly kind: 'match';
  readonly atMs: Milliseconds;
  readonly hopper: string;
  readonly ticketIds: readonly Guid[];
  readonly playersCount: number;
  /** The key of the session that the players meet in. */
  readonly target: SessionKey;
};

/** The matcher has looked at a hopper once. */
export type HopperWorked = {
  readonly kind: 'hopperWorked';
  readonly atMs: Milliseconds;
  readonly hopper: string;
  readonly durationMs: Milliseconds;
  /** People who still wait. */
  readonly population: number;
};
