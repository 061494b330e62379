/** The RTA socket: handshakes, frames, subscriptions, life of a connection. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { isAimed, startKit } from '../../src/testing/kit.ts';
import { connectionsUri, KitConnection } from '../../src/testing/kit-connection.ts';
import { assertRefused, guidPattern, needsClock, needsOwnServer } from './answers.ts';
import { requestRaw } from './raw.ts';
import { subscriber } from './subscriber.ts';

const options = { timeout: 300_000 };

const handshakes: readonly (readonly [offered: readonly string[], chosen: string | undefined])[] = [
  [[], undefined],
  [['rta.xboxlive.com.V2'], 'rta.xboxlive.com.V2'],
  [['rta.xboxlive.com'], 'rta.xboxlive.com'],
  [['echo-protocol'], 'echo-protocol'],
  [['echo-protocol', 'rta.xboxlive.com', 'rta.xboxlive.com.V2'], 'rta.xboxlive.com.V2'],
  [['something.else', 'rta.xboxlive.com'], 'rta.xboxlive.com'],
];

/** @source docs/wire/rta.md "Life of a connection", docs/wire/rta.md "Connecting" */
for (const [offered, chosen] of handshakes) {
  test(
    `R14 of the sub-protocols [${offered}] the answer names ${chosen ?? 'none'}`,
    options,
    async () => {
      await using kit = await startKit();
      await using line = await kit.user('ada').connect({ protocols: offered });
      const { headers } = line.handshake;
      assert.equal(headers['sec-websocket-protocol'], chosen);
      assert.equal(headers['sec-websocket-extensions'], undefined, 'nothing is compressed');
      assert.equal(headers['cache-control'], 'no-cache, no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['x-xblcorrelationid']), guidPattern);
      assert.ok(headers.date);
      assert.deepEqual((await line.subscribe()).slice(2, 4), [0, 0]);
    },
  );
}

/** @source docs/wire/rta.md "Life of a connection" */
test(
  'a sub-protocol that nobody knows is not named back, and the client gives up',
  options,
  async () => {
    await using kit = await startKit();
    await assert.rejects(kit.user('ada').connect({ protocols: ['chat'] }), /subprotocol/i);
  },
);

/** @source docs/wire/rta.md "Life of a connection" */
test('a nonce stands for its caller, once', options, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { status, json } = await ada.request('GET', '/nonce');
  assert.equal(status, 200);
  const path = `/connect?nonce=${encodeURIComponent(String(json['nonce']))}`;
  await using line = await KitConnection.open(kit.url, { path, protocols: [] });
  const friends = `https://social.xboxlive.com/users/xuid(${ada.xuid})/friends`;
  assert.equal((await line.subscribe(friends))[2], 0, 'she is known');
  await assert.rejects(
    KitConnection.open(kit.url, { path }),
    /HTTP 401: The nonce is unknown, used/,
  );
});

/** @source docs/wire/rta.md "Life of a connection" */
test('a nonce lasts a minute', { ...options, skip: isAimed && needsClock }, async () => {
  await using kit = await startKit();
  const nonceOf = async (): Promise<string> => {
    const { json } = await kit.user('ada').request('GET', '/nonce');
    return `/connect?nonce=${encodeURIComponent(String(json['nonce']))}`;
  };
  const [first, second] = [await nonceOf(), await nonceOf()];
  await kit.advance(59_999);
  await (await KitConnection.open(kit.url, { path: first })).cut();
  await kit.advance(1);
  await assert.rejects(KitConnection.open(kit.url, { path: second }), /HTTP 401/);
});

/** @source docs/wire/rta.md "Life of a connection" */
test('who is not known is refused before the upgrade', options, async () => {
  await using kit = await startKit();
  assertRefused(await kit.request('GET', '/nonce'), 401, 'notAuthenticated');
  for (const path of ['/connect', '/connect?nonce=x', '/connect?nonce=a.b']) {
    await assert.rejects(KitConnection.open(kit.url, { path }), /HTTP 401/);
  }
  const headers = { authorization: 'XBL3.0 x=-;xuid=ada' };
  await assert.rejects(KitConnection.open(kit.url, { headers }), /HTTP 401/);
  await assert.rejects(kit.service().connect(), /HTTP 403: RTA connections belong to users/);
});

