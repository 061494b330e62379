/** Sessions of thousands, whose members are shown nobody but themselves. @source docs/wire/sessions.md "Large sessions" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { at, isAimed, joinBody, type Kit, type KitUser, startKit } from '../../src/testing/kit.ts';
import { assertRefusedBy, assertStatus, leave, needsClock, reserve } from './answers.ts';
import { blankTemplate, newSession, read } from './new-session.ts';

const skip = isAimed && needsClock;

/** A large session that `ada` has created and is active in. */
async function largeSession(kit: Kit, constants: JsonObject = {}) {
  const ada = kit.user('ada');
  const made = await newSession(kit, ada, {
    constants: { maxMembersCount: 10_000, capabilities: { large: true }, ...constants },
  });
  return { ada, ...made };
}

function users(kit: Kit, count: number): readonly KitUser[] {
  return Array.from({ length: count }, (_, n) => kit.user(`user-${n}`));
}

// @source docs/wire/sessions.md "Large sessions", docs/wire/sessions.md "The document", docs/wire/clients.md "What clients need", docs/wire/unknowns.md "membersInfo of a large session"
test('S5 everybody sees only themselves, as `me`, and everybody is counted', async () => {
  await using kit = await startKit();
  const { ada, reference } = await largeSession(kit);
  for (const user of users(kit, 120)) assertStatus(await user.join(reference), 200);

  const [own, other, stranger] = await Promise.all([
    read(ada, reference),
    read(kit.user('user-119'), reference),
    read(kit.user('stranger'), reference),
  ]);

  assert.deepEqual(Object.keys(own.json.members as JsonObject), ['me']);
  assert.equal(at(own.json, 'members.me.constants.system.xuid'), ada.xuid);
  assert.equal(at(own.json, 'members.me.constants.system.index'), 0);
  assert.equal(at(other.json, 'members.me.constants.system.index'), 120);
  assert.deepEqual(stranger.json.members, {});
  for (const { json } of [own, other, stranger]) {
    assert.equal(at(json, 'membersInfo.count'), 121);
    assert.equal(at(json, 'membersInfo.accepted'), 121);
    assert.equal(at(json, 'membersInfo.active'), 121);
    assert.equal(at(json, 'membersInfo.next'), 121);
  }
});

// @source docs/wire/sessions.md "Members", docs/wire/sessions.md "Large sessions"
test('a member writes and reads back its own, groups and encounters too', async () => {
  await using kit = await startKit();
  const { ada, reference } = await largeSession(kit);
  const bob = kit.user('bob');
  assertStatus(await bob.join(reference), 200);
  const mine = { system: { groups: ['squad-1'], encounters: ['boss'] }, custom: { level: 7 } };

  assertStatus(await bob.putSession(reference, { members: { me: { properties: mine } } }), 200);

  const { json } = await read(bob, reference);
  assert.deepEqual(at(json, 'members.me.properties.system.groups'), ['squad-1']);
  assert.deepEqual(at(json, 'members.me.properties.custom'), { level: 7 });
  assert.equal(
    at((await read(ada, reference)).json, 'members.me.properties.custom.level'),
    undefined,
  );
});

// @source docs/wire/sessions.md "PUT"
test('a write that says what holds already changes nothing', async () => {
  await using kit = await startKit();
  const { ada, reference } = await largeSession(kit);
  const custom = { members: { me: { properties: { custom: { level: 7 } } } } };
  const first = assertStatus(await ada.putSession(reference, custom), 200);
  const again = assertStatus(await ada.putSession(reference, custom), 200);
  assert.equal(again.etag, first.etag);
});

