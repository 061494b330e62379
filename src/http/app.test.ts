import assert from 'node:assert/strict';
import {
  Agent,
  type IncomingMessage,
  maxHeaderSize,
  request,
  type RequestOptions,
} from 'node:http';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { testObservers } from '../testing/test-observers.ts';
import { goodHeaders, sampleApp, sampleBodyBytesMax, sampleRoute } from '../testing/sample-app.ts';
import { openNonces } from '../auth/nonces.ts';
import { type AppSettings, createHttpServer } from './app.ts';
import type { Route } from './route.ts';

// What these tests are about is what a client sees on its socket; a hang fails by this limit.
const options = { timeout: 300_000 };

async function listen(more: readonly Route[] = [], settings: Partial<AppSettings> = {}) {
  const app = sampleApp(more, settings);
  const { port } = await app.listen({ host: '127.0.0.1', port: 0 });
  return { ...app, port, [Symbol.asyncDispose]: () => app.close() };
}

const seat = '/rooms/a/seats/b';
const good = 'Authorization: ada\r\nX-Xbl-Contract-Version: 107\r\n';

/** All that the server sends on one connection for these bytes, until it closes it. */
function exchange(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  for (const part of parts) socket.write(part);
  return textUntilEnd(socket);
}

function textUntilEnd(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text)).on('error', reject);
  });
}

type RawResponse = { status: number; headers: Map<string, string>; body: string };

/** The answers in a text, one after the other; each must say how long it is. */
function parseAnswers(text: string): RawResponse[] {
  const answers: RawResponse[] = [];
  let rest = text;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    assert.ok(end > 0, `no answer: ${JSON.stringify(rest)}`);
    const [start = '', ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) \w/.exec(start)?.[1]);
    const headers = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
    const length = Number(headers.get('content-length') ?? 0);
    answers.push({ status, headers, body: rest.slice(end + 4, end + 4 + length) });
    rest = rest.slice(end + 4 + length);
  }
  return answers;
}

async function answersTo(
  port: number,
  ...parts: readonly (string | Buffer)[]
): Promise<RawResponse[]> {
  return parseAnswers(await exchange(port, ...parts));
}

type Reply = { status: number | undefined; headers: IncomingMessage['headers']; text: string };

/** The answer to a request of Node's own client. */
function ask(
  sent: RequestOptions,
  body: string | Buffer = '',
): Promise<Reply & { reused: boolean }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', path: seat, ...sent, headers: { ...goodHeaders, ...sent.headers } },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode,
            headers: incoming.headers,
            text: String(Buffer.concat(chunks)),
            reused: outgoing.reusedSocket,
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('listens on a free port and says where', options, async () => {
  await using app = await listen();
  const { status, headers } = await ask({ port: app.port });
  assert.equal(status, 200);
  assert.ok(headers.date);
  const second = sampleApp();
  await assert.rejects(second.listen({ host: '127.0.0.1', port: app.port }), /EADDRINUSE/);
  await second.close();
  const third = sampleApp();
  const { url, port } = await third.listen({ host: '127.0.0.1', port: 0 });
  assert.equal(url, `http://127.0.0.1:${port}`);
  await third.close();
});

test('slow clients are cut off, and idle connections kept for longer than proxies keep them', () => {
  const server = createHttpServer(() => undefined, {
    ids: { guid: () => '' },
    clock: manualClock(),
    observers: testObservers(),
  });
  assert.equal(server.headersTimeout, 20_000);
  assert.equal(server.requestTimeout, 60_000);
  assert.equal(server.keepAliveTimeout, 75_000);
});

