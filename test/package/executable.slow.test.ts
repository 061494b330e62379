/** The executable of a single file: built of this Node and the built package, and used without either. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'openmpsd-executable-test-'));
const caches = join(folder, 'caches');
let executable = '';
after(() => rm(folder, { recursive: true, force: true }));

/** The environment of a machine without Node. */
function environment(cacheHome = caches): NodeJS.ProcessEnv {
  const withNode = [join(root, 'node_modules/.bin'), dirname(process.execPath)];
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((one) => !withNode.includes(one));
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...others } = process.env;
  return { ...others, PATH: path.join(delimiter), XDG_CACHE_HOME: cacheHome };
}

async function output(args: readonly string[], env = environment()): Promise<string> {
  return (await run(executable, args, { cwd: folder, env })).stdout;
}

before(async () => {
  // What `npm ci` has built, where it is there.
  if (!existsSync(join(root, 'dist/main.cjs'))) await run('npm', ['run', 'build'], { cwd: root });
  await mkdir(caches);
  const script = join(root, 'scripts/build-executable.ts');
  const { stdout } = await run(process.execPath, [script, join(folder, 'made')]);
  executable = stdout.trim();
});

test('a server on SQLite, its page, the demo and a command with a server of its own', async () => {
  const server = spawn(executable, ['serve', '--port', '0', '--data', 'data'], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(server, 'exit');
  const lines = createInterface(server.stdout);
  const [line] = await once(lines, 'line');
  const [url = ''] = /http:\S+/.exec(line) ?? [];
  assert.match(await output(['demo', '--url', url]), /All went as it was recorded/);
  const page = await (await fetch(`${url}/`, { headers: { accept: 'text/html' } })).text();
  const [, file = ''] = /<script[^>]* src="([^"]+)"/.exec(page) ?? [];
  assert.equal((await fetch(new URL(file, `${url}/`))).status, 200, page);
  server.kill();
  assert.deepEqual(await exited, [0, null]);
  assert.match(await output(['check-data', 'data']), /no problems\n$/);

  const program = `fetch('https://sessiondirectory.xboxlive.com/none').then(({ status }) => console.log(status))`;
  const called = await output(['exec', '--', process.execPath, '-e', program]);
  assert.match(called, /^404$/m);
});

// Kills: unpacked at each start; unpacked files that stay where there is no folder for them.
test('it is unpacked once, or for each process where it has no folder', async () => {
  const { version } = (await import('../../package.json', { with: { type: 'json' } })).default;
  assert.equal(await output(['--version']), `${version}\n`);
  assert.equal((await readdir(join(caches, 'openmpsd/unpacked'))).length, 1);
  const temporary = join(folder, 'temporary');
  await mkdir(temporary);
  const homeless = { ...environment('/dev/null'), TMPDIR: temporary, NODE_COMPILE_CACHE: '' };
  assert.equal(await output(['--version'], homeless), `${version}\n`);
  assert.deepEqual(await readdir(temporary), []);
});
