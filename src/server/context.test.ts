import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logEachOnce } from './context.ts';

test('each unknown member is logged once, cut, and only so many of them', () => {
  const lines: string[] = [];
  const note = logEachOnce((line) => lines.push(line));
  note(['$.later', '$.later', '$.other']);
  note(['$.later', '$.a\nb']);
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /kept: "\$\.later"$/);
  assert.match(lines[2] ?? '', /"\$\.a\\nb"$/, 'a name makes no line of its own');
  note(['x'.repeat(10_000)]);
  assert.ok((lines[3]?.length ?? 0) < 400);
  for (let i = 0; i < 2_000; i += 1) note([`$.n${i}`]);
  assert.equal(lines.length, 1_000);
});
