/** Invites into activities, and recent players. @source docs/wire/activity.md "Invites" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import {
  at,
  demoTitleId,
  isAimed,
  type Kit,
  type KitUser,
  startKit,
} from '../../src/testing/kit.ts';
import { assertStatus, needsClock, timePattern } from './answers.ts';
import { arrayIn, ask, assertActivityRefusal } from './services.ts';

const options = { timeout: 300_000 };
const titles = `/titles/${demoTitleId}`;

function notifyUri({ xuid }: KitUser, titleId = demoTitleId): string {
  return `https://notify.xboxlive.com/users/xuid(${xuid})/deviceId/current/titleId/${titleId}`;
}

function usersOf(kit: Kit, ...names: readonly string[]): readonly KitUser[] {
  return names.map((name) => kit.user(name));
}

const pair = (kit: Kit) => usersOf(kit, 'ada', 'ben') as [KitUser, KitUser];

const invite = (from: KitUser, to: readonly KitUser[], more: JsonObject = {}) =>
  ask(from, 'POST', `${titles}/invites`, { invitedUsers: to.map(({ xuid }) => xuid), ...more });

/** @source docs/wire/activity.md "Invites" */
test('an invite is sent at once, with all that clients need', options, async () => {
  await using kit = await startKit();
  const [ada, ben] = pair(kit);
  await using line = await ben.connect();
  await line.subscribe(notifyUri(ben), 3);
  const sent = assertStatus(await invite(ada, [ben], { connectionString: 'conn=1' }), 204);
  assert.equal(sent.text, '');
  const [kind, subscriptionId, data] = await line.nextFrame();
  assert.deepEqual([kind, subscriptionId], [3, 0]);
  const { notificationData } = data as { notificationData: JsonObject };
  const { expirationTime, ...rest } = notificationData;
  assert.match(String(expirationTime), timePattern);
  assert.deepEqual(rest, {
    sender: {
      xuid: ada.xuid,
      gamertag: 'ada',
      modernGamertag: 'ada',
      modernGamertagSuffix: '',
      uniqueModernGamertag: 'ada',
      imageUrl: '',
    },
    invitedUser: ben.xuid,
    titleName: `Title ${demoTitleId}`,
    titleImageUrl: '',
    connectionString: 'conn=1',
  });
});

const connectionStringOf = (frame: readonly unknown[]): unknown =>
  at(frame[2] as JsonObject, 'notificationData.connectionString');

/** @source docs/wire/activity.md "Invites" */
test('an invite without a connection string has that of the activity', options, async () => {
  await using kit = await startKit();
  const [ada, ben] = pair(kit);
  await using line = await ben.connect();
  await line.subscribe(notifyUri(ben));
  await invite(ada, [ben]);
  assert.equal(connectionStringOf(await line.nextFrame()), '');
  const activity = { sequenceNumber: 1, connectionString: 'own', joinRestriction: 'InviteOnly' };
  assertStatus(await ask(ada, 'PUT', `${titles}/users/${ada.xuid}/activities`, activity), 204);
  await invite(ada, [ben]);
  assert.equal(connectionStringOf(await line.nextFrame()), 'own');
  await invite(ada, [ben], { connectionString: '', platform: null });
  assert.equal(connectionStringOf(await line.nextFrame()), '');
});

/** @source docs/wire/activity.md "Invites" */
test('invites wait for who subscribes later, the newest of each sender', options, async () => {
  await using kit = await startKit();
  const [ada, ben, cid] = usersOf(kit, 'ada', 'ben', 'cid') as [KitUser, KitUser, KitUser];
  await invite(ada, [ben], { connectionString: 'first' });
  await invite(ada, [ben], { connectionString: 'second' });
  await invite(cid, [ben, ada], { connectionString: 'third' });
  await using line = await ben.connect();
  await line.subscribe(notifyUri(ben));
  const frames = [await line.nextFrame(), await line.nextFrame()];
  assert.deepEqual(frames.map(connectionStringOf).sort(), ['second', 'third']);
  // Once for each connection.
  await line.subscribe(notifyUri(ben));
  assert.deepEqual(await line.framesSoFar(), []);
});