// @source docs/wire/sessions.md "Large sessions"
for (const [what, body] of [
  ['a reservation', (other: KitUser) => reserve(other)],
  ['the removal of somebody else', () => ({ members: { 1: null } })],
  ['a subscription', () => ({ members: { me: { properties: { system: { subscription } } } } })],
  ['a turn', () => ({ properties: { system: { turn: [0] } } })],
  ['a host', () => ({ properties: { system: { host: 'f'.repeat(32) } } })],
  // @source docs/wire/unknowns.md "restrictions of a large session"
  ['a restriction', () => ({ properties: { system: { joinRestriction: 'followed' } } })],
] as const satisfies readonly (readonly [string, (other: KitUser) => JsonObject])[]) {
  test(`${what} is refused`, async () => {
    await using kit = await startKit();
    const { ada, reference } = await largeSession(kit);
    const bob = kit.user('bob');
    assertStatus(await bob.join(reference), 200);
    const before = await read(ada, reference);

    assertRefusedBy(
      await ada.putSession(reference, body(kit.user('cyd'))),
      409,
      'notInLargeSession',
    );

    assert.equal((await read(ada, reference)).etag, before.etag);
  });
}

const subscription = {
  id: '81a3266d-0000-4000-8000-000000000000',
  changeTypes: ['everything'],
};

// @source docs/wire/unknowns.md "owners and roles of a large session"
for (const [what, body] of [
  ['owners', { constants: { system: { capabilities: { large: true, hasOwners: true } } } }],
  [
    'role types',
    {
      constants: { system: { capabilities: { large: true } } },
      roleTypes: { team: { roles: { red: { max: 2 } } } },
    },
  ],
] as const satisfies readonly (readonly [string, JsonObject])[]) {
  // @source docs/wire/unknowns.md "owners and roles of a large session"
  test(`a large session with ${what} is refused`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const reference = kit.reference(blankTemplate);

    const answer = await ada.putSession(reference, { ...body, ...joinBody() });

    assert.ok([400, 409].includes(answer.status), answer.text);
    assert.match(answer.text, /large/);
    assertStatus(await ada.getSession(reference), 204);
  });
}

// @source docs/wire/sessions.md "Access"
test('the seats are counted, for all kinds of users', async () => {
  await using kit = await startKit();
  const { reference } = await largeSession(kit, { maxMembersCount: 101 });
  for (const user of users(kit, 100)) assertStatus(await user.join(reference), 200);
  const late = kit.user('late');
  assertRefusedBy(await late.join(reference), 400, 'sessionFull');

  assertStatus(await kit.user('user-50').putSession(reference, leave), 200);
  assertStatus(await late.join(reference), 200);
});

// @source docs/wire/sessions.md "PUT"
test('the session ends with its last member', async () => {
  await using kit = await startKit();
  const { ada, reference } = await largeSession(kit);
  const all = [ada, ...users(kit, 20)];
  for (const user of all.slice(1)) assertStatus(await user.join(reference), 200);

  const left = await Promise.all(all.map((user) => user.putSession(reference, leave)));

  assert.equal(left.filter(({ status }) => status === 204).length, 1);
  assertStatus(await ada.getSession(reference), 204);
});

// @source docs/wire/sessions.md "PUT"
test('many who join at once are all in, each with a seat of its own', async () => {
  await using kit = await startKit();
  const { reference } = await largeSession(kit);
  const all = users(kit, 60);

  await Promise.all(all.map(async (user) => assertStatus(await user.join(reference), 200)));

  const indexes = await Promise.all(
    all.map(async (user) =>
      at((await read(user, reference)).json, 'members.me.constants.system.index'),
    ),
  );
  assert.equal(new Set(indexes).size, 60);
  assert.equal(at((await read(all[0] as KitUser, reference)).json, 'membersInfo.count'), 61);
});

