import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
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

// Kills: "it is not there", said of a file that must not be there yet; a sentence without an end.
test('why a file cannot be written is said of what it needs', async () => {
  const path = join(import.meta.dirname, 'none', 'new.har');
  const problem = await writeFile(path, '', { flag: 'wx' }).then(
    () => assert.fail(path),
    (error) => fileProblemOf(error, 'write'),
  );
  assert.equal(problem, 'its folder is not there');
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  assert.equal(fileProblemOf(denied), 'the user of this process may not read it');
  assert.equal(fileProblemOf(denied, 'write'), 'the user of this process may not write it');
  const barred = Object.assign(new Error('EPERM'), { code: 'EPERM' });
  assert.equal(fileProblemOf(barred), 'the system does not let this process read it');
  assert.equal(fileProblemOf(barred, 'write'), 'the system does not let this process write it');
});
