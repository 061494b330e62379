import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { FakeRta } from '../testing/fake-rta.ts';
import {
  invitesResource,
  MultiplayerError,
  MultiplayerService,
  type RtaConnection,
  RtaError,
  type CallOptions,
  type MultiplayerServiceSettings,
  type RtaSettings,
  type SessionReference,
  type Tap,
} from './multiplayer-service.ts';

const lobby: SessionReference = { scid: 'S', templateName: 'Lobby', name: 'One' };
const game: SessionReference = { scid: 'S', templateName: 'Game', name: 'Two' };
const lobbyPath = '/serviceconfigs/S/sessionTemplates/Lobby/sessions/One';
const gamePath = '/serviceconfigs/S/sessionTemplates/Game/sessions/Two';
const invites = invitesResource('1001', '1234567890');

async function open(settings: RtaSettings = {}, around: Partial<MultiplayerServiceSettings> = {}) {
  const rta = new FakeRta();
  const sleptMs: number[] = [];
  let guids = 0;
  const service = new MultiplayerService({
    baseUrl: 'https://directory.test/',
    authorization: 'XBL3.0 x=-;token',
    fetch: rta.fetch,
    retry: false,
    timeoutMs: Number.POSITIVE_INFINITY,
    random: () => 0.5,
    sleep: async (ms, signal) => {
      sleptMs.push(ms);
      await nextTurn();
      signal.throwIfAborted();
    },
    newGuid: () => `guid-${++guids}`,
    ...around,
  });
  const connect = () =>
    service.connect({
      webSocket: rta.webSocket,
      heartbeatMs: Number.POSITIVE_INFINITY,
      ...settings,
    });
  return { rta, service, sleptMs, connect };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Rejects with the signal's reason, when that is aborted. */
const until = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

async function nextTap(taps: AsyncIterator<Tap>): Promise<Tap> {
  const { value, done } = await taps.next();
  assert.ok(!done, 'there is a tap');
  return value;
}

function brief(tap: Tap): string {
  if (tap.kind === 'resync') return `resync ${tap.why}`;
  if (tap.kind === 'unfollowed') return `unfollowed ${tap.reference.name} ${tap.error?.status}`;
  return `${tap.kind} ${tap.reference.name} ${tap.branch} ${tap.changeNumber}`;
}

/** What a write of a following member says of it. */
const memberOn = (connection: string, id = 'guid-1', changeTypes = ['everything']) => ({
  members: {
    me: { properties: { system: { active: true, connection, subscription: { id, changeTypes } } } },
  },
});

test('it logs in with a nonce, asks for V2 and learns its connection id', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  assert.deepEqual(rta.connects, [
    'wss://directory.test/connect?nonce=nonce%201 rta.xboxlive.com.V2',
  ]);
  assert.deepEqual(
    [...rta.socket.subscriptions.values()],
    ['https://sessiondirectory.xboxlive.com/connections/'],
  );
  assert.equal(live.connectionId, 'connection-1');
});

test('a server that does not take it: connect rejects, once, with the reason that there is', async () => {
  const { rta, connect } = await open();
  rta.refusals = 1;
  await assert.rejects(connect(), RtaError);
  rta.nonceAnswers.push(403);
  await assert.rejects(
    connect(),
    (error) => error instanceof MultiplayerError && error.status === 403,
  );
  assert.equal(rta.connects.length, 1);
});

// Kills: a connection that has failed and is reported as lost later, to a title that never had it.
test('a connect that failed is over: nothing listens, and nothing is reported', async () => {
  const given = new AbortController();
  const lost: Error[] = [];
  const { rta, connect } = await open(
    { onSubscriptionsLost: (error) => lost.push(error) },
    { signal: given.signal },
  );
  rta.refusals = 1;
  await assert.rejects(connect(), RtaError);
  assert.equal(getEventListeners(given.signal, 'abort').length, 0);
  // Each of these is still being made.
  rta.codes.push(undefined);
  const unanswered = connect();
  while (rta.codes.length > 0) await nextTurn();
  const asking = connect();
  const reason = new Error('the game ends');
  given.abort(reason);
  for (const one of [unanswered, asking]) await assert.rejects(one, (error) => error === reason);
  assert.ok(rta.sockets[1]?.isClosed);
  assert.deepEqual(lost, []);
});

