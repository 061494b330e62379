/** What users install: the files of the package, packed for real, and what its manifest says. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const sources = [
  ...['src', 'scripts', 'config', 'cpp', 'package.json', 'README.md', 'LICENSE'],
  ...['tsconfig.json', 'tsconfig.build.json'],
];

/** Runs a program to its end; throws with what it wrote when it fails. */
async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd, maxBuffer: 2 ** 26 });
  return stdout;
}

async function manifestIn(folder: string) {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
}

/** This module and every file that it imports, directly or through others. */
async function importsOf(file: string, found = new Set<string>()): Promise<readonly string[]> {
  if (found.has(file)) return [];
  found.add(file);
  const code = await readFile(file, 'utf8');
  for (const [, to = ''] of code.matchAll(
    /^(?:import|export)\b(?:[^;'"]*?\sfrom)?\s+'(\.[^']+)'/gm,
  )) {
    await importsOf(join(dirname(file), to), found);
  }
  return [...found];
}

/** Whether a range of engines takes Node 20.19, the oldest that a checkout is installed with. */
function takesOldestNode(range: string): boolean {
  return range.split('||').some((part) => {
    const [, operator, major, minor = '0'] =
      /^\s*(\^|>=|>)?\s*v?(\d+|\*)(?:\.(\d+))?/.exec(part) ?? [];
    if (major === '*') return true;
    if (Number(major) === 20) return Number(minor) <= 19;
    return operator?.startsWith('>') === true && Number(major) < 20;
  });
}

test('the package ships the product and the kit, and its manifest is that of the checkout', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-package-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  for (const source of sources) {
    await cp(join(root, source), join(folder, source), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  // Of a build of former sources.
  const leftover = 'dist/command/leftover.cjs';
  await mkdir(join(folder, dirname(leftover)), { recursive: true });
  await writeFile(join(folder, leftover), '');
  const before = await manifestIn(folder);
  const text = await readFile(join(folder, 'package.json'), 'utf8');

  await run('npm', ['pack', '--silent'], folder);

  await run('tar', ['xzf', `openmpsd-${before.version}.tgz`], folder);
  const packed = join(folder, 'package');
  // Kills: a manifest that is changed to be packed, and stays so where packing is interrupted.
  for (const place of [folder, packed]) {
    assert.equal(await readFile(join(place, 'package.json'), 'utf8'), text);
  }
  // The client runs on Node 20, and so does npm in a checkout, which brings its own Node.
  assert.deepEqual(before.engines, { node: '>=20.19' });
  // npm warns of a package that has one of these.
  assert.deepEqual(
    ['preinstall', 'install', 'postinstall', 'prepare'].filter((name) => name in before.scripts),
    [],
  );

  const files = (await run('find', ['.', '-type', 'f'], packed)).trim().split('\n').sort();
  assert.deepEqual(
    files.filter((file) => file.startsWith('./dist/testing/') && file.endsWith('.js')),
    (await importsOf(join(packed, 'dist/testing/test-server.js')))
      .map((file) => `./${relative(packed, file)}`)
      .filter((file) => file.startsWith('./dist/testing/'))
      .sort(),
  );
  assert.deepEqual(
    files.filter((file) => /\.test\.|\.laws\.|node_modules/.test(file)),
    [],
  );
  assert.ok(!files.includes(`./${leftover}`));
  // The inspector's page is in it, built.
  assert.ok(files.includes('./dist/page/index.html'));
  // Every entry point loads from what was packed, and the command answers.
  await symlink(join(root, 'node_modules'), join(packed, 'node_modules'));
  const { exports, bin, version } = before;
  for (const { types, default: code } of Object.values<Record<string, string>>(exports)) {
    assert.ok(files.includes(types ?? ''), types);
    await run(
      process.execPath,
      ['-e', `import(${JSON.stringify(join(packed, code ?? ''))})`],
      packed,
    );
  }
  assert.match(
    await run(process.execPath, [bin.openmpsd, '--version'], packed),
    new RegExp(version),
  );
  await run(process.execPath, [bin.openmpsd, 'check-config', 'config/demo.json'], packed);
});

test('nothing that a user installs warns on the oldest Node that npm needs', async () => {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const asking = Object.entries<{ engines?: { node?: string }; optional?: boolean }>(lock.packages)
    .filter(([, { optional }]) => optional !== true)
    .filter(([, { engines }]) => !takesOldestNode(engines?.node ?? '*'))
    .map(([name, { engines }]) => `${name} asks for ${engines?.node}`);
  assert.deepEqual(asking, []);
});

test('lock files name no address', async () => {
  for (const folder of ['', 'bench/', 'test/real-clients/', 'test/package/']) {
    const file = `${folder}package-lock.json`;
    assert.doesNotMatch(await readFile(join(root, file), 'utf8'), /"resolved"/);
  }
});
