/** Roles: what members are in a session, counted and bounded. @source docs/wire/sessions.md "Roles", docs/wire/sessions.md "Members" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, joinBody, startKit, type Kit, type KitUser } from '../../src/testing/kit.ts';
import {
  anHourMs,
  assertCarriesDocument,
  assertIsText,
  blankTemplate,
  indexOf,
  newSession,
  ofMember,
  read,
} from './new-session.ts';
import { assertRefusedBy, assertStatus } from './answers.ts';

const team: JsonObject = {
  mutableRoleSettings: ['max', 'target'],
  roles: { red: { max: 2, target: 1 }, blue: { max: 2 } },
};

const myRoles = (roles: JsonObject): JsonObject => ({ members: { me: { roles } } });
const rolesOf = (index: number, roles: JsonObject): JsonObject => ({
  members: { [index]: { roles } },
});

/** A session of `creator`, who owns it unless said otherwise, with these role types. */
async function withRoles(
  kit: Kit,
  creator: KitUser,
  roleTypes: JsonObject = { team },
  hasOwners = true,
): Promise<SessionReference> {
  const reference = kit.reference(blankTemplate);
  const constants = {
    system: {
      inactiveRemovalTimeout: anHourMs,
      ...(hasOwners && {
        capabilities: { hasOwners: true },
        ownershipPolicies: { migration: 'oldest' },
      }),
    },
  };
  assertStatus(await creator.putSession(reference, { constants, roleTypes, ...joinBody() }), 201);
  return reference;
}

// @source docs/wire/sessions.md "Roles"
test('W16 a member takes a role, which is counted in the document', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await withRoles(kit, ada);

  const joined = assertStatus(await bob.join(reference, { roles: { team: 'red' } }), 200);

  assert.deepEqual(ofMember(joined.json, bob, 'roles'), { team: 'red' });
  assert.equal(ofMember(joined.json, ada, 'roles'), undefined);
  assert.deepEqual(at((await read(ada, reference)).json, 'roleTypes'), {
    team: {
      mutableRoleSettings: ['max', 'target'],
      roles: {
        red: { max: 2, target: 1, count: 1, memberXuids: [bob.xuid] },
        blue: { max: 2, count: 0, memberXuids: [] },
      },
    },
  });
});

// @source docs/wire/sessions.md "Roles"
test('a member has one role of a type, changes it, and gives it up', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await withRoles(kit, ada, { team, job: { roles: { medic: {} } } });
  const put = async (roles: JsonObject) =>
    assertStatus(await ada.putSession(reference, myRoles(roles)), 200);
  await put({ team: 'red', job: 'medic' });

  const changed = await put({ team: 'blue' });
  const none = await put({ team: null });

  assert.deepEqual(ofMember(changed.json, ada, 'roles'), { team: 'blue', job: 'medic' });
  assert.equal(at(changed.json, 'roleTypes.team.roles.red.count'), 0);
  assert.deepEqual(ofMember(none.json, ada, 'roles'), { job: 'medic' });
  assert.equal((await put({ team: null })).etag, none.etag);
  assert.equal(ofMember((await put({ job: null })).json, ada, 'roles'), undefined);
});

// @source docs/wire/sessions.md "Element URIs", docs/wire/sessions.md "Roles"
test('a role may be taken by the element members/me', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { scid, templateName, name } = await withRoles(kit, ada);

  const { json } = assertStatus(
    await ada.request(
      'PUT',
      `/serviceconfigs/${scid}/sessiontemplates/${templateName}/sessions/${name}/members/me`,
      { body: { roles: { team: 'red' } } },
    ),
    200,
  );

  assert.deepEqual(ofMember(json, ada, 'roles'), { team: 'red' });
});

