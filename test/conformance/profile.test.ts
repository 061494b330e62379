/** Gamertags and settings of users. @source docs/wire/neighbours.md "Profile" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, type KitAnswer, type KitUser, startKit } from '../../src/testing/kit.ts';
import { assertMembers, assertRefused, assertStatus } from './answers.ts';
import { ask, untilAnswered } from './services.ts';

const settings = ['Gamertag', 'GameDisplayName', 'Gamerscore', 'UniqueModernGamertag'];

const batch = (user: KitUser, userIds: readonly unknown[], asked = settings): Promise<KitAnswer> =>
  ask(user, 'POST', '/users/batch/profile/settings', { userIds, settings: asked });

/** What the n-th user of an answer has for a setting. */
function settingIn(answer: KitAnswer, id: string, n = 0): unknown {
  const found = at(answer.json, `profileUsers.${n}.settings`) as unknown as readonly JsonObject[];
  return found?.find((one) => one.id === id)?.value;
}

/** @source docs/wire/neighbours.md "Profile" */
test('a batch answers the settings of users in order', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('Ada', 'Bob');
  await ask(bob, 'GET', '/users/me/people');
  const answer = await untilAnswered(
    () => batch(ada, [ada.xuid, bob.xuid]),
    (one) => settingIn(one, 'Gamertag', 1) === 'Bob',
  );
  assert.deepEqual(answer.json, {
    profileUsers: [ada, bob].map((user) => ({
      id: user.xuid,
      hostId: user.xuid,
      settings: [
        { id: 'Gamertag', value: user.gamertag },
        { id: 'GameDisplayName', value: user.gamertag },
        { id: 'Gamerscore', value: '0' },
        { id: 'UniqueModernGamertag', value: user.gamertag },
      ],
      isSponsoredUser: false,
    })),
  });
});

/** @source docs/wire/neighbours.md "Profile", docs/wire/unknowns.md "profile settings that nobody knows" */
test('who was never seen has a gamertag made of the xuid', async () => {
  await using kit = await startKit();
  const answer = await batch(kit.user('Ada'), [2535400000001234], ['gamertag', 'Unheard']);
  assertStatus(answer, 200);
  const [found] = at(answer.json, 'profileUsers') as unknown as readonly JsonObject[];
  assert.deepEqual(found?.settings, [{ id: 'Gamertag', value: 'Player 1234' }]);
});

/** @source docs/wire/neighbours.md "Profile" */
test('a profile is found by me, by xuid and by gamertag', async () => {
  await using kit = await startKit();
  const gamertag = `Ada ${randomUUID().slice(0, 8)}`;
  const ada = kit.user(gamertag);
  const bob = kit.user('Bob');
  const get = (user: KitUser, owner: string) =>
    ask(user, 'GET', `/users/${owner}/profile/settings?settings=Gamertag,%20Bio`);
  const own = assertStatus(await get(ada, 'me'), 200);
  assertMembers(own.json, ['profileUsers']);
  assert.equal(settingIn(own, 'Gamertag'), gamertag);
  assert.equal(settingIn(own, 'Bio'), '');
  const short = await ask(ada, 'GET', '/users/me/settings?settings=Gamertag,Bio');
  assert.deepEqual(short.json, own.json);
  const byXuid = await untilAnswered(
    () => get(bob, `xuid(${ada.xuid})`),
    (one) => settingIn(one, 'Gamertag') === gamertag,
  );
  assert.deepEqual(byXuid.json, own.json);
  await kit.settle();
  const named = `gt(${encodeURIComponent(gamertag.toUpperCase())})`;
  const byName = await untilAnswered(
    () => get(bob, named),
    ({ status }) => status === 200,
  );
  assert.equal(at(byName.json, 'profileUsers.0.id'), ada.xuid);
  assertRefused(await get(bob, 'gt(nobody%20of%20this%20name)'), 404, 'gamertagUnknown', 'nobody');
  const summary = await ask(bob, 'GET', `/users/${named}/summary`);
  assertStatus(summary, 200);
});

/** @source docs/wire/neighbours.md "Profile" */
test('the settings of those whom one follows', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('Ada', 'Bob', 'Cid');
  await ada.follow(bob, cid);
  const path = '/users/me/profile/settings/people/people?settings=Gamertag';
  const answer = assertStatus(await ask(ada, 'GET', path), 200);
  const users = at(answer.json, 'profileUsers') as unknown as readonly JsonObject[];
  assert.deepEqual(
    users.map(({ id }) => id),
    [bob.xuid, cid.xuid],
  );
  const favorites = await ask(ada, 'GET', path.replace('people?', 'Favorites?'));
  assert.deepEqual(at(favorites.json, 'profileUsers'), []);
  const wrong = await ask(ada, 'GET', path.replace('people?', 'enemies?'));
  assertRefused(wrong, 400, 'requestInvalid', 'path');
});

/** @source docs/wire/neighbours.md "Profile" */
test('a gamertag with a number after # has a modern form', async () => {
  await using kit = await startKit();
  const ada = kit.user('Ada#1234');
  const names = ['Gamertag', 'ModernGamertag', 'ModernGamertagSuffix', 'UniqueModernGamertag'];
  const answer = await batch(ada, [ada.xuid], names);
  assert.deepEqual(
    names.map((name) => settingIn(answer, name)),
    ['Ada#1234', 'Ada', '1234', 'Ada#1234'],
  );
});

/** @source docs/wire/neighbours.md "Profile" */
test('a batch that is not as it must be is refused', async () => {
  await using kit = await startKit();
  const ada = kit.user('Ada');
  for (const body of [
    {},
    { userIds: ['x'], settings: [] },
    { userIds: [ada.xuid] },
    { userIds: Array.from({ length: 1_001 }, (_, n) => String(n)), settings: [] },
    { userIds: [], settings: Array.from({ length: 101 }, () => 'Gamertag') },
    { userIds: [], settings: [], more: 1 },
  ]) {
    const answer = await ask(ada, 'POST', '/users/batch/profile/settings', body);
    assertRefused(answer, 400, 'requestInvalid');
  }
  assertRefused(await kit.request('GET', '/users/me/profile/settings'), 401, 'notAuthenticated');
  const service = await ask(kit.service(), 'GET', '/users/me/profile/settings?settings=Gamertag');
  assertRefused(service, 403, 'userRequired');
});
