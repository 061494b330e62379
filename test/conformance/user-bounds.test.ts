/** What one user may hold in a service config. @source docs/wire/unknowns.md "how much a user may hold" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoTitleId, isAimed, joinBody, startKit } from '../../src/testing/kit.ts';
import { assertRefused, assertStatus, gather, inviteTo, leave, needsOwnServer } from './answers.ts';
import { ask, assertActivityRefusal } from './services.ts';

const ownServer = { skip: isAimed && needsOwnServer };

/** @source docs/wire/sessions.md "PUT" */
test('a user is in so many sessions of a service config and no more', ownServer, async () => {
  await using kit = await startKit({ settings: { sessionsPerUserMax: 2 } });
  const [ada, bob] = kit.users('ada', 'bob');
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

/** @source docs/wire/activity.md "Invites", docs/wire/unknowns.md "how many invites into activities wait" */
test('so many users have invites of one sender into a title and no more', ownServer, async () => {
  await using kit = await startKit({ settings: { invitesPerUserMax: 2 } });
  const [ada, bob, referee] = [kit.user('ada'), kit.user('bob'), kit.service('referee')];
  const invite = (sender: typeof ada, ...invitedUsers: readonly string[]) =>
    ask(sender, 'POST', `/titles/${demoTitleId}/invites`, { invitedUsers });
  assertStatus(await invite(ada, '11', '12'), 204);
  // Kills: a repeated invite counts again.
  assertStatus(await invite(ada, '12', '11'), 204);
  assertActivityRefusal(await invite(ada, '11', '13'), 'InvalidRequest', 'tooManyInvites');
  assertStatus(await invite(bob, '13'), 204);
  const body = { invitedUsers: ['13'], sender: ada.xuid };
  const path = `/titles/${demoTitleId}/invites/server`;
  assertStatus(await ask(referee, 'POST', path, body), 204);
  // Kills: invites that have expired count for good.
  await kit.advance(86_400_000);
  assertStatus(await invite(ada, '13', '14'), 204);
});
