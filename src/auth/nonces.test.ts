import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../domain/caller.ts';
import { openNonces } from './nonces.ts';

const key = new Uint8Array(32).fill(1);
const ada: Caller = { kind: 'user', xuid: '1', gamertag: 'Ada', sandbox: 'RETAIL' };

test('a nonce stands for its caller, on each node that has the key, once', () => {
  const [one, other] = [openNonces(key), openNonces(key)];
  const nonce = one.issue(ada, 0, 'id');
  assert.match(nonce, /^[\w.-]+$/, 'fit for a URL as it is');
  assert.deepEqual(other.redeem(nonce, 0), ada);
  assert.equal(other.redeem(nonce, 0), undefined);
  assert.notEqual(one.issue(ada, 0, 'id2'), nonce);
});

test('a nonce lasts a minute, and is no longer remembered then', () => {
  const nonces = openNonces(key);
  const [first, second] = [nonces.issue(ada, 0, 'a'), nonces.issue(ada, 0, 'b')];
  assert.deepEqual(nonces.redeem(first, 59_999), ada);
  assert.equal(nonces.redeem(second, 60_000), undefined);
  assert.equal(nonces.redeem(first, 60_000), undefined);
});

test('what is not signed with the key stands for nobody', () => {
  const nonces = openNonces(key);
  const nonce = openNonces(new Uint8Array(32)).issue(ada, 0, 'a');
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
    assert.equal(nonces.redeem(text, 0), undefined, text);
  }
});