/** @source docs/wire/unknowns.md "invites and the title that listens" */
test('an invite is for the connections of its title', options, async () => {
  await using kit = await startKit();
  const [ada, ben] = pair(kit);
  await using line = await ben.connect();
  await line.subscribe(notifyUri(ben, '77'), 1);
  await line.subscribe(notifyUri(ben), 2);
  await line.subscribe(notifyUri(ben, '88'), 3);
  await invite(ada, [ben]);
  assert.equal((await line.nextFrame())[1], 1);
  assert.deepEqual(await line.framesSoFar(), []);
});

/** @source docs/wire/unknowns.md "invites of who is blocked" */
test(
  'who has blocked the sender gets no invite, and the sender does not learn of it',
  options,
  async () => {
    await using kit = await startKit();
    const [ada, ben] = pair(kit);
    assertStatus(await ask(ben, 'PUT', '/users/me/people/avoid', { xuid: ada.xuid }), 204);
    await using line = await ben.connect();
    await line.subscribe(notifyUri(ben));
    assertStatus(await invite(ada, [ben]), 204);
    assert.deepEqual(await line.framesSoFar(), []);
  },
);

/** @source docs/wire/activity.md "Invites" */
test('an invite that has expired is not sent', {
  skip: isAimed && needsClock,
  ...options,
}, async () => {
  await using kit = await startKit();
  const [ada, ben] = pair(kit);
  await invite(ada, [ben]);
  await kit.advance(86_400_000);
  await using line = await ben.connect();
  await line.subscribe(notifyUri(ben));
  assert.deepEqual(await line.framesSoFar(), []);
});

/** @source docs/wire/activity.md "Invites" */
test('services invite for users, and users for themselves', options, async () => {
  await using kit = await startKit();
  const [ada, ben] = pair(kit);
  await using line = await ben.connect();
  await line.subscribe(notifyUri(ben));
  const body = { sender: ada.xuid, invitedUsers: [ben.xuid], connectionString: 'arranged' };
  assertStatus(await ask(kit.service(), 'POST', `${titles}/invites/server`, body), 204);
  assert.equal(connectionStringOf(await line.nextFrame()), 'arranged');
  for (const [user, path, code] of [
    [ada, `${titles}/invites/server`, 'serviceRequired'],
    [kit.service(), `${titles}/invites`, 'userRequired'],
  ] as const) {
    assertActivityRefusal(await ask(user, 'POST', path, body), 'AuthorizationError', code);
  }
  const invalid = [
    { invitedUsers: [] },
    { invitedUsers: Array.from({ length: 17 }, (_, n) => String(n)) },
    { invitedUsers: ['x'] },
    { invitedUsers: [ben.xuid], connectionString: 'x'.repeat(513) },
    { invitedUsers: [ben.xuid], sender: ada.xuid },
    {},
  ];
  for (const wrong of invalid) {
    const answer = await ask(ada, 'POST', `${titles}/invites`, wrong);
    assertActivityRefusal(answer, 'InvalidRequest', 'requestInvalid');
  }
});

type RecentPerson = {
  readonly xuid: string;
  readonly recentPlayer: { readonly titles: readonly { readonly encounterType: string }[] };
};

/** The recent players of a user with the kind of encounter, the latest first. */
async function recentOf(
  user: KitUser,
): Promise<readonly (readonly [string, string | undefined])[]> {
  const answer = assertStatus(await ask(user, 'GET', '/users/me/people/recentplayers'), 200);
  const people = at(answer.json, 'people') as unknown as readonly RecentPerson[];
  return people.map(({ xuid, recentPlayer }) => [xuid, recentPlayer.titles[0]?.encounterType]);
}

const seconds = (n: number): string => `2016-09-20T20:00:${String(n).padStart(2, '0')}Z`;

