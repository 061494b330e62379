/** POST /handles, type activity: what a user is doing now. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import {
  at,
  demoScid,
  demoTitleId,
  isAimed,
  startKit,
  type KitUser,
} from '../../src/testing/kit.ts';
import {
  activityOf,
  apartFromChangeNumber,
  assertHandlesRefused,
  assertMembers,
  assertNoNulls,
  assertRefused,
  assertStatus,
  etagPattern,
  gather,
  guidPattern,
  handleId,
  idsOf,
  leave,
  queryActivities,
  reserve,
  timePattern,
} from './answers.ts';
import { subscriber } from './subscriber.ts';

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need" */
test('H1 POST activity answers 201, Location, Content-Location and the handle', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);

  const made = await ada.postHandle(activityOf(reference));

  assertStatus(made, 201);
  assert.equal(made.headers.get('content-type'), 'application/json');
  assert.equal(made.headers.get('cache-control'), 'no-cache, no-store');
  const id = made.json.id as string;
  assert.match(id, guidPattern);
  assert.equal(made.headers.get('location'), `/handles/${id}`);
  assert.equal(made.headers.get('content-location'), `/handles/${id}`);
  assert.match(made.json.createTime as string, timePattern);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/README.md "Every answer" */
test('the body of an activity has its members and no others', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const session = await ada.getSession(reference);

  const { json } = await ada.postHandle(activityOf(reference));

  assertMembers(
    json,
    ['id', 'type', 'version', 'sessionRef', 'titleId', 'ownerXuid', 'createTime'],
    ['inviteProtocol', 'gameTypes'],
  );
  assertNoNulls(json);
  assert.equal(json.type, 'activity');
  assert.equal(json.version, 1);
  assert.deepEqual(json.sessionRef, { ...reference });
  assert.equal(json.titleId, demoTitleId);
  assert.equal(json.ownerXuid, ada.xuid);
  assert.equal(json.inviteProtocol, at(session.json, 'constants.system.inviteProtocol'));
});

/** @source docs/wire/callers.md "Callers", docs/wire/handles.md "POST /handles" */
test('an activity set with a token without a title has no titleId, and no null for it', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const { json } = await kit.request('POST', '/handles', {
    headers: {
      authorization: `XBL3.0 x=-;xuid=${ada.xuid}`,
      'x-xbl-contract-version': '107',
    },
    body: activityOf(reference),
  });
  assert.equal(json.ownerXuid, ada.xuid);
  assert.equal(Object.hasOwn(json, 'titleId'), false);
});

/** @source docs/wire/README.md "Words", docs/wire/handles.md "POST /handles" */
test('the sessionRef comes back in the letter case of the request', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { name } = await gather(kit, [ada]);
  const written = {
    scid: demoScid.toUpperCase(),
    templateName: 'DeathMatch',
    name: name.toUpperCase(),
  };

  const made = await ada.postHandle(activityOf(written));

  assertStatus(made, 201);
  assert.deepEqual(made.json.sessionRef, written);
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), [made.json.id]);
});

