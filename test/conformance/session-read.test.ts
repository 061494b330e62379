/** GET of a session. @source docs/wire/sessions.md "Access", docs/wire/README.md "Every answer", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { isJsonObject, type Json } from '../../src/domain/json.ts';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { at, joinBody, startKit } from '../../src/testing/kit.ts';
import {
  activityOf,
  assertNoNulls,
  assertRefusedBy,
  assertStatus,
  etagPattern,
  guidPattern,
  leave,
} from './answers.ts';
import { anHourMs, assertIsText, indexOf, memberOf, newSession, read } from './new-session.ts';

// @source docs/wire/clients.md "What clients need", docs/wire/README.md "Every answer", docs/wire/README.md "Every request"
test('S1 GET answers 200 with the document and the headers that clients read', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);

  const answer = await ada.getSession(reference);

  assert.equal(answer.status, 200);
  assert.match(answer.etag ?? '', etagPattern);
  assert.equal(answer.etag, created.etag);
  assert.ok(Date.parse(answer.headers.get('date') ?? '') > 0);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.equal(answer.headers.get('cache-control'), 'max-age=0, must-revalidate');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.match(answer.headers.get('x-xblcorrelationid') ?? '', guidPattern);
  assert.equal(answer.headers.get('retry-after'), null);
  for (const path of ['constants.system', 'constants.custom', 'properties.system']) {
    assert.ok(isJsonObject(at(answer.json, path)), path);
  }
  for (const path of ['properties.custom', 'membersInfo', 'members', 'servers']) {
    assert.ok(isJsonObject(at(answer.json, path)), path);
  }
});

// @source docs/wire/README.md "Every request"
test('S1 each answer has a correlation id of its own', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);

  const [one, other] = [await read(ada, reference), await read(ada, reference)];

  const name = 'x-xblcorrelationid';
  assert.notEqual(one.headers.get(name), other.headers.get(name));
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Access"
test('S2 GET of a session that does not exist answers 204 without a body', async () => {
  await using kit = await startKit();

  const answer = await kit.user('ada').getSession(kit.reference());

  assert.equal(answer.status, 204);
  assert.equal(answer.text, '');
  assert.equal(answer.etag, undefined);
  assert.equal(answer.headers.get('cache-control'), 'no-cache, no-store');
});

// @source docs/wire/clients.md "What clients need", docs/wire/handles.md "POST /handles"
test('S2 GET by a handle that does not exist answers 404', async () => {
  await using kit = await startKit();
  const path = `/handles/${randomUUID()}/session`;

  assertRefusedBy(await kit.user('ada').request('GET', path), 404, 'handleUnknown');
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Access"
test('S3 GET with If-None-Match answers 304 to the current ETag, 200 to a stale or empty one', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference, created } = await newSession(kit, ada);
  const changed = await ada.putSession(reference, { properties: { custom: { map: 'atoll' } } });

  const current = await ada.getSession(reference, { ifNoneMatch: changed.etag });
  const stale = await ada.getSession(reference, { ifNoneMatch: created.etag });
  const empty = await ada.getSession(reference, { ifNoneMatch: '' });

  assert.equal(current.status, 304);
  assert.equal(current.text, '');
  assert.equal(current.etag, changed.etag);
  for (const answer of [stale, empty]) {
    assert.equal(answer.status, 200);
    assert.equal(answer.etag, changed.etag);
    assert.equal(at(answer.json, 'properties.custom.map'), 'atoll');
  }
});

// @source docs/wire/clients.md "What clients need", docs/wire/handles.md "Through a handle"
test('S4 GET by a handle carries Content-Location, a path of six parts', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const handle = await ada.postHandle(activityOf(reference));

  const answer = await ada.request('GET', `/handles/${at(handle.json, 'id')}/session`);

  assert.equal(answer.status, 200);
  const { scid, templateName, name } = reference;
  assert.equal(
    answer.headers.get('content-location'),
    `/serviceconfigs/${scid}/sessionTemplates/${templateName}/sessions/${name}`,
  );
  assert.match(answer.etag ?? '', etagPattern);
  assert.ok(memberOf(answer.json, ada));
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "The document"
test('S6 the walk from membersInfo.first by next finds every member and ends at membersInfo.next', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd, dan] = kit.users('ada', 'bob', 'cyd', 'dan');
  const { reference } = await newSession(kit, ada);
  for (const user of [bob, cyd, dan]) assertStatus(await user.join(reference), 200);
  assertStatus(await ada.putSession(reference, leave), 200);
  assertStatus(await cyd.putSession(reference, leave), 200);

  const { json } = await read(kit.service(), reference);

  const walked: Json[] = [];
  let cursor = at(json, 'membersInfo.first');
  while (cursor !== at(json, 'membersInfo.next') && walked.length < 10) {
    walked.push(at(json, `members.${String(cursor)}.constants.system.xuid`) ?? null);
    cursor = at(json, `members.${String(cursor)}.next`);
  }
  assert.deepEqual(walked, [bob.xuid, dan.xuid]);
  assert.deepEqual(json.membersInfo, { first: 1, next: 4, count: 2, accepted: 2, active: 2 });
  assert.deepEqual(Object.keys(json.members as object), ['1', '3']);
});

// @source docs/wire/sessions.md "The document", docs/wire/sessions.md "Members"
test('S6 the caller is not repeated as "me", and each member repeats its index', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference, created } = await newSession(kit, ada);
  const joined = await bob.join(reference);

  for (const { json } of [created, joined, await read(ada, reference)]) {
    assert.equal(at(json, 'members.me'), undefined);
    for (const [key, member] of Object.entries(json.members as object)) {
      assert.equal(String(at(member, 'constants.system.index')), key);
    }
  }
  assert.equal(indexOf(joined.json, ada), 0);
  assert.equal(indexOf(joined.json, bob), 1);
});

// @source docs/wire/clients.md "What clients need", docs/wire/README.md "Every answer", docs/wire/README.md "Every request"
test('S7 no document holds a null outside of title data', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    constants: { inactiveRemovalTimeout: anHourMs, reservedRemovalTimeout: null },
    properties: { keywords: null, closed: null, host: null, joinRestriction: null },
    me: { properties: { system: { subscription: null, secureDeviceAddress: null } } },
  });
  assertStatus(
    await ada.putSession(reference, {
      members: { reserve_0: { constants: { system: { xuid: bob.xuid } } } },
    }),
    200,
  );

  for (const contractVersion of [104, 105, 107]) {
    const { json } = await ada.getSession(reference, { contractVersion });
    assertNoNulls(json, `contract version ${contractVersion}: $`);
  }
});

// @source docs/wire/clients.md "What clients need", docs/wire/README.md "Every request"
test('S9 numbers in custom objects come back as they were written', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = kit.reference();
  const numbers =
    '"WebRTCNetworkId":18446744073709551615,"NetherNetId":9007199254740993,"price":1.50,"big":1e400,"tiny":-0,"list":[123456789012345678901,{"deep":0.10}]';
  const body = `{"properties":{"custom":{${numbers}}},"members":{"me":{"constants":{"custom":{${numbers}}},"properties":{"system":{"active":true,"connection":"${randomUUID()}"},"custom":{${numbers}}}}}}`;

  const created = assertStatus(await ada.putSession(reference, body), 201);
  const found = await read(ada, reference);

  for (const { text } of [created, found]) {
    assert.equal(text.split(numbers).length - 1, 3, 'in properties and twice in the member');
  }
});

// @source docs/wire/README.md "Every request", docs/wire/README.md "Words"
test('the words and names of a path match in any case, and the document keeps the case of its writer', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = { ...kit.reference(), name: `Lobby-${randomUUID().toUpperCase()}` };
  const created = assertStatus(await ada.putSession(reference, joinBody()), 201);

  for (const path of [
    formatSessionPath(reference).toLowerCase(),
    `/SERVICECONFIGS/${reference.scid.toUpperCase()}/SessionTemplates/DEATHMATCH/sessions/${reference.name.toLowerCase()}`,
  ]) {
    const answer = assertStatus(await ada.request('GET', path), 200);
    assert.equal(answer.etag, created.etag);
    assert.equal(answer.text, created.text);
  }
  const lowerCase = { ...reference, name: reference.name.toLowerCase() };
  const handle = await ada.postHandle(activityOf(lowerCase));
  const byHandle = await ada.request('GET', `/handles/${at(handle.json, 'id')}/session`);
  assert.match(byHandle.headers.get('content-location') ?? '', new RegExp(`${reference.name}$`));
});

// @source docs/wire/README.md "Every request", docs/wire/clients.md "What clients need"
test('GET with a Content-Type and no body is an ordinary GET', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada);
  const headers = { 'content-type': 'application/json; charset=utf-8', 'accept-language': 'en-US' };

  assertStatus(await ada.request('GET', formatSessionPath(reference), { headers }), 200);
});

// @source docs/wire/sessions.md "Access"
test('a private session is read by its members and reservations, and by nobody else', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference } = await newSession(kit, ada, {
    constants: { visibility: 'private', reservedRemovalTimeout: anHourMs },
    properties: { readRestriction: 'none' },
  });
  assertStatus(
    await ada.putSession(reference, {
      members: { reserve_0: { constants: { system: { xuid: bob.xuid } } } },
    }),
    200,
  );

  assertStatus(await ada.getSession(reference), 200);
  assertStatus(await bob.getSession(reference), 200);
  assertIsText(assertRefusedBy(await eve.getSession(reference), 403, 'sessionPrivate'));
});

// @source docs/wire/sessions.md "Access"
test('readRestriction local admits the device of an active member only', async () => {
  await using kit = await startKit();
  const device = randomUUID();
  const ada = kit.user('ada', { did: device });
  const { reference } = await newSession(kit, ada, {
    constants: { inactiveRemovalTimeout: anHourMs },
    properties: { joinRestriction: 'local', readRestriction: 'local' },
  });
  const beside = kit.user('beside', { did: device });
  const away = kit.user('away');

  assertStatus(await beside.getSession(reference), 200);
  assertIsText(assertRefusedBy(await away.getSession(reference), 403, 'readRestricted'));

  await ada.putSession(reference, {
    members: { me: { properties: { system: { active: false } } } },
  });
  assertRefusedBy(await beside.getSession(reference), 403, 'readRestricted');
});

// @source docs/wire/sessions.md "Access"
test('readRestriction followed admits whom an accepted member follows, and the device of an active one', async () => {
  await using kit = await startKit();
  const couch = randomUUID();
  const [ada, bob] = [kit.user('ada', { did: couch }), kit.user('bob')];
  const [friend, friendOfReserved] = [kit.user('friend'), kit.user('friend of reserved')];
  await ada.follow(friend);
  await bob.follow(friendOfReserved);
  const { reference } = await newSession(kit, ada, {
    constants: { reservedRemovalTimeout: anHourMs },
    properties: { joinRestriction: 'local', readRestriction: 'followed' },
  });
  assertStatus(
    await ada.putSession(reference, {
      members: { reserve_0: { constants: { system: { xuid: bob.xuid } } } },
    }),
    200,
  );

  assertStatus(await friend.getSession(reference), 200);
  assertStatus(await kit.user('beside', { did: couch }).getSession(reference), 200);
  assertRefusedBy(await kit.user('eve').getSession(reference), 403, 'readRestricted');
  // followed by somebody who is only reserved
  assertRefusedBy(await friendOfReserved.getSession(reference), 403, 'readRestricted');
});

// @source docs/wire/sessions.md "Access"
test('a visible session is read by everyone as long as readRestriction is none', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'), {
    constants: { visibility: 'visible' },
  });

  assertStatus(await kit.user('eve').getSession(reference), 200);
});

// @source docs/wire/sessions.md "Access"
test('a service reads a private session', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'), {
    constants: { visibility: 'private' },
  });

  assertStatus(await kit.service().getSession(reference), 200);
});

// @source docs/wire/sessions.md "Constants"
test('with userAuthorizationStyle a session is read locally unless it says otherwise', async () => {
  await using kit = await startKit();
  const device = randomUUID();
  const ada = kit.user('ada', { did: device });
  const { reference, session } = await newSession(kit, ada, {
    constants: { capabilities: { userAuthorizationStyle: true } },
  });

  assert.equal(at(session, 'properties.system.joinRestriction'), 'local');
  assert.equal(at(session, 'properties.system.readRestriction'), 'local');
  assertStatus(await kit.user('beside', { did: device }).getSession(reference), 200);
  assertRefusedBy(await kit.user('away').getSession(reference), 403, 'readRestricted');
});
