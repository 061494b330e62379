import type { RequestListener, Server, ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createKeeper } from '../domain/kept.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { Ids } from '../platform/ids.ts';
import { refuseConnect, refuseConnection } from './connection-refusal.ts';
import { type DoorSettings, openDoor } from './door.ts';
import { createServer } from './node-http.ts';
import { asksForSocket, openUpgrade, type Sockets } from './upgrade.ts';

/** A server of routes, from `listen` until `close`. */
export type App = {
  /** Listens; port 0 finds a free one. `url` has no slash at the end. Rejects as Node's server fails. */
  listen(at: { readonly host: string; readonly port: number }): Promise<Listening>;
  /**
   * Accepts nothing new and lets the requests under way come to their end; idle connections are
   * closed at once, and whatever is left after `withinMs` (3,000) is cut.
   */
  close(withinMs?: Milliseconds): Promise<void>;
  /** Answers one request, wherever it came from. */
  readonly answer: RequestListener;
};

type Listening = { readonly url: string; readonly port: number };

/** Without sockets a request to upgrade is answered like any other. */
export type AppSettings = DoorSettings & { readonly sockets?: Sockets };

/** Milliseconds after which a client is cut off, so that slow ones cannot use up the sockets. */
const timeouts = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  /** Above the idle time of usual load balancers, which would else write to a closed connection. */
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
};

/**
 * The HTTP server of these routes: Node's, with the door behind it.
 *
 * @source contract 2
 */
export function buildApp(settings: AppSettings): App {
  const door = openDoor(settings);
  let closed: Promise<void> | undefined;
  const answer: RequestListener = (incoming, outgoing) => {
    if (closed) outgoing.shouldKeepAlive = false;
    // An answer that was under way when the server closed leaves an idle connection behind.
    outgoing.once('close', () => closed && server.closeIdleConnections());
    void door.answer(incoming, outgoing);
  };
  const { sockets } = settings;
  const upgrade = sockets && openUpgrade(settings, sockets);
  const server = createHttpServer(answer, settings.world.ids, upgrade);
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });

  return {
    answer,
    async listen({ host, port }) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      const at = server.address() as AddressInfo;
      const name = isIPv6(host) ? `[${host}]` : host;
      return { url: `http://${name}:${at.port}`, port: at.port };
    },
    close(withinMs = 3_000) {
      closed ??= new Promise((resolve, reject) => {
        const cut = setTimeout(() => {
          for (const socket of connections) socket.destroy();
        }, withinMs);
        server.close((error) => {
          clearTimeout(cut);
          if (error && 'code' in error && error.code !== 'ERR_SERVER_NOT_RUNNING') reject(error);
          else resolve();
        });
      });
      return closed;
    },
  };
}

/** A server on which Node answers nothing by itself: each answer has the door's headers. */
export function createHttpServer(
  listener: RequestListener,
  ids: Ids,
  upgrade?: ReturnType<typeof openUpgrade>,
): Server {
  const lastAnswers = createKeeper<Duplex, ServerResponse>();
  const onRequest: RequestListener = (incoming, outgoing) => {
    lastAnswers.keep(incoming.socket, outgoing);
    listener(incoming, outgoing);
  };
  // A client that would rather speak another protocol is answered in this one.
  const shouldUpgradeCallback = upgrade === undefined ? () => false : asksForSocket;
  const server = createServer(
    // Two of a header become one that is not taken for either of them.
    { ...timeouts, requireHostHeader: false, joinDuplicateHeaders: true, shouldUpgradeCallback },
    onRequest,
  );
  if (upgrade) server.on('upgrade', upgrade);
  server.on('checkExpectation', onRequest);
  server.on('clientError', (error, socket) =>
    refuseConnection(error, socket, lastAnswers.of(socket), ids.guid()),
  );
  server.on('connect', (_incoming, socket) => refuseConnect(socket, ids.guid()));
  return server;
}
