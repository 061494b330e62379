/** Friends, avoid and mute lists. @source docs/wire/people.md "People" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../src/domain/json.ts';
import { startKit, type Kit, type KitAnswer, type KitUser } from '../../src/testing/kit.ts';
import {
  assertMembers,
  assertNoNulls,
  assertRefused,
  assertStatus,
  inviteTo,
  timePattern,
} from './answers.ts';
import { newSession } from './new-session.ts';

const me = '/users/me';
const of = ({ xuid }: KitUser): string => `/users/xuid(${xuid})`;
const person = (user: KitUser, owner = me): string => `${owner}/people/xuid(${user.xuid})`;

function usersOf(kit: Kit, ...names: readonly string[]): readonly KitUser[] {
  return names.map((name) => kit.user(name));
}

function three(kit: Kit): readonly [KitUser, KitUser, KitUser] {
  return usersOf(kit, 'ada', 'bob', 'cid') as [KitUser, KitUser, KitUser];
}

/** A request without the contract version of the session directory, as clients send these. */
function ask(user: KitUser, method: string, path: string, body?: unknown): Promise<KitAnswer> {
  return user.request(method, path, { headers: { 'x-xbl-contract-version': '3' }, body });
}

function post(user: KitUser, method: string, users: readonly KitUser[], owner = me) {
  const xuids = users.map(({ xuid }) => xuid);
  return ask(user, 'POST', `${owner}/people/xuids?method=${method}`, { xuids });
}

function peopleIn(answer: KitAnswer): readonly JsonObject[] {
  assertStatus(answer, 200);
  assertMembers(answer.json, ['people', 'totalCount']);
  assert.ok(Array.isArray(answer.json.people));
  return answer.json.people as readonly JsonObject[];
}

const xuidsIn = (answer: KitAnswer): readonly (Json | undefined)[] =>
  peopleIn(answer).map(({ xuid }) => xuid);

function usersIn(answer: KitAnswer): readonly (Json | undefined)[] {
  assertStatus(answer, 200);
  assertMembers(answer.json, ['users']);
  const users = answer.json.users as readonly JsonObject[];
  for (const user of users) assertMembers(user, ['xuid']);
  return users.map(({ xuid }) => xuid);
}

/** A refusal in the words of the social service. @source docs/wire/people.md "People" */
function assertSocialRefusal(answer: KitAnswer, status: number, refusal: string, code: number) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.refusal, refusal, answer.text);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assertMembers(answer.json, ['code', 'description', 'source']);
  assert.equal(answer.json.code, code);
  assert.match(String(answer.json.description), /\w/);
}

/** @source docs/wire/people.md "People" */
test('PUT follows and DELETE ends it: 204 each time, needed or not', async () => {
  await using kit = await startKit();
  const [ada, bob] = three(kit);
  for (const method of ['PUT', 'PUT', 'DELETE', 'DELETE']) {
    const answer = await ask(ada, method, person(bob));
    assertStatus(answer, 204);
    assert.equal(answer.text, '');
    assert.deepEqual(
      xuidsIn(await ask(ada, 'GET', `${me}/people`)),
      method === 'PUT' ? [bob.xuid] : [],
    );
  }
});

/** @source docs/wire/people.md "People" */
test('a person tells what is between them and the caller', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  await ada.follow(bob, cid);
  await bob.follow(ada);

  const list = await ask(ada, 'GET', `${me}/people`);

  assert.equal(list.headers.get('cache-control'), 'no-cache, no-store');
  assertNoNulls(list.json);
  assert.equal(list.json.totalCount, 2);
  const [ofBob = assert.fail(), ofCid = assert.fail()] = peopleIn(list);
  const { addedDateTimeUtc, ...rest } = ofBob;
  assert.match(String(addedDateTimeUtc), timePattern);
  assert.deepEqual(rest, {
    xuid: bob.xuid,
    isFavorite: false,
    isFollowingCaller: true,
    isFollowedByCaller: true,
  });
  assert.equal(ofCid.isFollowingCaller, false);
  assert.deepEqual((await ask(ada, 'GET', person(bob))).json, ofBob);

  // the same list, as somebody else sees it
  const [seen = assert.fail()] = peopleIn(await ask(cid, 'GET', `${of(ada)}/people?view=All`));
  assert.equal(seen.xuid, bob.xuid);
  assert.deepEqual([seen.isFollowingCaller, seen.isFollowedByCaller], [false, false]);
  assert.deepEqual((await ask(cid, 'GET', person(bob, of(ada)))).json, seen);
});

