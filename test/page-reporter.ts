/**
 * A reporter of Node's test runner that prints a page at most when all is well: what ran in which
 * folder, what was skipped, and the slowest files. A failure is printed in full, as the runner's own
 * `spec` reporter words it.
 *
 * `MPSD_TEST_LOG` names a file that gets a line for each test: `ok` or `not ok`, file, name.
 */

import { openSync, writeSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { spec } from 'node:test/reporters';
import type { TestEvent } from 'node:test/reporters';

type Count = { tests: number; failed: number; readonly files: Set<string> };

const slowestCount = 5;
const skippedCount = 20;

/** The page, in pieces: failures as they come, the rest at the end. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures = new spec();
  const log = process.env['MPSD_TEST_LOG'];
  const logFile = log === undefined ? undefined : openSync(log, 'a');
  const folders = new Map<string, Count>();
  const files = new Map<string, number>();
  const skipped: string[] = [];
  const startedMs = performance.now();

  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { file: path = '', name, nesting, details, skip, todo } = event.data;
      const file = relative(process.cwd(), path);
      if (logFile !== undefined) {
        const outcome = event.type === 'test:pass' ? 'ok' : 'not ok';
        writeSync(logFile, `${outcome} ${file}: ${name}\n`);
      }
      if ((skip ?? false) !== false || (todo ?? false) !== false) skipped.push(`${file}: ${name}`);
      const folder = folderOf(file);
      const count = folders.get(folder) ?? { tests: 0, failed: 0, files: new Set() };
      if (details.type !== 'suite') count.tests += 1;
      if (event.type === 'test:fail') count.failed += 1;
      count.files.add(file);
      folders.set(folder, count);
      if (nesting === 0) files.set(file, (files.get(file) ?? 0) + details.duration_ms);
    }
    if (event.type === 'test:fail' || event.type === 'test:stderr') {
      failures.write(event);
      yield textOf(failures);
    }
  }
  failures.end();
  for await (const text of failures) yield String(text);
  yield pageOf(folders, files, skipped, performance.now() - startedMs);
}

function textOf(stream: NodeJS.ReadableStream): string {
  let text = '';
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) text += chunk;
  return text;
}

/** `src/domain` of `src/domain/session/write.test.ts`. */
function folderOf(file: string): string {
  return dirname(file).split(/[\\/]/).slice(0, 2).join('/');
}

function pageOf(
  folders: ReadonlyMap<string, Count>,
  files: ReadonlyMap<string, number>,
  skipped: readonly string[],
  ms: number,
): string {
  const rows = [...folders].sort(([a], [b]) => a.localeCompare(b));
  const table = rows.map(
    ([folder, { tests, failed, files }]) =>
      `${folder.padEnd(20)} ${String(tests).padStart(5)} tests in ${files.size} files${failed > 0 ? `, ${failed} FAILED` : ''}`,
  );
  const tests = rows.reduce((sum, [, count]) => sum + count.tests, 0);
  const slowest = [...files]
    .sort(([, a], [, b]) => b - a)
    .slice(0, slowestCount)
    .map(([file, ms]) => `  ${(ms / 1_000).toFixed(1).padStart(6)} s  ${file}`);
  const left = skipped.slice(0, skippedCount).map((name) => `  skipped: ${name}`);
  if (skipped.length > skippedCount) left.push(`  and ${skipped.length - skippedCount} more`);
  return [
    '',
    ...table,
    ...left,
    `${tests} tests in ${files.size} files, ${(ms / 1_000).toFixed(0)} s; the slowest:`,
    ...slowest,
    '',
  ].join('\n');
}
