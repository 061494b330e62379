/** A server with the gateway, as its clients see it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import WebSocket from 'ws';
import {
  CannotStart,
  type RunningServer,
  type ServerOptions,
  startServer,
} from '../../src/server.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { freePort } from '../../src/testing/free-port.ts';

const options = { timeout: 300_000 };
const data = await mkdtemp(join(tmpdir(), 'openmpsd-gateway-server-'));
after(() => rm(data, { recursive: true }));
const authorization = 'XBL3.0 x=-;xuid=2814600000000001&gtg=Ada&tid=1234567890';

/** A server with both ports of the gateway, and the root that its clients trust. */
async function start(settings: ServerOptions = {}) {
  const server = await startServer({
    ...{ store: 'memory', port: 0, data, proxyPort: 0, tlsPort: 0 },
    ...settings,
  });
  assert.ok(server.gateway?.proxyUrl !== undefined && server.gateway.tlsPort !== undefined);
  const { proxyUrl, tlsPort, rootFile } = server.gateway;
  return { server, proxyPort: Number(new URL(proxyUrl).port), tlsPort, ca: readFileSync(rootFile) };
}

type TestGateway = Awaited<ReturnType<typeof start>>;

/** A connection with TLS to a host, through the proxy. */
async function secureThroughProxy({ proxyPort, ca }: TestGateway, host: string) {
  const asked = request({
    host: '127.0.0.1',
    port: proxyPort,
    method: 'CONNECT',
    path: `${host}:443`,
  });
  const [answer, tunnel] = (await once(asked.end(), 'connect')) as [IncomingMessage, Socket];
  assert.equal(answer.statusCode, 200);
  const socket = connectTls({ socket: tunnel, servername: host, ca });
  await once(socket, 'secureConnect');
  return { socket, tunnel };
}

async function ask(socket: TLSSocket, host: string, path: string, method = 'GET', body?: unknown) {
  const headers = { host, authorization, 'x-xbl-contract-version': '107' };
  const asked = request({ createConnection: () => socket, method, path, headers });
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, text: await textOf(answer) };
}

test('a session is written and read through proxy and TLS', options, async () => {
  const started = await start();
  await using _server = started.server;
  const host = 'sessiondirectory.xboxlive.com';
  const path = `/serviceconfigs/${demoScid}/sessionTemplates/deathmatch/sessions/a`;
  const { socket } = await secureThroughProxy(started, host);
  const put = await ask(socket, host, path, 'PUT', { members: { me: {} } });
  assert.equal(put.status, 201);
  const direct = connectTls({
    host: '127.0.0.1',
    port: started.tlsPort,
    servername: host,
    ca: started.ca,
  });
  const got = await ask(direct, host, path);
  assert.deepEqual(got, { status: 200, text: put.text });
});

/** A WebSocket of RTA through the proxy, and the tunnel that it is in. */
async function openRta(started: TestGateway) {
  const host = 'rta.xboxlive.com';
  const { socket, tunnel } = await secureThroughProxy(started, host);
  const client = new WebSocket(`wss://${host}/connect`, 'rta.xboxlive.com.V2', {
    headers: { authorization },
    createConnection: () => socket,
  });
  await once(client, 'open');
  return { client, tunnel };
}

test(
  'a WebSocket through CONNECT; when the tunnel is cut, its connection has ended',
  options,
  async () => {
    const started = await start();
    await using server = started.server;
    const { client, tunnel } = await openRta(started);
    client.send('[1,1,"https://sessiondirectory.xboxlive.com/connections/"]');
    const [frame] = await once(client, 'message');
    assert.match(String(frame), /^\[1,1,0,\d+,\{"ConnectionId":"[0-9a-f-]{36}"\}\]$/);
    assert.equal(server.connectionsCount, 1);
    client.on('error', () => undefined);
    tunnel.resetAndDestroy();
    while (server.connectionsCount > 0) await new Promise((turn) => setImmediate(turn));
  },
);

test('a handshake that is cut half way leaves nothing', options, async () => {
  const started = await start();
  await using server = started.server;
  const { socket, tunnel } = await secureThroughProxy(started, 'rta.xboxlive.com');
  socket.on('error', () => undefined);
  socket.write('GET /connect HTTP/1.1\r\nHost: rta.xboxlive.com\r\nUpgrade: websocket\r\nConn');
  tunnel.resetAndDestroy();
  const { client } = await openRta(started);
  assert.equal(server.connectionsCount, 1);
  client.close();
});

