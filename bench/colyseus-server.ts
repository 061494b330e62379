/**
 * The peer: a Colyseus server, all in memory, that seats users by `joinOrCreate` over HTTP.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Room, Server } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';

class LobbyRoom extends Room {
  override maxClients = 4;
}

const http = createServer();
const server = new Server({
  greet: false,
  transport: new WebSocketTransport({ server: http }),
});
server.define('lobby', LobbyRoom);
await server.listen(0, '127.0.0.1');
process.on('disconnect', () => process.exit(0));
process.send?.({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
