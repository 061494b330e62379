/**
 * The bench: what the directory does beside its references, measured in the same run.
 *
 * Goals are ratios, so that a slow machine does not decide them. Both sides of a ratio are measured in short
 * slices that take turns, and its spread stands beside it, so that a machine whose speed swings does not
 * decide it either (`pairs.ts`). Nothing here is asserted: the table says what was measured and whether
 * the goal was reached.
 *
 *   npm ci --prefix bench         once; the servers that are measured beside it
 *   npm run bench                 all of it, written to results/latest.json; the tables of
 *                                 docs/scale.md are made anew from it
 *   npm run bench -- rates start  these parts only, printed and not written
 *
 *   BENCH_PAIRS (12): pairs of slices for each ratio; BENCH_SECONDS (2): of a load that is no ratio
 *   BENCH_SESSIONS (100000): sessions stored in the memory row
 *   BENCH_CONNECTIONS (20000): RTA connections held in theirs
 *   BENCH_CONNECTIONS_OF_RATES, BENCH_MODES: see rates.ts; BENCH_MEMBERS, BENCH_JOINS: see large.ts
 */

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { measureCluster } from './cluster.ts';
import { measureGateway } from './gateway.ts';
import { measureLarge } from './large.ts';
import { measureLimits } from './limits.ts';
import { sendAll, type LoadRequest } from './load.ts';
import { median } from './pairs.ts';
import { cores, pin, startPinned } from './process.ts';
import { measureMatchmaking } from './matchmaking.ts';
import { get, measureRates } from './rates.ts';
import { formatTable, storeResults, type Report, type Row } from './report.ts';
import { measureRta } from './rta.ts';
import { measureSearch } from './search.ts';
import { storeSessions } from './stored-sessions.ts';
import { headersOf, joinBody, pathOf } from './sample.ts';

if (!existsSync(new URL('node_modules/', import.meta.url))) {
  console.error('The bench has packages of its own. Install them once: npm ci --prefix bench');
  process.exit(1);
}

const pairs = Number(process.env['BENCH_PAIRS'] ?? 12);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2);
const startsCount = 3;
const storedSessions = Number(process.env['BENCH_SESSIONS'] ?? 100_000);

const folder = await mkdtemp(join(tmpdir(), 'openmpsd-bench-'));
if (cores > 1) await pin(process.pid, '1');
try {
  const settings = { folder, pairs, seconds };
  const parts: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
    rates: () => measureRates(settings),
    start: async () => [await measureStart()],
    memory: async () => [await measureMemory()],
    rta: () => measureRta(settings),
    search: () => measureSearch(settings),
    large: () => measureLarge(settings),
    limits: () => measureLimits(settings),
    gateway: () => measureGateway(settings),
    cluster: () => measureCluster(settings),
    matchmaking: () => measureMatchmaking(settings),
  };
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) {
    throw new Error(`"${unknown}" is none of the parts: ${Object.keys(parts).join(', ')}`);
  }
  const rows: Row[] = [];
  for (const [name, measure] of Object.entries(parts)) {
    if (asked.length === 0 || asked.includes(name)) rows.push(...(await measure()));
  }
  console.log(formatTable(rows));
  if (asked.length === 0) {
    await storeResults(rows, settings);
    await promisify(execFile)(process.execPath, ['bench/simulate-scale.ts', '--write']);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/**
 * From the start of the process to the first 201, by the command that users start (`npm run build`): on
 * all cores, as they do, whatever this process is kept to.
 */
async function measureStart(): Promise<Row> {
  await pin(process.pid, `0-${cores - 1}`);
  const times: number[] = [];
  for (let n = 0; n < startsCount; n += 1) {
    const startedMs = performance.now();
    const child = spawn(
      process.execPath,
      ['dist/main.cjs', 'serve', '--port', '0', '--data', join(folder, `start-${n}`)],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, MPSD_LOG: 'off' } },
    );
    const url = await new Promise<string>((resolve) => {
      child.stdout.on('data', (text) => {
        const found = /http:\/\/[^\s]+/.exec(String(text));
        if (found) resolve(found[0]);
      });
    });
    const answer = await fetch(`${url}${pathOf(0)}`, {
      method: 'PUT',
      headers: headersOf(0),
      body: joinBody(0),
    });
    if (answer.status !== 201) throw new Error(`the first PUT was answered ${answer.status}`);
    times.push(performance.now() - startedMs);
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await exited;
  }
  if (cores > 1) await pin(process.pid, '1');
  const ms = median(times);
  return {
    work: 'start to the first 201',
    measured: `${ms.toFixed(0)} ms`,
    reference: '',
    goal: '< 200 ms',
    reached: ms < 200,
  };
}

/**
 * Resident memory of a server on a large file against one on a small file, after both were asked
 * for as many different sessions as make the caches full; the difference, by session.
 */
async function measureMemory(): Promise<Row> {
  const small = await residentWith(1_000, 'small');
  const large = await residentWith(storedSessions, 'large');
  const bytes = (large - small) / storedSessions;
  return {
    work: `memory per idle session, ${storedSessions} stored`,
    measured: `${bytes.toFixed(0)} bytes (${(large / 2 ** 20).toFixed(0)} MiB in all)`,
    reference: `1000 stored: ${(small / 2 ** 20).toFixed(0)} MiB`,
    goal: '< 1024 bytes',
    reached: bytes < 1_024,
  };
}

async function residentWith(sessions: number, name: string): Promise<number> {
  const data = join(folder, name);
  await storeSessions(folder, data, sessions);
  await using server = await startPinned('measured-server.ts', [data, 'strict', String(2 ** 20)]);
  const request = (n: number): LoadRequest => ({ ...get(0), path: pathOf(n % sessions) });
  await sendAll(server.url, Math.max(storedSessions, sessions), request);
  return (await server.report<Report>()).residentBytes;
}
