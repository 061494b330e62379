import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { isBodyDue, receiveRest } from './answer-early.ts';

/** A body that is on its way, and how its end is reported. */
function startBody(t: TestContext) {
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const body = new PassThrough();
  const ends: boolean[] = [];
  receiveRest(body as unknown as IncomingMessage, (isWhole) => ends.push(isWhole));
  return { body, ends };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('the rest of a body is received until its end', async (t) => {
  const { body, ends } = startBody(t);
  body.write('a');
  t.mock.timers.tick(29_999);
  await turn();
  assert.deepEqual(ends, []);
  body.end('b');
  await turn();
  t.mock.timers.tick(30_000);
  assert.deepEqual(ends, [true]);
});

// Kills: a client that holds a refused connection for as long as it likes.
test('a client that sends slowly, without end, or leaves is waited for no longer', async (t) => {
  const slow = startBody(t);
  t.mock.timers.tick(30_000);
  assert.deepEqual(slow.ends, [false]);
  const leaving = startBody(t);
  leaving.body.destroy();
  await turn();
  assert.deepEqual(leaving.ends, [false]);
  const endless = startBody(t);
  const chunk = Buffer.alloc(16 * 1024 * 1024);
  for (let count = 0; count < 6; count += 1) {
    const before = [...endless.ends];
    endless.body.write(chunk);
    await turn();
    assert.deepEqual(before, count < 5 ? [] : [false]);
  }
});

test('a body is due until it has come, and of a request without one nothing is', () => {
  const due = (complete: boolean, headers: object) =>
    isBodyDue({ complete, headers } as IncomingMessage);
  assert.equal(due(false, { 'content-length': '1' }), true);
  assert.equal(due(false, { 'transfer-encoding': 'chunked' }), true);
  assert.equal(due(true, { 'content-length': '1' }), false);
  assert.equal(due(false, { 'content-length': '0' }), false);
  assert.equal(due(false, {}), false);
});
