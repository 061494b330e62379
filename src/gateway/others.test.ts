import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage, request } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createTcp,
  type Server,
  type Socket,
} from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import { freePort } from '../testing/free-port.ts';
import { createForwardProxy } from './forward-proxy.ts';
import { openOthers, type OthersSettings } from './others.ts';
import { parseAuthority } from './authority.ts';

const options = { timeout: 300_000 };

/** A proxy that leads to every host, with what a test says of names and addresses. */
async function startProxy(settings: Partial<OthersSettings> = {}, port?: number) {
  const others = openOthers({
    connectMs: 60_000,
    isClosed: () => false,
    // Where localhost is ::1 first, too.
    resolve: async () => ['127.0.0.1'],
    ...settings,
  });
  const proxy = createForwardProxy({
    terminator: { accept: (socket) => socket.destroy(), use() {}, cut() {} },
    plain: (socket) => socket.destroy(),
    answer: (_incoming, outgoing) => outgoing.end(),
    // The ports of HTTP and HTTPS stand for that of the test's own server.
    others: {
      connect: (to, ...rest) => others.connect({ ...to, port: port ?? to.port }, ...rest),
      forward: (to, ...rest) => others.forward({ ...to, port: port ?? to.port }, ...rest),
    },
    freshGuid: () => '00000000-0000-4000-8000-000000000000',
    log: () => undefined,
  });
  const at = await listen(proxy.server);
  return {
    port: at,
    async [Symbol.asyncDispose]() {
      proxy.server.close();
      proxy.cut();
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function connectBy(port: number, authority: string) {
  const asked = request({ host: '127.0.0.1', port, method: 'CONNECT', path: authority }).end();
  const [answer, socket] = (await once(asked, 'connect')) as [IncomingMessage, Socket];
  return { status: answer.statusCode, refusal: answer.headers['x-mpsd-refusal'], socket };
}

async function ask(port: number, url: string, headers: Record<string, string> = {}, body?: string) {
  const method = body === undefined ? 'GET' : 'POST';
  const asked = request({ host: '127.0.0.1', port, path: url, method, headers, agent: false }).end(
    body,
  );
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, text: await textOf(answer) };
}

test('a tunnel carries bytes both ways, and its ends end together', options, async () => {
  await using upstream = createTcp((socket) => socket.pipe(socket).on('error', () => undefined));
  await using proxy = await startProxy({}, await listen(upstream));
  const { status, socket } = await connectBy(proxy.port, 'localhost:443');
  assert.equal(status, 200);
  socket.end('there and back');
  assert.equal(await textOf(socket), 'there and back');
  const second = await connectBy(proxy.port, 'localhost:443');
  const [closed] = [once(upstream, 'close')];
  second.socket.destroy();
  upstream.close();
  // It closes when both of its connections have.
  await closed;
});

test(
  'a request goes on with its body, without the headers of one connection',
  options,
  async () => {
    const seen: IncomingMessage['headers'][] = [];
    await using upstream = createHttp((incoming, outgoing) => {
      seen.push({ ...incoming.headers, method: incoming.method, url: incoming.url });
      outgoing.writeHead(201, { 'x-own': 'yes', connection: 'close, x-hop', 'x-hop': 'no' });
      incoming.pipe(outgoing);
    });
    await using proxy = await startProxy({}, await listen(upstream));
    const headers = {
      'proxy-connection': 'keep-alive',
      connection: 'x-mine',
      'x-mine': '1',
      'x-far': '2',
    };
    const answer = await ask(proxy.port, 'http://localhost/a?b=c', headers, 'body');
    assert.deepEqual([answer.status, answer.text], [201, 'body']);
    assert.equal(answer.headers['x-own'], 'yes');
    assert.equal(answer.headers['x-hop'], undefined);
    const [{ method, url, host, ...rest } = {}] = seen;
    assert.deepEqual([method, url, host, rest['x-far']], ['POST', '/a?b=c', 'localhost', '2']);
    assert.equal(rest['x-mine'], undefined);
    assert.equal(rest['proxy-connection'], undefined);
  },
);

/** What a proxy sends to a client that waits to be asked for its body, and sends it then. */
async function sentToWaiting(port: number, url: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  socket.write(`POST ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`);
  socket.write('Content-Length: 4\r\nExpect: 100-continue\r\n\r\n');
  let sent = '';
  for await (const chunk of socket) {
    if (sent === '' && String(chunk).startsWith('HTTP/1.1 100 ')) socket.write('body');
    sent += chunk;
  }
  return sent;
}

// Kills: a body that is asked for although no host gets it.
test('a body that is waited for is asked for once, where a host gets it', options, async () => {
  await using upstream = createHttp((incoming, outgoing) => incoming.pipe(outgoing));
  const port = await listen(upstream);
  await using proxy = await startProxy({}, port);
  const sent = await sentToWaiting(proxy.port, 'http://localhost/');
  assert.match(sent, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 .*body/s);
  assert.equal(sent.match(/HTTP\/1\.1 100/g)?.length, 1);
  await using closed = await startProxy({ isClosed: () => true }, port);
  for (const [to, url] of [
    [closed, 'http://localhost/'],
    [proxy, 'http://localhost:22/'],
    [proxy, '/'],
  ] as const) {
    assert.match(await sentToWaiting(to.port, url), /^HTTP\/1\.1 40[03] /, url);
  }
});

test('an expectation that nobody knows goes on', options, async () => {
  await using upstream = createHttp().on('checkExpectation', ({ headers }, outgoing) =>
    outgoing.end(headers.expect),
  );
  await using proxy = await startProxy({}, await listen(upstream));
  const { text } = await ask(proxy.port, 'http://localhost/', { expect: 'miracles' });
  assert.equal(text, 'miracles');
});

test('what leads back to this machine is refused, by address and by name', options, async () => {
  const resolve = async (host: string): Promise<readonly string[]> =>
    host === 'rebound.example' ? ['127.0.0.1', '::1'] : ['169.254.169.254'];
  const others = openOthers({ connectMs: 1_000, resolve });
  await using proxy = await startProxy();
  const socket = connect(proxy.port, '127.0.0.1');
  for (const text of [
    '127.0.0.1:443',
    '[::1]:80',
    'rebound.example:443',
    'meta.example:80',
    '0.0.0.0:80',
  ]) {
    const to = parseAuthority(text);
    assert.ok(to !== undefined);
    const refusal = await others.connect(to, socket, Buffer.alloc(0));
    assert.equal(refusal?.code, 'hostForbidden', text);
  }
  socket.destroy();
});

test('an address that is open is taken where others are not', options, async () => {
  await using upstream = createHttp((_incoming, outgoing) => outgoing.end('here'));
  const settings = {
    resolve: async () => ['10.255.255.1', '127.0.0.1'],
    isClosed: (address: string) => address === '10.255.255.1',
  };
  await using proxy = await startProxy(settings, await listen(upstream));
  assert.equal((await ask(proxy.port, 'http://mixed.example/')).text, 'here');
});

// Kills: a name with a dead address first that is never reached by its second one.
test('the next address is tried where one does not answer', options, async () => {
  const resolve = async () => ['::1', '127.0.0.1'];
  await using upstream = createHttp((_incoming, outgoing) => outgoing.end('here'));
  const port = await listen(upstream);
  await using proxy = await startProxy({ resolve }, port);
  assert.equal((await ask(proxy.port, 'http://both.example/')).text, 'here');
  const { status, socket } = await connectBy(proxy.port, 'both.example:443');
  assert.equal(status, 200);
  socket.destroy();
  await using dead = await startProxy({ resolve }, await freePort());
  const { text } = await ask(dead.port, 'http://both.example/');
  assert.match(text, /both\.example cannot be reached: .*::1.*, .*ECONNREFUSED 127\.0\.0\.1/);
});

test('a host that is not there is 502, in words', options, async () => {
  await using proxy = await startProxy({}, await freePort());
  const tunnel = await connectBy(proxy.port, 'localhost:443');
  assert.deepEqual([tunnel.status, tunnel.refusal], [502, 'hostUnreachable']);
  const { status, text } = await ask(proxy.port, 'http://localhost/');
  assert.equal(status, 502);
  assert.match(text, /localhost cannot be reached: .*ECONNREFUSED/);
  await using nameless = await startProxy({
    resolve: () => Promise.reject(new Error('ENOTFOUND')),
  });
  assert.match((await ask(nameless.port, 'http://no.example/')).text, /its name is not known/);
});

test('a server that says nothing is 502 when its time is over', options, async () => {
  await using mute = createTcp((socket) => socket.on('error', () => undefined).resume());
  await using proxy = await startProxy({ connectMs: 30 }, await listen(mute));
  const { status, text } = await ask(proxy.port, 'http://localhost/');
  assert.equal(status, 502);
  assert.match(text, /no answer in time/);
});

test('a server that breaks off its answer breaks off that of the proxy', options, async () => {
  await using breaking = createHttp((_incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-length': '100' });
    outgoing.write('some', () => outgoing.destroy());
  });
  await using proxy = await startProxy({}, await listen(breaking));
  await assert.rejects(ask(proxy.port, 'http://localhost/'), /aborted/);
});
