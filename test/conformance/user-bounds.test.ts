/** What one user may hold in a service config. @source docs/wire/unknowns.md "how much a user may hold" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAimed, joinBody, startKit } from '../../src/testing/kit.ts';
import { assertRefused, assertStatus, gather, inviteTo, leave, needsOwnServer } from './answers.ts';

const ownServer = { skip: isAimed && needsOwnServer };

/** @source docs/wire/sessions.md "PUT" */
test('a user is in so many sessions of a service config and no more', ownServer, async () => {
  await using kit = await startKit({ settings: { sessionsPerUserMax: 2 } });
  const [ada, bob] = [kit.user('ada'), kit.user('bob')];
  const [first, second, third] = [kit.reference(), kit.reference(), kit.reference()];
  assertStatus(await ada.putSession(first, joinBody()), 201);
  assertStatus(await ada.putSession(second, joinBody()), 201);

  assertRefused(await ada.putSession(third, joinBody()), 403, 'tooManySessions');
  assertStatus(await bob.putSession(third, joinBody()), 201);
  assertRefused(await ada.putSession(third, joinBody()), 403, 'tooManySessions');
  assertStatus(await ada.putSession(first, { properties: { custom: { map: 'atoll' } } }), 200);
  assertStatus(await ada.putSession(first, leave), 204);
  assertStatus(await ada.putSession(third, joinBody()), 200);
});

/** @source docs/wire/handles.md "POST /handles" */
test('so many invites of a user wait and no more', ownServer, async () => {
  await using kit = await startKit({ settings: { invitesPerUserMax: 2 } });
  const [ada, referee] = [kit.user('ada'), kit.service('referee')];
  const reference = await gather(kit, [ada]);
  const invite = (n: number) => inviteTo(reference, `25352${String(n).padStart(11, '0')}`);
  assertStatus(await ada.postHandle(invite(1)), 201);
  assertStatus(await ada.postHandle(invite(2)), 201);

  assertRefused(await ada.postHandle(invite(3)), 403, 'tooManyInvites');
  assertStatus(await referee.postHandle(invite(3)), 201);
  assert.equal((await ada.getSession(reference)).status, 200);
});
