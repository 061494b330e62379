/**
 * An HTTP proxy that leads the hosts of Xbox Live here, and nothing else anywhere unless asked to.
 *
 *   CONNECT host:443 ─┬─ of Xbox Live ─▶ TLS ends here ─▶ app
 *                     └─ another ─▶ refused, or a tunnel (--proxy-others tunnel)
 *   GET http://host/… ─┬─ of Xbox Live ─▶ app
 *                      └─ another ─▶ refused, or asked for
 */

import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import { hangUp, refuseConnection } from '../http/connection-refusal.ts';
import { isXboxHost } from '../http/hosts.ts';
import { createServer } from '../http/node-http.ts';
import { refusalResponse } from '../http/refusal-response.ts';
import { sendAnswer } from '../http/send-answer.ts';
import { parseTarget } from '../http/route-table.ts';
import { type Authority, parseAuthority } from './authority.ts';
import type { TlsTerminator } from './tls-terminator.ts';

export type ProxySettings = {
  readonly terminator: TlsTerminator;
  /** Gets what comes through a tunnel to one of our hosts without TLS. */
  readonly plain: (socket: Socket) => void;
  /** Answers a request whose target is a URL of one of our hosts. */
  readonly answer: RequestListener;
  /** Leads to all other hosts; undefined: they are refused. */
  readonly others: Others | undefined;
  readonly freshGuid: () => Guid;
  readonly log: (line: string) => void;
};

/** What becomes of requests for other hosts. */
export type Others = {
  /** Answers CONNECT: with a tunnel, or with a refusal to be sent. */
  connect(to: Authority, socket: Socket, head: Buffer): Promise<Refusal | undefined>;
  /** Asks `to` for what a client asked this proxy for, or says why not. */
  forward(to: Authority, ...exchange: Parameters<RequestListener>): Promise<Refusal | undefined>;
};

/** The ports that a proxy leads to: those of HTTPS and HTTP. */
const openPorts: readonly number[] = [443, 80];

/** So many refusals are in the log: one of each host, and one of each host with a closed port. */
const loggedRefusalsMax = 100;

const timeouts = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
};

export type ForwardProxy = {
  readonly server: Server;
  /** Cuts all connections but those that were handed on. */
  cut(): void;
};

/** The proxy, which does not listen yet. */
export function createForwardProxy(settings: ProxySettings): ForwardProxy {
  const { terminator, plain, answer, others, freshGuid, log } = settings;
  const logged = new Set<string>();
  const open = new Set<Duplex>();

  function logOnce(refused: string, why: string): void {
    if (logged.has(refused) || logged.size >= loggedRefusalsMax) return;
    logged.add(refused);
    log(`warning: the proxy refused ${refused}, ${why}`);
  }

  /** Nothing when the proxy may lead there. */
  function refusalOf(to: Authority | undefined, asked: string): Refusal | undefined {
    if (to === undefined) {
      return new Refusal(
        'requestMalformed',
        `This is a proxy: it takes CONNECT host:port and URLs that begin with http://, not ${JSON.stringify(asked.slice(0, 200))}.`,
      );
    }
    if (!openPorts.includes(to.port)) {
      logOnce(`${to.host}:${to.port}`, 'since it leads to the ports 443 and 80 alone');
      return forbidden(`This proxy leads to the ports 443 and 80 alone, not to ${to.port}.`);
    }
    if (isXboxHost(to.host) || others !== undefined) return undefined;
    logOnce(to.host, 'which is not of Xbox Live (--proxy-others tunnel would let it through)');
    return forbidden(
      `${to.host} is not of Xbox Live, and this proxy leads to nothing else; start the server with --proxy-others tunnel if it should.`,
    );
  }

  async function connect(incoming: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const asked = incoming.url ?? '';
    const to = parseAuthority(asked);
    const refusal = refusalOf(to, asked);
    if (refusal !== undefined || to === undefined) return refuse(socket, refusal);
    if (!isXboxHost(to.host)) return refuse(socket, await others?.connect(to, socket, head));
    open.delete(socket);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    terminator.accept(socket, plain);
  }

  function refuse(socket: Duplex, refusal: Refusal | undefined): void {
    if (refusal !== undefined) hangUp(socket, refusalResponse(refusal, 107), freshGuid());
  }

  const request: RequestListener = async (incoming, outgoing) => {
    const { url = '' } = incoming;
    const to = authorityOfUrl(url);
    let refusal = refusalOf(to, url);
    if (refusal === undefined && to !== undefined) {
      if (isXboxHost(to.host)) return answer(incoming, outgoing);
      refusal = await others?.forward(to, incoming, outgoing);
    }
    if (refusal === undefined) return;
    // The body is not read.
    outgoing.shouldKeepAlive = false;
    sendAnswer(outgoing, refusalResponse(refusal, 107), freshGuid());
  };

  const server = createServer({ ...timeouts, requireHostHeader: false }, request);
  server.on('checkExpectation', request);
  // Without this Node asks for each body, also for one that is refused unread.
  server.on('checkContinue', request);
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('connect', (incoming, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined);
    connect(incoming, socket, head).catch(() => socket.destroy());
  });
  server.on('clientError', (error, socket) =>
    refuseConnection(error, socket, undefined, freshGuid()),
  );
  return {
    server,
    cut() {
      for (const socket of open) socket.destroy();
    },
  };
}

/** Where a request with a whole URL goes; undefined when `url` is none of HTTP. */
function authorityOfUrl(url: string): Authority | undefined {
  const { host } = parseTarget(url);
  if (host === undefined) return undefined;
  const port = /^https:/i.test(url) ? 443 : 80;
  return parseAuthority(/:\d*$/.test(host) ? host : `${host}:${port}`);
}

function forbidden(text: string): Refusal {
  return new Refusal('hostForbidden', text);
}