/** @source docs/wire/people.md "People" */
test('one who is not on the list is 404', async () => {
  await using kit = await startKit();
  const [ada, bob] = three(kit);
  await bob.follow(ada);
  assertRefused(await ask(ada, 'GET', person(bob)), 404, 'personUnknown', bob.xuid);
});

/** @source docs/wire/people.md "People" */
test('a page of a list, and how many there are in all', async () => {
  await using kit = await startKit();
  const [ada] = three(kit);
  const others = Array.from({ length: 5 }, (_, i) => kit.user(`other-${i}`));
  await ada.follow(...others);
  const xuids = others.map(({ xuid }) => xuid);
  for (const [query, expected] of [
    ['', xuids],
    ['?startIndex=2', xuids.slice(2)],
    ['?maxItems=2', xuids.slice(0, 2)],
    ['?startIndex=1&maxItems=3', xuids.slice(1, 4)],
    ['?startIndex=4&maxItems=3', xuids.slice(4)],
    ['?startIndex=9', []],
    ['?maxItems=0', []],
  ] as const) {
    const answer = await ask(ada, 'GET', `${me}/people${query}`);
    assert.deepEqual(xuidsIn(answer), expected, query);
    assert.equal(answer.json.totalCount, 5, query);
  }
  for (const query of ['view=Friends', 'startIndex=-1', 'maxItems=many']) {
    const answer = await ask(ada, 'GET', `${me}/people?${query}`);
    assertSocialRefusal(answer, 400, 'requestInvalid', 1015);
  }
});

/** @source docs/wire/unknowns.md "making somebody a favourite", docs/wire/people.md "People" */
test('favourites are those of the list who were made so', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  const favorites = (method: string, user: KitUser) =>
    ask(ada, 'POST', `${me}/people/favorites/xuids?method=${method}`, { xuids: [user.xuid] });
  const inView = async (view: string) => {
    const answer = await ask(ada, 'GET', `${me}/people?view=${view}`);
    assert.equal(answer.json.totalCount, peopleIn(answer).length);
    return peopleIn(answer).map(({ xuid, isFavorite }) => [xuid, isFavorite]);
  };
  await ada.follow(bob, cid);
  assertStatus(await favorites('add', cid), 204);
  assert.deepEqual(await inView('All'), [
    [bob.xuid, false],
    [cid.xuid, true],
  ]);
  assert.deepEqual(await inView('favorite'), [[cid.xuid, true]]);
  assert.deepEqual(await inView('LegacyXboxLiveFriends'), []);
  await ada.follow(cid);
  assert.deepEqual(await inView('Favorite'), [[cid.xuid, true]], 'following again keeps it');
  assertStatus(await favorites('remove', cid), 204);
  assert.deepEqual(await inView('Favorite'), []);
  assert.equal((await inView('All')).length, 2);

  // they are the owner's own business
  assertStatus(await favorites('add', cid), 204);
  const seen = peopleIn(await ask(bob, 'GET', `${of(ada)}/people`));
  assert.deepEqual(
    seen.map(({ isFavorite }) => isFavorite),
    [false, false],
  );
  assert.equal((await ask(cid, 'GET', person(cid, of(ada)))).json.isFavorite, false);
  assert.equal((await ask(kit.service(), 'GET', person(cid, of(ada)))).json.isFavorite, true);

  assertRefused(await favorites('add', kit.user('eve')), 404, 'personUnknown');
  assertSocialRefusal(await favorites('get', bob), 400, 'requestInvalid', 1015);
});

/** @source docs/wire/people.md "People" */
test('several at once', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  const eve = kit.user('eve');
  assertStatus(await post(ada, 'add', [bob, cid, bob]), 204);
  const got = await post(ada, 'get', [cid, eve, bob]);
  assert.deepEqual(xuidsIn(got), [bob.xuid, cid.xuid]);
  const withoutMethod = await ask(ada, 'POST', `${me}/people/xuids`, { xuids: [cid.xuid] });
  assert.deepEqual(xuidsIn(withoutMethod), [cid.xuid]);
  assert.equal(got.json.totalCount, 2);
  assert.deepEqual(xuidsIn(await post(eve, 'get', [cid, ada], of(ada))), [cid.xuid]);
  assertStatus(await post(ada, 'remove', [bob, eve]), 204);
  assert.deepEqual(xuidsIn(await ask(ada, 'GET', `${me}/people`)), [cid.xuid]);
  assertStatus(await post(ada, 'add', []), 204);
  for (const method of ['', 'put']) {
    assertSocialRefusal(await post(ada, method, [bob]), 400, 'requestInvalid', 1015);
  }
  const path = `${me}/people/xuids?method=add`;
  for (const body of [
    {},
    { xuids: bob.xuid },
    { xuids: [7] },
    { xuids: ['ada'] },
    { people: [] },
  ]) {
    assertSocialRefusal(await ask(ada, 'POST', path, body), 400, 'requestInvalid', 1015);
  }
});

