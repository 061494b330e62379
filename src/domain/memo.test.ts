import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemo } from './memo.ts';

test('what is kept with a value is found by that value alone, and can be replaced', () => {
  const texts = createMemo<object, string>();
  const [one, other] = [{ a: 1 }, { a: 1 }];
  assert.equal(texts.get(one), undefined);
  assert.equal(texts.set(one, 'first'), 'first');
  assert.equal(texts.get(one), 'first');
  assert.equal(texts.get(other), undefined);
  texts.set(one, 'second');
  assert.equal(texts.get(one), 'second');
});

test('keepers are apart, and undefined can be kept', () => {
  const [texts, numbers] = [createMemo<object, string>(), createMemo<object, number>()];
  const list: number[] = [];
  texts.set(list, 'text');
  assert.equal(numbers.get(list), undefined);
  numbers.set(list, 7);
  assert.equal(texts.get(list), 'text');
});

test('a value with something kept looks as it did, and a copy has nothing of it', () => {
  const texts = createMemo<object, string>();
  const value = { a: 1, b: { c: [2] } };
  texts.set(value, 'kept');
  assert.deepEqual(Reflect.ownKeys(value), ['a', 'b']);
  assert.equal(JSON.stringify(value), '{"a":1,"b":{"c":[2]}}');
  assert.deepEqual(value, { a: 1, b: { c: [2] } });
  assert.equal(texts.get({ ...value }), undefined);
  const { a: _a, ...rest } = value;
  assert.equal(texts.get(rest), undefined);
});