// @source docs/wire/sessions.md "Roles"
test('a role over its max is refused with 409 roleFull, and free again when a member goes', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const reference = await withRoles(kit, ada, { team: { roles: { red: { max: 1 } } } });
  assertStatus(await bob.join(reference, { roles: { team: 'red' } }), 200);
  assertStatus(await cid.join(reference), 200);
  const { etag } = await read(ada, reference);

  const refused = assertRefusedBy(
    await cid.putSession(reference, myRoles({ team: 'red' })),
    409,
    'roleFull',
  );

  assertIsText(refused);
  assert.equal(refused.detail, 'team.red max 1');
  assert.equal((await read(ada, reference)).etag, etag);
  assertRefusedBy(
    await kit.user('dot').join(reference, { roles: { team: 'red' } }),
    409,
    'roleFull',
  );

  assertStatus(await bob.putSession(reference, { members: { me: null } }), 200);
  const { json } = assertStatus(await cid.putSession(reference, myRoles({ team: 'red' })), 200);
  assert.deepEqual(at(json, 'roleTypes.team.roles.red.memberXuids'), [cid.xuid]);
});

// @source docs/wire/unknowns.md "roles that cannot be", docs/wire/sessions.md "Roles"
test('a role that is not there is refused, and what is there is named', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await withRoles(kit, ada);
  const plain = (await newSession(kit, ada)).reference;

  for (const [where, roles, detail] of [
    [reference, { team: 'green' }, '$.members.me.roles.team'],
    [reference, { team: 'Red' }, '$.members.me.roles.team'],
    [reference, { clan: 'red' }, '$.members.me.roles.clan'],
    [reference, { team: 7 }, '$.members.me.roles.team'],
    [plain, { team: 'red' }, '$.members.me.roles.team'],
  ] as const) {
    const refused = assertRefusedBy(
      await ada.putSession(where, myRoles(roles)),
      400,
      'requestInvalid',
    );
    assert.equal(refused.detail, detail);
  }
  const { text } = await ada.putSession(reference, myRoles({ team: 'green' }));
  assert.match(text, /"red", "blue"/);
});

// @source docs/wire/sessions.md "Roles"
test('roles of an owner-managed type are assigned by owners, to themselves and to others', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lfg = { ownerManaged: true, roles: { confirmed: { max: 4, target: 2 } } };
  const reference = await withRoles(kit, ada, { lfg });
  const joined = assertStatus(await bob.join(reference), 200);
  const index = indexOf(joined.json, bob);

  assertCarriesDocument(
    assertRefusedBy(
      await bob.putSession(reference, myRoles({ lfg: 'confirmed' })),
      403,
      'ownerRequired',
    ),
  );
  const { json } = assertStatus(
    await ada.putSession(reference, rolesOf(index, { lfg: 'confirmed' })),
    200,
  );
  const own = assertStatus(await ada.putSession(reference, myRoles({ lfg: 'confirmed' })), 200);

  assert.deepEqual(ofMember(json, bob, 'roles'), { lfg: 'confirmed' });
  assert.deepEqual(at(own.json, 'roleTypes.lfg.roles.confirmed'), {
    max: 4,
    target: 2,
    count: 2,
    memberXuids: [ada.xuid, bob.xuid],
  });
  assertRefusedBy(await bob.putSession(reference, myRoles({ lfg: null })), 403, 'ownerRequired');
  const freed = assertStatus(await ada.putSession(reference, rolesOf(index, { lfg: null })), 200);
  assert.equal(ofMember(freed.json, bob, 'roles'), undefined);
});

// @source docs/wire/unknowns.md "roles of others", docs/wire/sessions.md "Roles"
test('roles of others are assigned by owners and services alone, and nothing else of others is', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await withRoles(kit, ada);
  const joined = assertStatus(await bob.join(reference), 200);
  const [adas, bobs] = [indexOf(joined.json, ada), indexOf(joined.json, bob)];

  assertCarriesDocument(
    assertRefusedBy(
      await bob.putSession(reference, rolesOf(adas, { team: 'red' })),
      403,
      'ownerRequired',
    ),
  );
  const more = {
    members: { [bobs]: { roles: { team: 'red' }, properties: { custom: { a: 1 } } } },
  };
  assertRefusedBy(await ada.putSession(reference, more), 403, 'memberNotYours');
  assertRefusedBy(await kit.service().putSession(reference, more), 403, 'memberNotYours');
  assertRefusedBy(
    await ada.putSession(reference, rolesOf(99, { team: 'red' })),
    400,
    'requestInvalid',
  );
  const { json } = assertStatus(
    await kit.service().putSession(reference, rolesOf(bobs, { team: 'blue' })),
    200,
  );
  assert.deepEqual(ofMember(json, bob, 'roles'), { team: 'blue' });
});

