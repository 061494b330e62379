import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { test } from 'node:test';
import { startBalancer } from './balancer.ts';
import { freePort } from './free-port.ts';

// These tests are about sockets; a hang fails by this limit.
const options = { timeout: 300_000 };

/** A server that sends its name and then what it receives, until the other side has ended. */
async function startEcho(
  name: string,
  on = 0,
): Promise<{ readonly server: Server; readonly port: number } & AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.write(name);
    socket.pipe(socket);
  });
  server.listen(on, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** The whole answer to a text, after which this side ends. */
async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.on('error', () => undefined);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.end(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return heard;
}

test('connections are dealt out in turn, and carry what is sent both ways', options, async () => {
  await using a = await startEcho('a');
  await using b = await startEcho('b');
  await using balancer = await startBalancer([a.port, b.port]);
  const heard = [];
  for (const text of ['1', '2', '3', '4']) heard.push(await say(balancer.port, text));
  assert.deepEqual(heard, ['b1', 'a2', 'b3', 'a4']);
});

test(
  'a server that is gone is passed over; when all are, the client is hung up on',
  options,
  async () => {
    await using a = await startEcho('a', await freePort());
    await using b = await startEcho('b', await freePort());
    await using balancer = await startBalancer([a.port, b.port]);
    a.server.close();
    await once(a.server, 'close');
    assert.deepEqual([await say(balancer.port, '1'), await say(balancer.port, '2')], ['b1', 'b2']);
    b.server.close();
    await once(b.server, 'close');
    assert.equal(await say(balancer.port, '3'), '');
  },
);

test('disposing cuts what is open on both sides and frees the port', options, async () => {
  await using a = await startEcho('a');
  const taken = once(a.server, 'connection');
  await using balancer = await startBalancer([a.port], await freePort());
  const client = connect(balancer.port, '127.0.0.1').on('error', () => undefined);
  const [atServer] = await taken;
  const closed = [client, atServer].map(
    (end) => new Promise((resolve) => end.once('close', resolve)),
  );
  await balancer[Symbol.asyncDispose]();
  await Promise.all(closed);
  await using again = await startBalancer([a.port], balancer.port);
  assert.equal(again.port, balancer.port);
  await assert.rejects(startBalancer([a.port], balancer.port), /EADDRINUSE/);
});
