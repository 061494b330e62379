import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { AuthenticatorUnavailable } from './authenticator.ts';
import { openKeySet, parseKeySet } from './key-set.ts';

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ed25519 = generateKeyPairSync('ed25519');
const x25519 = generateKeyPairSync('x25519');

const jwkOf = (key: KeyObject, marks: object = {}) => ({
  ...key.export({ format: 'jwk' }),
  ...marks,
});
const setOf = (...keys: unknown[]) => JSON.stringify({ keys });
const one = setOf(jwkOf(p256.publicKey, { kid: 'one' }));
const two = setOf(jwkOf(p256.publicKey, { kid: 'two' }));

test('keys that signed tokens can be checked with, each with the one algorithm it is for', () => {
  const keys = parseKeySet(
    setOf(
      jwkOf(p256.publicKey, { kid: 'a', use: 'sig', alg: 'ES256' }),
      jwkOf(rsa.publicKey, { kid: 'b', key_ops: ['verify'] }),
      jwkOf(ed25519.publicKey),
      jwkOf(p384.publicKey, { kid: 'another curve' }),
      jwkOf(x25519.publicKey, { kid: 'not for signatures' }),
      jwkOf(rsa.publicKey, { kid: 'encryption', use: 'enc' }),
      jwkOf(rsa.publicKey, { kid: 'encryption too', key_ops: ['encrypt'] }),
      jwkOf(rsa.publicKey, { kid: 'another algorithm', alg: 'PS256' }),
      { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' },
    ),
  );
  assert.deepEqual(
    keys.map(({ keyId, algorithm }) => [keyId, algorithm]),
    [
      ['a', 'ES256'],
      ['b', 'RS256'],
      [undefined, 'EdDSA'],
    ],
  );
});

const unusable: readonly [text: string, error: RegExp][] = [
  ['', /JSON/],
  ['<html>', /JSON/],
  ['null', /not of the form \{"keys"/],
  ['[]', /not of the form/],
  ['{"keys":{}}', /not of the form/],
  ['{"keys":[]}', /no key for ES256, RS256, EdDSA/],
  [setOf(jwkOf(p384.publicKey)), /no key for/],
  [setOf(1), /keys\[0\]: it is not an object/],
  [setOf(null), /keys\[0\]: it is not an object/],
  [setOf(jwkOf(p256.publicKey), { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }), /keys\[1\]/],
  [setOf(jwkOf(weakRsa.publicKey)), /keys\[0\]: an RSA key needs at least 2048 bits/],
  [setOf(jwkOf(p256.privateKey)), /keys\[0\]: it is a secret key/],
  [setOf(jwkOf(p256.publicKey), { kty: 'oct', k: 'c2VjcmV0' }), /keys\[1\]: it is a secret key/],
];

test('a key set that cannot be relied on is told with the place', () => {
  for (const [text, error] of unusable) assert.throws(() => parseKeySet(text), error, text);
});

/** A key set whose text is what `texts` holds at that read, the last one for ever; 'down' fails. */
function readsOf(...texts: string[]) {
  let reads = 0;
  const keySet = openKeySet('https://keys.example/jwks', async () => {
    const text = texts[Math.min(reads, texts.length - 1)] ?? '';
    reads += 1;
    if (text === 'down') throw new TypeError('fetch failed', { cause: new Error('no route') });
    return text;
  });
  const ask = (keyId: string | undefined, nowMs: number) =>
    keySet.keyFor({ algorithm: 'ES256', keyId }, nowMs);
  return { ask, reads: () => reads };
}

test('keys are read once, for all who ask meanwhile, and again after ten minutes', async () => {
  const { ask, reads } = readsOf(one);
  const keys = await Promise.all([ask('one', 0), ask('one', 0), ask(undefined, 0)]);
  for (const key of keys) assert.ok(!(key instanceof Refusal) && key.keyId === 'one');
  await ask('one', 599_999);
  assert.equal(reads(), 1);
  await ask('one', 600_000);
  assert.equal(reads(), 2);
});

test('an unknown key id has the keys read again, but not within 30 seconds', async () => {
  const { ask, reads } = readsOf(one, one, two);
  await ask('one', 0);
  assert.ok((await ask('two', 29_999)) instanceof Refusal);
  assert.equal(reads(), 1);
  assert.ok((await ask('two', 30_000)) instanceof Refusal);
  assert.ok((await ask('two', 30_001)) instanceof Refusal);
  assert.equal(reads(), 2);
  const key = await ask('two', 60_000);
  assert.ok(!(key instanceof Refusal) && key.keyId === 'two');
  assert.ok((await ask('one', 60_001)) instanceof Refusal, 'a withdrawn key');
});

test('a key that is not there, or not clear, is refused by algorithm and key id', async () => {
  const { ask } = readsOf(one);
  const unknown = await ask(`a\nb${'c'.repeat(100)}`, 0);
  assert.ok(unknown instanceof Refusal && unknown.code === 'notAuthenticated');
  assert.match(unknown.text, /has none for algorithm ES256 and key id "a\\nbc{61}"\.$/);
  const twins = readsOf(setOf(jwkOf(p256.publicKey), jwkOf(p256.publicKey, { kid: 'b' })));
  const unclear = await twins.ask(undefined, 0);
  assert.ok(unclear instanceof Refusal);
  assert.match(unclear.text, /has several for algorithm ES256 and no key id/);
});

test('an outage is not a refusal, and is not asked about again for two seconds', async () => {
  const { ask, reads } = readsOf('down', 'down', one);
  const outage = { name: 'AuthenticatorUnavailable', message: /keys\.example.*: no route\.$/ };
  await assert.rejects(ask('one', 0), outage);
  await assert.rejects(ask('one', 1_999), AuthenticatorUnavailable);
  assert.equal(reads(), 1);
  await assert.rejects(ask('one', 2_000), AuthenticatorUnavailable);
  assert.equal(reads(), 2);
  assert.ok(!((await ask('one', 4_000)) instanceof Refusal));
});

test('keys older than ten minutes are not believed while they cannot be read again', async () => {
  const { ask } = readsOf(one, 'down');
  await ask('one', 0);
  await assert.rejects(ask('one', 600_000), AuthenticatorUnavailable);
});
