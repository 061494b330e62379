/** GET and PUT /handles/{id}/session: a session by a handle, with what the handle grants. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import {
  at,
  demoScid,
  isAimed,
  joinBody,
  startKit,
  untilSearchable,
  xuidsOf,
  type KitAnswer,
  type KitUser,
} from '../../src/testing/kit.ts';
import {
  activityOf,
  assertRefused,
  assertRefusedWithSession,
  assertStatus,
  etagPattern,
  gather,
  handleId,
  inviteTo,
  leave,
  needsClock,
  reserve,
  transferTo,
} from './answers.ts';
import { blankTemplate, newSession } from './new-session.ts';

const restricted: JsonObject = {
  properties: { system: { joinRestriction: 'local', readRestriction: 'local' } },
};
const unrestricted: JsonObject = {
  properties: { system: { joinRestriction: 'none', readRestriction: 'none' } },
};

function getByHandle(
  user: KitUser,
  id: string,
  headers: Record<string, string> = {},
): Promise<KitAnswer> {
  return user.request('GET', `/handles/${id}/session`, { headers });
}

/** @source docs/wire/handles.md "Through a handle", docs/wire/clients.md "What clients need" */
test('GET by handle answers the session, its ETag and Content-Location', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada], unrestricted);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const direct = await ada.getSession(reference);

  const led = await getByHandle(kit.user('eve'), id);

  assertStatus(led, 200);
  assert.equal(led.text, direct.text);
  assert.match(led.etag ?? '', etagPattern);
  assert.equal(led.etag, direct.etag);
  assert.equal(led.headers.get('cache-control'), 'max-age=0, must-revalidate');
  assert.equal(led.headers.get('content-type'), 'application/json');
  assert.equal(
    led.headers.get('content-location'),
    `/serviceconfigs/${demoScid}/sessionTemplates/deathmatch/sessions/${reference.name}`,
  );
});

/** @source docs/wire/README.md "Words", docs/wire/handles.md "Through a handle" */
test('Content-Location has six parts, percent-encoded, in the case of who wrote the session', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const name = `Zoë's 100% ${randomUUID()}`;
  const reference = await gather(kit, [ada], unrestricted, { ...kit.reference(), name });
  const lower = { ...reference, name: name.toLowerCase() };
  const id = handleId(await ada.postHandle(activityOf(lower)));

  const location = (await getByHandle(ada, id)).headers.get('content-location') ?? '';

  assert.equal(location, formatSessionPath(reference));
  const parts = location.split('/').filter((part) => part !== '');
  assert.equal(parts.length, 6);
  assert.equal(decodeURIComponent(parts[5] ?? ''), name);
  assertStatus(await ada.request('GET', location), 200);
});

/** @source docs/wire/sessions.md "Access", docs/wire/handles.md "Through a handle" */
test('GET by handle is conditional as any GET', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const { etag = '' } = await getByHandle(ada, id);
  const same = await getByHandle(ada, id, { 'if-none-match': etag });
  assertStatus(same, 304);
  assert.equal(same.text, '');
  assert.equal(same.etag, etag);
  assertStatus(await getByHandle(ada, id, { 'if-none-match': '' }), 200);
  assertStatus(await getByHandle(ada, id, { 'if-none-match': '"0"' }), 200);
});

/** @source docs/wire/sessions.md "PUT", docs/wire/sessions.md "Preconditions" */
test('PUT by handle answers 200, the document, its ETag and Content-Location', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada], unrestricted);
  const id = handleId(await ada.postHandle(activityOf(reference)));

  const joined = await bob.putSessionByHandle(id, joinBody());

  assertStatus(joined, 200);
  assert.deepEqual(xuidsOf(joined.json), [ada.xuid, bob.xuid]);
  assert.equal(joined.headers.get('content-location'), formatSessionPath(reference));
  assert.equal(joined.headers.get('cache-control'), 'max-age=0, must-revalidate');
  const direct = await bob.getSession(reference);
  assert.equal(joined.etag, direct.etag);
  assert.equal(joined.text, direct.text);
});

