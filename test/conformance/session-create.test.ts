/** Sessions come to be by PUT, and only by PUT. @source docs/wire/sessions.md "PUT", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { at, demoScid, isAimed, joinBody, startKit } from '../../src/testing/kit.ts';
import {
  assertRefusedBy,
  assertStatus,
  etagPattern,
  guidPattern,
  leave,
  timePattern,
} from './answers.ts';
import {
  anHourMs,
  assertIsText,
  blankTemplate,
  creation,
  memberOf,
  newSession,
  read,
} from './new-session.ts';

// @source docs/wire/clients.md "What clients need"
test('W1 PUT without a condition answers 201 when it creates and 200 when the session exists', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();

  const first = await ada.putSession(reference, joinBody());
  const second = await ada.putSession(reference, joinBody());

  assert.equal(first.status, 201);
  assert.equal(second.status, 200);
  for (const answer of [first, second]) {
    assert.equal(answer.headers.get('cache-control'), 'max-age=0, must-revalidate');
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.match(answer.etag ?? '', etagPattern);
  }
});

// @source docs/wire/sessions.md "The document", docs/wire/sessions.md "Preconditions", docs/wire/README.md "Words"
test('W1 a new session is numbered 1, and began when its creator joined', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { session } = await newSession(kit, ada);

  assert.equal(session.changeNumber, 1);
  assert.match(String(session.branch), guidPattern);
  assert.match(String(session.correlationId), guidPattern);
  assert.match(String(session.startTime), timePattern);
  assert.equal(session.startTime, at(session, 'members.0.joinTime'));
  assert.equal(session.contractVersion, 107);
  assert.deepEqual(session.membersInfo, { first: 0, next: 1, count: 1, accepted: 1, active: 1 });
  assert.equal(at(session, 'members.0.next'), 1);
  assert.equal(at(session, 'members.0.constants.system.xuid'), ada.xuid);
  assert.equal(at(session, 'members.0.gamertag'), ada.gamertag);
  assert.deepEqual(session.servers, {});
  assert.deepEqual(at(session, 'properties.system.turn'), []);
  assert.deepEqual(at(session, 'properties.custom'), {});
  assert.deepEqual(at(session, 'constants.custom'), {});
  assert.deepEqual(at(session, 'members.0.constants.custom'), {});
  assert.deepEqual(at(session, 'members.0.properties.custom'), {});
});

// @source docs/wire/sessions.md "PUT"
test('a session without members is not created when it would end at once: 204', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);

  for (const body of [{}, { properties: { custom: { map: 'atoll' } } }]) {
    const answer = assertStatus(await ada.putSession(reference, body), 204);
    assert.equal(answer.text, '');
    assert.equal(answer.etag, undefined);
  }
  assertStatus(await ada.getSession(reference), 204);
});

// @source docs/wire/sessions.md "PUT", docs/wire/sessions.md "Members"
test('a session without members is created when it may stay empty', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const body = { constants: { system: { sessionEmptyTimeout: anHourMs } } };

  const created = assertStatus(await ada.putSession(reference, body), 201);

  assert.deepEqual(created.json.members, {});
  assert.deepEqual(created.json.membersInfo, {
    first: 0,
    next: 0,
    count: 0,
    accepted: 0,
    active: 0,
  });
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source docs/wire/sessions.md "PUT"
test('a service creates a session that it is no member of', async () => {
  await using kit = await startKit();
  const service = kit.service();
  const reference = kit.reference(blankTemplate);
  const body = {
    constants: { system: { sessionEmptyTimeout: anHourMs } },
    properties: { custom: { map: 'atoll' } },
  };

  const created = assertStatus(await service.putSession(reference, body), 201);

  assert.equal(at(created.json, 'properties.custom.map'), 'atoll');
});

// @source docs/wire/sessions.md "PUT", docs/wire/clients.md "Multiplayer Manager"
// @source docs/wire/unknowns.md "leaving where one is not"
test('leaving a session that does not exist answers 204 and creates nothing', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference(blankTemplate);
  const body = { constants: { system: { sessionEmptyTimeout: anHourMs } }, ...leave };

  assertStatus(await ada.putSession(reference, leave), 204);
  assertStatus(await ada.putSession(reference, body), 204);
  assertStatus(await ada.getSession(reference), 204);
});

// @source docs/wire/callers.md "Callers"
for (const { prv, status } of [
  { prv: '188 254 255', status: 201 },
  { prv: '254', status: 201 },
  { prv: '188 255 2254', status: 403 },
]) {
  test(`a user whose token grants "${prv}" is answered ${status} when creating a session`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada', { prv });

    const answer = await ada.putSession(kit.reference(), joinBody());

    assert.equal(answer.status, status);
    assert.equal(answer.refusal, status === 403 ? 'privilegeMissing' : undefined);
  });
}

// @source docs/wire/sessions.md "Constants"
test('with initiators only they create the session, or a service', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const parts = {
    constants: { initiators: [ada.xuid], sessionEmptyTimeout: anHourMs },
  };
  const byBob = kit.reference(blankTemplate);

  const { reference } = await newSession(kit, ada, parts);
  assertIsText(
    assertRefusedBy(await bob.putSession(byBob, creation(parts)), 403, 'notAnInitiator'),
  );
  assertStatus(await bob.getSession(byBob), 204);
  const { members: _, ...withoutMe } = creation(parts);
  assertStatus(await kit.service().putSession(byBob, withoutMe), 201);
  // joining is not creating
  assertStatus(await bob.join(reference), 200);
});

// @source docs/wire/sessions.md "PUT"
test('a session that is created again has a new branch and the same correlation id', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, session } = await newSession(kit, ada, { custom: { map: 'atoll' } });
  await ada.putSession(reference, { properties: { custom: { map: 'dunes' } } });
  assertStatus(await ada.putSession(reference, leave), 204);
  if (!isAimed) await kit.advance(1_000);

  const again = assertStatus(await ada.putSession(reference, joinBody()), 201);

  assert.notEqual(again.json.branch, session.branch);
  assert.equal(again.json.correlationId, session.correlationId);
  assert.equal(again.json.changeNumber, 1);
  assert.deepEqual(at(again.json, 'properties.custom'), {});
  assert.equal(at(again.json, 'members.0.constants.system.index'), 0);
  if (!isAimed) assert.notEqual(again.json.startTime, session.startTime);
});

// @source docs/wire/sessions.md "PUT"
test('of many users who create the same session at once exactly one is answered 201', async () => {
  await using kit = await startKit();
  const reference = kit.reference();
  const users = Array.from({ length: 10 }, (_, i) => kit.user(`user ${i}`));

  const answers = await Promise.all(users.map((user) => user.join(reference)));

  const statuses = answers.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [...Array(9).fill(200), 201]);
  const { json } = await read(kit.service(), reference);
  assert.deepEqual(Object.keys(json.members as object), [...'0123456789']);
  for (const user of users) assert.ok(memberOf(json, user));
  assert.equal(json.changeNumber, 10);
});

// @source docs/wire/README.md "Every request"
for (const [what, name, status] of [
  ['one character', 'x', 201],
  ['a hundred characters', 'x'.repeat(100), 201],
  ['spaces, dots and letters of any script', 'Ödön’s lobby v1.5 ゲーム', 201],
  ['101 characters', 'x'.repeat(101), 400],
  ['a tilde', 'a~b', 400],
  ['a backslash', 'a\\b', 400],
  ['an encoded slash', 'a/b', 400],
  ['an encoded question mark', 'a?b', 400],
  ['a control character', 'a\u0007b', 400],
] as const) {
  test(`a session name of ${what} is answered ${status}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    // of its own, so that the tests may be repeated on a server that goes on running
    const ownName = status === 201 && name.length < 50 ? `${name}${randomUUID()}` : name;
    const reference = { ...kit.reference(), name: ownName };
    const body = joinBody();

    const answer = await ada.putSession(reference, body);

    if (status === 400) {
      assert.equal(answer.status, 400);
      assert.equal(answer.refusal, 'nameInvalid');
      assertIsText(answer);
    } else {
      assert.ok([200, 201].includes(answer.status), answer.text);
      assert.equal((await read(ada, reference)).etag, answer.etag);
      await ada.putSession(reference, leave);
    }
  });
}

// @source docs/wire/README.md "Every request"
test('a template or a service config that is not configured answers 404', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const template = { ...kit.reference(), templateName: 'no-such-template' };
  const config = { ...kit.reference(), scid: randomUUID() };
  const noGuid = { ...kit.reference(), scid: 'no-guid' };

  for (const [code, reference] of [
    ['templateUnknown', template],
    ['serviceConfigUnknown', config],
    ['serviceConfigUnknown', noGuid],
  ] as const) {
    assertIsText(assertRefusedBy(await ada.putSession(reference, joinBody()), 404, code));
    assertRefusedBy(await ada.getSession(reference), 404, code);
  }
});

// @source docs/wire/clients.md "What clients need"
test('a path with empty parts is answered 404 at once', async () => {
  await using kit = await startKit();
  const path = '/serviceconfigs//sessionTemplates//sessions/';

  assertStatus(await kit.user('ada').request('PUT', path, { body: joinBody() }), 404);
});

// @source docs/wire/README.md "Every request"
test('a user of another title is answered 403', async () => {
  await using kit = await startKit();
  const stranger = kit.user('stranger', { tid: '4' });

  const answer = assertRefusedBy(
    await stranger.putSession(kit.reference(), joinBody()),
    403,
    'serviceConfigForbidden',
  );

  assertIsText(answer);
  assert.match(answer.text, new RegExp(demoScid));
});

// @source docs/wire/README.md "Every request", docs/wire/clients.md "What clients need"
for (const contentType of ['application/json; charset=utf-8', 'text/plain', undefined]) {
  test(`a body of content type ${contentType ?? 'none'} is read as JSON`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const reference = kit.reference();
    const path = `/serviceconfigs/${reference.scid}/sessionTemplates/${reference.templateName}/sessions/${reference.name}`;
    // bytes, so that nothing adds a content type
    const body = new TextEncoder().encode(JSON.stringify(joinBody()));
    const headers: Record<string, string> = contentType ? { 'content-type': contentType } : {};

    assertStatus(await ada.request('PUT', path, { headers, body }), 201);
  });
}
