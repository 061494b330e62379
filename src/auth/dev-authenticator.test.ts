import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import type { Caller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import { devAuthenticator } from './dev-authenticator.ts';
import { signToken, tokenKeyOf } from './token.ts';

const secret = new Uint8Array(32).fill(7);
const key = tokenKeyOf(secret);
const nowMs = Date.UTC(2026, 0, 1);
const times = { nowMs, lifetimeMs: 60_000 };
const ada: Caller = { kind: 'user', xuid: '1', gamertag: 'Ada', sandbox: 'RETAIL' };

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hmac = (text: string, under: Uint8Array) =>
  createHmac('sha256', under).update(text).digest('base64url');

/** A token made by hand, so that it can be as wrong as one likes. */
function handmade(header: object, claims: object, under: Uint8Array = key): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${hmac(text, under)}`;
}

const good = { alg: 'HS256', typ: 'JWT' };
const exp = nowMs / 1000 + 60;

async function ask(token: string, atMs = nowMs): Promise<Caller | Refusal> {
  return devAuthenticator(key).authenticate(`XBL3.0 x=-;${token}`, atMs);
}

test('a development token is believed at once', () => {
  const authenticator = devAuthenticator(key);
  assert.deepEqual(authenticator.authenticate('XBL3.0 x=-;xuid=1&gtg=Ada', nowMs), ada);
  assert.deepEqual(authenticator.authenticate('xbl3.0 x=7;svc=arbiter&tid=2', nowMs), {
    kind: 'service',
    name: 'arbiter',
    titleId: '2',
    sandbox: 'RETAIL',
  });
});

test('a token of the server itself is believed', async () => {
  assert.deepEqual(await ask(await signToken({ xid: '1', gtg: 'Ada' }, key, times)), ada);
  assert.deepEqual(await ask(handmade(good, { xid: 1, gtg: 'Ada', exp })), ada);
});

test('a token that expires between two uses is refused at the second, though remembered', async () => {
  const authenticator = devAuthenticator(key);
  const header = `XBL3.0 x=-;${await signToken({ xid: '1', gtg: 'Ada' }, key, times)}`;
  assert.deepEqual(await authenticator.authenticate(header, nowMs), ada);
  assert.deepEqual(authenticator.authenticate(header, nowMs + 59_999), ada);
  const refusal = await authenticator.authenticate(header, nowMs + 60_000);
  assert.ok(refusal instanceof Refusal);
  assert.match(refusal.text, /expired at 2026-01-01T00:01:00\.0000000Z/);
});

const refused: readonly [what: string, token: string, text: RegExp][] = [
  ['nobody', 'gtg=Ada', /names nobody: it needs parameter "xuid" \(a user\)/],
  ['user and service', 'xuid=1&svc=a', /both parameter "xuid" and parameter "svc"/],
  ['bad xuid', 'xuid=Ada', /parameter "xuid" must be a decimal number below 2\^64/],
  ['unknown parameter', 'xuid=1&xid=1', /unknown parameter "xid"/],
  [
    'key of another server',
    handmade(good, { xid: '1', exp }, tokenKeyOf(new Uint8Array(32))),
    /signature of the token cannot be verified/,
  ],
  ['secret for a key', handmade(good, { xid: '1', exp }, secret), /signature/],
  ['empty key', handmade(good, { xid: '1', exp }, new Uint8Array(0)), /signature/],
  ['changed claims', `${encode(good)}.${encode({ xid: '2', exp })}.${hmac('', key)}`, /signature/],
  ['no signature', `${encode(good)}.${encode({ xid: '1', exp })}.`, /signature/],
  ['alg none', `${encode({ alg: 'none' })}.${encode({ xid: '1', exp })}.`, /not signed with HS256/],
  ['alg none, signed', handmade({ alg: 'none', typ: 'JWT' }, { xid: '1', exp }), /HS256/],
  ['alg HS512', handmade({ alg: 'HS512', typ: 'JWT' }, { xid: '1', exp }), /HS256/],
  ['alg in other letters', handmade({ alg: 'hs256', typ: 'JWT' }, { xid: '1', exp }), /HS256/],
  [
    'unknown crit',
    handmade({ ...good, crit: ['x'], x: 1 }, { xid: '1', exp }),
    /extension \("crit"\)/,
  ],
  [
    'unencoded payload',
    handmade({ ...good, crit: ['b64'], b64: false }, { xid: '1', exp }),
    /signature|well-formed/,
  ],
  ['header that is no JSON', 'a.b.c', /not a well-formed JWT/],
  ['claims that are no object', handmade(good, []), /not a well-formed JWT/],
  ['no expiry', handmade(good, { xid: '1' }), /no expiry \(claim "exp"\)/],
  ['expiry as text', handmade(good, { xid: '1', exp: '9999999999' }), /claim "exp" must be a time/],
  ['expired', handmade(good, { xid: '1', exp: exp - 60 }), /expired at 2026-01-01T00:00:00\./],
  ['expired at no time', handmade(good, { xid: '1', exp: -1e300 }), /expired at a time out of/],
  [
    'too early',
    handmade(good, { xid: '1', exp, nbf: exp - 59 }),
    /not valid before 2026-01-01T00:00:01\.0000000Z; the clock of this server says 2026-01-01T00:00:00\./,
  ],
  ['no time at all', handmade(good, { xid: '1', exp, nbf: 'soon' }), /claim "nbf" must be a time/],
  ['nobody, signed', handmade(good, { gtg: 'Ada', exp }), /needs claim "xid" \(a user\)/],
  ['bad xid', handmade(good, { xid: 'Ada', exp }), /claim "xid" must be/],
  [
    'no use',
    handmade({ alg: 'HS256' }, { xid: '1', exp }),
    /exchange it at POST \/xsts\/authorize/,
  ],
];

test('a token that proves nothing is refused with what is wrong with it', async () => {
  for (const [what, token, text] of refused) {
    const refusal = await ask(token);
    assert.ok(refusal instanceof Refusal, what);
    assert.equal(refusal.code, 'notAuthenticated', what);
    assert.match(refusal.text, text, what);
    assert.ok(!refusal.text.includes(token), what);
  }
});

test('tokens of the login chain open no service', async () => {
  for (const use of ['user', 'device', 'title'] as const) {
    const refusal = await ask(await signToken({ xid: '1' }, key, { use, ...times }));
    assert.ok(refusal instanceof Refusal, use);
    assert.match(refusal.text, /exchange it at POST \/xsts\/authorize/, use);
  }
});

test('the key is not the secret and differs with it', () => {
  assert.equal(key.length, 32);
  assert.notDeepEqual(key, secret);
  assert.deepEqual(tokenKeyOf(secret), key);
  assert.notDeepEqual(tokenKeyOf(new Uint8Array(32).fill(8)), key);
});
