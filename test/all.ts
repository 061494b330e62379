/**
 * `npm test`: every test, then the conformance suite once more on SQLite. Files that `npm run
 * test:quick` runs share processes, each of the others has one of its own. Arguments are files or globs
 * to run in place of them; without any, servers that tests start as processes are of the built package.
 * In TypeScript, so that it runs from the shells of Windows too.
 */

import './compile-cache.ts';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { BuildFailed, buildPackage } from './package/built-package.ts';
import report from './page-reporter.ts';
import { isQuick } from './quick-files.ts';

/** One more than there are cores: some files wait for processes of theirs most of the time. */
const filesAtOnce = Math.min(availableParallelism(), 4) + 1;
/** A file that hangs is a failure, with its name. Ten times what the slowest one takes. */
const timeoutMs = 1_800_000;
/** Of each process: what is drawn is the same each time. */
const execArgv = ['--import', new URL('fixed-seed.ts', import.meta.url).href];

/** Files that wait more than they compute. */
const isWaiting = (file: string): boolean => /^test[\\/](cluster|crash)[\\/]/.test(file);

/**
 * In the order in which they come, with those that wait spread over the first two thirds: side by side
 * they would leave the cores idle, and the last ones to begin would be alone in the end.
 */
function inOrder(files: readonly string[]): string[] {
  const waiting = files.filter(isWaiting);
  const others = files.filter((file) => !isWaiting(file));
  const step = Math.floor((others.length * 2) / 3 / Math.max(waiting.length, 1));
  return [
    ...waiting.flatMap((file, at) => [file, ...others.slice(at * step, (at + 1) * step)]),
    ...others.slice(waiting.length * step),
  ];
}

/** Files that share a process: few enough that the processes end at about the same time. */
const sharedCount = 16;
const sharesFolder = mkdtempSync(join(tmpdir(), 'openmpsd-tests-'));
process.once('exit', () => rmSync(sharesFolder, { recursive: true }));
/** Each share, and the files that it imports. */
const shares = new Map<string, readonly string[]>();

/**
 * Files to run in place of these: a process takes longer to start than most of the quick ones to run,
 * so a few of them are imported by one.
 */
function inShares(files: readonly string[]): string[] {
  shares.clear();
  const quick = files.filter(isQuick);
  const sharesCount = Math.ceil(quick.length / sharedCount);
  for (let n = 0; n < sharesCount; n += 1) {
    const share = join(sharesFolder, `${n}.mjs`);
    // Neighbours are in different shares, so that none has all the slow ones of a folder.
    const imported = quick.filter((_file, at) => at % sharesCount === n);
    const imports = imported.map(
      (file) => `import ${JSON.stringify(pathToFileURL(resolve(file)).href)};\n`,
    );
    writeFileSync(share, imports.join(''));
    shares.set(share, imported);
  }
  return [...files.filter((file) => !isQuick(file)), ...shares.keys()];
}

/** Prints the page; true when all is well. */
async function runAll(globs: readonly string[]): Promise<boolean> {
  const found = globSync([...globs], { exclude: ['**/node_modules/**'] }).toSorted();
  if (found.length === 0) throw new Error(`There is no file ${globs.join(' ')}`);
  const files = inOrder(inShares(found));
  let isWell = true;
  async function* watched(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
    for await (const event of events) {
      if (event.type === 'test:fail' && event.data.todo === undefined) {
        isWell = false;
        // Of a process that has failed as a whole, the runner says no more than the share.
        const imported = shares.get(resolve(event.data.name));
        if (imported) console.error(`In ${event.data.name}: ${imported.join(' ')}`);
      }
      yield event;
    }
  }
  const events = run({ files, concurrency: filesAtOnce, timeout: timeoutMs, execArgv });
  for await (const text of report(watched(events))) process.stdout.write(text);
  return isWell;
}

const named = process.argv.slice(2);
if (named.length === 0) {
  const built = await buildPackage().catch((error: unknown) => {
    if (!(error instanceof BuildFailed)) throw error;
    console.error(`${error.message}\nthe package does not build: npm run check`);
    process.exit(1);
  });
  process.env['MPSD_TEST_COMMAND'] = join(built, 'dist/main.cjs');
}
let isWell = await runAll(named.length > 0 ? named : ['src/**/*.test.ts', 'test/**/*.test.ts']);
if (isWell && named.length === 0) {
  process.env['MPSD_KIT_STORE'] = 'sqlite';
  isWell = await runAll(['test/conformance/*.test.ts']);
}
process.exitCode = isWell ? 0 : 1;
