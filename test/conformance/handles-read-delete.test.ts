/** GET and DELETE /handles/{id}: who may, and never a ghost. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { isAimed, startKit, type KitUser } from '../../src/testing/kit.ts';
import {
  activityOf,
  assertRefused,
  assertStatus,
  gather,
  handleId,
  idsOf,
  inviteTo,
  leave,
  needsClock,
  queryActivities,
  transferTo,
  waysOfTime,
} from './answers.ts';

const hourMs = 3_600_000;

/** No way leads to the handle: reading, deleting, its session by GET and by PUT. */
async function assertGone(user: KitUser, id: string): Promise<void> {
  assertRefused(await user.request('GET', `/handles/${id}`), 404, 'handleUnknown', id);
  assertRefused(await user.request('DELETE', `/handles/${id}`), 404, 'handleUnknown', id);
  assertRefused(await user.request('GET', `/handles/${id}/session`), 404, 'handleUnknown', id);
  assertRefused(await user.putSessionByHandle(id, {}), 404, 'handleUnknown', id);
}

/** @source docs/wire/handles.md "Reading and deleting", docs/wire/unknowns.md "who reads a handle" */
test('an activity and a transfer may be read by everybody, as they were answered', async () => {
  await using kit = await startKit();
  const [ada, eve] = kit.users('ada', 'eve');
  const [lobby, game] = [await gather(kit, [ada]), await gather(kit, [ada])];
  for (const body of [activityOf(lobby), transferTo(game, lobby)]) {
    const made = await ada.postHandle(body);
    const id = handleId(made);
    for (const reader of [ada, eve, kit.service()]) {
      const read = await reader.request('GET', `/handles/${id}`);
      assertStatus(read, 200);
      assert.equal(read.text, made.text);
      assert.equal(read.headers.get('content-type'), 'application/json');
      assert.equal(read.headers.get('cache-control'), 'no-cache, no-store');
    }
  }
});

/** @source docs/wire/handles.md "Reading and deleting", docs/wire/unknowns.md "who reads a handle" */
test('an invite may be read by its sender, the invited user and services', async () => {
  await using kit = await startKit();
  const [ada, bob, eve] = kit.users('ada', 'bob', 'eve');
  const made = await ada.postHandle(inviteTo(await gather(kit, [ada, eve]), bob.xuid));
  const id = handleId(made);
  for (const reader of [ada, bob, kit.service()]) {
    const read = await reader.request('GET', `/handles/${id}`);
    assertStatus(read, 200);
    assert.equal(read.text, made.text);
  }
  assertRefused(await eve.request('GET', `/handles/${id}`), 403, 'handleNotYours');
});

/** @source docs/wire/README.md "Words" */
test('the id of a handle is found in either case', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const id = handleId(await ada.postHandle(inviteTo(await gather(kit, [ada]), '3210')));
  assertStatus(await ada.request('GET', `/HANDLES/${id.toUpperCase()}`), 200);
  assertStatus(await ada.request('DELETE', `/handles/${id.toUpperCase()}`), 204);
  await assertGone(ada, id);
});

/** @source docs/wire/handles.md "Reading and deleting" */
test('a handle that never was answers 404, whatever its id looks like', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  for (const id of [randomUUID(), 'x', '0', '__proto__', 'constructor', 'a~b', 'x'.repeat(200)]) {
    await assertGone(ada, id);
  }
});

/** @source docs/wire/handles.md "Reading and deleting", docs/wire/unknowns.md "who deletes a handle" */
test('DELETE is for the owner, the sender, the maker; then the handle is gone', async (t) => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const [lobby, game] = [await gather(kit, [ada, bob]), await gather(kit, [ada, bob])];
  for (const body of [activityOf(lobby), inviteTo(lobby, bob.xuid), transferTo(game, lobby)]) {
    await t.test(String(body.type), async () => {
      const id = handleId(await ada.postHandle(body));
      // Bob is a member of both sessions, and the invited user.
      assertRefused(await bob.request('DELETE', `/handles/${id}`), 403, 'handleNotYours');
      assertRefused(await kit.service().request('DELETE', `/handles/${id}`), 403, 'handleNotYours');
      assertStatus(await ada.request('GET', `/handles/${id}`), 200);

      const deleted = await ada.request('DELETE', `/handles/${id}`);

      assertStatus(deleted, 204);
      assert.equal(deleted.text, '');
      await assertGone(ada, id);
    });
  }
});

/** @source docs/wire/handles.md "Reading and deleting", docs/wire/unknowns.md "who deletes a handle" */
test('a service deletes the invite that it sent', async () => {
  await using kit = await startKit();
  const [ours, theirs] = [kit.service('lobby-service'), kit.service('other-service')];
  const id = handleId(await ours.postHandle(inviteTo(kit.reference(), '3210')));
  assertRefused(await theirs.request('DELETE', `/handles/${id}`), 403, 'handleNotYours');
  assertStatus(await ours.request('DELETE', `/handles/${id}`), 204);
  await assertGone(ours, id);
});