/** @source docs/wire/people.md "People", docs/wire/unknowns.md "statuses of the social service" */
test('a list has 2,000 people and no more', async () => {
  await using kit = await startKit();
  const [ada, bob] = three(kit);
  const xuids = Array.from({ length: 2_000 }, (_, i) => String(5_000_000 + i));
  const change = (method: string, list: readonly string[]) =>
    ask(ada, 'POST', `${me}/people/xuids?method=${method}`, { xuids: list });
  assertStatus(await change('add', xuids.slice(0, 1_999)), 204);
  assertSocialRefusal(await change('add', ['1', '2']), 400, 'listFull', 1028);
  assertStatus(await change('add', xuids), 204);

  const all = await ask(ada, 'GET', `${me}/people`);
  assert.deepEqual(xuidsIn(all), xuids);
  assert.equal(all.json.totalCount, 2_000);
  for (const refused of [
    await ask(ada, 'PUT', person(bob)),
    await change('add', [bob.xuid]),
    await ask(ada, 'POST', `/bulk${me}/people/friends/v2?method=add`, { xuids: [bob.xuid] }),
  ]) {
    assertSocialRefusal(refused, 400, 'listFull', 1028);
    assert.match(String(refused.json.description), /2000 of 2000/);
  }
  assertSocialRefusal(await change('remove', [...xuids, '1']), 400, 'requestInvalid', 1015);
  assertStatus(await change('remove', xuids.slice(1)), 204);
  assertStatus(await ask(ada, 'PUT', person(bob)), 204);
  assert.deepEqual(xuidsIn(await ask(ada, 'GET', `${me}/people`)), [xuids[0], bob.xuid]);
});

/** @source docs/wire/unknowns.md "services and lists of people", docs/wire/people.md "People" */
test('only owners and services change lists', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  const mine: readonly (readonly [method: string, path: string, body?: object])[] = [
    ['PUT', person(cid, of(ada))],
    ['DELETE', person(cid, of(ada))],
    ['POST', `${of(ada)}/people/xuids?method=add`, { xuids: [cid.xuid] }],
    ['POST', `${of(ada)}/people/favorites/xuids?method=add`, { xuids: [cid.xuid] }],
    ['DELETE', `${of(ada)}/people/follower/xuid(${cid.xuid})`],
    ['PUT', `${of(ada)}/people/friends/v2/xuid(${cid.xuid})`],
    ['POST', `/bulk${of(ada)}/people/friends/v2?method=add`, { xuids: [cid.xuid] }],
    ['PUT', `${of(ada)}/people/avoid`, { xuid: cid.xuid }],
    ['DELETE', `${of(ada)}/people/mute`, { xuid: cid.xuid }],
    ['GET', `${of(ada)}/people?view=Favorite`],
    ['GET', `${of(ada)}/people/avoid`],
    ['GET', `${of(ada)}/people/mute`],
  ];
  for (const [method, path, body] of mine) {
    assertSocialRefusal(await ask(bob, method, path, body), 403, 'listNotYours', 1011);
  }
  assert.deepEqual(xuidsIn(await ask(ada, 'GET', `${me}/people`)), []);
  for (const [method, path, body] of mine) {
    for (const user of [ada, kit.service()]) {
      const { status } = await ask(user, method, path, body);
      assert.ok([200, 204, 404].includes(status), `${method} ${path}: ${status}`);
    }
  }
});

/** @source docs/wire/people.md "People", docs/wire/unknowns.md "services and lists of people" */
test('a service names the user', async () => {
  await using kit = await startKit();
  const [ada, bob] = three(kit);
  const service = kit.service();
  assertRefused(await ask(service, 'GET', `${me}/people`), 403, 'userRequired');
  assertRefused(await ask(service, 'PUT', person(bob)), 403, 'userRequired');
  assertStatus(await ask(service, 'PUT', person(bob, of(ada))), 204);
  assert.deepEqual(xuidsIn(await ask(service, 'GET', `${of(ada)}/people`)), [bob.xuid]);
});

