import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenNames } from './seen-names.ts';

test('a gamertag waits once, and again when it is another', () => {
  const names = new SeenNames();
  names.note('1', 'Ada');
  names.note('1', 'Ada');
  names.note('2', undefined);
  assert.equal(names.of('1'), 'Ada');
  assert.equal(names.of('2'), undefined);
  assert.deepEqual(names.take(10), [['1', 'Ada']]);
  names.note('1', 'Ada');
  assert.deepEqual(names.take(10), []);
  names.note('1', 'Ada II');
  names.putBack('1', 'Ada');
  assert.deepEqual(names.take(10), [['1', 'Ada II']], 'the newer one');
  names.putBack('1', 'Ada II');
  assert.deepEqual(names.take(10), [['1', 'Ada II']]);
});

test('of more users than are remembered the former ones are noted again', () => {
  const names = new SeenNames(4);
  for (const xuid of ['1', '2', '3', '4', '5']) names.note(xuid, `User ${xuid}`);
  assert.equal(names.take(3).length, 3);
  assert.equal(names.take(3).length, 2);
  assert.equal(names.of('1'), undefined);
  assert.equal(names.of('3'), 'User 3');
  names.note('3', 'User 3');
  assert.deepEqual(names.take(3), [], 'it is remembered');
  names.note('1', 'User 1');
  assert.equal(names.take(3).length, 1);
});
