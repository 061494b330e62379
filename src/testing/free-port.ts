import { createServer } from 'node:net';

let portsTried = 0;

/**
 * A port that is free now, and so is the one that a cluster node adds 10000 to. Each process begins
 * elsewhere, so that none takes the port of a server that another has killed and will start again.
 * Both ports are below those that Linux gives to outgoing connections.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + ((process.pid * 20 + portsTried) % 12_000);
    portsTried += 1;
    if ((await canListen(port)) && (await canListen(port + 10_000))) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