/** @source docs/wire/sessions.md "Preconditions" */
test('a 412 by handle carries the document, its ETag and Content-Location', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const current = await ada.getSession(reference);
  const stale: readonly (readonly [string, 'etagDiffers' | 'sessionExists', object])[] = [
    ['If-Match', 'etagDiffers', { ifMatch: '"00000000000000000000000000000000"' }],
    ['If-None-Match: *', 'sessionExists', { ifNoneMatch: '*' }],
  ];
  for (const [what, code, conditions] of stale) {
    await t.test(what, async () => {
      const refused = await ada.putSessionByHandle(id, setMap, conditions);
      assertRefusedWithSession(refused, 412, code, current);
      assert.equal(refused.etag, current.etag);
      assert.equal(refused.headers.get('content-location'), formatSessionPath(reference));
      assert.equal(refused.headers.get('cache-control'), 'no-cache, no-store');
    });
  }
  assertStatus(await ada.putSessionByHandle(id, setMap, { ifMatch: current.etag }), 200);
  assertStatus(await ada.putSessionByHandle(id, {}, { ifMatch: '*' }), 200);
});

const setMap: JsonObject = { properties: { custom: { map: 'atoll' } } };

/** @source docs/wire/sessions.md "PUT" */
test('PUT by handle with nocommit stores nothing', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const before = await ada.getSession(reference);
  const preview = await ada.request('PUT', `/handles/${id}/session?nocommit=true`, {
    body: setMap,
  });
  assertStatus(preview, 200);
  assert.equal(at(preview.json, 'properties.custom.map'), 'atoll');
  const after = await ada.getSession(reference);
  assert.equal(after.etag, before.etag);
  assert.equal(after.text, before.text);
});

/** @source docs/wire/handles.md "Through a handle", docs/wire/sessions.md "Contract versions" */
test('the document by handle is in the shape of the contract version asked for', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const headers = { 'x-xbl-contract-version': '105' };
  for (const led of [
    await getByHandle(ada, id, headers),
    await ada.putSessionByHandle(id, {}, { contractVersion: 105 }),
  ]) {
    assertStatus(led, 200);
    assert.equal(led.json.contractVersion, 105);
    assert.deepEqual(at(led.json, 'properties.system.matchmaking'), {});
  }
});

/** @source docs/wire/handles.md "Through a handle", docs/wire/clients.md "What clients need" */
test('H8 PUT and GET by an unknown handle answer 404', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const id = randomUUID();
  assertRefused(await ada.putSessionByHandle(id, joinBody()), 404, 'handleUnknown', id);
  assertRefused(
    await ada.putSessionByHandle(id, joinBody(), { ifMatch: '*' }),
    404,
    'handleUnknown',
    id,
  );
  assertRefused(await getByHandle(ada, id), 404, 'handleUnknown', id);
});

/** @source docs/wire/sessions.md "Access" */
test('an activity lifts neither joinRestriction nor readRestriction', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const reference = await gather(kit, [ada], restricted);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const before = await ada.getSession(reference);
  assertRefused(await getByHandle(eve, id), 403, 'readRestricted');
  assertRefused(await eve.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');
  assert.equal((await ada.getSession(reference)).etag, before.etag);
});

/** @source docs/wire/sessions.md "Access", docs/wire/handles.md "Through a handle" */
test('an invite lifts joinRestriction and readRestriction, for the invited user alone', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const reference = await gather(kit, [ada], restricted);
  const id = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));

  assertRefused(await getByHandle(eve, id), 403, 'readRestricted');
  assertRefused(await eve.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');
  // The grant is the handle's: by the session's own path there is none.
  assertRefused(await bob.getSession(reference), 403, 'readRestricted');
  assertRefused(await bob.putSession(reference, joinBody()), 403, 'joinRestricted');

  assertStatus(await getByHandle(bob, id), 200);
  const joined = await bob.putSessionByHandle(id, joinBody());
  assertStatus(joined, 200);
  assert.deepEqual(xuidsOf(joined.json), [ada.xuid, bob.xuid]);
  assert.equal(joined.headers.get('content-location'), formatSessionPath(reference));
});

/** @source docs/wire/handles.md "Through a handle" */
test('an invite may be used again by a user who left', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada], restricted);
  const id = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));
  assertStatus(await bob.putSessionByHandle(id, joinBody()), 200);
  assertStatus(await bob.putSession(reference, leave), 200);
  assertStatus(await bob.putSessionByHandle(id, joinBody()), 200);
});

