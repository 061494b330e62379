import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc16, slotOf } from './slots.ts';

test('the checksum is that of the cluster specification', () => {
  assert.equal(crc16(Buffer.from('123456789')), 0x31c3);
});

// The answers of CLUSTER KEYSLOT.
for (const [key, slot] of [
  ['foo', 12182],
  ['{user1000}.following', 3443],
  ['{user1000}.followers', 3443],
  ['foo{}{bar}', 8363],
  ['foo{{bar}}zap', 4015],
  ['foo{bar}{zap}', 5061],
  ['', 0],
] as const) {
  test(`"${key}" is of slot ${slot}`, () => {
    assert.equal(slotOf(key), slot);
  });
}
