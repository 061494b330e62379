/** The package as users have it: built into a folder, from which a program imports it by its name. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const ownModules = join(import.meta.dirname, 'node_modules');
const run = promisify(execFile);

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

/** A project with `openmpsd`, as it is published, and these packages of `test/package`. */
export async function startProject(...packages: readonly string[]): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-project-'));
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'openmpsd');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await run(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    ...['-p', join(root, 'tsconfig.build.json'), '--outDir', join(own, 'dist')],
  ]);
  await run(process.execPath, [join(root, 'scripts/build-command.js'), join(own, 'dist')]);
  for (const part of ['package.json', 'config', 'cpp']) {
    await cp(join(root, part), join(own, part), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(own, 'node_modules'));
  const command = join(own, 'dist/main.cjs');
  await chmod(command, 0o755);
  await symlink(command, join(modules, '.bin/openmpsd'));
  for (const name of packages) {
    await symlink(join(ownModules, name), join(modules, name));
    await symlink(join(ownModules, '.bin', name), join(modules, '.bin', name));
  }
  await writeFile(join(folder, 'package.json'), '{"type": "module"}\n');
  return new Project(folder);
}
