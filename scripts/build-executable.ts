/**
 * Makes one file of this Node and the built package: `executable/openmpsd`, or in the folder that the
 * first argument names. The second is the folder of the package, where it is not this checkout. The file
 * runs on the system and processor that it is made on, without Node or npm.
 *
 * By Node's own means (https://nodejs.org/api/single-executable-applications.html); `postject` puts the
 * files into the copy of Node, until every Node that is supported does that itself.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { build as joinModules } from 'rolldown';

const checkout = resolve(import.meta.dirname, '..');
const folder = resolve(process.argv[2] ?? join(checkout, 'executable'));
const root = resolve(process.argv[3] ?? checkout);
const executable = join(folder, process.platform === 'win32' ? 'openmpsd.exe' : 'openmpsd');
const isOfApple = process.platform === 'darwin';

/** Of the package, what the command reads; the rest is for programs and for readers. */
const parts = ['package.json', 'LICENSE', 'config', 'dist/main.cjs', 'dist/command', 'dist/page'];
/** Of other packages, what no program reads while it runs. */
const notNeeded = /\.(?:[cm]?ts|map|md|markdown|flow)$|\/(?:test|tests|docs|example|examples)\//;

if (!existsSync(join(root, 'dist/main.cjs'))) throw new Error('first: npm run build');
const files = [
  ...parts.flatMap((part) => filesIn(join(root, part))),
  ...packagesOf(root).flatMap(filesOfPackage),
];
const work = mkdtempSync(join(tmpdir(), 'openmpsd-executable-'));
try {
  await build();
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(`${executable}\n`);

async function build(): Promise<void> {
  const assets = Object.fromEntries(
    files.map((file) => [relative(root, file).replaceAll('\\', '/'), file]),
  );
  const hash = createHash('sha256');
  for (const [name, file] of Object.entries(assets))
    hash.update(`${name}\n`).update(readFileSync(file));
  const { version } = manifestOf(root);
  const contents = {
    name: `${version}-${hash.digest('hex').slice(0, 16)}`,
    files: Object.keys(assets),
  };
  const [list, config, blob] = [join(work, 'list'), join(work, 'config'), join(work, 'blob')];
  const main = join(work, 'main.cjs');
  await joinModules({
    input: join(import.meta.dirname, 'executable-main.js'),
    platform: 'node',
    logLevel: 'warn',
    // A busy machine makes it warn of slow plugins.
    checks: { bundlerTimings: false },
    output: { file: main, format: 'cjs' },
  });
  writeFileSync(list, JSON.stringify(contents));
  writeFileSync(
    config,
    JSON.stringify({
      main,
      output: blob,
      disableExperimentalSEAWarning: true,
      assets: { ...assets, 'contents.json': list },
    }),
  );
  execFileSync(process.execPath, ['--experimental-sea-config', config], { stdio: 'pipe' });
  mkdirSync(folder, { recursive: true });
  rmSync(executable, { force: true });
  copyFileSync(process.execPath, executable);
  chmodSync(executable, 0o755);
  if (isOfApple) execFileSync('codesign', ['--remove-signature', executable]);
  const postject = createRequire(import.meta.url).resolve('postject/dist/cli.js');
  execFileSync(
    process.execPath,
    [
      ...[postject, executable, 'NODE_SEA_BLOB', blob],
      ...['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'],
      ...(isOfApple ? ['--macho-segment-name', 'NODE_SEA'] : []),
    ],
    { stdio: 'pipe' },
  );
  if (isOfApple) execFileSync('codesign', ['--sign', '-', executable]);
}

type Manifest = {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
};

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** A file, or all files in a folder. */
function filesIn(path: string): readonly string[] {
  const found = readdirSync(dirname(path), { withFileTypes: true }).find(
    (entry) => join(entry.parentPath, entry.name) === path,
  );
  if (found?.isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The folders of the packages that a package needs, directly or through others. */
function packagesOf(folder: string, found = new Set<string>()): readonly string[] {
  for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) {
    const one = folderOfPackage(name, folder);
    if (found.has(one)) continue;
    found.add(one);
    packagesOf(one, found);
  }
  return [...found];
}

/** Where a package is found from a folder. */
function folderOfPackage(name: string, from: string): string {
  const here = join(from, 'node_modules', name);
  if (existsSync(join(here, 'package.json'))) return here;
  if (dirname(from) === from) throw new Error(`the package ${name} is not installed`);
  return folderOfPackage(name, dirname(from));
}

/** Without the packages within it, which are found by themselves. */
function filesOfPackage(folder: string): readonly string[] {
  return filesIn(folder).filter((file) => {
    const within = `/${relative(folder, file).replaceAll('\\', '/')}`;
    return !within.startsWith('/node_modules/') && !notNeeded.test(within);
  });
}
