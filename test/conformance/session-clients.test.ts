/**
 * Whole sequences of requests as the known clients send them, and the statuses that each of them
 * insists on. As far as they go without a real-time connection.
 *
 * @source docs/wire/sessions.md "Preconditions", docs/wire/clients.md "Multiplayer Manager", docs/wire/clients.md "A recorded lobby", docs/wire/clients.md "What clients need"
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { test } from 'node:test';
import {
  formatJson,
  isJsonObject,
  type Json,
  type JsonObject,
  parseExactJson,
} from '../../src/domain/json.ts';
import { formatSessionPath, type SessionReference } from '../../src/domain/session/reference.ts';
import {
  at,
  demoTitleId,
  type Kit,
  type KitUser,
  startKit,
  xuidsOf,
} from '../../src/testing/kit.ts';
import {
  activityOf,
  assertRefusedBy,
  assertStatus,
  guidPattern,
  handleId,
  idsOf,
  inviteTo,
  leave,
  queryActivities,
  timePattern,
  transferTo,
} from './answers.ts';
import { assertCarriesDocument, memberOf, newSession, ofMember, read } from './new-session.ts';
import { requestRaw } from './raw.ts';

/** A session name as Multiplayer Manager and go-xsapi make it. */
const upperCaseName = () => randomUUID().toUpperCase();

/** `members.me` as most clients join. @source docs/wire/sessions.md "Members" */
function joinMe(
  { xuid }: KitUser,
  more: { readonly secureDeviceAddress?: string; readonly custom?: JsonObject } = {},
): JsonObject {
  const { secureDeviceAddress, custom } = more;
  return {
    constants: { system: { xuid, initialize: true } },
    properties: {
      system: {
        active: true,
        connection: randomUUID(),
        ...(secureDeviceAddress !== undefined && { secureDeviceAddress }),
        subscription: { id: upperCaseName(), changeTypes: ['everything'] },
      },
      ...(custom && { custom }),
    },
  };
}

const followed = { joinRestriction: 'followed', readRestriction: 'followed' };

// Multiplayer Manager

/** The first write of the first user, from which the lobby comes. @source docs/wire/clients.md "Multiplayer Manager" */
const lobbyBody = (user: KitUser, secureDeviceAddress: string): JsonObject => ({
  members: { me: joinMe(user, { secureDeviceAddress }) },
  properties: { system: followed, custom: { Joinability: 'joinable_by_friends' } },
});

/** The device token of a user, as a write of `host` takes it. */
const tokenOf = (session: JsonObject, user: KitUser): string =>
  String(ofMember(session, user, 'deviceToken'));

const setHost = (host: string) => ({ properties: { system: { host } } });
const setCustom = (custom: JsonObject) => ({ properties: { custom } });
const address = (text: string) => Buffer.from(`AAAAAAAA${text}`).toString('base64');

/** A lobby of users on devices of their own, as Multiplayer Manager makes and joins it. */
async function lobbyOf(kit: Kit, [first, ...others]: readonly [KitUser, ...KitUser[]]) {
  const lobby = { ...kit.reference('LobbySession'), name: upperCaseName() };
  const created = assertStatus(
    await first.putSession(lobby, lobbyBody(first, address(first.xuid))),
    201,
  );
  assertStatus(await first.postHandle(activityOf(lobby)), 201);
  const host = setHost(tokenOf(created.json, first));
  assertStatus(await first.putSession(lobby, host, { ifMatch: '*' }), 200);
  for (const user of others) {
    const invite = handleId(await first.postHandle(inviteTo(lobby, user.xuid)));
    const body = { members: { me: joinMe(user, { secureDeviceAddress: address(user.xuid) }) } };
    const joined = assertStatus(await user.putSessionByHandle(invite, body), 200);
    assert.match(joined.headers.get('content-location') ?? '', /^\/serviceconfigs(\/[^/]+){5}$/);
    assertStatus(await user.postHandle(activityOf(lobby)), 201);
  }
  return lobby;
}