test('while closing, what comes on a connection in use is answered', options, async () => {
  const asked = Promise.withResolvers<void>();
  const askedAgain = Promise.withResolvers<void>();
  const first = sampleRoute('GET', '/first', {
    async answer() {
      asked.resolve();
      await askedAgain.promise;
      return { status: 200, body: '"first"' };
    },
  });
  const second = sampleRoute('GET', '/second', {
    async answer() {
      askedAgain.resolve();
      return { status: 200, body: '"second"' };
    },
  });
  await using app = await listen([first, second]);
  const idle = new Agent({ keepAlive: true });
  await ask({ port: app.port, agent: idle });
  const socket = connect(app.port, '127.0.0.1').setEncoding('latin1');
  const received = textUntilEnd(socket);
  socket.write(`GET /first HTTP/1.1\r\n${good}\r\n`);
  await asked.promise;
  const [idleSocket] = Object.values(idle.freeSockets).flat();
  const idleEnded = once(idleSocket as Socket, 'close');
  const closed = app.close();
  // From here on nothing is accepted, and each answer is the last of its connection.
  await idleEnded;
  socket.write(`GET /second HTTP/1.1\r\n${good}\r\n`);
  const answers = parseAnswers(await received);
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['"first"', '"second"'],
  );
  assert.equal(answers[1]?.headers.get('connection'), 'close');
  // The idle connection does not keep it open.
  await closed;
});

const bodies: readonly (readonly [what: string, request: string])[] = [
  ['a body', `PUT ${seat} HTTP/1.1\r\n${good}Content-Length: 7\r\n\r\n{"a":1}`],
  [
    'a chunked body',
    `PUT ${seat} HTTP/1.1\r\n${good}Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n`,
  ],
];

for (const [what, bytes] of bodies) {
  test(`reads ${what}, in however many pieces it comes`, options, async () => {
    await using app = await listen();
    const close = bytes.replace(good, `${good}Connection: close\r\n`);
    const cuts = [[close], [...close]];
    for (const pieces of cuts) {
      const [answer] = await answersTo(app.port, ...pieces);
      assert.deepEqual(JSON.parse(answer?.body ?? '').body, { a: 1 });
    }
  });
}

const ignored: readonly (readonly [what: string, rest: string])[] = [
  ['no length', '\r\n'],
  ['Content-Length: 0', 'Content-Length: 0\r\n\r\n'],
  ['a JSON body', 'Content-Length: 7\r\n\r\n{"a":1}'],
  ['a chunked body', 'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n0\r\n\r\n'],
];

for (const [what, rest] of ignored) {
  test(
    `GET and DELETE with ${what} are answered, and so is the next request`,
    options,
    async () => {
      await using app = await listen();
      const head = `${seat} HTTP/1.1\r\n${good}Content-Type: application/json\r\n`;
      const last = `GET ${seat} HTTP/1.1\r\n${good}Connection: close\r\n\r\n`;
      const answers = await answersTo(app.port, `GET ${head}${rest}DELETE ${head}${rest}${last}`);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 204, 200],
      );
    },
  );
}

test(
  'pipelined requests are answered in their order, however long each takes',
  options,
  async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const gateOf = (name: string) => {
      const gate = gates.get(name) ?? Promise.withResolvers<void>();
      gates.set(name, gate);
      return gate;
    };
    const wait = sampleRoute('GET', '/wait/{name}', {
      async answer({ params }) {
        const { name = '' } = params;
        if (name === 'last') gateOf('first').resolve();
        await (name === 'first' ? gateOf('first').promise : undefined);
        return { status: 200, body: `"${name}"` };
      },
    });
    await using app = await listen([wait]);
    const line = (name: string, more = '') => `GET /wait/${name} HTTP/1.1\r\n${good}${more}\r\n`;
    const answers = await answersTo(
      app.port,
      line('first') + line('middle') + line('last', 'Connection: close\r\n'),
    );
    assert.deepEqual(
      answers.map(({ body }) => body),
      ['"first"', '"middle"', '"last"'],
    );
  },
);

