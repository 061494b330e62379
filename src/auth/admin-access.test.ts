import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { type AdminAccessSettings, openAdminAccess } from './admin-access.ts';
import { devAuthenticator } from './dev-authenticator.ts';

const token = 'an-admin-token-of-a-test';
const callers = devAuthenticator(new Uint8Array(32));

async function asked(settings: AdminAccessSettings, authorization: string | undefined) {
  const answer = await openAdminAccess(callers, settings).authenticate(authorization, 0);
  return answer instanceof Refusal ? answer.code : answer.name;
}

const rows: readonly (readonly [
  authorization: string | undefined,
  settings: AdminAccessSettings,
  answer: string,
])[] = [
  [`Bearer ${token}`, { token, services: [] }, 'admin'],
  [`bearer  ${token}`, { token, services: [] }, 'admin'],
  [`Bearer ${token}x`, { token, services: [] }, 'notAuthenticated'],
  [`Bearer ${token.slice(1)}`, { token, services: [] }, 'notAuthenticated'],
  ['Bearer ', { token, services: [] }, 'notAuthenticated'],
  [undefined, { token, services: [] }, 'notAuthenticated'],
  // Without an admin token none is accepted, not even an empty one.
  ['Bearer ', { token: undefined, services: [] }, 'notAuthenticated'],
  ['Bearer undefined', { token: undefined, services: [] }, 'notAuthenticated'],
  ['XBL3.0 x=-;svc=panel', { token, services: ['panel'] }, 'panel'],
  ['XBL3.0 x=-;svc=panel', { token, services: 'any' }, 'panel'],
  ['XBL3.0 x=-;svc=Panel', { token, services: ['panel'] }, 'adminRequired'],
  ['XBL3.0 x=-;svc=panel', { token, services: [] }, 'adminRequired'],
  ['XBL3.0 x=-;xuid=1', { token, services: 'any' }, 'adminRequired'],
  // A user named like a service is none.
  ['XBL3.0 x=-;xuid=1&gtg=panel', { token, services: ['panel'] }, 'adminRequired'],
];

test('who may administer', async () => {
  for (const [authorization, settings, answer] of rows) {
    assert.equal(await asked(settings, authorization), answer, String(authorization));
  }
});

// Kills: the advice to send an admin token to a server that has none.
test('who may not administer reads what to send', async () => {
  const advice: readonly (readonly [AdminAccessSettings, RegExp])[] = [
    [{ token, services: ['panel'] }, /; send "Bearer" with the admin token\.$/],
    [
      { token: undefined, services: ['panel'] },
      /; send the signed token of .* --admin-services names\.$/,
    ],
    [{ token: undefined, services: 'any' }, /; call as a game service\.$/],
  ];
  for (const [settings, expected] of advice) {
    const access = openAdminAccess(callers, settings);
    const answer = await access.authenticate('XBL3.0 x=-;xuid=1', 0);
    assert.ok(answer instanceof Refusal);
    assert.match(answer.text, expected);
  }
});

test('no refusal holds the token that was sent', async () => {
  const secret = 'sent-by-mistake';
  const answer = await openAdminAccess(callers, { token, services: [] }).authenticate(
    `Bearer ${secret}`,
    0,
  );
  assert.ok(answer instanceof Refusal);
  assert.doesNotMatch(answer.text, new RegExp(secret));
});
