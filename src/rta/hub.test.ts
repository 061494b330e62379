import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../directory/context.ts';
import type { UserCaller } from '../domain/caller.ts';
import type { Guid } from '../domain/ids.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Tap, TapRecipient } from '../domain/tap/tap.ts';
import type { Bus, Subscriber, Topic } from '../store/bus.ts';
import { openConditions } from '../platform/conditions.ts';
import { SetAside } from '../platform/set-aside.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { openProcessBus } from '../store/memory/process-bus.ts';
import { type Store, StoreUnavailable } from '../store/store.ts';
import { hubSettings } from '../testing/hub-settings.ts';
import { faultyStore } from '../testing/faulty-store.ts';
import { FakeWire } from '../testing/fake-wire.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { storedGuid, storedInvite } from '../testing/store-samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { type Connections, Hub, type HubOptions, type HubSettings } from './hub.ts';
import type { LearnCaller } from './unknown-callers.ts';

const makeContext = await openTestContexts();
const ada: UserCaller = { kind: 'user', xuid: '1', sandbox: 'RETAIL' };
const settings: HubSettings = { ...hubSettings, tapWindowMs: 0, subscriptionsMax: 10 };
const directoryUri = 'https://sessiondirectory.xboxlive.com/connections/';
const friendsUri = 'https://social.xboxlive.com/users/xuid(1)/friends';
const notifyUri = 'https://notify.xboxlive.com/users/xuid(1)/deviceId/current/titleId/1';

/** A bus that can fail, and lose messages and report it. */
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

function recipient(connection: Guid, more: Partial<TapRecipient> = {}): TapRecipient {
  return { xuid: ada.xuid, connection, subscription: 's', memberIndex: 0, ...more };
}

const conditions = openConditions(() => undefined);

async function open(
  store: Store = openMemoryStore(),
  more: Partial<HubSettings> = {},
  options: HubOptions = {},
  log?: (line: string) => void,
) {
  const clock = manualClock();
  const bus = shakyBus();
  const connections: Connections = new Map();
  const context: Context = {
    ...makeContext(store, { clock }),
    bus,
    ...(log && { setAside: new SetAside({ clock, conditions, log, isOutage: () => false }) }),
    node: { id: '0badcafe', connections, recheckQueue: new Map(), sweepsCount: 0 },
  };
  const hub = new Hub(context, connections, { ...settings, ...more }, options);
  await hub.start();
  const connect = (user = ada) => {
    const wire = new FakeWire();
    const connection = hub.open(wire, user);
    assert.ok(connection);
    return {
      wire,
      connection,
      say: (frame: unknown) => hub.received(connection, JSON.stringify(frame)),
    };
  };
  const send = (tap: Pick<Tap, 'to'> & Partial<Tap>) =>
    bus.publish(`node:${context.node.id}`, {
      kind: 'taps',
      tap: { resource: 'a~b~c', branch: 'b', changeNumber: 1, timeMs: clock.nowMs(), ...tap },
    });
  const tap = (connection: Guid, changeNumber: number, branch = 'b') =>
    send({ branch, changeNumber, to: [recipient(connection)] });
  return { hub, context, clock, bus, connect, send, tap };
}

/** All work that needs no time has finished. */
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

