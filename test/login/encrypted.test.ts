/** Titles whose system logs them in: their tokens are encrypted for the real service. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { type ServerOptions, startServer } from '../../src/server.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { openProcessBus } from '../../src/store/memory/process-bus.ts';
import { demoScid, demoTitleId } from '../../src/testing/demo.ts';
import { connectionsUri, type Frame, KitConnection } from '../../src/testing/kit-connection.ts';

const start = (options: ServerOptions = {}) =>
  startServer({ port: 0, store: 'memory', encryptedTokens: demoTitleId, ...options });

/** As a system gives it: nobody but the real service can read it, and each is different. */
const token = (): string =>
  ['eyJlbmMiOiJBMTI4Q0JDK0hTMjU2In0', ...'abcd'].map((one) => `${one}${randomUUID()}`).join('.');

const adaXuid = '2533274790395904';
const bertXuid = '2533274799999999';

type Title = {
  ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; text: string; json: JsonObject }>;
  connect(): Promise<KitConnection>;
};

/** A title of the user with this hash. */
function title({ url }: { readonly url: string }, userHash: string): Title {
  const headers = () => ({
    authorization: `XBL3.0 x=${userHash};${token()}`,
    'x-xbl-contract-version': '107',
  });
  return {
    async ask(method, path, body) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: headers(),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true;
      return { status: response.status, text, json: isJson ? JSON.parse(text) : {} };
    },
    connect: () => KitConnection.open(url, { headers: headers() }),
  };
}

const newPath = () =>
  `/serviceconfigs/${demoScid}/sessiontemplates/deathmatch/sessions/${randomUUID()}`;

const joining = (xuid?: string, system: JsonObject = {}) => ({
  members: {
    me: {
      constants: { system: { initialize: true, ...(xuid !== undefined && { xuid }) } },
      properties: { system },
    },
  },
});

const notifyOf = (xuid: string) =>
  `https://notify.xboxlive.com/users/xuid(${xuid})/deviceId/current/titleId/${demoTitleId}`;

test('without the setting such a token is refused, with what to do', async () => {
  await using server = await startServer({ port: 0, store: 'memory' });
  const { status, text } = await title(server, '11').ask('GET', '/users/me/people');
  assert.equal(status, 401);
  assert.match(text, /encrypted.*--encrypted-tokens/);
});

test('the xuid is learnt from the first join, and is the same from then on, for each token', async () => {
  await using server = await start();
  const ada = title(server, '11');
  const early = await ada.ask('GET', '/users/me/people');
  assert.equal(early.status, 200, 'nothing of it is known, and it may read');
  const path = newPath();
  const joined = await ada.ask('PUT', path, joining(adaXuid));
  assert.equal(joined.status, 201, joined.text);
  const { members } = joined.json as { members: Record<string, JsonObject> };
  const me = members['0'] as { constants: { system: JsonObject }; gamertag: string };
  assert.equal(me.constants.system['xuid'], adaXuid);
  assert.equal(me.gamertag, 'Player 5904');
  // From now on the client need not state it.
  const again = await ada.ask('PUT', newPath(), joining());
  assert.equal(again.status, 201, again.text);
  const other = (again.json as { members: Record<string, JsonObject> }).members['0'];
  assert.deepEqual((other as typeof me).constants.system['xuid'], adaXuid);
});

test('what a client asks about itself alone states the xuid too, other paths of users do not', async () => {
  await using server = await start();
  for (const [i, [method, path, body]] of (
    [
      ['GET', `/users/xuid(${adaXuid})/people/avoid`, undefined],
      ['GET', `/users/xuid%28${adaXuid}%29/people/mute`, undefined],
      ['POST', `/users/xuid(${adaXuid})/devices/current/titles/current`, { state: 'active' }],
      [
        'PUT',
        `/titles/${demoTitleId}/users/${adaXuid}/activities`,
        { sequenceNumber: '1', connectionString: 'c', joinRestriction: 'Public' },
      ],
    ] as const
  ).entries()) {
    const xuid = `${adaXuid}${i}`;
    const ada = title(server, `2${i}`);
    await ada.ask('GET', `/users/xuid(${bertXuid})/people`);
    await ada.ask('GET', `/titles/${demoTitleId}/users/${bertXuid}/activities`);
    const stating = await ada.ask(method, path.replace(adaXuid, xuid), body);
    assert.ok(stating.status < 300, stating.text);
    const joined = await ada.ask('PUT', newPath(), joining());
    assert.equal(joined.status, 201, joined.text);
    assert.match(joined.text, new RegExp(`"${xuid}"`));
  }
});

