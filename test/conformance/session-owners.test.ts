/** Owners: who rules a session, and what becomes of it without them. @source docs/wire/sessions.md "Access", docs/wire/sessions.md "Owners", docs/wire/rta.md "Invites" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, isAimed, joinBody, startKit, type Kit, type KitUser } from '../../src/testing/kit.ts';
import { assertRefusedBy, assertStatus, inviteTo, leave, needsOwnServer } from './answers.ts';
import {
  anHourMs,
  assertCarriesDocument,
  assertIsText,
  blankTemplate,
  indexOf,
  memberOf,
  newSession,
  read,
} from './new-session.ts';

type Policies = {
  readonly policies?: JsonObject;
  readonly constants?: JsonObject;
};

/** A session that `owner` owns and `others` are in. */
async function ownedBy(
  kit: Kit,
  owner: KitUser,
  others: readonly KitUser[],
  { policies, constants }: Policies = {},
): Promise<SessionReference> {
  const { reference } = await newSession(kit, owner, {
    constants: {
      inactiveRemovalTimeout: anHourMs,
      capabilities: { hasOwners: true },
      ...(policies && { ownershipPolicies: policies }),
      ...constants,
    },
  });
  for (const other of others) assertStatus(await other.join(reference), 200);
  return reference;
}

const oldest = { policies: { migration: 'oldest' } };

// @source docs/wire/sessions.md "properties.system"
test('the creator owns the session, and the document says so', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await ownedBy(kit, ada, [bob]);

  const { json } = await read(bob, reference);

  assert.deepEqual(at(json, 'properties.system.owners'), [indexOf(json, ada)]);
  const plain = (await newSession(kit, ada)).session;
  assert.equal(at(plain, 'properties.system.owners'), undefined);
});

// @source docs/wire/sessions.md "Merge"
test('properties with owners may be sent back as they were read, by anybody', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await ownedBy(kit, ada, [bob]);
  const { json, etag } = await read(bob, reference);

  for (const user of [ada, bob]) {
    const { properties } = json;
    assert.equal(assertStatus(await user.putSession(reference, { properties }), 200).etag, etag);
  }
  assertRefusedBy(
    await ada.putSession(reference, { properties: { system: { owners: [indexOf(json, bob)] } } }),
    400,
    'requestInvalid',
  );
});

// @source docs/wire/unknowns.md "the first member is the owner"
test('a session that a service made is owned by the first who joins', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = kit.reference(blankTemplate);
  assertStatus(
    await kit.service().putSession(reference, {
      constants: { system: { sessionEmptyTimeout: anHourMs, capabilities: { hasOwners: true } } },
    }),
    201,
  );

  const first = assertStatus(await bob.join(reference), 200);
  const second = assertStatus(await ada.join(reference), 200);

  assert.deepEqual(at(first.json, 'properties.system.owners'), [0]);
  assert.deepEqual(at(second.json, 'properties.system.owners'), [0]);
});

// @source docs/wire/sessions.md "Owners"
test('migration oldest: the member who joined first follows the owner', {
  skip: isAimed && needsOwnServer,
}, async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const reference = await ownedBy(kit, ada, [], oldest);
  assertStatus(
    await ada.putSession(reference, {
      members: { reserve_0: { constants: { system: { xuid: cid.xuid } } } },
    }),
    200,
  );
  kit.advanceWithoutSweep(1_000);
  assertStatus(await bob.join(reference), 200);
  kit.advanceWithoutSweep(1_000);
  assertStatus(await cid.join(reference), 200);

  assertStatus(await ada.putSession(reference, leave), 200);

  const { json } = await read(bob, reference);
  assert.deepEqual(at(json, 'properties.system.owners'), [indexOf(json, bob)]);
});

// @source docs/wire/sessions.md "Owners"
for (const [what, options] of [
  ['by default', {}],
  ['by policy', { policies: { migration: 'endsession' } }],
  ['whatever sessionEmptyTimeout says', { constants: { sessionEmptyTimeout: anHourMs } }],
] as const) {
  test(`migration endsession, ${what}: with its owner the session ends`, async () => {
    await using kit = await startKit();
    const [ada, bob] = kit.users('ada', 'bob');
    const reference = await ownedBy(kit, ada, [bob], options);
    assertStatus(await bob.putSession(reference, leave), 200);
    assertStatus(await bob.join(reference), 200);

    assertStatus(await ada.putSession(reference, leave), 204);

    assertStatus(await bob.getSession(reference), 204);
  });
}

// @source docs/wire/time.md "Time", docs/wire/sessions.md "Owners"
for (const swept of [true, false]) {
  test(`an owner who times out is followed, ${swept ? 'swept' : 'not swept'}`, {
    skip: isAimed && needsOwnServer,
  }, async () => {
    await using kit = await startKit();
    const [ada, bob] = kit.users('ada', 'bob');
    const [followed, ending] = [
      await ownedBy(kit, ada, [bob], oldest),
      await ownedBy(kit, ada, [bob]),
    ];
    const idle = { members: { me: { properties: { system: { active: false } } } } };
    for (const reference of [followed, ending]) {
      assertStatus(await ada.putSession(reference, idle), 200);
    }

    if (swept) await kit.advance(anHourMs);
    else kit.advanceWithoutSweep(anHourMs);

    const { json } = await read(bob, followed);
    assert.equal(memberOf(json, ada), undefined);
    assert.deepEqual(at(json, 'properties.system.owners'), [indexOf(json, bob)]);
    assertStatus(await bob.getSession(ending), 204);
  });
}

