/** Where users are. @source docs/wire/neighbours.md "Presence" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import {
  at,
  demoTitleId,
  isAimed,
  joinBody,
  type KitAnswer,
  type KitUser,
  startKit,
} from '../../src/testing/kit.ts';
import { assertRefused, assertStatus, leave, needsClock, timePattern } from './answers.ts';
import { arrayIn, ask } from './services.ts';

const options = { timeout: 300_000 };
const current = '/users/me/devices/current/titles/current';

const beat = (user: KitUser, more: JsonObject = {}): Promise<KitAnswer> =>
  ask(user, 'POST', current, { state: 'active', ...more });

const presenceOf = (asker: KitUser, user: KitUser, level = 'all'): Promise<KitAnswer> =>
  ask(asker, 'GET', `/users/xuid(${user.xuid})?level=${level}`);

const stateOf = async (asker: KitUser, user: KitUser) => (await presenceOf(asker, user)).json.state;

/** @source docs/wire/neighbours.md "Presence", docs/wire/unknowns.md "the device of a presence" */
test('a heartbeat makes its user online in the title, and the end offline', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  assert.deepEqual((await presenceOf(bob, ada)).json, { xuid: ada.xuid, state: 'Offline' });
  const beaten = await beat(ada, { activity: { richPresence: { id: 'map', scid: 'x' } } });
  assertStatus(beaten, 200);
  assert.equal(beaten.text, '');
  assert.equal(beaten.headers.get('x-heartbeat-after'), '300');

  const { json } = assertStatus(await presenceOf(bob, ada), 200);
  const { lastModified, ...title } = at(json, 'devices.0.titles.0') as JsonObject;
  assert.match(String(lastModified), timePattern);
  assert.deepEqual(title, {
    id: demoTitleId,
    name: `Title ${demoTitleId}`,
    placement: 'full',
    state: 'active',
    activity: { richPresence: 'map' },
  });
  assert.deepEqual(
    [json.xuid, json.state, at(json, 'devices.0.type')],
    [ada.xuid, 'Online', 'Win32'],
  );
  await beat(ada, { state: 'inactive' });
  assert.equal(await stateOf(bob, ada), 'Away');

  assertStatus(await ask(ada, 'DELETE', current), 204);
  const ended = await presenceOf(bob, ada);
  const { timestamp, ...seen } = at(ended.json, 'lastSeen') as JsonObject;
  assert.match(String(timestamp), timePattern);
  assert.deepEqual(seen, {
    deviceType: 'Win32',
    titleId: demoTitleId,
    titleName: `Title ${demoTitleId}`,
  });
  assert.equal(ended.json.state, 'Offline');
  assertStatus(await ask(ada, 'DELETE', current), 204);
});

/** @source docs/wire/neighbours.md "Presence" */
test('a level shows what the former one shows, and more', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  await beat(ada, { activity: { richPresence: { id: 'map' } } });
  const titleIn = async (level: string) => {
    const { json } = await presenceOf(ada, ada, level);
    return { devices: at(json, 'devices'), title: at(json, 'devices.0.titles.0') as JsonObject };
  };
  assert.equal((await titleIn('user')).devices, undefined);
  assert.deepEqual((await titleIn('device')).devices, [{ type: 'Win32' }]);
  assert.equal((await titleIn('title')).title.activity, undefined);
  assert.deepEqual((await titleIn('')).title.activity, undefined);
  assert.deepEqual((await titleIn('all')).title.activity, { richPresence: 'map' });
  assertRefused(await presenceOf(ada, ada, 'some'), 400, 'requestInvalid', 'query.level');
});

/** @source docs/wire/neighbours.md "Presence" */
test('who is active in a session is in its title', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = kit.reference();
  await ada.join(reference);
  const { json } = await presenceOf(bob, ada);
  assert.equal(json.state, 'Online');
  assert.equal(at(json, 'devices.0.titles.0.id'), demoTitleId);
  assertStatus(await ada.putSession(reference, leave), 204);
  assert.equal(await stateOf(bob, ada), 'Offline');
});

/** @source docs/wire/neighbours.md "Presence" */
test('a heartbeat that is not repeated ends', { skip: isAimed && needsClock }, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  await beat(ada);
  await kit.advance(300_000);
  await beat(ada);
  await kit.advance(359_999);
  assert.equal(await stateOf(bob, ada), 'Online');
  kit.advanceWithoutSweep(1);
  assert.equal(await stateOf(bob, ada), 'Offline');
  await kit.advance(0);
  assert.equal(at((await presenceOf(bob, ada)).json, 'lastSeen.titleId'), demoTitleId);
  await kit.advance(2_592_000_000);
  assert.equal(at((await presenceOf(bob, ada)).json, 'lastSeen'), undefined);
});