test('follow makes the member active on the connection, with what else the changes say', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  const written = await live.follow(lobby);
  assert.equal(written.status, 'updated');
  await live.follow(
    game,
    {
      properties: { custom: { map: 'atoll' } },
      members: {
        me: { properties: { system: { active: false }, custom: { team: 'blue' } } },
        reserve_0: { constants: { system: { xuid: '7' } } },
      },
    },
    { mode: 'updateExisting', changeTypes: ['host', 'membersList'] },
  );
  assert.deepEqual(rta.writes, [
    { path: lobbyPath, ifMatch: undefined, body: memberOn('connection-1') },
    {
      path: gamePath,
      ifMatch: '*',
      body: {
        properties: { custom: { map: 'atoll' } },
        members: {
          me: {
            properties: {
              system: {
                active: false,
                connection: 'connection-1',
                subscription: { id: 'guid-2', changeTypes: ['host', 'membersList'] },
              },
              custom: { team: 'blue' },
            },
          },
          reserve_0: { constants: { system: { xuid: '7' } } },
        },
      },
    },
  ]);
});

test('each change is delivered once, in order, by the reference that the title uses', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  await live.follow(lobby);
  rta.socket.taps(['s~lobby~one', 'b1', 2], ['s~game~two', 'b9', 5]);
  rta.socket.taps(['s~lobby~one', 'b1', 2]);
  rta.socket.taps(['s~lobby~one', 'b1', 1], ['s~game~two', 'b9', 5]);
  const heard: string[] = [];
  for await (const tap of live.taps()) {
    heard.push(brief(tap));
    if (heard.length === 2) break;
  }
  // An end counts as the last change of its branch, and another branch begins anew.
  rta.socket.taps(['s~lobby~one', 'b1', undefined]);
  for await (const tap of live.taps()) {
    heard.push(brief(tap));
    break;
  }
  rta.socket.taps(['s~lobby~one', 'b1', undefined], ['s~lobby~one', 'b1', 3]);
  rta.socket.taps(['s~lobby~one', 'b2', 2]);
  heard.push(brief(await nextTap(live.taps())));
  assert.deepEqual(heard, [
    'changed One b1 2',
    'changed two b9 5',
    'ended One b1 0',
    'changed One b2 2',
  ]);
});

test('who reads slowly hears of the newest change of each session', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  for (let n = 2; n < 100; n += 1) rta.socket.taps(['s~lobby~one', 'b', n], ['s~game~two', 'b', n]);
  const taps = live.taps();
  assert.deepEqual(
    [brief(await nextTap(taps)), brief(await nextTap(taps))],
    ['changed one b 99', 'changed two b 99'],
  );
});

test('a resync of the server is delivered, and what is no frame or no tap is passed over', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  for (const odd of [
    'no json',
    '{}',
    '[]',
    '[3]',
    '[3,0]',
    '[3,77,{}]',
    '[9,9,9]',
    '[1,999,0,0,null]',
    '[3,0,{"shoulderTaps":7}]',
    '[3,0,{"shoulderTaps":[{}]}]',
    '[3,0,{"shoulderTaps":[{"resource":"a~b","branch":"c","changeNumber":2}]}]',
  ]) {
    rta.socket.push(odd);
  }
  rta.socket.push([4]);
  assert.deepEqual(brief(await nextTap(live.taps())), 'resync missed');
});

test('invites into sessions are received, and those into activities left out', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  const ids: string[] = [];
  await live.subscribeToInvites({ xuid: '1001', titleId: '1234567890' }, ({ id }) => ids.push(id));
  assert.ok([...rta.socket.subscriptions.values()].includes(invites));
  rta.socket.event('notify', { notificationData: { connectionString: 'x' } });
  rta.socket.event('notify', null);
  rta.socket.event('notify', { inviteHandle: { id: 'i' } });
  assert.deepEqual(ids, ['i']);
});

