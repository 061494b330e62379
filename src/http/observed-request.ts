import type { IncomingMessage } from 'node:http';
import { KnownUserRefusal } from '../auth/refusing-authenticator.ts';
import type { Context } from '../directory/context.ts';
import type { Caller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { RequestLimits } from './request-limits.ts';
import type { Answer } from './route.ts';

/** What is noted of a request on its way, for the observers. */
export type ObservedRequest = {
  readonly id: Guid;
  readonly atMs: Milliseconds;
  /** By the clock of the machine. */
  readonly beganMs: Milliseconds;
  /** The one that limits count; of the socket, which may be closed at the end, where that is unknown. */
  readonly address: string | undefined;
  route: string | undefined;
  caller: Caller | undefined;
  body: Uint8Array | undefined;
  fault: unknown;
};

type ObservingContext = Pick<Context, 'observers' | 'clock'>;

type ObservingSettings = {
  readonly context: ObservingContext;
  readonly requestLimits?: Pick<RequestLimits, 'addressOf'> | undefined;
};

/** The notes of a request that begins; undefined while nobody observes. */
export function observeRequest(
  { context: { observers, clock }, requestLimits }: ObservingSettings,
  incoming: IncomingMessage,
  id: Guid,
): ObservedRequest | undefined {
  if (observers.current === undefined) return undefined;
  return {
    id,
    atMs: clock.nowMs(),
    beganMs: performance.now(),
    address: requestLimits?.addressOf(incoming) ?? incoming.socket.remoteAddress,
    route: undefined,
    caller: undefined,
    body: undefined,
    fault: undefined,
  };
}

/** Notes who calls; of a refusal, the user whom it knows. */
export function noteCaller(
  noted: ObservedRequest | undefined,
  caller: Caller | Refusal | undefined,
): void {
  if (noted === undefined) return;
  if (caller instanceof KnownUserRefusal) noted.caller = caller.caller;
  else if (!(caller instanceof Refusal)) noted.caller = caller;
}

/** Tells the observers that a request is answered. */
export function requestEnded(
  { observers }: ObservingContext,
  noted: ObservedRequest,
  { method = '', url = '', headers }: IncomingMessage,
  answer: Answer,
): void {
  observers.current?.({
    kind: 'request',
    id: noted.id,
    atMs: noted.atMs,
    durationMs: performance.now() - noted.beganMs,
    method,
    target: url,
    route: noted.route,
    caller: noted.caller,
    address: noted.address,
    requestHeaders: headers,
    requestBody: noted.body,
    status: answer.status,
    refusal: answer.refusal,
    fault: noted.fault,
    answerHeaders: answer.headers ?? noHeaders,
    answerType: answer.contentType,
    answerBody: answer.body,
  });
}

const noHeaders = {};

/** Tells the observers of a connection that sent no request that could be read. */
export function requestUnreadable(
  { observers, clock }: ObservingContext,
  id: Guid,
  address: string | undefined,
  answer: Answer,
): void {
  observers.current?.({
    kind: 'request',
    id,
    atMs: clock.nowMs(),
    durationMs: 0,
    method: '',
    target: '',
    route: undefined,
    caller: undefined,
    address,
    requestHeaders: noHeaders,
    requestBody: undefined,
    status: answer.status,
    refusal: answer.refusal,
    fault: undefined,
    answerHeaders: answer.headers ?? noHeaders,
    answerType: answer.contentType,
    answerBody: answer.body,
  });
}
