/** Who may become a member, and which rule says no. @source docs/wire/sessions.md "Access", docs/wire/clients.md "What clients need" */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { at, joinBody, type KitUser, startKit } from '../../src/testing/kit.ts';
import {
  activityOf,
  assertRefusedBy,
  assertStatus,
  handleId,
  inviteTo,
  leave,
  reserve,
  transferTo,
} from './answers.ts';
import {
  anHourMs,
  assertCarriesDocument,
  assertIsText,
  blankTemplate,
  indexOf,
  memberOf,
  newSession,
  read,
  type SessionParts,
} from './new-session.ts';

type Row = {
  readonly code: string;
  readonly status: number;
  readonly parts: SessionParts;
  /** What the refusal's body is. */
  readonly body: 'document' | 'text';
  readonly prv?: string;
};

const full = { maxMembersCount: 1 };
const closed = { closed: true };
const local = { joinRestriction: 'local' };

const rows: readonly Row[] = [
  { code: 'privilegeMissing', status: 403, parts: {}, body: 'document', prv: '188 255' },
  {
    code: 'sessionPrivate',
    status: 403,
    parts: { constants: { visibility: 'private' } },
    body: 'text',
  },
  {
    code: 'reservationNeeded',
    status: 400,
    parts: { constants: { visibility: 'visible' } },
    body: 'text',
  },
  { code: 'sessionFull', status: 400, parts: { constants: full }, body: 'text' },
  { code: 'sessionClosed', status: 403, parts: { properties: closed }, body: 'document' },
  { code: 'joinRestricted', status: 403, parts: { properties: local }, body: 'document' },
  {
    code: 'joinRestricted',
    status: 403,
    parts: { properties: { joinRestriction: 'local', readRestriction: 'local' } },
    body: 'text',
  },
  {
    code: 'joinRestricted',
    status: 403,
    parts: { properties: { joinRestriction: 'followed' } },
    body: 'document',
  },
];

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Access"
for (const { code, status, parts, body, prv } of rows) {
  test(`W26 a join is refused with ${status} ${code}, as ${body}: ${JSON.stringify(parts)}`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const eve = kit.user('eve', prv === undefined ? {} : { prv });
    const { reference, created } = await newSession(kit, ada, parts);

    const answer = assertRefusedBy(await eve.join(reference), status, code);

    if (body === 'document') assertCarriesDocument(answer);
    else assertIsText(answer);
    assert.equal((await read(ada, reference)).etag, created.etag);
  });
}

const everything = {
  constants: { visibility: 'private', ...full },
  properties: { ...closed, ...local },
};

// @source docs/wire/sessions.md "Access"
for (const [code, parts, prv] of [
  ['privilegeMissing', everything, '255'],
  ['sessionPrivate', everything, '254'],
  ['reservationNeeded', { ...everything, constants: { visibility: 'visible', ...full } }, '254'],
  ['sessionFull', { ...everything, constants: full }, '254'],
  ['sessionClosed', { properties: everything.properties }, '254'],
] as const) {
  // @source docs/wire/unknowns.md "the order of the rules of joining"
  test(`W26 where more than one rule says no, ${code} is answered before those after it`, async () => {
    await using kit = await startKit();
    const { reference } = await newSession(kit, kit.user('ada'), parts);

    const answer = await kit.user('eve', { prv }).join(reference);

    assert.equal(answer.refusal, code);
  });
}

// @source docs/wire/sessions.md "Access"
test('an open session is joined by anybody, and by a user who is in it already', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);

  const joined = assertStatus(await bob.join(reference), 200);

  assert.equal(indexOf(joined.json, bob), 1);
  assert.equal(at(joined.json, 'members.1.gamertag'), bob.gamertag);
  assert.deepEqual(joined.json.membersInfo, {
    first: 0,
    next: 2,
    count: 2,
    accepted: 2,
    active: 2,
  });
  const again = assertStatus(await bob.join(reference), 200);
  assert.equal(at(again.json, 'membersInfo.count'), 2);
});

// @source docs/wire/sessions.md "Access"
test('a member who writes itself again is not joining, whatever the session says by now', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, {
    constants: { visibility: 'private', maxMembersCount: 1 },
    properties: { closed: true, joinRestriction: 'local', readRestriction: 'local' },
  });

  assertStatus(await ada.join(reference), 200);
});

// @source docs/wire/sessions.md "Access"
test('a member without the privilege may still leave', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);
  const withoutPrivilege = kit.user('bob', { xuid: bob.xuid, prv: '255' });

  assertStatus(await withoutPrivilege.putSession(reference, leave), 200);
});