/** @source docs/wire/people.md "People", docs/wire/README.md "Every request" */
test('a path that names nobody is refused', async () => {
  await using kit = await startKit();
  const [ada, bob] = three(kit);
  for (const [method, path] of [
    ['GET', '/users/17/people'],
    ['PUT', `${me}/people/${bob.xuid}`],
    ['PUT', `${me}/people/xuid(bob)`],
    ['GET', `${me}/people/xuid()`],
  ] as const) {
    assertSocialRefusal(await ask(ada, method, path), 400, 'requestInvalid', 1015);
  }
  const nobody = await ask(ada, 'GET', '/users/gt(Nobody of this name)/people');
  assertRefused(nobody, 404, 'gamertagUnknown', 'Nobody of this name');
  assertSocialRefusal(await ask(ada, 'PUT', person(ada)), 400, 'requestInvalid', 1015);
  assertRefused(await kit.request('GET', `${me}/people`), 401, 'notAuthenticated');
});

/** @source docs/wire/people.md "People" */
test('a summary counts, and tells how the caller stands to somebody', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  await ada.follow(bob, cid);
  await bob.follow(ada);
  await cid.follow(ada);
  const summary = async (asker: KitUser, path: string) => {
    const answer = await ask(asker, 'GET', `${path}/summary`);
    assertStatus(answer, 200);
    return answer.json;
  };
  const rest = { hasCallerMarkedTargetAsKnown: false, legacyFriendStatus: 'None' };
  assert.deepEqual(await summary(ada, me), {
    targetFollowingCount: 2,
    targetFollowerCount: 2,
    isCallerFollowingTarget: false,
    isTargetFollowingCaller: false,
    hasCallerMarkedTargetAsFavorite: false,
    ...rest,
  });
  assertStatus(
    await ask(ada, 'POST', `${me}/people/favorites/xuids?method=add`, { xuids: [bob.xuid] }),
    204,
  );
  assert.deepEqual(await summary(ada, of(bob)), {
    targetFollowingCount: 1,
    targetFollowerCount: 1,
    isCallerFollowingTarget: true,
    isTargetFollowingCaller: true,
    hasCallerMarkedTargetAsFavorite: true,
    ...rest,
  });
  const ofService = await summary(kit.service(), of(ada));
  assert.equal(ofService.targetFollowerCount, 2);
  assert.equal(ofService.isCallerFollowingTarget, false);
});

/** @source docs/wire/people.md "People" */
test('a follower is made to follow no more', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  await bob.follow(ada, cid);
  const path = `${me}/people/follower/xuid(${bob.xuid})`;
  for (let i = 0; i < 2; i += 1) assertStatus(await ask(ada, 'DELETE', path), 204);
  assert.deepEqual(xuidsIn(await ask(bob, 'GET', `${me}/people`)), [cid.xuid]);
  assert.equal((await ask(ada, 'GET', `${me}/summary`)).json.targetFollowerCount, 0);
});

/** @source docs/wire/people.md "People" */
test('friends of newer clients are followed', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  const bulk = (method: string, users: readonly KitUser[], more = '') =>
    ask(ada, 'POST', `/bulk${me}/people/friends/v2?method=${method}${more}`, {
      xuids: users.map(({ xuid }) => xuid),
    });
  const followed = async () => xuidsIn(await ask(ada, 'GET', `${me}/people`));
  const added = await bulk('add', [bob, cid]);
  assertStatus(added, 200);
  assert.deepEqual(added.json, { updatedPeople: [bob.xuid, cid.xuid], failedToUpdate: [] });
  assert.deepEqual(await followed(), [bob.xuid, cid.xuid]);
  assertStatus(await bulk('remove', [bob], '&deleteRelationships=friends'), 200);
  assert.deepEqual(await followed(), [cid.xuid]);
  assertSocialRefusal(await bulk('get', [bob]), 400, 'requestInvalid', 1015);

  const one = `${me}/people/friends/v2/xuid(${bob.xuid})`;
  assertStatus(await ask(ada, 'PUT', one), 200);
  assert.deepEqual(await followed(), [cid.xuid, bob.xuid]);
  assertStatus(await ask(ada, 'DELETE', `${one}?deleteRelationships=friends`), 200);
  assert.deepEqual(await followed(), [cid.xuid]);
});

