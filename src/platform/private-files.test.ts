import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFolderPrivate, makePrivateFile, problemOfTrust } from './private-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'openmpsd-private-'));
after(() => rmSync(folder, { recursive: true }));

const hasModes = process.getuid !== undefined;
const isRoot = process.getuid?.() === 0;

function fileOf(name: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  chmodSync(path, mode);
  return path;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('a file that others may write is not trusted', { skip: !hasModes }, () => {
  for (const mode of [0o600, 0o644, 0o400]) {
    assert.equal(problemOfTrust(fileOf('file', mode)), undefined);
  }
  for (const mode of [0o620, 0o602, 0o666]) {
    const path = fileOf('file', mode);
    assert.match(
      problemOfTrust(path) ?? '',
      new RegExp(`^${path} may be written by other users .*${mode.toString(8)}`),
    );
  }
  assert.equal(problemOfTrust(join(folder, 'nothing')), undefined);
});

test('a file of another user is not trusted, whatever its mode', { skip: !isRoot }, () => {
  const path = fileOf('theirs', 0o600);
  chownSync(path, 1234, 1234);
  assert.match(problemOfTrust(path) ?? '', /belongs to another user \(uid 1234,/);
});

test('a file that is made, or was there, is for this user alone', { skip: !hasModes }, () => {
  const fresh = join(folder, 'fresh');
  makePrivateFile(fresh);
  assert.equal(modeOf(fresh), 0o600);
  const open = fileOf('open', 0o644);
  makePrivateFile(open);
  assert.equal(modeOf(open), 0o600);
});

test('a folder of nothing but own files becomes private, and no other', { skip: !hasModes }, () => {
  const path = join(folder, 'data');
  mkdirSync(path, { mode: 0o755 });
  writeFileSync(join(path, 'our.db-wal'), '');
  writeFileSync(join(path, 'letter'), '');
  makeFolderPrivate(path, 'our.db');
  assert.equal(modeOf(path), 0o755);
  rmSync(join(path, 'letter'));
  makeFolderPrivate(path, 'our.db');
  assert.equal(modeOf(path), 0o700);
});
