import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitName } from './middle-cut.ts';

test('a long name keeps its end, and a short one is whole', () => {
  assert.deepEqual(splitName('lobby'), { head: 'lobby', tail: '' });
  assert.deepEqual(splitName('x'.repeat(20)), { head: 'x'.repeat(20), tail: '' });
  assert.deepEqual(splitName('lobby-of-the-evening-01'), {
    head: 'lobby-of-the-ev',
    tail: 'ening-01',
  });
});

// Kills: cutting between code units.
test('no character is cut in two', () => {
  const { head, tail } = splitName('👩‍🚀'.repeat(30));
  assert.deepEqual([head, tail], ['👩‍🚀'.repeat(22), '👩‍🚀'.repeat(8)]);
});
