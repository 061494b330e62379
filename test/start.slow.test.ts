/**
 * What a server loads until it has answered its first write. Most of the time of a start is spent on
 * finding and loading files, so their number is what is tested, not the time.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { Kit } from '../src/testing/kit.ts';
import { startNodeProcess } from '../src/testing/node-process.ts';

const root = resolve(import.meta.dirname, '..');

/** Runs in the server before anything else: a line on stderr for each file that is loaded. */
const printLoaded = `
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    process.stderr.write('loaded ' + url + '\\n');
    return next(url, context);
  },
});
`;

/** The files that a server with SQLite loads for its start and its first PUT. */
async function loadedBy(main: string): Promise<readonly string[]> {
  const data = mkdtempSync(join(tmpdir(), 'openmpsd-start-'));
  try {
    const flags = ['--data', data];
    await using node = await startNodeProcess(flags, { before: printLoaded, main });
    const kit = new Kit(node.url, undefined);
    assert.equal((await kit.user('ada').join(kit.reference())).status, 201);
    await node.kill();
    return node.complaints.flatMap((line) => /^loaded (.*)$/.exec(line)?.[1] ?? []);
  } finally {
    rmSync(data, { recursive: true });
  }
}

test('a start loads nothing that it was not asked for', async () => {
  const loaded = await loadedBy(join(root, 'src/main.js'));
  const own = loaded.flatMap((url) => /\/src\/(.*)$/.exec(url)?.[1] ?? []);
  assert.ok(own.includes('server/node.ts'), 'the list is that of the server');
  const notAsked =
    /^(capture|client|gateway|inspector\/(?!routes|page|recent-events)|observe\/(json-log|metrics|traces)|http\/openapi|store\/redis\/(?!redis-address)|testing)\b/;
  assert.deepEqual(
    own.filter((file) => notAsked.test(file)),
    [],
  );
  const notAskedOfNode =
    /^node:(assert|child_process|cluster|dns|http2|https|inspector|readline|tls|vm|zlib)/;
  assert.deepEqual(
    loaded.filter((url) => notAskedOfNode.test(url)),
    [],
  );
  const packages = new Set(
    loaded.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []),
  );
  assert.deepEqual([...packages].sort(), ['@noble/hashes', 'lru-cache', 'valibot']);
  assert.ok(own.length <= 370, `${own.length} modules`);
});

// Kills: a package that is not joined with the command; a module that only the server needs, in a file
// that each command loads; a file that is loaded for one function.
test('the built command is a few files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'openmpsd-built-'));
  return built(folder).finally(() => rmSync(folder, { recursive: true }));
});

async function built(folder: string): Promise<void> {
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  cpSync(join(root, 'config'), join(folder, 'config'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, [join(root, 'scripts/build-command.js'), join(folder, 'dist')]);
  const loaded = await loadedBy(join(folder, 'dist/main.cjs'));
  const files = loaded.filter((url) => url.startsWith('file:'));
  const named = files.map((url) => url.replace(/^file:.*\/openmpsd-built-[^/]*\//, ''));
  // The first two come before the compile cache is on, and the third for each command.
  assert.deepEqual(named.slice(0, 3), [
    'dist/main.cjs',
    'dist/command/rolldown-runtime.cjs',
    'dist/command/command.cjs',
  ]);
  assert.deepEqual(named.slice(3).sort(), [
    'dist/command/common.cjs',
    'dist/command/server.cjs',
    'dist/command/store.cjs',
  ]);
}
