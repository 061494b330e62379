/** POST /handles, type transfer: members of one session may follow into another. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { startKit } from '../../src/testing/kit.ts';
import {
  apartFromChangeNumber,
  assertHandlesRefused,
  assertMembers,
  assertRefused,
  assertStatus,
  gather,
  guidPattern,
  handleId,
  reserve,
  transferTo,
} from './answers.ts';

/** @source docs/wire/handles.md "POST /handles" */
test('POST transfer answers 201, Location, Content-Location and the handle, without an owner', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await gather(kit, [ada]);
  const game = await gather(kit, [ada]);

  const made = await ada.postHandle(transferTo(game, lobby));

  assertStatus(made, 201);
  const id = made.json.id as string;
  assert.match(id, guidPattern);
  assert.equal(made.headers.get('location'), `/handles/${id}`);
  assert.equal(made.headers.get('content-location'), `/handles/${id}`);
  assertMembers(made.json, ['id', 'type', 'version', 'sessionRef', 'originSessionRef']);
  assert.deepEqual(made.json, {
    id,
    type: 'transfer',
    version: 1,
    sessionRef: { ...game },
    originSessionRef: { ...lobby },
  });
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need" */
test('H2 a transfer raises changeNumber and ETag of its target, and leaves its origin', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await gather(kit, [ada]);
  const game = await gather(kit, [ada]);
  const [lobbyBefore, gameBefore] = [await ada.getSession(lobby), await ada.getSession(game)];

  handleId(await ada.postHandle(transferTo(game, lobby)));

  const [lobbyAfter, gameAfter] = [await ada.getSession(lobby), await ada.getSession(game)];
  assert.equal(gameAfter.json.changeNumber, (gameBefore.json.changeNumber as number) + 1);
  assert.notEqual(gameAfter.etag, gameBefore.etag);
  assert.deepEqual(apartFromChangeNumber(gameAfter), apartFromChangeNumber(gameBefore));
  assert.equal(lobbyAfter.etag, lobbyBefore.etag);
  assert.equal(lobbyAfter.text, lobbyBefore.text);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need" */
test('H6 by the id of a transfer a member of the lobby joins the game', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const lobby = await gather(kit, [ada, bob]);
  const game = await gather(kit, [ada], { properties: { system: { joinRestriction: 'local' } } });
  const id = handleId(await ada.postHandle(transferTo(game, lobby)));

  const joined = await bob.putSessionByHandle(id, { members: { me: {} } });

  assertStatus(joined, 200);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/clients.md "What clients need" */
test('H7 a transfer to a session that does not exist answers 403, and creates none', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const lobby = await gather(kit, [ada]);
  const game = kit.reference();
  const refused = await ada.postHandle(transferTo(game, lobby));
  assertRefused(refused, 403, 'transferTargetMissing', game.name);
  assert.equal((await ada.getSession(game)).status, 204);
});

/** @source docs/wire/handles.md "POST /handles" */
test('the caller must be an accepted member of both sessions; a refusal changes nothing', async (t) => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const [ofAda, ofBoth, ofBob] = [
    await gather(kit, [ada]),
    await gather(kit, [ada, bob]),
    await gather(kit, [bob]),
  ];
  const reserved = await gather(kit, [ada]);
  assertStatus(await ada.putSession(reserved, reserve(bob)), 200);
  const before = await ada.getSession(ofAda);

  const rows = [
    ['not of the target', transferTo(ofAda, ofBob), ofAda],
    ['not of the origin', transferTo(ofBob, ofAda), ofAda],
    ['of an origin that does not exist', transferTo(ofBob, kit.reference()), undefined],
    ['merely reserved in the target', transferTo(reserved, ofBob), reserved],
    ['merely reserved in the origin', transferTo(ofBoth, reserved), reserved],
  ] as const;
  for (const [what, body, named] of rows) {
    await t.test(what, async () => {
      assertRefused(await bob.postHandle(body), 403, 'notAMember', named?.name);
    });
  }
  await t.test('a game service, which has no xuid', async () => {
    assertRefused(await kit.service().postHandle(transferTo(ofBoth, ofAda)), 403, 'userRequired');
  });
  assert.equal((await ada.getSession(ofAda)).etag, before.etag);
});

/** @source docs/wire/handles.md "POST /handles" */
test('a transfer repeated with its id is the same transfer, and no second change', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const [lobby, game] = [await gather(kit, [ada, bob]), await gather(kit, [ada, bob])];
  const body = { id: randomUUID(), ...transferTo(game, lobby) };
  const first = await ada.postHandle(body);
  assert.equal(handleId(first), body.id);
  const before = await ada.getSession(game);

  const again = await ada.postHandle(body);

  assertStatus(again, 200);
  assert.equal(again.text, first.text);
  assert.equal((await ada.getSession(game)).etag, before.etag);
  const back = { ...body, ...transferTo(lobby, game) };
  assertRefused(await ada.postHandle(back), 409, 'handleIdTaken', body.id);
  assertRefused(await bob.postHandle(body), 409, 'handleIdTaken', body.id);
});

/** @source docs/wire/README.md "Every request" */
test('a body that is no transfer is refused at the place that is wrong', async (t) => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const [lobby, game] = [await gather(kit, [ada]), await gather(kit, [ada])];
  const valid = transferTo(game, lobby);
  const before = await ada.getSession(game);
  const wrong: readonly (readonly [path: string, values: readonly unknown[]])[] = [
    ['version', [0, 2, '1']],
    ['sessionRef', [undefined, null, 'x', []]],
    ['sessionRef.scid', [undefined, null, 7, 'x']],
    ['sessionRef.templateName', [undefined, null, 7, '', 'a~b']],
    ['sessionRef.name', [undefined, null, 7, '', 'a~b', 'x'.repeat(101)]],
    ['sessionRef.extra', [1]],
    ['originSessionRef', [undefined, null, 'x', [], 7]],
    ['originSessionRef.scid', [undefined, null, 7, 'x']],
    ['originSessionRef.templateName', [undefined, null, 7, '', 'a~b']],
    ['originSessionRef.name', [undefined, null, 7, '', 'a~b', 'x'.repeat(101)]],
    ['originSessionRef.extra', [1]],
    ['invitedXuid', ['3210']],
    ['inviteAttributes', [{ titleId: 1 }]],
  ];
  await assertHandlesRefused(t, ada, valid, wrong);
  assert.equal((await ada.getSession(game)).etag, before.etag);
});

/** @source docs/wire/README.md "Every request", docs/wire/handles.md "POST /handles" */
test('an origin in a service config or template that is not configured answers 404', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const [lobby, game] = [await gather(kit, [ada]), await gather(kit, [ada])];
  const scid = randomUUID();
  const config = await ada.postHandle(transferTo(game, { ...lobby, scid }));
  assertRefused(config, 404, 'serviceConfigUnknown', scid);
  const templateName = 'no-such-template';
  const template = await ada.postHandle(transferTo(game, { ...lobby, templateName }));
  assertRefused(template, 404, 'templateUnknown', templateName);
});