/** @source docs/wire/handles.md "What a handle opens", docs/wire/unknowns.md "grants are for one life" */
test('an invite is for the life of the session that it was sent to', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada], restricted);
  const id = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));
  assertStatus(await ada.putSession(reference, leave), 204);
  await gather(kit, [ada], restricted, reference);
  assertRefused(await bob.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');
  const again = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));
  assertStatus(await bob.putSessionByHandle(again, joinBody()), 200);
});

/** @source docs/wire/handles.md "What a handle opens", docs/wire/unknowns.md "grants are for one life" */
test('an invite that a service sent before there was a session opens the one that comes', async () => {
  await using kit = await startKit();
  const [ada, bob, referee] = [kit.user('ada'), kit.user('bob'), kit.service('referee')];
  const reference = kit.reference();
  const id = handleId(await referee.postHandle(inviteTo(reference, bob.xuid)));
  await gather(kit, [ada], restricted, reference);
  assertStatus(await bob.putSessionByHandle(id, joinBody()), 200);
});

/** @source docs/wire/handles.md "What a handle opens", docs/wire/unknowns.md "grants are for one life" */
test('a transfer is for the life of its origin', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = await gather(kit, [ada], restricted);
  const game = await gather(kit, [ada], restricted);
  const id = handleId(await ada.postHandle(transferTo(game, lobby)));
  assertStatus(await ada.putSession(lobby, leave), 204);
  // A user who makes a session of that name is not let into the game.
  await gather(kit, [bob], restricted, lobby);
  assertRefused(await bob.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');
});

/** @source docs/wire/handles.md "What a handle opens", docs/wire/unknowns.md "what a kick takes away" */
test('whom an owner has kicked gets in by no handle that was made before', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const capabilities = { hasOwners: true };
  const { reference } = await newSession(kit, ada, {
    constants: { capabilities },
    properties: { joinRestriction: 'local', readRestriction: 'local' },
  });
  const invite = inviteTo(reference, bob.xuid);
  const id = handleId(await ada.postHandle(invite));
  const { json } = await bob.putSessionByHandle(id, joinBody());
  const index = Object.keys(at(json, 'members') as JsonObject).at(-1) ?? assert.fail();
  assertStatus(await ada.putSession(reference, { members: { [index]: null } }), 200);

  assertRefused(await bob.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');
  assertRefused(await getByHandle(bob, id), 403, 'readRestricted');
  if (!isAimed) await kit.advance(1);
  const again = handleId(await ada.postHandle(invite));
  assertStatus(await bob.putSessionByHandle(again, joinBody()), 200);
});

/** @source docs/wire/handles.md "What a handle opens" */
test('a search shows nothing of what was written in a session to whom an owner has kicked', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const { reference } = await newSession(kit, ada, {
    constants: { capabilities: { hasOwners: true, searchable: true } },
    properties: { joinRestriction: 'local', readRestriction: 'local', keywords: ['dunes'] },
    custom: { map: 'atoll' },
  });
  const tag = `t${randomUUID().replaceAll('-', '')}`;
  const search = { version: 1, type: 'search', sessionRef: reference };
  const id = handleId(await ada.postHandle({ ...search, searchAttributes: { tags: [tag] } }));
  const { json } = await bob.putSessionByHandle(id, joinBody());
  const index = Object.keys(at(json, 'members') as JsonObject).at(-1) ?? assert.fail();
  assertStatus(await ada.putSession(reference, { members: { [index]: null } }), 200);
  await untilSearchable();

  for (const [user, custom, keywords] of [
    [ada, { map: 'atoll' }, ['dunes']],
    [eve, { map: 'atoll' }, ['dunes']],
    [bob, {}, undefined],
  ] as const) {
    const answer = await user.request(
      'POST',
      '/handles/query?include=relatedInfo,customProperties',
      {
        body: {
          type: 'search',
          scid: reference.scid,
          templateName: reference.templateName,
          filter: `tags/${tag}`,
        },
      },
    );
    const [found] = assertStatus(answer, 200).json.results as JsonObject[];
    assert.equal(found?.id, id);
    assert.deepEqual(found.customProperties, custom, user.xuid);
    assert.deepEqual(at(found, 'relatedInfo.keywords'), keywords, user.xuid);
  }
});

