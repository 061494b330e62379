/**
 * Who gets in by whom members follow, and by the device they are on; and what friends are shown.
 *
 * @source docs/wire/sessions.md "Access", docs/wire/handles.md "POST /handles/query", docs/wire/people.md "People"
 */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { demoScid, joinBody, startKit, type Kit, type KitUser } from '../../src/testing/kit.ts';
import {
  activityOf,
  assertRefusedBy,
  assertStatus,
  gather,
  handleId,
  idsOf,
  inviteTo,
  leave,
  reserve,
} from './answers.ts';
import { assertCarriesDocument, blankTemplate, newSession } from './new-session.ts';

type Restrictions = {
  readonly join?: 'none' | 'local' | 'followed';
  readonly read?: 'none' | 'local' | 'followed';
};

async function restricted(
  kit: Kit,
  creator: KitUser,
  { join = 'followed', read = 'none' }: Restrictions = {},
): Promise<SessionReference> {
  const { reference } = await newSession(kit, creator, {
    properties: { joinRestriction: join, readRestriction: read },
  });
  return reference;
}

/** What a join would be answered; nobody gets in. */
const tryJoin = (user: KitUser, reference: SessionReference) =>
  user.putSession(reference, joinBody(), { nocommit: true });

/** @source docs/wire/sessions.md "Access" */
test('following opens a session to somebody, and unfollowing shuts it again', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await restricted(kit, ada, { read: 'followed' });
  for (let i = 0; i < 2; i += 1) {
    assertRefusedBy(await tryJoin(bob, reference), 403, 'joinRestricted');
    assertRefusedBy(await bob.getSession(reference), 403, 'readRestricted');
    await ada.follow(bob);
    assertStatus(await tryJoin(bob, reference), 200);
    assertStatus(await bob.getSession(reference), 200);
    await ada.client.unfollow([bob.xuid]);
  }
});

/** @source docs/wire/sessions.md "Access" */
test('one member who follows is enough, and only the direction from the member counts', async () => {
  await using kit = await startKit();
  const [ada, bob, cid, dan] = kit.users('ada', 'bob', 'cid', 'dan');
  const reference = await gather(kit, [ada, bob], {
    properties: { system: { joinRestriction: 'followed', readRestriction: 'none' } },
  });
  await cid.follow(ada, bob);
  const refused = assertRefusedBy(await tryJoin(cid, reference), 403, 'joinRestricted');
  assertCarriesDocument(refused);
  await bob.follow(cid);
  await cid.follow(dan);
  assertStatus(await tryJoin(cid, reference), 200);
  assertRefusedBy(await tryJoin(dan, reference), 403, 'joinRestricted');

  assertStatus(await bob.putSession(reference, leave), 200);
  assertRefusedBy(await tryJoin(cid, reference), 403, 'joinRestricted');
});

/** @source docs/wire/sessions.md "Access" */
test('whom a reserved user follows does not get in by that', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const reference = await restricted(kit, ada);
  await bob.follow(cid);
  assertStatus(await ada.putSession(reference, reserve(bob)), 200);
  assertRefusedBy(await tryJoin(cid, reference), 403, 'joinRestricted');
  assertStatus(await bob.join(reference), 200);
  assertStatus(await tryJoin(cid, reference), 200);
});

/** @source docs/wire/sessions.md "Access" */
test('following does not open what is local, and a device opens what is followed', async () => {
  await using kit = await startKit();
  const did = randomUUID();
  const [ada, beside, bob] = [kit.user('ada', { did }), kit.user('eve', { did }), kit.user('bob')];
  await ada.follow(bob);
  const local = await restricted(kit, ada, { join: 'local', read: 'local' });
  const readable = await restricted(kit, ada, { join: 'local', read: 'followed' });
  const followed = await restricted(kit, ada);
  assertRefusedBy(await tryJoin(bob, local), 403, 'joinRestricted');
  assertRefusedBy(await bob.getSession(local), 403, 'readRestricted');
  assertRefusedBy(await tryJoin(bob, readable), 403, 'joinRestricted');
  assertStatus(await bob.getSession(readable), 200);
  for (const reference of [local, readable, followed]) {
    assertStatus(await tryJoin(beside, reference), 200);
    assertStatus(await beside.getSession(reference), 200);
  }
});

/** @source docs/wire/sessions.md "Access" */
test('favourites are followed, and other lists open nothing', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const reference = await restricted(kit, ada);
  await ada.client.mute(bob.xuid);
  assertRefusedBy(await tryJoin(bob, reference), 403, 'joinRestricted');
  await ada.follow(bob);
  const path = '/users/me/people/favorites/xuids?method=add';
  assertStatus(await ada.request('POST', path, { body: { xuids: [bob.xuid] } }), 204);
  assertStatus(await tryJoin(bob, reference), 200);
});

/** @source docs/wire/sessions.md "Access" */
test('an invite and a reservation open a followed session to strangers', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const reference = await restricted(kit, ada, { read: 'followed' });
  const invite = handleId(await ada.postHandle(inviteTo(reference, bob.xuid)));
  assertStatus(await bob.putSessionByHandle(invite, joinBody()), 200);
  assertStatus(await ada.putSession(reference, reserve(cid)), 200);
  assertStatus(await cid.join(reference), 200);
});

/** @source docs/wire/handles.md "POST /handles", docs/wire/sessions.md "Access" */
test('an activity lifts nothing: friends of a member get in, others are answered why not', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const reference = await restricted(kit, ada);
  const activity = handleId(await ada.postHandle(activityOf(reference)));
  await ada.follow(bob);
  assertRefusedBy(await cid.putSessionByHandle(activity, joinBody()), 403, 'joinRestricted');
  assertStatus(await bob.putSessionByHandle(activity, joinBody()), 200);
});

/** @source docs/wire/handles.md "POST /handles/query", docs/wire/people.md "People" */
test('what friends play follows the list of friends', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  const { reference } = await newSession(kit, bob);
  const activity = handleId(await bob.postHandle(activityOf(reference)));
  const seen = async (moniker: string) => {
    const owners = { people: { moniker, monikerXuid: ada.xuid } };
    const body = { type: 'activity', scid: demoScid, owners };
    return idsOf(await ada.request('POST', '/handles/query', { body }));
  };
  assert.deepEqual(await seen('people'), []);
  await ada.follow(bob);
  assert.deepEqual(await seen('people'), [activity]);
  assert.deepEqual(await seen('friends'), [activity]);
  assert.deepEqual(await seen('favorites'), []);
  await ada.client.unfollow([bob.xuid]);
  assert.deepEqual(await seen('people'), []);
});

/** @source docs/wire/sessions.md "Access", docs/wire/people.md "People" */
test('many members who follow many let in whom one of them follows', async () => {
  await using kit = await startKit();
  const [friend, stranger] = kit.users('friend', 'stranger');
  const members = Array.from({ length: 30 }, (_, i) => kit.user(`member-${i}`));
  const [first = assert.fail(), ...rest] = members;
  const reference = await gather(
    kit,
    [first, ...rest],
    {
      constants: { system: { maxMembersCount: 100 } },
      properties: { system: { joinRestriction: 'followed', readRestriction: 'followed' } },
    },
    kit.reference(blankTemplate),
  );
  const others = Array.from({ length: 999 }, (_, i) => String(7_000_000 + i));
  for (const user of members) await user.client.follow(others);
  await members.at(-1)?.follow(friend);
  assertStatus(await friend.join(reference), 200);
  assertRefusedBy(await stranger.getSession(reference), 403, 'readRestricted');
});