/** @source docs/wire/handles.md "POST /handles" */
test('the literal example of the source page works', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const example = `{
    "version": 1,
    "type": "activity",
    "sessionRef": {
      "scid": "bd6c41c3-01c3-468a-a3b5-3e0fe8133862",
      "templateName": "deathmatch",
      "name": "session-49"
    }
  }`;
  const reference = { scid: demoScid, templateName: 'deathmatch', name: 'session-49' };
  assert.ok([200, 201].includes((await ada.join(reference)).status));
  try {
    const made = await ada.postHandle(example);
    assertStatus(made, 201);
    assert.deepEqual(made.json.sessionRef, reference);
  } finally {
    await ada.putSession(reference, leave);
  }
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need" */
test('H2 setting an activity raises changeNumber by one, changes the ETag and nothing else', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const before = await ada.getSession(reference);

  assertStatus(await ada.postHandle(activityOf(reference)), 201);

  const after = await ada.getSession(reference);
  assert.equal(after.json.changeNumber, (before.json.changeNumber as number) + 1);
  assert.match(after.etag ?? '', etagPattern);
  assert.notEqual(after.etag, before.etag);
  assert.deepEqual(apartFromChangeNumber(after), apartFromChangeNumber(before));
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "A recorded lobby" */
test('H2 a synchronized write that raced with an activity fails with the new ETag', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const before = await ada.getSession(reference);
  assertStatus(await ada.postHandle(activityOf(reference)), 201);

  const pending = { properties: { custom: { GameSessionTransferHandle: `pending~${ada.xuid}` } } };
  const raced = await ada.putSession(reference, pending, { ifMatch: before.etag });
  assert.equal(raced.status, 412);
  assertStatus(await ada.putSession(reference, pending, { ifMatch: raced.etag }), 200);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need" */
test('H3 an activity set again replaces the former one: a query finds exactly one', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const first = handleId(await ada.postHandle(activityOf(reference)));
  const second = handleId(await ada.postHandle(activityOf(reference)));

  assert.notEqual(first, second);
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), [second]);
  assertRefused(await ada.request('GET', `/handles/${first}`), 404, 'handleUnknown', first);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need", docs/wire/unknowns.md "one activity for each user and service config" */
test('H3 an activity in another session of the service config replaces the former one', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await gather(kit, [ada]);
  const game = await gather(kit, [ada]);
  const inLobby = handleId(await ada.postHandle(activityOf(lobby)));
  const inGame = handleId(await ada.postHandle(activityOf(game)));

  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), [inGame]);
  assertRefused(await ada.request('GET', `/handles/${inLobby}`), 404, 'handleUnknown');
});

/** @source docs/wire/handles.md "POST /handles" */
test('H3 activities of two members of one session stand side by side', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada, bob]);
  const ofAda = handleId(await ada.postHandle(activityOf(reference)));
  const ofBob = handleId(await bob.postHandle(activityOf(reference)));
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid, bob.xuid])), [ofAda, ofBob]);
});

/** @source docs/wire/sessions.md "PUT" */
test('activities that all members set at once all count, each as one change', async () => {
  await using kit = await startKit();
  const users = kit.users('ada', 'bob', 'cid', 'dot', 'eve', 'fay');
  const [ada, ...others] = users as [KitUser, ...KitUser[]];
  const reference = await gather(kit, [ada, ...others]);
  const before = await ada.getSession(reference);

  const made = await Promise.all(users.map((user) => user.postHandle(activityOf(reference))));

  const found = await queryActivities(
    ada,
    users.map(({ xuid }) => xuid),
  );
  assert.deepEqual(idsOf(found), made.map(handleId));
  const after = await ada.getSession(reference);
  assert.equal(after.json.changeNumber, (before.json.changeNumber as number) + users.length);
});

/** @source docs/wire/handles.md "POST /handles" */
test('an activity set while its owner leaves is no ghost', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  for (let round = 0; round < 10; round += 1) {
    const reference = await gather(kit, [ada, bob]);
    const [made, left] = await Promise.all([
      ada.postHandle(activityOf(reference)),
      ada.putSession(reference, leave),
    ]);
    assertStatus(left, 200);
    assert.deepEqual(idsOf(await queryActivities(bob, [ada.xuid])), []);
    if (made.status === 201) {
      const read = await bob.request('GET', `/handles/${made.json.id}`);
      assertRefused(read, 404, 'handleUnknown');
    } else {
      assertRefused(made, 403, 'notAMember');
    }
  }
});

/** @source docs/wire/handles.md "POST /handles" */
test('of two activities that one user sets at once in two sessions, one stands', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  for (let round = 0; round < 5; round += 1) {
    const [lobby, game] = [await gather(kit, [ada]), await gather(kit, [ada])];
    const made = await Promise.all(
      [lobby, game].map((reference) => ada.postHandle(activityOf(reference))),
    );
    const found = idsOf(await queryActivities(ada, [ada.xuid]));
    assert.equal(found.length, 1);
    const reads = await Promise.all(
      made.map((one) => ada.request('GET', `/handles/${handleId(one)}`)),
    );
    const live = reads.filter(({ status }) => status === 200).map(({ json }) => json.id);
    assert.deepEqual(live, found);
  }
});

