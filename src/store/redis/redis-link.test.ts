import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { requireRedisAddress } from './redis-address.ts';
import { isSilence } from './redis-errors.ts';
import { connectRedis, type RedisClient, RedisLink } from './redis-link.ts';

/** A link to a server that answers until it is muted, with time in the hands of the test. */
async function openLink(t: test.TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 1_000;
  t.mock.method(performance, 'now', () => nowMs);
  const server = { isMute: false, isEnded: false };
  const client = {
    get isReady() {
      return !server.isEnded;
    },
    sendCommand: () => (server.isMute ? new Promise(() => undefined) : Promise.resolve(['1', '0'])),
    destroy() {
      server.isEnded = true;
    },
  };
  const settings = { replyTimeoutMs: 800, replicationTimeoutMs: 400 };
  const node = { host: 'h', port: 1 };
  const link = await RedisLink.open(async () => client as unknown as RedisClient, node, settings);
  /** The link looks every 100 ms; it looks late where `passedMs` is more. */
  const look = (passedMs = 100): void => {
    nowMs += passedMs;
    t.mock.timers.tick(100);
  };
  return { server, link, look };
}

test('a connection whose replies are overdue is ended', async (t) => {
  const { server, link, look } = await openLink(t);
  server.isMute = true;
  link.send(['GET', 'a']).catch(() => undefined);
  for (let time = 0; time < 8; time += 1) look();
  assert.equal(server.isEnded, false);
  look();
  assert.equal(server.isEnded, true);
});

// Kills: a node that was slow itself takes a server that has answered for one that does not.
test('the time in which this process could not read a reply is no silence of the server', async (t) => {
  const { server, link, look } = await openLink(t);
  server.isMute = true;
  link.send(['GET', 'a']).catch(() => undefined);
  look(10_000);
  assert.equal(server.isEnded, false);
  for (let time = 0; time < 8; time += 1) look();
  assert.equal(server.isEnded, true);
});

// Kills: a frozen server with a password, for which every request and the end of this process wait for ever.
test('a server that never answers to the password is given up, and its connection ends', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connect = connectRedis(requireRedisAddress('redis://:sesame@127.0.0.1'), 80_000);
  let isGivenUp = false;
  const connecting = assert.rejects(connect({ host: '127.0.0.1', port }), (error) => {
    isGivenUp = true;
    return isSilence(error);
  });
  const [socket] = (await once(server, 'connection')) as [Socket];
  const ended = once(socket, 'end');
  assert.match(String(await once(socket, 'data')), /\bAUTH\b/);
  for (let time = 0; time < 8; time += 1) t.mock.timers.tick(10_000);
  await yieldToEventLoop();
  assert.equal(isGivenUp, false);
  t.mock.timers.tick(10_000);
  await connecting;
  await ended;
});
