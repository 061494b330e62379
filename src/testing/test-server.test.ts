import assert from 'node:assert/strict';
import { createServer, Server } from 'node:net';
import { test } from 'node:test';
import { MultiplayerError } from '../client/multiplayer-service.ts';
import { CannotStart } from '../server.ts';
import { freePort } from './free-port.ts';
import { Control, demoScid, startServer } from './test-server.ts';

const lobby = { scid: demoScid, templateName: 'deathmatch', name: 'lobby' };
const join = { members: { me: { properties: { system: { active: true } } } } };

test('users have a name, a client, and the same xuid each time', async () => {
  await using server = await startServer();
  const [ada, ben] = [server.user('Ada'), server.user('Ben')];
  assert.equal(server.user('Ada'), ada);
  assert.deepEqual([ada.xuid, ben.xuid], ['2533274800000001', '2533274800000002']);
  await ada.client.writeSession(lobby, join);
  const { session } = await ben.client.writeSession(lobby, join).then((written) => {
    assert.ok(written.status !== 'deleted');
    return written;
  });
  assert.deepEqual(
    Object.values(session.members).map(({ gamertag }) => gamertag),
    ['Ada', 'Ben'],
  );
  await server.service().client.removeMember(lobby, 0);
  assert.equal((await ben.client.getSession(lobby))?.session.membersInfo.count, 1);
});

test('a state to which it goes back: sessions, handles, lists, searches and time', async () => {
  await using server = await startServer();
  const { control } = server;
  const [ada, ben] = [server.user('Ada'), server.user('Ben')];
  await control.freeze();
  await control.setTime(1_767_225_600_000);
  const searched = { ...lobby, templateName: 'blank', name: 'searched' };
  const constants = { system: { capabilities: { searchable: true } } };
  await ada.client.writeSession(searched, { ...join, constants });
  await ada.client.setSearchHandle(searched, { tags: ['mic'] });
  await ada.client.writeSession(lobby, join);
  const { id } = await ada.client.setActivity(lobby);
  await ben.client.follow([ada.xuid]);
  const before = await server.snapshot();

  const stateOf = async () => ({
    session: (await ada.client.getSession(lobby))?.etag,
    activities: (
      await ben.client.getActivitiesForSocialGroup(demoScid, 'people', { xuid: ben.xuid })
    ).map((activity) => activity.id),
    found: (await ben.client.getSearchHandles({ scid: demoScid, filter: "tags/any(d:d eq 'mic')" }))
      .length,
    clock: await control.clock(),
  });
  const state = await stateOf();
  assert.deepEqual(state.activities, [id]);
  assert.equal(state.found, 1);
  assert.deepEqual(state.clock, { nowMs: 1_767_225_600_000, frozen: true });

  for (const round of ['first', 'second']) {
    await ben.client.writeSession(lobby, join);
    await ben.client.unfollow([ada.xuid]);
    await ada.client.leaveSession(searched);
    await control.refuse({ path: '/handles*', status: 503, times: 1_000 });
    await control.resume();
    await control.advance(86_400_000);
    const { url } = server;
    await server.restore(before);
    assert.equal(server.url, url);
    assert.deepEqual(await stateOf(), state, round);
  }
});

test('connections end when it goes back, and clients connect anew', async () => {
  await using server = await startServer();
  const ada = server.user('Ada');
  await using live = await ada.client.connect({
    reconnect: { firstDelayMs: 1, delayMsMax: 5, attemptsMax: 1_000 },
  });
  await live.follow(lobby);
  const { connectionId } = live;
  await server.restore(await server.snapshot());
  for await (const tap of live.taps()) {
    if (tap.kind === 'resync' && tap.why === 'reconnected') break;
  }
  assert.notEqual(live.connectionId, connectionId);
  const connections = await server.control.connections(ada);
  assert.deepEqual(
    connections.map(({ id, xuid }) => [id.toLowerCase(), xuid]),
    [[live.connectionId?.toLowerCase(), ada.xuid]],
  );
});

