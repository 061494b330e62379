/** POST /handles, type invite: one user asked into a session. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { at, demoScid, demoTitleId, startKit } from '../../src/testing/kit.ts';
import {
  activityOf,
  assertHandlesRefused,
  assertMembers,
  assertNoNulls,
  assertRefused,
  assertStatus,
  gather,
  guidPattern,
  handleId,
  inviteTo,
  leave,
  reserve,
  timePattern,
  withAt,
} from './answers.ts';
import { blankTemplate } from './new-session.ts';

/** @source docs/wire/handles.md "POST /handles", docs/wire/README.md "Every answer" */
test('POST invite answers 201, Location, Content-Location and the handle', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada]);
  const session = await ada.getSession(reference);
  const inviteAttributes = {
    titleId: '896928775',
    context: 'room=7',
    contextString: '///1',
    senderString: 'Arena',
  };

  const made = await ada.postHandle(inviteTo(reference, bob.xuid, { inviteAttributes }));

  assertStatus(made, 201);
  const { json } = made;
  const id = json.id as string;
  assert.match(id, guidPattern);
  assert.equal(made.headers.get('location'), `/handles/${id}`);
  assert.equal(made.headers.get('content-location'), `/handles/${id}`);
  assert.equal(made.headers.get('content-type'), 'application/json');
  assert.equal(made.headers.get('cache-control'), 'no-cache, no-store');
  assertMembers(
    json,
    [
      'id',
      'type',
      'version',
      'sessionRef',
      'senderXuid',
      'invitedXuid',
      'inviteAttributes',
      'expiration',
      'createTime',
    ],
    ['inviteProtocol', 'gameTypes'],
  );
  assertNoNulls(json);
  assert.equal(json.type, 'invite');
  assert.equal(json.version, 1);
  assert.deepEqual(json.sessionRef, { ...reference });
  assert.equal(json.senderXuid, ada.xuid);
  assert.equal(json.invitedXuid, bob.xuid);
  assert.deepEqual(json.inviteAttributes, inviteAttributes);
  assert.match(json.createTime as string, timePattern);
  assert.match(json.expiration as string, timePattern);
  assert.ok((json.expiration as string) > (json.createTime as string));
  assert.equal(json.inviteProtocol, at(session.json, 'constants.system.inviteProtocol'));
});

/** @source docs/wire/handles.md "POST /handles" */
test('optional attributes that were not given are not answered', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { json } = await ada.postHandle(inviteTo(await gather(kit, [ada]), '3210'));
  assert.deepEqual(json.inviteAttributes, { titleId: '1234567890' });
});

