/**
 * `npm test`: every test, each file in a process of its own, then the conformance suite once more on
 * SQLite. Arguments are files or globs to run in place of them. In TypeScript, so that it runs from
 * the shells of Windows too.
 */

import './compile-cache.ts';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import report from './page-reporter.ts';

/** One more than there are cores: some files wait for processes of theirs most of the time. */
const filesAtOnce = Math.min(availableParallelism(), 4) + 1;
/** A test that hangs is a failure, with its name. */
const timeoutMs = 600_000;

/** Files that wait more than they compute. */
const isWaiting = (file: string): boolean => /^test[\\/](cluster|crash)[\\/]/.test(file);

/**
 * In the order of their names, those that wait spread over the first two thirds: side by side they
 * would leave the cores idle, and the last ones to begin would be alone in the end.
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

/** Prints the page; true when all is well. */
async function runAll(globs: readonly string[]): Promise<boolean> {
  const files = inOrder(globSync([...globs], { exclude: ['**/node_modules/**'] }).toSorted());
  if (files.length === 0) throw new Error(`There is no file ${globs.join(' ')}`);
  let isWell = true;
  async function* watched(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
    for await (const event of events) {
      if (event.type === 'test:fail' && event.data.todo === undefined) isWell = false;
      yield event;
    }
  }
  const events = run({ files, concurrency: filesAtOnce, timeout: timeoutMs });
  for await (const text of report(watched(events))) process.stdout.write(text);
  return isWell;
}

const named = process.argv.slice(2);
let isWell = await runAll(named.length > 0 ? named : ['src/**/*.test.ts', 'test/**/*.test.ts']);
if (isWell && named.length === 0) {
  process.env['MPSD_KIT_STORE'] = 'sqlite';
  isWell = await runAll(['test/conformance/*.test.ts']);
}
process.exitCode = isWell ? 0 : 1;
