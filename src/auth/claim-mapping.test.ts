import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapClaims, nameOfMapped, parseClaimMapping } from './claim-mapping.ts';

test('a mapping is pairs of our names and theirs', () => {
  assert.deepEqual(parseClaimMapping('xid=sub'), { xid: 'sub' });
  assert.deepEqual(parseClaimMapping(' xid = sub , gtg=https://game.example/name '), {
    xid: 'sub',
    gtg: 'https://game.example/name',
  });
  for (const wrong of [
    '',
    'xid',
    'xid=',
    '=sub',
    'xuid=sub',
    'xid=a,xid=b',
    'xid=sub,',
    'XID=sub',
  ]) {
    assert.equal(parseClaimMapping(wrong), undefined, wrong);
  }
});

test('claims in claims are reached with dots, unless one is called just so', () => {
  const mapping = { gtg: 'user_metadata.name', tid: 'https://game.example/title' };
  const payload = {
    user_metadata: { name: 'Ada' },
    'https://game.example/title': '7',
    sub: 'u',
    sbx: 'XDKS.1',
  };
  assert.deepEqual(mapClaims(payload, mapping, true), { gtg: 'Ada', tid: '7' });
  assert.deepEqual(mapClaims({ 'user_metadata.name': 'B', ...payload }, mapping, true)['gtg'], 'B');
  for (const bent of [null, 7, [], 'text']) {
    assert.deepEqual(mapClaims({ user_metadata: bent }, mapping, true), {});
  }
  assert.deepEqual(mapClaims({}, { gtg: 'constructor.name', xid: '__proto__' }, true), {});
});

test('our own names count where the issuer writes for us, and not where it does not', () => {
  const payload = { sub: 'u', svc: 'arbiter', sbx: 'XDKS.1' };
  assert.deepEqual(mapClaims(payload, { xid: 'sub' }, true), { xid: 'u' });
  assert.deepEqual(mapClaims(payload, { xid: 'sub' }, false), {
    xid: 'u',
    svc: 'arbiter',
    sbx: 'XDKS.1',
  });
});

test('a refusal names a claim as the outside token calls it', () => {
  const nameOf = nameOfMapped({ xid: 'sub' });
  assert.deepEqual([nameOf('xid'), nameOf('gtg')], ['claim "sub"', 'claim "gtg"']);
});
