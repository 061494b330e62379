/** The rows of the gateway: what TLS costs a read, and what connections through it hold. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import WebSocket from 'ws';
import { httpLineOn } from './http-line.ts';
import { clientOn, type LoadClient, sendAll } from './load.ts';
import { type Cost, measureCost } from './measured-cost.ts';
import { measurePairs, median, ratioOf } from './pairs.ts';
import { type BenchServer, startPinned } from './process.ts';
import type { BenchSettings, Report, Row } from './report.ts';
import { headersOf, joinBody, pathOf } from './sample.ts';

type Way = 'plain' | 'tls' | 'proxy';

type Addresses = { readonly proxyUrl: string; readonly tlsPort: number; readonly rootFile: string };

const host = 'sessiondirectory.xboxlive.com';
const rtaHost = 'rta.xboxlive.com';
/** Kept connections, each with one request on its way. */
const connectionsCount = 16;
/** What is read on new connections first: a compiler that learns another way is not what is measured. */
const warmingReads = 20_000;
/** Before each slice, since the first reads after another way cost more. */
const settlingReads = 500;
const heldCount = 2_000;

/** The CPU time of the server for one GET on a kept connection, by each way; memory of TLS sockets. */
export async function measureGateway({ folder, pairs }: BenchSettings): Promise<Row[]> {
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
  const rows: Row[] = [];
  for (const way of ['tls', 'proxy'] as const) {
    const open = (one: Way) => openReader(server, addresses, ca, one);
    using encrypted = await open(way);
    using plain = await open('plain');
    for (const client of [encrypted, plain]) await client.sendAll(warmingReads);
    const measured = await measurePairs(
      pairs,
      () => measureCost(server, encrypted, settlingReads),
      () => measureCost(server, plain, settlingReads),
    );
    const micros = (kind: 'on' | 'off'): string =>
      `${median(measured.map((pair) => pair[kind].allMicros)).toFixed(1)} µs CPU`;
    const ratio = ratioOf<Cost>(measured, (cost) => cost.allMicros);
    rows.push({
      work: `GET on a kept connection, ${way === 'tls' ? 'TLS port' : 'TLS through the proxy'}`,
      measured: micros('on'),
      reference: `without TLS ${micros('off')}`,
      ...ratio,
      goal: '≤ 1.5',
      reached: ratio.ratio <= 1.5,
    });
  }
  return [...rows, await measureHeld(server, addresses, ca)];
}

/** Kept connections by this way, on which one session is read. */
async function openReader(
  server: BenchServer,
  addresses: Addresses,
  ca: string,
  way: Way,
): Promise<LoadClient> {
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
  return clientOn(sockets.map(httpLineOn), () => request);
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
