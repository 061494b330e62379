/** What one client of RTA can cost: how many connections it has, and how much waits for it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAimed, startKit } from '../../src/testing/kit.ts';
import { needsOwnServer } from './answers.ts';

const ownServer = { timeout: 300_000, skip: isAimed && needsOwnServer };

/** @source docs/wire/unknowns.md "how many connections" */
test('a user has so many connections and no more', ownServer, async () => {
  await using kit = await startKit({ settings: { connectionsPerUserMax: 2, connectionsMax: 3 } });
  const [ada, ben, cleo] = kit.users('ada', 'ben', 'cleo');
  await using first = await ada.connect();
  await using _second = await ada.connect();
  await assert.rejects(ada.connect(), /HTTP 429: User \d+ has 2 RTA connections to this server/);
  await using _third = await ben.connect();
  await assert.rejects(cleo.connect(), /HTTP 503: This server has 3 RTA connections/);
  await first.cut();
  await kit.untilConnected(2);
  await using _fourth = await cleo.connect();
});

/** @source docs/wire/rta.md "Frames" */
test('a message in very many parts ends its own connection, and no other', ownServer, async () => {
  await using kit = await startKit();
  await using other = await kit.user('ben').connect();
  const line = await kit.user('ada').connect();
  for (let part = 0; part < 1_000; part += 1) line.socket.send('[', { fin: false });
  assert.equal(await line.closed, 1008);
  assert.equal((await other.subscribe())[2], 0);
});

/** @source docs/wire/rta.md "Taps" */
test('a client that asks without reading is dropped, and no other', ownServer, async () => {
  await using kit = await startKit({ settings: { outboxBytesMax: 1_024 } });
  await using other = await kit.user('ben').connect();
  const line = await kit.user('ada').connect();
  line.socket.pause();
  // Each is answered with a sentence; what the system buffers is full long before the last one.
  const question = JSON.stringify([1, 0, 'x'.repeat(200)]);
  for (let n = 0; n < 80_000; n += 1) line.send(question);
  await kit.untilConnected(1);
  assert.equal((await other.subscribe())[2], 0);
  await line.cut();
});
