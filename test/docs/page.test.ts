/** What the comments of a page mean, and when a page is wrong. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMissing, parsePage } from './page.ts';

function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\`\n`;
}

test('each comment becomes a step of its block', () => {
  const page = parsePage(
    [
      '<!-- server: --control -->',
      '<!-- setup: true -->',
      '<!-- file: a/lobby.ts -->',
      fence('ts', 'one();'),
      '<!-- start ada: is here -->',
      '',
      fence('sh', 'node a/lobby.ts'),
      '- In a list:',
      '  <!-- run, exit 2 -->',
      `  ${fence('sh', 'false').trimEnd().replaceAll('\n', '\n  ')}`,
      '<!-- output of ada -->',
      fence('text', 'is here'),
      '<!-- stop ada -->',
      '<!-- checked by test/x.test.ts -->',
      fence('js', 'x'),
      '<!-- unchecked: it is Windows -->',
      fence('powershell', 'x'),
      '<!-- another comment -->',
      fence('json', '{}'),
    ].join('\n'),
  );
  assert.deepEqual(
    page.steps.map(({ does }) => does),
    ['server', 'setup', 'file', 'start', 'run', 'output', 'stop', 'checkedBy', 'unchecked'],
  );
  const run = page.steps.find(({ does }) => does === 'run');
  assert.deepEqual(run, {
    does: 'run',
    exitCode: 2,
    block: { language: 'sh', text: 'false\n', line: 16 },
  });
  assert.deepEqual(
    page.unmarked.map(({ language }) => language),
    ['json'],
  );
});

test('a comment without a block, and a block without an end, are errors that name the line', () => {
  assert.throws(() => parsePage('<!-- run -->\nwords\n'), /line 1: no block/);
  assert.throws(() => parsePage('<!-- run -->\n'), /line 1: no block/);
  assert.throws(() => parsePage('<!-- run -->\n<!-- file: x -->\n'), /line 2: two comments/);
  assert.throws(() => parsePage('\n```sh\nx\n'), /line 2: the block has no end/);
});

function missing(language: string, expected: string, printed: string): string | undefined {
  return findMissing({ language, text: `${expected}\n`, line: 1 }, printed);
}

test('lines of an output come in order, whole but for …', () => {
  const printed = 'ready on port 7\r\nada joins 17\nbye\n';
  assert.equal(missing('text', 'ready on port …\nada … 17\n…\nbye', printed), undefined);
  assert.equal(missing('text', 'bye\nada joins 17', printed), 'ada joins 17');
  assert.equal(missing('text', 'ada joins', printed), 'ada joins');
  assert.equal(missing('text', 'ada joins 1.', printed), 'ada joins 1.');
});

test('a block of JSON is a part of the last JSON that was printed', () => {
  const printed = 'one {"a": 2}\n{"a": 1, "b": [{"c": "x", "d": 2}]}\n200\n';
  assert.equal(missing('json', '{"b": [{"c": "…"}]}', printed), undefined);
  for (const wrong of ['{"b": []}', '{"a": 2}', '{"e": "…"}', '{"b": {"c": "x"}}', '{"a": {}}']) {
    assert.ok(missing('json', wrong, printed), wrong);
  }
  assert.equal(missing('json', '{"a": 1}', 'x\n{\n  "a": 1\n}\n'), undefined);
  assert.ok(missing('json', '{}', 'no JSON'));
});