// @source docs/wire/time.md "Time"
test('time moves hundreds of members, a step each', { skip }, async () => {
  await using kit = await startKit();
  const { ada, reference } = await largeSession(kit, {
    readyRemovalTimeout: 5_000,
    inactiveRemovalTimeout: 60_000,
  });
  const all = users(kit, 150);
  for (const user of all) {
    assertStatus(
      await user.join(reference, { properties: { system: { active: false, ready: true } } }),
      200,
    );
  }

  await kit.advance(5_000);
  const demoted = await read(all[149] as KitUser, reference);
  assert.equal(at(demoted.json, 'membersInfo.count'), 151);
  assert.equal(at(demoted.json, 'members.me.properties.system.ready'), undefined);

  await kit.advance(60_000);
  assert.equal(at((await read(ada, reference)).json, 'membersInfo.count'), 1);
  const gone = await read(all[0] as KitUser, reference);
  assert.deepEqual(gone.json.members, {});
});

// @source docs/wire/unknowns.md "nextTimer of a large session"
test('nextTimer is about the caller alone', { skip }, async () => {
  await using kit = await startKit();
  const { ada, reference } = await largeSession(kit, { readyRemovalTimeout: 5_000 });
  const bob = kit.user('bob');
  const ready = { properties: { system: { active: false, ready: true } } };
  assertStatus(await bob.join(reference, ready), 200);

  const [own, other] = await Promise.all([read(bob, reference), read(ada, reference)]);

  assert.equal(Date.parse(String(own.json.nextTimer)), kit.nowMs() + 5_000);
  assert.equal(other.json.nextTimer, undefined);
  assert.equal(other.headers.get('expires'), null);
});

// @source docs/wire/handles.md "POST /handles"
test('a member of a large session can set it as activity, and loses it on leaving', async () => {
  await using kit = await startKit();
  const { ada, reference } = await largeSession(kit);
  const bob = kit.user('bob');
  assertStatus(await bob.join(reference), 200);
  const activity = { type: 'activity', version: 1, sessionRef: reference };
  const query = { type: 'activity', owners: { xuids: [bob.xuid] } };
  assertStatus(await bob.postHandle(activity), 201);
  const listed = async () => {
    const answer = await ada.request('POST', '/handles/query', { body: query });
    return (answer.json.results as readonly JsonObject[]).length;
  };
  assert.equal(await listed(), 1);

  assertStatus(await bob.putSession(reference, leave), 200);

  assert.equal(await listed(), 0);
  assertRefusedBy(await kit.user('cyd').postHandle(activity), 403, 'notAMember');
});

// @source docs/wire/sessions.md "Element URIs"
test('the element URIs know the own member alone', async () => {
  await using kit = await startKit();
  const { ada, reference } = await largeSession(kit);
  const path = formatSessionPath(reference);
  const bob = kit.user('bob');
  assertStatus(await bob.join(reference), 200);

  const me = assertStatus(await bob.request('GET', `${path}/members/me`), 200);
  assert.equal(at(me.json, 'constants.system.index'), 1);
  assertStatus(await bob.request('GET', `${path}/members/0`), 204);
  assertStatus(await bob.request('DELETE', `${path}/members/0`), 204);
  assert.deepEqual(
    Object.keys(assertStatus(await ada.request('GET', `${path}/members`), 200).json),
    ['me'],
  );
  assertStatus(await bob.request('DELETE', `${path}/members/me`), 200);
  assert.equal(at((await read(ada, reference)).json, 'membersInfo.count'), 1);
});

// @source docs/wire/sessions.md "Constants", docs/wire/sessions.md "Access"
test('titles in broadcastViewerTitleIds read a broadcast that is private', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = { ...kit.reference('blank'), name: ada.xuid };
  const viewers = { visibility: 'private', broadcastViewerTitleIds: ['1234567890'] };
  const capabilities = { large: true, broadcast: true };
  assertStatus(
    await ada.putSession(reference, {
      constants: { system: { maxMembersCount: 1_000, capabilities, ...viewers } },
      members: { me: { properties: { system: { active: true } } } },
    }),
    201,
  );
  assertStatus(await kit.user('viewer').getSession(reference), 200);
});
