import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RedisClient, RedisLink } from './redis-link.ts';

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
