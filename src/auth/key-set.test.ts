import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateKeyPairSync, type KeyObject, type webcrypto } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AuthenticatorUnavailable } from './authenticator.ts';
import { UnknownKey } from './jwt.ts';
import { openKeySet, parseKeySet, readKeySetText, reasonOf } from './key-set.ts';

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
  const { keys } = parseKeySet(
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
    keys.map(({ kid, alg }) => [kid, alg]),
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

test('a key set that cannot be relied on is reported with the place', () => {
  for (const [text, error] of unusable) assert.throws(() => parseKeySet(text), error, text);
});

/**
 * A key set whose text is what `texts` holds at that read, the last one for ever; 'down' fails. `ask`
 * gives the coordinate of the key that is found, which tells them apart.
 */
function readsOf(texts: readonly string[], staleMsMax = 0) {
  let reads = 0;
  const problems: (string | undefined)[] = [];
  const readText = async (): Promise<string> => {
    const text = texts[Math.min(reads, texts.length - 1)] ?? '';
    reads += 1;
    if (text === 'down') throw new TypeError('fetch failed', { cause: new Error('no route') });
    return text;
  };
  const keySet = openKeySet('https://keys.example/jwks', readText, {
    staleMsMax,
    report: (problem) => problems.push(problem),
  });
  const ask = async (kid: string | undefined, nowMs: number) => {
    const header = { alg: 'ES256', ...(kid !== undefined && { kid }) };
    const key = await keySet.keysAt(nowMs)(header, { payload: '', signature: '' });
    return (await crypto.subtle.exportKey('jwk', key as webcrypto.CryptoKey)).x;
  };
  return { ask, reads: () => reads, problems };
}

const xOf = (key: KeyObject) => key.export({ format: 'jwk' }).x;
const found = xOf(p256.publicKey);

// @source docs/wire/unknowns.md "reading a key set again"
test('keys are read once, for all who ask meanwhile, and again after ten minutes', async () => {
  const { ask, reads } = readsOf([one]);
  const keys = await Promise.all([ask('one', 0), ask('one', 0), ask(undefined, 0)]);
  assert.deepEqual(keys, [found, found, found]);
  await ask('one', 599_999);
  assert.equal(reads(), 1);
  await ask('one', 600_000);
  assert.equal(reads(), 2);
});

// @source docs/wire/unknowns.md "reading a key set again"
test('an unknown key id has the keys read again, but not within 30 seconds', async () => {
  const { ask, reads } = readsOf([one, one, two]);
  await ask('one', 0);
  await assert.rejects(ask('two', 29_999), UnknownKey);
  assert.equal(reads(), 1);
  await assert.rejects(ask('two', 30_000), UnknownKey);
  await assert.rejects(ask('two', 30_001), UnknownKey);
  assert.equal(reads(), 2);
  assert.equal(await ask('two', 60_000), found);
  await assert.rejects(ask('one', 60_001), UnknownKey, 'a withdrawn key');
});

test('a key that is not there, or not clear, is reported by algorithm and key id', async () => {
  const { ask } = readsOf([one]);
  await assert.rejects(ask(`a\nb${'c'.repeat(100)}`, 0), {
    name: 'UnknownKey',
    message: /has none for algorithm ES256 and key id "a\\nbc{61}"\.$/,
  });
  const twins = readsOf([setOf(jwkOf(p256.publicKey), jwkOf(p256.publicKey, { kid: 'b' }))]);
  await assert.rejects(twins.ask(undefined, 0), {
    name: 'UnknownKey',
    message: /has several for algorithm ES256 and no key id/,
  });
});

test('an outage is not a refusal, and is not asked about again for two seconds', async () => {
  const { ask, reads, problems } = readsOf(['down', 'down', one]);
  const outage = { name: 'AuthenticatorUnavailable', message: /keys\.example.*: no route\.$/ };
  await assert.rejects(ask('one', 0), outage);
  await assert.rejects(ask('one', 1_999), AuthenticatorUnavailable);
  assert.equal(reads(), 1);
  await assert.rejects(ask('one', 2_000), AuthenticatorUnavailable);
  assert.equal(reads(), 2);
  assert.equal(await ask('one', 4_000), found);
  assert.match(problems[1] ?? '', /no route/);
  assert.equal(problems[2], undefined);
});

test('keys older than ten minutes are not believed while they cannot be read, unless they may', async () => {
  const { ask } = readsOf([one, 'down']);
  await ask('one', 0);
  await assert.rejects(ask('one', 600_000), AuthenticatorUnavailable);
});

// Kills: the time counted from the failure; keys of an issuer that is away that are never read again.
test('keys stay good while their issuer is away, for as long as they may', async () => {
  const staleMsMax = 3_600_000;
  const { ask, reads } = readsOf([one, 'down', 'down', 'down', two], staleMsMax);
  await ask('one', 0);
  assert.equal(await ask('one', 600_000), found);
  // Not asked about again for two seconds, and then again.
  assert.equal(await ask('one', 601_999), found);
  assert.equal(reads(), 2);
  assert.equal(await ask('one', 600_000 + staleMsMax - 1), found);
  assert.equal(reads(), 3);
  // Of a key that is not among them nothing is known.
  await assert.rejects(ask('two', 600_000 + staleMsMax - 1), AuthenticatorUnavailable);
  await assert.rejects(ask('one', 600_000 + staleMsMax + 10_000), AuthenticatorUnavailable);
  assert.equal(reads(), 4);
  assert.equal(await ask('two', 600_000 + staleMsMax + 20_000), found);
});

// Kills: keys that are read from a file that other users may write.
test('keys are read from a file that nobody else may write, and from no other', {
  skip: process.getuid === undefined,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'openmpsd-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'keys.json');
  writeFileSync(file, one);
  chmodSync(file, 0o644);
  assert.equal(await readKeySetText(file), one);
  chmodSync(file, 0o664);
  const keySet = openKeySet(file, () => readKeySetText(file), { staleMsMax: 0 });
  await assert.rejects(keySet.read(0), (error) => {
    assert.ok(error instanceof AuthenticatorUnavailable);
    assert.match(error.message, /keys\.json may be written by other users .*chmod go-w/);
    return true;
  });
});

// Kills: an error of fetch, which repeats the address with its password.
test('the address of a key set loses what may be secret in it', async () => {
  await assert.rejects(
    readKeySetText('https://ada:hidden@127.0.0.1:9/keys?key=hidden'),
    (error) => {
      assert.match(String(error), /https:\/\/…@127\.0\.0\.1:9\/keys\?…/);
      assert.doesNotMatch(String(error), /hidden/);
      return true;
    },
  );
});

// Kills: an answer without end, which is kept in memory until the time is over.
test('a key set of more than a megabyte is refused for that', async () => {
  const server = createServer((_request, response) => {
    response.on('error', () => undefined);
    for (let count = 0; count < 20; count += 1) response.write(' '.repeat(100 * 1_024));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    await assert.rejects(readKeySetText(`http://127.0.0.1:${port}/keys`), (error) => {
      assert.match(String(error), /\/keys answers more than 1024 KB/);
      return true;
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

// Kills: the reason that is empty where a name has several addresses.
test('the reason is that of all addresses of a name', () => {
  const cause = new AggregateError([new Error('no ::1'), new Error('no 127.0.0.1')]);
  assert.equal(reasonOf(new TypeError('fetch failed', { cause })), 'no ::1, no 127.0.0.1');
});
