import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeUnusedVersions } from './cache-folder.js';

// Kills: a folder for each version of Node that there ever was.
test('caches of other versions go when they were not used for a month; the one in use is noted', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'openmpsd-compiled-'));
  try {
    const nowMs = Date.UTC(2026, 10, 30);
    const daysAgo = {
      'v24.1.0-x64-aa-0': 40,
      'v23.0.0-x64-bb-0': 31,
      'v24.0.0-x64-cc-0': 29,
      'of-another-program': 400,
    };
    for (const [name, days] of Object.entries(daysAgo)) {
      mkdirSync(join(parent, name));
      writeFileSync(join(parent, name, 'code'), 'x');
      const used = new Date(nowMs - days * 86_400_000);
      utimesSync(join(parent, name), used, used);
    }
    const inUse = join(parent, 'v24.1.0-x64-aa-0');
    // Kills: the caches of other programs removed, where one of them has chosen the folder.
    const place = { inUse, versions: /^v\d/ };
    await removeUnusedVersions({ ...place, ours: join(parent, 'ours') }, nowMs);
    assert.deepEqual(readdirSync(parent).sort(), Object.keys(daysAgo).sort());
    assert.notEqual(statSync(inUse).mtimeMs, nowMs);

    await removeUnusedVersions({ ...place, ours: parent }, nowMs);
    assert.deepEqual(readdirSync(parent).sort(), [
      'of-another-program',
      'v24.0.0-x64-cc-0',
      'v24.1.0-x64-aa-0',
    ]);
    assert.equal(statSync(inUse).mtimeMs, nowMs);
  } finally {
    rmSync(parent, { recursive: true });
  }
});