/** @source docs/wire/people.md "People" */
test('avoid and mute lists are read and changed by their owner', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  for (const list of ['avoid', 'mute']) {
    const path = `${me}/people/${list}`;
    const change = (method: string, { xuid }: KitUser) => ask(ada, method, path, { xuid });
    assert.deepEqual(usersIn(await ask(ada, 'GET', path)), []);
    for (const user of [bob, cid, bob]) assertStatus(await change('PUT', user), 204);
    assert.deepEqual(usersIn(await ask(ada, 'GET', path)), [bob.xuid, cid.xuid]);
    assert.deepEqual(usersIn(await ask(ada, 'GET', `${of(ada)}/people/${list}`)), [
      bob.xuid,
      cid.xuid,
    ]);
    for (let i = 0; i < 2; i += 1) assertStatus(await change('DELETE', bob), 204);
    assert.deepEqual(usersIn(await ask(ada, 'GET', path)), [cid.xuid]);
    assertSocialRefusal(await change('PUT', ada), 400, 'requestInvalid', 1015);
    for (const body of [{}, { xuid: 7 }, { xuids: [bob.xuid] }]) {
      assertSocialRefusal(await ask(ada, 'PUT', path, body), 400, 'requestInvalid', 1015);
    }
    assertRefused(await ask(ada, 'DELETE', path), 400, 'bodyNotJson');
  }
  assert.deepEqual(xuidsIn(await ask(ada, 'GET', `${me}/people`)), [], 'no list is another');
});

/** @source docs/wire/people.md "People" */
test('a mute list has 250 people and no more', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const mute = (n: number) => ask(ada, 'PUT', `${me}/people/mute`, { xuid: String(n) });
  for (const answer of await Promise.all(Array.from({ length: 250 }, (_, i) => mute(i)))) {
    assertStatus(answer, 204);
  }
  assertSocialRefusal(await mute(250), 400, 'listFull', 1028);
  assertStatus(await mute(3), 204);
});

/** @source docs/wire/rta.md "Life of a connection", docs/wire/rta.md "Frames" */
test('changes of the list of friends are pushed to those who watch it, and of other lists not', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = three(kit);
  for (const scheme of ['https', 'http']) {
    await using line = await ada.connect();
    const [, , code, id] = await line.subscribe(
      `${scheme}://social.xboxlive.com/users/xuid(${ada.xuid})/friends`,
    );
    assert.equal(code, 0);
    await ada.client.avoid(cid.xuid);
    await ada.follow(bob, cid);
    await ada.follow(bob);
    await bob.follow(ada);
    const favor = { xuids: [cid.xuid] };
    assertStatus(await ask(ada, 'POST', `${me}/people/favorites/xuids?method=add`, favor), 204);
    const leaves = `${me}/people/follower/xuid(${ada.xuid})`;
    assertStatus(await ask(bob, 'DELETE', leaves), 204);
    await ada.client.unfollow([bob.xuid, cid.xuid]);

    const heard = [];
    for (let i = 0; i < 4; i += 1) heard.push(await line.nextFrame());
    assert.deepEqual(heard, [
      [3, id, { NotificationType: 'Added', Xuids: [bob.xuid, cid.xuid] }],
      [3, id, { NotificationType: 'Changed', Xuids: [cid.xuid] }],
      [3, id, { NotificationType: 'Removed', Xuids: [bob.xuid] }],
      [3, id, { NotificationType: 'Removed', Xuids: [cid.xuid] }],
    ]);
    assert.deepEqual(await line.framesSoFar(), []);
  }
});

/** @source docs/wire/unknowns.md "blocking somebody who is followed" */
test('blocking touches no other list', async () => {
  await using kit = await startKit();
  const [ada, bob] = three(kit);
  await ada.follow(bob);
  await bob.follow(ada);
  await ada.client.avoid(bob.xuid);
  const [seen = assert.fail()] = peopleIn(await ask(ada, 'GET', `${me}/people`));
  assert.deepEqual([seen.xuid, seen.isFollowingCaller], [bob.xuid, true]);
  await ada.client.unfollow([bob.xuid]);
  assert.deepEqual(usersIn(await ask(ada, 'GET', `${me}/people/avoid`)), [bob.xuid]);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/people.md "People" */
test('a mute keeps nobody from inviting', async () => {
  await using kit = await startKit();
  const [ada, bob] = three(kit);
  const { reference } = await newSession(kit, ada);
  await bob.client.mute(ada.xuid);
  assertStatus(await ada.postHandle(inviteTo(reference, bob.xuid)), 201);
});
