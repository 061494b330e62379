/**
 * `npm test`: every test, each file in a process of its own, then the conformance suite once more on
 * SQLite. In TypeScript, so that it runs from the shells of Windows too.
 */

import { spawnSync } from 'node:child_process';

const options = ['--test', '--test-reporter=./test/page-reporter.ts', '--test-concurrency=2'];
// One that hangs is a failure, with its name.
const limit = '--test-timeout=600000';

const runs = [
  { globs: ['src/**/*.test.ts', 'test/**/*.test.ts'], env: {} },
  { globs: ['test/conformance/*.test.ts'], env: { MPSD_KIT_STORE: 'sqlite' } },
];

for (const { globs, env } of runs) {
  const { status } = spawnSync(process.execPath, [...options, limit, ...globs], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  process.exitCode = status ?? 1;
  if (status !== 0) break;
}
