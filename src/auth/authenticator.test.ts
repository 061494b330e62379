import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import { rememberingAuthenticator } from './authenticator.ts';

const ada: Caller = { kind: 'user', xuid: '1', sandbox: 'RETAIL' };

/** An authenticator that says which tokens it had to verify. */
function watched(expiresMs = Number.POSITIVE_INFINITY) {
  const verified: string[] = [];
  const authenticator = rememberingAuthenticator(({ form, token }, nowMs) => {
    verified.push(token);
    if (nowMs >= expiresMs) return new Refusal('notAuthenticated', 'expired');
    const answer = { caller: ada, expiresMs };
    return form === 'jwt' ? Promise.resolve(answer) : answer;
  });
  return { verified, authenticator };
}

test('a header seen before is answered at once, without a promise and without a check', async () => {
  const { verified, authenticator } = watched();
  const first = authenticator.authenticate('XBL3.0 x=-;a.b.c', 0);
  assert.ok(first instanceof Promise);
  assert.equal(await first, ada);
  assert.equal(authenticator.authenticate('XBL3.0 x=-;a.b.c', 1), ada);
  assert.deepEqual(verified, ['a.b.c']);
});

test('a check that needs no waiting gives no promise either', () => {
  const { authenticator } = watched();
  assert.equal(authenticator.authenticate('XBL3.0 x=-;xuid=1', 0), ada);
});

test('a remembered token is no longer believed from its last moment on', async () => {
  const { verified, authenticator } = watched(1_000);
  await authenticator.authenticate('XBL3.0 x=-;a.b.c', 0);
  assert.equal(authenticator.authenticate('XBL3.0 x=-;a.b.c', 999), ada);
  assert.ok((await authenticator.authenticate('XBL3.0 x=-;a.b.c', 1_000)) instanceof Refusal);
  assert.equal(verified.length, 2);
});

test('a refusal is not remembered', async () => {
  let mayPass = false;
  const authenticator = rememberingAuthenticator(() =>
    mayPass ? { caller: ada, expiresMs: 1 } : new Refusal('notAuthenticated', 'no'),
  );
  assert.ok(authenticator.authenticate('XBL3.0 x=-;xuid=1', 0) instanceof Refusal);
  mayPass = true;
  assert.equal(authenticator.authenticate('XBL3.0 x=-;xuid=1', 0), ada);
});

test('a header that says the same in other bytes is another header', async () => {
  const { verified, authenticator } = watched();
  await authenticator.authenticate('XBL3.0 x=-;a.b.c', 0);
  await authenticator.authenticate('XBL3.0 x=1;a.b.c', 0);
  assert.equal(verified.length, 2);
});

test('no header is a refusal that says so', () => {
  const { authenticator } = watched();
  const refusal = authenticator.authenticate(undefined, 0);
  assert.ok(refusal instanceof Refusal);
  assert.match(refusal.text, /header is missing/);
});

test('a header of more than 8 KB is believed but not kept', () => {
  const { verified, authenticator } = watched();
  const start = 'XBL3.0 x=-;xuid=1&gtg=';
  const kept = start.padEnd(8 * 1024, 'a');
  for (const header of [kept, kept, `${kept}a`, `${kept}a`]) {
    assert.equal(authenticator.authenticate(header, 0), ada);
  }
  assert.equal(verified.length, 3);
});

test('of more than 10,000 headers those used last are kept', () => {
  const { verified, authenticator } = watched();
  const ask = (xuid: number): void => void authenticator.authenticate(`XBL3.0 x=-;xuid=${xuid}`, 0);
  for (let xuid = 0; xuid < 10_000; xuid += 1) ask(xuid);
  ask(0);
  ask(10_000);
  assert.equal(verified.length, 10_001);
  ask(0);
  assert.equal(verified.length, 10_001);
  ask(1);
  assert.equal(verified.length, 10_002);
});

test('of headers that are long together more than 16 MB those used last are kept', () => {
  const { verified, authenticator } = watched();
  const count = 2_100;
  const ask = (xuid: number): void =>
    void authenticator.authenticate(`XBL3.0 x=-;xuid=${xuid}&gtg=`.padEnd(8_192, 'a'), 0);
  for (let xuid = 0; xuid < count; xuid += 1) ask(xuid);
  ask(count - 1);
  assert.equal(verified.length, count);
  ask(0);
  assert.equal(verified.length, count + 1);
});