test('a lost connection is made again, with all subscriptions and in every session', async () => {
  const { rta, connect, sleptMs } = await open();
  await using live = await connect();
  const heard: unknown[] = [];
  await live.subscribe(invites, (data) => heard.push(data));
  const gone = await live.subscribe('https://social.xboxlive.com/users/xuid(1)/friends', () => {});
  await gone.unsubscribe();
  await live.follow(lobby);
  await live.follow(game);
  rta.writes.length = 0;
  rta.refusals = 2;
  rta.socket.drop();
  assert.equal(live.connectionId, undefined);
  assert.equal(brief(await nextTap(live.taps())), 'resync reconnected');

  assert.equal(live.connectionId, 'connection-4');
  assert.deepEqual(sleptMs, [500, 1_000, 2_000]);
  assert.match(rta.connects.at(-1) ?? '', /nonce=nonce%204 /);
  assert.deepEqual(
    [...rta.socket.subscriptions.values()],
    ['https://sessiondirectory.xboxlive.com/connections/', invites],
  );
  assert.deepEqual(rta.writes, [
    { path: lobbyPath, ifMatch: '*', body: memberOn('connection-4') },
    { path: gamePath, ifMatch: '*', body: memberOn('connection-4', 'guid-2') },
  ]);
  rta.socket.event('notify', { inviteHandle: { id: 'i' } });
  assert.deepEqual(heard, [{ inviteHandle: { id: 'i' } }]);
  rta.socket.taps(['s~lobby~one', 'b', 2]);
  assert.equal(brief(await nextTap(live.taps())), 'changed One b 2');
});

test('a session that was left, by whichever write, is not gone back into', async () => {
  const { rta, service, connect } = await open();
  await using live = await connect();
  const three = { ...lobby, name: 'Three' };
  for (const one of [lobby, game, three]) await live.follow(one);
  rta.writeAnswers.push(204);
  await service.leaveSession({ ...lobby, name: 'oNE' });
  await service.tryWriteSession(game, { members: { me: null } }, { preview: true });
  live.unfollow(three);
  rta.writes.length = 0;
  rta.socket.drop();
  await nextTap(live.taps());
  assert.deepEqual(
    rta.writes.map(({ path }) => path),
    [gamePath],
  );
});

test('a session whose followed life has ended, or was only previewed, is not gone back into', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  const three = { ...lobby, name: 'Three' };
  for (const one of [lobby, game]) await live.follow(one);
  await live.follow(three, {}, { preview: true });
  // The answers of this directory are all of branch "b".
  rta.socket.taps(['s~lobby~one', 'b', undefined], ['s~game~two', 'former', undefined]);
  rta.writes.length = 0;
  rta.socket.drop();
  let tap: Tap | undefined;
  while (tap?.kind !== 'resync') tap = await nextTap(live.taps());
  assert.deepEqual(
    rta.writes.map(({ path }) => path),
    [gamePath],
  );
});

test('a tap that comes before the answer to the write has the reference as it was given', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  rta.onWrite = () => rta.socket.taps(['s~lobby~one', 'b', 2]);
  await live.follow(lobby);
  const tap = await nextTap(live.taps());
  assert.deepEqual('reference' in tap && tap.reference, lobby);
});

test('a session that cannot be gone back into is reported, and the rest goes on', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  const three = { ...lobby, name: 'Three' };
  for (const one of [lobby, game, three]) await live.follow(one);
  rta.writeAnswers.push(412, 403, 200);
  rta.socket.drop();
  const taps = live.taps();
  const heard = [await nextTap(taps), await nextTap(taps), await nextTap(taps)];
  assert.deepEqual(heard.map(brief).sort(), [
    'resync reconnected',
    'unfollowed One undefined',
    'unfollowed Two 403',
  ]);
  rta.writes.length = 0;
  rta.socket.drop();
  await nextTap(taps);
  assert.equal(rta.writes.length, 1, 'only the third is followed still');
});

