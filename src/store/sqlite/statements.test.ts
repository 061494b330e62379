import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logBytesOf, removes, statements, type Write } from './statements.ts';

// Kills: room that forgotten history leaves in the file, and that is not given back.
test('each write that deletes rows is known to remove some', () => {
  for (const [name, sql] of Object.entries(statements)) {
    assert.equal(removes([name as keyof typeof statements]), sql.startsWith('DELETE'), name);
  }
  assert.ok(removes(['forgetOldest', 1]));
  assert.ok(removes(['forgetChanges', 1, 1, 1]));
  assert.ok(!removes(['appendChange', 1, 1, 1, 1, '']));
});

// Kills: a log that grows far beyond its bound before it is copied, since thousands of rows count as one.
test('a write counts in the log by the pages that it touches', () => {
  const append: Write = ['appendChange', 1, 1, 1, 1, 'x'.repeat(200)];
  assert.equal(logBytesOf(append), 200);
  assert.equal(logBytesOf(['deleteNode', 'n']), 4_096);
  assert.equal(logBytesOf(['insertNode', 'x'.repeat(9_000)]), 9_000);
  assert.ok(logBytesOf(['forgetOldest', 1]) >= 100 * 4_096);
});