/** @source docs/wire/sessions.md "Access", docs/wire/clients.md "What clients need" */
test('H6 a transfer lets in who is an accepted member of the origin now, and nobody else', async () => {
  await using kit = await startKit();
  const [ada, bob, cid, eve] = kit.users('ada', 'bob', 'cid', 'eve');
  const lobby = await gather(kit, [ada, bob, cid], restricted);
  const game = await gather(kit, [ada], restricted);
  const id = handleId(await ada.postHandle(transferTo(game, lobby)));
  assertStatus(await ada.putSession(lobby, reserve(eve)), 200);

  // Merely reserved in the origin.
  assertRefused(await getByHandle(eve, id), 403, 'readRestricted');
  assertRefused(await eve.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');

  assertStatus(await getByHandle(bob, id), 200);
  const joined = await bob.putSessionByHandle(id, joinBody());
  assertStatus(joined, 200);
  assert.deepEqual(xuidsOf(joined.json), [ada.xuid, bob.xuid]);
  assert.equal(joined.headers.get('content-location'), formatSessionPath(game));

  // No longer a member of the origin.
  assertStatus(await cid.putSession(lobby, leave), 200);
  assertRefused(await cid.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');
});

/** @source docs/wire/sessions.md "Access", docs/wire/handles.md "Through a handle" */
test('a transfer whose origin has ended grants nothing', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = await gather(kit, [ada, bob]);
  const game = await gather(kit, [ada], restricted);
  const id = handleId(await ada.postHandle(transferTo(game, lobby)));
  assertStatus(await bob.putSession(lobby, leave), 200);
  assertStatus(await ada.putSession(lobby, leave), 204);
  assertRefused(await bob.putSessionByHandle(id, joinBody()), 403, 'joinRestricted');
});

/** @source docs/wire/sessions.md "Access", docs/wire/unknowns.md "handles do not open private and visible sessions", docs/wire/unknowns.md "a full session by handle" */
test('no handle lifts closed, full, private or visible', async (t) => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = await gather(kit, [ada, bob]);
  const rows: readonly (readonly [
    what: string,
    body: JsonObject,
    status: number,
    code: Parameters<typeof assertRefused>[2],
  ])[] = [
    ['closed', { properties: { system: { closed: true } } }, 403, 'sessionClosed'],
    ['full', { constants: { system: { maxMembersCount: 1 } } }, 403, 'sessionFull'],
    ['private', { constants: { system: { visibility: 'private' } } }, 403, 'sessionPrivate'],
    ['visible', { constants: { system: { visibility: 'visible' } } }, 400, 'reservationNeeded'],
  ];
  for (const [what, body, status, code] of rows) {
    const reference = await gather(kit, [ada], body, kit.reference(blankTemplate));
    const before = await ada.getSession(reference);
    for (const handle of [
      inviteTo(reference, bob.xuid),
      activityOf(reference),
      transferTo(reference, lobby),
    ]) {
      await t.test(`${what}, by ${handle.type}`, async () => {
        const id = handleId(await ada.postHandle(handle));
        const refused = await bob.putSessionByHandle(id, joinBody());
        assert.equal(refused.status, status, refused.text);
        assert.equal(refused.refusal, code);
        assert.deepEqual(xuidsOf((await ada.getSession(reference)).json), xuidsOf(before.json));
      });
    }
  }
});

/** @source docs/wire/sessions.md "Access" */
test('no handle shows a private session to who is not in it', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = await gather(kit, [ada, bob]);
  const secret = await gather(kit, [ada], {}, kit.reference('private'));
  for (const body of [inviteTo(secret, bob.xuid), activityOf(secret), transferTo(secret, lobby)]) {
    const id = handleId(await ada.postHandle(body));
    assertRefused(await getByHandle(bob, id), 403, 'sessionPrivate');
    assertStatus(await getByHandle(ada, id), 200);
    assertStatus(await getByHandle(kit.service(), id), 200);
  }
});