/** @source docs/wire/handles.md "POST /handles" */
test('the literal example of the source page works', async () => {
  await using kit = await startKit();
  // Its id is taken for good by the user who used it first: the same user each time.
  const ada = kit.user('ada', { xuid: '2533274790395904' });
  const id = '47ca0049-a5ba-4bc1-aa22-fcf834ce4c13';
  const example = `{
    "id": "${id}",
    "version": 1,
    "type": "invite",
    "sessionRef": {
      "scid": "bd6c41c3-01c3-468a-a3b5-3e0fe8133862",
      "templateName": "deathmatch",
      "name": "session-49"
    },
    "inviteAttributes": {
      "titleId" : 1234567890,
      "context" : "map=atoll",
      "contextString" : "///1",
      "senderString" : "ada"
    },
    "invitedXuid": "3210"
  }`;
  const reference = { scid: demoScid, templateName: 'deathmatch', name: 'session-49' };
  await ada.request('DELETE', `/handles/${id}`);
  assert.ok([200, 201].includes((await ada.join(reference)).status));
  try {
    const made = await ada.postHandle(example);
    assertStatus(made, 201);
    assert.equal(made.json.id, id);
    assert.equal(made.headers.get('location'), `/handles/${id}`);
    assert.deepEqual(made.json.sessionRef, reference);
    assert.deepEqual(made.json.inviteAttributes, {
      titleId: '1234567890',
      context: 'map=atoll',
      contextString: '///1',
      senderString: 'ada',
    });
    assert.equal(made.json.invitedXuid, '3210');
    assertStatus(await ada.postHandle(example), 200);
  } finally {
    await ada.putSession(reference, leave);
  }
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need" */
test('H5 N users are invited by N POSTs, with distinct ids', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const xuids = ['2814000000000001', '2814000000000002', '2814000000000003'];
  const made = [];
  for (const xuid of xuids) made.push(await ada.postHandle(inviteTo(reference, xuid)));

  assert.equal(new Set(made.map(handleId)).size, xuids.length);
  assert.deepEqual(
    made.map(({ json }) => json.invitedXuid),
    xuids,
  );
});

/** @source docs/wire/handles.md "POST /handles" */
test('without an id the same invite twice is two invites', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const body = inviteTo(reference, '3210');
  assert.notEqual(handleId(await ada.postHandle(body)), handleId(await ada.postHandle(body)));
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need" */
test('an invite does not change the session', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const before = await ada.getSession(reference);
  handleId(await ada.postHandle(inviteTo(reference, '3210')));
  const after = await ada.getSession(reference);
  assert.equal(after.etag, before.etag);
  assert.equal(after.text, before.text);
});

/** @source docs/wire/handles.md "POST /handles" */
test('only an accepted member or a service may invite', async (t) => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const reference = await gather(kit, [ada]);
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);
  await t.test('a stranger', async () => {
    const refused = await eve.postHandle(inviteTo(reference, '3210'));
    assertRefused(refused, 403, 'notAMember', reference.name);
  });
  await t.test('a user who is merely reserved', async () => {
    assertRefused(await bob.postHandle(inviteTo(reference, '3210')), 403, 'notAMember');
  });
  await t.test('a user, to a session that does not exist', async () => {
    assertRefused(await ada.postHandle(inviteTo(kit.reference(), '3210')), 403, 'notAMember');
  });
  await t.test('a service', async () => {
    const made = await kit.service().postHandle(inviteTo(reference, '3210'));
    assertStatus(made, 201);
    assert.equal(Object.hasOwn(made.json, 'senderXuid'), false);
  });
});

/** @source docs/wire/handles.md "POST /handles" */
test('a service may invite to a session that does not exist, which is not created by it', async () => {
  await using kit = await startKit();
  const reference = kit.reference();
  const made = await kit.service().postHandle(inviteTo(reference, '3210'));
  assertStatus(made, 201);
  assert.deepEqual(made.json.sessionRef, { ...reference });
  assert.equal((await kit.service().getSession(reference)).status, 204);

  const { name: _, ...sessionRef } = reference;
  const named = await kit.service().postHandle({ ...inviteTo(reference, '3210'), sessionRef });
  assertStatus(named, 201);
  assert.match(at(named.json, 'sessionRef.name') as string, guidPattern);
});

/** @source docs/wire/handles.md "POST /handles" */
test('full and closed sessions may be invited to', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const oneSeat = { constants: { system: { maxMembersCount: 1 } } };
  const full = await gather(kit, [ada], oneSeat, kit.reference(blankTemplate));
  handleId(await ada.postHandle(inviteTo(full, '3210')));
  const closed = await gather(kit, [ada], { properties: { system: { closed: true } } });
  handleId(await ada.postHandle(inviteTo(closed, '3210')));
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/rta.md "Invites" */
test('a user who has blocked the sender is not invited', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada, bob]);
  assertStatus(await ada.postHandle(inviteTo(reference, bob.xuid)), 201);
  await bob.client.avoid(ada.xuid);

  assertRefused(await ada.postHandle(inviteTo(reference, bob.xuid)), 403, 'inviteBlocked');
  // It is the sender who is blocked, not the other way round, and nobody else.
  assertStatus(await bob.postHandle(inviteTo(reference, ada.xuid)), 201);
  assertStatus(await kit.service().postHandle(inviteTo(reference, bob.xuid)), 201);

  await bob.client.unavoid(ada.xuid);
  assertStatus(await ada.postHandle(inviteTo(reference, bob.xuid)), 201);
});

