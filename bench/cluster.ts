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
import {
  formatRates,
  openClient,
  sendAll,
  type LoadClient,
  type LoadRequest,
  type LoadResult,
} from './load.ts';
import type { CpuTime } from './measured-cost.ts';
import { droppedMs, measurePairs, median, quantile, ratioOf, sliceMs } from './pairs.ts';
import { cores, pin, runAlone, startPinned, type BenchServer } from './process.ts';
import { openLine } from './rta-line.ts';
import type { BenchSettings, Row } from './report.ts';
import { changeBody, headersOf, joinBody, pathOf } from './sample.ts';

const tapsCount = Number(process.env['BENCH_CROSS_TAPS'] ?? 500);
const sessions = 1_000;
/** Four values for each session, so that each is a change. */
const distinct = 4 * sessions;

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
    ...(await measureNodes(redis, settings)),
    await measureCrossTaps(redis),
    await measureRoundTrips(redis),
  ];
}

async function measureNodes(redis: RedisServers, settings: BenchSettings): Promise<Row[]> {
  await using one = await startPinned('measured-server.ts', [redis.url, 'relaxed']);
  await fill(one);
  // Beside SQLite on the same core; the servers of Redis go where there is room.
  const rows = [await measureBesideSqlite(one, settings)];
  await using other = await startPinned('measured-server.ts', [redis.url, 'relaxed']);
  // Each is free to use whatever the machine has.
  if (cores > 1) for (const { pid } of [one, other]) await pin(pid, `0-${cores - 1}`);
  return [...rows, await measureTwo(redis, [one, other], settings)];
}

function fill({ url }: BenchServer): Promise<void> {
  return sendAll(url, sessions * 4, (n) => ({
    method: 'PUT',
    path: pathOf(Math.floor(n / 4)),
    headers: headersOf(Math.floor(n / 4), n % 4),
    body: joinBody(n % 4),
  }));
}

async function measureBesideSqlite(
  one: BenchServer,
  { folder, pairs }: BenchSettings,
): Promise<Row> {
  const place = [join(folder, 'cluster-reference'), 'relaxed'];
  await using onSqlite = await startPinned('measured-server.ts', place);
  await fill(onSqlite);
  using toOne = await openClient(one.url, put, { distinct });
  using toSqlite = await openClient(onSqlite.url, put, { distinct });
  const both = [one, onSqlite];
  const measured = await measurePairs(
    pairs,
    () => runAlone(one, both, () => toOne.load(sliceMs, droppedMs)),
    () => runAlone(onSqlite, both, () => toSqlite.load(sliceMs, droppedMs)),
  );
  const ratio = ratioOf(measured, ({ perSecond }) => perSecond);
  return {
    work: 'PUT, one node on a Redis cluster, relaxed',
    measured: formatRates(measured.map(({ on }) => on)),
    reference: `SQLite, relaxed ${formatRates(measured.map(({ off }) => off))}`,
    ...ratio,
    goal: '≥ 0.65',
    reached: ratio.ratio >= 0.65,
  };
}

/** One node, and two with half of the connections each. */
async function measureTwo(
  redis: RedisServers,
  nodes: readonly [BenchServer, BenchServer],
  { pairs, seconds }: BenchSettings,
): Promise<Row> {
  using toOne = await openClient(nodes[0].url, put, { distinct });
  using toFirst = await openClient(nodes[0].url, put, { distinct, connections: 16 });
  using toSecond = await openClient(nodes[1].url, put, { distinct, connections: 16 });
  const toTwo = [toFirst, toSecond];
  const measured = await measurePairs<readonly LoadResult[]>(
    pairs,
    () => loadTogether(toTwo, sliceMs),
    async () => [await toOne.load(sliceMs, droppedMs)],
  );
  const rateOf = (results: readonly LoadResult[]): number =>
    results.reduce((sum, { perSecond }) => sum + perSecond, 0);
  const ratio = ratioOf(measured, rateOf);
  const rate = (kind: 'on' | 'off'): string =>
    `${median(measured.map((pair) => rateOf(pair[kind]))).toFixed(0)}/s`;
  const shares = await measureShares(redis, nodes, () => loadTogether(toTwo, seconds * 1_000));
  const isMachineFull = shares.machine > 0.9 * cores;
  return {
    work: 'PUT, two nodes on it',
    measured: `${rate('on')}; cores in use: nodes ${shares.nodes.toFixed(2)}, Redis ${shares.redis.toFixed(2)}, client ${shares.client.toFixed(2)}, in all ${shares.machine.toFixed(2)} of ${cores}${isMachineFull ? ': they are the limit' : ''}`,
    reference: `one node ${rate('off')}`,
    ...ratio,
    goal: '≥ 1.50, or the machine full',
    reached: ratio.ratio >= 1.5 || isMachineFull,
  };
}

function loadTogether(clients: readonly LoadClient[], ms: number): Promise<LoadResult[]> {
  return Promise.all(clients.map((client) => client.load(ms, droppedMs)));
}

/** Cores in use, by whom; `machine`: by all that runs on it. */
type Shares = {
  readonly nodes: number;
  readonly redis: number;
  readonly client: number;
  readonly machine: number;
};

/** While this runs. */
async function measureShares(
  redis: RedisServers,
  nodes: readonly BenchServer[],
  run: () => Promise<unknown>,
): Promise<Shares> {
  const cpuOfNodes = async (): Promise<number> => {
    const times = await Promise.all(nodes.map((node) => node.report<CpuTime>('cpu')));
    return times.reduce((sum, { allMicros }) => sum + allMicros / 1e6, 0);
  };
  const look = async () => ({ redis: await cpuOf(redis), nodes: await cpuOfNodes() });
  const before = await look();
  const [beganMs, ownBefore, machineBefore] = [
    performance.now(),
    process.cpuUsage(),
    cpuOfMachine(),
  ];
  await run();
  const seconds = (performance.now() - beganMs) / 1_000;
  const { user, system } = process.cpuUsage(ownBefore);
  const machineAfter = cpuOfMachine();
  const after = await look();
  return {
    nodes: (after.nodes - before.nodes) / seconds,
    redis: (after.redis - before.redis) / seconds,
    client: (user + system) / 1e6 / seconds,
    machine:
      ((machineAfter.busy - machineBefore.busy) / (machineAfter.all - machineBefore.all)) * cores,
  };
}

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
  const p99Ms = quantile(times, 0.99);
  return {
    work: 'write to tap, across two nodes',
    measured: `p50 ${median(times).toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
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
