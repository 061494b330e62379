import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFolder } from './make-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-folder-'));
after(() => rmSync(folder, { recursive: true }));

test('a folder is made with those that it lies in, and left alone when it is there', () => {
  const deep = join(folder, 'a', 'b', 'c');
  for (let times = 0; times < 2; times += 1) {
    assert.equal(makeFolder(deep), undefined);
    assert.ok(statSync(deep).isDirectory());
  }
  symlinkSync(deep, join(folder, 'link'));
  assert.equal(makeFolder(join(folder, 'link', 'd')), undefined);
  assert.ok(statSync(join(deep, 'd')).isDirectory());
});

test('the error for a folder that cannot be made has its path', async (context) => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const link = join(folder, 'link-to-nothing');
  symlinkSync(join(folder, 'nothing'), link);
  const long = join(folder, 'n'.repeat(300));
  const cases: readonly (readonly [path: string, problem: string])[] = [
    [file, `${file} is not a folder`],
    [join(file, 'in', 'it'), `${join(file, 'in', 'it')} cannot be made: ${file} is not a folder`],
    [link, `${link} cannot be made: ${link} is a link to nothing`],
    [join(link, 'in'), `${join(link, 'in')} cannot be made: ${link} is a link to nothing`],
    [long, `${long} cannot be made: ENAMETOOLONG: name too long, stat '${long}'`],
    // Where the system says of a folder that is there that it is not.
    ...(process.platform === 'linux'
      ? [['/proc/openmpsd/in', '/proc/openmpsd/in cannot be made: /proc takes no folders'] as const]
      : []),
  ];
  for (const [path, problem] of cases) {
    await context.test(path.slice(0, 80), () => assert.equal(makeFolder(path), problem));
  }
});
