/** Multiplayer Activity. @source docs/wire/activity.md "Activities" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  demoTitleId,
  isAimed,
  startKit,
  type KitAnswer,
  type KitUser,
} from '../../src/testing/kit.ts';
import { at } from '../../src/testing/kit.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import {
  assertMembers,
  assertNoNulls,
  assertRefused,
  assertStatus,
  needsClock,
} from './answers.ts';
import { ask, assertActivityRefusal } from './services.ts';

const titles = `/titles/${demoTitleId}`;
const own = (user: KitUser): string => `${titles}/users/${user.xuid}/activities`;

const activity = {
  connectionString: 'conn=1&host=x',
  joinRestriction: 'Followed',
  maxPlayers: 8,
  currentPlayers: 2,
  groupId: 'group-7',
} as const;

function put(user: KitUser, sequenceNumber: unknown, more: JsonObject = {}): Promise<KitAnswer> {
  return ask(user, 'PUT', own(user), { sequenceNumber, ...activity, ...more });
}

const remove = (user: KitUser, sequenceNumber: unknown): Promise<KitAnswer> =>
  ask(user, 'DELETE', own(user), { sequenceNumber });

const query = (asker: KitUser, ...users: readonly KitUser[]): Promise<KitAnswer> =>
  ask(asker, 'POST', `${titles}/activities/query`, { users: users.map(({ xuid }) => xuid) });

/** The activities of the n-th user that was asked for. */
const activitiesIn = (answer: KitAnswer, n = 0): readonly JsonObject[] => {
  assertStatus(answer, 200);
  return at(answer.json, `userActivities.${n}.activities`) as unknown as readonly JsonObject[];
};

/** @source docs/wire/activity.md "Activities" */
test('an activity that is set is read and queried', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  assertStatus(await ask(ada, 'GET', own(ada)), 204);
  const set = assertStatus(await put(ada, 57360893335), 204);
  assert.equal(set.text, '');

  const read = assertStatus(await ask(ada, 'GET', own(ada)), 200);
  assert.deepEqual(read.json, {
    sequenceNumber: '57360893335',
    titleId: Number(demoTitleId),
    ...activity,
  });
  const queried = await query(ada, ada, bob);
  assertMembers(queried.json, ['userActivities']);
  assert.deepEqual(queried.json.userActivities, [
    { userId: ada.xuid, activities: [read.json] },
    { userId: bob.xuid, activities: [] },
  ]);
  assertStatus(await remove(ada, 57360893413), 204);
  assertStatus(await ask(ada, 'GET', own(ada)), 204);
});

/** @source docs/wire/activity.md "Activities" */
test('what a title leaves out is left out, and null says the same', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const minimal = { connectionString: 'c', joinRestriction: 'public', platform: 'iOS' };
  const body = { sequenceNumber: 1, ...minimal, maxPlayers: null, groupId: null };
  assertStatus(await ask(ada, 'POST', own(ada), body), 204);
  const read = await ask(ada, 'GET', own(ada));
  assertNoNulls(read.json);
  assert.deepEqual(read.json, {
    sequenceNumber: '1',
    titleId: Number(demoTitleId),
    connectionString: 'c',
    joinRestriction: 'Public',
    platform: 'IOS',
  });
});

/** @source docs/wire/activity.md "Sequence numbers" */
test('an older number changes nothing, as a number or as a string, beyond 2^53 too', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const groupAfter = async (sequenceNumber: unknown, groupId: string) => {
    const body = JSON.stringify({ ...activity, groupId, sequenceNumber: '@' });
    const text = body.replace('"@"', String(sequenceNumber));
    assertStatus(await ask(ada, 'PUT', own(ada), text), 204);
    return (await ask(ada, 'GET', own(ada))).json.groupId;
  };
  assert.equal(await groupAfter('9007199254740992', 'a'), 'a');
  assert.equal(await groupAfter('9007199254740993', 'b'), 'b');
  assert.equal(await groupAfter('9007199254740993', 'c'), 'b');
  assert.equal(await groupAfter('9007199254740992', 'd'), 'b');
  assert.equal(await groupAfter('"9007199254740994"', 'e'), 'e');
  assert.equal(await groupAfter('"18446744073709551615"', 'f'), 'f');
  assert.equal(await groupAfter('5', 'g'), 'f');
  const read = await ask(ada, 'GET', own(ada));
  assert.equal(read.json.sequenceNumber, '18446744073709551615');
});