/** @source docs/wire/README.md "Every request", docs/wire/rta.md "Life of a connection" */
test('what is no handshake is refused like any request', options, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const plain = await ada.request('GET', '/connect');
  assertRefused(plain, 426, 'upgradeRequired', 'WebSocket');
  assertRefused(await ada.request('POST', '/connect'), 405, 'verbNotAllowed');
  await assert.rejects(ada.connect({ path: '/connected' }), /HTTP 404/);
  const noKey = await requestRaw(kit.url, {
    method: 'GET',
    target: '/connect',
    headers: {
      authorization: ada.authorization,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
    },
  });
  assertRefused(noKey, 400, 'requestMalformed', 'Sec-WebSocket-Key');
});

/** @source docs/wire/rta.md "Frames" */
test(
  'R1 a subscribe is answered with its sequence, code 0, ids from 0, and data',
  options,
  async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    await using line = await ada.connect();
    const social = `//social.xboxlive.com/users/xuid(${ada.xuid})/friends`;
    const uris = [
      `https://notify.xboxlive.com/users/xuid(${ada.xuid})/deviceId/current/titleId/1234567890`,
      `http:${social}`,
      `https:${social}/`,
      `https://privacy.xboxlive.com/users/xuid(${ada.xuid})/mutelist`,
      `https://privacy.xboxlive.com/users/xuid(${ada.xuid})/neverlist`,
    ];
    for (const [id, uri] of uris.entries()) {
      assert.deepEqual(await line.subscribe(uri, 7), [1, 7, 0, id, null]);
    }
    const [, , code, id, data] = await line.subscribe(connectionsUri, 0);
    assert.deepEqual([code, id], [0, uris.length]);
    assert.match((data as { ConnectionId: string }).ConnectionId, guidPattern);
  },
);

/** @source docs/wire/rta.md "Frames", docs/wire/rta.md "Life of a connection", docs/wire/unknowns.md "a connection after its last subscription" */
test(
  'R2 each connection has an id of its own, the same however often it is asked for',
  options,
  async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    await using first = await ada.connect();
    await using second = await ada.connect();
    const id = await first.connectionId();
    assert.equal(id, id.toLowerCase());
    assert.equal(await first.connectionId(), id);
    assert.notEqual(await second.connectionId(), id);
    const [, , code] = await first.subscribe('HTTP://SessionDirectory.xboxlive.com/Connections');
    assert.equal(code, 0);
  },
);

/** @source docs/wire/rta.md "Life of a connection" */
test('R3 a hundred subscriptions at once', options, async () => {
  await using kit = await startKit();
  await using line = await kit.user('ada').connect();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => line.subscribe(connectionsUri, n)),
  );
  assert.deepEqual(
    answers.map(([, sequence, code]) => [sequence, code]),
    answers.map((_answer, n) => [n, 0]),
  );
  assert.equal(new Set(answers.map(([, , , id]) => id)).size, 100);
});

/** @source docs/wire/rta.md "Frames", docs/wire/unknowns.md "an unsubscribe of an unknown id" */
test(
  'R4 an unsubscribe is answered, and the same resource can be asked for at once',
  options,
  async () => {
    await using kit = await startKit();
    await using line = await kit.user('ada').connect();
    assert.equal((await line.subscribe(connectionsUri, 5))[3], 0);
    line.send([2, 5, 0]);
    line.send([1, 5, connectionsUri]);
    assert.deepEqual(await line.nextFrame(), [2, 5, 0]);
    assert.deepEqual((await line.nextFrame()).slice(0, 4), [1, 5, 0, 1]);
    assert.deepEqual(await line.unsubscribe(0, 6), [2, 6, 1], 'that one is gone');
  },
);

