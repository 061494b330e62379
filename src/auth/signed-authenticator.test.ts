import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Caller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import { AuthenticatorUnavailable } from './authenticator.ts';
import { signJwt } from './jwt.ts';
import { openKeySet, type SignatureAlgorithm } from './key-set.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { openAuthenticator } from './open-authenticator.ts';
import type { OutsideTokenRules } from './outside-token.ts';
import { signedAuthenticator } from './signed-authenticator.ts';

const pairs = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: generateKeyPairSync('ed25519'),
};
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const algorithms = ['ES256', 'RS256', 'EdDSA'] as const;

const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });
const keySetText = JSON.stringify({
  keys: algorithms.map((name) => jwkOf(pairs[name].publicKey, name)),
});

const nowMs = Date.UTC(2026, 0, 1);
const exp = nowMs / 1000 + 60;
const times = { nowMs, lifetimeMs: 60_000 };
const ada: Caller = { kind: 'user', xuid: '1', sandbox: 'RETAIL' };

function authenticatorOf(rules: Partial<OutsideTokenRules> = {}) {
  return signedAuthenticator({
    keySet: openKeySet('keys', async () => keySetText, { staleMsMax: 0 }),
    ...rules,
  });
}

async function ask(
  token: string,
  rules: Partial<OutsideTokenRules> = {},
): Promise<Caller | Refusal> {
  return authenticatorOf(rules).authenticate(`XBL3.0 x=-;${token}`, nowMs);
}

