import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { AuthenticatorUnavailable } from './authenticator.ts';
import { signJwt } from './jwt.ts';
import { describeAuthenticator, openAuthenticator } from './open-authenticator.ts';
import { signToken, tokenKeyOf } from './token.ts';

const secret = new Uint8Array(32).fill(7);
const store = openMemoryStore();
const times = { nowMs: 0, lifetimeMs: 60_000 };

test('dev believes tokens signed with the key of the secret', async () => {
  const { authenticator } = await openAuthenticator({ kind: 'dev' }, { secret, store, nowMs: 0 });
  const token = await signToken({ xid: '1' }, tokenKeyOf(secret), times);
  const caller = await authenticator.authenticate(`XBL3.0 x=-;${token}`, 0);
  assert.deepEqual(caller, { kind: 'user', xuid: '1', sandbox: 'RETAIL' });
});

test('signed with a key set in a file, which is read at the start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-'));
  try {
    const keySet = join(folder, 'jwks.json');
    const settings = { kind: 'signed', keySet } as const;
    await assert.rejects(openAuthenticator(settings, { secret, store, nowMs: 0 }), {
      name: 'AuthenticatorUnavailable',
      message: /jwks\.json cannot be used: ENOENT/,
    });
    await writeFile(keySet, '{"keys":[]}');
    await assert.rejects(
      openAuthenticator(settings, { secret, store, nowMs: 0 }),
      AuthenticatorUnavailable,
    );

    const { publicKey, privateKey: key } = generateKeyPairSync('ed25519');
    await writeFile(keySet, JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }));
    const { authenticator } = await openAuthenticator(settings, { secret, store, nowMs: 0 });
    const token = await signJwt({ svc: 'arbiter' }, { key, algorithm: 'EdDSA' }, times);
    const caller = await authenticator.authenticate(`XBL3.0 x=-;${token}`, 0);
    assert.deepEqual(caller, { kind: 'service', name: 'arbiter', sandbox: 'RETAIL' });

    const own = await signToken({ xid: '1' }, tokenKeyOf(secret), times);
    for (const weaker of ['xuid=1', own]) {
      const refusal = await authenticator.authenticate(`XBL3.0 x=-;${weaker}`, 0);
      assert.ok(refusal instanceof Refusal);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what is not checked is said at the start', () => {
  const lines = (settings: Parameters<typeof describeAuthenticator>[0]) =>
    describeAuthenticator(settings).join('\n');
  assert.match(lines({ kind: 'dev' }), /unsigned tokens are accepted/);
  const open = lines({ kind: 'signed', keySet: 'https://keys.example/jwks' });
  assert.match(open, /Issuer: NOT checked/);
  assert.match(open, /Audience: NOT checked/);
  assert.doesNotMatch(open, /plain http/);
  const strict = lines({ kind: 'signed', keySet: 'jwks.json', issuer: 'i', audience: 'a' });
  assert.doesNotMatch(strict, /NOT/);
  assert.match(strict, /Issuer: i\n.*Audience: a/);
  for (const [keySet, isPlain] of [
    ['http://keys.example/jwks', true],
    ['http://localhost.example/jwks', true],
    ['http://localhost:8080/jwks', false],
    ['http://127.0.0.1/jwks', false],
    ['http://[::1]:1/jwks', false],
  ] as const) {
    assert.equal(lines({ kind: 'signed', keySet }).includes('plain http'), isPlain, keySet);
  }
});
