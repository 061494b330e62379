import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatPrintable,
  formatPrintableJson,
  formatPrintableLines,
  parsePrintable,
} from './printable-text.ts';

const hostile = '\u001b[31mRED\r\n\u009b2J\u202eabc\u2066\u2028\u{e0001}';

test('nothing of a text commands a terminal, breaks a line or turns its direction', () => {
  assert.equal(
    formatPrintable(hostile),
    '\\u{1b}[31mRED\\u{d}\\u{a}\\u{9b}2J\\u{202e}abc\\u{2066}\\u{2028}\\u{e0001}',
  );
  assert.equal(formatPrintable('half \ud800'), 'half \\u{d800}');
  assert.equal(formatPrintable('Zoë 東 😀'), 'Zoë 東 😀');
});

test('lines break only between them', () => {
  assert.equal(formatPrintableLines(['a\nb', 'c']), 'a\\u{a}b\nc\n');
});

test('JSON means the same, and has no such character but its line breaks', () => {
  const text = formatPrintableJson({ [hostile]: [hostile] });
  assert.deepEqual(JSON.parse(text), { [hostile]: [hostile] });
  assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});

test('what was made printable is read back', () => {
  for (const text of ['', 'Ada', 'a\u202eb\u001b[1m\n', 'tag \u{e0041}', 'half \ud800', 'Größe']) {
    assert.equal(parsePrintable(formatPrintable(text)), text);
  }
  for (const text of [String.raw`\u{110000}`, String.raw`\u{}`, String.raw`\u200d`]) {
    assert.equal(parsePrintable(text), text);
  }
});