// @source docs/wire/unknowns.md "roles of reservations"
test('a reservation may have a role: it holds the place, and keeps it when it is taken', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const reference = await withRoles(kit, ada, { team: { roles: { red: { max: 1 } } } });
  const reserved = assertStatus(
    await ada.putSession(reference, {
      members: { reserve_0: { constants: { system: { xuid: bob.xuid } } } },
    }),
    200,
  );
  const index = indexOf(reserved.json, bob);
  assertStatus(await ada.putSession(reference, rolesOf(index, { team: 'red' })), 200);

  assertRefusedBy(await cid.join(reference, { roles: { team: 'red' } }), 409, 'roleFull');
  const { json } = assertStatus(await bob.join(reference), 200);

  assert.deepEqual(ofMember(json, bob, 'roles'), { team: 'red' });
  assert.equal(ofMember(json, bob, 'reserved'), undefined);
});

// @source docs/wire/clients.md "What clients need", docs/wire/sessions.md "Roles"
test('W17 owners change mutable role settings, and others do not', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const fixed = { roles: { medic: { max: 1 } } };
  const reference = await withRoles(kit, ada, { team, job: fixed });
  assertStatus(await bob.join(reference), 200);
  // The client lists all roles that it knows, and leaves out zeros.
  const body = {
    roleTypes: {
      team: { roles: { red: { max: 4, target: 3 }, blue: { max: 2 } } },
      job: { roles: { medic: { max: 1 } } },
    },
  };

  assertCarriesDocument(
    assertRefusedBy(await bob.putSession(reference, body), 403, 'ownerRequired'),
  );
  const { json, etag } = assertStatus(await ada.putSession(reference, body), 200);

  assert.deepEqual(at(json, 'roleTypes.team.roles.red'), {
    max: 4,
    target: 3,
    count: 0,
    memberXuids: [],
  });
  assert.equal(assertStatus(await bob.putSession(reference, body), 200).etag, etag);
  for (const [code, status, roleTypes] of [
    ['roleSettingsFixed', 409, { job: { roles: { medic: { max: 2 } } } }],
    ['roleSettingsFixed', 409, { team: { ownerManaged: true } }],
    ['requestInvalid', 400, { team: { roles: { red: { target: 5 } } } }],
    ['requestInvalid', 400, { team: { roles: { green: { max: 1 } } } }],
    ['requestInvalid', 400, { clan: { roles: {} } }],
  ] as const) {
    assertIsText(assertRefusedBy(await ada.putSession(reference, { roleTypes }), status, code));
  }
  assert.equal((await read(ada, reference)).etag, etag);
});

// @source docs/wire/unknowns.md "role settings without owners"
test('without owners role settings are changed by services', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await withRoles(kit, ada, { team }, false);
  const body = { roleTypes: { team: { roles: { blue: { max: 9 } } } } };

  assertRefusedBy(await ada.putSession(reference, body), 403, 'ownerRequired');
  const { json } = assertStatus(await kit.service().putSession(reference, body), 200);

  assert.equal(at(json, 'roleTypes.team.roles.blue.max'), 9);
});

