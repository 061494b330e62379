import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Caller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import { callerOf, claimsOf } from './claims.ts';
import { devAuthenticator } from './dev-authenticator.ts';
import {
  formatDevelopmentToken,
  nameOfParameter,
  parseDevelopmentToken,
} from './development-token.ts';
import { signToken, tokenKeyOf, verifyToken } from './token.ts';

// A lone surrogate has no UTF-8 form, so no header can carry it.
const someText = fc
  .string({ minLength: 1, unit: 'grapheme' })
  .filter((text) => text.isWellFormed());
const titleId = fc.nat(0xffff_ffff).map(String);
const xuid = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);

const anyCaller: fc.Arbitrary<Caller> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('user' as const),
      xuid,
      gamertag: someText,
      titleId,
      deviceId: someText,
      sandbox: someText,
      privileges: fc.array(fc.nat(999).map(String)),
      ageGroup: fc.constantFrom('Adult', 'Teen', 'Child'),
    },
    { requiredKeys: ['kind', 'xuid', 'sandbox'], noNullPrototype: true },
  ),
  fc.record(
    { kind: fc.constant('service' as const), name: someText, titleId, sandbox: someText },
    { requiredKeys: ['kind', 'name', 'sandbox'], noNullPrototype: true },
  ),
);

// Kills: `prv` split to [''] when empty; an absent optional member answered as undefined.
test('claims are the way back from a caller', () => {
  fc.assert(
    fc.property(anyCaller, (caller) => {
      assert.deepEqual(callerOf(claimsOf(caller)), caller);
    }),
  );
});

// Kills: values written without encodeURIComponent; decode before the split at "&" and "=".
test('a development token says of a caller what was put in', () => {
  fc.assert(
    fc.property(anyCaller, (caller) => {
      const claims = parseDevelopmentToken(formatDevelopmentToken(claimsOf(caller)));
      assert.ok(!(claims instanceof Refusal));
      assert.deepEqual(callerOf(claims, nameOfParameter), caller);
    }),
  );
});

// Kills: a claim left out by signToken; exp rounded up, or in milliseconds.
// @source docs/wire/unknowns.md "no clock tolerance"
test('a signed token says of a caller what was put in, until its end and no longer', async () => {
  const key = tokenKeyOf(new Uint8Array(32));
  const times = fc.record({
    nowMs: fc.integer({ min: 0, max: 4e12 }),
    lifetimeMs: fc.integer({ min: 1_000, max: 1e10 }),
  });
  await fc.assert(
    fc.asyncProperty(anyCaller, times, async (caller, { nowMs, lifetimeMs }) => {
      const token = await signToken(claimsOf(caller), key, { nowMs, lifetimeMs });
      const verified = await verifyToken(token, key, 'access', nowMs);
      assert.ok(!(verified instanceof Refusal));
      assert.deepEqual(callerOf(verified.claims), caller);
      const { expiresMs } = verified;
      assert.ok(expiresMs > nowMs + lifetimeMs - 2_000 && expiresMs <= nowMs + lifetimeMs);
      assert.ok(!((await verifyToken(token, key, 'access', expiresMs - 1)) instanceof Refusal));
      assert.ok((await verifyToken(token, key, 'access', expiresMs)) instanceof Refusal);
    }),
    { numRuns: 50 },
  );
});

// Kills: the token, or the value of a parameter, quoted in a refusal.
test('no refusal holds what was sent as a secret', async () => {
  const authenticator = devAuthenticator(tokenKeyOf(new Uint8Array(32)));
  const secret = fc.stringMatching(/^[A-Za-z0-9_-]{24,60}$/);
  const around = fc.constantFrom(
    (hidden: string) => hidden,
    (hidden: string) => `${hidden}=`,
    (hidden: string) => `XBL3.0 x=-;${hidden}`,
    (hidden: string) => `XBL3.0 x=-;${hidden}==`,
    (hidden: string) => `XBL3.0 x=-;xuid=${hidden}`,
    (hidden: string) => `XBL3.0 x=-;xuid=1&${hidden}`,
    (hidden: string) => `XBL3.0 x=-;xuid=1&${hidden}=1`,
    (hidden: string) => `XBL3.0 x=-;xuid=1&gtg=%${hidden}%`,
    (hidden: string) => `XBL3.0 x=-;xuid=1&tid=${hidden}`,
    (hidden: string) => `XBL3.0 x=-;password=${hidden}`,
    (hidden: string) => `XBL3.0 x=-;${hidden}.${hidden}.${hidden}`,
    (hidden: string) => `XBL3.0 x=-;${hidden}..${hidden}.${hidden}.`,
  );
  await fc.assert(
    fc.asyncProperty(secret, around, async (hidden, header) => {
      fc.pre(!/^[0-9]+$/.test(hidden));
      const refusal = await authenticator.authenticate(header(hidden), 0);
      assert.ok(refusal instanceof Refusal);
      assert.ok(!`${refusal.text} ${refusal.detail}`.includes(hidden), refusal.text);
    }),
    { numRuns: 200 },
  );
});
