/** Each page of the docs that says so, run as it stands. One page: `--test-name-pattern=docs/x.md`. */

import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { isRun, parsePage } from './page.ts';
import { runPage } from './page-run.ts';

/** A page that hangs is a failure, with its name. */
const timeoutMs = 300_000;

const root = resolve(import.meta.dirname, '../..');

for (const file of globSync(['*.md', 'docs/**/*.md', 'config/*.md'], { cwd: root }).toSorted()) {
  const page = parsePage(readFileSync(resolve(root, file), 'utf8'));
  if (isRun(page)) test(file.replaceAll('\\', '/'), { timeout: timeoutMs }, () => runPage(page));
}
