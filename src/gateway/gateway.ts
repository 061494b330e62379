/**
 * The gateway: how clients that have the hosts of Xbox Live built in reach this server, by a proxy, by TLS
 * on a port of its own, or by both. What comes out of TLS is given to the app as any other connection.
 */

import { once } from 'node:events';
import { createServer, isIPv6, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Milliseconds } from '../domain/time.ts';
import type { App } from '../http/app.ts';
import { hangUp } from '../http/connection-refusal.ts';
import { refusalResponse } from '../http/refusal-response.ts';
import { repeat } from '../platform/repeat.ts';
import { type KeyedCertificate, makeLeaf } from './certificates.ts';
import { leafNames } from './host-names.ts';
import { createForwardProxy } from './forward-proxy.ts';
import { openTlsTerminator } from './tls-terminator.ts';
import { openRoot, RootUnusable } from './root-certificate.ts';

export { RootUnusable };

export type GatewaySettings = {
  readonly app: Pick<App, 'accept' | 'answer'>;
  /** The folder of the root certificate. */
  readonly folder: string;
  readonly others: 'refuse' | 'tunnel';
  readonly nowMs: () => Milliseconds;
  readonly freshGuid: () => Guid;
  readonly log: (line: string) => void;
  /** How long a connection may take to its first request; 10 s unless given. */
  readonly handshakeMs?: Milliseconds;
  /** How often it is looked whether the leaf must be replaced; an hour unless given. */
  readonly leafCheckMs?: Milliseconds;
};

/** A gateway, which does not listen yet. */
export type Gateway = AsyncDisposable & {
  /** The file that clients trust. */
  readonly rootFile: string;
  /** Listens as a proxy. Rejects as Node's server does. */
  readonly listenAsProxy: (at: ListenAt) => Promise<{ readonly url: string }>;
  /** Listens for TLS. Rejects as Node's server does. */
  readonly listenForTls: (at: ListenAt) => Promise<{ readonly port: number }>;
  /** Accepts nothing more. What the app has been given goes on, also after this is disposed of. */
  stop(): void;
};

type ListenAt = { readonly host: string; readonly port: number };

/** A leaf is good for so long, and replaced when half of it is over. */
const leafLifetimeMs: Milliseconds = 7 * 24 * 3_600_000;
const usualLeafCheckMs: Milliseconds = 3_600_000;

/** The operator is warned so long before the root expires. */
const rootWarningMs: Milliseconds = 30 * 24 * 3_600_000;

/**
 * A gateway to `app`, with the root in its folder, which is made if there is none.
 *
 * Throws RootUnusable.
 */
export async function openGateway(settings: GatewaySettings): Promise<Gateway> {
  const { app, folder, nowMs, freshGuid, log, handshakeMs = 10_000 } = settings;
  const { leafCheckMs = usualLeafCheckMs } = settings;
  const root = await openRoot(folder, nowMs());
  if (root.expiresMs - nowMs() < rootWarningMs) {
    log(
      `warning: the root certificate ${root.file} expires on ${new Date(root.expiresMs).toISOString().slice(0, 10)}; delete its folder for a new one, which clients must trust`,
    );
  }
  let madeMs = nowMs();
  const newLeaf = (): KeyedCertificate => {
    madeMs = nowMs();
    const untilMs = Math.min(madeMs + leafLifetimeMs, root.expiresMs);
    return makeLeaf(root, leafNames(), { nowMs: madeMs, untilMs });
  };
  const terminator = openTlsTerminator({
    leaf: newLeaf(),
    handshakeMs,
    secured: (socket) => app.accept(socket),
    freshGuid,
  });
  const plain = (socket: Socket): void => app.accept(socket);
  const renewal = repeat(
    async () => {
      if (nowMs() - madeMs > leafLifetimeMs / 2) terminator.use(newLeaf());
    },
    leafCheckMs,
    (error) => log(`error: gateway: ${error instanceof Error ? error.message : String(error)}`),
  );
  const others =
    settings.others === 'tunnel'
      ? (await import('./others.ts')).openOthers({ connectMs: 10_000 })
      : undefined;
  const proxy = createForwardProxy({
    terminator,
    plain,
    answer: app.answer,
    others,
    freshGuid,
    log,
  });
  const tlsServer = createServer({ noDelay: true }, (socket) =>
    terminator.accept(socket, refusePlain),
  );

  function refusePlain(socket: Socket): void {
    const refusal = new Refusal('requestMalformed', 'This port speaks TLS: call it with https://.');
    hangUp(socket, refusalResponse(refusal, 107), freshGuid());
  }

  const stop = (): void => {
    proxy.server.close();
    tlsServer.close();
  };
  return {
    rootFile: root.file,
    listenAsProxy: (at) => listen(proxy.server, at),
    listenForTls: (at) => listen(tlsServer, at),
    stop,
    async [Symbol.asyncDispose]() {
      stop();
      proxy.cut();
      terminator.cut();
      await renewal[Symbol.asyncDispose]();
    },
  };
}

async function listen(
  server: Server,
  at: ListenAt,
): Promise<{ readonly url: string; readonly port: number }> {
  server.listen(at);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://${isIPv6(at.host) ? `[${at.host}]` : at.host}:${port}`, port };
}
