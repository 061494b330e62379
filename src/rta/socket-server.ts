/**
 * WebSockets: the only file that uses the library.
 */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { UserCaller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Connection, Wire } from './connection.ts';
import type { Hub } from './hub.ts';

/**
 * Sub-protocols that are confirmed when the client offers them; of several the first of these.
 *
 * @source docs/wire/rta.md "Connecting"
 */
const subprotocols = ['rta.xboxlive.com.V2', 'rta.xboxlive.com', 'echo-protocol'];

/** The close code for data in a wrong format. */
const malformedCode = 1007;
/** The answer to a close frame without a code, as recorded. @source docs/wire/rta.md "Frames" */
const normalCode = 1000;

/** The library's code for a socket that ended without a close frame. */
const noCloseFrameCode = 1006;

/** Parts of one message: each costs more memory than the bytes in it. */
const fragmentsMax = 256;
/** How long the server waits for the client's close frame; then the socket is cut. */
const closeTimeoutMs = 2_000;

/** Turns upgrade requests of authenticated callers into connections of a hub. */
export type SocketServer = {
  /**
   * Completes the handshake over `socket`, which belongs to the connection from then on.
   *
   * Refuses: requestMalformed, connectionsFull, tooManyConnections; the socket is still the
   * caller's then.
   */
  accept(
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    caller: UserCaller,
    correlationId: Guid,
  ): Promise<Refusal | undefined>;
};

/** A socket with its connection, once it has one. */
type ConnectedSocket = WebSocket & { connection?: Connection };

export function openSocketServer(hub: Hub): SocketServer {
  let server: WebSocketServer | undefined;
  // Both belong to the present handshake, which is synchronous.
  let fault: Error | undefined;
  let ownHeaders: readonly string[] = [];

  // One set of listeners for all sockets: each knows its connection.
  function onMessage(this: ConnectedSocket, data: Buffer): void {
    if (this.connection) hub.received(this.connection, data.toString());
  }
  function onPing(this: ConnectedSocket): void {
    if (this.connection) hub.heard(this.connection, true);
  }
  function onPong(this: ConnectedSocket): void {
    if (this.connection) hub.heard(this.connection, false);
  }
  function onClose(this: ConnectedSocket, code: number): void {
    if (this.connection) hub.ended(this.connection, code === noCloseFrameCode ? 'lost' : 'closed');
  }
  /** A socket that fails is closed; here it is learnt whose fault it is. */
  function onError(this: ConnectedSocket, error: NodeJS.ErrnoException): void {
    if (this.connection && error.code?.startsWith('WS_ERR_')) {
      hub.ended(this.connection, 'malformed');
    }
  }

  async function openServer(): Promise<WebSocketServer> {
    // Loaded with the first client: it takes longer than the rest of the start.
    const ws = await import('ws');
    if (server !== undefined) return server;
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.frameBytesMax,
      maxFragments: fragmentsMax,
      maxBufferedChunks: fragmentsMax,
      // Missing from the types of the library.
      closeTimeout: closeTimeoutMs,
      handleProtocols: (asked: Set<string>) => subprotocols.find((one) => asked.has(one)) ?? false,
      WebSocket: class extends ws.WebSocket {
        /** The library calls it without a code to answer a close frame that has none. */
        override close(code = normalCode, why?: string | Buffer): void {
          super.close(code, why);
        }
      },
    } as const;
    server = new ws.WebSocketServer(options);
    server.on('headers', (headers) => headers.push(...ownHeaders));
    server.on('wsClientError', (error) => {
      fault = error;
    });
    return server;
  }

  function faultRefusal(): Refusal | undefined {
    return fault && new Refusal('requestMalformed', `No WebSocket handshake: ${fault.message}.`);
  }

  return {
    async accept(incoming, socket, head, caller, correlationId) {
      const sockets = server ?? (await openServer());
      const refusal = hub.refusalOf(caller);
      if (refusal !== undefined) return refusal;
      fault = undefined;
      ownHeaders = [
        `Date: ${new Date().toUTCString()}`,
        `X-XblCorrelationId: ${correlationId}`,
        'Cache-Control: no-cache, no-store',
        'X-Content-Type-Options: nosniff',
      ];
      sockets.handleUpgrade(incoming, socket, head, (webSocket: ConnectedSocket) => {
        webSocket
          .on('error', onError)
          .on('message', onMessage)
          .on('ping', onPing)
          .on('pong', onPong);
        webSocket.on('close', onClose);
        const connection = hub.open(new SocketWire(webSocket), caller, correlationId);
        if (connection === undefined) webSocket.terminate();
        else webSocket.connection = connection;
      });
      return faultRefusal();
    },
  };
}

class SocketWire implements Wire {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(frame: string): void {
    this.#socket.send(frame);
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  pong(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.pong();
  }

  close(why: string): void {
    this.#socket.close(malformedCode, why);
  }

  drop(): void {
    this.#socket.terminate();
  }
}
