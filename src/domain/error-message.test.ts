import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageOf } from './error-message.ts';

test('an error always says something', () => {
  const [first, second] = [new Error('connect ECONNREFUSED ::1:80'), new Error('no route')];
  assert.equal(messageOf(first), 'connect ECONNREFUSED ::1:80');
  assert.equal(
    messageOf(new AggregateError([first, second])),
    'connect ECONNREFUSED ::1:80, no route',
  );
  assert.equal(messageOf(new AggregateError([first], 'all failed')), 'all failed');
  assert.equal(messageOf(Object.assign(new Error(), { code: 'ECONNRESET' })), 'ECONNRESET');
  assert.equal(messageOf(new TypeError()), 'TypeError');
  assert.equal(messageOf('thrown text'), 'thrown text');
});