test('a body that is waited for with Expect: 100-continue is asked for', options, async () => {
  await using app = await listen();
  const order: string[] = [];
  const answer = await new Promise<string>((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: app.port,
      path: seat,
      method: 'PUT',
      headers: { ...goodHeaders, Expect: '100-continue' },
    });
    outgoing.on('continue', () => {
      order.push('continue');
      outgoing.end('{"a":1}');
    });
    outgoing.on('response', (incoming) => {
      order.push(String(incoming.statusCode));
      incoming.setEncoding('utf8').on('data', resolve);
    });
    outgoing.on('error', reject);
    outgoing.flushHeaders();
  });
  assert.deepEqual(order, ['continue', '200']);
  assert.deepEqual(JSON.parse(answer).body, { a: 1 });
});

// Kills: a client that is asked for a body which is then refused unread; a connection that goes on although
// nobody knows whether the body comes.
test('a body that is refused unread is not asked for', options, async () => {
  await using app = await listen();
  const heads: readonly (readonly [string, number])[] = [
    [`PUT ${seat} HTTP/1.1\r\n${good}Content-Length: 9999999999\r\n`, 413],
    [`PUT ${seat} HTTP/1.1\r\nContent-Length: 10\r\n`, 401],
    ['PUT /nowhere HTTP/1.1\r\nTransfer-Encoding: chunked\r\n', 404],
  ];
  for (const [head, status] of heads) {
    const socket = connect(app.port, '127.0.0.1').setEncoding('latin1');
    socket.write(`${head}Expect: 100-continue\r\n\r\n`);
    const [text] = await once(socket, 'data');
    const [answer] = parseAnswers(String(text));
    assert.equal(answer?.status, status, head);
    assert.equal(answer.headers.get('connection'), 'close');
    socket.destroy();
  }
});

// Kills: a connection that is closed under a client that has been asked for its body, and sends it.
test(
  'after a body that was asked for and is too large, the connection can be used again',
  options,
  async () => {
    await using app = await listen();
    const socket = connect(app.port, '127.0.0.1').setEncoding('latin1');
    const received = textUntilEnd(socket);
    socket.write(
      `PUT ${seat} HTTP/1.1\r\n${good}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n`,
    );
    await once(socket, 'data');
    const size = sampleBodyBytesMax + 1;
    socket.write(`${size.toString(16)}\r\n${' '.repeat(size)}\r\n0\r\n\r\n`);
    socket.write(`GET ${seat} HTTP/1.1\r\n${good}Connection: close\r\n\r\n`);
    const answers = parseAnswers(await received);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [100, 413, 200],
    );
  },
);

test('an expectation that nobody knows is no reason to refuse', options, async () => {
  await using app = await listen();
  assert.equal((await ask({ port: app.port, headers: { Expect: 'miracles' } })).status, 200);
});

for (const how of ['with its length', 'chunked'] as const) {
  test(
    `after a body too large, sent ${how}, the connection can be used again`,
    options,
    async () => {
      await using app = await listen();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const large = Buffer.alloc(sampleBodyBytesMax + 1, ' ');
      const headers: Record<string, string> =
        how === 'chunked'
          ? { 'Transfer-Encoding': 'chunked' }
          : { 'Content-Length': String(large.length) };
      const refused = await ask({ port: app.port, agent, method: 'PUT', headers }, large);
      assert.equal(refused.status, 413);
      assert.match(refused.text, /larger than 1048576 bytes/);
      const next = await ask({ port: app.port, agent });
      assert.equal(next.status, 200);
      assert.equal(next.reused, true);
      agent.destroy();
    },
  );
}

test('a body announced as too large is refused before it comes', options, async () => {
  await using app = await listen();
  const head = `PUT ${seat} HTTP/1.1\r\n${good}Content-Length: 9999999999\r\n\r\n`;
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(app.port, '127.0.0.1').setEncoding('latin1').on('error', reject);
    socket.on('data', (chunk) => {
      resolve(String(chunk));
      socket.destroy();
    });
    socket.write(head);
  });
  assert.equal(parseAnswers(answer)[0]?.status, 413);
});