/** @source docs/wire/rta.md "Life of a connection", docs/wire/rta.md "Frames", docs/wire/unknowns.md "whose friends" */
test('what is not there, not yours or too much is answered with its code', {
  ...options,
  skip: isAimed && needsOwnServer,
}, async () => {
  await using kit = await startKit({ settings: { subscriptionsMax: 2 } });
  await using line = await kit.user('ada').connect();
  const someone = `xuid(${kit.user('ben').xuid})`;
  const codeOf = async (uri: string): Promise<unknown> => {
    const frame = await line.subscribe(uri);
    assert.equal(frame.length, 5, 'five elements in any case');
    if (frame[2] !== 0) assert.equal(typeof frame[3], 'string');
    return frame[2];
  };
  assert.equal(await codeOf('https://userstats.xboxlive.com/users/xuid(1)/scids/x/stats/y'), 1);
  assert.equal(await codeOf(''), 1);
  assert.equal(await codeOf(`https://social.xboxlive.com/users/${someone}/friends`), 3);
  assert.equal(
    await codeOf(`https://notify.xboxlive.com/users/${someone}/deviceId/current/titleId/1`),
    3,
  );
  assert.equal(await codeOf(connectionsUri), 0);
  assert.equal(await codeOf(connectionsUri), 0);
  assert.equal(await codeOf(connectionsUri), 2);
  await line.unsubscribe(1);
  assert.equal(await codeOf(connectionsUri), 0);
});

/** @source docs/wire/rta.md "Frames" */
test(
  'R5 nothing is sent before a subscribe is answered, nor after an unsubscribe',
  options,
  async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    await using line = await ada.connect();
    const connection = await line.connectionId();
    assert.deepEqual(await line.unsubscribe(0), [2, 1_002, 0]);
    const reference = kit.reference();
    const subscription = { id: randomUUID(), changeTypes: ['everything'] };
    await ada.join(reference, {
      properties: { system: { active: true, connection, subscription } },
    });
    await ada.putSession(reference, { properties: { custom: { a: 1 } } });
    assert.deepEqual(await line.framesSoFar(), []);
    await line.subscribe();
    await ada.putSession(reference, { properties: { custom: { a: 2 } } });
    const [kind, id] = await line.nextFrame();
    assert.deepEqual([kind, id], [3, 1]);
  },
);

/** @source docs/wire/rta.md "Life of a connection" */
test('R7 after a cut all is asked for anew with the same sequence numbers', options, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const friends = `https://social.xboxlive.com/users/xuid(${ada.xuid})/friends`;
  const ids: unknown[] = [];
  for (let life = 0; life < 3; life += 1) {
    const line = await ada.connect();
    assert.deepEqual(await line.subscribe(friends, 0), [1, 0, 0, 0, null]);
    const [, , , id, data] = await line.subscribe(connectionsUri, 1);
    assert.equal(id, 1);
    ids.push(data);
    await line.cut();
  }
  assert.equal(new Set(ids.map((id) => JSON.stringify(id))).size, 3);
});

/** @source docs/wire/rta.md "Connecting" */
test('a frame padded with NUL characters, or sent as bytes, is read', options, async () => {
  await using kit = await startKit();
  await using line = await kit.user('ada').connect({ protocols: ['rta.xboxlive.com'] });
  line.send(`[1,0,"${connectionsUri}"]\0\0\0`);
  assert.deepEqual((await line.nextFrame()).slice(0, 4), [1, 0, 0, 0]);
  line.socket.send(Buffer.from(`[1,1,"${connectionsUri}"]`));
  assert.deepEqual((await line.nextFrame()).slice(0, 4), [1, 1, 0, 1]);
});

const malformed: readonly string[] = [
  '',
  'subscribe',
  '{"1": 0}',
  '[]',
  'null',
  '[9,0,"x"]',
  '["1",0,"x"]',
  '[1]',
  '[1,"0","x"]',
  '[1,0.5,"x"]',
  '[1,0,7]',
  '[2,0,"0"]',
  '[2,0]',
  '[1,0,"x"',
  `[1,0,"${'x'.repeat(20_000)}"]`,
];

/** @source docs/architecture.md "Promises", docs/wire/unknowns.md "malformed frames" */
test(
  'a malformed frame ends its own connection, with a word on why, and no other',
  options,
  async () => {
    await using kit = await startKit();
    await using other = await kit.user('ben').connect();
    await other.subscribe();
    for (const frame of malformed) {
      const line = await kit.user('ada').connect();
      line.send(frame);
      const code = await line.closed;
      assert.equal(code, frame.length > 16_384 ? 1009 : 1007, frame.slice(0, 40));
    }
    assert.equal((await other.subscribe())[3], 1);
  },
);

