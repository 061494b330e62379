import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../directory/context.ts';
import type { UserCaller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import type { Bus, Subscriber, Topic } from '../store/bus.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { openProcessBus } from '../store/memory/process-bus.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { faultyStore } from '../testing/faulty-store.ts';
import { FakeWire } from '../testing/fake-wire.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { storedGuid, storedInvite } from '../testing/store-samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { type Connections, Hub, type HubSettings } from './hub.ts';

const makeWorld = await openTestContexts();
const ada: UserCaller = { kind: 'user', xuid: '1', sandbox: 'RETAIL' };
const settings: HubSettings = { tapWindowMs: 0, subscriptionsMax: 10, outboxBytesMax: 1_000 };
const directoryUri = 'https://sessiondirectory.xboxlive.com/connections/';
const friendsUri = 'https://social.xboxlive.com/users/xuid(1)/friends';
const notifyUri = 'https://notify.xboxlive.com/users/xuid(1)/deviceId/current/titleId/1';

/** A bus that can fail, and lose messages and say so. */
function shakyBus(): Bus & { isAway: boolean; gap(topic: Topic): void } {
  const inner = openProcessBus();
  const subscribers = new Map<Topic, Subscriber>();
  return {
    isAway: false,
    async publish(topic, message) {
      if (this.isAway) throw new StoreUnavailable('away');
      await inner.publish(topic, message);
    },
    async subscribe(topic, subscriber) {
      if (this.isAway) throw new StoreUnavailable('away');
      subscribers.set(topic, subscriber);
      return inner.subscribe(topic, subscriber);
    },
    isHeard: (topic) => inner.isHeard(topic),
    gap: (topic) => subscribers.get(topic)?.gap(),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

async function open(store: Store = openMemoryStore(), more: Partial<HubSettings> = {}) {
  const clock = manualClock();
  const bus = shakyBus();
  const connections: Connections = new Map();
  const world: Context = {
    ...makeWorld(store, { clock }),
    bus,
    node: { id: '0badcafe', connections, unsure: new Map(), sweepsCount: 0 },
  };
  const hub = new Hub(world, connections, { ...settings, ...more });
  await hub.start();
  const connect = () => {
    const wire = new FakeWire();
    const connection = hub.open(wire, ada);
    assert.ok(connection);
    return {
      wire,
      connection,
      say: (frame: unknown) => hub.received(connection, JSON.stringify(frame)),
    };
  };
  const tap = (connection: Guid, changeNumber: number, branch = 'b') =>
    bus.publish(`node:${world.node.id}`, {
      kind: 'taps',
      tap: {
        resource: 'a~b~c',
        branch,
        changeNumber,
        timeMs: clock.nowMs(),
        to: [{ connection, subscription: 's', memberIndex: 0 }],
      },
    });
  return { hub, world, clock, bus, connect, tap };
}

/** All that can go on without time has gone on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a client that does not read gets one resync in place of the taps it missed', async () => {
  const { clock, connect, tap } = await open();
  const { wire, connection, say } = connect();
  say([1, 0, directoryUri]);
  wire.frames.length = 0;
  wire.bufferedBytes = settings.outboxBytesMax + 1;
  for (let number = 1; number <= 50; number += 1) await tap(connection.id, number);
  clock.advance(5_000);
  assert.deepEqual(wire.frames, [], 'nothing is added to what it does not read');
  wire.bufferedBytes = 0;
  clock.advance(1_000);
  assert.deepEqual(wire.frames, [[4]]);
  await tap(connection.id, 51);
  await tap(connection.id, 50);
  assert.equal(wire.frames.length, 2, 'and goes on from there');
});

test('invites and friends that a client does not read are a resync too', async () => {
  const { clock, connect, bus } = await open();
  const { wire, say } = connect();
  say([1, 0, friendsUri]);
  await turn();
  wire.frames.length = 0;
  wire.bufferedBytes = settings.outboxBytesMax + 1;
  const friends = { kind: 'friends', notificationType: 'Added', xuids: ['2'] } as const;
  await bus.publish('user:1', friends);
  wire.bufferedBytes = 0;
  clock.advance(1_000);
  await bus.publish('user:1', friends);
  assert.deepEqual(wire.frames, [[4], [3, 0, { NotificationType: 'Added', Xuids: ['2'] }]]);
});

test('a client that goes on asking without reading is dropped, without a word', async () => {
  const { connect } = await open();
  const { wire, say } = connect();
  wire.bufferedBytes = settings.outboxBytesMax * 4;
  say([1, 0, directoryUri]);
  assert.equal(wire.end, undefined);
  wire.bufferedBytes += 1;
  say([1, 1, directoryUri]);
  assert.deepEqual(wire.end, { why: undefined });
});

test('taps of more sessions than may wait become one resync', async () => {
  const { clock, connect, tap } = await open(openMemoryStore(), { tapWindowMs: 2_500 });
  const { wire, connection, say } = connect();
  say([1, 0, directoryUri]);
  await tap(connection.id, 1, 'first');
  wire.frames.length = 0;
  for (let n = 0; n < 1_001; n += 1) await tap(connection.id, 1, `branch-${n}`);
  clock.advance(2_500);
  assert.deepEqual(wire.frames, [[4]]);
});

test('when messages may be missing, whoever could have missed one is told to look', async () => {
  const { connect, bus, world } = await open();
  const one = connect();
  one.say([1, 0, notifyUri]);
  await turn();
  const other = connect();
  other.say([1, 0, directoryUri]);
  for (const { wire } of [one, other]) wire.frames.length = 0;
  bus.gap('user:1');
  await turn();
  assert.deepEqual([one.wire.frames, other.wire.frames], [[[4]], []]);
  bus.gap(`node:${world.node.id}`);
  assert.deepEqual([one.wire.frames, other.wire.frames], [[[4], [4]], [[4]]]);
});

test('R6 while the bus is away a subscribe is answered 1002, and may be tried again', async () => {
  const { connect, bus } = await open();
  const { wire, say } = connect();
  bus.isAway = true;
  say([1, 7, friendsUri]);
  await turn();
  assert.deepEqual(
    wire.frames.map((frame) => frame.slice(0, 3)),
    [[1, 7, 1002]],
  );
  bus.isAway = false;
  say([1, 7, friendsUri]);
  await turn();
  assert.deepEqual(wire.frames[1], [1, 7, 0, 0, null]);
});

test('a node that others gave up drops its connections and goes on under another id', async () => {
  const { hub, connect, world, tap } = await open();
  const former = connect();
  await hub.beginAnew('0badf00d');
  assert.deepEqual(former.wire.end, { why: undefined });
  assert.equal(world.node.connections.has(former.connection.id), false);
  const { connection, wire, say } = connect();
  assert.ok(connection.id.startsWith('0badf00d-'));
  say([1, 0, directoryUri]);
  await tap(connection.id, 1);
  assert.equal(wire.frames.length, 2, 'and hears what comes for it');
});

test('a hub that could not begin to listen ends all the same', async () => {
  const { hub, bus } = await open();
  bus.isAway = true;
  await assert.rejects(hub.beginAnew('0badf00d'), StoreUnavailable);
  await hub[Symbol.asyncDispose]();
});

test('a user is followed as long as a connection asks for it, and no longer', async () => {
  const { hub, connect, bus } = await open();
  const followed = new Set<string>();
  const { subscribe } = bus;
  bus.subscribe = async (topic, subscriber) => {
    const inner = await subscribe.call(bus, topic, subscriber);
    followed.add(topic);
    return {
      [Symbol.asyncDispose]: async () => {
        followed.delete(topic);
        await inner[Symbol.asyncDispose]();
      },
    };
  };
  const [one, other] = [connect(), connect()];
  for (const { say } of [one, other]) {
    say([1, 0, friendsUri]);
    say([1, 1, notifyUri]);
  }
  await turn();
  assert.deepEqual([...followed], ['user:1']);
  one.say([2, 0, 0]);
  one.say([2, 0, 1]);
  await turn();
  assert.equal(followed.size, 1);
  hub.ended(other.connection);
  hub.ended(other.connection);
  await turn();
  assert.equal(followed.size, 0);
});

test('a connection that ends while it is being subscribed leaves nothing behind', async () => {
  const { hub, connect, bus } = await open();
  const { connection, wire, say } = connect();
  say([1, 0, notifyUri]);
  hub.ended(connection);
  await turn();
  assert.deepEqual(wire.frames, []);
  bus.gap('user:1');
  await bus.publish('user:1', { kind: 'friends', notificationType: 'Added', xuids: [] });
  assert.deepEqual(wire.frames, []);
});

test('invites that the store cannot tell of now are told later, while somebody waits for them', async () => {
  const inner = openMemoryStore();
  const expirationMs = manualClock().nowMs() + 60_000;
  const invite = storedInvite(storedGuid(1), 'a', { invitedXuid: ada.xuid, expirationMs });
  await inner.commit({ handles: [invite] });
  let isAway = true;
  const store = faultyStore(inner, ({ method }) =>
    isAway && method === 'invitesOf' ? 'fails' : undefined,
  );
  const { clock, connect } = await open(store);
  const { wire, say } = connect();
  say([1, 0, notifyUri]);
  await turn();
  assert.equal(wire.frames.length, 1);
  clock.advance(1_000);
  await turn();
  assert.equal(wire.frames.length, 1);
  isAway = false;
  clock.advance(1_000);
  await turn();
  assert.deepEqual(wire.frames[1]?.slice(0, 2), [3, 0]);
  clock.advance(5_000);
  await turn();
  assert.equal(wire.frames.length, 2);
});

test('after its end a hub takes no connections', async () => {
  const { hub, connect } = await open();
  const { wire } = connect();
  await hub[Symbol.asyncDispose]();
  assert.deepEqual(wire.end, { why: undefined });
  assert.equal(hub.open(new FakeWire(), ada), undefined);
});

test('whoever is connected when the server stops is told to look again, and dropped', async () => {
  const { hub, connect } = await open();
  const { wire } = connect();
  await hub[Symbol.asyncDispose]();
  assert.deepEqual(wire.frames, [[4]]);
  assert.deepEqual(wire.end, { why: undefined });
});