test('401, 404 and 405 come before the body does', options, async () => {
  await using app = await listen();
  const heads: readonly (readonly [string, number])[] = [
    [`PUT ${seat} HTTP/1.1\r\n`, 401],
    ['PUT /nowhere HTTP/1.1\r\n', 404],
    [`POST ${seat} HTTP/1.1\r\n`, 405],
    [`PUT ${seat} HTTP/1.1\r\nAuthorization: ada\r\n`, 400],
  ];
  for (const [head, status] of heads) {
    const socket = connect(app.port, '127.0.0.1').setEncoding('latin1');
    socket.write(`${head}Content-Length: 10\r\n\r\n`);
    const text = await new Promise((resolve) => socket.once('data', resolve));
    assert.equal(parseAnswers(String(text))[0]?.status, status, head);
    socket.destroy();
  }
});

for (const how of ['ends', 'resets'] as const) {
  test(`a client that ${how} its connection within a body is forgotten`, options, async () => {
    const entered: string[] = [];
    const watched = sampleRoute('PUT', '/watched', {
      body: 'object',
      async answer() {
        entered.push('watched');
        return { status: 200 };
      },
    });
    await using app = await listen([watched]);
    const socket = connect(app.port, '127.0.0.1');
    const closed = once(socket, 'close');
    const part = `PUT /watched HTTP/1.1\r\n${good}Content-Length: 10\r\n\r\n{"a"`;
    await new Promise((resolve) => socket.write(part, resolve));
    // Answered after the server has the part: it comes on a later connection.
    assert.equal((await ask({ port: app.port })).status, 200);
    if (how === 'ends') socket.resume().end();
    else socket.resetAndDestroy();
    await closed;
    await app.close();
    assert.deepEqual([entered, app.logged], [[], []]);
  });
}

const head = `GET ${seat} HTTP/1.1\r\n`;

