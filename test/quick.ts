/**
 * `npm run test:quick`: what a contributor runs at each save. All of `src` and the conformance suite
 * in memory, but no file that is named `*.slow.test.ts`. A part runs in one process, which saves the
 * start of a process for each file; two parts of about equal CPU time run beside
 * each other. Arguments are files or globs to run in place of them, in one part.
 *
 * `npm test` runs everything.
 */

import './compile-cache.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { isQuick } from './quick-files.ts';

const parts: readonly (readonly string[])[] =
  process.argv.length > 2
    ? [process.argv.slice(2)]
    : [
        ['src/*.test.ts', 'src/!(domain)/**/*.test.ts', 'test/conformance/[a-g]*.test.ts'],
        ['src/domain/**/*.test.ts', 'test/conformance/[h-z]*.test.ts', 'test/*.test.ts'],
      ];

/** A test that hangs is a failure, with its name; five minutes, since each takes seconds at most. */
const limit = '--test-timeout=300000';

const codes = await Promise.all(
  parts.map(async (globs) => {
    const found = globSync([...globs], { exclude: ['**/node_modules/**'] });
    const files = process.argv.length > 2 ? found : found.filter(isQuick);
    const part = spawn(
      process.execPath,
      [
        '--test',
        '--test-isolation=none',
        limit,
        '--test-reporter=./test/page-reporter.ts',
        ...files,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    // Whole, so that two pages are not mixed.
    let page = '';
    part.stdout.setEncoding('utf8').on('data', (text) => {
      page += text;
    });
    const [code] = await once(part, 'close');
    process.stdout.write(page);
    return code ?? 1;
  }),
);
process.exitCode = Math.max(...codes);
