import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../domain/caller.ts';
import { AcquiredNames } from '../store/acquired-names.ts';
import { type Claim, openNonces } from './nonces.ts';

const key = new Uint8Array(32).fill(1);

function newClaims(): Claim {
  const taken = new AcquiredNames();
  return async (...asked) => taken.acquireOnce(...asked);
}

const ada: Caller = { kind: 'user', xuid: '1', gamertag: 'Ada', sandbox: 'RETAIL' };

test('a nonce stands for its caller, on each node that has the key, once', async () => {
  const shared = newClaims();
  const [one, other] = [openNonces(key, shared), openNonces(key, shared)];
  const nonce = one.issue(ada, 0, 'id');
  assert.match(nonce, /^[\w.-]+$/, 'fit for a URL as it is');
  assert.deepEqual(await other.redeem(nonce, 0), ada);
  assert.equal(await other.redeem(nonce, 0), undefined);
  assert.notEqual(one.issue(ada, 0, 'id2'), nonce);
});

test('a nonce lasts a minute, and cannot be redeemed then', async () => {
  const nonces = openNonces(key, newClaims());
  const [first, second] = [nonces.issue(ada, 0, 'a'), nonces.issue(ada, 0, 'b')];
  assert.deepEqual(await nonces.redeem(first, 59_999), ada);
  assert.equal(await nonces.redeem(second, 60_000), undefined);
  assert.equal(await nonces.redeem(first, 60_000), undefined);
});

test('what is not signed with the key stands for nobody', async () => {
  const nonces = openNonces(key, newClaims());
  const nonce = openNonces(new Uint8Array(32), newClaims()).issue(ada, 0, 'a');
  const [claims, signature] = nonces.issue(ada, 0, 'b').split('.');
  const forged = Buffer.from(JSON.stringify({ id: 'c', caller: ada, expiresMs: 1 })).toString(
    'base64url',
  );
  for (const text of [
    '',
    '.',
    'a.b',
    nonce,
    claims ?? '',
    `${forged}.${signature}`,
    `${claims}.`,
  ]) {
    assert.equal(await nonces.redeem(text, 0), undefined, text);
  }
});
