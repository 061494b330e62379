/**
 * Runs the conformance suite against two nodes on a Redis cluster, which it starts: each request goes
 * to one of the two, drawn by MPSD_TARGET_SEED (the same each time, unless it is given).
 * Arguments are files of the suite; all of them, unless some are named.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import { startRedisCluster } from '../../src/testing/redis-servers.ts';

await using redis = await startRedisCluster();
const flags = ['--store', redis.url, '--control'];
await using one = await startNodeProcess(flags);
await using other = await startNodeProcess(flags);
const seed = process.env['MPSD_TARGET_SEED'] ?? '20260722';
const named = process.argv.slice(2);
const files = named.length > 0 ? named : ['test/conformance/*.test.ts'];
console.log(`two nodes on a Redis cluster: ${one.url} and ${other.url}; MPSD_TARGET_SEED=${seed}`);
const suite = spawn(process.execPath, [resolve(import.meta.dirname, '../all.ts'), ...files], {
  stdio: 'inherit',
  env: { ...process.env, MPSD_TARGET: `${one.url},${other.url}`, MPSD_TARGET_SEED: seed },
});
const [code] = await once(suite, 'exit');
for (const line of [...one.complaints, ...other.complaints]) console.error(line);
process.exitCode = code ?? 1;
