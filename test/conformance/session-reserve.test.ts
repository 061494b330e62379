/** Seats kept for users. @source docs/wire/sessions.md "Members", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, isAimed, startKit } from '../../src/testing/kit.ts';
import {
  assertRefusedBy,
  assertStatus,
  leave,
  needsClock,
  reserve,
  timePattern,
} from './answers.ts';
import {
  anHourMs,
  assertCarriesDocument,
  assertIsText,
  indexOf,
  memberOf,
  newSession,
  ofMember,
  read,
} from './new-session.ts';

const patient = { constants: { reservedRemovalTimeout: anHourMs } };

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Members"
test('W9 reservations are members that are reserved, each under an index of its own', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference } = await newSession(kit, ada, patient);

  const { json } = assertStatus(await ada.putSession(reference, reserve(bob, cyd)), 200);

  assert.deepEqual(Object.keys(json.members as object), ['0', '1', '2']);
  assert.deepEqual(json.membersInfo, { first: 0, next: 3, count: 3, accepted: 1, active: 1 });
  for (const [user, index] of [
    [bob, 1],
    [cyd, 2],
  ] as const) {
    const { joinTime, ...member } = memberOf(json, user) ?? {};
    assert.match(String(joinTime), timePattern);
    assert.deepEqual(member, {
      next: index + 1,
      reserved: true,
      constants: { system: { xuid: user.xuid, index }, custom: {} },
      properties: { system: {}, custom: {} },
    });
  }
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Members"
test('W9 a reservation shows when it was made, and who took it when it was taken', {
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference, session } = await newSession(kit, ada, patient);
  const joinTimes = [];
  await kit.advance(10_000);
  const kept = assertStatus(await ada.putSession(reference, reserve(bob)), 200);
  joinTimes.push(ofMember(kept.json, bob, 'joinTime'));
  await kit.advance(10_000);
  const taken = assertStatus(await bob.join(reference), 200);
  joinTimes.push(ofMember(taken.json, bob, 'joinTime'));

  const start = Date.parse(String(session.startTime));
  assert.deepEqual(
    joinTimes.map((joinTime) => Date.parse(String(joinTime)) - start),
    [10_000, 20_000],
  );
});

// @source docs/wire/sessions.md "Members"
test('W9 the reserved user joins under the same index, with a gamertag and no longer reserved', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, patient);
  const kept = assertStatus(await ada.putSession(reference, reserve(bob)), 200);

  const { json } = assertStatus(await bob.join(reference), 200);

  assert.equal(indexOf(json, bob), indexOf(kept.json, bob));
  assert.equal(ofMember(json, bob, 'reserved'), undefined);
  assert.equal(ofMember(json, bob, 'gamertag'), bob.gamertag);
  assert.equal(ofMember(json, bob, 'properties.system.active'), true);
  assert.deepEqual(json.membersInfo, { first: 0, next: 2, count: 2, accepted: 2, active: 2 });
});

// @source docs/wire/sessions.md "Members"
test('who is only reserved may not reserve, nor write properties', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference } = await newSession(kit, ada, patient);
  const kept = assertStatus(await ada.putSession(reference, reserve(bob)), 200);

  for (const body of [reserve(cyd), { properties: { custom: { map: 'dunes' } } }, {}]) {
    const answer = assertRefusedBy(await bob.putSession(reference, body), 403, 'reservedOnly');
    assertCarriesDocument(answer);
  }
  assert.equal((await read(ada, reference)).etag, kept.etag);
});

// @source docs/wire/sessions.md "Members"
test('the write that takes a reservation may reserve as well', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference } = await newSession(kit, ada, patient);
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);

  const { json } = assertStatus(
    await bob.putSession(reference, {
      members: { me: {}, ...(reserve(cyd).members as object) },
    }),
    200,
  );

  assert.equal(ofMember(json, cyd, 'reserved'), true);
});

// @source docs/wire/clients.md "Multiplayer Manager"
test('the creating write may reserve', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = kit.reference();

  const { json } = assertStatus(
    await ada.putSession(reference, {
      members: {
        me: { properties: { system: { active: true } } },
        ...(reserve(bob).members as object),
      },
    }),
    201,
  );

  assert.equal(indexOf(json, ada), 0);
  assert.equal(indexOf(json, bob), 1);
  assert.equal(ofMember(json, bob, 'joinTime'), json.startTime);
});

// @source docs/wire/sessions.md "Members"
test('a seat for somebody who is in the session already changes nothing', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference } = await newSession(kit, ada, patient);
  assertStatus(await bob.join(reference), 200);
  const before = assertStatus(await ada.putSession(reference, reserve(cyd)), 200);

  const after = assertStatus(await ada.putSession(reference, reserve(ada, bob, cyd)), 200);

  assert.equal(after.etag, before.etag);
});

// @source docs/wire/sessions.md "Members"
test('two seats for one user are one seat', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, patient);

  const { json } = assertStatus(await ada.putSession(reference, reserve(bob, bob)), 200);

  assert.deepEqual(json.membersInfo, { first: 0, next: 2, count: 2, accepted: 1, active: 1 });
});

// @source docs/wire/sessions.md "Members"
test('more seats than the session has are refused, all of them', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference, created } = await newSession(kit, ada, { constants: { maxMembersCount: 2 } });

  const refused = assertRefusedBy(
    await ada.putSession(reference, reserve(bob, cyd)),
    400,
    'sessionFull',
  );
  assertIsText(refused);
  assert.equal((await read(ada, reference)).etag, created.etag);
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);
});

// @source docs/wire/sessions.md "Access"
test('a reserved seat is not given to somebody else', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference } = await newSession(kit, ada, {
    constants: { maxMembersCount: 2, reservedRemovalTimeout: anHourMs },
  });
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);

  assertRefusedBy(await eve.join(reference), 400, 'sessionFull');
  assertStatus(await bob.join(reference), 200);
});

// @source docs/wire/sessions.md "Members"
for (const keys of [['reserve_1'], ['reserve_0', 'reserve_2'], ['reserve_01']]) {
  test(`reservations must be numbered from 0 without gaps: ${keys.join(', ')}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, created } = await newSession(kit, ada);
    const members = Object.fromEntries(
      keys.map((key, i) => [key, { constants: { system: { xuid: `281463901161787${i}` } } }]),
    );

    assertIsText(
      assertRefusedBy(await ada.putSession(reference, { members }), 400, 'requestInvalid'),
    );
    assert.equal((await read(ada, reference)).etag, created.etag);
  });
}

// @source docs/wire/sessions.md "PUT"
for (const [what, seat] of [
  ['without a xuid', { constants: { system: {} } }],
  ['without constants', {}],
  ['of null', null],
  ['whose xuid is no number', { constants: { system: { xuid: 'ada' } } }],
  ['with properties', { constants: { system: { xuid: '1' } }, properties: {} }],
] as const) {
  test(`a reservation ${what} is refused`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference } = await newSession(kit, ada);

    const answer = assertRefusedBy(
      await ada.putSession(reference, { members: { reserve_0: seat } }),
      400,
      'requestInvalid',
    );
    assert.match(answer.detail ?? '', /^\$\.members\.reserve_0/);
  });
}

// @source docs/wire/sessions.md "Members"
test('custom constants of a reservation stay with the member', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, patient);
  const custom = { team: 'red', matchmakingResult: { initialTeam: 'red' } };
  const seat = { constants: { system: { xuid: bob.xuid }, custom } };
  assertStatus(await ada.putSession(reference, { members: { reserve_0: seat } }), 200);

  const { json } = assertStatus(await bob.putSession(reference, { members: { me: {} } }), 200);

  assert.deepEqual(ofMember(json, bob, 'constants.custom'), custom);
});

// @source docs/wire/sessions.md "Access"
test('who is reserved may decline', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, patient);
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);

  const { json } = assertStatus(await bob.putSession(reference, leave), 200);

  assert.equal(memberOf(json, bob), undefined);
  assert.equal(at(json, 'membersInfo.count'), 1);
});

// @source docs/wire/sessions.md "Servers"
test('a service reserves seats in a session that it creates', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = kit.reference();

  const { json } = assertStatus(await kit.service().putSession(reference, reserve(ada, bob)), 201);

  assert.deepEqual(json.membersInfo, { first: 0, next: 2, count: 2, accepted: 0, active: 0 });
  assertStatus(await ada.join(reference), 200);
});