/** @source docs/wire/sessions.md "Access" */
test('a reserved user joins by any handle', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const secret = await gather(kit, [ada], {}, kit.reference('private'));
  assertStatus(await ada.putSession(secret, reserve(bob)), 200);
  const id = handleId(await ada.postHandle(activityOf(secret)));
  assertStatus(await getByHandle(bob, id), 200);
  const joined = await bob.putSessionByHandle(id, joinBody());
  assertStatus(joined, 200);
  assert.equal(at(joined.json, 'membersInfo.accepted'), 2);
});

/** @source docs/wire/sessions.md "Access" */
test('who does not join by the very write may not write, invited or not', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada], restricted);
  const before = await ada.getSession(reference);
  const id = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));
  const refused = await bob.putSessionByHandle(id, setMap);
  assert.equal(refused.status, 403);
  assert.equal(refused.refusal, 'notAMember');
  assert.equal((await ada.getSession(reference)).etag, before.etag);
});

/** @source docs/wire/sessions.md "Access" */
test('a 403 by handle carries the session exactly when the caller may read it', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const readable: JsonObject = {
    properties: { system: { joinRestriction: 'local', readRestriction: 'none' } },
  };
  const shown = await gather(kit, [ada], readable);
  const shownId = handleId(await ada.postHandle(activityOf(shown)));
  const refused = await eve.putSessionByHandle(shownId, joinBody());
  assertRefusedWithSession(refused, 403, 'joinRestricted', await ada.getSession(shown));

  const hidden = await gather(kit, [ada], restricted);
  const hiddenId = handleId(await ada.postHandle(activityOf(hidden)));
  assertRefused(await eve.putSessionByHandle(hiddenId, joinBody()), 403, 'joinRestricted');
});

/** @source docs/wire/sessions.md "Members" */
test('identity is the token, whatever xuid the body names', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada], unrestricted);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const joined = await bob.putSessionByHandle(id, {
    members: {
      me: {
        constants: { system: { xuid: ada.xuid, initialize: true } },
        properties: { system: { active: true, connection: randomUUID() } },
      },
    },
  });
  assertStatus(joined, 200);
  assert.deepEqual(xuidsOf(joined.json), [ada.xuid, bob.xuid]);
});

/** @source docs/wire/handles.md "Through a handle" */
test('by an invite to a session that is gone: GET 204, PUT 404, and no session is made', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));
  assertStatus(await ada.putSession(reference, leave), 204);

  const read = await getByHandle(bob, id);
  assertStatus(read, 204);
  assert.equal(read.text, '');
  for (const conditions of [{}, { ifMatch: '*' }, { ifNoneMatch: '*' }, { ifMatch: '"0"' }]) {
    const refused = await bob.putSessionByHandle(id, joinBody(), conditions);
    assertRefused(refused, 404, 'sessionGone', reference.name);
  }
  assertStatus(await bob.getSession(reference), 204);
});

/** @source docs/wire/handles.md "Through a handle" */
test('no handle creates its session: an invite of a service, an activity without a name', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const invited = kit.reference();
  const invite = handleId(await kit.service().postHandle(inviteTo(invited, ada.xuid)));
  const { name: _, ...sessionRef } = kit.reference();
  const pending = await ada.postHandle({ version: 1, type: 'activity', sessionRef });
  const named = { ...sessionRef, name: at(pending.json, 'sessionRef.name') as string };

  for (const [id, reference] of [
    [invite, invited],
    [handleId(pending), named],
  ] as const) {
    assertStatus(await getByHandle(ada, id), 204);
    assertRefused(await ada.putSessionByHandle(id, joinBody()), 404, 'sessionGone');
    assertStatus(await ada.getSession(reference), 204);
  }
});

/** @source docs/wire/sessions.md "PUT" */
test('the last member who leaves by handle ends the session', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const left = await ada.putSessionByHandle(id, leave);
  assertStatus(left, 204);
  assert.equal(left.text, '');
  assertRefused(await getByHandle(ada, id), 404, 'handleUnknown');
});