/** @source docs/wire/handles.md "POST /handles" */
test('titleId may be a number or a decimal string, and is answered as a string', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  for (const titleId of [0, '0', 896928775, '896928775', 4294967295, '4294967295']) {
    await t.test(JSON.stringify(titleId), async () => {
      const body = withAt(inviteTo(reference, '3210'), 'inviteAttributes.titleId', titleId);
      const made = await ada.postHandle(body);
      assertStatus(made, 201);
      assert.equal(at(made.json, 'inviteAttributes.titleId'), String(titleId));
    });
  }
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/rta.md "Invites" */
test('context may have 256 characters once it is URI-encoded, contextString 100', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const valid = inviteTo(await gather(kit, [ada]), '3210');
  const rows: readonly (readonly [what: string, path: string, text: string, isGood: boolean])[] = [
    ['256 plain characters', 'context', 'x'.repeat(256), true],
    ['257 plain characters', 'context', 'x'.repeat(257), false],
    ['nothing', 'context', '', true],
    ['42 umlauts (252) and 4', 'context', `${'ä'.repeat(42)}xxxx`, true],
    ['42 umlauts (252) and 5', 'context', `${'ä'.repeat(42)}xxxxx`, false],
    ['85 spaces (255)', 'context', ' '.repeat(85), true],
    ['86 spaces (258)', 'context', ' '.repeat(86), false],
    ['21 emoji (252)', 'context', '🎲'.repeat(21), true],
    ['22 emoji (264)', 'context', '🎲'.repeat(22), false],
    ['a lone surrogate, which has no encoding', 'context', 'x\ud800', false],
    ['100 characters', 'contextString', 'x'.repeat(100), true],
    ['101 characters', 'contextString', 'x'.repeat(101), false],
  ];
  for (const [what, name, text, isGood] of rows) {
    await t.test(`${name} of ${what}`, async () => {
      const path = `inviteAttributes.${name}`;
      const answer = await ada.postHandle(withAt(valid, path, text));
      if (!isGood) {
        assertRefused(answer, 400, 'requestInvalid', path);
        return;
      }
      assertStatus(answer, 201);
      assert.equal(at(answer.json, path), text);
    });
  }
});

/** @source docs/wire/README.md "Every request" */
test('a body that is no invite is refused at the place that is wrong', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const valid = { id: randomUUID(), ...inviteTo(await gather(kit, [ada]), '3210') };
  const wrong: readonly (readonly [path: string, values: readonly unknown[]])[] = [
    ['id', [null, 7, '', 'no-guid', '47ca0049a5ba4bc1aa22fcf834ce4c13', [], {}]],
    ['version', [0, 2, '1']],
    ['sessionRef', [undefined, null, 'x', []]],
    ['sessionRef.scid', [undefined, null, 7, 'x']],
    ['sessionRef.templateName', [undefined, null, 7, '', 'a~b']],
    ['sessionRef.name', [null, 7, '', 'a~b', 'x'.repeat(101)]],
    ['sessionRef.extra', [1]],
    ['invitedXuid', [undefined, null, 3210, '', 'ada', '-1', '1.0', ' 1', '1'.repeat(21), [], {}]],
    ['inviteAttributes', [7, 'x', true, []]],
    [
      'inviteAttributes.titleId',
      [
        undefined,
        null,
        true,
        '',
        'abc',
        '-1',
        -1,
        1.5,
        '1.5',
        '4294967296',
        4294967296,
        '0x10',
        [],
        {},
      ],
    ],
    ['inviteAttributes.context', [null, 7, true, [], {}]],
    ['inviteAttributes.contextString', [null, 7, true, [], {}]],
    ['inviteAttributes.senderString', [null, 7, true, [], {}]],
    ['inviteAttributes.extra', [null, 1]],
    ['inviteAttributes.constructor', ['x']],
    ['originSessionRef', [{}]],
    ['senderXuid', ['1']],
    ['expiration', ['2026-01-01T00:00:00.0000000Z']],
  ];
  await assertHandlesRefused(t, ada, valid, wrong);
  await t.test('none of these has made the invite', async () => {
    assertRefused(await ada.request('GET', `/handles/${valid.id}`), 404, 'handleUnknown');
  });
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/unknowns.md "invites to oneself, and without attributes" */
test('party clients invite without version and attributes', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada', { tid: demoTitleId }), kit.user('bob')];
  const {
    version: _v,
    inviteAttributes: _a,
    ...body
  } = inviteTo(await gather(kit, [ada]), bob.xuid);

  const made = await ada.postHandle(body);

  assertStatus(made, 201);
  assert.deepEqual(made.json.inviteAttributes, { titleId: demoTitleId });
  assertStatus(await bob.request('GET', `/handles/${handleId(made)}`), 200);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/unknowns.md "invites to oneself, and without attributes" */
test('nobody invites oneself', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const body = inviteTo(reference, ada.xuid);
  assertRefused(await ada.postHandle(body), 400, 'requestInvalid', 'invitedXuid');
  assertStatus(await kit.service().postHandle(body), 201);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/unknowns.md "a POST repeated with its id" */
test('an invite repeated with its id is answered with the existing one', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada]);
  const body = { id: randomUUID(), ...inviteTo(reference, bob.xuid) };
  const first = await ada.postHandle(body);
  assert.equal(handleId(first), body.id);

  const again = await ada.postHandle(body);
  assertStatus(again, 200);
  assert.equal(again.text, first.text);
  assert.equal(again.headers.get('location'), `/handles/${body.id}`);
  assert.equal(again.headers.get('content-location'), `/handles/${body.id}`);

  // The same content, otherwise written.
  const rewritten = {
    ...withAt(body, 'inviteAttributes.titleId', 1234567890),
    id: body.id.toUpperCase(),
  };
  const otherwise = await ada.postHandle(rewritten);
  assertStatus(otherwise, 200);
  assert.equal(otherwise.text, first.text);
});

