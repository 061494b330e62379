import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visibleText } from './visible-text.ts';

test('controls, overrides of the direction and lone surrogates become visible', () => {
  for (const [text, shown] of [
    ['a\u202eb', 'a\\u202eb'],
    ['\u2066x\u2069', '\\u2066x\\u2069'],
    ['one\ntwo\u0000\u007f\u0085', 'one\\u000atwo\\u0000\\u007f\\u0085'],
    ['\u200b\ufeff', '\\u200b\\ufeff'],
    ['\ud800', '\\ud800'],
  ] as const) {
    assert.equal(visibleText(text), shown);
  }
});

test('letters of every script, and emoji of several characters, stay as they are', () => {
  for (const text of ['Ada', 'עדה', 'آدا', 'Zoë', '👩‍🚀', 'नमस्‍ते']) {
    assert.equal(visibleText(text), text);
  }
});