/** @source docs/wire/README.md "Every request", docs/wire/sessions.md "PUT" */
test('a body that is no session write is refused at the place that is wrong', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const before = await ada.getSession(reference);
  const wrong = [
    ['properties.system.closed', { properties: { system: { closed: 'yes' } } }],
    ['extra', { extra: 1 }],
    ['members', { members: [] }],
  ] as const;
  for (const [path, body] of wrong) {
    assertRefused(await ada.putSessionByHandle(id, body), 400, 'requestInvalid', path);
  }
  assert.equal((await ada.getSession(reference)).etag, before.etag);
});

/** @source docs/wire/handles.md "Through a handle" */
test('an expired invite leads nowhere', { skip: isAimed && needsClock }, async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada], restricted);
  const id = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));
  await kit.advance(24 * 3_600_000);
  assertRefused(await getByHandle(bob, id), 404, 'handleUnknown');
  assertRefused(await bob.putSessionByHandle(id, joinBody()), 404, 'handleUnknown');
  assert.deepEqual(xuidsOf((await ada.getSession(reference)).json), [ada.xuid]);
});

/** @source docs/wire/clients.md "Multiplayer Manager" */
test('lobby, invite, game and transfer, as a manager plays them', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = kit.reference('LobbySession');
  const joinable: JsonObject = {
    properties: {
      system: { joinRestriction: 'followed', readRestriction: 'followed' },
      custom: { Joinability: 'joinable_by_friends' },
    },
  };
  const address = { secureDeviceAddress: 'QUFBQUFBQUExMjM0NTY3ODkwMTIzNDU2Nzg5MA==' };
  const join = (user: KitUser): JsonObject => ({
    members: {
      me: {
        constants: { system: { xuid: user.xuid, initialize: true } },
        properties: {
          system: {
            active: true,
            connection: randomUUID(),
            subscription: { id: randomUUID().toUpperCase(), changeTypes: ['everything'] },
            ...address,
          },
        },
      },
    },
  });

  const created = await ada.putSession(lobby, { ...joinable, ...join(ada) });
  assertStatus(created, 201);
  const host = at(created.json, 'members.0.deviceToken') as string;
  const hosted = { properties: { system: { host } } };
  assertStatus(await ada.putSession(lobby, hosted, { ifMatch: '*' }), 200);
  handleId(await ada.postHandle(activityOf(lobby)));

  const invite = handleId(await ada.postHandle(inviteTo(lobby, bob.xuid)));
  const joined = await bob.putSessionByHandle(invite, join(bob));
  assertStatus(joined, 200);
  assert.equal(joined.headers.get('content-location'), formatSessionPath(lobby));
  handleId(await bob.postHandle(activityOf(lobby)));

  const { etag } = await ada.getSession(lobby);
  const handleInLobby = (value: string): JsonObject => ({
    properties: {
      custom: { Joinability: 'joinable_by_friends', GameSessionTransferHandle: value },
    },
  });
  const pending = handleInLobby(`pending~${ada.xuid}`);
  assertStatus(await ada.putSession(lobby, pending, { ifMatch: etag }), 200);
  const game = kit.reference('GameSession');
  assertStatus(await ada.putSession(game, join(ada)), 201);
  const transfer = handleId(await ada.postHandle(transferTo(game, lobby)));
  const completed = handleInLobby(`completed~${transfer}`);
  assertStatus(await ada.putSession(lobby, completed, { ifMatch: '*' }), 200);

  const seen = await bob.getSession(lobby);
  const [, followed] = String(at(seen.json, 'properties.custom.GameSessionTransferHandle')).split(
    '~',
  );
  const inGame = await bob.putSessionByHandle(String(followed), join(bob));
  assertStatus(inGame, 200);
  assert.deepEqual(xuidsOf(inGame.json), [ada.xuid, bob.xuid]);
});

/** @source docs/wire/clients.md "Other clients" */
test('a join by an activity handle with If-Match: * answers 200 and Content-Location', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada], unrestricted);
  const id = handleId(await ada.postHandle(activityOf(reference)));
  const joined = await bob.putSessionByHandle(id, joinBody(), { ifMatch: '*' });
  assertStatus(joined, 200);
  assert.equal(joined.headers.get('content-location'), formatSessionPath(reference));
  handleId(await bob.postHandle(activityOf(reference)));
});
