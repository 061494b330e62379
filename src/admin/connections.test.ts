/** What the control API does to connections, seen by the TypeScript client. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RtaConnection } from '../client/multiplayer-service.ts';
import { startServer } from '../server.ts';
import { at, Kit } from '../testing/kit.ts';
import { manualClock } from '../testing/manual-clock.ts';

async function open() {
  const machine = manualClock();
  const server = await startServer({
    port: 0,
    store: 'memory',
    clock: machine,
    control: true,
    tapWindowMs: 0,
  });
  const kit = new Kit(server.url, undefined);
  const tests = kit.service('tests');
  const ada = kit.user('ada');
  const live = await ada.client.connect({ reconnect: { firstDelayMs: 0 } });
  const reference = kit.reference();
  await live.follow(reference);
  let writes = 0;
  return {
    tests,
    ada,
    live,
    /** One more change of the session. */
    change: async () => {
      const { status } = await ada.putSession(reference, {
        properties: { custom: { n: ++writes } },
      });
      assert.equal(status, 200);
    },
    advance: (advanceMs: number) =>
      tests.request('POST', '/control/clock', { body: { advanceMs } }),
    setTaps: (body: unknown) =>
      tests.request('POST', `/control/connections/${live.connectionId}/taps`, { body }),
    async [Symbol.asyncDispose]() {
      await live.close();
      await server.close();
    },
  };
}

async function nextNumber(live: RtaConnection): Promise<number> {
  for await (const tap of live.taps()) if (tap.kind === 'changed') return tap.changeNumber;
  throw new Error('the connection has been closed');
}

/** Resolves when all that the server has sent so far has arrived. */
async function arrived(live: RtaConnection): Promise<void> {
  const subscription = await live
    .subscribe('https://privacy.xboxlive.com/users/xuid(0)/mutelist', () => {})
    .catch(() => undefined); // the answer is what counts, whatever it says
  assert.equal(subscription, undefined);
}

test('connections are listed with their users', async () => {
  await using opened = await open();
  const { tests, ada, live } = opened;
  const { json } = await tests.request('GET', '/control');
  assert.deepEqual(json['connections'], [
    { id: live.connectionId, xuid: ada.xuid, taps: { delayMs: 0, drop: false } },
  ]);
});

test('taps that are dropped never come, and the next one does', async () => {
  await using opened = await open();
  const { live, change, setTaps } = opened;
  const answer = await setTaps({ drop: true });
  assert.deepEqual(answer.json['taps'], { delayMs: 0, drop: true });
  await change();
  await setTaps({ drop: false });
  await change();
  assert.equal(await nextNumber(live), 3);
});

test('taps that are held back come after their time, and not before', async () => {
  await using opened = await open();
  const { live, change, setTaps, advance } = opened;
  assert.equal(at((await setTaps({ delayMs: 5_000 })).json, 'taps.delayMs'), 5_000);
  const heard: number[] = [];
  const loop = nextNumber(live).then((number) => heard.push(number));
  await change();
  await advance(4_999);
  await arrived(live);
  assert.deepEqual(heard, []);
  await advance(1);
  await loop;
  assert.deepEqual(heard, [2]);
});

test('the clock may jump over an hour and no client counts as silent; after two hours each connection ends', async () => {
  await using opened = await open();
  const { tests, live, advance } = opened;
  const former = live.connectionId;
  await advance(3_600_000);
  await arrived(live);
  assert.equal(live.connectionId, former);
  await advance(3_600_000);
  for await (const tap of live.taps()) if (tap.kind === 'resync') break;
  assert.notEqual(live.connectionId, former);
  const { json } = await tests.request('GET', '/control');
  assert.equal(at(json, 'connections.0.id'), live.connectionId);
});
