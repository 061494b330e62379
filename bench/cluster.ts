/**
 * The rows of many nodes: what a node loses when its store is a Redis cluster (three primaries on
 * this machine), what a second node adds, and how soon a tap is on another node.
 *
 *   BENCH_CROSS_TAPS (500): taps measured between two nodes
 */

import { cpus } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../src/server.ts';
import { startRedisCluster, type RedisServers } from '../src/testing/redis-servers.ts';
import type { RedisUrl } from '../src/config/settings.ts';
import { load, median, sendAll, type LoadRequest } from './load.ts';
import { cores, pin, startPinned, type BenchServer } from './process.ts';
import { openLine } from './rta-line.ts';
import type { BenchSettings, Report, Row } from './report.ts';
import { changeBody, headersOf, joinBody, pathOf } from './sample.ts';

const tapsCount = Number(process.env['BENCH_CROSS_TAPS'] ?? 500);
const sessions = 1_000;

const put = (n: number): LoadRequest => ({
  method: 'PUT',
  path: pathOf(n % sessions),
  headers: headersOf(n % sessions),
  body: changeBody(n),
});

const plainJoin = (n: number): LoadRequest => ({
  ...put(n),
  body: JSON.stringify({ members: { me: { properties: { system: { active: true } } } } }),
});

/** The rows, on one cluster that is started for them. */
export async function measureCluster(settings: BenchSettings): Promise<Row[]> {
  await using redis = await startRedisCluster({ replicas: 0 });
  return [
    ...(await measureRates(redis, settings)),
    await measureCrossTaps(redis),
    await measureRoundTrips(redis),
  ];
}

async function measureRates(
  redis: RedisServers,
  { folder, rounds, seconds }: BenchSettings,
): Promise<Row[]> {
  await using onSqlite = await startPinned('measured-server.ts', [
    join(folder, 'cluster-reference'),
    'relaxed',
  ]);
  await using one = await startPinned('measured-server.ts', [redis.url, 'relaxed']);
  await using other = await startPinned('measured-server.ts', [redis.url, 'relaxed']);
  for (const { url } of [onSqlite, one]) {
    await sendAll(url, sessions * 4, (n) => ({
      method: 'PUT',
      path: pathOf(Math.floor(n / 4)),
      headers: headersOf(Math.floor(n / 4), n % 4),
      body: joinBody(n % 4),
    }));
  }
  const rates = {
    sqlite: [] as number[],
    redis: [] as number[],
    free: [] as number[],
    two: [] as number[],
  };
  const shares: Shares[] = [];
  let sent = 0;
  const perSecond = async (nodes: readonly BenchServer[], longSeconds: number): Promise<number> => {
    const connections = Math.floor(32 / nodes.length);
    const results = await Promise.all(
      nodes.map(({ url }) => load(url, () => put(sent++), { seconds: longSeconds, connections })),
    );
    return results.reduce((sum, result) => sum + result.perSecond, 0);
  };
  const all = `0-${cores - 1}`;
  for (let round = 0; round <= rounds; round += 1) {
    const longSeconds = round === 0 ? 2 : seconds;
    // Beside SQLite on the same core; the servers of Redis go where there is room.
    if (cores > 1) await pin(one.pid, '0');
    const measured = {
      sqlite: await perSecond([onSqlite], longSeconds),
      redis: await perSecond([one], longSeconds),
      free: 0,
      two: 0,
    };
    // One against two, each free to use whatever the machine has.
    if (cores > 1) for (const { pid } of [one, other]) await pin(pid, all);
    measured.free = await perSecond([one], longSeconds);
    const before = await cpuOf(redis);
    const ownBefore = process.cpuUsage();
    const machineBefore = cpuOfMachine();
    for (const node of [one, other]) node.tell('measure');
    measured.two = await perSecond([one, other], longSeconds);
    const machineAfter = cpuOfMachine();
    if (round === 0) continue; // for the compilers to warm up
    const reports = await Promise.all([one, other].map((node) => node.report<Report>()));
    const { user, system } = process.cpuUsage(ownBefore);
    shares.push({
      nodes: reports.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / longSeconds,
      redis: ((await cpuOf(redis)) - before) / longSeconds,
      client: (user + system) / 1e6 / longSeconds,
      machine:
        ((machineAfter.busy - machineBefore.busy) / (machineAfter.all - machineBefore.all)) * cores,
    });
    for (const name of ['sqlite', 'redis', 'free', 'two'] as const)
      rates[name].push(measured[name]);
  }
  const sqliteRatio = median(rates.redis) / median(rates.sqlite);
  const twoRatio = median(rates.two) / median(rates.free);
  const share = (of: keyof Shares): number => median(shares.map((one) => one[of]));
  const isMachineFull = share('machine') > 0.9 * cores;
  return [
    {
      work: 'PUT, one node on a Redis cluster, relaxed',
      measured: `${median(rates.redis).toFixed(0)}/s`,
      reference: `SQLite, relaxed ${median(rates.sqlite).toFixed(0)}/s`,
      ratio: sqliteRatio,
      goal: '≥ 0.65',
      reached: sqliteRatio >= 0.65,
    },
    {
      work: 'PUT, two nodes on it',
      measured: `${median(rates.two).toFixed(0)}/s; cores in use: nodes ${share('nodes').toFixed(2)}, Redis ${share('redis').toFixed(2)}, clients ${share('client').toFixed(2)}, in all ${share('machine').toFixed(2)} of ${cores}${isMachineFull ? ': they are the limit' : ''}`,
      reference: `one node ${median(rates.free).toFixed(0)}/s`,
      ratio: twoRatio,
      goal: '≥ 1.50, or the machine full',
      reached: twoRatio >= 1.5 || isMachineFull,
    },
  ];
}