/** @source docs/wire/handles.md "Reading and deleting", docs/wire/clients.md "What clients need" */
test('H4 an activity found by a query for the own xuid and deleted by its id is gone', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  assertStatus(await ada.postHandle(activityOf(reference)), 201);
  const [id] = idsOf(await queryActivities(ada, [ada.xuid]));

  assertStatus(await ada.request('DELETE', `/handles/${id}`), 204);

  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid])), []);
  await assertGone(ada, String(id));
  assertStatus(await ada.getSession(reference), 200);
});

/** @source docs/wire/handles.md "Reading and deleting" */
test('deleting an activity leaves the activities of others', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await gather(kit, [ada, bob]);
  const ofAda = handleId(await ada.postHandle(activityOf(reference)));
  const ofBob = handleId(await bob.postHandle(activityOf(reference)));
  assertStatus(await ada.request('DELETE', `/handles/${ofAda}`), 204);
  assert.deepEqual(idsOf(await queryActivities(ada, [ada.xuid, bob.xuid])), [ofBob]);
});

/** @source docs/wire/handles.md "Reading and deleting" */
test('an activity ends as its owner stops being an active member', async (t) => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const ends: readonly (readonly [string, (reference: SessionReference) => Promise<unknown>])[] = [
    ['leaves', (reference) => ada.putSession(reference, leave)],
    ['becomes inactive', (reference) => ada.putSession(reference, inactive)],
    ['is replaced', async () => ada.postHandle(activityOf(await gather(kit, [ada])))],
  ];
  for (const [what, end] of ends) {
    await t.test(what, async () => {
      const reference = await gather(kit, [ada, bob], readable);
      const id = handleId(await ada.postHandle(activityOf(reference)));
      await end(reference);
      await assertGone(bob, id);

      // Coming back does not bring the former activity back; a new one counts.
      assertStatus(await ada.putSession(reference, reactivate), 200);
      await assertGone(bob, id);
      handleId(await ada.postHandle(activityOf(reference)));
    });
  }
});

const inactive = { members: { me: { properties: { system: { active: false, ready: false } } } } };
const reactivate = {
  members: { me: { properties: { system: { active: true, connection: randomUUID() } } } },
  properties: { custom: { back: true } },
};
const readable = { properties: { system: { joinRestriction: 'none', readRestriction: 'none' } } };

/** @source docs/wire/sessions.md "PUT" */
test('with its session an activity and a transfer end; an invite lives on', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const [lobby, game] = [await gather(kit, [ada]), await gather(kit, [ada])];
  const activity = handleId(await ada.postHandle(activityOf(game)));
  const transfer = handleId(await ada.postHandle(transferTo(game, lobby)));
  const invite = handleId(await ada.postHandle(inviteTo(game, bob.xuid)));
  assertStatus(await ada.putSession(game, leave), 204);

  await assertGone(ada, activity);
  await assertGone(ada, transfer);
  assertStatus(await bob.request('GET', `/handles/${invite}`), 200);

  // A new life of the session is another session.
  await gather(kit, [ada], {}, game);
  await assertGone(ada, activity);
  await assertGone(ada, transfer);
  assertStatus(await bob.request('GET', `/handles/${invite}`), 200);
});

/** @source docs/wire/handles.md "Reading and deleting" */
test('a transfer outlives its origin', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const [lobby, game] = [await gather(kit, [ada]), await gather(kit, [ada])];
  const transfer = handleId(await ada.postHandle(transferTo(game, lobby)));
  assertStatus(await ada.putSession(lobby, leave), 204);
  assertStatus(await ada.request('GET', `/handles/${transfer}`), 200);
});

/** @source docs/wire/handles.md "Reading and deleting", docs/wire/unknowns.md "how long an invite lives" */
test('an invite expires after 24 hours, swept or not', {
  skip: isAimed && needsClock,
}, async (t) => {
  for (const [what, advance] of waysOfTime) {
    await t.test(what, async () => {
      await using kit = await startKit();
      const [ada, bob] = kit.users('ada', 'bob');
      const reference = await gather(kit, [ada]);
      const made = await ada.postHandle(inviteTo(reference, bob.xuid));
      const id = handleId(made);
      assert.equal(
        Date.parse(made.json.expiration as string),
        Date.parse(made.json.createTime as string) + 24 * hourMs,
      );
      await advance(kit, 24 * hourMs - 1);
      assertStatus(await bob.request('GET', `/handles/${id}`), 200);
      await advance(kit, 1);
      await assertGone(bob, id);
      await assertGone(ada, id);
    });
  }
});

/** @source docs/wire/time.md "Time", docs/wire/handles.md "Reading and deleting" */
test('an activity ends when its owner times out, swept or not', {
  skip: isAimed && needsClock,
}, async (t) => {
  for (const [what, advance] of waysOfTime) {
    await t.test(what, async () => {
      await using kit = await startKit();
      const [ada, bob] = kit.users('ada', 'bob');
      const reference = await gather(kit, [ada, bob], readable);
      const id = handleId(await ada.postHandle(activityOf(reference)));
      const ready = { members: { me: { properties: { system: { active: false, ready: true } } } } };
      assertStatus(await ada.putSession(reference, ready), 200);
      await advance(kit, 180_000);
      await assertGone(bob, id);
      assert.deepEqual(idsOf(await queryActivities(bob, [ada.xuid])), []);
    });
  }
});
