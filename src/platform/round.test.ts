import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roundOver } from './round.ts';

test('all who ask in one round go on together when it is over, those who ask later in the next', async () => {
  const order: string[] = [];
  const first = roundOver().then(() => order.push('first'));
  assert.equal(roundOver(), roundOver());
  const second = roundOver().then(() => {
    order.push('second');
    return roundOver().then(() => order.push('third'));
  });
  await Promise.resolve();
  assert.deepEqual(order, []);
  await Promise.all([first, second]);
  assert.deepEqual(order, ['first', 'second', 'third']);
});
