import { createServer, type Server } from 'node:net';

let portsTried = 0;

/**
 * A port that is free now, and so is the one that a cluster node adds 10000 to. Until this process ends
 * no other process is given it, also while the server there has been killed and will start again. Both
 * ports are below those that Linux gives to outgoing connections.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + ((process.pid * 20 + portsTried) % 10_000);
    portsTried += 1;
    // Reserved first: to listen, even for a moment, at a port of another process could be just when
    // its server starts there again.
    const reservation = await reserve(port);
    if (reservation === undefined) continue;
    if ((await canListen(port)) && (await canListen(port + 10_000))) return port;
    reservation.close();
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * Listens at another address of this machine until the process ends, or `close`; undefined when another
 * process does.
 */
function reserve(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    // Not every machine has this address: there, that others begin elsewhere must be enough.
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'EADDRINUSE' ? undefined : server),
    );
    server.listen(port, '127.0.0.2', () => {
      server.unref();
      resolve(server);
    });
  });
}
