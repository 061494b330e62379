/** People with gamertags and presence. @source docs/wire/neighbours.md "People hub" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, demoTitleId, type KitAnswer, type KitUser, startKit } from '../../src/testing/kit.ts';
import { assertMembers, assertNoNulls, assertRefused, assertStatus } from './answers.ts';
import { ask, untilAnswered } from './services.ts';

function peopleIn(answer: KitAnswer): readonly JsonObject[] {
  assertStatus(answer, 200);
  assertMembers(answer.json, ['people']);
  assertNoNulls(answer.json);
  return answer.json.people as unknown as readonly JsonObject[];
}

const xuidsIn = (answer: KitAnswer) => peopleIn(answer).map(({ xuid }) => xuid);

const hub = (user: KitUser, path: string): Promise<KitAnswer> =>
  ask(user, 'GET', `/users/me/people/${path}`);

/** @source docs/wire/neighbours.md "People hub" */
test('whom one follows, with what is between them', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('Ada', 'Bob', 'Cid');
  await ada.follow(bob, cid);
  await bob.follow(ada);
  const favor = { xuids: [cid.xuid] };
  assertStatus(await ask(ada, 'POST', '/users/me/people/favorites/xuids?method=add', favor), 204);
  const answer = await untilAnswered(
    () => hub(ada, 'social'),
    (one) => at(one.json, 'people.0.gamertag') === 'Bob',
  );
  const [first = assert.fail(), second = assert.fail()] = peopleIn(answer);
  assert.equal(first.xuid, bob.xuid);
  assert.deepEqual(
    [first.isFollowingCaller, first.isFollowedByCaller, first.isFavorite],
    [true, true, false],
  );
  assert.deepEqual([second.isFollowingCaller, second.isFavorite], [false, true]);
  assert.deepEqual(
    [first.gamertag, first.displayName, first.modernGamertag, first.presenceState],
    ['Bob', 'Bob', 'Bob', 'Offline'],
  );
  assert.equal(first.presenceDetails, undefined);
  const path = `/users/xuid(${ada.xuid})/people/friends/decoration/detail,preferredColor`;
  const [seen = assert.fail()] = peopleIn(await ask(cid, 'GET', path));
  assert.equal(seen.isFollowedByCaller, false);
  assert.deepEqual(at(seen, 'detail.followerCount'), 1);
  assert.match(String(at(seen, 'preferredColor.primaryColor')), /^[0-9a-f]{6}$/);
  assert.deepEqual(xuidsIn(await hub(ada, 'followers')), [bob.xuid]);
});

/** @source docs/wire/neighbours.md "People hub" */
test('people by xuid, in a path and in a body', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('Ada', 'Bob');
  const xuids = [bob.xuid, ada.xuid];
  assert.deepEqual(xuidsIn(await hub(ada, `xuids(${xuids.join(',')})`)), xuids);
  assert.deepEqual(xuidsIn(await hub(ada, `xuids(${bob.xuid})/decoration/presenceDetail`)), [
    bob.xuid,
  ]);
  const decorated = '/users/me/people/batch/decoration/preferredcolor,presenceDetail';
  for (const path of ['/users/me/people/batch', decorated]) {
    assert.deepEqual(xuidsIn(await ask(ada, 'POST', path, { xuids })), xuids);
    assertRefused(await ask(ada, 'POST', path, { xuids: ['x'] }), 400, 'requestInvalid');
  }
  for (const path of ['xuids(x)', 'xuids()', 'enemies/decoration/detail']) {
    assertRefused(await hub(ada, path), 400, 'requestInvalid', 'path');
  }
});

/** @source docs/wire/neighbours.md "People hub" */
test('presence follows sessions and heartbeats', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('Ada', 'Bob', 'Cid');
  const beat = { state: 'active', activity: { richPresence: { id: 'lobby', scid: 'x' } } };
  await ask(bob, 'POST', '/users/me/devices/current/titles/current', beat);
  await cid.join(kit.reference());
  const path = `xuids(${bob.xuid},${cid.xuid})/decoration/presenceDetail,multiplayerSummary`;
  const [ofBob = assert.fail(), ofCid = assert.fail()] = peopleIn(await hub(ada, path));
  const detail = {
    IsBroadcasting: false,
    Device: 'Win32',
    PresenceText: `Title ${demoTitleId}`,
    State: 'Active',
    TitleId: demoTitleId,
    IsPrimary: true,
    IsGame: true,
  };
  assert.equal(ofBob.presenceState, 'Online');
  assert.deepEqual(ofBob.presenceDetails, [{ ...detail, RichPresenceText: 'lobby' }]);
  assert.equal(ofCid.presenceState, 'Online');
  assert.deepEqual(ofCid.presenceDetails, [{ ...detail, RichPresenceText: '' }]);
});

/** @source docs/wire/neighbours.md "People hub" */
test('a search finds gamertags by their beginning', async () => {
  await using kit = await startKit();
  const word = randomUUID().slice(0, 8);
  const users = [`${word} Ada`, `${word} Bob`, `Not ${word}`].map((name) => kit.user(name));
  const [ada, bob] = users as [KitUser, KitUser, KitUser];
  for (const user of users) await ask(user, 'GET', '/users/me/people');
  await kit.settle();
  const search = (q: string, more = '') =>
    hub(ada, `search/decoration/detail,preferredColor?q=${encodeURIComponent(q)}${more}`);
  const found = await untilAnswered(
    () => search(word.toUpperCase()),
    (answer) => peopleIn(answer).length === 2,
  );
  assert.deepEqual(xuidsIn(found), [ada.xuid, bob.xuid]);
  assert.deepEqual(xuidsIn(await search(`${word} b`)), [bob.xuid]);
  assert.deepEqual(xuidsIn(await search(word, '&maxItems=1')), [ada.xuid]);
  assert.deepEqual(xuidsIn(await search(`${word}zzz`)), []);
  assert.deepEqual(xuidsIn(await hub(ada, 'search?maxItems=1')), [ada.xuid]);
});

/** @source docs/wire/neighbours.md "People hub" */
test('there are no requests and no recommendations', async () => {
  await using kit = await startKit();
  const ada = kit.user('Ada');
  for (const path of ['friendrequests(received)', 'recommendations']) {
    assert.deepEqual(peopleIn(await hub(ada, path)), []);
    assert.deepEqual(peopleIn(await hub(ada, `${path}/decoration/detail`)), []);
  }
  const others = `/users/xuid(${kit.user('Bob').xuid})/people/recentplayers`;
  assertRefused(await ask(ada, 'GET', others), 403, 'userNotYours');
});
