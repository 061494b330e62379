/** What a PUT makes of the document that is there. @source docs/wire/sessions.md "PUT", docs/wire/sessions.md "Merge", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { at, isAimed, joinBody, startKit } from '../../src/testing/kit.ts';
import { activityOf, assertRefusedBy, assertStatus, needsOwnServer } from './answers.ts';
import {
  anHourMs,
  assertCarriesDocument,
  assertIsText,
  indexOf,
  newSession,
  ofMember,
  read,
} from './new-session.ts';

// @source docs/wire/clients.md "What clients need"
test('W6 an empty object answers 200 with the document and changes nothing', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  const answer = assertStatus(await ada.putSession(reference, {}), 200);

  assert.equal(answer.etag, created.etag);
  assert.equal(answer.text, created.text);
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Merge"
test('W12 a custom property is deleted by null, in the session and in a member', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    custom: { map: 'atoll', mode: 'teams' },
    me: { properties: { system: { active: true }, custom: { health: 41, name: 'x' } } },
  });

  const { json } = assertStatus(
    await ada.putSession(reference, {
      properties: { custom: { map: null, absent: null } },
      members: { me: { properties: { custom: { health: null, absent: null } } } },
    }),
    200,
  );

  assert.deepEqual(at(json, 'properties.custom'), { mode: 'teams' });
  assert.deepEqual(ofMember(json, ada, 'properties.custom'), { name: 'x' });
});

// @source docs/wire/sessions.md "Merge"
test('W12 a custom value is replaced whole, and a null within it is data', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    custom: { rules: { friendlyFire: true, timeLimit: 300 }, list: [1, 2, 3] },
  });

  const { json } = assertStatus(
    await ada.putSession(reference, {
      properties: { custom: { rules: { timeLimit: null }, list: [null] } },
    }),
    200,
  );

  assert.deepEqual(at(json, 'properties.custom'), { rules: { timeLimit: null }, list: [null] });
});

// @source docs/wire/clients.md "What clients need"
test('W13 writers who re-send whole objects overwrite each other key by key, the last one wins', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, { custom: { map: 'atoll', rounds: 3 } });
  assertStatus(await bob.join(reference), 200);

  assertStatus(
    await ada.putSession(reference, {
      properties: { custom: { map: 'dunes', rounds: 3, mode: 'x' } },
    }),
    200,
  );
  const { json } = assertStatus(
    await bob.putSession(reference, { properties: { custom: { map: 'atoll', rounds: 5 } } }),
    200,
  );

  assert.deepEqual(at(json, 'properties.custom'), { map: 'atoll', rounds: 5, mode: 'x' });
});

// @source docs/wire/sessions.md "Merge"
test('a system property is replaced whole, the others stay', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    properties: { keywords: ['a', 'b'], closed: true },
  });

  const { json } = assertStatus(
    await ada.putSession(reference, { properties: { system: { keywords: ['c'] } } }),
    200,
  );

  assert.deepEqual(at(json, 'properties.system.keywords'), ['c']);
  assert.equal(at(json, 'properties.system.closed'), true);
});

// @source docs/wire/sessions.md "PUT"
test('the same write twice is the write once: one change, one ETag', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const body = {
    properties: {
      system: { keywords: ['k'], closed: true, turn: [0], host: null },
      custom: { map: { name: 'dunes' }, gone: null },
    },
    members: {
      me: { properties: { system: { active: true, groups: ['red'] }, custom: { score: 1 } } },
      reserve_0: { constants: { system: { xuid: '2814639011617876' } } },
    },
  };

  const once = assertStatus(await ada.putSession(reference, body), 200);
  const twice = assertStatus(await ada.putSession(reference, body), 200);

  assert.equal(once.json.changeNumber, 2);
  assert.equal(twice.etag, once.etag);
  assert.equal(twice.text, once.text);
});

// @source docs/wire/sessions.md "PUT"
test('writing the same from another device changes what the server knows, not the document', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada', { did: 'console' });
  const { reference, created } = await newSession(kit, ada, {
    properties: { joinRestriction: 'local' },
  });
  const onPhone = kit.user('ada', { xuid: ada.xuid, did: 'phone' });

  const answer = assertStatus(await onPhone.putSession(reference, { members: { me: {} } }), 200);

  assert.equal(answer.etag, created.etag);
  assert.equal(answer.text, created.text);
  assertRefusedBy(
    await kit.user('beside', { did: 'console' }).join(reference),
    403,
    'joinRestricted',
  );
  assertStatus(await kit.user('by phone', { did: 'phone' }).join(reference), 200);
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "properties.system", docs/wire/sessions.md "Merge"
for (const contractVersion of [105, 107]) {
  test(`W20 properties as received in contract ${contractVersion} can be put back`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const secureDeviceAddress = 'MS4xLjEuMQ==';
    const { reference, session } = await newSession(kit, ada, {
      constants: { capabilities: { connectivity: true } },
      properties: {
        joinRestriction: 'followed',
        readRestriction: 'followed',
        keywords: ['k'],
        closed: false,
      },
      custom: { Joinability: 'joinable_by_friends' },
      me: { properties: { system: { active: true, secureDeviceAddress } } },
    });
    const host = at(session, 'members.0.deviceToken') ?? null;
    await ada.putSession(reference, { properties: { system: { host } } });
    const received = await ada.getSession(reference, { contractVersion });
    assert.notEqual(at(received.json, 'properties.system.host'), undefined);

    const answer = assertStatus(
      await ada.putSession(
        reference,
        { properties: received.json.properties },
        { contractVersion },
      ),
      200,
    );

    assert.equal(answer.etag, received.etag);
    assert.equal(answer.text, received.text);
  });
}

// @source docs/wire/clients.md "What clients need", docs/wire/README.md "Words", docs/wire/sessions.md "Preconditions"
test('W23 each change has the next number and an ETag of its own, which every reader is given', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference, created } = await newSession(kit, ada);
  const seen = [created];
  seen.push(assertStatus(await bob.join(reference), 200));
  for (const map of ['atoll', 'dunes']) {
    const body = { properties: { custom: { map } } };
    seen.push(assertStatus(await ada.putSession(reference, body), 200));
  }

  assert.deepEqual(
    seen.map(({ json }) => json.changeNumber),
    [1, 2, 3, 4],
  );
  assert.equal(new Set(seen.map(({ etag }) => etag)).size, 4);
  const last = seen.at(-1);
  for (const reader of [ada, bob, kit.service()]) {
    const found = await read(reader, reference);
    assert.equal(found.etag, last?.etag);
    assert.equal(found.text, last?.text);
  }
});

// @source docs/wire/handles.md "POST /handles"
test('W23 an activity changes the number and the ETag, though nothing else in the document', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  assertStatus(await ada.postHandle(activityOf(reference)), 201);

  const after = await read(ada, reference);
  assert.equal(after.json.changeNumber, 2);
  assert.notEqual(after.etag, created.etag);
  assert.deepEqual({ ...after.json, changeNumber: 1 }, created.json);
});

// @source docs/wire/README.md "Every request"
test('keys that JavaScript knows are ordinary keys', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const custom =
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"x":1}},"toString":"text","hasOwnProperty":null,"a":1}';

  assertStatus(await ada.putSession(reference, `{"properties":{"custom":${custom}}}`), 200);

  const { text } = await read(ada, reference);
  const kept = custom.replace('"hasOwnProperty":null,', '');
  assert.ok(text.includes(`"custom":${kept}`), text);
});

// @source docs/wire/README.md "Every request"
test('strings come back as they were written', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const custom = {
    name: 'Ödön’s 🎮 "best" \\ map / \u0000\u001f',
    '': 'an empty key',
    'a.b/c~d': 'punctuation',
    '0': 'a key that looks like an index',
  };

  const { json } = assertStatus(await ada.putSession(reference, { properties: { custom } }), 200);

  assert.deepEqual(at(json, 'properties.custom'), custom);
});

// @source docs/wire/sessions.md "Access"
test('a user who is no member and does not join may not write, and is shown the session', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const { reference, created } = await newSession(kit, ada);

  for (const body of [
    {},
    { properties: { custom: { map: 'dunes' } } },
    { members: { reserve_0: { constants: { system: { xuid: eve.xuid } } } } },
  ]) {
    const answer = assertRefusedBy(await eve.putSession(reference, body), 403, 'notAMember');
    assertCarriesDocument(answer);
    assert.equal(answer.text, created.text);
    assert.equal(answer.headers.get('cache-control'), 'no-cache, no-store');
  }
  assert.equal((await read(ada, reference)).etag, created.etag);
});

// @source docs/wire/sessions.md "Access"
test('a user who may not read the session gets a sentence that it may not be written', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'), {
    constants: { visibility: 'private' },
  });
  const body = { properties: { custom: { map: 'dunes' } } };

  assertIsText(assertStatus(await kit.user('eve').putSession(reference, body), 403));
});

// @source docs/wire/sessions.md "Access"
test('the write that joins may change properties as well', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'));
  const body = { ...joinBody(), properties: { custom: { map: 'dunes' } } };

  const { json } = assertStatus(await kit.user('bob').putSession(reference, body), 200);

  assert.equal(at(json, 'properties.custom.map'), 'dunes');
});

// @source docs/wire/sessions.md "Members"
test('a user removes or writes nobody else by index', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  const joined = await bob.join(reference);
  const index = indexOf(joined.json, bob);

  for (const change of [null, { properties: { custom: { score: 0 } } }]) {
    const answer = assertRefusedBy(
      await ada.putSession(reference, { members: { [index]: change } }),
      403,
      'memberNotYours',
    );
    assertCarriesDocument(answer);
    assert.match(answer.detail ?? '', /members/);
  }
  assert.equal((await read(ada, reference)).etag, joined.etag);
});

// @source docs/wire/sessions.md "Members"
test('a service removes a member by index', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  const joined = await bob.join(reference);
  const index = indexOf(joined.json, bob);

  const { json } = assertStatus(
    await kit.service().putSession(reference, { members: { [index]: null } }),
    200,
  );

  assert.deepEqual(Object.keys(json.members as object), ['0']);
  assert.equal(at(json, 'members.0.next'), at(json, 'membersInfo.next'));
});

// @source docs/wire/sessions.md "Members"
test('a service has no "me"', async () => {
  await using kit = await startKit();
  const { reference, created } = await newSession(kit, kit.user('ada'));

  for (const me of [{}, null]) {
    assertRefusedBy(
      await kit.service().putSession(reference, { members: { me } }),
      403,
      'userRequired',
    );
  }
  assert.equal((await read(kit.service(), reference)).etag, created.etag);
});

// @source docs/wire/README.md "Every request"
for (const [path, body] of [
  ['$.extra', { extra: 1 }],
  ['$.constants.extra', { constants: { extra: {} } }],
  ['$.constants.system.extra', { constants: { system: { extra: 1 } } }],
  ['$.properties.extra', { properties: { extra: {} } }],
  ['$.properties.system.extra', { properties: { system: { extra: 1 } } }],
  ['$.properties.system.closed', { properties: { system: { closed: 'yes' } } }],
  ['$.properties.custom', { properties: { custom: [] } }],
  ['$.members', { members: [] }],
  ['$.members.me', { members: { me: 'x' } }],
  ['$.members.me.extra', { members: { me: { extra: 1 } } }],
  [
    '$.members.me.properties.system.extra',
    { members: { me: { properties: { system: { extra: 1 } } } } },
  ],
  [
    '$.members.me.properties.system.active',
    { members: { me: { properties: { system: { active: 1 } } } } },
  ],
  ['$.members.me.properties.custom', { members: { me: { properties: { custom: 7 } } } }],
  ['$.members["somebody"]', { members: { somebody: null } }],
  ['$.members["01"]', { members: { '01': null } }],
  ['$.servers', { servers: 'x' }],
] as const) {
  test(`a body that is wrong at ${path} is refused there and changes nothing`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, created } = await newSession(kit, ada);

    const answer = assertRefusedBy(await ada.putSession(reference, body), 400, 'requestInvalid');

    assertIsText(answer);
    assert.equal(answer.detail, path);
    assert.ok(answer.text.includes(path), answer.text);
    assert.equal((await read(ada, reference)).etag, created.etag);
  });
}

// @source docs/wire/README.md "Every request"
for (const [what, body] of [
  ['no JSON', '{"properties":'],
  ['a list', '[]'],
  ['a word', '"text"'],
  ['null', 'null'],
] as const) {
  test(`a body that is ${what} answers 400`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const { reference, created } = await newSession(kit, ada);

    assertIsText(assertStatus(await ada.putSession(reference, body), 400));

    assert.equal((await read(ada, reference)).etag, created.etag);
  });
}

// @source docs/wire/sessions.md "PUT"
test('writers of different keys at the same time all succeed, and no write is lost', async () => {
  await using kit = await startKit();
  const users = Array.from({ length: 8 }, (_, i) => kit.user(`user ${i}`));
  const [ada, ...others] = users as [(typeof users)[0], ...typeof users];
  const { reference } = await newSession(kit, ada);
  for (const user of others) assertStatus(await user.join(reference), 200);

  const answers = await Promise.all(
    users.map((user, i) =>
      user.putSession(reference, {
        properties: { custom: { [`key ${i}`]: i } },
        members: { me: { properties: { custom: { score: i } } } },
      }),
    ),
  );

  assert.deepEqual(
    answers.map(({ status }) => status),
    users.map(() => 200),
  );
  assert.equal(new Set(answers.map(({ json }) => json.changeNumber)).size, users.length);
  const { json } = await read(ada, reference);
  assert.equal(json.changeNumber, users.length * 2);
  users.forEach((user, i) => {
    assert.equal(at(json, `properties.custom.key ${i}`), i);
    assert.equal(ofMember(json, user, 'properties.custom.score'), i);
  });
});

// @source docs/wire/sessions.md "Members"
test('a write to one’s own member leaves the other members as they were', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    constants: { inactiveRemovalTimeout: anHourMs },
    me: { properties: { custom: { health: 41 } } },
  });
  const before = assertStatus(await bob.join(reference), 200);

  const { json } = assertStatus(
    await bob.putSession(reference, {
      members: { me: { properties: { system: { active: false }, custom: { health: 1 } } } },
    }),
    200,
  );

  assert.deepEqual(at(json, 'members.0'), at(before.json, 'members.0'));
});

// @source docs/wire/README.md "Every request"
test('a number beyond 2^53 survives writes to other keys', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  assertStatus(
    await ada.putSession(reference, '{"properties":{"custom":{"id":18446744073709551615}}}'),
    200,
  );

  const { text } = assertStatus(
    await ada.putSession(reference, { properties: { custom: { other: 1 } } }),
    200,
  );

  assert.match(text, /"id":18446744073709551615\b/);
});

// @source docs/wire/sessions.md "Members that nobody knows"
test('a member that nobody knows is refused, or kept by a server that is set to', {
  skip: isAimed && needsOwnServer,
}, async () => {
  const body = { properties: { system: { later: { a: 1 } } }, later: true };
  await using strict = await startKit();
  const ada = strict.user('ada');
  const { reference } = await newSession(strict, ada);
  assertRefusedBy(await ada.putSession(reference, body), 400, 'requestInvalid');

  await using lenient = await startKit({ settings: { unknownMembers: 'keep' } });
  const bob = lenient.user('bob');
  const { reference: kept } = await newSession(lenient, bob);
  assertStatus(await bob.putSession(kept, body), 200);
  const { json } = await read(bob, kept);
  assert.deepEqual(at(json, 'properties.system.later'), { a: 1 });
  const me = { properties: { system: { later: 2 } } };
  assertStatus(
    await bob.request('PUT', `${formatSessionPath(kept)}/members/me`, { body: me }),
    200,
  );
  assert.equal(ofMember((await read(bob, kept)).json, bob, 'properties.system.later'), 2);
});
