import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'openmpsd-cache-'));
after(() => rmSync(home, { recursive: true }));

/** What `openmpsd --version` leaves in a cache folder of this mode, below what a variable names. */
function cachedIn(name: string, mode: number, variable = 'XDG_CACHE_HOME'): readonly string[] {
  const cache = join(home, name);
  const folder = join(cache, 'openmpsd', 'compiled');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, mode);
  const {
    NODE_COMPILE_CACHE: _compiled,
    CACHE_DIRECTORY: _ofUnit,
    XDG_CACHE_HOME: _ofUser,
    ...env
  } = process.env;
  const printed = execFileSync(process.execPath, [main, '--version'], {
    env: { ...env, [variable]: cache },
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

// Kills: on Windows, compiled code in `~/.cache`, beside which the executable has `%LOCALAPPDATA%`.
test('what was compiled is kept where the caches of Windows are, where these are named', () => {
  assert.notDeepEqual(cachedIn('windows', 0o700, 'LOCALAPPDATA'), []);
});

// Kills: `npm run openmpsd -- check-config my.json`, which looks for the file beside the package's own.
test('run by npm, it finds files as seen from the folder of the caller', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const called = { npm_lifecycle_event: 'openmpsd', INIT_CWD: join(root, 'config') };
  const printed = execFileSync(process.execPath, [main, 'check-config', 'demo.json'], {
    cwd: root,
    env: { ...process.env, ...called },
    encoding: 'utf8',
  });
  assert.match(printed, /no problems/);
});

// Kills: `npm start -- --config my.json` in a subfolder, which does not find the file, or which leaves
// its sessions in that subfolder.
test('npm start finds files as seen from the folder of the caller, and keeps its data folder', async () => {
  const checkout = fileURLToPath(new URL('..', import.meta.url));
  const folder = join(realpathSync(home), 'checkout');
  const subfolder = join(folder, 'titles');
  for (const name of ['src', 'package.json']) {
    cpSync(join(checkout, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'), 'junction');
  cpSync(join(checkout, 'config/demo.json'), join(subfolder, 'my.json'));
  const { MPSD_DATA: _data, ...env } = process.env;
  const args = ['serve', '--config', 'my.json', '--port', '0'];
  const child = spawn(process.execPath, [join(folder, 'src/main.js'), ...args], {
    cwd: folder,
    env: { ...env, npm_lifecycle_event: 'start', INIT_CWD: subfolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let printed = '';
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text) => {
      printed += text;
      // Once: a second signal ends it at once.
      if (printed.includes('OpenMPSD is ready') && !child.killed) child.kill();
    });
  }
  const [code] = await ended;

  assert.equal(code, 0, printed);
  assert.ok(existsSync(join(folder, 'data')), printed);
  assert.deepEqual(readdirSync(subfolder), ['my.json']);
});

// Kills: an error of the output that nobody handles: a stack trace behind each `| head`.
test('a command whose output is closed ends without a word', async () => {
  const demo = fileURLToPath(new URL('../config/demo.json', import.meta.url));
  const args = [main, 'simulate-hopper', demo, '--hopper', 'quick', '--hours', '0.1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const [code] = await once(child, 'close');
  assert.deepEqual({ code, errors }, { code: 141, errors: '' });
});

// Kills: 0, or another code without a word, of a command that awaits an answer that cannot come.
test('a command that cannot go on says so, and fails', () => {
  const endless = 'data:text/javascript,globalThis.fetch = () => new Promise(() => {})';
  const { status, stderr } = spawnSync(process.execPath, ['--import', endless, main, 'demo'], {
    encoding: 'utf8',
  });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^openmpsd: a fault of this program: it ended before the command was done\.$/m,
  );
});