test('a client that goes on asking without reading is dropped, without a close frame', async () => {
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

test('when messages may be missing, each connection that could have missed one gets a resync', async () => {
  const { connect, bus, context } = await open();
  const one = connect();
  one.say([1, 0, notifyUri]);
  await turn();
  const other = connect();
  other.say([1, 0, directoryUri]);
  for (const { wire } of [one, other]) wire.frames.length = 0;
  bus.gap('user:1');
  await turn();
  assert.deepEqual([one.wire.frames, other.wire.frames], [[[4]], []]);
  bus.gap(`node:${context.node.id}`);
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
  const { hub, connect, context, tap } = await open();
  const former = connect();
  await hub.beginAnew('0badf00d');
  assert.deepEqual(former.wire.end, { why: undefined });
  assert.equal(context.node.connections.has(former.connection.id), false);
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
  hub.ended(other.connection, 'closed');
  hub.ended(other.connection, 'closed');
  await turn();
  assert.equal(followed.size, 0);
});

test('a connection that ends while it is being subscribed leaves nothing behind', async () => {
  const { hub, connect, bus } = await open();
  const { connection, wire, say } = connect();
  say([1, 0, notifyUri]);
  hub.ended(connection, 'closed');
  await turn();
  assert.deepEqual(wire.frames, []);
  bus.gap('user:1');
  await bus.publish('user:1', { kind: 'friends', notificationType: 'Added', xuids: [] });
  assert.deepEqual(wire.frames, []);
});

test('invites that the store cannot read now are sent later, while a connection waits for them', async () => {
  const inner = openMemoryStore();
  const expirationMs = manualClock().nowMs() + 60_000;
  const invite = storedInvite(storedGuid(1), 'a', { invitedXuid: ada.xuid, expirationMs });
  await inner.commit({ handle: invite });
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

test('invites are read once more, however often they are asked for meanwhile', async () => {
  const inner = openMemoryStore();
  const expirationMs = manualClock().nowMs() + 60_000;
  const invite = storedInvite(storedGuid(1), 'a', { invitedXuid: ada.xuid, expirationMs });
  await inner.commit({ handle: invite });
  let readsCount = 0;
  const store = faultyStore(inner, ({ method }) => {
    if (method === 'invitesOf') readsCount += 1;
    return undefined;
  });
  const { connect } = await open(store, { subscriptionsMax: 1_000 });
  const { wire, say } = connect();
  for (let n = 0; n < 500; n += 1) say([1, n, notifyUri]);
  await turn();
  assert.equal(readsCount, 2);
  assert.equal(wire.frames.filter(([kind]) => kind === 3).length, 1, 'and each is sent once');
});

test('a tap or an invite that cannot be formatted stops no other', async () => {
  const inner = openMemoryStore();
  const expirationMs = manualClock().nowMs() + 60_000;
  const invites = [1, 2].map((n) =>
    storedInvite(storedGuid(n), 'a', { invitedXuid: ada.xuid, expirationMs }),
  );
  const [damaged, whole] = invites;
  assert.ok(damaged?.type === 'invite' && whole);
  await inner.commit({ handle: { ...damaged, expirationMs: Number.POSITIVE_INFINITY } });
  await inner.commit({ handle: whole });
  const lines: string[] = [];
  const opened = await open(inner, {}, {}, (line) => lines.push(line));
  const { clock, context, connect, send, bus } = opened;
  const clients = [connect(), connect()];
  for (const { say } of clients) say([1, 0, directoryUri]);
  const to = clients.map(({ connection }) => recipient(connection.id));
  await send({ to, timeMs: Number.NaN });
  await bus.publish(`node:${context.node.id}`, { kind: 'taps', tap: { resource: 'a~b~d' } });
  clock.advance(1_000);
  await send({ to, changeNumber: 2 });
  for (const { wire } of clients) {
    assert.deepEqual(
      wire.frames.map(([kind]) => kind),
      [1, 4, 3],
    );
  }
  clients[0]?.say([1, 1, notifyUri]);
  await turn();
  const notice = clients[0]?.wire.frames.at(-1)?.[2] as { inviteHandle: { id: string } };
  assert.equal(notice.inviteHandle.id, whole.id);
  const named = lines.map((line) => /of "([^"]+)"/.exec(line)?.[1]);
  assert.deepEqual(named, ['taps of a~b~c', 'taps of a~b~d', `invite ${damaged.id}`]);
});

test('after its end a hub takes no connections', async () => {
  const { hub, connect } = await open();
  const { wire } = connect();
  await hub[Symbol.asyncDispose]();
  assert.deepEqual(wire.end, { why: undefined });
  assert.equal(hub.open(new FakeWire(), ada), undefined);
});

test('clients that are connected when the server stops get a resync and are dropped', async () => {
  const { hub, connect } = await open();
  const { wire } = connect();
  await hub[Symbol.asyncDispose]();
  assert.deepEqual(wire.frames, [[4]]);
  assert.deepEqual(wire.end, { why: undefined });
});

/** Subscriptions of the taps in each frame with taps. */
function subscriptionsTold(wire: FakeWire): readonly (readonly string[])[] {
  return wire.frames
    .filter(([kind]) => kind === 3)
    .map(([, , data]) => {
      const { shoulderTaps } = data as { shoulderTaps: readonly { subscription: string }[] };
      return shoulderTaps.map(({ subscription }) => subscription);
    });
}

test('a connection hears of the sessions that its user is in, whichever members name it', async () => {
  const { connect, send } = await open();
  const { wire, connection, say } = connect();
  say([1, 0, directoryUri]);
  const ben = recipient(connection.id, { xuid: '2', subscription: 'ben', memberIndex: 1 });
  await send({ to: [ben] });
  await send({ to: [ben], otherXuids: ['3'] });
  assert.deepEqual(subscriptionsTold(wire), [], 'Ada is in neither session');
  await send({ changeNumber: 2, to: [ben], otherXuids: ['3', ada.xuid] });
  await send({ changeNumber: 3, to: [ben, recipient('elsewhere')] });
  assert.deepEqual(subscriptionsTold(wire), [['ben'], ['ben']]);
});

// @source docs/wire/unknowns.md "equal subscriptions of one connection"
test('equal subscriptions of a socket, and of members who share it, are notified once', async () => {
  const { connect, send } = await open();
  const { wire, connection, say } = connect();
  for (const sequence of [0, 1, 2]) say([1, sequence, directoryUri]);
  const to = [1, 2, 3].map((memberIndex) =>
    recipient(connection.id, { memberIndex, subscription: memberIndex === 3 ? 't' : 's' }),
  );
  await send({ to });
  assert.deepEqual(subscriptionsTold(wire), [['s', 't']]);
  assert.equal(wire.frames.at(-1)?.[1], 2, 'by the newest');
  say([2, 3, 2]);
  await send({ to, changeNumber: 2 });
  assert.equal(wire.frames.at(-1)?.[1], 1, 'and when that has ended by the one before it');
});

test('as many subscriptions as are asked for at once, and no more than allowed', async () => {
  const { connect } = await open(openMemoryStore(), { subscriptionsMax: 3 });
  const { wire, connection, say } = connect();
  for (let n = 0; n < 9; n += 1) say([1, n, friendsUri]);
  await turn();
  const codes = wire.frames.map(([, , code]) => code);
  assert.deepEqual(codes, [0, 0, 0, 2, 2, 2, 2, 2, 2]);
  assert.equal(connection.subscriptionsCount, 3);
});

test('a user is followed again when the last other subscription ends meanwhile', async () => {
  const { connect, bus } = await open();
  const { wire, say } = connect();
  say([1, 0, friendsUri]);
  await turn();
  say([1, 1, notifyUri]);
  say([2, 2, 0]);
  await turn();
  assert.deepEqual(
    wire.frames.map((frame) => frame.slice(0, 3)),
    [
      [1, 0, 0],
      [2, 2, 0],
      [1, 1, 0],
    ],
  );
  await bus.publish('user:1', { kind: 'invite', id: 'i', data: { invited: true } });
  assert.deepEqual(wire.frames.at(-1), [3, 1, { invited: true }]);
});

test('a user has so many connections, and all users together so many', async () => {
  const { hub, connect } = await open(openMemoryStore(), {
    connectionsPerUserMax: 2,
    connectionsMax: 3,
  });
  const [ben, cleo] = ['2', '3'].map((xuid): UserCaller => ({ ...ada, xuid }));
  assert.ok(ben && cleo);
  const codeFor = (user: UserCaller): string | undefined => {
    const refusal = hub.refusalOf(user);
    return refusal instanceof Refusal ? refusal.code : undefined;
  };
  const first = connect();
  assert.equal(codeFor(ada), undefined);
  connect();
  assert.equal(codeFor(ada), 'tooManyConnections');
  assert.equal(codeFor(ben), undefined);
  connect(ben);
  assert.equal(codeFor(cleo), 'connectionsFull');
  hub.ended(first.connection, 'closed');
  hub.ended(first.connection, 'closed');
  assert.deepEqual([codeFor(ada), codeFor(cleo)], [undefined, undefined]);
});

test('what waits for a client longer than it may ends its connection', async () => {
  const { clock, connect, tap } = await open(openMemoryStore(), { sendTimeoutMs: 10_000 });
  const [stalled, slow] = [connect(), connect()];
  for (const { say } of [stalled, slow]) say([1, 0, directoryUri]);
  for (const { wire, connection } of [stalled, slow]) {
    wire.bufferedBytes = 10;
    await tap(connection.id, 1);
  }
  clock.advance(9_000);
  slow.wire.bufferedBytes = 0;
  clock.advance(1_000);
  assert.deepEqual(stalled.wire.end, { why: undefined });
  slow.wire.bufferedBytes = 10;
  await tap(slow.connection.id, 2);
  clock.advance(9_000);
  assert.equal(slow.wire.end, undefined, 'it had caught up meanwhile');
});

test('what waits for all clients is bounded: those who read the least are dropped', async () => {
  const { connect, tap } = await open(openMemoryStore(), {
    outboxBytesMax: 1_000,
    unsentBytesMax: 2_000,
  });
  const clients = [100, 900, 800].map((bytes) => ({ ...connect(), bytes }));
  for (const { wire, connection, say, bytes } of clients) {
    say([1, 0, directoryUri]);
    wire.bufferedBytes = bytes;
    await tap(connection.id, 1);
  }
  assert.ok(clients.every(({ wire }) => wire.end === undefined));
  const last = connect();
  last.wire.bufferedBytes = 300;
  last.say([1, 0, directoryUri]);
  assert.deepEqual(
    [...clients, last].map(({ wire }) => wire.end !== undefined),
    [false, true, false, false],
  );
});

test('a client that is not heard because the process stood still is not silent', async () => {
  let stoodStillMs = 0;
  const clock = manualClock();
  const silenceClock = { elapsedMs: () => clock.elapsedMs() + stoodStillMs };
  const opened = await open(openMemoryStore(), {}, { silenceClock });
  const { wire } = opened.connect();
  const advance = (ms: number): void => {
    clock.advance(ms);
    opened.clock.advance(ms);
  };
  for (let second = 0; second < 58; second += 1) advance(1_000);
  stoodStillMs = 3_600_000;
  advance(1_000);
  assert.equal(wire.end, undefined, 'one second more of silence than before, and not an hour');
  advance(1_000);
  assert.deepEqual(wire.end, { why: undefined });
});

/** A caller whose token nobody can read, and how its xuid is learnt. */
const stranger = {
  kind: 'user',
  xuid: '25350000',
  userHash: '11',
  hasMadeUpXuid: true,
  sandbox: 'RETAIL',
} as const;

function learning() {
  const known = { xuid: undefined as string | undefined, asked: 0 };
  const learn: LearnCaller = async (caller, stated) => {
    known.asked += 1;
    await turn();
    if (known.xuid !== undefined && stated !== undefined && stated !== known.xuid) {
      return new Refusal('notAuthenticated', 'contradicts');
    }
    known.xuid ??= stated;
    if (known.xuid === undefined) return caller;
    return { kind: 'user', xuid: known.xuid, sandbox: 'RETAIL' };
  };
  return { known, learn };
}

const notifyOf = (xuid: string) => notifyUri.replace('xuid(1)', `xuid(${xuid})`);

/** Until all that was said has been answered. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await turn();
}

test('a caller without a xuid is who its first own subscription says; frames keep their order', async () => {
  const { known, learn } = learning();
  const { connect } = await open(openMemoryStore(), {}, { learn });
  const { wire, connection, say } = connect(stranger);
  say([1, 1, notifyOf('7')]);
  say([1, 2, directoryUri]);
  say([1, 3, notifyOf('8')]);
  say([2, 4, 0]);
  await settled();
  assert.deepEqual(
    wire.frames.map(([kind, sequence, code]) => [kind, sequence, code === 0]),
    [
      [1, 1, true],
      [1, 2, true],
      [1, 3, false],
      [2, 4, true],
    ],
  );
  assert.equal(connection.xuid, '7');
  const { asked } = known;
  say([1, 5, notifyOf('7')]);
  await settled();
  assert.equal(known.asked, asked, 'nothing is left to learn');
});

test('a statement that contradicts what is known is answered as a resource of another user', async () => {
  const { known, learn } = learning();
  known.xuid = '7';
  const { connect } = await open(openMemoryStore(), {}, { learn });
  const { wire, connection, say } = connect(stranger);
  say([1, 1, notifyOf('8')]);
  await settled();
  assert.deepEqual(
    wire.frames.map(([, , code]) => code === 0),
    [false],
  );
  assert.equal(connection.xuid, stranger.xuid);
  say([1, 2, directoryUri]);
  await settled();
  assert.equal(connection.xuid, '7', 'what another request stated holds for it too');
});

test('the bound on connections of a user counts them under the xuid that was learnt', async () => {
  const { learn } = learning();
  const { hub, connect } = await open(openMemoryStore(), { connectionsPerUserMax: 1 }, { learn });
  const { connection, say } = connect(stranger);
  say([1, 1, notifyOf('7')]);
  await settled();
  const seven = { kind: 'user', xuid: '7', sandbox: 'RETAIL' } as const;
  assert.ok(hub.refusalOf(seven));
  assert.equal(hub.refusalOf(stranger), undefined);
  hub.ended(connection, 'closed');
  assert.equal(hub.refusalOf(seven), undefined);
});

test('a connection that ends before anything was stated ends for the user who is known by then', async () => {
  const { known, learn } = learning();
  const { hub, connect } = await open(openMemoryStore(), {}, { learn });
  const { connection } = connect(stranger);
  known.xuid = '7';
  hub.ended(connection, 'closed');
  await settled();
  assert.equal(connection.xuid, '7');
});
