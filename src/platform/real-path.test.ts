import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { realPathOf } from './real-path.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'openmpsd-real-path-')));
after(() => rmSync(folder, { recursive: true }));

// Kills: a path beside the link while the target has another name.
test('a link is resolved, whether its target is there or not', () => {
  const there = join(folder, 'there');
  const target = join(there, 'target');
  mkdirSync(there);
  symlinkSync(join('there', 'target'), join(folder, 'link'));
  symlinkSync('link', join(folder, 'second'));
  symlinkSync(there, join(folder, 'folder'));
  const named = ['link', 'second', 'folder/target', 'there/target'];
  const found = () => named.map((name) => realPathOf(join(folder, name)));
  const expected = named.map(() => target);
  assert.deepEqual(found(), expected);
  writeFileSync(target, '');
  assert.deepEqual(found(), expected);
});

test('what is not there has its own path, and links in a circle are an error', () => {
  const missing = join(folder, 'no', 'file');
  assert.equal(realPathOf(missing), missing);
  symlinkSync('b', join(folder, 'a'));
  symlinkSync('a', join(folder, 'b'));
  assert.throws(() => realPathOf(join(folder, 'a')), /ELOOP/);
});
