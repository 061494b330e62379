import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { openHosts } from '../http/hosts.ts';
import { freePort } from '../testing/free-port.ts';
import { sampleApp, sampleRoute } from '../testing/sample-app.ts';
import { type GatewaySettings, openGateway } from './gateway.ts';
import { leafNames } from './host-names.ts';
import { openRoot } from './root-certificate.ts';

const options = { timeout: 300_000 };
const folder = await mkdtemp(join(tmpdir(), 'openmpsd-gateway-'));
after(() => rm(folder, { recursive: true }));
// One root for all of these tests.
const root = await openRoot(join(folder, 'root'), Date.now());
const local = { host: '127.0.0.1', port: 0 };
const directory = 'sessiondirectory.xboxlive.com';

async function startGateway(settings: Partial<GatewaySettings> = {}, port = 0) {
  const logged: string[] = [];
  const app = sampleApp(
    [
      sampleRoute('GET', '/handles', { auth: 'token' }),
      sampleRoute('POST', '/handles', { auth: 'token', body: 'object' }),
    ],
    { hosts: openHosts() },
  );
  await app.listen(local);
  const gateway = await openGateway({
    app,
    folder: join(folder, 'root'),
    others: 'refuse',
    nowMs: Date.now,
    freshGuid: () => '00000000-0000-4000-8000-000000000000',
    log: (line) => logged.push(line),
    ...settings,
  });
  const { port: tlsPort } = await gateway.listenForTls({ ...local, port });
  const proxyPort = Number(new URL((await gateway.listenAsProxy(local)).url).port);
  return {
    ...{ app, gateway, tlsPort, proxyPort, logged },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await app.close();
    },
  };
}

/** What a proxy answers to CONNECT, with the connection. */
async function connectBy(proxyPort: number, authority: string) {
  const asked = request({ ...local, port: proxyPort, method: 'CONNECT', path: authority }).end();
  const [answer, socket] = (await once(asked, 'connect')) as [IncomingMessage, Socket, Buffer];
  return { status: answer.statusCode, refusal: answer.headers['x-mpsd-refusal'], socket };
}

/** A connection with TLS over `socket`, or straight to a port, whose certificate is checked. */
async function secure(
  over: { readonly socket: Socket } | { readonly port: number },
  servername: string,
  ca = root.certificate,
): Promise<TLSSocket> {
  const socket = connectTls({ ...over, host: '127.0.0.1', servername, ca });
  await once(socket, 'secureConnect');
  return socket;
}

type RequestParts = {
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Record<string, string>;
};