// @source docs/wire/unknowns.md "roles that cannot be"
test('a max is not set below the number of those who have the role', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await withRoles(kit, ada);
  assertStatus(await ada.putSession(reference, myRoles({ team: 'red' })), 200);
  assertStatus(await bob.join(reference, { roles: { team: 'red' } }), 200);

  assertRefusedBy(
    await ada.putSession(reference, { roleTypes: { team: { roles: { red: { max: 1 } } } } }),
    409,
    'roleFull',
  );
});

// @source docs/wire/sessions.md "Constants", docs/wire/sessions.md "Roles"
for (const [what, roleTypes, detail] of [
  ['a type in capitals', { Team: { roles: {} } }, '$.roleTypes.Team'],
  ['a role with a space', { team: { roles: { 'r d': {} } } }, '$.roleTypes.team.roles["r d"]'],
  [
    'a long name',
    { team: { roles: { ['r'.repeat(101)]: {} } } },
    `$.roleTypes.team.roles.${'r'.repeat(101)}`,
  ],
  [
    'a target above max',
    { team: { roles: { red: { max: 1, target: 2 } } } },
    '$.roleTypes.team.roles.red.target',
  ],
  ['a max of none', { team: { roles: { red: { max: 0 } } } }, '$.roleTypes.team.roles.red.max'],
  [
    'another mutable setting',
    { team: { mutableRoleSettings: ['count'] } },
    '$.roleTypes.team.mutableRoleSettings[0]',
  ],
  ['management without owners', { team: { ownerManaged: true } }, '$.roleTypes.team.ownerManaged'],
  ['an unknown member', { team: { role: {} } }, '$.roleTypes.team.role'],
] as const) {
  test(`role types with ${what} are refused`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const reference = kit.reference(blankTemplate);

    const refused = assertRefusedBy(
      await ada.putSession(reference, { roleTypes, ...joinBody() }),
      400,
      'requestInvalid',
    );

    assertIsText(refused);
    assert.equal(refused.detail, detail);
    assertStatus(await ada.getSession(reference), 204);
  });
}

const writers = 50;

/** How many of these answers there are by status and refusal. */
function tally(answers: readonly { status: number; refusal: string | undefined }[]): JsonObject {
  const counts = new Map<string, number>();
  for (const { status, refusal } of answers) {
    const kind = refusal ?? String(status);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

// @source docs/wire/sessions.md "PUT"
for (const max of [1, 3]) {
  test(`of ${writers} who join at once for ${max} places of a role ${max} get in, the rest are refused`, async () => {
    await using kit = await startKit();
    const ada = kit.user('ada');
    const reference = await withRoles(kit, ada, { team: { roles: { red: { max } } } });
    const users = Array.from({ length: writers }, (_user, n) => kit.user(`racer ${n}`));

    const answers = await Promise.all(
      users.map((user) => user.join(reference, { roles: { team: 'red' } })),
    );

    assert.deepEqual(tally(answers), { 200: max, roleFull: writers - max });
    const { json } = await read(ada, reference);
    assert.equal(at(json, 'membersInfo.count'), 1 + max);
    assert.equal(at(json, 'roleTypes.team.roles.red.count'), max);
    const winners = users.filter((_user, i) => answers[i]?.status === 200);
    assert.deepEqual(
      new Set(at(json, 'roleTypes.team.roles.red.memberXuids') as string[]),
      new Set(winners.map(({ xuid }) => xuid)),
    );
  });
}

// @source docs/wire/sessions.md "PUT"
test(`of ${writers} who join at once for the last seat one gets in, the rest get sessionFull`, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { reference } = await newSession(kit, ada, { constants: { maxMembersCount: 2 } });
  const users = Array.from({ length: writers }, (_user, n) => kit.user(`racer ${n}`));

  const answers = await Promise.all(users.map((user) => user.join(reference)));

  assert.deepEqual(tally(answers), { 200: 1, sessionFull: writers - 1 });
  const { json } = await read(ada, reference);
  assert.equal(at(json, 'membersInfo.count'), 2);
  const winner = users.find((_user, i) => answers[i]?.status === 200);
  assert.ok(winner && indexOf(json, winner) === 1);
});
