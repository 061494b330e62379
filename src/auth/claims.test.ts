import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { callerOf } from './claims.ts';

test('all claims of a user', () => {
  assert.deepEqual(
    callerOf({
      xid: '2814639011617876',
      gtg: 'Ada',
      tid: '1234',
      did: 'F50C',
      sbx: 'XDKS.1',
      prv: ' 254  255 ',
      agg: 'Adult',
      uhs: 'whatever else there is',
    }),
    {
      kind: 'user',
      xuid: '2814639011617876',
      gamertag: 'Ada',
      titleId: '1234',
      deviceId: 'F50C',
      sandbox: 'XDKS.1',
      privileges: ['254', '255'],
      ageGroup: 'Adult',
    },
  );
});

test('what a token leaves out', () => {
  assert.deepEqual(callerOf({ xid: '1' }), { kind: 'user', xuid: '1', sandbox: 'RETAIL' });
  assert.deepEqual(callerOf({ svc: 'arbiter' }), {
    kind: 'service',
    name: 'arbiter',
    sandbox: 'RETAIL',
  });
  assert.deepEqual(callerOf({ svc: 'arbiter', tid: 1234, sbx: 'XDKS.1' }), {
    kind: 'service',
    name: 'arbiter',
    titleId: '1234',
    sandbox: 'XDKS.1',
  });
});

test('ids and names that came as exact JSON numbers count as text', () => {
  assert.deepEqual(callerOf({ xid: 2814639011617876, gtg: 12345, tid: 4294967295 }), {
    kind: 'user',
    xuid: '2814639011617876',
    gamertag: '12345',
    titleId: '4294967295',
    sandbox: 'RETAIL',
  });
});

// @source docs/wire/unknowns.md "absent privileges"
test('an empty list of privileges is no privileges, not all', () => {
  const caller = callerOf({ xid: '1', prv: '' });
  assert.ok(!(caller instanceof Refusal) && caller.kind === 'user');
  assert.deepEqual(caller.privileges, []);
});

const refused: readonly [claims: Record<string, unknown>, text: RegExp][] = [
  [{}, /names nobody: it needs claim "xid" \(a user\) or claim "svc"/],
  [{ gtg: 'Ada', tid: '1' }, /names nobody/],
  [{ xid: '1', svc: 'arbiter' }, /names both claim "xid" and claim "svc"/],
  [{ xid: '' }, /claim "xid" must be a decimal number below 2\^64 without leading zeros\.$/],
  [{ xid: '042' }, /without leading zeros/],
  [{ xid: '18446744073709551616' }, /below 2\^64/],
  [{ xid: '12a' }, /claim "xid"/],
  [{ xid: '-1' }, /claim "xid"/],
  [{ xid: -1 }, /claim "xid"/],
  [{ xid: 1.5 }, /claim "xid"/],
  [{ xid: '1'.repeat(21) }, /claim "xid"/],
  [{ xid: 2 ** 53 }, /claim "xid" must be .*a JSON number of this size is not exact/],
  [{ xid: null, svc: 'arbiter' }, /claim "xid"/],
  [{ xid: ['1'] }, /claim "xid"/],
  [{ xid: '1', tid: 'abc' }, /claim "tid" must be a decimal number from 0 to 4294967295/],
  [{ xid: '1', tid: '4294967296' }, /claim "tid"/],
  [{ xid: '1', gtg: '' }, /claim "gtg" must be text that is not empty/],
  [{ xid: '1', gtg: 1.5 }, /claim "gtg"/],
  [{ xid: '1', gtg: true }, /claim "gtg"/],
  [{ xid: '1', did: '' }, /claim "did"/],
  [{ xid: '1', sbx: '' }, /claim "sbx"/],
  [{ xid: '1', agg: null }, /claim "agg"/],
  // Taken as absent, it would count as every privilege.
  [{ xid: '1', prv: null }, /claim "prv"/],
  [{ xid: '1', prv: [] }, /claim "prv"/],
  [{ svc: '' }, /claim "svc"/],
];

// @source docs/wire/unknowns.md "token with xid and svc", docs/wire/unknowns.md "null claims"
test('claims that are not as they must be are refused by name', () => {
  for (const [claims, text] of refused) {
    const refusal = callerOf(claims);
    assert.ok(refusal instanceof Refusal, JSON.stringify(claims));
    assert.equal(refusal.code, 'notAuthenticated');
    assert.match(refusal.text, text);
  }
});
