/** A line between a client and a server that a test can spoil. */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type TcpProxy = AsyncDisposable & {
  readonly port: number;
  /** What is sent from now on stays on the way, until `release`. */
  hold(): void;
  release(): void;
  /** The next answer is swallowed, and the connection that it was for ends. */
  loseNextAnswer(): void;
  /** Ends all connections; `refuse` new ones until `accept`. */
  cut(): void;
  refuse(): void;
  accept(): void;
};

/** A proxy to a port of this machine. */
export async function startTcpProxy(toPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isRefusing = false;
  let losesAnswer = false;
  let held: (() => void)[] | undefined;
  const server = createServer((client) => {
    if (isRefusing) return client.destroy();
    const upstream = connect(toPort, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const forward = (data: Buffer): void => {
      if (!upstream.destroyed) upstream.write(data);
    };
    client.on('data', (data) => {
      if (held) held.push(() => forward(data));
      else forward(data);
    });
    upstream.on('data', (data) => {
      if (losesAnswer) {
        losesAnswer = false;
        return client.destroy();
      }
      client.write(data);
    });
    client.on('error', () => undefined);
    upstream.on('error', () => undefined);
    // What is held is to arrive though nobody waits for it any more.
    client.on('close', () => {
      if (held) held.push(() => upstream.end());
      else upstream.destroy();
    });
    upstream.on('close', () => {
      client.destroy();
      pairs.delete(pair);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const [client, upstream] of pairs) {
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    hold: () => {
      held ??= [];
    },
    release: () => {
      const waiting = held ?? [];
      held = undefined;
      for (const go of waiting) go();
    },
    loseNextAnswer: () => {
      losesAnswer = true;
    },
    cut,
    refuse: () => {
      isRefusing = true;
    },
    accept: () => {
      isRefusing = false;
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