test('an overloaded server is asked again, on a new socket', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  await live.follow(lobby);
  rta.writeAnswers.push(503, 200);
  rta.socket.drop();
  assert.equal(brief(await nextTap(live.taps())), 'resync reconnected');
  assert.equal(live.connectionId, 'connection-3');
  assert.ok(rta.sockets[1]?.isClosed, 'the socket in between is not left open');
});

test('a socket that is lost while a session is written: the session gets the next id', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  rta.onWrite = () => {
    rta.onWrite = () => {};
    rta.socket.drop();
  };
  await live.follow(lobby);
  assert.deepEqual(rta.writes.at(-1)?.body, memberOn('connection-2'));
  assert.equal(live.connectionId, 'connection-2');
});

// Kills: a session that is followed although the call that would do so has ended.
test('a follow that ends while the connection is made anew does not follow', async () => {
  const reason = new Error('the player has left');
  const ways = [
    (live: RtaConnection, options: CallOptions) => live.follow(lobby, {}, options),
    (live: RtaConnection, options: CallOptions) => live.followByHandle('h', {}, options),
  ];
  for (const follow of ways) {
    const given = new AbortController();
    const { rta, connect } = await open(
      {},
      {
        sleep: async (_ms, signal) => {
          await nextTurn(); // the write is answered, and the call waits for the connection
          given.abort(reason);
          signal.throwIfAborted();
        },
      },
    );
    await using live = await connect();
    rta.onWrite = () => rta.socket.drop();
    const followed = follow(live, { signal: given.signal });
    await assert.rejects(followed, (error) => error === reason);
    assert.equal(brief(await nextTap(live.taps())), 'resync reconnected');
    assert.equal(rta.writes.length, 1);
  }
});

test('a second follow that ends so leaves the first', async () => {
  const given = new AbortController();
  const { rta, connect } = await open(
    {},
    {
      sleep: async (_ms, signal) => {
        await nextTurn();
        given.abort(new Error('enough'));
        signal.throwIfAborted();
      },
    },
  );
  await using live = await connect();
  await live.follow(lobby, {}, { changeTypes: ['host'] });
  rta.onWrite = () => {
    rta.onWrite = () => {};
    rta.socket.drop();
  };
  await assert.rejects(live.follow(lobby, {}, { signal: given.signal }), /enough/);
  await nextTap(live.taps());
  assert.deepEqual(rta.writes.at(-1)?.body, memberOn('connection-2', 'guid-1', ['host']));
});

test('an invite is followed by its handle, and the session that it leads to from then on', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  const written = await live.followByHandle('h1', { members: { me: { roles: { a: 'b' } } } });
  assert.ok(written.status !== 'deleted');
  assert.deepEqual(written.reference, { scid: 's', templateName: 'Lobby', name: 'Invited' });
  assert.equal(rta.writes[0]?.path, '/handles/h1/session');
  rta.socket.drop();
  await nextTap(live.taps());
  assert.deepEqual(rta.writes.at(-1), {
    path: '/serviceconfigs/s/sessionTemplates/Lobby/sessions/Invited',
    ifMatch: '*',
    body: memberOn('connection-2'),
  });
});

test('given up: the title is notified once, taps end with the reason, nothing can be asked any more', async () => {
  const lost: Error[] = [];
  const { rta, connect, sleptMs } = await open({
    onSubscriptionsLost: (error) => lost.push(error),
    reconnect: { attemptsMax: 4, firstDelayMs: 100, delayMsMax: 300 },
  });
  const live = await connect();
  rta.socket.taps(['s~lobby~one', 'b', 2]);
  rta.refusals = 100;
  const reader = live.taps();
  rta.socket.drop();
  assert.equal(
    brief(await nextTap(reader)),
    'changed one b 2',
    'what was heard before is not lost',
  );
  await assert.rejects(reader.next(), RtaError);
  assert.equal(lost.length, 1);
  assert.deepEqual(sleptMs, [100, 200, 300, 300]);
  await assert.rejects(live.follow(lobby), (error) => error === lost[0]);
  await assert.rejects(
    live.subscribe(invites, () => {}),
    (error) => error === lost[0],
  );
  await assert.rejects(live.taps().next(), (error) => error === lost[0]);
  await live.close();
  assert.equal(lost.length, 1);
});