test('RTA is of its own host, and control of none', options, async () => {
  const started = await start({ control: true });
  await using _server = started.server;
  for (const [host, path, status] of [
    ['sessiondirectory.xboxlive.com', '/nonce', 404],
    ['rta.xboxlive.com', '/nonce', 200],
    ['sessiondirectory.xboxlive.com', '/control', 404],
    ['sessiondirectory.xboxlive.com', '/health/live', 404],
    ['userstats.xboxlive.com', '/users/me', 404],
  ] as const) {
    const { socket } = await secureThroughProxy(started, host);
    assert.equal((await ask(socket, host, path)).status, status, `${host}${path}`);
  }
  const { socket } = await secureThroughProxy(started, 'social.xboxlive.com');
  const wrong = new WebSocket('wss://social.xboxlive.com/connect', {
    headers: { authorization },
    createConnection: () => socket,
  });
  const [, answer] = (await once(wrong, 'unexpected-response')) as [unknown, IncomingMessage];
  assert.equal(answer.statusCode, 404);
  // As before, by its own address.
  const own = await fetch(`${started.server.url}/health/live`);
  assert.equal(own.status, 200);
});

test('the main port is no proxy', options, async () => {
  const started = await start();
  await using server = started.server;
  const socket = connectPlain(Number(new URL(server.url).port), '127.0.0.1');
  socket.write('CONNECT sessiondirectory.xboxlive.com:443 HTTP/1.1\r\n\r\n');
  assert.match(await textOf(socket), /^HTTP\/1\.1 400 .*this server is none/s);
});

test('draining ends the connections of the gateway with their last answer', options, async () => {
  const started = await start({ tlsPort: await freePort() });
  await using server: RunningServer = started.server;
  const { socket } = await secureThroughProxy(started, 'sessiondirectory.xboxlive.com');
  const ended = once(socket.resume(), 'close');
  await server.drain();
  await ended;
  const late = connectPlain(started.tlsPort, '127.0.0.1');
  const [error] = await once(late, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
});

test('the root stays the same at the next start', options, async () => {
  const first = await start();
  await first.server.close();
  const second = await start();
  await second.server.close();
  assert.deepEqual(second.ca, first.ca);
});

test(
  'a port in use and a root that cannot be used are reported, and nothing listens',
  options,
  async () => {
    const first = await start();
    await using _server = first.server;
    const taken = first.tlsPort;
    await assert.rejects(start({ tlsPort: taken }), (error: unknown) => {
      assert.ok(error instanceof CannotStart);
      assert.match(error.message, new RegExp(`Port ${taken} is in use .* with tlsPort `));
      return true;
    });
    const other = await mkdtemp(join(data, 'other-'));
    await (await start({ data: other })).server.close();
    await rm(join(other, 'gateway', 'root-key.json'));
    await assert.rejects(start({ data: other }), CannotStart);
  },
);

test('without the gateway nothing of it is loaded, and no root is made', options, async () => {
  const folder = await mkdtemp(join(data, 'plain-'));
  const server = resolve(import.meta.dirname, '../../src/server.ts');
  const code = (more: string): string => `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ resolve(specifier, context, next) {
      const found = next(specifier, context); loaded.push(found.url); return found;
    } });
    const { startServer } = await import(${JSON.stringify(server)});
    const running = await startServer({ store: 'memory', port: 0, data: ${JSON.stringify(folder)}${more} });
    await running.close();
    console.log(JSON.stringify(loaded));`;
  const partsOf = async (more: string): Promise<readonly string[]> => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code(more)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const urls = JSON.parse(await textOf(child.stdout)) as string[];
    return urls.filter((url) => /\/src\/gateway\/|\/asn1js\/|^node:tls$/.test(url));
  };
  assert.deepEqual(await partsOf(''), []);
  assert.deepEqual(await readdir(folder), []);
  // The same question has another answer where the gateway is asked for.
  assert.ok((await partsOf(', tlsPort: 0')).length > 3);
});
