import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileProblemOf } from './file-problem.ts';

test('why a file cannot be read is said in words; what has none in those of the system', async () => {
  const problem = (path: string) => readFile(path).then(() => assert.fail(path), fileProblemOf);
  assert.equal(await problem(import.meta.dirname), 'it is a folder');
  assert.equal(await problem(join(import.meta.dirname, 'none')), 'it is not there');
  assert.equal(await problem(join(import.meta.filename, 'a')), 'a part of its path is no folder');
  assert.equal(fileProblemOf(new Error('EIO: i/o error')), 'EIO: i/o error');
  assert.equal(fileProblemOf('odd'), 'odd');
});
