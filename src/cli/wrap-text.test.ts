import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapText } from './wrap-text.ts';

test('a line that fits stays as it is', () => {
  const text = 'A line.\n\n  --url <address>   The server\n';
  assert.equal(wrapText(text, 40), text);
});

// Kills: a short line after each broken one, where a paragraph continues.
test('what a line has too much goes before the line that continues it', () => {
  assert.equal(
    wrapText('One two three four\nfive six.\n\nSeven eight nine ten\n  eleven', 14),
    'One two three\nfour five six.\n\nSeven eight\nnine ten\n  eleven',
  );
});

test('what is said of an option goes on below itself', () => {
  assert.equal(
    wrapText('  --seed <n>   Another seed draws\n               others\n  --url   The server', 30),
    '  --seed <n>   Another seed\n               draws others\n  --url   The server',
  );
});

// Kills: a loop without an end at a word that is too long.
test('a word that is too long is not broken', () => {
  assert.equal(wrapText('  https://a.example/path to it', 12), '  https://a.example/path\n  to it');
  assert.equal(wrapText(`  ${'x'.repeat(20)}`, 12), `  ${'x'.repeat(20)}`);
});
