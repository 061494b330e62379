import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DamageLog } from './damage-log.ts';

// Kills: a line at each read, which fills the disk; a thing that was mended and is never logged again.
test('a damaged thing is logged once, and again when it was whole meanwhile', () => {
  const lines: string[] = [];
  const damage = new DamageLog((line) => lines.push(line));
  for (const thing of ['a', 'b', 'a', 'a']) damage.note(thing, `${thing} cannot be read`);
  damage.noteWhole('b');
  damage.note('b', 'b cannot be read again');
  assert.deepEqual(lines, [
    'error: a cannot be read',
    'error: b cannot be read',
    'error: b cannot be read again',
  ]);
});