test('connections are dropped, taps delayed and lost, those of one user alone', async () => {
  await using server = await startServer();
  const { control } = server;
  const [ada, ben] = [server.user('Ada'), server.user('Ben')];
  await using live = await ada.client.connect({ reconnect: false });
  await using other = await ben.client.connect({ reconnect: false });
  assert.equal((await control.connections()).length, 2);

  await control.freeze();
  await control.delay(ada, 5_000);
  await control.lose(ben);
  const tapsOf = async () =>
    (await control.connections()).map(({ xuid, taps }) => [xuid, taps.delayMs, taps.drop]);
  assert.deepEqual(await tapsOf(), [
    [ada.xuid, 5_000, false],
    [ben.xuid, 0, true],
  ]);
  await control.lose(ben, false);
  await control.delay(ada, 0);
  assert.deepEqual(await tapsOf(), [
    [ada.xuid, 0, false],
    [ben.xuid, 0, false],
  ]);

  assert.equal(await control.drop(ada), 1);
  await assert.rejects(async () => {
    for await (const _tap of live.taps());
  }, /could not be made again/);
  assert.deepEqual(
    (await control.connections()).map(({ xuid }) => xuid),
    [ben.xuid],
  );
  assert.notEqual(other.connectionId, undefined);
});

// Kills: taps that a test believes to be lost or late while nobody has a connection.
test('taps of a user without a connection cannot be delayed or lost', async () => {
  await using server = await startServer();
  const { control } = server;
  const ada = server.user('Ada');
  await assert.rejects(control.lose(ada), /has no connection\. .*connect first/);
  await assert.rejects(control.delay(ada, 5), /has no connection\. .*connect first/);
  await control.lose(ada, false); // nothing is to be ended
  await control.delay(ada, 0);
  await using _line = await ada.client.connect({ reconnect: false });
  await control.delay(ada, 3_600_000);
  for (const wrong of [-1, 1.5, 3_600_001, 1e12, Number.NaN, '5' as unknown as number]) {
    const error = {
      name: 'RangeError',
      message: /^delay takes whole milliseconds from 0 to 3600000/,
    };
    await assert.rejects(control.delay(ada, wrong), error);
    await assert.rejects(control.delay(server.user('Ben'), wrong), error);
  }
  await assert.rejects(control.lose(ada, 1 as unknown as boolean), /lose takes true or false/);
});

test('users and services have names', async () => {
  await using server = await startServer();
  for (const wrong of [undefined, null, '', 7] as unknown as string[]) {
    assert.throws(() => server.user(wrong), { name: 'TypeError', message: /^user takes a name/ });
  }
  for (const wrong of [null, '', 7] as unknown as string[]) {
    assert.throws(() => server.service(wrong), { message: /^service takes a name/ });
  }
  assert.equal(server.user('Ada').xuid, '2533274800000001');
});

test('requests are refused as often as asked for, of one user, until that is ended', async () => {
  await using server = await startServer();
  const { control } = server;
  const [ada, ben] = [server.user('Ada'), server.user('Ben')];
  const codeOf = async (call: Promise<unknown>) => {
    try {
      await call;
      return 'done';
    } catch (error) {
      assert.ok(error instanceof MultiplayerError);
      return error.code;
    }
  };
  const order = { path: '*/sessions/*', status: 403, code: 'sessionPrivate' } as const;
  await control.refuse({ ...order, user: ada, times: 2 });
  const joinAs = (user: typeof ada) => codeOf(user.client.writeSession(lobby, join));
  assert.equal(await joinAs(ben), 'done');
  assert.deepEqual(
    [await joinAs(ada), await joinAs(ada), await joinAs(ada)],
    ['sessionPrivate', 'sessionPrivate', 'done'],
  );
  // @source docs/control.md "Refused requests"
  await control.refuse({ ...order, method: 'put' as 'PUT' });
  assert.deepEqual([await joinAs(ben), await joinAs(ben)], ['sessionPrivate', 'done']);
  await control.refuse({ ...order, times: 1_000 });
  assert.equal(await joinAs(ben), 'sessionPrivate');
  await control.refuseNoMore();
  assert.equal(await joinAs(ben), 'done');
});

test('what cannot be done is an error with the sentence of the server', async () => {
  await using server = await startServer({ port: await freePort() });
  await assert.rejects(server.control.advance(-1), /clock was answered 400: .*advanceMs/);
  await assert.rejects(
    server.control.refuse({ path: 'handles', status: 503 }),
    /refusals was answered 400: .*\$\.path/,
  );
  const nothing = undefined as unknown as Parameters<typeof server.control.refuse>[0];
  await assert.rejects(
    server.control.refuse(nothing),
    /^TypeError: refuse takes \{ path, status \}/,
  );
  await assert.rejects(startServer({ config: '/nowhere/at/all.json' }), CannotStart);
  const { url } = server;
  await server.close();
  await server.close(); // a second time is no error
  await assert.rejects(new Control(url).clock(), /does not answer: fetch failed: .*ECONNREFUSED/);
  for (const wrong of ['foo', 'localhost:8080', '']) {
    assert.throws(() => new Control(wrong), /^TypeError: Control takes the URL of a server/);
  }
});

