import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { digest, guidOf, isCanonicalXuid, isGuid, isTitleId, isXuid, keyedDigest } from './ids.ts';

const tables: readonly (readonly [
  name: string,
  is: (text: string) => boolean,
  yes: string[],
  no: string[],
])[] = [
  [
    'GUID',
    isGuid,
    [
      'bd6c41c3-01c3-468a-a3b5-3e0fe8133862',
      'BD6C41C3-01C3-468A-A3B5-3E0FE8133862',
      '00000000-0000-0000-0000-000000000000',
    ],
    [
      '',
      'bd6c41c301c3468aa3b53e0fe8133862',
      '{bd6c41c3-01c3-468a-a3b5-3e0fe8133862}',
      'bd6c41c3-01c3-468a-a3b5-3e0fe813386',
      'gd6c41c3-01c3-468a-a3b5-3e0fe8133862',
      'bd6c41c3-01c3-468a-a3b5-3e0fe8133862\n',
    ],
  ],
  [
    'xuid',
    isXuid,
    ['0', '2814646326226712', '18446744073709551615'],
    ['', '-1', '1.0', ' 1', '1\n', 'x1', '٣', '123456789012345678901'],
  ],
  [
    'xuid as Xbox Live writes it',
    isCanonicalXuid,
    ['0', '2814646326226712', '18446744073709551615'],
    ['', '00', '042', '18446744073709551616', '-1'],
  ],
  [
    'title id',
    isTitleId,
    ['0', '174925616', '4294967295'],
    ['', '4294967296', '9999999999', '01', '-1', '1.5', '1e5', '0x1'],
  ],
];

for (const [name, is, yes, no] of tables) {
  test(`a ${name} is distinguished from other texts`, () => {
    for (const text of yes) assert.ok(is(text), text);
    for (const text of no) assert.ok(!is(text), text);
  });
}

test('digests are the first 32 hex digits of SHA-256 and HMAC-SHA-256', () => {
  const key = new Uint8Array(32).fill(7);
  for (const text of ['', 'a', 'ünïcödé', 'x'.repeat(1_000)]) {
    assert.equal(digest(text), createHash('sha256').update(text).digest('hex').slice(0, 32));
    assert.equal(
      keyedDigest(key, text),
      createHmac('sha256', key).update(text).digest('hex').slice(0, 32),
    );
  }
});

test('the GUID of a text is a GUID made of its digest', () => {
  assert.ok(isGuid(guidOf('a')));
  assert.equal(guidOf('a').replaceAll('-', ''), digest('a'));
  assert.notEqual(guidOf('a'), guidOf('b'));
});
