/** Clients that do not read, or do not finish what they send: they cost themselves only. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import { sampleApp, sampleLimits, sampleRoute } from '../testing/sample-app.ts';
import type { AppSettings } from './app.ts';

const options = { timeout: 300_000 };
const good = 'Authorization: ada\r\nX-Xbl-Contract-Version: 107\r\n';

/** More than the system takes for a connection that nobody reads. */
const answerBytes = 12 * 1_048_576;

async function listen(limits: Partial<AppSettings['limits']>) {
  let asked = 0;
  const large = sampleRoute('GET', '/large', {
    async answer() {
      asked += 1;
      return { status: 200, body: 'x'.repeat(answerBytes), contentType: 'text/plain' };
    },
  });
  const upload = sampleRoute('PUT', '/upload', {
    body: 'object',
    answer: async () => ({ status: 204 }),
  });
  const streaming = Promise.withResolvers<Writable>();
  const stream = sampleRoute('GET', '/stream', {
    answer: async () => ({
      status: 200,
      contentType: 'text/plain',
      stream(outgoing) {
        outgoing.write('begun');
        streaming.resolve(outgoing);
      },
    }),
  });
  const app = sampleApp([large, upload, stream], { limits: { ...sampleLimits, ...limits } });
  const { port } = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    port,
    asked: () => asked,
    streaming: streaming.promise,
    [Symbol.asyncDispose]: () => app.close({ withinMs: 0 }),
  };
}

/** A connection that reads nothing after its first bytes have come. */
async function stalled(port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'readable');
  return socket;
}

/** Reads an answer to the end that its head names. */
async function allOf(socket: Socket): Promise<void> {
  const whole = Promise.withResolvers<void>();
  let head = '';
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    if (!head.includes('\r\n\r\n')) head += chunk.toString('latin1');
    bytes += chunk.length;
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (bytes >= head.indexOf('\r\n\r\n') + 4 + length) whole.resolve();
  });
  await whole.promise;
}

/** The status of a GET on a connection of its own. */
async function statusOf(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  socket.write(`GET /rooms/a/seats/b HTTP/1.1\r\n${good}Connection: close\r\n\r\n`);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text.slice(0, 12);
}

const getLarge = `GET /large HTTP/1.1\r\n${good}\r\n`;

/** The last request of a connection, which is answered before the one byte of its body comes. */
const getEarly = (path: string) =>
  `GET ${path} HTTP/1.1\r\n${good}Connection: close\r\nContent-Length: 1\r\n\r\n`;

// Kills: answers that are not counted; the newest connection cut in place of the oldest.
test('of clients that do not read those are cut that are furthest behind', options, async () => {
  await using app = await listen({ unsentBytesMax: 1.5 * answerBytes });
  const first = await stalled(app.port, getLarge);
  const second = await stalled(app.port, getLarge);
  // Reading goes on, to see the end: of the first there is one before its answer is complete.
  let bytes = 0;
  first.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(first, 'close');
  assert.ok(bytes < answerBytes, `${bytes} came`);
  assert.equal(second.destroyed, false);
  assert.equal(await statusOf(app.port), 'HTTP/1.1 200');
  second.destroy();
});

// Kills: an answer that is not counted since its connection waits for the rest of a body; one that is
// counted still after it was read.
test('an answer that was made before its body came counts until it is read', options, async () => {
  await using app = await listen({ unsentBytesMax: 1.5 * answerBytes });
  const reader = connect(app.port, '127.0.0.1');
  reader.write(getEarly('/large'));
  await allOf(reader);
  const first = await stalled(app.port, getEarly('/large'));
  first.write('x');
  const second = await stalled(app.port, getEarly('/large'));
  let bytes = 0;
  first.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(first, 'close');
  assert.ok(bytes < answerBytes, `${bytes} came`);
  const ended = once(reader, 'end');
  reader.write('x');
  await ended;
  second.destroy();
});

