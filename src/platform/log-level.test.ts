import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatLogText, type LogLevel, parseLogText } from './log-level.ts';

const lines: readonly (readonly [line: string, level: LogLevel, text: string])[] = [
  ['error: the disk has gone', 'error', 'the disk has gone'],
  ['warning: The disk is full.', 'warn', 'The disk is full.'],
  // Kills: the end of a problem that is logged as a problem.
  ['no longer so: The disk is full.', 'info', 'no longer so: The disk is full.'],
  ['a terror: none', 'info', 'a terror: none'],
];

for (const [line, level, text] of lines) {
  test(`"${line}" is of level ${level}, and is made of it again`, () => {
    assert.deepEqual(parseLogText(line), { level, text });
    assert.equal(formatLogText(level, text), line);
  });
}
