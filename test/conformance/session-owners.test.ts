/** Owners: who rules a session, and what becomes of it without them. @source docs/wire/sessions.md "Access", docs/wire/sessions.md "Owners", docs/wire/rta.md "Invites" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { at, isAimed, joinBody, startKit, type Kit, type KitUser } from '../../src/testing/kit.ts';
import { assertStatus, inviteTo, needsOwnServer } from './answers.ts';
import {
  anHourMs,
  assertCarriesDocument,
  assertIsText,
  blankTemplate,
  expectRefusal,
  expectStatus,
  indexOf,
  memberOf,
  newSession,
  read,
} from './new-session.ts';

const leave = { members: { me: null } };

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
  for (const other of others) await expectStatus(200, other.join(reference));
  return reference;
}

const oldest = { policies: { migration: 'oldest' } };

// @source docs/wire/sessions.md "properties.system": owners (member indexes, with hasOwners), 7 the creator is owner
test('the creator owns the session, and the document says so', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const reference = await ownedBy(kit, ada, [bob]);

  const { json } = await read(bob, reference);

  assert.deepEqual(at(json, 'properties.system.owners'), [indexOf(json, ada)]);
  const plain = (await newSession(kit, ada)).session;
  assert.equal(at(plain, 'properties.system.owners'), undefined);
});

// @source docs/wire/sessions.md "Merge": may be sent back unchanged
test('properties with owners may be sent back as they were read, by anybody', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const reference = await ownedBy(kit, ada, [bob]);
  const { json, etag } = await read(bob, reference);

  for (const user of [ada, bob]) {
    const { properties } = json;
    assert.equal((await expectStatus(200, user.putSession(reference, { properties }))).etag, etag);
  }
  await expectRefusal(
    400,
    'requestInvalid',
    ada.putSession(reference, { properties: { system: { owners: [indexOf(json, bob)] } } }),
  );
});

// @source docs/wire/unknowns.md "the first member is the owner"
test('a session that a service made is owned by the first who joins', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const reference = kit.reference(blankTemplate);
  await expectStatus(
    201,
    kit.service().putSession(reference, {
      constants: { system: { sessionEmptyTimeout: anHourMs, capabilities: { hasOwners: true } } },
    }),
  );

  const first = await expectStatus(200, bob.join(reference));
  const second = await expectStatus(200, ada.join(reference));

  assert.deepEqual(at(first.json, 'properties.system.owners'), [0]);
  assert.deepEqual(at(second.json, 'properties.system.owners'), [0]);
});

// @source docs/wire/sessions.md "Owners": oldest → the accepted member with the oldest joinTime becomes owner
test('migration oldest: the member who joined first follows the owner', {
  skip: isAimed && needsOwnServer,
}, async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = [kit.user('ada'), kit.user('bob'), kit.user('cid')];
  const reference = await ownedBy(kit, ada, [], oldest);
  await expectStatus(
    200,
    ada.putSession(reference, {
      members: { reserve_0: { constants: { system: { xuid: cid.xuid } } } },
    }),
  );
  kit.advanceWithoutSweep(1_000);
  await expectStatus(200, bob.join(reference));
  kit.advanceWithoutSweep(1_000);
  await expectStatus(200, cid.join(reference));

  await expectStatus(200, ada.putSession(reference, leave));

  const { json } = await read(bob, reference);
  assert.deepEqual(at(json, 'properties.system.owners'), [indexOf(json, bob)]);
});

// @source docs/wire/sessions.md "Owners": endsession → all members are removed and the session ends, the default
for (const [what, options] of [
  ['by default', {}],
  ['by policy', { policies: { migration: 'endsession' } }],
  ['whatever sessionEmptyTimeout says', { constants: { sessionEmptyTimeout: anHourMs } }],
] as const) {
  test(`migration endsession, ${what}: with its owner the session ends`, async () => {
    await using kit = await startKit();
    const [ada, bob] = [kit.user('ada'), kit.user('bob')];
    const reference = await ownedBy(kit, ada, [bob], options);
    await expectStatus(200, bob.putSession(reference, leave));
    await expectStatus(200, bob.join(reference));

    await expectStatus(204, ada.putSession(reference, leave));

    await expectStatus(204, bob.getSession(reference));
  });
}

// @source docs/wire/time.md "Time", docs/wire/sessions.md "Owners": an owner who times out is gone
for (const swept of [true, false]) {
  test(`an owner who times out is followed, ${swept ? 'swept' : 'not swept'}`, {
    skip: isAimed && needsOwnServer,
  }, async () => {
    await using kit = await startKit();
    const [ada, bob] = [kit.user('ada'), kit.user('bob')];
    const [followed, ending] = [
      await ownedBy(kit, ada, [bob], oldest),
      await ownedBy(kit, ada, [bob]),
    ];
    const idle = { members: { me: { properties: { system: { active: false } } } } };
    for (const reference of [followed, ending]) {
      await expectStatus(200, ada.putSession(reference, idle));
    }

    if (swept) await kit.advance(anHourMs);
    else kit.advanceWithoutSweep(anHourMs);

    const { json } = await read(bob, followed);
    assert.equal(memberOf(json, ada), undefined);
    assert.deepEqual(at(json, 'properties.system.owners'), [indexOf(json, bob)]);
    await expectStatus(204, bob.getSession(ending));
  });
}

// @source docs/wire/sessions.md "Members": `<index>: null`
test('owners remove others, by index and by element; others do not', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = [kit.user('ada'), kit.user('bob'), kit.user('cid')];
  const reference = await ownedBy(kit, ada, [bob, cid], oldest);
  const { json, etag } = await read(ada, reference);
  const remove = (user: KitUser) => ({ members: { [indexOf(json, user)]: null } });

  for (const victim of [ada, cid]) {
    const refused = await expectRefusal(
      403,
      'ownerRequired',
      bob.putSession(reference, remove(victim)),
    );
    assertCarriesDocument(refused);
  }
  assert.equal((await read(ada, reference)).etag, etag);
  const kicked = await expectStatus(200, ada.putSession(reference, remove(bob)));
  assert.equal(memberOf(kicked.json, bob), undefined);
  const { scid, templateName, name } = reference;
  const element = `/serviceconfigs/${scid}/sessiontemplates/${templateName}/sessions/${name}/members/${indexOf(json, cid)}`;
  const alone = await expectStatus(200, ada.request('DELETE', element));
  assert.equal(at(alone.json, 'membersInfo.count'), 1);
  await expectStatus(200, bob.join(reference));
});

// @source docs/wire/unknowns.md "kicked and locked"
test('who was removed by an owner is no former member of a locked session', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = [kit.user('ada'), kit.user('bob'), kit.user('cid')];
  const reference = await ownedBy(kit, ada, [bob, cid], oldest);
  const { json } = await expectStatus(
    200,
    ada.putSession(reference, { properties: { system: { closed: true, locked: true } } }),
  );
  await expectStatus(200, ada.putSession(reference, { members: { [indexOf(json, bob)]: null } }));
  await expectStatus(200, cid.putSession(reference, leave));

  await expectRefusal(403, 'sessionClosed', bob.join(reference));
  await expectStatus(200, cid.join(reference));
});

// @source docs/wire/unknowns.md "custom properties in sessions with owners", docs/wire/sessions.md "Access", docs/wire/rta.md "Invites": nonOwnerModifiableSystemProperties
test('others write the system properties that are left to them, and custom ones', async () => {
  await using kit = await startKit();
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const reference = await ownedBy(kit, ada, [bob], {
    policies: { nonOwnerModifiableSystemProperties: ['closed'] },
  });
  const put = (user: KitUser, system: JsonObject, custom: JsonObject = {}) =>
    user.putSession(reference, { properties: { system, custom } });

  const refused = await expectRefusal(
    403,
    'ownerRequired',
    put(bob, { closed: true, joinRestriction: 'local' }),
  );

  assertCarriesDocument(refused);
  assert.equal(refused.detail, '$.properties.system.joinRestriction');
  assert.equal(at(refused.json, 'properties.system.closed'), undefined);
  // A client that writes all fields says "false" for what it never touched.
  const { json } = await expectStatus(
    200,
    put(bob, { closed: true, locked: false, keywords: [] }, { map: 'atoll' }),
  );
  assert.equal(at(json, 'properties.system.closed'), true);
  assert.deepEqual(at(json, 'properties.custom'), { map: 'atoll' });
  await expectStatus(200, put(ada, { keywords: ['k'] }));
  await expectStatus(200, put(kit.service(), { keywords: ['s'] }));
});

// @source docs/wire/handles.md "POST /handles": with hasOwners non-owners need allowNonOwnerInviteHandles
test('only owners invite, unless the policy lets every member', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = [kit.user('ada'), kit.user('bob'), kit.user('cid')];
  const strict = await ownedBy(kit, ada, [bob]);
  const loose = await ownedBy(kit, ada, [bob], { policies: { allowNonOwnerInviteHandles: true } });

  assertIsText(
    await expectRefusal(403, 'ownerRequired', bob.postHandle(inviteTo(strict, cid.xuid))),
  );
  assertStatus(await ada.postHandle(inviteTo(strict, cid.xuid)), 201);
  assertStatus(await kit.service().postHandle(inviteTo(strict, cid.xuid)), 201);
  assertStatus(await bob.postHandle(inviteTo(loose, cid.xuid)), 201);
});

// @source docs/wire/sessions.md "Access", docs/wire/rta.md "Invites": blocked by an owner
test('whom an owner has blocked does not get in, but with a reservation', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = [kit.user('ada'), kit.user('bob'), kit.user('eve')];
  await ada.client.avoid(eve.xuid);
  const reference = await ownedBy(kit, ada, [bob], oldest);

  const refused = await expectRefusal(403, 'blockedByOwner', eve.join(reference));
  assertCarriesDocument(refused);
  const bobs = await ownedBy(kit, bob, [ada], oldest);
  await expectStatus(200, eve.join(bobs));
  await expectStatus(200, eve.join((await newSession(kit, ada)).reference));
  await expectStatus(
    200,
    ada.putSession(reference, {
      members: { reserve_0: { constants: { system: { xuid: eve.xuid } } } },
    }),
  );
  await expectStatus(200, eve.join(reference));
});

// @source docs/wire/sessions.md "Access": full, blocked by an owner, closed
test('a blocked user is told of a full session first, and of a closed one not at all', async () => {
  await using kit = await startKit();
  const [ada, eve] = [kit.user('ada'), kit.user('eve')];
  await ada.client.avoid(eve.xuid);
  const full = await ownedBy(kit, ada, [], { constants: { maxMembersCount: 1 } });
  const closed = await ownedBy(kit, ada, []);
  await expectStatus(200, ada.putSession(closed, { properties: { system: { closed: true } } }));

  await expectRefusal(400, 'sessionFull', eve.putSession(full, joinBody()));
  await expectRefusal(403, 'blockedByOwner', eve.putSession(closed, joinBody()));
});
