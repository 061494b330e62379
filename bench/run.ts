/**
 * The bench: what the directory does beside its references, measured in the same run.
 *
 * Rates are medians of several rounds in which the servers take turns, ratios those of the rounds;
 * goals are ratios, so that a slow or noisy machine does not decide them. Nothing here is asserted: the
 * table says what was measured and whether the goal was reached.
 *
 *   npm run bench                 all of it, written to results/latest.json
 *   npm run bench -- rates start  these parts only, printed and not written
 *
 *   BENCH_ROUNDS (3), BENCH_SECONDS (4): rounds, and seconds of load in each
 *   BENCH_SESSIONS (100000): sessions stored in the memory row
 *   BENCH_CONNECTIONS (20000): RTA connections held in theirs
 *   BENCH_MEMBERS, BENCH_JOINS: see large.ts
 */

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureCluster } from './cluster.ts';
import { measureLarge } from './large.ts';
import { load, median, sendAll, type LoadRequest, type LoadResult } from './load.ts';
import { cores, pin, startPinned, type BenchServer } from './process.ts';
import { measureRta } from './rta.ts';
import { measureSearch } from './search.ts';
import { storeSessions } from './stored-sessions.ts';
import { activityBody, changeBody, headersOf, joinBody, pathOf } from './sample.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 4);
const storedSessions = Number(process.env['BENCH_SESSIONS'] ?? 100_000);
const liveSessions = 1_000;
const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cores} cores, ${process.platform} ${release()} ${arch()}, Node ${process.version}`;

export type Row = {
  readonly work: string;
  readonly measured: string;
  readonly reference: string;
  readonly ratio?: number;
  readonly goal: string;
  readonly reached: boolean;
};

export type Report = {
  readonly eventLoopDelayP99Ms: number;
  readonly eventLoopDelayMaxMs: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Of typed arrays and the like. */
  readonly externalBytes: number;
};

const get = (n: number): LoadRequest => ({
  method: 'GET',
  path: pathOf(n % liveSessions),
  headers: headersOf(n % liveSessions),
});
const put = (n: number): LoadRequest => ({
  method: 'PUT',
  path: pathOf(n % liveSessions),
  headers: headersOf(n % liveSessions),
  body: changeBody(n),
});
const postActivity = (n: number): LoadRequest => ({
  method: 'POST',
  path: '/handles',
  headers: headersOf(n % liveSessions),
  body: activityBody(n % liveSessions),
});
const joinOrCreate = (n: number): LoadRequest => ({
  method: 'PUT',
  path: pathOf(1_000_000 + Math.floor(n / 4)),
  headers: headersOf(1_000_000 + Math.floor(n / 4), n % 4),
  body: joinBody(n % 4),
});
const joinOrCreatePeer = (): LoadRequest => ({
  method: 'POST',
  path: '/matchmake/joinOrCreate/lobby',
  headers: { 'content-type': 'application/json' },
  body: '{}',
});

const folder = await mkdtemp(join(tmpdir(), 'openmpsd-bench-'));
if (cores > 1) await pin(process.pid, '1');
try {
  const settings = { folder, rounds, seconds };
  const parts: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
    rates: measureRates,
    start: async () => [await measureStart()],
    memory: async () => [await measureMemory()],
    rta: () => measureRta(settings),
    search: () => measureSearch(settings),
    large: () => measureLarge(join(folder, 'large'), rounds, seconds),
    cluster: () => measureCluster(settings),
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
  print(rows);
  if (asked.length === 0) await keep(rows);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measureRates(): Promise<Row[]> {
  await using ours = await startPinned('measured-server.ts', [join(folder, 'rates'), 'strict']);
  await using reference = await startPinned('reference-server.ts');
  await using peer = await startPinned('colyseus-server.ts');
  await sendAll(ours.url, liveSessions * 4, (n) => {
    const session = Math.floor(n / 4);
    return {
      method: 'PUT',
      path: pathOf(session),
      headers: headersOf(session, n % 4),
      body: joinBody(n % 4),
    };
  });

  const work = {
    'R GET': [reference, get],
    GET: [ours, get],
    'R PUT': [reference, put],
    PUT: [ours, put],
    'POST activity': [ours, postActivity],
    'peer join': [peer, joinOrCreatePeer],
    join: [ours, joinOrCreate],
  } as const satisfies Record<string, readonly [BenchServer, (n: number) => LoadRequest]>;
  type Work = keyof typeof work;

  const results = new Map<Work, LoadResult[]>();
  const reports = new Map<Work, Report[]>();
  let sent = 0;
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, [server, request]] of Object.entries(work) as [Work, (typeof work)[Work]][]) {
      if (server === ours) ours.tell('measure');
      const offset = sent;
      // What the others still do of what they were asked would be measured with it.
      const others = [ours, reference, peer].filter((one) => one !== server);
      for (const { pid } of others) process.kill(pid, 'SIGSTOP');
      const result = await load(
        server.url,
        (n) => {
          sent = offset + n + 1;
          return request(offset + n);
        },
        { seconds: round === 0 ? 2 : seconds },
      );
      for (const { pid } of others) process.kill(pid, 'SIGCONT');
      const report = server === ours ? await ours.report<Report>() : undefined;
      if (round === 0) continue; // for the compilers to warm up
      results.set(name, [...(results.get(name) ?? []), result]);
      if (report) reports.set(name, [...(reports.get(name) ?? []), report]);
      console.log(
        `round ${round}  ${name.padEnd(14)} ${result.perSecond.toFixed(0).padStart(7)}/s  p99 ${result.p99Ms} ms`,
      );
    }
  }

  const rateOf = (name: Work): number =>
    median((results.get(name) ?? []).map((one) => one.perSecond));
  const p99Of = (name: Work): number => median((results.get(name) ?? []).map((one) => one.p99Ms));
  const ratioRow = (title: string, name: Work, reference: Work, goal: number): Row => {
    // Of each round by itself: a machine that has slowed down has done so for both.
    const ratio = median(
      (results.get(name) ?? []).map(
        ({ perSecond }, round) => perSecond / (results.get(reference)?.[round]?.perSecond ?? 0),
      ),
    );
    return {
      work: title,
      measured: `${rateOf(name).toFixed(0)}/s, p99 ${p99Of(name)} ms`,
      reference: `${reference} ${rateOf(reference).toFixed(0)}/s`,
      ratio,
      goal: `≥ ${goal.toFixed(2)}`,
      reached: ratio >= goal,
    };
  };
  const putP99Ms = p99Of('PUT');
  const delayMs = median((reports.get('PUT') ?? []).map((one) => one.eventLoopDelayP99Ms));
  return [
    ratioRow('GET of a 4-member session', 'GET', 'R GET', 0.7),
    ratioRow('PUT of a custom property, durable', 'PUT', 'R PUT', 0.6),
    {
      work: '  its p99',
      measured: `${putP99Ms} ms`,
      reference: '',
      goal: '< 25 ms',
      reached: putP99Ms < 25,
    },
    {
      work: '  event loop delay p99 under it',
      measured: `${delayMs.toFixed(1)} ms`,
      reference: '',
      goal: '< 20 ms',
      reached: delayMs < 20,
    },
    ratioRow('POST /handles activity, durable', 'POST activity', 'R PUT', 0.5),
    ratioRow('join or create, durable', 'join', 'peer join', 2),
  ];
}

/**
 * From the start of the process to the first 201, by the command that users start: on all cores, as
 * they do, whatever this process is kept to.
 */
async function measureStart(): Promise<Row> {
  await pin(process.pid, `0-${cores - 1}`);
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const startedMs = performance.now();
    const child = spawn(
      process.execPath,
      ['src/main.js', 'serve', '--port', '0', '--data', join(folder, `start-${round}`)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
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
    goal: '< 500 ms',
    reached: ms < 500,
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

function print(rows: readonly Row[]): void {
  const columns = ['work', 'measured', 'reference', 'ratio', 'goal', ''] as const;
  const cells = rows.map((row) => [
    row.work,
    row.measured,
    row.reference,
    row.ratio === undefined ? '' : row.ratio.toFixed(2),
    row.goal,
    row.reached ? 'reached' : 'MISSED',
  ]);
  const widths = columns.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  console.log(
    `\n${machine}\n${rounds} rounds of ${seconds} s, 32 connections, server on one core, client on another\n`,
  );
  console.log(
    [line(columns), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n'),
  );
}

async function keep(rows: readonly Row[]): Promise<void> {
  const results = new URL('results/', import.meta.url);
  await mkdir(results, { recursive: true });
  await writeFile(
    new URL('latest.json', results),
    `${JSON.stringify({ date: new Date().toISOString(), machine, rounds, seconds, rows }, undefined, 2)}\n`,
  );
}
