/** The rows of the gateway: what TLS costs a read, and what connections through it hold. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import WebSocket from 'ws';
import { median, sendAll } from './load.ts';
import { type BenchServer, startPinned } from './process.ts';
import type { BenchSettings, Report, Row } from './report.ts';
import { headersOf, joinBody, pathOf } from './sample.ts';

const ways = ['plain', 'tls', 'proxy'] as const;
type Way = (typeof ways)[number];

type Addresses = { readonly proxyUrl: string; readonly tlsPort: number; readonly rootFile: string };

const host = 'sessiondirectory.xboxlive.com';
const rtaHost = 'rta.xboxlive.com';
/** Kept connections, each with one request on its way. */
const connectionsCount = 16;
const readsOfRound = 16_000;
/** What is read on new connections first: a compiler that learns another way is not what is measured. */
const warmingReads = 4_000;
const heldCount = 2_000;

/** The CPU time of the server for one GET on a kept connection, by each way; memory of TLS sockets. */
export async function measureGateway({ folder, rounds }: BenchSettings): Promise<Row[]> {
  await using server = await startPinned('measured-server.ts', [
    join(folder, 'gateway'),
    ...['relaxed', '67108864', '', 'off', 'gateway'],
  ]);
  const addresses = await server.report<Addresses>('gateway');
  const ca = await readFile(addresses.rootFile, 'utf8');
  await sendAll(server.url, 1, (n) => ({
    method: 'PUT',
    path: pathOf(n),
    headers: headersOf(n),
    body: joinBody(0),
  }));
  const costs: Record<Way, number[]> = { plain: [], tls: [], proxy: [] };
  for (const way of ways) await readMany(server, addresses, ca, way);
  for (let round = 0; round < rounds; round += 1) {
    // In turn and back: the first way after another is slower than the rest.
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      costs[way].push(await readMany(server, addresses, ca, way));
    }
  }
  const ratioOf = (way: Way): number =>
    median(costs[way].map((cost, n) => cost / (costs.plain[n] ?? cost)));
  const micros = (way: Way): string => `${median(costs[way]).toFixed(1)} µs CPU`;
  const rows = (['tls', 'proxy'] as const).map((way) => ({
    work: `GET on a kept connection, ${way === 'tls' ? 'TLS port' : 'TLS through the proxy'}`,
    measured: micros(way),
    reference: `without TLS ${micros('plain')}`,
    ratio: ratioOf(way),
    goal: '≤ 1.5',
    reached: ratioOf(way) <= 1.5,
  }));
  return [...rows, await measureHeld(server, addresses, ca)];
}

/** Microseconds of the server for one GET of many. */
async function readMany(
  server: BenchServer,
  addresses: Addresses,
  ca: string,
  way: Way,
): Promise<number> {
  const sockets = await Promise.all(
    Array.from({ length: connectionsCount }, () => open(server.url, addresses, ca, way)),
  );
  const { authorization = '' } = headersOf(0);
  const request = [
    `GET ${pathOf(0)} HTTP/1.1`,
    `Host: ${way === 'plain' ? new URL(server.url).host : host}`,
    `Authorization: ${authorization}`,
    'X-Xbl-Contract-Version: 107\r\n\r\n',
  ].join('\r\n');
  const readOnAll = async (count: number): Promise<void> => {
    await Promise.all(sockets.map((socket) => read(socket, request, count / connectionsCount)));
  };
  await readOnAll(warmingReads);
  server.tell('measure');
  await readOnAll(readsOfRound);
  const { cpuSeconds } = await server.report<Report>();
  for (const socket of sockets) socket.destroy();
  return (cpuSeconds * 1e6) / readsOfRound;
}

async function open(
  url: string,
  { proxyUrl, tlsPort }: Addresses,
  ca: string,
  way: Way,
  servername = host,
): Promise<Socket> {
  if (way === 'tls') {
    const socket = connectTls({ host: '127.0.0.1', port: tlsPort, servername, ca });
    await once(socket, 'secureConnect');
    return socket;
  }
  const plain = connect(Number(new URL(way === 'plain' ? url : proxyUrl).port), '127.0.0.1');
  await once(plain, 'connect');
  if (way === 'plain') return plain;
  plain.write(`CONNECT ${servername}:443 HTTP/1.1\r\nHost: ${servername}:443\r\n\r\n`);
  await once(plain, 'data');
  const socket = connectTls({ socket: plain, servername, ca });
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends the request again and again, one after the other. */
function read(socket: Socket, request: string, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    let received = '';
    const take = (data: Buffer): void => {
      received += data.toString('latin1');
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
      if (received.length < headEnd + 4 + length) return;
      left -= 1;
      if (!received.startsWith('HTTP/1.1 200')) reject(new Error(received));
      else if (left > 0) socket.write(request);
      else {
        socket.off('data', take);
        resolve();
      }
      received = '';
    };
    socket.on('data', take);
    socket.once('error', reject);
    socket.write(request);
  });
}

/** Memory of one RTA connection with TLS. */
async function measureHeld(server: BenchServer, addresses: Addresses, ca: string): Promise<Row> {
  const before = await server.report<Report>();
  const clients: WebSocket[] = [];
  for (let n = 0; n < heldCount; n += 1) {
    const socket = await open(server.url, addresses, ca, 'tls', rtaHost);
    const { authorization = '' } = headersOf(n);
    const client = new WebSocket(`wss://${rtaHost}/connect`, 'rta.xboxlive.com.V2', {
      headers: { authorization },
      createConnection: () => socket,
    });
    await once(client, 'open');
    clients.push(client);
  }
  const after = await server.report<Report>();
  for (const client of clients) client.terminate();
  const kilobytes = (after.residentBytes - before.residentBytes) / 1_024 / heldCount;
  return {
    work: `${heldCount} RTA connections with TLS held`,
    measured: `${kilobytes.toFixed(1)} KB of memory each`,
    reference: '',
    goal: '',
    reached: true,
  };
}
