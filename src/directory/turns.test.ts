import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { turnOf } from './turns.ts';

test('turns of one session come one after the other, those of others at once', async () => {
  await using store = openMemoryStore();
  const began: string[] = [];
  const take = async (key: string, name: string): Promise<Disposable> => {
    const turn = await turnOf(store, key);
    began.push(name);
    return turn;
  };
  const first = await take('a', 'first');
  const second = take('a', 'second');
  const third = take('a', 'third');
  await take('b', 'another session');
  await new Promise(setImmediate);
  assert.deepEqual(began, ['first', 'another session']);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  assert.deepEqual(began, ['first', 'another session', 'second', 'third']);
  await take('a', 'later');
  assert.equal(began.at(-1), 'later');
});
