import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOfReadBatch } from './read-batch.ts';

test('all who ask in one round go on together when it is over, those who ask later in the next', async () => {
  const order: string[] = [];
  const first = endOfReadBatch().then(() => order.push('first'));
  assert.equal(endOfReadBatch(), endOfReadBatch());
  const second = endOfReadBatch().then(() => {
    order.push('second');
    return endOfReadBatch().then(() => order.push('third'));
  });
  await Promise.resolve();
  assert.deepEqual(order, []);
  await Promise.all([first, second]);
  assert.deepEqual(order, ['first', 'second', 'third']);
});
