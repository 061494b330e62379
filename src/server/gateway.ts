import { join } from 'node:path';
import type { App } from '../http/app.ts';
import { CannotStart } from './cannot-start.ts';
import type { NodeCore } from './core.ts';
import { listen } from './listen.ts';
import type { ServerSettings } from './options.ts';

/** Where clients come that have the hosts of Xbox Live built in. */
export type GatewayAddress = {
  /** `http://127.0.0.1:3128`; undefined: there is no proxy. */
  readonly proxyUrl: string | undefined;
  /** Undefined: there is no such port. */
  readonly tlsPort: number | undefined;
  /** The certificate that clients trust, as PEM. */
  readonly rootFile: string;
};

type RunningGateway = AsyncDisposable & {
  readonly address: GatewayAddress;
  /** Accepts nothing more. */
  stop(): void;
};

/** True of settings that ask for the gateway. */
export function hasGateway({
  proxyPort,
  tlsPort,
}: Pick<ServerSettings, 'proxyPort' | 'tlsPort'>): boolean {
  return proxyPort !== undefined || tlsPort !== undefined;
}

/** The folder of the gateway in a data folder: its root certificate. */
function gatewayFolderOf(data: string): string {
  return join(data, 'gateway');
}

/**
 * The gateway of a node, which listens; undefined when the settings ask for none, and nothing of it is
 * loaded then.
 *
 * Throws CannotStart with what is wrong with the root certificate or a port.
 */
export async function openGatewayOf(
  app: App,
  { context }: Pick<NodeCore, 'context'>,
  settings: ServerSettings,
): Promise<RunningGateway | undefined> {
  if (!hasGateway(settings)) return undefined;
  const { host, data, proxyPort, tlsPort, proxyOthers, log } = settings;
  const { openGateway, RootUnusable } = await import('../gateway/gateway.ts');
  const gateway = await openGateway({
    app,
    folder: gatewayFolderOf(data),
    others: proxyOthers,
    // Certificates are for clients, which go by the time of day.
    nowMs: Date.now,
    freshGuid: () => context.ids.guid(),
    log,
  }).catch((error) => {
    throw error instanceof RootUnusable ? new CannotStart([error.message]) : error;
  });
  await using opened = new AsyncDisposableStack();
  opened.use(gateway);
  const proxy =
    proxyPort === undefined
      ? undefined
      : await listen(gateway.listenAsProxy, { host, port: proxyPort }, '--proxy-port');
  const tls =
    tlsPort === undefined
      ? undefined
      : await listen(gateway.listenForTls, { host, port: tlsPort }, '--tls-port');
  const parts = opened.move();
  return {
    address: { proxyUrl: proxy?.url, tlsPort: tls?.port, rootFile: gateway.rootFile },
    stop: () => gateway.stop(),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
