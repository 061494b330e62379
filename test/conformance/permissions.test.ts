/** What users may do with each other. @source docs/wire/neighbours.md "Permissions" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, type KitAnswer, type KitUser, startKit } from '../../src/testing/kit.ts';
import { assertRefused, assertStatus } from './answers.ts';
import { ask } from './services.ts';

const path = '/users/me/permission/validate';

const check = (user: KitUser, setting: string, target: string): Promise<KitAnswer> =>
  ask(user, 'GET', `${path}?setting=${setting}&target=${target}`);

const of = ({ xuid }: KitUser): string => `xuid(${xuid})`;

const reasonsIn = ({ json }: KitAnswer): unknown => at(json, 'reasons');

/** @source docs/wire/neighbours.md "Permissions" */
test('avoid and mute lists forbid what they are for', async () => {
  await using kit = await startKit();
  const [ada, bob, cid] = kit.users('ada', 'bob', 'cid');
  const allowed = assertStatus(await check(ada, 'CommunicateUsingText', of(bob)), 200);
  assert.deepEqual(allowed.json, { isAllowed: true, reasons: [] });

  assertStatus(await ask(ada, 'PUT', '/users/me/people/mute', { xuid: bob.xuid }), 204);
  const muted = [{ reason: 'MuteListRestrictsTarget' }];
  assert.deepEqual(reasonsIn(await check(ada, 'communicateUsingVoice', of(bob))), muted);
  assert.deepEqual(reasonsIn(await check(ada, 'CommunicateUsingText', of(bob))), []);

  assertStatus(await ask(ada, 'PUT', '/users/me/people/avoid', { xuid: bob.xuid }), 204);
  const blocked = [{ reason: 'BlockListRestrictsTarget' }];
  assert.deepEqual((await check(ada, 'PlayMultiplayer', of(bob))).json, {
    isAllowed: false,
    reasons: blocked,
  });
  assert.deepEqual(reasonsIn(await check(ada, 'CommunicateUsingVoice', of(bob))), [
    ...blocked,
    ...muted,
  ]);
  assert.deepEqual(reasonsIn(await check(bob, 'PlayMultiplayer', of(ada))), [
    { reason: 'NotAllowed' },
  ]);

  const body = {
    users: [{ xuid: cid.xuid }, { xuid: bob.xuid }, { anonymousUser: 'crossNetworkUser' }],
    permissions: ['ViewTargetProfile', 'CommunicateUsingVoice'],
  };
  const yes = { isAllowed: true, reasons: [] };
  const answer = assertStatus(await ask(ada, 'POST', path, body), 200);
  assert.deepEqual(answer.json, {
    responses: [
      { user: { xuid: cid.xuid }, permissions: [yes, yes] },
      {
        user: { xuid: bob.xuid },
        permissions: [
          { isAllowed: false, reasons: blocked },
          { isAllowed: false, reasons: [...blocked, ...muted] },
        ],
      },
      { user: { anonymousUser: 'crossNetworkUser' }, permissions: [yes, yes] },
    ],
  });
});

/** @source docs/wire/unknowns.md "what permissions need" */
test('privileges that a token lists without are missing', async () => {
  await using kit = await startKit();
  const [child, bob] = [kit.user('child', { prv: '254' }), kit.user('bob')];
  const missing = [{ reason: 'MissingPrivilege' }];
  assert.deepEqual(reasonsIn(await check(child, 'CommunicateUsingText', of(bob))), missing);
  assert.deepEqual(reasonsIn(await check(child, 'PlayMultiplayer', of(bob))), []);
  assert.deepEqual(
    reasonsIn(await check(child, 'CommunicateUsingVoice', 'crossNetworkFriend')),
    missing,
  );
});

/** @source docs/wire/neighbours.md "Permissions" */
test('what is not asked rightly is refused', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  for (const [setting, target, place] of [
    ['Fly', of(bob), 'query.setting'],
    ['PlayMultiplayer', 'bob', 'query.target'],
    ['PlayMultiplayer', '', 'query.target'],
  ] as const) {
    assertRefused(await check(ada, setting, target), 400, 'requestInvalid', place);
  }
  const others = `/users/${of(bob)}/permission/validate?setting=PlayMultiplayer&target=${of(ada)}`;
  assertRefused(await ask(ada, 'GET', others), 403, 'userNotYours', bob.xuid);
  assertStatus(await ask(kit.service(), 'GET', others), 200);
  const permissions = ['PlayMultiplayer'];
  for (const body of [
    {},
    { users: [], permissions },
    { users: [{}], permissions },
    { users: [{ xuid: '1', anonymousUser: 'allUsers' }], permissions },
    { users: [{ anonymousUser: 'nobody' }], permissions },
    { users: [{ xuid: '1' }], permissions: [] },
    { users: [{ xuid: '1' }], permissions: ['Fly'] },
  ]) {
    assertRefused(await ask(ada, 'POST', path, body), 400, 'requestInvalid');
  }
});

/** @source docs/wire/neighbours.md "Permissions" */
test('the list of who is blocked has two names', async () => {
  await using kit = await startKit();
  const [ada, bob] = kit.users('ada', 'bob');
  assertStatus(await ask(ada, 'PUT', '/users/me/people/never', { xuid: bob.xuid }), 204);
  for (const name of ['never', 'avoid']) {
    const list = await ask(ada, 'GET', `/users/xuid(${ada.xuid})/people/${name}`);
    assert.deepEqual(list.json, { users: [{ xuid: bob.xuid }] });
  }
  assertStatus(await ask(ada, 'DELETE', '/users/me/people/avoid', { xuid: bob.xuid }), 204);
  assert.deepEqual((await ask(ada, 'GET', '/users/me/people/never')).json, { users: [] });
});