test('a caller who is refused is not let in by trying again', async () => {
  const lost: Error[] = [];
  const { rta, connect, sleptMs } = await open({
    onSubscriptionsLost: (error) => lost.push(error),
  });
  const live = await connect();
  rta.nonceAnswers.push(401);
  rta.socket.drop();
  await assert.rejects(live.taps().next());
  assert.equal(sleptMs.length, 1);
  assert.ok(lost[0]?.cause instanceof MultiplayerError);
});

// Kills: a call that waits for as long as the connection is made anew, whatever its caller says.
test('while the connection is made anew, calls end at their signal and their limit', async () => {
  const limitMs = 7_000;
  const { rta, connect } = await open(
    { reconnect: { attemptsMax: Number.POSITIVE_INFINITY } },
    {
      sleep: async (ms, signal) => {
        await nextTurn();
        signal.throwIfAborted();
        if (ms !== limitMs) return until(signal); // the pause before the next try
      },
    },
  );
  await using live = await connect();
  rta.socket.drop();
  const given = new AbortController();
  const reason = new Error('the player has left');
  const calls = (options: CallOptions) =>
    [
      live.follow(lobby, {}, options),
      live.followByHandle('h', {}, options),
      live.subscribe(invites, () => {}, options),
    ] as const;
  const aborted = calls({ signal: given.signal });
  given.abort(reason);
  for (const call of [...aborted, ...calls({ signal: given.signal })]) {
    await assert.rejects(call, (error) => error === reason);
  }
  const [follow, followByHandle, subscribe] = calls({ timeoutMs: limitMs });
  const late = { code: 'timedOut', status: 0, verb: 'PUT' };
  await assert.rejects(follow, { ...late, path: lobbyPath });
  await assert.rejects(followByHandle, { ...late, path: '/handles/h/session' });
  await assert.rejects(subscribe, { name: 'RtaError', message: /not answered within 7000 ms/ });
  assert.deepEqual([rta.connects.length, rta.writes.length], [1, 0]);
});

// Kills: a subscription that its caller does not know, and that keeps the process alive.
test('a subscription that is answered after its call has ended is given back', async () => {
  const { rta, connect } = await open();
  await using live = await connect();
  const given = new AbortController();
  const subscribed = live.subscribe(invites, () => {}, { signal: given.signal });
  for (let step = 0; step < 10; step += 1) await Promise.resolve(); // until it is asked for
  given.abort(new Error('no longer'));
  await assert.rejects(subscribed, /no longer/);
  const isSubscribed = () => [...rta.socket.subscriptions.values()].includes(invites);
  await nextTurn();
  assert.ok(isSubscribed());
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  assert.ok(!isSubscribed());
});

test('the signal of the client ends its calls and its connections, those of later too', async () => {
  const given = new AbortController();
  const lost: Error[] = [];
  const { rta, service, connect } = await open(
    { onSubscriptionsLost: (error) => lost.push(error) },
    { signal: given.signal },
  );
  const live = await connect();
  const reading = live.taps().next();
  const reason = new Error('the game ends');
  given.abort(reason);
  const isReason = (error: unknown) => error === reason;
  await assert.rejects(reading, isReason);
  await assert.rejects(live.follow(lobby), isReason);
  await assert.rejects(service.getSession(lobby), isReason);
  await assert.rejects(connect(), isReason);
  assert.ok(rta.socket.isClosed);
  assert.deepEqual(lost, [reason]);
});

