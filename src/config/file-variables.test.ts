import assert from 'node:assert/strict';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFileVariables } from './file-variables.ts';
import { parseSettings, settingVariables } from './settings.ts';

test('a setting is read from the file that its variable names', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'openmpsd-'));
  const path = join(folder.path, 'store');
  writeFileSync(path, 'redis://user:secret@cache:6379\n');
  const { env, problems } = readFileVariables({ MPSD_STORE_FILE: path }, settingVariables);
  assert.deepEqual(problems, []);
  const parsed = parseSettings([], env);
  assert.ok('settings' in parsed);
  assert.equal(parsed.settings.store, 'redis://user:secret@cache:6379');
});

test('what cannot be read, is too large, or is given twice is a problem', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'openmpsd-'));
  const large = join(folder.path, 'large');
  writeFileSync(large, 'x'.repeat(70_000));
  const given = {
    MPSD_STORE: 'memory',
    MPSD_STORE_FILE: large,
    MPSD_AUTH_KEYS_FILE: join(folder.path, 'none'),
    MPSD_CONFIG_FILE: large,
    MPSD_DATA_FILE: folder.path,
    MPSD_NO_SETTING_FILE: large,
  };
  const { env, problems } = readFileVariables(given, settingVariables);
  assert.equal(env['MPSD_STORE'], 'memory');
  assert.equal(problems.length, 4);
  for (const [at, expected] of [
    /^MPSD_STORE and MPSD_STORE_FILE are both set/,
    /^MPSD_DATA_FILE cannot be read: it is a folder\.$/,
    /^MPSD_CONFIG_FILE is .*large, which is larger than 65536 bytes/,
    /^MPSD_AUTH_KEYS_FILE cannot be read: it is not there\.$/,
  ].entries()) {
    assert.match(problems[at] ?? '', expected);
  }
});
