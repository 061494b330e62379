/** Who watches others: what is heard when the store fails, and what is left when nobody watches. */

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { noteHeartbeat } from '../neighbours/presence.ts';
import { override } from '../platform/override.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { StoreUnavailable } from '../store/store.ts';
import { FakeWire } from '../testing/fake-wire.ts';
import { hubSettings } from '../testing/hub-settings.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { ada, bert, sampleTitleId } from '../testing/samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { Hub } from './hub.ts';

const contexts = await openTestContexts();
const uri = (what: string): string =>
  `https://userpresence.xboxlive.com/users/xuid(${ada.xuid})/${what}`;
const beat = { state: 'active', placement: 'full' } as const;

function openHub() {
  const state = { fails: false };
  const memory = openMemoryStore();
  const clock = manualClock();
  const store = override(memory, {
    async records(...given) {
      if (state.fails) throw new StoreUnavailable('away');
      return memory.records(...given);
    },
  });
  const context = contexts(store, { clock });
  const hub = new Hub(context, new Map(), hubSettings);
  return { context, hub, state, clock };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
};

test('what could not be read is read again, and heard of then', async () => {
  const { context, hub, state, clock } = openHub();
  const wire = new FakeWire();
  const connection = hub.open(wire, bert) ?? assert.fail();
  hub.received(connection, JSON.stringify([1, 1, uri('devices')]));
  await settled();
  assert.equal(wire.frames.length, 1);
  await noteHeartbeatThen(() => {
    state.fails = true;
  });
  await settled();
  assert.equal(wire.frames.length, 1);
  state.fails = false;
  clock.advance(1_000);
  await settled();
  assert.deepEqual(wire.frames.at(-1), [3, 0, 'Win32:true']);

  async function noteHeartbeatThen(then: () => void): Promise<void> {
    const heard = context.bus;
    const publish = heard.publish.bind(heard);
    heard.publish = (...given) => {
      then();
      return publish(...given);
    };
    await noteHeartbeat(context, ada, beat);
    heard.publish = publish;
  }
});

test('a store that is away is said so, and nothing is left of the try', async () => {
  const { context, hub, state } = openHub();
  state.fails = true;
  const wire = new FakeWire();
  const connection = hub.open(wire, bert) ?? assert.fail();
  hub.received(connection, JSON.stringify([1, 4, uri(`titles/${sampleTitleId}`)]));
  await settled();
  const [kind, sequence, code] = wire.frames[0] ?? [];
  assert.deepEqual([kind, sequence, code], [1, 4, 1002]);
  assert.equal(context.bus.isHeard(`presence:${ada.xuid}`), false);
});

test('nobody listens once the last one has unsubscribed, or is gone', async () => {
  const { context, hub } = openHub();
  const topic = `presence:${ada.xuid}` as const;
  const [wire, other] = [new FakeWire(), new FakeWire()];
  const connection = hub.open(wire, bert) ?? assert.fail();
  const second = hub.open(other, bert) ?? assert.fail();
  hub.received(connection, JSON.stringify([1, 1, uri('devices')]));
  hub.received(connection, JSON.stringify([1, 2, uri(`titles/${sampleTitleId}`)]));
  hub.received(second, JSON.stringify([1, 1, uri('devices')]));
  await settled();
  hub.received(connection, JSON.stringify([2, 3, 0]));
  hub.received(connection, JSON.stringify([2, 4, 1]));
  await settled();
  assert.equal(context.bus.isHeard(topic), true);
  hub.ended(second, 'closed');
  await settled();
  assert.equal(context.bus.isHeard(topic), false);

  // It ends while it is being subscribed to, beside one that it had.
  hub.received(connection, JSON.stringify([1, 5, uri('devices')]));
  await settled();
  hub.received(connection, JSON.stringify([1, 6, uri(`titles/${sampleTitleId}`)]));
  hub.ended(connection, 'closed');
  await settled();
  assert.equal(context.bus.isHeard(topic), false);
});

test('a subscription outlives another one of the same user that ends while it begins', async () => {
  const { context, hub } = openHub();
  const wire = new FakeWire();
  const connection = hub.open(wire, bert) ?? assert.fail();
  hub.received(connection, JSON.stringify([1, 1, uri('devices')]));
  await settled();
  hub.received(connection, JSON.stringify([1, 2, uri(`titles/${sampleTitleId}`)]));
  hub.received(connection, JSON.stringify([2, 3, 0]));
  await settled();
  await noteHeartbeat(context, ada, beat);
  await settled();
  assert.deepEqual(wire.frames.at(-1), [3, 1, `started:${sampleTitleId}`]);
});