/** @source docs/wire/neighbours.md "Presence" */
test('a batch answers for each user, and can leave out who is not there', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  await beat(bob);
  await beat(kit.user('cid', { tid: '77' }));
  const states = async (body: JsonObject) => {
    const records = arrayIn<JsonObject>(await ask(ada, 'POST', '/users/batch', body));
    return records.map(({ xuid, state }) => [xuid, state]);
  };
  const users = [ada.xuid, bob.xuid, cid.xuid];
  assert.deepEqual(await states({ users, level: 'user', broadcastingOnly: false }), [
    [ada.xuid, 'Offline'],
    [bob.xuid, 'Online'],
    [cid.xuid, 'Online'],
  ]);
  assert.deepEqual(await states({ users, onlineOnly: true }), [
    [bob.xuid, 'Online'],
    [cid.xuid, 'Online'],
  ]);
  assert.deepEqual(await states({ users, titles: ['77'], onlineOnly: true }), [
    [cid.xuid, 'Online'],
  ]);
  assert.deepEqual(await states({ users, deviceTypes: ['XboxOne'], onlineOnly: true }), []);
  await ada.follow(bob);
  assert.deepEqual(await states({ group: 'People', groupXuid: ada.xuid }), [[bob.xuid, 'Online']]);
  const group = await ask(ada, 'GET', '/users/me/groups/People?level=user');
  assert.deepEqual(arrayIn<JsonObject>(group), [{ xuid: bob.xuid, state: 'Online' }]);
  const tooMany = Array.from({ length: 1_101 }, (_, n) => String(n));
  for (const body of [{}, { users, group: 'People' }, { users: tooMany }, { users: ['x'] }]) {
    assertRefused(await ask(ada, 'POST', '/users/batch', body), 400, 'requestInvalid');
  }
  assert.equal((await states({ users: tooMany.slice(1), level: 'user' })).length, 1_100);
});

/** @source docs/wire/neighbours.md "Presence" */
test('titles speak of their own users', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const path = `/users/xuid(${ada.xuid})/devices/current/titles/current`;
  assertRefused(await ask(bob, 'POST', path, {}), 403, 'userNotYours', ada.xuid);
  assertRefused(await ask(bob, 'DELETE', path), 403, 'userNotYours');
  assertRefused(await ask(kit.service(), 'POST', path, {}), 403, 'userRequired');
  assertRefused(await beat(ada, { state: 'asleep' }), 400, 'requestInvalid', '$.state');
  assert.equal(await stateOf(bob, ada), 'Offline');
  assertStatus(await ask(ada, 'POST', path, {}), 200);
  assert.equal(await stateOf(bob, ada), 'Online');
});

/** @source docs/wire/neighbours.md "Presence" */
test('whom one has blocked sees that one is offline', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  await beat(ada);
  assertStatus(await ask(ada, 'PUT', '/users/me/people/never', { xuid: bob.xuid }), 204);
  assert.deepEqual((await presenceOf(bob, ada)).json, { xuid: ada.xuid, state: 'Offline' });
  assert.equal(await stateOf(ada, ada), 'Online');
});

const uri = (user: KitUser, what: string): string =>
  `https://userpresence.xboxlive.com/users/xuid(${user.xuid})/${what}`;

/** @source docs/wire/neighbours.md "Presence" */
test('who watches a user hears of devices and titles', options, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  await using line = await bob.connect();
  const offline = { xuid: ada.xuid, state: 'Offline' };
  assert.deepEqual(await line.subscribe(uri(ada, 'devices'), 1), [1, 1, 0, 0, offline]);
  assert.deepEqual(await line.subscribe(uri(ada, `titles/${demoTitleId}`), 2), [
    1,
    2,
    0,
    1,
    offline,
  ]);
  await beat(ada);
  assert.deepEqual(await line.nextFrame(), [3, 0, 'Win32:true']);
  assert.deepEqual(await line.nextFrame(), [3, 1, `started:${demoTitleId}`]);
  // It goes on: nothing to hear of.
  await beat(ada);
  await beat(ada, { state: 'inactive' });
  assert.deepEqual(await line.nextFrame(), [3, 1, `ended:${demoTitleId}`]);
  // A session is as good as a heartbeat.
  const reference = kit.reference();
  await ada.putSession(reference, joinBody());
  assert.deepEqual(await line.nextFrame(), [3, 1, `started:${demoTitleId}`]);
  await ask(ada, 'DELETE', current);
  await ada.putSession(reference, leave);
  assert.deepEqual(await line.nextFrame(), [3, 0, 'Win32:false']);
  assert.deepEqual(await line.nextFrame(), [3, 1, `ended:${demoTitleId}`]);

  assert.deepEqual(await line.unsubscribe(0, 7), [2, 7, 0]);
  await beat(ada);
  assert.deepEqual(await line.nextFrame(), [3, 1, `started:${demoTitleId}`]);
  const [, , , , shown] = await line.subscribe(uri(ada, 'devices'));
  assert.equal((shown as JsonObject).state, 'Online');
});

/** @source docs/wire/neighbours.md "Presence" */
test('whom one has blocked hears nothing', options, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  assertStatus(await ask(ada, 'PUT', '/users/me/people/avoid', { xuid: bob.xuid }), 204);
  await beat(ada);
  await using line = await bob.connect();
  await using own = await ada.connect();
  await own.subscribe(uri(ada, 'devices'));
  const [, , code, , shown] = await line.subscribe(uri(ada, 'devices'));
  assert.deepEqual([code, shown], [0, { xuid: ada.xuid, state: 'Offline' }]);
  await ask(ada, 'DELETE', current);
  assert.deepEqual(await own.nextFrame(), [3, 0, 'Win32:false']);
  assert.deepEqual(await line.framesSoFar(), []);
});
