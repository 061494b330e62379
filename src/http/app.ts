import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Context } from '../directory/context.ts';
import { createMemo, type Memo } from '../domain/memo.ts';
import type { Milliseconds } from '../domain/time.ts';
import { refuseConnect, refuseConnection } from './connection-refusal.ts';
import { type PipelineSettings, openPipeline } from './pipeline.ts';
import { drain } from './drain.ts';
import { HeldBytes } from './held-bytes.ts';
import { createServer } from './node-http.ts';
import { requestUnreadable } from './observed-request.ts';
import { keepAliveSeconds, sendAnswerAsBlock } from './send-answer.ts';
import { asksForSocket, openUpgrade, type Sockets } from './upgrade.ts';

/** A server of routes, from `listen` until `close`. */
export type App = {
  /** Listens; port 0 finds a free one. `url` has no slash at the end. Rejects as Node's server fails. */
  listen(at: { readonly host: string; readonly port: number }): Promise<ListenAddress>;
  /**
   * Accepts no more connections, finishes the requests under way, and ends each connection with its
   * last answer. Idle connections end after `idleMs` (0), since a client may be about to use them;
   * the rest is cut after `withinMs` (3,000). The first call decides.
   */
  close(within?: {
    readonly withinMs?: Milliseconds;
    readonly idleMs?: Milliseconds;
  }): Promise<void>;
  /** Answers one request of any server. */
  readonly answer: RequestListener;
  /** Serves a connection as one that was accepted here; it must listen. */
  accept(socket: Socket): void;
};

type ListenAddress = { readonly url: string; readonly port: number };

/** Without sockets an upgrade request is answered like any other. */
export type AppSettings = PipelineSettings & { readonly sockets?: Sockets };

/**
 * Milliseconds after which a slow client is cut off, so that such clients cannot use up the
 * sockets.
 */
const timeouts = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  /** Above the idle time of usual load balancers, which otherwise write to a closed connection. */
  keepAliveTimeout: keepAliveSeconds * 1_000,
  connectionsCheckingInterval: 5_000,
};

/** How many requests of one connection are answered at a time; further ones wait. */
const pipelinedMax = 8;

/**
 * The HTTP server of these routes: Node's, with the pipeline behind it.
 *
 * @source docs/wire/README.md "Every request"
 */
export function buildApp(settings: AppSettings): App {
  const { bodyBytesMax, uploadsBytesMax, unsentBytesMax, sendTimeoutMs } = settings.limits;
  const elapsedMs = (): Milliseconds => performance.now();
  const unsent = new HeldBytes<ServerResponse>({
    bytesMax: unsentBytesMax,
    heldMsMax: sendTimeoutMs,
    elapsedMs,
  });
  const uploads = new HeldBytes<object>({
    // One body at least.
    bytesMax: Math.max(uploadsBytesMax, bodyBytesMax),
    // Node bounds the time of each request.
    heldMsMax: Number.POSITIVE_INFINITY,
    elapsedMs,
  });
  let closed: Promise<void> | undefined;
  let isEnding = false;
  const exchanges = createMemo<Duplex, Exchange | undefined>();
  const pipeline = openPipeline(settings, {
    unsent,
    uploads,
    // A client that is still sending would be cut off from its answer, or from the next one.
    isLast: (outgoing) =>
      isEnding &&
      outgoing.req.complete &&
      exchanges.get(outgoing.req.socket)?.outgoing === outgoing,
  });
  const { sockets } = settings;
  const upgrade = sockets && openUpgrade(settings, sockets);
  const server = createHttpServer(
    (incoming, outgoing) => void pipeline.answer(incoming, outgoing, sendAnswerAsBlock),
    settings.context,
    upgrade,
    exchanges,
  );
  const connections = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    connections.add(socket);
    socket.on('close', forget);
  });
  // One function for all sockets, of which there may be tens of thousands.
  function forget(this: Socket): void {
    connections.delete(this);
  }
  server.on('upgrade', (_incoming, socket: Socket) => {
    // It ends with the hub.
    connections.delete(socket);
    socket.off('close', forget);
    if (exchanges.get(socket) !== undefined) exchanges.set(socket, undefined);
  });
  const checkingMs = Math.min(timeouts.connectionsCheckingInterval, sendTimeoutMs);
  const checking = setInterval(() => unsent.endLate(), checkingMs).unref();

  return {
    answer: (incoming, outgoing) => void pipeline.answer(incoming, outgoing),
    accept: (socket) => void server.emit('connection', socket),
    async listen({ host, port }) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      const at = server.address() as AddressInfo;
      // Only addresses of IPv6 have colons. Node's own check compiles an expression of milliseconds.
      const name = host.includes(':') ? `[${host}]` : host;
      return { url: `http://${name}:${at.port}`, port: at.port };
    },
    close({ withinMs = 3_000, idleMs = 0 } = {}) {
      const connectionsToEnd = {
        server,
        connections,
        acceptedCount: () => accepted,
        isBusy: (socket: Socket) => exchanges.get(socket)?.outgoing.writableFinished === false,
        onStopped() {
          isEnding = true;
        },
      };
      closed ??= drain(connectionsToEnd, { withinMs, idleMs }).then(() => {
        clearInterval(checking);
        // The parts of Node's server that run beside listening, which has ended.
        server.close(() => undefined);
      });
      return closed;
    },
  };
}

/** The latest request of a connection. */
type Exchange = {
  readonly outgoing: ServerResponse;
  /** How many earlier requests are not answered yet. */
  readonly before: number;
};

/** A server on which Node answers nothing by itself: each answer has the headers of the pipeline. */
export function createHttpServer(
  listener: RequestListener,
  context: Pick<Context, 'ids' | 'observers' | 'clock'>,
  upgrade?: ReturnType<typeof openUpgrade>,
  exchanges: Memo<Duplex, Exchange | undefined> = createMemo(),
): Server {
  const onRequest: RequestListener = (incoming, outgoing) => {
    const { socket } = incoming;
    const former = exchanges.get(socket);
    const isFirst = former === undefined || former.outgoing.writableFinished;
    const before = isFirst ? 0 : former.before + 1;
    exchanges.set(socket, { outgoing, before });
    if (isFirst || before < pipelinedMax) return listener(incoming, outgoing);
    // For a client that does not read, at most so many answers are held.
    former.outgoing.once('close', () => socket.destroyed || listener(incoming, outgoing));
  };
  // A client that asks for another protocol is answered in this one.
  const shouldUpgradeCallback = upgrade === undefined ? () => false : asksForSocket;
  const server = createServer(
    // Two of a header become one that is not taken for either of them.
    { ...timeouts, requireHostHeader: false, joinDuplicateHeaders: true, shouldUpgradeCallback },
    onRequest,
  );
  if (upgrade) server.on('upgrade', upgrade);
  server.on('checkExpectation', onRequest);
  // Without this Node asks for each body, also for one that is refused unread.
  server.on('checkContinue', onRequest);
  server.on('clientError', (error, socket: Socket) => {
    const id = context.ids.guid();
    const refused = refuseConnection(error, socket, exchanges.get(socket)?.outgoing, id);
    if (refused) requestUnreadable(context, id, socket.remoteAddress, refused);
  });
  server.on('connect', (_incoming, socket: Socket) => {
    const id = context.ids.guid();
    requestUnreadable(context, id, socket.remoteAddress, refuseConnect(socket, id));
  });
  return server;
}
