import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Nonces } from '../auth/nonces.ts';
import type { Caller, UserCaller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { hangUp } from './connection-refusal.ts';
import { failureResponse, unfitResponse } from './failure-response.ts';
import { hostOf, mayBeFramed } from './framing.ts';
import {
  noteCaller,
  type ObservedRequest,
  observeRequest,
  requestEnded,
} from './observed-request.ts';
import type { PipelineSettings } from './pipeline.ts';
import { refusalResponse } from './refusal-response.ts';
import type { Answer } from './route.ts';
import { parseQuery } from './query.ts';
import { parseTarget } from './route-table.ts';

/** Takes over the sockets of authenticated callers. */
export type Sockets = {
  readonly nonces: Nonces;
  /** Refuses a malformed handshake. */
  accept(
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    caller: UserCaller,
    correlationId: Guid,
  ): Promise<Refusal | undefined>;
};

/** For observers: the WebSocket library has sent it. */
const switched: Answer = { status: 101 };

/** Pages may open sockets, and browsers do not ask before. */
const aSocket = { isForPages: true, isPreflight: false };

/** True of a request that asks for a WebSocket where there is one; others are answered as they are. */
export function asksForSocket({ method, url = '', headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    parseTarget(url).path.toLowerCase() === '/connect'
  );
}

/**
 * What answers a request for a WebSocket: with a connection, or with a refusal before it becomes
 * one. The caller is known by `Authorization` or, without it, by a nonce.
 *
 * @source docs/wire/rta.md "Life of a connection", docs/wire/rta.md "Connecting"
 */
export function openUpgrade(
  settings: PipelineSettings,
  sockets: Sockets,
): (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const { authenticator, context } = settings;

  async function callerOf({ headers, url = '' }: IncomingMessage): Promise<Caller | Refusal> {
    const nowMs = context.clock.nowMs();
    const query = parseQuery(parseTarget(url).search);
    if (query instanceof Refusal) return query;
    const nonce = query.get('nonce');
    if (headers.authorization !== undefined || nonce === null) {
      return authenticator.authenticate(headers.authorization, nowMs);
    }
    return (
      (await sockets.nonces.redeem(nonce, nowMs)) ??
      new Refusal(
        'notAuthenticated',
        'The nonce is unknown, used or older than a minute; ask for another one with GET /nonce.',
      )
    );
  }

  async function connect(
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    observed: ObservedRequest | undefined,
    correlationId: Guid,
  ): Promise<Refusal | Answer | undefined> {
    const refusal =
      mayBeFramed(incoming) ??
      settings.origins.mayAsk(hostOf(incoming), incoming.headers.origin, aSocket) ??
      settings.hosts?.refusalOf(hostOf(incoming), '/connect');
    if (refusal !== undefined) return refusal;
    const { requestLimits } = settings;
    const ofAddress = await requestLimits?.ofAddress(incoming, context.clock.nowMs());
    if (ofAddress !== undefined) return ofAddress;
    const caller = await callerOf(incoming);
    noteCaller(observed, caller);
    if (caller instanceof Refusal) return caller;
    if (caller.kind === 'service') {
      return new Refusal('userRequired', 'RTA connections belong to users; a service has none.');
    }
    const { method = '', url = '' } = incoming;
    const instead = settings.answerInstead?.({ method, url, caller });
    if (instead !== undefined) return instead;
    const tooMany = await requestLimits?.ofSocket(caller, context.clock.nowMs());
    return tooMany ?? sockets.accept(incoming, socket, head, caller, correlationId);
  }

  async function answer(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const correlationId = context.ids.guid();
    // Until the socket is accepted: a client that goes away in the meantime is no fault.
    const ignore = (): void => {};
    socket.on('error', ignore);
    const observed = observeRequest(settings, incoming, correlationId);
    if (observed) observed.route = '/connect';
    const refuseWith = (answer: Answer): void => {
      hangUp(socket, answer, correlationId);
      if (observed) requestEnded(context, observed, incoming, answer);
    };
    // The other nodes take connections of this one for ended.
    if (settings.isFit?.() === false) return refuseWith(unfitResponse);
    try {
      const refused = await connect(incoming, socket, head, observed, correlationId);
      if (refused === undefined) {
        socket.off('error', ignore);
        if (observed) requestEnded(context, observed, incoming, switched);
      } else refuseWith(refused instanceof Refusal ? refusalResponse(refused, 107) : refused);
    } catch (error) {
      if (observed) observed.fault = error;
      refuseWith(failureResponse(settings, error, incoming, correlationId, true));
    }
  }

  return (incoming, socket, head) => void answer(incoming, socket, head);
}
