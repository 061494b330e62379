import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'openmpsd-cache-'));
after(() => rmSync(home, { recursive: true }));

/** What `openmpsd --version` leaves in a cache folder of this mode. */
function cachedIn(name: string, mode: number): readonly string[] {
  const cache = join(home, name);
  const folder = join(cache, 'openmpsd', 'compiled');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, mode);
  const { NODE_COMPILE_CACHE: _cache, CACHE_DIRECTORY: _folder, ...env } = process.env;
  const printed = execFileSync(process.execPath, [main, '--version'], {
    env: { ...env, XDG_CACHE_HOME: cache },
    encoding: 'utf8',
  });
  assert.match(printed, /^\d+\.\d+\.\d+/);
  return readdirSync(folder, { recursive: true }).map(String);
}

// Kills: a cache that any folder is good for: code that another user has put there would be run.
test('what was compiled is kept in a folder of its own user alone, and in no other', {
  skip: process.getuid === undefined,
}, () => {
  assert.notDeepEqual(cachedIn('own', 0o700), []);
  for (const mode of [0o720, 0o702, 0o777]) {
    assert.deepEqual(cachedIn(`mode-${mode.toString(8)}`, mode), []);
  }
});