/** @source docs/wire/activity.md "Sequence numbers" */
test('a deleted activity does not come back with an older update', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  await put(ada, 10);
  assertStatus(await remove(ada, 9), 204);
  assertStatus(await ask(ada, 'GET', own(ada)), 200);
  assertStatus(await remove(ada, 12), 204);
  assertStatus(await put(ada, 11), 204);
  assertStatus(await ask(ada, 'GET', own(ada)), 204);
  await put(ada, 13);
  assertStatus(await ask(ada, 'GET', own(ada)), 200);
});

/** @source docs/wire/activity.md "Who sees the connection string" */
test('who may not join does not see how', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  await ada.follow(bob);
  await cid.follow(ada);
  let sequence = 0;
  const seenBy = async (user: KitUser) => {
    const [shown = assert.fail()] = activitiesIn(await query(user, ada));
    const alone = await ask(user, 'GET', own(ada));
    assert.deepEqual(alone.json, shown);
    return shown.connectionString !== undefined;
  };
  for (const [more, byBob, byCid] of [
    [{ joinRestriction: 'Public' }, true, true],
    [{ joinRestriction: 'Followed' }, true, false],
    [{ joinRestriction: 'InviteOnly' }, false, false],
    [{ joinRestriction: 'Public', currentPlayers: 8 }, false, false],
    [{ joinRestriction: 'Public', currentPlayers: 8, maxPlayers: null }, true, true],
  ] as const) {
    sequence += 1;
    await put(ada, sequence, more);
    const shown = JSON.stringify(more);
    assert.equal(await seenBy(bob), byBob, shown);
    assert.equal(await seenBy(cid), byCid, shown);
    assert.equal(await seenBy(ada), true, shown);
    assert.equal(await seenBy(kit.service()), true, shown);
  }
});

/** @source docs/wire/unknowns.md "activities of who blocked the viewer" */
test('who is blocked by the owner does not see how to join', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  await put(ada, 1, { joinRestriction: 'Public' });
  assertStatus(await ask(ada, 'PUT', '/users/me/people/avoid', { xuid: bob.xuid }), 204);
  assert.equal(activitiesIn(await query(bob, ada))[0]?.connectionString, undefined);
});

/** @source docs/wire/activity.md "Errors" */
test('bodies that are not as they must be are refused in the format of the service', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const invalid = (answer: KitAnswer) =>
    assertActivityRefusal(answer, 'RequestValidationError', 'requestInvalid');
  for (const sequenceNumber of [0, -1, 1.5, 'x', '', null, '18446744073709551616', true]) {
    invalid(await put(ada, sequenceNumber));
    invalid(await remove(ada, sequenceNumber));
  }
  for (const more of [
    { connectionString: 'x'.repeat(513) },
    { connectionString: 1 },
    { joinRestriction: 'Everybody' },
    { maxPlayers: 1 },
    { maxPlayers: 101 },
    { currentPlayers: 0 },
    { currentPlayers: 101 },
    { groupId: 'x'.repeat(128) },
    { platform: 'Amiga' },
    { unheardOf: 1 },
  ]) {
    invalid(await put(ada, 1, more as JsonObject));
  }
  for (const missing of ['connectionString', 'joinRestriction', 'sequenceNumber']) {
    const body = Object.fromEntries(
      Object.entries({ sequenceNumber: 1, ...activity }).filter(([name]) => name !== missing),
    );
    invalid(await ask(ada, 'PUT', own(ada), body));
  }
  assertStatus(await ask(ada, 'GET', own(ada)), 204);
  const bounds = { connectionString: 'x'.repeat(512), groupId: 'x'.repeat(127), maxPlayers: 100 };
  assertStatus(await put(ada, 1, bounds), 204);

  const tooMany = Array.from({ length: 31 }, (_, n) => String(n));
  for (const users of [tooMany, ['x'], [1], 'all', undefined]) {
    const asked = await ask(ada, 'POST', `${titles}/activities/query`, { users });
    assertActivityRefusal(asked, 'InvalidRequest', 'requestInvalid');
  }
  assertStatus(
    await ask(ada, 'POST', `${titles}/activities/query`, { users: tooMany.slice(1) }),
    200,
  );
  for (const path of ['/titles/x/users/1/activities', `${titles}/users/ada/activities`]) {
    invalid(await ask(ada, 'GET', path));
  }
  assertRefused(await kit.request('GET', own(ada)), 401, 'notAuthenticated');
});