test('who has stated nothing writes nothing, since it would be nobody’s afterwards', async () => {
  await using server = await start();
  const ada = title(server, '11');
  for (const [method, path, body] of [
    ['PUT', newPath(), joining()],
    ['POST', '/handles', { version: 1, type: 'activity', sessionRef: {} }],
    ['POST', `/titles/${demoTitleId}/invites`, {}],
    ['PUT', `/users/me/people/xuid(${bertXuid})`, undefined],
    ['DELETE', `/users/me/people/xuid(${bertXuid})`, undefined],
    // Kills: a list of paths that are taken for writes, without these.
    ['POST', '/users/me/people/xuids?method=add', { xuids: [bertXuid] }],
    ['POST', '/users/me/devices/current/titles/current', { state: 'active' }],
  ] as const) {
    const { status, text } = await ada.ask(method, path, body);
    assert.equal(status, 401, path);
    assert.match(text, /has not stated a xuid yet/);
  }
  // These change nothing: a client asks for them before it joins a session.
  for (const [path, body] of [
    ['/system/notifications/endpoints', {}],
    ['/users/me/people/xuids?method=get', { xuids: [bertXuid] }],
    ['/users/me/people/xuids', { xuids: [bertXuid] }],
  ] as const) {
    assert.equal((await ada.ask('POST', path, body)).status, 200, path);
  }
});

/** @source docs/wire/unknowns.md "user hashes" */
test('a contradiction is refused: another xuid of the same hash, or the same xuid of another hash', async () => {
  await using server = await start();
  assert.equal((await title(server, '11').ask('PUT', newPath(), joining(adaXuid))).status, 201);
  for (const [method, path, body] of [
    ['PUT', newPath(), joining(bertXuid)],
    ['GET', `/users/xuid(${bertXuid})/people/avoid`, undefined],
  ] as const) {
    const changed = await title(server, '11').ask(method, path, body);
    assert.equal(changed.status, 401);
    assert.match(changed.text, /contradicts/);
  }
  assert.equal((await title(server, '11').ask('PUT', newPath(), joining(adaXuid))).status, 201);
  const thief = await title(server, '12').ask('PUT', newPath(), joining(adaXuid));
  assert.equal(thief.status, 401);
  assert.match(thief.text, /contradicts/);
  assert.equal((await title(server, '12').ask('PUT', newPath(), joining(bertXuid))).status, 201);
  for (const header of ['-', '', 'x']) {
    const { status, text } = await title(server, header).ask('GET', '/users/me/people');
    assert.equal(status, 401);
    assert.match(text, /user hash/);
  }
});

test('a connection learns the xuid from its first subscription, and its member gets taps', async () => {
  await using server = await start();
  const ada = title(server, '11');
  await using connection = await ada.connect();
  // As XSAPI does: both at once, the own notifications first.
  const frames = await Promise.all([
    connection.subscribe(notifyOf(adaXuid)),
    connection.subscribe(connectionsUri),
  ]);
  assert.deepEqual(
    frames.map(([type, , code]: Frame) => [type, code]),
    [
      [1, 0],
      [1, 0],
    ],
  );
  const [, [, , , , data] = []] = frames;
  const { ConnectionId } = data as { ConnectionId: string };
  const path = newPath();
  const joined = await ada.ask('PUT', path, {
    ...joining(adaXuid, {
      active: true,
      connection: ConnectionId,
      subscription: { id: randomUUID(), changeTypes: ['everything'] },
    }),
  });
  assert.equal(joined.status, 201, joined.text);
  const { members } = joined.json as { members: Record<string, JsonObject> };
  assert.equal(members['0']?.['activeTitleId'], demoTitleId);
  const change = { properties: { custom: { round: 1 } } };
  assert.equal((await ada.ask('PUT', path, change)).status, 200);
  const [tap] = await connection.nextTaps();
  assert.equal(tap?.changeNumber, 2);
  const stranger = await connection.subscribe(notifyOf(bertXuid));
  assert.notEqual(stranger[2], 0);
});

test('a connection that states the xuid of another gets nothing of that user', async () => {
  await using server = await start();
  assert.equal((await title(server, '11').ask('PUT', newPath(), joining(adaXuid))).status, 201);
  await using connection = await title(server, '12').connect();
  const refused = await connection.subscribe(notifyOf(adaXuid));
  assert.notEqual(refused[2], 0);
  const own = await connection.subscribe(notifyOf(bertXuid));
  assert.equal(own[2], 0);
});

test('what one node has learnt all nodes know', async () => {
  const shared = { store: openMemoryStore(), bus: openProcessBus() };
  await using here = await start(shared);
  await using there = await start(shared);
  assert.equal((await title(there, '11').ask('GET', '/users/me/people')).status, 200);
  assert.equal((await title(here, '11').ask('PUT', newPath(), joining(adaXuid))).status, 201);
  const joined = await title(there, '11').ask('PUT', newPath(), joining());
  assert.match(joined.text, new RegExp(`"${adaXuid}"`));
});
