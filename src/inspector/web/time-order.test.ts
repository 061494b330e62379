import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActivityRow } from '../api-types.ts';
import { inTimeOrder } from './time-order.ts';

const row = (number: number, atMs: number, durationMs: number): ActivityRow => ({
  kind: 'request',
  number,
  atMs,
  durationMs,
  id: String(number),
  method: 'GET',
  target: '/',
  status: 200,
});
const numbersOf = (rows: readonly ActivityRow[]) => inTimeOrder(rows).map(({ number }) => number);

// Kills: the order of the ends; an order by time alone, which a moved clock turns around.
test('a request that took long stands where it began, and a moved clock changes no order', () => {
  assert.deepEqual(
    numbersOf([row(1, 10, 2), row(2, 15, 1), row(3, 20, 2), row(4, 12, 15)]),
    [1, 4, 2, 3],
  );
  assert.deepEqual(numbersOf([row(1, 5_000, 2), row(2, 100, 2), row(3, 110, 2)]), [1, 2, 3]);
  assert.deepEqual(numbersOf([row(1, 10, 5), row(2, 10, 0)]), [1, 2]);
  // From 766.9 to 778.5: what began at 778.1 began meanwhile.
  assert.deepEqual(numbersOf([row(1, 778, 0), row(2, 766, 11.6)]), [2, 1]);
});