// @source docs/wire/clients.md "Multiplayer Manager"
for (const hostFirst of [true, false]) {
  test(`Multiplayer Manager creates a lobby, ${hostFirst ? 'host' : 'activity'} first`, async () => {
    await using kit = await startKit();
    const did = randomUUID();
    const [ada, second] = [kit.user('ada', { did }), kit.user('second', { did })];
    const lobby = { ...kit.reference('LobbySession'), name: upperCaseName() };

    const created = assertStatus(await ada.putSession(lobby, lobbyBody(ada, address('one'))), 201);
    assert.equal(at(created.json, 'properties.system.host'), undefined);
    const host = tokenOf(created.json, ada);
    const steps = [
      async () => assertStatus(await ada.putSession(lobby, setHost(host), { ifMatch: '*' }), 200),
      async () => assertStatus(await ada.postHandle(activityOf(lobby)), 201),
    ];
    for (const step of hostFirst ? steps : steps.toReversed()) await step();

    // a second user on the same device passes "followed" by virtue of the first
    const me = joinMe(second, { secureDeviceAddress: address('one') });
    const joined = assertStatus(await second.putSession(lobby, { members: { me } }), 200);
    assertStatus(await second.postHandle(activityOf(lobby)), 201);

    assert.equal(at(joined.json, 'properties.system.host'), host);
    assert.equal(tokenOf(joined.json, second), host, 'one device, one token');
    assert.equal((await read(ada, lobby)).json.changeNumber, 5);
  });
}

// @source docs/wire/clients.md "A recorded lobby"
test('the recorded sequence of a lobby and its game, in contract version 105', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada', { tid: '174925616' });
  const contractVersion = 105;
  const put = (
    reference: SessionReference,
    body: JsonObject,
    condition: { ifMatch?: string | undefined } = {},
  ) => ada.putSession(reference, body, { contractVersion, ...condition });
  const post = (path: string, body: JsonObject) =>
    ada.request('POST', path, { headers: { 'x-xbl-contract-version': '105' }, body });
  const lobby = { ...kit.reference('LobbySession'), name: upperCaseName() };
  const game = { ...kit.reference('GameSession'), name: upperCaseName() };

  // 1
  const people = { people: { moniker: 'People', monikerXuid: ada.xuid } };
  const found = assertStatus(
    await post('/handles/query?include=relatedInfo', {
      type: 'activity',
      scid: lobby.scid,
      owners: people,
    }),
    200,
  );
  assert.equal(found.text, '{"results":[]}');

  // 3
  const lobby1 = assertStatus(await put(lobby, lobbyBody(ada, address('one'))), 201);
  assert.equal(lobby1.json.changeNumber, 1);

  // 4
  const activity = assertStatus(await post('/handles', activityOf(lobby)), 201);
  const id = String(activity.json.id);
  assert.equal(activity.headers.get('location'), `/handles/${id}`);
  assert.equal(activity.headers.get('content-location'), `/handles/${id}`);
  assert.match(id, guidPattern);
  assert.match(String(activity.json.createTime), timePattern);
  assert.equal(activity.json.ownerXuid, ada.xuid);
  assert.equal(activity.json.titleId, '174925616');

  // 5
  const pending = setCustom({
    Joinability: 'joinable_by_friends',
    GameSessionTransferHandle: `pending~${ada.xuid}`,
  });
  const lobby2 = assertRefusedBy(
    await put(lobby, pending, { ifMatch: lobby1.etag }),
    412,
    'etagDiffers',
  );
  assertCarriesDocument(lobby2);
  assert.equal(lobby2.json.changeNumber, 2);
  assert.equal(lobby2.json.contractVersion, 105);
  assert.equal(at(lobby2.json, 'properties.custom.GameSessionTransferHandle'), undefined);

  // 6
  const host = setHost(tokenOf(lobby2.json, ada));
  const lobby3 = assertStatus(await put(lobby, host, { ifMatch: '*' }), 200);
  assert.equal(lobby3.json.changeNumber, 3);

  // 7
  const { constants: _, ...me } = joinMe(ada, { secureDeviceAddress: address('one') });
  const joinGame = { members: { me: { constants: { system: { xuid: ada.xuid } }, ...me } } };
  const game1 = assertStatus(await put(game, joinGame), 201);
  assert.equal(game1.json.changeNumber, 1);
  assert.equal(at(game1.json, 'properties.system.joinRestriction'), 'local');
  assert.equal(at(game1.json, 'properties.system.readRestriction'), 'local');

  // 8
  const transfer = assertStatus(await post('/handles', transferTo(game, lobby)), 201);
  assert.deepEqual(Object.keys(transfer.json).toSorted(), [
    'id',
    'originSessionRef',
    'sessionRef',
    'type',
    'version',
  ]);

  // 9
  const gameHost = setHost(tokenOf(game1.json, ada));
  const game2 = assertRefusedBy(
    await put(game, gameHost, { ifMatch: game1.etag }),
    412,
    'etagDiffers',
  );
  assert.equal(game2.json.changeNumber, 2);

  // 10
  const completed = setCustom({
    Joinability: 'joinable_by_friends',
    GameSessionTransferHandle: `completed~${String(transfer.json.id)}`,
  });
  const lobby4 = assertStatus(await put(lobby, completed, { ifMatch: '*' }), 200);
  assert.equal(lobby4.json.changeNumber, 4);

  // 11
  const game3 = assertStatus(await put(game, gameHost, { ifMatch: game2.etag }), 200);
  assert.equal(game3.json.changeNumber, 3);
  assert.equal(at(game3.json, 'properties.system.host'), tokenOf(game3.json, ada));

  // 14: the game ends, and its handle with it
  assertStatus(await put(game, leave, { ifMatch: '*' }), 204);
  assertStatus(await ada.putSessionByHandle(String(transfer.json.id), joinGame), 404);
});