const malformed: readonly (readonly [
  what: string,
  parts: readonly (string | Buffer)[],
  status: number,
  refusal: string,
  text: RegExp,
])[] = [
  ['no HTTP', ['hello\r\n\r\n'], 400, 'requestMalformed', /not HTTP\/1\.1: .+\.$/],
  ['TLS', [Buffer.from('160301020001', 'hex')], 400, 'requestMalformed', /not HTTP\/1\.1/],
  ['a verb that is none', [`FETCH ${seat} HTTP/1.1\r\n\r\n`], 400, 'requestMalformed', /method/],
  [
    'HTTP/2 without being asked',
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    400,
    'requestMalformed',
    /not HTTP\/1\.1/,
  ],
  ['a header without a name', [`${head}: x\r\n\r\n`], 400, 'requestMalformed', /header/i],
  [
    'two lengths',
    [`${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    400,
    'requestMalformed',
    /Content-Length/,
  ],
  ['CONNECT', ['CONNECT a:443 HTTP/1.1\r\n\r\n'], 400, 'requestMalformed', /no|none/],
  [
    'a header of 64 KB',
    [`${head}X: ${'x'.repeat(65_536)}\r\n\r\n`],
    431,
    'headersTooLarge',
    new RegExp(`larger than ${maxHeaderSize} bytes`),
  ],
  [
    'many headers of 1 MB in all',
    [head, ...Array.from({ length: 100 }, (_, i) => `X-${i}: ${'x'.repeat(10_000)}\r\n`), '\r\n'],
    431,
    'headersTooLarge',
    /larger/,
  ],
  [
    'a path of 64 KB',
    [`GET /${'x'.repeat(65_536)} HTTP/1.1\r\n\r\n`],
    431,
    'headersTooLarge',
    /larger/,
  ],
  [
    'a chunk whose length is none',
    [`PUT ${seat} HTTP/1.1\r\n${good}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    400,
    'requestMalformed',
    /chunk/i,
  ],
];

for (const [what, parts, status, refusal, text] of malformed) {
  test(`${what} is answered with a ${status} and hung up on`, options, async () => {
    await using app = await listen();
    const answers = await answersTo(app.port, ...parts);
    assert.equal(answers.length, 1);
    const [answer] = answers;
    assert.equal(answer?.status, status);
    assert.equal(answer?.headers.get('x-mpsd-refusal'), refusal);
    assert.match(answer?.body ?? '', text);
    assert.equal(answer?.headers.get('connection'), 'close');
    assert.equal(answer?.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(answer?.headers.get('cache-control'), 'no-cache, no-store');
    assert.equal(answer?.headers.get('x-content-type-options'), 'nosniff');
    assert.match(answer?.headers.get('date') ?? '', / GMT$/);
    assert.match(answer?.headers.get('x-xblcorrelationid') ?? '', /^[0-9a-f-]{36}$/);
    assert.deepEqual(app.logged, []);
  });
}

for (const between of ['', `GET ${seat} HTTP/1.1\r\n\r\n`]) {
  const what = between === '' ? 'a request' : 'requests, one of them answered,';
  test(`what is no HTTP does not answer ${what} before it`, options, async () => {
    const head = `PUT /slow HTTP/1.1\r\n${good}`;
    for (const wrong of ['garbage\r\n\r\n', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`]) {
      const gate = Promise.withResolvers<void>();
      const slow = sampleRoute('PUT', '/slow', {
        body: 'object',
        async answer() {
          await gate.promise;
          return { status: 200, body: '"kept"' };
        },
      });
      await using app = await listen([slow]);
      const socket = connect(app.port, '127.0.0.1').setEncoding('latin1');
      const received = textUntilEnd(socket);
      socket.write(`${head}Content-Length: 2\r\n\r\n{}${between}`);
      // Other requests go round, so that each of these gets as far as it can.
      assert.equal((await ask({ port: app.port })).status, 200);
      await new Promise((resolve) => socket.write(wrong, resolve));
      assert.equal((await ask({ port: app.port })).status, 200);
      gate.resolve();
      assert.deepEqual(
        parseAnswers(await received).map(({ status }) => status),
        between === '' ? [200, 400] : [200, 401, 400],
      );
    }
  });
}

test(
  'a request that goes wrong while its caller is looked up has one answer',
  options,
  async () => {
    const gate = Promise.withResolvers<void>();
    await using app = await listen([], {
      authenticator: {
        async authenticate() {
          await gate.promise;
          return new Refusal('notAuthenticated', 'Nobody.');
        },
      },
    });
    const bytes = `PUT ${seat} HTTP/1.1\r\n${good}Transfer-Encoding: chunked\r\n\r\nzz\r\n`;
    const answers = await answersTo(app.port, bytes);
    gate.resolve();
    assert.deepEqual(
      answers.map(({ status }) => status),
      [400],
    );
    // A second answer would be a fault, and be reported here or end the process.
    assert.equal((await ask({ port: app.port })).status, 401);
    assert.deepEqual(app.logged, []);
  },
);

test(
  'a request that goes wrong while its answer is read is answered so after it',
  options,
  async () => {
    const bytes = 32 * 1_048_576;
    const answer = async () => ({ status: 200, body: 'x'.repeat(bytes) });
    await using app = await listen([sampleRoute('GET', '/large', { answer })]);
    const socket = connect(app.port, '127.0.0.1');
    socket.write(`GET /large HTTP/1.1\r\n${good}Transfer-Encoding: chunked\r\n\r\n`);
    await once(socket, 'readable');
    // More than the sockets hold is still to come, and none of it is read before this has arrived.
    await new Promise((resolve) => socket.write('zz\r\n', resolve));
    assert.equal((await ask({ port: app.port })).status, 200);
    const answers = parseAnswers(await textUntilEnd(socket.setEncoding('latin1')));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 400],
    );
    assert.equal(answers[0]?.body.length, bytes);
  },
);

test('a request needs no Host, and may name one that is not here', options, async () => {
  await using app = await listen();
  for (const host of ['', 'Host: sessiondirectory.xboxlive.com\r\n', 'Host: \r\n']) {
    const bytes = `GET ${seat} HTTP/1.1\r\n${host}${good}Connection: close\r\n\r\n`;
    assert.equal((await answersTo(app.port, bytes))[0]?.status, 200, host);
  }
});

test('a client that would rather speak HTTP/2 is answered in HTTP/1.1', options, async () => {
  await using app = await listen();
  const upgrade =
    'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n';
  const [answer] = await answersTo(app.port, `GET ${seat} HTTP/1.1\r\n${good}${upgrade}\r\n`);
  assert.equal(answer?.status, 200);
});

test('HEAD is answered as GET, and refused as others are, without a body', options, async () => {
  await using app = await listen();
  const head = (path: string): Promise<string> =>
    exchange(app.port, `HEAD ${path} HTTP/1.1\r\n${good}Connection: close\r\n\r\n`);
  const [found, missing] = [await head(seat), await head('/nowhere')];
  assert.match(found, /^HTTP\/1\.1 200 .*\r\nContent-Length: [1-9]/s);
  assert.match(missing, /^HTTP\/1\.1 404 /);
  for (const text of [found, missing]) assert.ok(text.endsWith('\r\n\r\n'));
});

test(
  'two Host headers, and chunks in HTTP/1.0, end the connection with a 400',
  options,
  async () => {
    await using app = await listen();
    const hosts = `GET ${seat} HTTP/1.1\r\nHost: a\r\nHost: a\r\n${good}\r\n`;
    const chunked = `GET ${seat} HTTP/1.0\r\nConnection: keep-alive\r\n${good}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
    for (const bytes of [hosts, chunked]) {
      const [answer] = parseAnswers(await exchange(app.port, bytes));
      assert.equal(answer?.status, 400);
      assert.equal(answer.headers.get('x-mpsd-refusal'), 'requestMalformed');
      assert.equal(answer.headers.get('connection'), 'close');
    }
  },
);

test('of two headers that may stand once neither is taken for the other', options, async () => {
  await using app = await listen();
  const bytes = `GET ${seat} HTTP/1.1\r\n${good}Authorization: eve\r\nConnection: close\r\n\r\n`;
  const [answer] = parseAnswers(await exchange(app.port, bytes));
  assert.equal(answer?.status, 401);
});

test(
  'where there are sockets, other protocols and other paths are answered in HTTP/1.1',
  options,
  async () => {
    let accepted = 0;
    await using app = await listen([], {
      sockets: {
        nonces: openNonces(new Uint8Array(32), async () => true),
        async accept(_incoming, socket) {
          accepted += 1;
          socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
          return undefined;
        },
      },
    });
    const ask = (path: string, upgrade: string) =>
      exchange(
        app.port,
        `GET ${path} HTTP/1.1\r\n${good}Connection: Upgrade, close\r\nUpgrade: ${upgrade}\r\n\r\n`,
      );
    assert.match(await ask(seat, 'h2c'), /^HTTP\/1\.1 200 /);
    assert.match(await ask(seat, 'websocket'), /^HTTP\/1\.1 200 /);
    assert.match(await ask('/connect', 'h2c'), /^HTTP\/1\.1 404 /);
    assert.equal(accepted, 0);
    assert.match(await ask('/Connect?x=y', 'WebSocket'), /^HTTP\/1\.1 101 /);
    assert.equal(accepted, 1);
  },
);

test(
  'a handshake while it cannot be known who asks is answered 503, with a fault 500',
  options,
  async () => {
    await using app = await listen([], {
      sockets: {
        nonces: openNonces(new Uint8Array(32), async () => true),
        accept: () => Promise.reject(new Error('a fault')),
      },
    });
    const ask = (authorization: string) =>
      exchange(
        app.port,
        `GET /connect HTTP/1.1\r\nAuthorization: ${authorization}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
    assert.match(await ask('unknowable'), /^HTTP\/1\.1 503 [\s\S]*Retry-After: 1/);
    assert.match(await ask('ada'), /^HTTP\/1\.1 500 /);
    assert.match(app.logged.join(), /GET \/connect: Error: a fault/);
  },
);
