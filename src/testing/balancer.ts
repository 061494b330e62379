import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Distributes connections to servers in turn; bytes of any kind pass, sockets of RTA too. */
export type Balancer = AsyncDisposable & { readonly port: number };

/**
 * A balancer on `port` of this machine, 0 for a free one, before servers on these ports of it, to
 * which more may be added as they start. A server that cannot be connected to is passed over; when none can, the client is hung up on.
 *
 * Rejects as Node's server fails.
 */
export async function startBalancer(ports: readonly number[], port = 0): Promise<Balancer> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.setNoDelay().once('close', () => sockets.delete(socket));
  };
  let turn = 0;
  // Either side may end before the other, as TCP lets it.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    keep(client).on('error', () => client.destroy());
    turn += 1;
    forward(client, turn, ports.length);
  });

  /** Connects `client` with the next server that answers. */
  function forward(client: Socket, from: number, triesLeft: number): void {
    if (triesLeft === 0 || client.destroyed) {
      client.destroy();
      return;
    }
    const target = ports[from % ports.length] ?? 0;
    const upstream = keep(connect({ host: '127.0.0.1', port: target, allowHalfOpen: true }));
    const next = (): void => forward(client, from + 1, triesLeft - 1);
    upstream.once('error', next);
    upstream.once('connect', () => {
      upstream.off('error', next).on('error', () => upstream.destroy());
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
      client.pipe(upstream);
      upstream.pipe(client);
    });
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