/** @source docs/wire/handles.md "POST /handles" */
test('of two activities that two users set at once with one id, one is made', async () => {
  await using kit = await startKit();
  for (let round = 0; round < 5; round += 1) {
    const [ada, bob] = [kit.user(`ada-${round}`), kit.user(`bob-${round}`)];
    const id = randomUUID();
    const sessions = [await gather(kit, [ada]), await gather(kit, [bob])] as const;
    const answers = await Promise.all([
      ada.postHandle({ id, ...activityOf(sessions[0]) }),
      bob.postHandle({ id, ...activityOf(sessions[1]) }),
    ]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409]);
    const [winner] = answers.filter(({ status }) => status === 201);
    const found = await queryActivities(ada, [ada.xuid, bob.xuid]);
    assert.deepEqual(found.json.results, [winner?.json]);
  }
});

/** @source docs/wire/handles.md "POST /handles" */
test('only an accepted member may set a session as activity; a refusal changes nothing', async (t) => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const reference = await gather(kit, [ada]);
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);
  const before = await ada.getSession(reference);

  await t.test('a stranger', async () => {
    assertRefused(await eve.postHandle(activityOf(reference)), 403, 'notAMember', reference.name);
  });
  await t.test('a user who is merely reserved', async () => {
    assertRefused(await bob.postHandle(activityOf(reference)), 403, 'notAMember');
  });
  await t.test('a game service, which has no xuid', async () => {
    assertRefused(await kit.service().postHandle(activityOf(reference)), 403, 'userRequired');
  });

  const after = await ada.getSession(reference);
  assert.equal(after.etag, before.etag);
  assert.deepEqual(idsOf(await queryActivities(ada, [bob.xuid, eve.xuid])), []);
});

/** @source docs/wire/handles.md "POST /handles" */
test('a session that does not exist cannot be an activity, and is not created', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();
  assertRefused(await ada.postHandle(activityOf(reference)), 403, 'notAMember', reference.name);
  assert.equal((await ada.getSession(reference)).status, 204);
});

