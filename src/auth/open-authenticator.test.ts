import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { AuthenticatorUnavailable } from './authenticator.ts';
import { startLocalIssuer } from '../testing/local-issuer.ts';
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

test('signed tokens whose claims are mapped: ids that are no xuids are given one, others keep their names', async () => {
  await using issuer = await startLocalIssuer({ nowMs: () => 0 });
  const keys = { kind: 'signed', keySet: `${issuer.url}/keys` } as const;
  const ask = async (claims: { xid?: string } | undefined, token: string) => {
    const settings = { ...keys, claims };
    const { authenticator, login } = await openAuthenticator(settings, { secret, store, nowMs: 0 });
    assert.equal(login, undefined, 'nobody logs in here');
    return authenticator.authenticate(`Bearer ${token}`, 0);
  };
  const token = await issuer.sign({ sub: 'u-1', gtg: 'Ada', tid: 7, prv: '254' });
  const ada = await ask({ xid: 'sub' }, token);
  assert.ok(!(ada instanceof Refusal) && ada.kind === 'user');
  assert.match(ada.xuid, /^2535[0-9]{12}$/);
  assert.deepEqual([ada.gamertag, ada.titleId, ada.privileges], ['Ada', '7', ['254']]);
  const plain = await ask(undefined, await issuer.sign({ xid: 'u-1' }));
  assert.ok(plain instanceof Refusal);
  assert.match(plain.text, /claim "xid" must be a decimal number below 2\^64/);
  const service = await ask({ xid: 'sub' }, await issuer.sign({ svc: 'arbiter' }));
  assert.deepEqual(service, { kind: 'service', name: 'arbiter', sandbox: 'RETAIL' });
  const both = await ask({ xid: 'sub' }, await issuer.sign({ sub: 'u', svc: 'arbiter' }));
  assert.ok(both instanceof Refusal);
  assert.match(both.text, /names both claim "sub" and claim "svc"/);
});

test('what is not checked is said at the start', () => {
  const lines = (settings: Parameters<typeof describeAuthenticator>[0]) =>
    describeAuthenticator(settings).join('\n');
  const secret = lines({ kind: 'signed', keySet: 'https://host/keys?key=hidden' });
  assert.match(secret, /signed with a key of https:\/\/host\/keys\?…\.\n/);
  assert.match(lines({ kind: 'dev' }), /unsigned tokens are accepted/);
  const open = lines({ kind: 'signed', keySet: 'https://keys.example/jwks' });
  assert.match(open, /Issuer: NOT checked/);
  assert.match(open, /Audience: NOT checked/);
  assert.doesNotMatch(open, /plain http/);
  const encrypted = lines({ kind: 'dev', encryptedTokens: 'any' });
  assert.match(encrypted, /Encrypted tokens of Xbox Live are accepted unread/);
  const oidc = lines({ kind: 'oidc', issuer: 'https://login.example', audience: ['a', 'b'] });
  assert.match(oidc, /^Callers: users of https:\/\/login\.example\.\n {2}Audience: a, b$/);
  const signIn = { issuer: 'https://login.example', audience: ['a'], client: { id: 'game' } };
  assert.match(
    lines({ kind: 'oidc', ...signIn }),
    /Xbox clients sign in there, as its client game/,
  );
  assert.match(
    lines({ kind: 'oidc', issuer: 'http://login.example', audience: ['a'] }),
    /plain http/,
  );
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
