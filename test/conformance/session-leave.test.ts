/** Leaving, and what goes with those who leave. @source docs/wire/sessions.md "PUT", docs/wire/time.md "Time", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, isAimed, joinBody, startKit } from '../../src/testing/kit.ts';
import {
  activityOf,
  assertRefusedBy,
  assertStatus,
  handleId,
  idsOf,
  leave,
  needsClock,
  queryActivities,
  transferTo,
} from './answers.ts';
import {
  anHourMs,
  assertCarriesDocument,
  blankTemplate,
  creation,
  indexOf,
  memberOf,
  newSession,
  read,
} from './new-session.ts';

// @source docs/wire/clients.md "What clients need"
test('W7 leaving answers 200 with the document without the member', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  const joined = assertStatus(await bob.join(reference), 200);

  const left = assertStatus(await ada.putSession(reference, leave), 200);

  assert.equal(memberOf(left.json, ada), undefined);
  assert.equal(left.json.changeNumber, Number(joined.json.changeNumber) + 1);
  assert.deepEqual(left.json.membersInfo, { first: 1, next: 2, count: 1, accepted: 1, active: 1 });
  assert.equal((await read(bob, reference)).etag, left.etag);
});

// @source docs/wire/sessions.md "PUT", docs/wire/clients.md "What clients need"
test('W8 the last member to leave is answered 204 without a body, and the session is gone', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);

  const answer = assertStatus(await ada.putSession(reference, leave), 204);

  assert.equal(answer.text, '');
  assert.equal(answer.etag, undefined);
  assert.equal(answer.headers.get('content-type'), null);
  assertStatus(await ada.getSession(reference), 204);
});

// @source docs/wire/sessions.md "PUT"
test('W7 a session that may stay empty outlives its last member', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    constants: { sessionEmptyTimeout: anHourMs },
    custom: { map: 'atoll' },
  });

  const left = assertStatus(await ada.putSession(reference, leave), 200);

  assert.deepEqual(left.json.members, {});
  assert.deepEqual(left.json.membersInfo, { first: 1, next: 1, count: 0, accepted: 0, active: 0 });
  const back = assertStatus(await ada.join(reference), 200);
  assert.equal(indexOf(back.json, ada), 1);
  assert.equal(at(back.json, 'properties.custom.map'), 'atoll');
  assert.equal(back.json.branch, left.json.branch);
});

// @source docs/wire/sessions.md "PUT"
test('a session with a reservation does not end when its last accepted member leaves', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    constants: { reservedRemovalTimeout: anHourMs },
  });
  await ada.putSession(reference, {
    members: { reserve_0: { constants: { system: { xuid: bob.xuid } } } },
  });

  const left = assertStatus(await ada.putSession(reference, leave), 200);

  assert.deepEqual(left.json.membersInfo, { first: 1, next: 2, count: 1, accepted: 0, active: 0 });
  assertStatus(await bob.putSession(reference, leave), 204);
});

// @source docs/wire/sessions.md "Members", docs/wire/sessions.md "The document"
test('who comes back has a new index and a new join time; the others keep theirs', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(
    await bob.join(reference, { properties: { system: { active: true }, custom: { score: 7 } } }),
    200,
  );
  assertStatus(await bob.putSession(reference, leave), 200);

  const { json } = assertStatus(await bob.join(reference), 200);

  assert.deepEqual(Object.keys(json.members as object), ['0', '2']);
  assert.equal(at(json, 'members.0.next'), 2);
  assert.equal(at(json, 'members.2.next'), 3);
  assert.equal(at(json, 'membersInfo.next'), 3);
  assert.deepEqual(at(json, 'members.2.properties.custom'), {}, 'nothing of the former life');
});

// @source docs/wire/sessions.md "Access"
// @source docs/wire/unknowns.md "leaving where one is not"
test('leaving a session of others that one is not in is refused', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const { reference, created } = await newSession(kit, ada);

  const answer = assertRefusedBy(await eve.putSession(reference, leave), 403, 'notAMember');

  assertCarriesDocument(answer);
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source docs/wire/sessions.md "PUT"
test('the write that leaves may still change properties', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);
  const body = { ...leave, properties: { custom: { lastWords: 'gg' } } };

  const { json } = assertStatus(await ada.putSession(reference, body), 200);

  assert.equal(at(json, 'properties.custom.lastWords'), 'gg');
  assert.equal(memberOf(json, ada), undefined);
});

// @source docs/wire/clients.md "What clients need", docs/wire/time.md "Time"
test('W24 who leaves has no activity any more', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);
  const id = handleId(await bob.postHandle(activityOf(reference)));
  assert.deepEqual(idsOf(await queryActivities(ada, [bob.xuid])), [id]);

  assertStatus(await bob.putSession(reference, leave), 200);

  assert.deepEqual(idsOf(await queryActivities(ada, [bob.xuid])), []);
  assertStatus(await ada.request('GET', `/handles/${id}`), 404);
  assertStatus(await ada.putSessionByHandle(id, joinBody()), 404);
});

// @source docs/wire/clients.md "What clients need", docs/wire/handles.md "POST /handles"
test('W24 who becomes inactive has no activity any more, nor when active again', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    constants: { inactiveRemovalTimeout: anHourMs },
  });
  assertStatus(await ada.postHandle(activityOf(reference)), 201);

  for (const active of [false, true]) {
    assertStatus(
      await ada.putSession(reference, { members: { me: { properties: { system: { active } } } } }),
      200,
    );
    assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), []);
  }
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "PUT"
test('W24 the handles of a deleted session are gone, and do not come back with its name', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await newSession(kit, ada);
  const game = await newSession(kit, ada);
  const transfer = handleId(await ada.postHandle(transferTo(game.reference, lobby.reference)));
  const activity = handleId(await ada.postHandle(activityOf(game.reference)));
  assertStatus(await ada.putSession(game.reference, leave), 204);

  const ids = [transfer, activity];
  for (const id of ids) assertStatus(await ada.request('GET', `/handles/${id}`), 404);
  assertStatus(await ada.putSession(game.reference, creation()), 201);
  for (const id of ids) {
    assertStatus(await ada.request('GET', `/handles/${id}`), 404);
    assertStatus(await ada.putSessionByHandle(id, joinBody()), 404);
  }
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), []);
});

// @source docs/wire/clients.md "What clients need", docs/wire/time.md "Time"
test('W24 the activity of a member that was removed for being away is gone', {
  skip: isAimed && needsClock,
}, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    constants: { inactiveRemovalTimeout: 60_000, readyRemovalTimeout: 1_000 },
  });
  assertStatus(await bob.join(reference), 200);
  const id = handleId(await bob.postHandle(activityOf(reference)));
  assertStatus(
    await bob.putSession(reference, {
      members: { me: { properties: { system: { active: false, ready: true } } } },
    }),
    200,
  );
  await kit.advance(1_000);
  await kit.advance(60_000);

  assert.equal(memberOf((await read(ada, reference)).json, bob), undefined);
  assertStatus(await ada.request('GET', `/handles/${id}`), 404);
});

const secureDeviceAddress = 'MS4xLjEuMQ==';

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "properties.system"
test('W25 host is cleared when the host leaves, and stays when somebody else does', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference } = await newSession(kit, ada, {
    constants: { capabilities: { connectivity: true } },
    me: { properties: { system: { active: true, secureDeviceAddress } } },
  });
  assertStatus(await bob.join(reference), 200);
  const { json } = assertStatus(await cyd.join(reference), 200);
  const host = at(json, 'members.0.deviceToken') ?? null;
  assertStatus(await ada.putSession(reference, { properties: { system: { host } } }), 200);

  const afterCyd = assertStatus(await cyd.putSession(reference, leave), 200);
  const afterAda = assertStatus(await ada.putSession(reference, leave), 200);

  assert.equal(at(afterCyd.json, 'properties.system.host'), host);
  assert.equal(at(afterAda.json, 'properties.system.host'), undefined);
});

// @source docs/wire/sessions.md "properties.system"
test('whose turn it was is not in the list any more after leaving', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);
  assertStatus(await ada.putSession(reference, { properties: { system: { turn: [0, 1] } } }), 200);

  const { json } = assertStatus(await ada.putSession(reference, leave), 200);

  assert.deepEqual(at(json, 'properties.system.turn'), [1]);
});

// @source docs/wire/sessions.md "PUT"
test('a session ends when a service removes its last member', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);

  assertStatus(await kit.service().putSession(reference, { members: { 0: null } }), 204);

  assertStatus(await ada.getSession(reference), 204);
});

// @source docs/wire/sessions.md "PUT"
test('the TypeScript client leaves a session twice without an error', async () => {
  await using kit = await startKit();
  const { client } = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  await client.writeSession(reference, {
    members: { me: { properties: { system: { active: true } } } },
  });

  assert.equal((await client.leaveSession(reference)).status, 'deleted');
  assert.equal((await client.leaveSession(reference)).status, 'deleted');
});