async function get(
  socket: Socket,
  { path = '/handles', host = directory, headers }: RequestParts = {},
) {
  const asked = request({
    createConnection: () => socket,
    path,
    headers: { host, authorization: 'ada', ...headers },
  }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const text = await textOf(answer);
  return { status: answer.statusCode, refusal: answer.headers['x-mpsd-refusal'], text };
}

/** The answer to a request on a connection that stays. */
async function ask(socket: Socket): Promise<string> {
  socket.write(`GET /handles HTTP/1.1\r\nHost: ${directory}\r\nAuthorization: ada\r\n\r\n`);
  return String((await once(socket, 'data'))[0]);
}

/** All that comes on a connection until it ends. */
async function sentOn(socket: Socket, bytes: string): Promise<string> {
  socket.write(bytes);
  return textOf(socket);
}

test('TLS on a port of its own', options, async () => {
  await using started = await startGateway();
  const socket = await secure({ port: started.tlsPort }, directory);
  assert.equal(socket.alpnProtocol, false);
  assert.equal((await get(socket)).status, 200);
});

test('TLS through the proxy, more than one request on a connection', options, async () => {
  await using started = await startGateway();
  const { status, socket: tunnel } = await connectBy(started.proxyPort, `${directory}:443`);
  assert.equal(status, 200);
  const socket = await secure({ socket: tunnel }, directory);
  for (let i = 0; i < 3; i += 1) assert.match(await ask(socket), /^HTTP\/1\.1 200 OK/);
  socket.destroy();
});

test('the host decides which service answers', options, async () => {
  await using started = await startGateway();
  for (const [host, path, status] of [
    [directory, '/handles', 200],
    ['social.xboxlive.com', '/handles', 404],
    ['userstats.xboxlive.com', '/handles', 404],
    ['example.com', '/handles', 403],
  ] as const) {
    const socket = await secure({ port: started.tlsPort }, directory);
    assert.equal((await get(socket, { host, path })).status, status, host);
  }
});

test('plain HTTP through the proxy: a whole URL, or CONNECT', options, async () => {
  await using started = await startGateway();
  const plain = (): Socket => connectPlain(started.proxyPort, '127.0.0.1');
  const path = `http://${directory}/handles`;
  assert.equal((await get(plain(), { path })).status, 200);
  assert.equal((await get(plain(), { path: `https://${directory}/handles` })).status, 200);
  assert.equal((await get(plain(), { path: 'http://social.xboxlive.com/handles' })).status, 404);
  const { socket } = await connectBy(started.proxyPort, `${directory}:80`);
  assert.equal((await get(socket)).status, 200);
});

const forbidden: readonly (readonly [authority: string, status: number, refusal: string])[] = [
  ['example.com:443', 403, 'hostForbidden'],
  ['xboxlive.com.example.com:443', 403, 'hostForbidden'],
  ['notxboxlive.com:443', 403, 'hostForbidden'],
  ['127.0.0.1:443', 403, 'hostForbidden'],
  ['[::1]:443', 403, 'hostForbidden'],
  ['169.254.169.254:80', 403, 'hostForbidden'],
  [`${directory}:22`, 403, 'hostForbidden'],
  [`${directory}:8443`, 403, 'hostForbidden'],
  [directory, 400, 'requestMalformed'],
  ['/', 400, 'requestMalformed'],
  [`${directory}:0`, 400, 'requestMalformed'],
  [`user@${directory}:443`, 400, 'requestMalformed'],
];

// Kills: a proxy that asks for the body before the app does, also where the app refuses it unread.
test(
  'through the proxy a body that is waited for is asked for once, or not at all',
  options,
  async () => {
    await using started = await startGateway();
    for (const [credentials, statuses] of [
      ['Authorization: ada\r\n', ['100', '200']],
      ['', ['401']],
    ] as const) {
      const socket = connectPlain(started.proxyPort, '127.0.0.1').setEncoding('latin1');
      socket.write(`POST http://${directory}/handles HTTP/1.1\r\nHost: ${directory}\r\n`);
      socket.write(`${credentials}Connection: close\r\nContent-Length: 2\r\n`);
      socket.write('Expect: 100-continue\r\n\r\n');
      let sent = '';
      let isSent = false;
      for await (const chunk of socket) {
        sent += chunk;
        // The app would wait for the body of a refused request.
        if (sent.startsWith('HTTP/1.1 401 ')) socket.end();
        if (isSent || !sent.startsWith('HTTP/1.1 100 ')) continue;
        isSent = true;
        socket.write('{}');
      }
      const seen = Array.from(sent.matchAll(/^HTTP\/1\.1 (\d{3}) /gm), ([, status]) => status);
      assert.deepEqual(seen, statuses);
    }
  },
);

test('CONNECT to anything else is refused', options, async () => {
  await using started = await startGateway();
  for (const [authority, status, refusal] of forbidden) {
    const answer = await connectBy(started.proxyPort, authority);
    assert.deepEqual([answer.status, answer.refusal], [status, refusal], authority);
    answer.socket.destroy();
  }
  const itself = await connectBy(started.proxyPort, `127.0.0.1:${started.proxyPort}`);
  assert.equal(itself.refusal, 'hostForbidden');
  itself.socket.destroy();
});

test('a URL of another host, and no URL, are refused', options, async () => {
  await using started = await startGateway();
  for (const [path, status] of [
    ['http://example.com/', 403],
    ['http://127.0.0.1/', 403],
    [`http://127.0.0.1:${started.proxyPort}/`, 403],
    [`http://${directory}:22/`, 403],
    ['/handles', 400],
    ['*', 400],
    ['ftp://example.com/', 400],
  ] as const) {
    const answer = await get(connectPlain(started.proxyPort, '127.0.0.1'), { path });
    assert.equal(answer.status, status, path);
  }
});

test('a head that is too large is 431, what is not HTTP is 400', options, async () => {
  await using started = await startGateway();
  const head = `CONNECT ${directory}:443 HTTP/1.1\r\nHost: ${directory}:443\r\n`;
  for (const [bytes, status, said] of [
    [`${head}X: ${'x'.repeat(65_536)}\r\n\r\n`, 431, /larger than \d+ bytes/],
    ['hello\r\n\r\n', 400, /The request is not HTTP\/1\.1/],
  ] as const) {
    const answer = await sentOn(connectPlain(started.proxyPort, '127.0.0.1'), bytes);
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    assert.match(answer, said);
  }
});

test('a host that is refused is logged once, and once for each closed port', options, async () => {
  await using started = await startGateway();
  for (const authority of [
    ...['example.com:443', 'example.com:443', 'example.org:443'],
    ...[`${directory}:8443`, `${directory}:8443`, 'example.org:22'],
  ]) {
    (await connectBy(started.proxyPort, authority)).socket.destroy();
  }
  assert.deepEqual(
    started.logged.map((line) => /refused (\S+),/.exec(line)?.[1]),
    ['example.com', 'example.org', `${directory}:8443`, 'example.org:22'],
  );
});

test('the certificate has the names that the page says, and no others', options, async () => {
  await using started = await startGateway();
  const socket = await secure({ port: started.tlsPort }, directory);
  const shown = socket.getPeerCertificate().subjectaltname?.split(', ');
  socket.destroy();
  assert.deepEqual(
    shown,
    leafNames().map((name) => `DNS:${name}`),
  );
  const page = await readFile(new URL('../../docs/gateway.md', import.meta.url), 'utf8');
  const sentence = /Its certificate has the\s+names (.*?)\. A star/s.exec(page)?.[1] ?? '';
  const said = Array.from(sentence.matchAll(/`([^`]+)`/g), ([, name]) => name);
  assert.deepEqual(said.sort(), [...leafNames()].sort());
  // A name of two parts is served, and no client that checks the certificate gets there.
  await assert.rejects(secure({ port: started.tlsPort }, 'a.b.xboxlive.com'), /altnames/);
});

test('TLS without a name is served; a foreign name is misdirected', options, async () => {
  await using started = await startGateway();
  const { tlsPort: port } = started;
  const unchecked = {
    host: '127.0.0.1',
    port,
    ca: root.certificate,
    checkServerIdentity: () => undefined,
  };
  const nameless = connectTls(unchecked);
  await once(nameless, 'secureConnect');
  assert.equal((await get(nameless)).status, 200);
  const foreign = connectTls({ ...unchecked, servername: 'example.com' });
  await once(foreign, 'secureConnect');
  assert.match(await textOf(foreign), /^HTTP\/1\.1 421 Misdirected Request\r\n/);
});

test(
  'a client that does not trust the root is refused nothing and gets nothing',
  options,
  async () => {
    await using started = await startGateway();
    const socket = connectTls({ host: '127.0.0.1', port: started.tlsPort, servername: directory });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.match(String(error.code), /SELF_SIGNED|UNABLE_TO/);
  },
);

test('what is not TLS on the TLS port is answered in plain text', options, async () => {
  await using started = await startGateway();
  const answer = await sentOn(
    connectPlain(started.tlsPort, '127.0.0.1'),
    `GET /handles HTTP/1.1\r\nHost: ${directory}\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.match(answer, /This port speaks TLS/);
});

test('garbage after the first byte of TLS ends the connection', options, async () => {
  await using started = await startGateway();
  const socket = connectPlain(started.tlsPort, '127.0.0.1').on('error', () => undefined);
  socket.write(Buffer.from([0x16, 0xff, 0xff, 0xff, 0xff, 0xff]));
  socket.resume();
  await once(socket, 'close');
});

test('TLS spoken to the proxy itself is refused', options, async () => {
  await using started = await startGateway();
  const socket = connectTls({ host: '127.0.0.1', port: started.proxyPort, servername: directory });
  await once(socket, 'error');
});

test('connections that never speak are cut', options, async (context) => {
  await using started = await startGateway({ handshakeMs: 1_000 });
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const silent = Array.from({ length: 50 }, () => connectPlain(started.tlsPort, '127.0.0.1'));
  const { socket } = await connectBy(started.proxyPort, `${directory}:443`);
  const half = connectPlain(started.tlsPort, '127.0.0.1');
  half.write(Buffer.from([0x16, 0x03]));
  const ends = [...silent, socket, half].map(async (one) => {
    one.on('error', () => undefined).resume();
    // Those who have sent something may be reset, and `once` would reject.
    if (!one.destroyed) await new Promise((closed) => one.once('close', closed));
  });
  // Again and again: nothing shows when the last of them has been accepted.
  const passing = setInterval(() => context.mock.timers.tick(1_000), 1);
  await Promise.all(ends).finally(() => clearInterval(passing));
});

test('a handshake that is done is not cut by its time', options, async (context) => {
  await using started = await startGateway({ handshakeMs: 3_000 });
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const socket = await secure({ port: started.tlsPort }, directory);
  // An answer shows that the server, too, takes the handshake for done.
  assert.match(await ask(socket), /^HTTP\/1\.1 200 OK/);
  const late = connectPlain(started.tlsPort, '127.0.0.1')
    .on('error', () => undefined)
    .resume();
  const passing = setInterval(() => context.mock.timers.tick(3_000), 1);
  await new Promise((closed) => late.once('close', closed)).finally(() => clearInterval(passing));
  assert.match(await ask(socket), /^HTTP\/1\.1 200 OK/);
  socket.destroy();
});

test('a leaf is replaced before it is old', options, async () => {
  // A certificate of the future is no good, so it begins in the past.
  let nowMs = Date.now() - 4 * 24 * 3_600_000;
  await using started = await startGateway({ nowMs: () => nowMs, leafCheckMs: 1 });
  const serialNow = async (): Promise<string> => {
    const socket = await secure({ port: started.tlsPort }, directory);
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const first = await serialNow();
  assert.equal(await serialNow(), first);
  nowMs = Date.now();
  while ((await serialNow()) === first);
});

test('what the app was given outlives the gateway', options, async () => {
  await using started = await startGateway({}, await freePort());
  const socket = await secure({ port: started.tlsPort }, directory);
  const { socket: tunnel } = await connectBy(started.proxyPort, `${directory}:443`);
  const tunnelled = await secure({ socket: tunnel }, directory);
  // An answer shows that the server, too, takes the handshake for done.
  for (const one of [socket, tunnelled]) await ask(one);
  await started.gateway[Symbol.asyncDispose]();
  await assert.rejects(secure({ port: started.tlsPort }, directory), /ECONNREFUSED/);
  for (const one of [socket, tunnelled]) assert.match(await ask(one), /^HTTP\/1\.1 200 OK/);
});