test('without reconnect a lost socket is the end', async () => {
  const { rta, connect } = await open({ reconnect: false });
  const live = await connect();
  rta.socket.drop();
  await assert.rejects(live.taps().next(), RtaError);
  assert.equal(rta.connects.length, 1);
});

test('closed: loops end, the socket too, and nothing comes back', async () => {
  const lost: Error[] = [];
  const { rta, connect } = await open({ onSubscriptionsLost: (error) => lost.push(error) });
  const live = await connect();
  await live.follow(lobby);
  const loop = (async () => {
    for await (const tap of live.taps()) assert.fail(tap.kind);
  })();
  await live.close();
  await loop;
  await nextTurn();
  assert.ok(rta.socket.isClosed);
  assert.deepEqual([rta.connects.length, lost], [1, []]);
  await assert.rejects(live.follow(lobby), /has been closed/);
});

test('closed while it comes back, it stays away', async () => {
  const { rta, connect } = await open();
  const live = await connect();
  rta.socket.drop();
  await live.close();
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
  assert.equal(rta.connects.length, 1);
  assert.deepEqual(await live.taps().next(), { value: undefined, done: true });
});

test('a refused subscription says why; a busy server is asked again after 1, 4, 9 s', async () => {
  const { rta, connect, sleptMs } = await open();
  await using live = await connect();
  rta.codes.push(3);
  await assert.rejects(
    live.subscribe(invites, () => {}),
    (error) =>
      error instanceof RtaError && error.code === 3 && /not for this caller/.test(error.message),
  );
  rta.codes.push(1001, 1002, 1001, 0);
  assert.equal((await live.subscribe(invites, () => {})).data, null);
  assert.deepEqual(sleptMs, [1_000, 4_000, 9_000]);
  rta.codes.push(1001, 1001, 1001, 1001);
  await assert.rejects(
    live.subscribe(invites, () => {}),
    (error) => error instanceof RtaError && error.code === 1001,
  );
});

test('a network that is lost silently is noticed, and the connection made anew', async () => {
  let beats = 0;
  const { rta, connect } = await open(
    { heartbeatMs: 30_000 },
    {
      timeoutMs: 15_000,
      // Heartbeats come as fast as they can; on a deaf socket an answer is overdue at once.
      sleep: async (ms, signal) => {
        await nextTurn();
        if (ms === 30_000) beats += 1;
        while (ms === 15_000 && !rta.sockets.at(-1)?.isDeaf && !signal.aborted) await nextTurn();
        signal.throwIfAborted();
      },
    },
  );
  await using live = await connect();
  while (beats < 3) await nextTurn();
  assert.equal(live.connectionId, 'connection-1');
  assert.ok(rta.sockets[0]);
  rta.sockets[0].isDeaf = true;
  assert.equal(brief(await nextTap(live.taps())), 'resync reconnected');
  assert.equal(live.connectionId, 'connection-2');
  assert.ok(rta.sockets[0].isClosed);
});

test('a socket on which no answer comes in time is replaced', async () => {
  let runOut: (() => void) | undefined;
  const { rta, connect } = await open(
    {},
    {
      timeoutMs: 15_000,
      // Time runs out when the test says so; there is no pause before a new socket.
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (ms !== 15_000) return resolve();
          runOut = resolve;
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    },
  );
  await using live = await connect();
  rta.codes.push(undefined);
  const subscribed = live.subscribe(invites, () => {});
  await nextTurn();
  await nextTurn();
  runOut?.();
  await subscribed;
  assert.equal(live.connectionId, 'connection-2');
  assert.ok(rta.sockets[0]?.isClosed);
});

test('a platform without WebSocket gets an error that says what it needs', async (context) => {
  const { service } = await open();
  const { WebSocket } = globalThis;
  Reflect.deleteProperty(globalThis, 'WebSocket');
  context.after(() => Object.assign(globalThis, { WebSocket }));
  await assert.rejects(
    service.connect(),
    /no WebSocket: use Node 22 or later, or give connect\(\)/,
  );
});