function sign(algorithm: SignatureAlgorithm, more: { issuer?: string; audience?: string } = {}) {
  const key = pairs[algorithm].privateKey;
  return signJwt({ xid: '1' }, { key, algorithm, keyId: algorithm, ...more }, times);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token "signed" by HMAC with whatever text, as one who has only public things can do. */
function hmacToken(header: object, key: string | Buffer): string {
  const text = `${encode(header)}.${encode({ xid: '1', exp })}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

test('tokens of each algorithm are believed', async () => {
  for (const algorithm of algorithms) {
    assert.deepEqual(await ask(await sign(algorithm)), ada, algorithm);
  }
});

test('a token without key id is believed when only one key is for its algorithm', async () => {
  const { privateKey: key } = pairs.ES256;
  assert.deepEqual(await ask(await signJwt({ xid: '1' }, { key, algorithm: 'ES256' }, times)), ada);
});

const publicPem = pairs.RS256.publicKey.export({ format: 'pem', type: 'spki' });
const publicDer = pairs.RS256.publicKey.export({ format: 'der', type: 'spki' });
const publicJwk = JSON.stringify(jwkOf(pairs.RS256.publicKey, 'RS256'));

const attacks: readonly [what: string, token: string, text: RegExp][] = [
  ['development token', 'xuid=1', /not signed; send a JWT of the issuer/],
  [
    'no signature',
    `${encode({ alg: 'none' })}.${encode({ xid: '1', exp })}.`,
    /not signed with one/,
  ],
  ['None', `${encode({ alg: 'None', kid: 'ES256' })}.${encode({ xid: '1', exp })}.`, /not signed/],
  [
    'HMAC, public key as PEM',
    hmacToken({ alg: 'HS256', kid: 'RS256' }, publicPem),
    /not signed with/,
  ],
  [
    'HMAC, public key as DER',
    hmacToken({ alg: 'HS256', kid: 'RS256' }, publicDer),
    /not signed with/,
  ],
  [
    'HMAC, public key as JWK',
    hmacToken({ alg: 'HS256', kid: 'RS256' }, publicJwk),
    /not signed with/,
  ],
  ['HMAC that says RS256', hmacToken({ alg: 'RS256', kid: 'RS256' }, publicPem), /signature/],
  [
    'key of another algorithm',
    hmacToken({ alg: 'ES256', kid: 'RS256' }, publicPem),
    /none for alg/,
  ],
  ['PS256', hmacToken({ alg: 'PS256', kid: 'RS256' }, publicPem), /not signed with one of ES256/],
  ['unknown key id', hmacToken({ alg: 'ES256', kid: 'mine' }, ''), /none for .* key id "mine"/],
  ['header that is no JSON', 'a.b.c', /not a well-formed JWT/],
  ['header that is null', `${encode(null)}.${encode({ xid: '1', exp })}.c`, /not a well-formed/],
];

test('who holds no private key is nobody', async () => {
  for (const [what, token, text] of attacks) {
    const refusal = await ask(token);
    assert.ok(refusal instanceof Refusal, what);
    assert.equal(refusal.code, 'notAuthenticated', what);
    assert.match(refusal.text, text, what);
    assert.ok(!refusal.text.includes(token), what);
  }
});

test('a key that a token brings itself is not looked at', async () => {
  const { SignJWT } = await import('jose/jwt/sign');
  const token = await new SignJWT({ xid: '1', exp })
    .setProtectedHeader({
      alg: 'ES256',
      kid: 'ES256',
      jwk: stranger.publicKey.export({ format: 'jwk' }) as never,
      jku: 'https://stranger.example/jwks.json',
    })
    .sign(stranger.privateKey);
  const refusal = await ask(token);
  assert.ok(refusal instanceof Refusal);
  assert.match(refusal.text, /signature of the token cannot be verified/);
});

test('an extension that a token calls critical is refused, though the signature is good', async () => {
  const { SignJWT } = await import('jose/jwt/sign');
  const token = await new SignJWT({ xid: '1', exp })
    .setProtectedHeader({ alg: 'ES256', kid: 'ES256', crit: ['bound'], bound: true })
    .sign(pairs.ES256.privateKey, { crit: { bound: true } });
  const refusal = await ask(token);
  assert.ok(refusal instanceof Refusal);
  assert.match(refusal.text, /extension \("crit"\)/);
});

test('a token without expiry is refused', async () => {
  const { SignJWT } = await import('jose/jwt/sign');
  const token = await new SignJWT({ xid: '1' })
    .setProtectedHeader({ alg: 'ES256', kid: 'ES256' })
    .sign(pairs.ES256.privateKey);
  const refusal = await ask(token);
  assert.ok(refusal instanceof Refusal);
  assert.match(refusal.text, /no expiry/);
});

test('issuer and audience are checked when asked for', async () => {
  const rules = { issuer: 'https://login.example', audience: 'mpsd' };
  const right = { issuer: rules.issuer, audience: rules.audience };
  assert.deepEqual(await ask(await sign('ES256', right), rules), ada);
  assert.deepEqual(await ask(await sign('ES256', right)), ada);
  const wrong: readonly [{ issuer?: string; audience?: string }, RegExp][] = [
    [
      { ...right, issuer: 'https://other.example' },
      /issuer \(claim "iss"\) must be "https:\/\/login/,
    ],
    [{ audience: 'mpsd' }, /issuer \(claim "iss"\)/],
    [{ ...right, audience: 'shop' }, /audience \(claim "aud"\) must be "mpsd"/],
    [{ issuer: rules.issuer }, /audience \(claim "aud"\)/],
  ];
  for (const [claims, text] of wrong) {
    const refusal = await ask(await sign('ES256', claims), rules);
    assert.ok(refusal instanceof Refusal);
    assert.match(refusal.text, text);
  }
});

test('a remembered token that expires is refused from then on', async () => {
  const authenticator = authenticatorOf();
  const header = `XBL3.0 x=-;${await sign('EdDSA')}`;
  assert.deepEqual(await authenticator.authenticate(header, nowMs), ada);
  assert.deepEqual(authenticator.authenticate(header, nowMs + 59_999), ada);
  const refusal = await authenticator.authenticate(header, nowMs + 60_000);
  assert.ok(refusal instanceof Refusal);
  assert.match(refusal.text, /expired at 2026-01-01T00:01:00\.0000000Z/);
});

test('while the keys cannot be had, remembered tokens are good and others an outage', async () => {
  let text: string | undefined = keySetText;
  const keySet = openKeySet('keys', async () => text ?? assert.fail('down'), {
    staleMsMax: 0,
  });
  const authenticator = authenticatorOf({ keySet });
  const header = `XBL3.0 x=-;${await sign('ES256')}`;
  await authenticator.authenticate(header, nowMs);
  text = undefined;
  assert.deepEqual(authenticator.authenticate(header, nowMs + 1), ada);
  const other = `XBL3.0 x=-;${await signJwt({ xid: '2' }, { key: stranger.privateKey, algorithm: 'ES256', keyId: 'new' }, times)}`;
  await assert.rejects(
    async () => authenticator.authenticate(other, nowMs + 30_000),
    AuthenticatorUnavailable,
  );
});

test('keys over HTTP: fetched at the start, rotated without a restart, an outage is no refusal', async () => {
  let answer = { status: 503, text: 'down', location: '' };
  let fetches = 0;
  const server = createServer((_request, response) => {
    fetches += 1;
    response.writeHead(answer.status, { location: answer.location }).end(answer.text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const publish = (key: KeyObject, kid: string) => {
    answer = { status: 200, text: JSON.stringify({ keys: [jwkOf(key, kid)] }), location: '' };
  };
  const tokenOf = async (key: KeyObject, keyId: string) =>
    `XBL3.0 x=-;${await signJwt({ xid: '1' }, { key, algorithm: 'ES256', keyId }, { nowMs, lifetimeMs: 3_600_000 })}`;
  const first = await tokenOf(pairs.ES256.privateKey, 'first');
  const second = await tokenOf(stranger.privateKey, 'second');

  try {
    const settings = { kind: 'signed', keySet: `http://127.0.0.1:${port}/jwks.json` } as const;
    const { authenticator } = await openAuthenticator(settings, {
      secret: new Uint8Array(32),
      store: openMemoryStore(),
      nowMs,
    });
    assert.equal(fetches, 1);
    const at = async (header: string, afterMs: number) =>
      authenticator.authenticate(header, nowMs + afterMs);

    await assert.rejects(at(first, 0), /answers 503 instead of 200/);
    answer = { status: 302, text: '', location: '/elsewhere' };
    await assert.rejects(at(first, 2_000), AuthenticatorUnavailable);
    publish(pairs.ES256.publicKey, 'first');
    assert.deepEqual(await at(first, 4_000), ada);
    assert.ok((await at(second, 5_000)) instanceof Refusal);

    publish(stranger.publicKey, 'second');
    assert.deepEqual(await at(second, 34_000), ada);
    assert.equal(fetches, 4);
  } finally {
    server.close();
  }
});
