/** What one gateway holds: connections that speak, and ones that never do. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import WebSocket from 'ws';
import { startServer } from '../../src/server.ts';

const options = { timeout: 300_000 };
const folder = await mkdtemp(join(tmpdir(), 'openmpsd-many-'));
after(() => rm(folder, { recursive: true }));

const host = 'rta.xboxlive.com';
const batchSize = 100;

/** So many connections that `open` makes, some at a time. */
async function openMany<T>(count: number, open: () => Promise<T>): Promise<readonly T[]> {
  const opened: T[] = [];
  while (opened.length < count) {
    opened.push(...(await Promise.all(Array.from({ length: batchSize }, open))));
  }
  return opened;
}

async function start() {
  const server = await startServer({
    ...{ store: 'memory', port: 0, data: folder, proxyPort: 0, tlsPort: 0 },
  });
  assert.ok(server.gateway?.tlsPort !== undefined && server.gateway.proxyUrl !== undefined);
  const { tlsPort, proxyUrl, rootFile } = server.gateway;
  const ca = readFileSync(rootFile);
  const secure = async (): Promise<TLSSocket> => {
    const socket = connectTls({ host: '127.0.0.1', port: tlsPort, servername: host, ca });
    await once(socket, 'secureConnect');
    return socket;
  };
  return { server, tlsPort, proxyPort: Number(new URL(proxyUrl).port), secure };
}

async function isAnswered(socket: TLSSocket): Promise<boolean> {
  socket.write(
    `GET /nonce HTTP/1.1\r\nHost: ${host}\r\nAuthorization: XBL3.0 x=-;xuid=1&gtg=A\r\n\r\n`,
  );
  return String((await once(socket, 'data'))[0]).startsWith('HTTP/1.1 200 ');
}

test('2,000 RTA connections with TLS stay open and are answered', options, async () => {
  const { server, secure } = await start();
  await using _server = server;
  let users = 0;
  const clients = await openMany(2_000, async () => {
    users += 1;
    const socket = await secure();
    const client = new WebSocket(`wss://${host}/connect`, 'rta.xboxlive.com.V2', {
      headers: { authorization: `XBL3.0 x=-;xuid=${users}&gtg=U${users}` },
      createConnection: () => socket,
    });
    await once(client, 'open');
    return client;
  });
  assert.equal(server.connectionsCount, 2_000);
  for (const client of clients) {
    client.send('[1,1,"https://sessiondirectory.xboxlive.com/connections/"]');
    assert.match(String((await once(client, 'message'))[0]), /^\[1,1,0,\d+,\{"ConnectionId"/);
  }
  for (const client of clients) client.terminate();
});

/** Opens connections that say nothing, in a process of its own: one has too few descriptors for both ends. */
const silentClients = `
  const { connect } = require('node:net');
  const [tlsPort, proxyPort, count] = process.argv.slice(1).map(Number);
  let openedCount = 0;
  let closedCount = 0;
  const open = (i) => {
    const socket = connect(i % 2 === 0 ? tlsPort : proxyPort, '127.0.0.1').resume();
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      openedCount += 1;
      if (openedCount === count) process.send('opened');
      if (i + ${batchSize} < count) open(i + ${batchSize});
    });
    socket.on('close', () => {
      closedCount += 1;
      if (closedCount === count) process.send('closed');
    });
  };
  for (let i = 0; i < ${batchSize}; i += 1) open(i);
`;

test('10,000 that never speak keep nobody out, and are cut', options, async () => {
  const { server, secure, tlsPort, proxyPort } = await start();
  await using _server = server;
  const args = ['-e', silentClients, String(tlsPort), String(proxyPort), '10000'];
  const silent = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [opened, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  silent.on('message', (said) => (said === 'opened' ? opened : closed).resolve());
  try {
    // The first ones may be cut before the last one is open.
    await opened.promise;
    const client = await secure();
    assert.ok(await isAnswered(client));
    client.destroy();
    await closed.promise;
  } finally {
    silent.kill();
  }
});
