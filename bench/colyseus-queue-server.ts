/**
 * The peer of matchmaking: Colyseus' own queue room, all in memory. It gets a number, puts so many
 * players into the queue, pairs them by rank, makes their rooms and reserves their seats, and reports how
 * long that took.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, matchMaker, QueueRoom, Room, Server } from '@colyseus/core';
import { WebSocketTransport } from '@colyseus/ws-transport';

class DuelRoom extends Room {
  override maxClients = 2;
}

const http = createServer();
const server = new Server({
  greet: false,
  transport: new WebSocketTransport({ server: http }),
});
server.define('duel', DuelRoom);
server.define('queue', QueueRoom);
await server.listen(0, '127.0.0.1');
process.on('disconnect', () => process.exit(0));
process.on('message', (count) => void matchAll(Number(count)));
process.send?.({ url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });

async function matchAll(count: number): Promise<void> {
  const made = await matchMaker.createRoom('queue', { maxPlayers: 2, matchRoomName: 'duel' });
  const queue = matchMaker.getLocalRoomById(made.roomId) as QueueRoom;
  // It would look once a second.
  queue.setSimulationInterval();
  const seated = Promise.withResolvers<void>();
  let seatsCount = 0;
  for (let i = 0; i < count; i += 1) {
    // What the queue uses of a client; none of them has a connection.
    const client = {
      sessionId: `player-${i}`,
      send(kind: string) {
        if (kind !== 'seat') return;
        seatsCount += 1;
        if (seatsCount === count) seated.resolve();
      },
      leave: (_code: number, reason: string) => seated.reject(new Error(reason)),
    } as unknown as Client;
    queue['addToQueue'](client, { rank: 1_000 + ((i * 7_919) % 1_000), options: {} });
    queue.clients.push(client);
  }
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  queue['reassignMatchGroups']();
  await seated.promise;
  const perSecond = (1_000 * count) / (performance.now() - startedMs);
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({ perSecond, cpuMicroseconds: (user + system) / count });
}