/** @source docs/wire/handles.md "POST /handles" */
test('a member who is not active sets no activity, and none is listed', async (t) => {
  await using kit = await startKit();
  const me = (system: JsonObject) => ({ members: { me: { properties: { system } } } });
  const rows: readonly (readonly [what: string, ...writes: readonly JsonObject[]])[] = [
    ['joined inactive', me({})],
    ['is ready', me({ ready: true })],
    ['was active', me({ active: true }), me({ active: false, ready: false })],
  ];
  for (const [what, ...writes] of rows) {
    await t.test(what, async () => {
      const user = kit.user(what);
      const reference = kit.reference();
      for (const write of writes) await user.putSession(reference, write);
      assertRefused(await user.postHandle(activityOf(reference)), 403, 'notActive');
      assert.deepEqual(idsOf(await queryActivities(user, [user.xuid])), []);
      assertStatus(await user.putSession(reference, me({ active: true })), 200);
      const made = await user.postHandle(activityOf(reference));
      assertStatus(made, 201);
      assert.deepEqual(idsOf(await queryActivities(user, [user.xuid])), [handleId(made)]);
    });
  }
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/unknowns.md "connections that nobody knows" */
test('who wrote a connection that has ended sets no activity, while writes go on', {
  skip: isAimed && 'it waits for its own server to know',
}, async () => {
  await using kit = await startKit({ isShared: false });
  await using ada = await subscriber(kit.user('ada'));
  const reference = kit.reference();
  const connection = await ada.line.connectionId();
  const active = { members: { me: { properties: { system: { active: true, connection } } } } };
  assertStatus(await ada.user.putSession(reference, active), 201);
  assertStatus(await ada.user.postHandle(activityOf(reference)), 201);
  await ada.line.cut();
  await kit.untilConnected(0);

  assertStatus(await ada.user.putSession(reference, active), 200);
  assertRefused(await ada.user.postHandle(activityOf(reference)), 403, 'notActive');
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/unknowns.md "connections that nobody knows" */
test('the activity of who wrote a connection that nobody knows is listed', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();
  const connection = randomUUID();
  const active = { members: { me: { properties: { system: { active: true, connection } } } } };
  assertStatus(await ada.putSession(reference, active), 201);
  const made = await ada.postHandle(activityOf(reference));
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), [handleId(made)]);
});

/** @source docs/wire/handles.md "POST /handles" */
test('version may be left out, and is 1', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { version: _, ...body } = activityOf(await gather(kit, [ada]));

  const made = await ada.postHandle(body);

  assertStatus(made, 201);
  assert.equal(made.json.version, 1);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/unknowns.md "an activity without a session name" */
test('a left-out name is filled in with a GUID, and no session is created', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { name: _, ...sessionRef } = kit.reference();

  const made = await ada.postHandle({ version: 1, type: 'activity', sessionRef });

  assertStatus(made, 201);
  const name = at(made.json, 'sessionRef.name') as string;
  assert.match(name, guidPattern);
  assert.equal((await ada.getSession({ ...sessionRef, name })).status, 204);
  const other = await ada.postHandle({ version: 1, type: 'activity', sessionRef });
  assert.notEqual(at(other.json, 'sessionRef.name'), name);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/unknowns.md "an activity without a session name" */
test('an activity without a session counts once the session has its owner as a member', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { name: _, ...sessionRef } = kit.reference();
  const made = await ada.postHandle({ version: 1, type: 'activity', sessionRef });
  const id = handleId(made);
  const read = await ada.request('GET', `/handles/${id}`);
  assertStatus(read, 200);
  assert.deepEqual(read.json, made.json);
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid], 'relatedInfo')), []);

  const name = at(made.json, 'sessionRef.name') as string;
  assertStatus(await ada.join({ ...sessionRef, name }), 201);

  const found = await queryActivities(ada, [ada.xuid], 'relatedInfo');
  assert.deepEqual(idsOf(found), [id]);
  assert.equal(at(found.json, 'results.0.relatedInfo.membersCount'), 1);
});

/** @source docs/wire/handles.md "POST /handles" */
test('an activity repeated with its id is the same activity, and no second change', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada, bob]);
  const elsewhere = await gather(kit, [ada]);
  const body = { id: randomUUID(), ...activityOf(reference) };
  const first = await ada.postHandle(body);
  assert.equal(handleId(first), body.id);
  const before = await ada.getSession(reference);

  const again = await ada.postHandle(body);

  assertStatus(again, 200);
  assert.deepEqual(again.json, first.json);
  assert.equal(again.headers.get('location'), `/handles/${body.id}`);
  assert.equal(again.headers.get('content-location'), `/handles/${body.id}`);
  assert.equal((await ada.getSession(reference)).etag, before.etag);
  const other = { ...body, ...activityOf(elsewhere) };
  assertRefused(await ada.postHandle(other), 409, 'handleIdTaken', body.id);
  assertRefused(await bob.postHandle(body), 409, 'handleIdTaken', body.id);
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid, bob.xuid])), [body.id]);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/unknowns.md "a POST repeated with its id" */
test('an activity repeated with its id after it has ended is set again', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada, bob]);
  const body = { id: randomUUID(), ...activityOf(reference) };
  assertStatus(await ada.postHandle(body), 201);
  await ada.putSession(reference, leave);
  assertRefused(await ada.request('GET', `/handles/${body.id}`), 404, 'handleUnknown');
  await ada.putSession(reference, {
    members: { me: { properties: { system: { active: true } } } },
  });

  const again = await ada.postHandle(body);

  assertStatus(again, 201);
  assertStatus(await ada.request('GET', `/handles/${body.id}`), 200);
  assert.deepEqual(idsOf(await queryActivities(bob, [ada.xuid])), [body.id]);
});