// @source docs/wire/sessions.md "Members"
test('owners remove others, by index and by element; others do not', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const reference = await ownedBy(kit, ada, [bob, cid], oldest);
  const { json, etag } = await read(ada, reference);
  const remove = (user: KitUser) => ({ members: { [indexOf(json, user)]: null } });

  for (const victim of [ada, cid]) {
    const refused = assertRefusedBy(
      await bob.putSession(reference, remove(victim)),
      403,
      'ownerRequired',
    );
    assertCarriesDocument(refused);
  }
  assert.equal((await read(ada, reference)).etag, etag);
  const kicked = assertStatus(await ada.putSession(reference, remove(bob)), 200);
  assert.equal(memberOf(kicked.json, bob), undefined);
  const { scid, templateName, name } = reference;
  const element = `/serviceconfigs/${scid}/sessiontemplates/${templateName}/sessions/${name}/members/${indexOf(json, cid)}`;
  const alone = assertStatus(await ada.request('DELETE', element), 200);
  assert.equal(at(alone.json, 'membersInfo.count'), 1);
  assertStatus(await bob.join(reference), 200);
});

// @source docs/wire/unknowns.md "kicked and locked"
test('who was removed by an owner is no former member of a locked session', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const reference = await ownedBy(kit, ada, [bob, cid], oldest);
  const { json } = assertStatus(
    await ada.putSession(reference, { properties: { system: { closed: true, locked: true } } }),
    200,
  );
  assertStatus(await ada.putSession(reference, { members: { [indexOf(json, bob)]: null } }), 200);
  assertStatus(await cid.putSession(reference, leave), 200);

  assertRefusedBy(await bob.join(reference), 403, 'sessionClosed');
  assertStatus(await cid.join(reference), 200);
});

// @source docs/wire/unknowns.md "custom properties in sessions with owners", docs/wire/sessions.md "Access", docs/wire/rta.md "Invites"
test('others write the system properties that are left to them, and custom ones', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await ownedBy(kit, ada, [bob], {
    policies: { nonOwnerModifiableSystemProperties: ['closed'] },
  });
  const put = (user: KitUser, system: JsonObject, custom: JsonObject = {}) =>
    user.putSession(reference, { properties: { system, custom } });

  const refused = assertRefusedBy(
    await put(bob, { closed: true, joinRestriction: 'local' }),
    403,
    'ownerRequired',
  );

  assertCarriesDocument(refused);
  assert.equal(refused.detail, '$.properties.system.joinRestriction');
  assert.equal(at(refused.json, 'properties.system.closed'), undefined);
  // A client that writes all fields says "false" for what it never touched.
  const { json } = assertStatus(
    await put(bob, { closed: true, locked: false, keywords: [] }, { map: 'atoll' }),
    200,
  );
  assert.equal(at(json, 'properties.system.closed'), true);
  assert.deepEqual(at(json, 'properties.custom'), { map: 'atoll' });
  assertStatus(await put(ada, { keywords: ['k'] }), 200);
  assertStatus(await put(kit.service(), { keywords: ['s'] }), 200);
});

// @source docs/wire/handles.md "POST /handles"
test('only owners invite, unless the policy lets every member', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const strict = await ownedBy(kit, ada, [bob]);
  const loose = await ownedBy(kit, ada, [bob], { policies: { allowNonOwnerInviteHandles: true } });

  assertIsText(
    assertRefusedBy(await bob.postHandle(inviteTo(strict, cid.xuid)), 403, 'ownerRequired'),
  );
  assertStatus(await ada.postHandle(inviteTo(strict, cid.xuid)), 201);
  assertStatus(await kit.service().postHandle(inviteTo(strict, cid.xuid)), 201);
  assertStatus(await bob.postHandle(inviteTo(loose, cid.xuid)), 201);
});

// @source docs/wire/sessions.md "Access", docs/wire/rta.md "Invites"
test('whom an owner has blocked does not get in, but with a reservation', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  await ada.client.avoid(eve.xuid);
  const reference = await ownedBy(kit, ada, [bob], oldest);

  const refused = assertRefusedBy(await eve.join(reference), 403, 'blockedByOwner');
  assertCarriesDocument(refused);
  const bobs = await ownedBy(kit, bob, [ada], oldest);
  assertStatus(await eve.join(bobs), 200);
  assertStatus(await eve.join((await newSession(kit, ada)).reference), 200);
  assertStatus(
    await ada.putSession(reference, {
      members: { reserve_0: { constants: { system: { xuid: eve.xuid } } } },
    }),
    200,
  );
  assertStatus(await eve.join(reference), 200);
});

// @source docs/wire/sessions.md "Access"
test('a blocked user is refused for a full session first, and for a closed one not at all', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  await ada.client.avoid(eve.xuid);
  const full = await ownedBy(kit, ada, [], { constants: { maxMembersCount: 1 } });
  const closed = await ownedBy(kit, ada, []);
  assertStatus(await ada.putSession(closed, { properties: { system: { closed: true } } }), 200);

  assertRefusedBy(await eve.putSession(full, joinBody()), 400, 'sessionFull');
  assertRefusedBy(await eve.putSession(closed, joinBody()), 403, 'blockedByOwner');
});
