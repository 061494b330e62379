import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeeper } from './kept.ts';

test('what is kept with a value is found by that value alone, and can be replaced', () => {
  const texts = createKeeper<object, string>();
  const [one, other] = [{ a: 1 }, { a: 1 }];
  assert.equal(texts.of(one), undefined);
  assert.equal(texts.keep(one, 'first'), 'first');
  assert.equal(texts.of(one), 'first');
  assert.equal(texts.of(other), undefined);
  texts.keep(one, 'second');
  assert.equal(texts.of(one), 'second');
});

test('keepers are apart, and undefined can be kept', () => {
  const [texts, numbers] = [createKeeper<object, string>(), createKeeper<object, number>()];
  const list: number[] = [];
  texts.keep(list, 'text');
  assert.equal(numbers.of(list), undefined);
  numbers.keep(list, 7);
  assert.equal(texts.of(list), 'text');
});

test('a value with something kept looks as it did, and a copy has nothing of it', () => {
  const texts = createKeeper<object, string>();
  const value = { a: 1, b: { c: [2] } };
  texts.keep(value, 'kept');
  assert.deepEqual(Reflect.ownKeys(value), ['a', 'b']);
  assert.equal(JSON.stringify(value), '{"a":1,"b":{"c":[2]}}');
  assert.deepEqual(value, { a: 1, b: { c: [2] } });
  assert.equal(texts.of({ ...value }), undefined);
  const { a: _a, ...rest } = value;
  assert.equal(texts.of(rest), undefined);
});
