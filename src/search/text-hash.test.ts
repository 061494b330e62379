import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashText } from './text-hash.ts';

test('texts have hashes of their own, the same each time, and whole numbers below 2^53', () => {
  const hashes = new Set<number>();
  for (let n = 0; n < 50_000; n += 1) {
    const hash = hashText(`t:tag${n}`);
    assert.ok(Number.isSafeInteger(hash) && hash >= 0);
    hashes.add(hash);
  }
  assert.equal(hashes.size, 50_000);
  assert.equal(hashText('t:tag7'), hashText('t:tag7'));
});