/** @source docs/wire/activity.md "Recent players" */
test('recent players are listed once each, the latest first', options, async () => {
  await using kit = await startKit();
  const [ada, ben, cid] = usersOf(kit, 'ada', 'ben', 'cid') as [KitUser, KitUser, KitUser];
  const post = (recentPlayers: readonly JsonObject[]) =>
    ask(ada, 'POST', `${titles}/recentplayers`, { recentPlayers });
  assertStatus(
    await post([
      { id: ben.xuid, timestamp: seconds(1), encounterType: 'Opponent' },
      { id: cid.xuid, timestamp: seconds(2), encounterType: 'teammate', network: 'XboxLive' },
      { id: ada.xuid, timestamp: seconds(3) },
    ]),
    204,
  );
  assert.deepEqual(await recentOf(ada), [
    [cid.xuid, 'Teammate'],
    [ben.xuid, 'Opponent'],
  ]);
  assertStatus(await post([{ id: ben.xuid, timestamp: seconds(5) }]), 204);
  assertStatus(
    await post([{ id: cid.xuid, timestamp: seconds(1), encounterType: 'Opponent' }]),
    204,
  );
  assert.deepEqual(await recentOf(ada), [
    [ben.xuid, 'Default'],
    [cid.xuid, 'Teammate'],
  ]);
  assert.deepEqual(await recentOf(ben), [], 'one who says so speaks for oneself');
  const many = Array.from({ length: 101 }, (_, n) => ({
    id: String(5_000 + n),
    timestamp: seconds(6),
  }));
  for (const wrong of [[], many, [{ id: ben.xuid }], [{ id: 'x', timestamp: seconds(1) }]]) {
    assertActivityRefusal(await post(wrong), 'RequestValidationError', 'requestInvalid');
  }
  assertStatus(await post(many.slice(1)), 204);
  assert.equal((await recentOf(ada)).length, 100);
});

/** @source docs/wire/activity.md "Recent players" */
test('services say who has met whom', options, async () => {
  await using kit = await startKit();
  const users = usersOf(kit, 'ada', 'ben', 'cid') as [KitUser, KitUser, KitUser];
  const [ada, ben, cid] = users;
  const service = kit.service();
  const byXuid = {
    recentPlayersByXuid: [
      { xuid: ada.xuid, recentPlayers: [{ id: ben.xuid, timestamp: seconds(1) }] },
      { xuid: ben.xuid, recentPlayers: [{ id: cid.xuid, timestamp: seconds(1) }] },
    ],
  };
  assertStatus(await ask(service, 'POST', `${titles}/recentplayers/server`, byXuid), 204);
  assert.deepEqual(await recentOf(ada), [[ben.xuid, 'Default']]);
  assert.deepEqual(await recentOf(ben), [[cid.xuid, 'Default']]);

  const group = {
    timestamp: seconds(9),
    encounterType: 'Teammate',
    recentPlayers: users.map(({ xuid }) => ({ id: xuid })),
  };
  const groups = { recentPlayerGroups: [group] };
  assertStatus(await ask(service, 'POST', `${titles}/recentplayergroups/server`, groups), 204);
  for (const user of users) {
    const others = users.filter((one) => one !== user).map(({ xuid }) => [xuid, 'Teammate']);
    assert.deepEqual(new Set(await recentOf(user)), new Set(others));
  }
  for (const [path, body] of [
    ['recentplayers/server', byXuid],
    ['recentplayergroups/server', groups],
  ] as const) {
    const refused = await ask(ada, 'POST', `${titles}/${path}`, body);
    assertActivityRefusal(refused, 'AuthorizationError', 'serviceRequired');
  }
  const alone = { recentPlayerGroups: [{ ...group, recentPlayers: [{ id: ada.xuid }] }] };
  const refused = await ask(service, 'POST', `${titles}/recentplayergroups/server`, alone);
  assertActivityRefusal(refused, 'RequestValidationError', 'requestInvalid');
});

/** @source docs/wire/rta.md "Invites" */
test('invites of both kinds come on one subscription', options, async () => {
  await using kit = await startKit();
  const [ada, ben] = pair(kit);
  const reference = kit.reference();
  await ada.join(reference);
  await using line = await ben.connect();
  await line.subscribe(notifyUri(ben));
  await invite(ada, [ben]);
  assert.ok(at((await line.nextFrame())[2] as JsonObject, 'notificationData'));
  const handle = {
    version: 1,
    type: 'invite',
    sessionRef: { ...reference },
    invitedXuid: ben.xuid,
  };
  assertStatus(await ada.postHandle(handle), 201);
  assert.ok(at((await line.nextFrame())[2] as JsonObject, 'inviteHandle'));
  assert.equal(arrayIn(await ask(ada, 'POST', '/users/batch', { users: [] })).length, 0);
});