/** @source docs/wire/handles.md "POST /handles" */
test('of two activities sent with one id at once, one is set and the other leaves its session as it was', async () => {
  await using kit = await startKit();
  const users = [kit.user('ada'), kit.user('bob')];
  const references = await Promise.all(users.map((user) => gather(kit, [user])));
  const id = randomUUID();
  const of = <T>(list: readonly T[], at: number): T => list[at] ?? assert.fail();
  const etags = () =>
    Promise.all(users.map(async (user, i) => (await user.getSession(of(references, i))).etag));
  const before = await etags();

  const answers = await Promise.all(
    users.map((user, i) => user.postHandle({ id, ...activityOf(of(references, i)) })),
  );

  const winner = answers.findIndex(({ status }) => status === 201);
  const loser = 1 - winner;
  assertRefused(of(answers, loser), 409, 'handleIdTaken', id);
  const after = await etags();
  assert.equal(after[loser], before[loser]);
  assert.notEqual(after[winner], before[winner]);
  for (const [at, ids] of [
    [winner, [id]],
    [loser, []],
  ] as const) {
    const user = of(users, at);
    assert.deepEqual(idsOf(await queryActivities(user, [user.xuid])), ids);
  }
});

/** @source docs/wire/README.md "Every request" */
test('a body that is no activity is refused at the place that is wrong', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const valid = activityOf(reference);
  const before = await ada.getSession(reference);

  const wrong: readonly (readonly [path: string, values: readonly unknown[]])[] = [
    ['type', [undefined, null, 7, true, [], {}, '', 'party', 'activities']],
    ['version', [0, 2, -1, 1.5, '1', true, [], {}]],
    ['sessionRef', [undefined, null, 7, 'deathmatch', true, []]],
    ['sessionRef.scid', [undefined, null, 7, '', 'bd6c41c3', [], {}]],
    ['sessionRef.templateName', [undefined, null, 7, '', 'a/b', 'a~b', 'x'.repeat(101), [], {}]],
    [
      'sessionRef.name',
      [
        null,
        7,
        true,
        [],
        {},
        '',
        'x'.repeat(101),
        'a/b',
        'a~b',
        'a\\b',
        'a?b',
        'a#b',
        'a\nb',
        '\ud800',
      ],
    ],
    ['sessionRef.branch', ['x']],
    ['id', [null, 7, '', 'no-guid', '{47ca0049-a5ba-4bc1-aa22-fcf834ce4c13}', [], {}]],
    ['invitedXuid', ['3210']],
    ['inviteAttributes', [{ titleId: 1 }]],
    ['originSessionRef', [{ ...reference }]],
    ['searchAttributes', [{}]],
    ['ownerXuid', [ada.xuid]],
    ['extra', [null, 1, {}]],
    ['constructor', [{}]],
  ];
  await assertHandlesRefused(t, ada, valid, wrong);
  await t.test('a key named __proto__', async () => {
    const body = JSON.stringify(valid).replace('{', '{"__proto__":{"x":1},');
    assertRefused(await ada.postHandle(body), 400, 'requestInvalid', '__proto__');
  });

  assert.equal((await ada.getSession(reference)).etag, before.etag);
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), []);
});

/** @source docs/wire/README.md "Every request" */
test('a service config or template that is not configured answers 404', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const scid = randomUUID();
  const unknownConfig = await ada.postHandle(activityOf({ ...kit.reference(), scid }));
  assertRefused(unknownConfig, 404, 'serviceConfigUnknown', scid);
  const unknownTemplate = await ada.postHandle(activityOf(kit.reference('no-such-template')));
  assertRefused(unknownTemplate, 404, 'templateUnknown', 'no-such-template');
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/handles.md "Through a handle" */
test('the handle of an activity leads to its session', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const led = await ada.request('GET', `/handles/${id}/session`);
  assertStatus(led, 200);
  assert.equal(led.headers.get('content-location'), formatSessionPath(reference));
  assert.deepEqual(led.json, (await ada.getSession(reference)).json);
});