/** @source docs/wire/activity.md "Errors" */
test('users write of themselves in their title, services of anybody', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const refused = (answer: KitAnswer, code = 'activityNotYours' as const) =>
    assertActivityRefusal(answer, 'AuthorizationError', code);
  const body = { sequenceNumber: 1, ...activity };
  refused(await ask(bob, 'PUT', own(ada), body));
  refused(await ask(bob, 'DELETE', own(ada), { sequenceNumber: 5 }));
  refused(await ask(ada, 'PUT', `/titles/77/users/${ada.xuid}/activities`, body));
  refused(await ask(ada, 'POST', '/titles/77/activities/query', { users: [] }));
  assertStatus(await ask(kit.service(), 'PUT', own(ada), body), 204);
  assertStatus(await ask(ada, 'GET', own(ada)), 200);
  const child = kit.user('child', { prv: '252' });
  const answer = await put(child, 1);
  assertActivityRefusal(answer, 'AuthorizationError', 'privilegeMissing');
});

/** @source docs/wire/activity.md "Activities" */
test('the dashboard sees the activities of all titles', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const anywhere = kit.user('ada', { tid: '77' });
  await put(ada, 1);
  await ask(anywhere, 'PUT', `/titles/77/users/${ada.xuid}/activities`, {
    sequenceNumber: 1,
    ...activity,
  });
  const found = await ask(ada, 'POST', '/activities/query/dashboard', { users: [ada.xuid] });
  const ids = activitiesIn(found).map(({ titleId }) => titleId);
  assert.deepEqual(new Set(ids), new Set([Number(demoTitleId), 77]));
  assert.deepEqual(
    activitiesIn(await query(ada, ada)).map(({ titleId }) => titleId),
    [Number(demoTitleId)],
  );
});

/** @source docs/wire/activity.md "How long an activity lasts" */
test('an activity ends 24 hours after its last update', {
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit({ settings: { presenceTimeoutMs: 0 } });
  const ada = kit.user('ada');
  await put(ada, 10);
  await kit.advance(86_399_999);
  assertStatus(await ask(ada, 'GET', own(ada)), 200);
  await kit.advance(1);
  assertStatus(await ask(ada, 'GET', own(ada)), 204);
  // Nothing is remembered of it: any number will do.
  assertStatus(await put(ada, 3), 204);
  assertStatus(await ask(ada, 'GET', own(ada)), 200);
});

/** @source docs/wire/activity.md "How long an activity lasts" */
test('an activity ends when nothing is seen of its user', {
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit({ settings: { presenceTimeoutMs: 300_000 } });
  const [ada, bob] = kit.users('ada', 'bob');
  await put(ada, 1, { joinRestriction: 'Public' });
  await kit.advance(299_999);
  assert.equal(activitiesIn(await query(bob, ada)).length, 1);
  assertStatus(await ask(ada, 'GET', '/users/me/people'), 200);
  await kit.advance(299_999);
  assert.equal(activitiesIn(await query(bob, ada)).length, 1);
  await kit.advance(1);
  assert.equal(activitiesIn(await query(bob, ada)).length, 0);
  // Who comes back plays on.
  assertStatus(await ask(ada, 'GET', own(ada)), 200);

  const cid = kit.user('cid');
  await ask(kit.service(), 'PUT', own(cid), { sequenceNumber: 1, ...activity });
  await kit.advance(600_000);
  assert.equal(activitiesIn(await query(bob, cid)).length, 1, 'a service speaks for its users');
});

/** @source docs/wire/activity.md "How long an activity lasts" */
test('an activity ends with the presence in its title', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const presence = '/users/me/devices/current/titles/current';
  await ask(ada, 'POST', presence, { state: 'active' });
  await put(ada, 1, { joinRestriction: 'Public' });
  assert.equal(activitiesIn(await query(bob, ada)).length, 1);
  assertStatus(await ask(ada, 'DELETE', presence), 204);
  assert.equal(activitiesIn(await query(bob, ada)).length, 0);
});
