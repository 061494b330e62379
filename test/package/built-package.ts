/** The package as users have it: built into a folder, from which a program imports it by its name. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  glob,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const ownModules = join(import.meta.dirname, 'node_modules');
const run = promisify(execFile);
const dayMs = 86_400_000;

/** True when this package of `test/package` is there: `npm ci --prefix test/package`. */
export function isInstalled(name: string): boolean {
  return existsSync(join(ownModules, name, 'package.json'));
}

/** The reason to skip a test that needs these packages; false: they are there. */
export function skipWithout(...names: readonly string[]): string | false {
  const missing = names.filter((name) => !isInstalled(name));
  return missing.length > 0 && `needs npm ci --prefix test/package (${missing.join(', ')})`;
}

/** A folder of a project that has installed `openmpsd`, until it is disposed of. */
export class Project implements AsyncDisposable {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async write(file: string, text: string): Promise<void> {
    await writeFile(join(this.folder, file), text);
  }

  /** Runs a program in the folder, which finds commands of packages; what it wrote. Throws if it fails. */
  async run(
    command: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const path = [join(this.folder, 'node_modules/.bin'), join(root, 'node_modules/.bin')];
    try {
      const { stdout, stderr } = await run(command, args, {
        cwd: this.folder,
        env: {
          ...process.env,
          // Of this test's own run.
          NODE_TEST_CONTEXT: undefined,
          NODE_OPTIONS: undefined,
          ...env,
          PATH: [...path, process.env['PATH']].join(delimiter),
        },
        maxBuffer: 2 ** 24,
      });
      return stdout + stderr;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What the package is made of. */
const sources = [
  ...['src', 'scripts', 'config', 'cpp'],
  ...['LICENSE', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'],
];

/** A hash of the sources: their names and bytes. */
async function hashOfSources(): Promise<string> {
  const paths: string[] = [];
  const patterns = sources.flatMap((source) => [source, `${source}/**`]);
  for await (const path of glob(patterns, { cwd: root, withFileTypes: true })) {
    if (path.isFile()) paths.push(join(path.parentPath, path.name));
  }
  const hash = createHash('sha256');
  for (const path of paths.sort()) hash.update(`${path}\n`).update(await readFile(path));
  return hash.digest('hex');
}

/** The package does not build; the message is what the compiler printed. */
export class BuildFailed extends Error {}

/** Runs a part of the build. Throws BuildFailed. */
async function runBuild(...args: readonly string[]): Promise<void> {
  try {
    await run(process.execPath, args);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new BuildFailed(stdout + stderr, { cause: error });
  }
}

/**
 * The folder of the package, built from the sources as they are now. A build takes longer than most tests
 * of it, and each test file has a process of its own: one build is kept in `node_modules`, under the hash
 * of its sources. Those that nothing has used for a day are removed: tests of a former state may still run.
 * Throws BuildFailed.
 */
export async function buildPackage(): Promise<string> {
  const builds = join(root, 'node_modules/.cache/package');
  const built = join(builds, await hashOfSources());
  if (existsSync(built)) {
    await utimes(built, new Date(), new Date());
    return built;
  }
  await mkdir(builds, { recursive: true });
  const folder = await mkdtemp(join(builds, 'unfinished-'));
  try {
    await buildInto(folder);
    await rename(folder, built);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    // If there is one, another process was quicker.
    if (!existsSync(built)) throw error;
  }
  for (const name of await readdir(builds)) {
    const former = join(builds, name);
    const { mtimeMs } = await stat(former).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > dayMs) await rm(former, { recursive: true, force: true });
  }
  return built;
}

async function buildInto(folder: string): Promise<void> {
  const dist = join(folder, 'dist');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await runBuild(tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', dist);
  for (const script of ['scripts/build-command.js', 'src/inspector/web/build.js']) {
    await runBuild(join(root, script), dist);
  }
  await chmod(join(dist, 'main.cjs'), 0o755);
  for (const part of ['LICENSE', 'package.json', 'config', 'cpp']) {
    await cp(join(root, part), join(folder, part), { recursive: true });
  }
}

/** A project with `openmpsd`, as it is published, and these packages of `test/package`. */
export async function startProject(...packages: readonly string[]): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-project-'));
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'openmpsd');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await cp(await buildPackage(), own, { recursive: true });
  await symlink(join(root, 'node_modules'), join(own, 'node_modules'));
  await symlink(join(own, 'dist/main.cjs'), join(modules, '.bin/openmpsd'));
  for (const name of packages) {
    await symlink(join(ownModules, name), join(modules, name));
    await symlink(join(ownModules, '.bin', name), join(modules, '.bin', name));
  }
  await writeFile(join(folder, 'package.json'), '{"type": "module"}\n');
  return new Project(folder);
}