// @source docs/wire/sessions.md "properties.system"
test('joinRestriction local admits the device of an active member', async () => {
  await using kit = await startKit();
  const did = randomUUID();
  const ada = kit.user('ada', { did });
  const { reference } = await newSession(kit, ada, { properties: local });

  assertRefusedBy(await kit.user('away').join(reference), 403, 'joinRestricted');
  assertStatus(await kit.user('beside', { did }).join(reference), 200);
});

// @source docs/wire/sessions.md "properties.system"
// @source docs/wire/unknowns.md "tokens without a device"
test('joinRestriction local does not take two tokens without a device for one device', async () => {
  await using kit = await startKit();
  const reference = kit.reference(blankTemplate);
  const path = formatSessionPath(reference);
  const joinWithoutDevice = ({ xuid }: KitUser, body: JsonObject) =>
    kit.request('PUT', path, {
      headers: { authorization: `XBL3.0 x=-;xuid=${xuid}`, 'x-xbl-contract-version': '107' },
      body: { ...joinBody(), ...body },
    });
  const properties = { system: local };
  assertStatus(await joinWithoutDevice(kit.user('ada'), { properties }), 201);

  assertRefusedBy(await joinWithoutDevice(kit.user('eve'), {}), 403, 'joinRestricted');
});

// @source docs/wire/sessions.md "properties.system", docs/wire/sessions.md "Access"
test('joinRestriction followed admits whom a member follows, and not who follows a member', async () => {
  await using kit = await startKit();
  const [ada, friend, fan] = kit.users('ada', 'friend', 'fan');
  await ada.follow(friend);
  await fan.follow(ada);
  const { reference } = await newSession(kit, ada, {
    properties: { joinRestriction: 'followed' },
  });

  assertRefusedBy(await fan.join(reference), 403, 'joinRestricted');
  assertStatus(await friend.join(reference), 200);
});

// @source docs/wire/clients.md "Multiplayer Manager"
test('joinRestriction followed admits the device of an active member', async () => {
  await using kit = await startKit();
  const did = randomUUID();
  const ada = kit.user('ada', { did });
  const { reference } = await newSession(kit, ada, { properties: { joinRestriction: 'followed' } });

  assertStatus(await kit.user('beside', { did }).join(reference), 200);
});

// @source docs/wire/sessions.md "Access"
test('an invite lifts joinRestriction for the user it is addressed to, and for nobody else', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference } = await newSession(kit, ada, {
    properties: { joinRestriction: 'local', readRestriction: 'local' },
  });
  const handle = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));

  assertRefusedBy(await eve.putSessionByHandle(handle, joinBody()), 403, 'joinRestricted');
  assertRefusedBy(await bob.join(reference), 403, 'joinRestricted');
  const joined = assertStatus(await bob.putSessionByHandle(handle, joinBody()), 200);

  assert.ok(memberOf(joined.json, bob));
  assert.equal(
    joined.headers.get('content-location'),
    `/serviceconfigs/${reference.scid}/sessionTemplates/${reference.templateName}/sessions/${reference.name}`,
  );
});

// @source docs/wire/sessions.md "Access"
test('an invite lets the invited user read', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    properties: { joinRestriction: 'local', readRestriction: 'local' },
  });
  const handle = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));

  assertRefusedBy(await bob.getSession(reference), 403, 'readRestricted');
  assertStatus(await bob.request('GET', `/handles/${handle}/session`), 200);
});

// @source docs/wire/sessions.md "Access"
for (const [status, code, parts] of [
  [403, 'sessionPrivate', { constants: { visibility: 'private' } }],
  [400, 'reservationNeeded', { constants: { visibility: 'visible' } }],
  [403, 'sessionFull', { constants: full }],
  [403, 'sessionClosed', { properties: closed }],
] as const) {
  test(`an invite does not lift ${code}`, async () => {
    await using kit = await startKit();
    const [ada, bob] = kit.users('ada', 'bob');
    const { reference } = await newSession(kit, ada, parts);
    const handle = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));

    assertRefusedBy(await bob.putSessionByHandle(handle, joinBody()), status, code);
  });
}

// @source docs/wire/sessions.md "Access"
test('an activity lifts nothing', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const { reference } = await newSession(kit, ada, { properties: local });
  const id = handleId(await ada.postHandle(activityOf(reference)));

  const answer = assertRefusedBy(
    await eve.putSessionByHandle(id, joinBody()),
    403,
    'joinRestricted',
  );

  assertCarriesDocument(answer);
});