/** Cores in use, by whom; `machine`: by all that runs on it. */
type Shares = {
  readonly nodes: number;
  readonly redis: number;
  readonly client: number;
  readonly machine: number;
};

/** Time of all cores since the start of the machine, and how much of it they were in use. */
function cpuOfMachine(): { readonly all: number; readonly busy: number } {
  const times = cpus().map((core) => core.times);
  const all = times.flatMap((one) => Object.values(one)).reduce((sum, ms) => sum + ms, 0);
  return { all, busy: all - times.reduce((sum, { idle }) => sum + idle, 0) };
}

/** Processor time of all servers of the cluster, in seconds. */
async function cpuOf({ servers, cli }: RedisServers): Promise<number> {
  let seconds = 0;
  for (const { port } of servers) {
    const info = await cli(port, 'INFO', 'cpu');
    for (const [, used] of info.matchAll(/^used_cpu_(?:sys|user):([0-9.]+)/gm)) {
      seconds += Number(used);
    }
  }
  return seconds;
}

/** From the request of a write on one node to the frame of its tap on a connection of another. */
async function measureCrossTaps(redis: RedisServers): Promise<Row> {
  await using writing = await startPinned('measured-server.ts', [redis.url, 'relaxed']);
  await using telling = await startPinned('measured-server.ts', [redis.url, 'relaxed']);
  if (cores > 1) for (const { pid } of [writing, telling]) await pin(pid, `0-${cores - 1}`);
  const first = 2_000_000;
  const times: number[] = [];
  for (let n = first; n < first + tapsCount; n += 1) {
    const line = await openLine(telling.url, headersOf(n)['authorization'] ?? '');
    const system = {
      active: true,
      connection: line.connectionId,
      subscription: { id: '81A3266D-0000-4000-8000-000000000000', changeTypes: ['everything'] },
    };
    const request = { method: 'PUT' as const, path: pathOf(n), headers: headersOf(n) };
    const join = JSON.stringify({ members: { me: { properties: { system } } } });
    await sendAll(telling.url, 1, () => ({ ...request, body: join }));
    const tapped = new Promise<number>((resolve) => {
      line.onFrame = () => resolve(performance.now());
    });
    const sentMs = performance.now();
    await sendAll(writing.url, 1, () => ({ ...request, body: changeBody(n) }));
    times.push((await tapped) - sentMs);
    line.close();
  }
  const sorted = times.toSorted((a, b) => a - b);
  const quantile = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
  const p99Ms = quantile(0.99);
  return {
    work: 'write to tap, across two nodes',
    measured: `p50 ${quantile(0.5).toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
    reference: '',
    goal: 'p99 < 30 ms',
    reached: p99Ms < 30,
  };
}

/** Scripts that the servers of Redis run for a PUT of a session that the node has heard of. */
async function measureRoundTrips(redis: RedisServers): Promise<Row> {
  // A node that looks after nothing else meanwhile.
  const [sweepIntervalMs, nodeLeaseMs] = [3_600_000, 3_600_000];
  await using node = await startServer({
    port: 0,
    store: redis.url as RedisUrl,
    durability: 'relaxed',
    sweepIntervalMs,
    nodeLeaseMs,
  });
  const first = 3_000_000;
  const count = 200;
  const pathed = (n: number, request: LoadRequest): LoadRequest => ({
    ...request,
    path: pathOf(first + (n % 20)),
    headers: headersOf(first + (n % 20)),
  });
  await sendAll(node.url, 20, (n) => pathed(n, plainJoin(n)));
  const before = await scriptsRun(redis);
  // One after the other: those who race for a session would ask more often.
  for (let n = 0; n < count; n += 1) await sendAll(node.url, 1, () => pathed(n, put(n)));
  const trips = ((await scriptsRun(redis)) - before) / count;
  return {
    work: 'round trips to the store, PUT of a recently seen session',
    measured: trips.toFixed(2),
    reference: '',
    goal: '1',
    reached: trips === 1,
  };
}

async function scriptsRun({ servers, cli }: RedisServers): Promise<number> {
  let calls = 0;
  for (const { port } of servers) {
    const info = await cli(port, 'INFO', 'commandstats');
    for (const [, count] of info.matchAll(/^cmdstat_(?:evalsha|eval):calls=(\d+)/gm)) {
      calls += Number(count);
    }
  }
  return calls;
}