/** @source docs/wire/rta.md "Life of a connection" */
test('a client that says goodbye is answered so', options, async () => {
  await using kit = await startKit();
  const line = await kit.user('ada').connect();
  line.socket.close();
  assert.equal(await line.closed, 1000, 'as recorded, also when it names no code');
  const second = await kit.user('ada').connect();
  second.socket.close(1000);
  assert.equal(await second.closed, 1000);
});

/** @source docs/wire/rta.md "Life of a connection", docs/wire/unknowns.md "pongs" */
test('R15 pongs come after ten seconds of silence, and as long as the connection lives', {
  ...options,
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit();
  await using line = await kit.user('ada').connect();
  let pongsCount = 0;
  line.socket.on('pong', () => {
    pongsCount += 1;
  });
  const pongsAfter = async (ms: number): Promise<number> => {
    await kit.advance(ms);
    await line.framesSoFar();
    return pongsCount;
  };
  assert.equal(await pongsAfter(9_000), 0);
  // Asking was a sign of life, so the silence begins anew.
  assert.equal(await pongsAfter(9_000), 0);
  assert.equal(await pongsAfter(10_000), 1);
  // However much is said, the next comes before thirty seconds are over.
  let busyMs = 0;
  while ((await pongsAfter(5_000)) === 1) busyMs += 5_000;
  assert.ok(busyMs < 30_000, `${busyMs} without a pong`);
});

/** @source docs/wire/rta.md "Life of a connection" */
test('a client that answers no ping for a minute is dropped without a close frame', {
  ...options,
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit({ isShared: false });
  const [deaf, alive] = [kit.user('ada'), kit.user('ben')].map((user) => user.connect());
  await using lives = await alive;
  const dies = await deaf;
  dies?.socket.pause();
  const pinged = new Promise((resolve) => lives?.socket.once('ping', resolve));
  await kit.advance(30_000);
  await pinged;
  // The answer to the ping was sent before this, and is heard before it.
  await lives?.framesSoFar();
  await kit.advance(30_000);
  dies?.socket.resume();
  assert.equal(await dies?.closed, 1006);
  await lives?.framesSoFar();
  await kit.untilConnected(1);
});

/** @source docs/wire/rta.md "Life of a connection" */
test('a connection ends after two hours, as if the network had failed', {
  ...options,
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit();
  await using line = await kit.user('ada').connect();
  // Signs of life, one a minute: it is the age that ends it.
  for (let minute = 0; minute < 119; minute += 1) {
    await kit.advance(59_000);
    await line.framesSoFar();
  }
  await kit.advance(7_200_000 - 119 * 59_000);
  assert.equal(await line.closed, 1006);
});

/** @source docs/architecture.md "Promises" */
test('a server that closes drops its connections, and takes no more', {
  ...options,
  skip: isAimed && needsOwnServer,
}, async () => {
  const kit = await startKit({ isShared: false });
  const line = await kit.user('ada').connect();
  await kit[Symbol.asyncDispose]();
  assert.equal(await line.closed, 1006);
  await assert.rejects(KitConnection.open(kit.url));
});

/** @source docs/wire/rta.md "Life of a connection" */
test('a client that offers compression gets none', options, async () => {
  await using kit = await startKit();
  const socket = new WebSocket(`${kit.url.replace('http', 'ws')}/connect`, {
    headers: { authorization: kit.user('ada').authorization },
    perMessageDeflate: true,
  });
  await new Promise((resolve) => socket.once('open', resolve));
  assert.equal(socket.extensions, '');
  socket.terminate();
});

/** @source docs/wire/rta.md "Life of a connection" */
test('one connection serves a user in many sessions', options, async () => {
  await using kit = await startKit();
  await using ada = await subscriber(kit.user('ada'));
  const references = Array.from({ length: 20 }, () => kit.reference());
  for (const reference of references) await ada.join(reference);
  await ada.user.putSession(references[0] ?? kit.reference(), { properties: { custom: { a: 1 } } });
  const [tap] = await ada.line.nextTaps();
  assert.ok(tap?.resource.endsWith(references[0]?.name ?? '-'));
});