// @source docs/wire/sessions.md "Access"
test('a transfer lifts joinRestriction for those who are in the origin at that time', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const lobby = await newSession(kit, ada);
  for (const user of [bob, cyd]) assertStatus(await user.join(lobby.reference), 200);
  const game = await newSession(kit, ada, { properties: local });
  const id = handleId(await ada.postHandle(transferTo(game.reference, lobby.reference)));
  assertStatus(await cyd.putSession(lobby.reference, leave), 200);

  assertStatus(await bob.putSessionByHandle(id, joinBody()), 200);
  assertRefusedBy(await cyd.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');
});

// @source docs/wire/sessions.md "Access"
for (const parts of [
  { constants: { visibility: 'private' } },
  { constants: { visibility: 'visible' } },
  { properties: closed },
  { properties: { joinRestriction: 'local', readRestriction: 'local' } },
  { constants: { maxMembersCount: 2 } },
]) {
  test(`a reservation lets its user into a session of ${JSON.stringify(parts)}`, async () => {
    await using kit = await startKit();
    const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
    const { reference } = await newSession(kit, ada, parts);
    assertStatus(await ada.putSession(reference, reserve(bob)), 200);

    assert.ok([400, 403].includes((await eve.join(reference)).status));
    const { json } = assertStatus(await bob.join(reference), 200);

    assert.equal(at(json, 'membersInfo.accepted'), 2);
  });
}

// @source docs/wire/sessions.md "properties.system"
test('a closed session that is locked lets those come back who were in it', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference } = await newSession(kit, ada);
  assertStatus(await bob.join(reference), 200);
  assertStatus(await bob.putSession(reference, leave), 200);
  const close = { properties: { system: { closed: true } } };
  assertStatus(await ada.putSession(reference, close), 200);

  assertRefusedBy(await bob.join(reference), 403, 'sessionClosed');
  const lock = { properties: { system: { closed: true, locked: true } } };
  assertStatus(await ada.putSession(reference, lock), 200);
  assertRefusedBy(await eve.join(reference), 403, 'sessionClosed');
  const { json } = assertStatus(await bob.join(reference), 200);
  assert.equal(indexOf(json, bob), 2, 'a new index, since indexes are never reused');
});

// @source docs/wire/sessions.md "Access"
test('who was only reserved does not come back into a locked session', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, ada, {
    constants: { reservedRemovalTimeout: anHourMs },
  });
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);
  assertStatus(await bob.putSession(reference, leave), 200);
  const lock = { properties: { system: { closed: true, locked: true } } };
  assertStatus(await ada.putSession(reference, lock), 200);

  assertRefusedBy(await bob.join(reference), 403, 'sessionClosed');
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Members"
test('W19 who joins is whom the token names, whatever xuid and connection the body holds', async () => {
  await using kit = await startKit();
  const [ada, sub] = kit.users('ada', 'sub');
  const connection = randomUUID();
  const me = (xuid: string) => ({
    constants: { system: { xuid, initialize: true } },
    properties: { system: { active: true, connection } },
  });
  const reference = kit.reference();
  assertStatus(await ada.putSession(reference, { members: { me: me(ada.xuid) } }), 201);

  const { json } = assertStatus(
    await sub.putSession(reference, { members: { me: me(ada.xuid) } }),
    200,
  );

  assert.equal(at(json, 'members.1.constants.system.xuid'), sub.xuid);
  assert.equal(at(json, 'members.1.properties.system.connection'), connection);
  assert.equal(at(json, 'membersInfo.count'), 2);
});

// @source docs/wire/sessions.md "Access"
// @source docs/wire/unknowns.md "absent privileges"
test('tokens that say nothing of privileges may join', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'));

  assertStatus(await kit.user('bob').join(reference), 200);
});

// @source docs/wire/sessions.md "Access"
test('a full session has room again when somebody has left', async () => {
  await using kit = await startKit();
  const [ada, bob, cyd] = kit.users('ada', 'bob', 'cyd');
  const { reference } = await newSession(kit, ada, { constants: { maxMembersCount: 2 } });
  assertStatus(await bob.join(reference), 200);
  assertRefusedBy(await cyd.join(reference), 400, 'sessionFull');

  assertStatus(await bob.putSession(reference, leave), 200);

  assertStatus(await cyd.join(reference), 200);
});

// @source docs/architecture.md "Promises"
test('of many who race for the last seat exactly one gets it', async () => {
  await using kit = await startKit();
  const { reference } = await newSession(kit, kit.user('ada'), {
    constants: { maxMembersCount: 2 },
  });
  const users = Array.from({ length: 10 }, (_, i) => kit.user(`user ${i}`));

  const answers = await Promise.all(users.map((user) => user.join(reference)));

  const statuses = answers.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [200, ...Array(9).fill(400)]);
  const { json } = await read(kit.service(), reference);
  assert.equal(at(json, 'membersInfo.count'), 2);
});