// Kills: tries and reconnects that go on although no server comes back.
test('what waits for a server that is closed ends, without further tries', async () => {
  await using server = await startServer({ port: await freePort() });
  const { client } = server.user('Ada');
  await using live = await client.connect({
    reconnect: { firstDelayMs: 1, delayMsMax: 1, attemptsMax: Number.POSITIVE_INFINITY },
  });
  await live.follow(lobby);
  await server.close();
  const isClosed = (error: unknown) => {
    assert.match(String(error), /^Error: The test server http:\S+ is closed\.$/);
    return true;
  };
  await assert.rejects(client.getSession(lobby), isClosed);
  await assert.rejects(client.writeSession(lobby, join), isClosed);
  await assert.rejects(client.connect(), isClosed);
  await assert.rejects(server.service().client.getSession(lobby), isClosed);
  await assert.rejects(async () => {
    for await (const _tap of live.taps());
  }, isClosed);
  await assert.rejects(live.follow(lobby), isClosed);
  await assert.rejects(server.snapshot(), isClosed);
  await assert.rejects(server.control.advance(1), isClosed);
});

test('what is no snapshot is refused, and the server goes on', async () => {
  await using server = await startServer();
  await using other = await startServer();
  const ofOther = await other.snapshot();
  for (const wrong of [undefined, {}, ofOther] as Parameters<typeof server.restore>[0][]) {
    await assert.rejects(
      server.restore(wrong),
      /restore takes what snapshot\(\) of this server gave/,
    );
  }
  assert.equal((await server.control.connections()).length, 0);
});

// Kills: a restore that fails when another process is given the port for a moment.
test('restore waits for its port when another program has it', async (context) => {
  await using server = await startServer({ port: await freePort() });
  const { client } = server.user('Ada');
  await client.writeSession(lobby, join);
  const snapshot = await server.snapshot();
  const { listen } = Server.prototype;
  const { mock } = context.mock.method(
    Server.prototype,
    'listen',
    function (this: Server, ...args: Parameters<typeof listen>) {
      if (mock.callCount() === 0) {
        const other = createServer();
        Reflect.apply(listen, other, [Number(new URL(server.url).port), '127.0.0.1']);
        this.once('error', () => other.close());
      }
      return listen.apply(this, args);
    },
  );
  await server.restore(snapshot);
  assert.equal(mock.callCount(), 2);
  assert.notEqual(await client.getSession(lobby), undefined);
});

test('a name in place of a user, and an unknown option, are errors', async () => {
  await using server = await startServer();
  const name = 'Ada' as unknown as ReturnType<typeof server.user>;
  await assert.rejects(server.control.drop(name), /server\.user\('Ada'\)/);
  await assert.rejects(server.control.delay(name, 1), /server\.user\('Ada'\)/);
  await assert.rejects(server.control.connections(name), /server\.user\('Ada'\)/);
  const typo = { prot: 1 } as Parameters<typeof startServer>[0];
  await assert.rejects(startServer(typo), /startServer has no option "prot"/);
  const config = { serviceConfigs: [] } as unknown as string;
  await assert.rejects(startServer({ config }), {
    name: 'CannotStart',
    message: /^config must be the path of a file/,
  });
  for (const fixed of [
    { store: 'redis://x' },
    { data: 'folder' },
    { auth: 'oidc' },
    { control: false },
  ]) {
    const [name] = Object.keys(fixed);
    await assert.rejects(startServer(fixed as Parameters<typeof startServer>[0]), {
      name: 'CannotStart',
      message: new RegExp(`A test server takes no "${name}"`),
    });
  }
});

// Kills: the flag of a command, in the error of a function.
test('what is wrong with an option is said with its name', async () => {
  await using server = await startServer();
  const port = Number(new URL(server.url).port);
  await assert.rejects(startServer({ port }), (error) => {
    assert.ok(error instanceof CannotStart);
    assert.match(error.message, /is in use by another program; .* another with port \(0 takes/);
    return true;
  });
  await assert.rejects(startServer({ host: '0.0.0.0' }), (error) => {
    assert.ok(error instanceof CannotStart);
    assert.doesNotMatch(error.message, /--|MPSD_/);
    assert.match(error.message, /add allowDevAuth if/);
    return true;
  });
});
