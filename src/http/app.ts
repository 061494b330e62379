import {
  createServer,
  METHODS,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { fastify, type FastifyReply, type FastifyRequest, type HTTPMethods } from 'fastify';
import type { Ids } from '../platform/ids.ts';
import { refuseConnect, refuseConnection } from './connection-refusal.ts';
import { openDoor, type DoorSettings } from './door.ts';

/** A server of routes, from `listen` until `close`. */
export type App = {
  /** Listens; port 0 finds a free one. `url` has no slash at the end. */
  listen(at: { readonly host: string; readonly port: number }): Promise<Listening>;
  /** Lets the requests under way come to their end; idle connections are closed at once. */
  close(): Promise<void>;
  /** Answers a request that saw no socket. For tests. */
  inject(request: InjectedRequest): Promise<InjectedAnswer>;
};

type Listening = { readonly url: string; readonly port: number };

export type InjectedRequest = {
  /** GET when absent. */
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
};

export type InjectedAnswer = {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
};

/** Milliseconds after which a client is cut off, so that slow ones cannot use up the sockets. */
const timeouts = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  /** Above the idle time of usual load balancers, which would else write to a closed connection. */
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
};

/**
 * The HTTP server of these routes.
 *
 * Fastify listens, closes, and carries a request to the door. What a request must pass, and how it
 * is answered, is the door's: paths decide before verbs, and bodies are read last.
 *
 * @source contract 2
 */
export function buildApp(settings: DoorSettings): App {
  const door = openDoor(settings);
  const answer = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack();
    void door.answer(request.raw, reply.raw);
  };

  const app = fastify({
    serverFactory: (listener) => createHttpServer(listener, settings.world.ids),
    // Nothing goes by schema here: the compilers are most of what Fastify would load.
    schemaController: { compilersFactory: { buildValidator: never, buildSerializer: never } },
    // While closing, requests are answered as ever, and their connections closed.
    return503OnClosing: false,
    // Targets that Fastify cannot decode.
    frameworkErrors: (_error, request, reply) => answer(request, reply),
    clientErrorHandler: () => undefined,
  });
  const verbs = METHODS.filter((verb) => verb !== 'CONNECT');
  for (const verb of verbs) app.addHttpMethod(verb, { hasBody: false, overrideExisting: true });
  app.route({ method: verbs, url: '*', handler: answer });

  return {
    async listen({ host, port }) {
      const url = await app.listen({ host, port });
      return { url, port: (app.server.address() as AddressInfo).port };
    },
    close: () => app.close(),
    async inject({ method = 'GET', url, headers = {}, body }) {
      const request = {
        method: method as HTTPMethods,
        url,
        headers,
        ...(body && { payload: body }),
      };
      const answer = await app.inject(request);
      return { status: answer.statusCode, headers: answer.headers, body: answer.body };
    },
  };
}

/** A server on which Node answers nothing by itself: each answer has the door's headers. */
export function createHttpServer(listener: RequestListener, ids: Ids): Server {
  const lastAnswers = new WeakMap<Duplex, ServerResponse>();
  const onRequest: RequestListener = (incoming, outgoing) => {
    lastAnswers.set(incoming.socket, outgoing);
    listener(incoming, outgoing);
  };
  const server = createServer({ ...timeouts, requireHostHeader: false }, onRequest);
  server.on('checkExpectation', onRequest);
  server.on('clientError', (error, socket) =>
    refuseConnection(error, socket, lastAnswers.get(socket), ids.guid()),
  );
  server.on('connect', (_incoming, socket) => refuseConnect(socket, ids.guid()));
  return server;
}

function never(): never {
  throw new Error('no route has a schema');
}