/** @source docs/wire/handles.md "POST /handles" */
test('an invite repeated with its id after its sender left is still answered', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada, bob]);
  const body = { id: randomUUID(), ...inviteTo(reference, '3210') };
  const first = await ada.postHandle(body);
  handleId(first);
  assertStatus(await ada.putSession(reference, leave), 200);
  const again = await ada.postHandle(body);
  assertStatus(again, 200);
  assert.equal(again.text, first.text);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/unknowns.md "a POST repeated with its id" */
test('an id that is taken by other content, or by somebody else, answers 409', async (t) => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada, bob]);
  const elsewhere = await gather(kit, [ada]);
  const body = { id: randomUUID(), ...inviteTo(reference, '3210') };
  handleId(await ada.postHandle(body));
  const different: readonly (readonly [path: string, value: unknown])[] = [
    ['invitedXuid', '3211'],
    ['inviteAttributes.titleId', 7],
    ['inviteAttributes.context', 'x'],
    ['sessionRef.name', elsewhere.name],
  ];
  for (const [path, value] of different) {
    await t.test(`other ${path}`, async () => {
      const refused = await ada.postHandle(withAt(body, path, value));
      assertRefused(refused, 409, 'handleIdTaken', body.id);
    });
  }
  await t.test('another type', async () => {
    const refused = await ada.postHandle({ id: body.id, ...activityOf(reference) });
    assertRefused(refused, 409, 'handleIdTaken', body.id);
  });
  await t.test("somebody else's", async () => {
    assertRefused(await bob.postHandle(body), 409, 'handleIdTaken', body.id);
    assertRefused(await kit.service().postHandle(body), 409, 'handleIdTaken', body.id);
  });
  await t.test('the invite is as it was', async () => {
    const { json } = await ada.request('GET', `/handles/${body.id}`);
    assert.equal(json.invitedXuid, '3210');
    assert.equal(json.senderXuid, ada.xuid);
  });
});

/** @source docs/wire/handles.md "POST /handles" */
test('the same invite sent many times at once is one invite', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const body = { id: randomUUID(), ...inviteTo(await gather(kit, [ada]), '3210') };

  const answers = await Promise.all(Array.from({ length: 12 }, () => ada.postHandle(body)));

  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [...Array(11).fill(200), 201]);
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
});

/** @source docs/wire/handles.md "POST /handles" */
test('of different invites sent with one id at once, one is made and the others get a conflict', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = randomUUID();

  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) => ada.postHandle({ id, ...inviteTo(reference, `321${i}`) })),
  );

  const made = answers.filter(({ status }) => status === 201);
  assert.equal(made.length, 1);
  for (const answer of answers) {
    if (!made.includes(answer)) assertRefused(answer, 409, 'handleIdTaken', id);
  }
  const read = await ada.request('GET', `/handles/${id}`);
  assert.equal(read.text, made[0]?.text);
});