// @source docs/wire/clients.md "Multiplayer Manager"
test('Multiplayer Manager leaves its lobby and joins another by invite', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const adasLobby = await lobbyOf(kit, [ada]);
  const bobsLobby = await lobbyOf(kit, [bob]);
  const invite = handleId(
    await ada.postHandle(
      inviteTo(adasLobby, bob.xuid, { inviteAttributes: { titleId: Number(demoTitleId) } }),
    ),
  );

  assertStatus(await bob.putSession(bobsLobby, leave, { ifMatch: '*' }), 204);
  const joined = assertStatus(
    await bob.putSessionByHandle(invite, { members: { me: joinMe(bob) } }),
    200,
  );
  assertStatus(await bob.postHandle(activityOf(adasLobby)), 201);

  assert.ok(memberOf(joined.json, bob));
  const [, , scid, , templateName, , name] = (joined.headers.get('content-location') ?? '').split(
    '/',
  );
  assert.deepEqual({ scid, templateName, name }, adasLobby);
  assertStatus(await bob.getSession(bobsLobby), 204);
});

// @source docs/wire/clients.md "Multiplayer Manager"
for (const [value, closed, joinRestriction] of [
  ['joinable_by_friends', false, 'followed'],
  ['invite_only', false, 'local'],
  ['disable_while_game_in_progress', true, 'local'],
  ['closed', true, 'local'],
] as const) {
  test(`Multiplayer Manager sets joinability ${value}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const lobby = await lobbyOf(kit, [ada]);
    const before = await read(ada, lobby);
    const custom = before.json.properties;
    assert.ok(isJsonObject(custom));

    const { json } = assertStatus(
      await ada.putSession(
        lobby,
        { properties: { system: { closed, joinRestriction }, custom: { Joinability: value } } },
        { ifMatch: '*' },
      ),
      200,
    );

    assert.equal(at(json, 'properties.system.closed'), closed);
    assert.equal(at(json, 'properties.system.joinRestriction'), joinRestriction);
    assert.equal(at(json, 'properties.system.readRestriction'), 'followed');
    assert.equal(at(json, 'properties.custom.Joinability'), value);
  });
}

// @source docs/wire/clients.md "Multiplayer Manager"
test('Multiplayer Manager takes a lobby into a game, and back', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const lobby = await lobbyOf(kit, [ada, bob, cyd]);
  const game = { ...kit.reference('GameSession'), name: upperCaseName() };
  const gameMe = (user: KitUser) => {
    const { properties } = joinMe(user, {
      secureDeviceAddress: address(user.xuid),
      custom: { Health: 41 },
    });
    return { members: { me: { constants: { system: { xuid: user.xuid } }, properties } } };
  };

  // two users race for the transfer handle: one claims it, the other is shown who did
  const { etag } = await read(ada, lobby);
  const claims = await Promise.all(
    [ada, bob].map((user) =>
      user.putSession(lobby, setCustom({ GameSessionTransferHandle: `pending~${user.xuid}` }), {
        ifMatch: etag,
      }),
    ),
  );
  assert.deepEqual(claims.map(({ status }) => status).toSorted(), [200, 412]);
  const [claimed, late] = claims[0]?.status === 200 ? [ada, bob] : [bob, ada];
  const lost = claims.find(({ status }) => status === 412);
  assert.equal(
    at(lost?.json, 'properties.custom.GameSessionTransferHandle'),
    `pending~${claimed.xuid}`,
  );

  // the one who claimed makes the game and says where it is
  assertStatus(await claimed.putSession(game, gameMe(claimed)), 201);
  const transfer = handleId(await claimed.postHandle(transferTo(game, lobby)));
  const completed = setCustom({ GameSessionTransferHandle: `completed~${transfer}` });
  assertStatus(await claimed.putSession(lobby, completed, { ifMatch: '*' }), 200);

  // the others follow, though they are neither local nor followed
  for (const user of [late, cyd]) {
    const found = await read(user, lobby);
    const handle = at(found.json, 'properties.custom.GameSessionTransferHandle');
    const id = String(handle).split('~')[1] ?? '';
    const joined = assertStatus(await user.putSessionByHandle(id, gameMe(user)), 200);
    assert.equal(joined.headers.get('content-location'), formatSessionPath(game));
    assert.equal(ofMember(joined.json, user, 'properties.custom.Health'), 41);
  }
  assert.equal(xuidsOf((await read(kit.service(), game)).json).length, 3);
  const stranger = kit.user('stranger');
  assertRefusedBy(
    await stranger.putSessionByHandle(transfer, gameMe(stranger)),
    403,
    'joinRestricted',
  );

  // the game ends when the last one leaves; its handle is gone with it
  assertStatus(await late.putSession(game, leave, { ifMatch: '*' }), 200);
  assertStatus(await cyd.putSession(game, leave, { ifMatch: '*' }), 200);
  assertStatus(await claimed.putSession(game, leave, { ifMatch: '*' }), 204);
  assertStatus(await cyd.putSessionByHandle(transfer, gameMe(cyd)), 404);
  const cleared = setCustom({ GameSessionTransferHandle: null });
  const back = assertStatus(await claimed.putSession(lobby, cleared, { ifMatch: '*' }), 200);
  assert.equal(at(back.json, 'properties.custom.GameSessionTransferHandle'), undefined);
  assert.equal(at(back.json, 'properties.custom.Joinability'), 'joinable_by_friends');
});

// @source docs/wire/clients.md "Multiplayer Manager"
test('a transfer to a game that is gone answers 403', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await lobbyOf(kit, [ada]);
  const game = { ...kit.reference('GameSession'), name: upperCaseName() };

  assertRefusedBy(await ada.postHandle(transferTo(game, lobby)), 403, 'transferTargetMissing');
});

// @source docs/wire/clients.md "Multiplayer Manager"
test('Multiplayer Manager joins a game by name, with seats for the others', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const game = { ...kit.reference('GameSession'), name: upperCaseName() };
  const initiators = [ada, bob, cyd]
    .map(({ xuid }) => xuid)
    .toSorted((a, b) => Number(a) - Number(b));
  const { properties } = joinMe(ada, { secureDeviceAddress: '' });
  const body = {
    constants: { system: { version: 1, initiators }, custom: {} },
    members: {
      me: { constants: { system: { xuid: ada.xuid } }, properties },
      reserve_0: { constants: { system: { xuid: bob.xuid } } },
      reserve_1: { constants: { system: { xuid: cyd.xuid } } },
    },
  };

  const created = assertStatus(await ada.putSession(game, body), 201);

  assert.deepEqual(at(created.json, 'constants.system.initiators'), initiators);
  assert.deepEqual(created.json.membersInfo, {
    first: 0,
    next: 3,
    count: 3,
    accepted: 1,
    active: 1,
  });
  assert.equal(ofMember(created.json, ada, 'properties.system.secureDeviceAddress'), undefined);
  for (const user of [bob, cyd]) {
    assertStatus(await user.putSession(game, { members: { me: joinMe(user) } }), 200);
  }
});

// @source docs/wire/clients.md "Multiplayer Manager"
test('Multiplayer Manager removes a user from a lobby that may be gone', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = await lobbyOf(kit, [ada, bob]);

  assertStatus(await bob.putSession(lobby, leave), 200);
  assert.deepEqual(idsOf(await queryActivities(ada, [bob.xuid])), []);
  assertStatus(await ada.putSession(lobby, leave), 204);
  assertStatus(await ada.putSession(lobby, leave), 204);
  assertStatus(await ada.getSession(lobby), 204);
});

// go-xsapi: exact statuses

// @source docs/wire/clients.md "Other clients", docs/wire/README.md "Every request"
test('go-xsapi publishes (201), updates (200), follows (304, 200) and leaves (204)', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = { ...kit.reference('MinecraftLobby'), name: upperCaseName() };
  const body = {
    constants: { custom: { season: 3 } },
    members: { me: joinMe(ada) },
    properties: { system: { ...followed, closed: false }, custom: { version: '1.21' } },
  };

  const published = await ada.putSession(reference, body, { ifNoneMatch: '*' });
  assert.equal(published.status, 201);
  assert.match(String(published.json.branch), guidPattern);
  const activity = await ada.postHandle(activityOf(reference));
  assert.equal(activity.status, 201);
  assert.match(String(activity.json.id), guidPattern);

  // it looks for a member keyed "me", finds none, and writes itself once more
  assert.equal(at(published.json, 'members.me'), undefined);
  const me = { properties: { system: { active: true, connection: randomUUID() } } };
  const updated = await ada.putSession(reference, { members: { me } }, { ifMatch: '*' });
  assert.equal(updated.status, 200);

  const unchanged = await ada.getSession(reference, { ifNoneMatch: updated.etag });
  assert.equal(unchanged.status, 304);
  await ada.putSession(reference, setCustom({ version: '1.22' }), { ifMatch: '*' });
  const changed = await ada.getSession(reference, { ifNoneMatch: updated.etag });
  assert.equal(changed.status, 200);
  assert.notEqual(changed.etag, updated.etag);
  const synced = await ada.getSession(reference, { ifNoneMatch: '' });
  assert.equal(synced.status, 200);

  const closed = await ada.putSession(reference, leave, { ifMatch: '*' });
  assert.equal(closed.status, 204);
  const republished = await ada.putSession(reference, body, { ifNoneMatch: '*' });
  assert.equal(republished.status, 201);
});

// @source docs/wire/clients.md "Other clients"
test('go-xsapi joins by handle with If-Match * (200), publishes its activity and leaves (200)', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, { templateName: 'deathmatch' });
  const handle = handleId(await ada.postHandle(activityOf(reference)));
  const me = {
    constants: { system: { xuid: bob.xuid, initialize: true } },
    properties: { system: { active: true, connection: '00000000-0000-0000-0000-000000000000' } },
  };

  const joined = await bob.putSessionByHandle(handle, { members: { me } }, { ifMatch: '*' });
  assert.equal(joined.status, 200);
  assert.equal(joined.headers.get('content-location'), formatSessionPath(reference));
  assert.equal((await bob.postHandle(activityOf(reference))).status, 201);
  const left = await bob.putSession(reference, leave, { ifMatch: '*' });
  assert.equal(left.status, 200);
});

// @source docs/wire/clients.md "Other clients"
test('friend-connect announces again and again without conditions, and leaves after its connection', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = { ...kit.reference('MinecraftLobby'), name: upperCaseName() };
  const body = {
    members: { me: joinMe(ada) },
    properties: { system: { ...followed, closed: false }, custom: { worldName: 'x' } },
  };

  const statuses = [];
  for (let i = 0; i < 3; i += 1) {
    statuses.push((await ada.putSession(reference, body)).status);
    statuses.push((await ada.postHandle(activityOf(reference))).status);
  }
  statuses.push((await ada.putSession(reference, leave)).status);

  assert.deepEqual(statuses, [201, 201, 200, 201, 200, 201, 204]);
});

// Minecraft's tools

/** What Minecraft keeps in a session, with ids beyond 2^53. @source docs/wire/sessions.md "properties.system" */
const world = `{
  "hostName": "ada", "worldName": "§aBedrock level", "version": "1.21.50", "levelId": "level",
  "MemberCount": 1, "MaxMemberCount": 30, "Joinability": "joinable_by_friends",
  "ownerId": "2535", "rakNetGUID": "", "worldType": "Survival", "protocol": 766,
  "BroadcastSetting": 3, "OnlineCrossPlatformGame": true, "CrossPlayDisabled": false, "TitleId": 0,
  "TransportLayer": 2, "LanGame": true, "isHardcore": false, "isEditorWorld": false,
  "WebRTCNetworkId": 18446744073709551615,
  "SupportedConnections": [{ "ConnectionType": 3, "HostIpAddress": "", "HostPort": 0,
    "NetherNetId": 9223372036854775809, "PmsgId": "x" }],
  "nonces": {}
}`;

/** A body made of texts, so that no number passes through JavaScript. */
const bodyOf = (me: JsonObject, custom: string) =>
  `{"members":{"me":${formatJson(me)}},"properties":{"system":${formatJson({ ...followed, closed: false })},"custom":${custom}}}`;

function assertBigNumbersKept(text: string): void {
  assert.match(text, /"WebRTCNetworkId":18446744073709551615[,}]/);
  assert.match(text, /"NetherNetId":9223372036854775809[,}]/);
}

// @source docs/wire/clients.md "Other clients", docs/wire/clients.md "What clients need"
test('bedrock-portal publishes a world with big numbers, reads it and puts its properties back', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference('MinecraftLobby');

  const created = assertStatus(await ada.putSession(reference, bodyOf(joinMe(ada), world)), 201);
  assertStatus(await ada.postHandle(activityOf(reference)), 201);
  const found = await read(ada, reference);
  for (const { text } of [created, found]) assertBigNumbersKept(text);
  assert.deepEqual(at(found.json, 'properties.custom'), parseExactJson(world));

  const back = `{"properties":${formatJson(found.json.properties)}}`;
  const putBack = assertStatus(await ada.putSession(reference, back), 200);
  assert.equal(putBack.etag, found.etag);
  assert.equal(putBack.text, found.text);

  // member count and nonces, then a new connection after a cut, then its activity again
  const counted = assertStatus(
    await ada.putSession(reference, setCustom({ MemberCount: 2, nonces: { '2535': 'ff00' } })),
    200,
  );
  assertBigNumbersKept(counted.text);
  assert.equal(at(counted.json, 'properties.custom.MemberCount'), 2);
  const connection = randomUUID();
  const me = { properties: { system: { active: true, connection } } };
  const again = assertStatus(await ada.putSession(reference, { members: { me } }), 200);
  assert.equal(at(again.json, 'members.0.properties.system.connection'), connection);
  assertStatus(await ada.postHandle(activityOf(reference)), 201);

  assertStatus(await ada.putSession(reference, leave), 204);
});

// @source docs/wire/clients.md "Other clients", docs/wire/clients.md "What clients need"
test('MCXboxBroadcast publishes again and again, and its other accounts join by its activity', async () => {
  await using kit = await startKit();
  const [primary, sub] = kit.users('primary', 'sub');
  const [primaryXuid, subXuid] = [primary.xuid, sub.xuid];
  await primary.follow(sub);
  const reference = kit.reference('MinecraftLobby');
  const connection = randomUUID();
  const me = () => ({
    constants: { system: { xuid: primaryXuid, initialize: true } },
    properties: {
      system: {
        active: true,
        connection,
        subscription: { changeTypes: ['everything'], id: randomUUID() },
      },
    },
  });

  const statuses = [];
  for (let i = 0; i < 3; i += 1) {
    const answer = await primary.putSession(reference, bodyOf(me(), world));
    statuses.push(answer.status);
    assertBigNumbersKept(answer.text);
  }
  assert.deepEqual(statuses, [201, 200, 200]);
  const handle = handleId(await primary.postHandle(activityOf(reference)));

  // the other account sends the xuid and the connection of the first
  const joined = assertStatus(await sub.putSessionByHandle(handle, { members: { me: me() } }), 200);
  assertStatus(await sub.postHandle(activityOf(reference)), 201);

  assert.deepEqual(xuidsOf(joined.json), [primaryXuid, subXuid]);
  assert.equal(ofMember(joined.json, sub, 'properties.system.connection'), connection);
  assert.equal(ofMember(joined.json, sub, 'gamertag'), 'sub');
  assert.ok(Number.isInteger(joined.json.changeNumber), 'it parses an int32');
  assert.equal(idsOf(await queryActivities(primary, [primaryXuid, subXuid])).length, 2);
});

// @source docs/wire/clients.md "Other clients"
test('a Minecraft session holds thirty members, linked from the first to the last', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    templateName: 'MinecraftLobby',
    properties: followed,
    me: { constants: { system: { initialize: true } } },
  });
  const users = Array.from({ length: 30 }, (_, i) => kit.user(`user ${i}`));
  for (const user of users.slice(0, 29)) {
    const invite = handleId(await ada.postHandle(inviteTo(reference, user.xuid)));
    assertStatus(await user.putSessionByHandle(invite, { members: { me: joinMe(user) } }), 200);
  }
  const last = users[29] as KitUser;
  const invite = handleId(await ada.postHandle(inviteTo(reference, last.xuid)));
  assertRefusedBy(
    await last.putSessionByHandle(invite, { members: { me: joinMe(last) } }),
    403,
    'sessionFull',
  );

  const { json } = await read(ada, reference);
  const members = json.members as JsonObject;
  let walked = 0;
  let cursor: Json | undefined = at(json, 'membersInfo.first');
  while (cursor !== at(json, 'membersInfo.next') && walked < 100) {
    cursor = at(members, `${String(cursor)}.next`);
    walked += 1;
  }
  assert.equal(walked, 30);
});

// As recorded in October 2025.
// @source docs/wire/initialization.md "What a member shows"
test('a Minecraft lobby has the constants of recorded ones', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');

  const { session } = await newSession(kit, ada, {
    templateName: 'MinecraftLobby',
    properties: { ...followed, closed: false },
    me: { constants: { system: { initialize: true } } },
  });

  for (const [name, value] of [
    ['maxMembersCount', 30],
    ['reservedRemovalTimeout', 240_000],
    ['readyRemovalTimeout', 240_000],
    ['inactiveRemovalTimeout', 300_000],
    ['sessionEmptyTimeout', 0],
    ['memberInitialization', { membersNeededToStart: 1 }],
  ] as const) {
    assert.deepEqual(at(session, `constants.system.${name}`), value);
  }
  assert.deepEqual(at(session, 'properties.system'), { ...followed, turn: [] });
  assert.equal(ofMember(session, ada, 'initializationEpisode'), undefined);
});

// XSAPI's HTTP

// @source docs/wire/clients.md "What clients need"
test('a PUT that waits for 100 Continue is answered', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference('LobbySession');
  const body = Buffer.from(JSON.stringify(lobbyBody(ada, '')));

  const seen: (string | number | undefined)[] = [];
  await new Promise<void>((resolve, reject) => {
    const put = request(`${kit.url}${formatSessionPath(reference)}`, {
      method: 'PUT',
      headers: {
        authorization: ada.authorization,
        'x-xbl-contract-version': '107',
        'content-type': 'application/json; charset=utf-8',
        'content-length': body.length,
        'accept-language': 'en-US,en',
        signature: 'AAAAAQ==',
        expect: '100-continue',
      },
    });
    put.on('continue', () => {
      seen.push('continue');
      put.end(body);
    });
    put.on('response', (answer) => {
      seen.push(answer.statusCode);
      answer.resume().on('end', resolve);
    });
    put.on('error', reject);
    put.flushHeaders();
  });

  assert.deepEqual(seen, ['continue', 201]);
});

// @source docs/wire/clients.md "What clients need"
test('a DELETE with a content type and no content is an ordinary DELETE', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const id = handleId(await ada.postHandle(activityOf(reference)));

  const { status } = await requestRaw(kit.url, {
    method: 'DELETE',
    target: `/handles/${id}`,
    headers: {
      authorization: ada.authorization,
      'x-xbl-contract-version': '107',
      'content-type': 'application/json; charset=utf-8',
      'content-length': 0,
    },
  });

  assert.equal(status, 204);
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), []);
});
