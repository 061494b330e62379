/** The executable of a single file: built of this Node and the built package, and used without either. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { startProject } from './built-package.ts';

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
  await mkdir(caches);
  await using project = await startProject();
  const script = join(root, 'scripts/build-executable.ts');
  const folders = [join(folder, 'made'), join(project.folder, 'node_modules/openmpsd')];
  executable = (await run(process.execPath, [script, ...folders])).stdout.trim();
});

/** A server in the folder `data`, until the test ends; where it is, and what ends it in order. */
async function serve(context: TestContext, env = environment()) {
  const server = spawn(executable, ['serve', '--port', '0', '--data', 'data'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(server, 'exit');
  context.after(async () => {
    server.kill('SIGKILL');
    await exited;
  });
  const first = once(createInterface(server.stdout), 'line');
  const endedEarly = exited.then((how) => assert.fail(`it has ended without a line: ${how}`));
  const [line] = await Promise.race([first, endedEarly]);
  const [url = ''] = /http:\S+/.exec(line) ?? [];
  const end = (): Promise<unknown[]> => {
    server.kill();
    return exited;
  };
  return { url, end };
}

test('a server on SQLite, its page, the demo and a command with a server of its own', async (context) => {
  const { url, end } = await serve(context);
  assert.match(await output(['demo', '--url', url]), /All went as it was recorded/);
  const page = await (await fetch(`${url}/`, { headers: { accept: 'text/html' } })).text();
  const [, file = ''] = /<script[^>]* src="([^"]+)"/.exec(page) ?? [];
  assert.equal((await fetch(new URL(file, `${url}/`))).status, 200, page);
  assert.deepEqual(await end(), [0, null]);
  assert.match(await output(['check-data', 'data']), /no problems\n$/);

  const program = `fetch('https://sessiondirectory.xboxlive.com/none').then(({ status }) => console.log(status))`;
  const called = await output(['exec', '--', process.execPath, '-e', program]);
  assert.match(called, /^404$/m);
});

// Kills: unpacked at each start; a folder that lacks a file for ever; what a killed start has left, for
// ever; what another start is unpacking, removed; unpacked files that stay where there is no folder.
test('it is unpacked once, and made whole, or unpacked for each process where it has no folder', async () => {
  const { version } = (await import('../../package.json', { with: { type: 'json' } })).default;
  const unpacked = join(caches, 'openmpsd/unpacked');
  assert.equal(await output(['--version']), `${version}\n`);
  const [name = '', ...others] = await readdir(unpacked);
  assert.deepEqual(others, []);

  const kept = join(unpacked, name, 'LICENSE');
  await writeFile(kept, 'as it was');
  await rm(join(unpacked, name, 'dist/command'), { recursive: true });
  for (const started of ['unpacking-today', 'unpacking-before']) {
    await mkdir(join(unpacked, started));
  }
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
  await utimes(join(unpacked, 'unpacking-before'), twoDaysAgo, twoDaysAgo);
  assert.equal(await output(['--version']), `${version}\n`);
  assert.deepEqual((await readdir(unpacked)).sort(), [name, 'unpacking-today']);
  assert.equal(await readFile(kept, 'utf8'), 'as it was');

  const temporary = join(folder, 'temporary');
  await mkdir(temporary);
  const homeless = { ...environment('/dev/null'), TMPDIR: temporary, NODE_COMPILE_CACHE: '' };
  assert.equal(await output(['--version'], homeless), `${version}\n`);
  assert.deepEqual(await readdir(temporary), []);
});

// Kills: former versions that stay for ever, and those in use that go.
test('a server removes what versions have unpacked that were not used for a month', {
  timeout: 300_000,
}, async (context) => {
  const home = join(folder, 'others');
  const env = environment(home);
  await mkdir(home);
  await output(['--version'], env);
  const unpacked = join(home, 'openmpsd/unpacked');
  const [ours = ''] = await readdir(unpacked);
  const daysAgo = { '0.0.1-0123456789abcdef': 40, '0.0.1-fedcba9876543210': 2 };
  for (const [name, days] of Object.entries(daysAgo)) {
    await mkdir(join(unpacked, name));
    const used = Date.now() / 1000 - days * 86_400;
    await utimes(join(unpacked, name), used, used);
  }
  const { end } = await serve(context, env);
  let left: string[];
  do left = await readdir(unpacked);
  while (left.includes('0.0.1-0123456789abcdef'));
  assert.deepEqual(left.sort(), ['0.0.1-fedcba9876543210', ours].sort());
  assert.deepEqual(await end(), [0, null]);
});
