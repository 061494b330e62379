/**
 * Clients that know nothing of this server, run by `openmpsd exec` without a change: public packages, a
 * program on libcurl, one in Python. Each needs a tool that is not everywhere; with
 * `MPSD_REAL_CLIENTS=required`, as in CI, none may be missing.
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { commandFile } from '../../src/testing/command-file.ts';

const isRequired = process.env['MPSD_REAL_CLIENTS'] === 'required';
const timeout = 300_000;
const here = import.meta.dirname;
const folder = await mkdtemp(join(tmpdir(), 'openmpsd-real-clients-'));
after(() => rm(folder, { recursive: true }));

/** The options of a test that needs something: `reason` says what is missing. */
function needs(isThere: boolean, reason: string) {
  return { timeout, skip: isThere || isRequired ? false : reason };
}

function succeeds(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', cwd: folder }).status === 0;
}

/** The lines that a command prints under exec, which must succeed. */
async function exec(options: readonly string[], ...command: readonly string[]) {
  const args = [commandFile, 'exec', ...options, '--', ...command];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout.trim().split('\n');
}

const packages = existsSync(join(here, 'node_modules', 'prismarine-auth'));

// Ada logs in by prismarine-auth, Ben by @xboxreplay/xboxlive-auth; they ask by the packages of
// @xboxreplay, and have RTA by websocket and reconnecting-websocket.
test(
  'public packages: login, session, activity, invite, taps, a cut connection, leaving',
  needs(packages, 'run npm ci in test/real-clients'),
  async () => {
    const options = ['--control', '--tap-window', '0'];
    const lines = await exec(options, process.execPath, join(here, 'lobby.mjs'));
    assert.deepEqual(lines, [
      'Ada is 2814600000000011',
      'Ben is 2814600000000012',
      // Said by prismarine-auth.
      '[msa] Signed in with Microsoft',
      'Cleo is somebody',
      'session 1 1',
      'activity found 1 true',
      'members 2',
      'Ben is called Ben',
      'Ada is tapped true',
      'Ada has another connection true',
      'Ada is active',
      'members 1',
      'everybody has left',
    ]);
  },
);

test(
  'Python: session, activity, handle, leaving',
  needs(succeeds('python3', '--version'), 'there is no python3'),
  async () => {
    const lines = await exec([], 'python3', join(here, 'lobby.py'));
    assert.deepEqual(lines, ['created 201 1', 'activity 201', 'by handle 200 2', 'left 204']);
  },
);

/** Compiles the program on libcurl; its path, or undefined where that cannot be done. */
function compile(name: string, ...flags: readonly string[]): string | undefined {
  const program = join(folder, name);
  const args = [join(here, 'lobby.c'), '-Wall', '-Werror', ...flags, '-o', program, '-lcurl'];
  return succeeds('cc', ...args) ? program : undefined;
}

const program = compile('lobby');
const linesOfC = ['created 201', 'activity 201', 'read 200', 'member 1', 'left 204'];

test(
  'C on libcurl: session, activity, leaving',
  needs(program !== undefined, 'there is no C compiler, or no libcurl to build with'),
  async () => {
    assert.deepEqual(await exec([], program ?? ''), linesOfC);
  },
);

const mayChangeTrust =
  isRequired && process.getuid?.() === 0 && existsSync('/usr/local/share/ca-certificates');

// A program whose trust is the system's, which openmpsd trust changes and restores.
test('C on libcurl that trusts what the system trusts', {
  timeout,
  skip:
    !mayChangeTrust && 'changes what this machine trusts: only root of a Debian, in CI, does that',
}, async () => {
  const trusting = compile('trusting', '-DTRUST_SYSTEM') ?? '';
  const data = ['--data', join(folder, 'data')];
  const trust = (how: string) =>
    promisify(execFile)(process.execPath, [commandFile, 'trust', ...data, how]);
  await trust('--install');
  try {
    assert.deepEqual(await exec(data, trusting), linesOfC);
  } finally {
    await trust('--remove');
  }
  await assert.rejects(exec(data, trusting), /SSL peer certificate/);
});