// Kills: an early answer that may wait for ever; one that is cut although it was read.
test('of those who were answered early a client is cut that does not read', options, async () => {
  await using app = await listen({ sendTimeoutMs: 1 });
  const reader = connect(app.port, '127.0.0.1');
  reader.write(getEarly('/nowhere'));
  await allOf(reader);
  const late = await stalled(app.port, getEarly('/large'));
  const knocking = setInterval(() => late.write('G'), 1);
  await once(late, 'error');
  clearInterval(knocking);
  const ended = once(reader, 'end');
  reader.write('x');
  await ended;
});

// Kills: answers that may wait for ever.
test('a client that does not read for too long is cut', options, async () => {
  await using app = await listen({ sendTimeoutMs: 1 });
  const socket = await stalled(app.port, getLarge);
  // Nothing is read meanwhile: that the connection is gone shows when it is written to.
  const knocking = setInterval(() => socket.write('G'), 1);
  await once(socket, 'error');
  clearInterval(knocking);
});

// Kills: a stream that is taken for an answer which its client does not read.
test('a stream that goes on is kept while others are cut', options, async () => {
  await using app = await listen({ sendTimeoutMs: 1 });
  const reader = connect(app.port, '127.0.0.1').setEncoding('latin1');
  reader.write(`GET /stream HTTP/1.1\r\n${good}Connection: close\r\n\r\n`);
  const streaming = await app.streaming;
  // One that came later has been cut: the stream would have been before.
  const late = await stalled(app.port, getLarge);
  const knocking = setInterval(() => late.write('G'), 1);
  await once(late, 'error');
  clearInterval(knocking);
  streaming.end('ended');
  let text = '';
  for await (const chunk of reader) text += chunk;
  assert.match(text, /begun.*ended/s);
});

// Kills: every request of a connection answered at once.
test(
  'a client that asks and asks and does not read is held a few answers only',
  options,
  async () => {
    await using app = await listen({ unsentBytesMax: 1_000 * answerBytes });
    const socket = await stalled(app.port, getLarge.repeat(40));
    assert.equal(await statusOf(app.port), 'HTTP/1.1 200');
    assert.ok(app.asked() <= 8, `${app.asked()} answers`);
    // Once it reads it gets them all.
    let bytes = 0;
    const all = Promise.withResolvers<void>();
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes >= 12 * answerBytes) all.resolve();
    });
    await all.promise;
    socket.destroy();
  },
);

// Kills: bodies that are not counted; a refused one that is kept all the same.
test(
  'of bodies that do not end the oldest are refused, and new ones are read',
  options,
  async () => {
    await using app = await listen({ bodyBytesMax: 100_000, uploadsBytesMax: 250_000 });
    const begin = `PUT /upload HTTP/1.1\r\n${good}Content-Length: 100000\r\n\r\n{"a":"${'x'.repeat(90_000)}`;
    const sockets: Socket[] = [];
    const answers: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const socket = connect(app.port, '127.0.0.1').setEncoding('latin1');
      socket.on('data', (text) => answers.push(`${n} ${String(text).slice(0, 12)}`));
      socket.write(begin);
      sockets.push(socket);
      // Two fit: each further one has the oldest refused, when all that was sent of it has been read.
      if (n >= 2) await once(sockets[n - 2] as Socket, 'data');
      assert.equal(await statusOf(app.port), 'HTTP/1.1 200');
    }
    assert.deepEqual(answers, ['0 HTTP/1.1 408', '1 HTTP/1.1 408', '2 HTTP/1.1 408']);
    const [, , , , last] = sockets;
    last?.write(`${'x'.repeat(100_000 - 90_000 - 6 - 2)}"}`);
    await once(last as Socket, 'data');
    assert.equal(answers.at(-1), '4 HTTP/1.1 204');
    for (const socket of sockets) socket.destroy();
  },
);
