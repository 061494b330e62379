/**
 * The rows of rate limits: what counting costs a write, and what others notice of one caller who is far
 * over its limit. Slices with it and without it take turns. The cost is measured in one server whose limits
 * are switched, and by servers with limits and without: neither sees the other's compiled code.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHttpLine } from './http-line.ts';
import { allLimits } from './levers/limits.ts';
import { formatRequest, type LoadClient, type LoadRequest, openClient, sendAll } from './load.ts';
import { type Cost, type CpuTime, measureCost } from './measured-cost.ts';
import { type OffenderReport, offenderPerSecond } from './offender.ts';
import { measurePairs, median, type Pair, quantile, ratioOf } from './pairs.ts';
import { type BenchServer, runAlone, startBeside, startPinned } from './process.ts';
import { fillSessions, liveSessions, put } from './rates.ts';
import type { BenchSettings, Row } from './report.ts';
import { changeBody, headersOf, joinBody, pathOf } from './sample.ts';

/** Users who play, each in a session of their own, and how often each writes: half of the limit. */
const playersCount = 64;
const playerIntervalMs = 100;
/** How long the other caller sends, or does not, in one go: some 300 writes of players. */
const turnMs = 500;

/** What counting costs a write, and the latency of writes beside a caller who is refused, or is not. */
export async function measureLimits(settings: BenchSettings): Promise<Row[]> {
  return [
    await measureCostTogether(settings),
    await measureCostApart(settings),
    ...(await measureOthers(settings)),
  ];
}

/** A write of a user whose address is known, as behind a balancer, so that it is counted too. */
const putFrom = (n: number): LoadRequest => {
  const { headers, ...request } = put(n);
  const user = n % liveSessions;
  const address = `203.0.${Math.floor(user / 256)}.${user % 256}`;
  return { ...request, headers: { ...headers, 'x-forwarded-for': address } };
};

const openWriter = (server: BenchServer): Promise<LoadClient> =>
  openClient(server.url, putFrom, { distinct: 4 * liveSessions });

/** By one server, whose limits are taken away and given back all the while. */
async function measureCostTogether({ folder, pairs }: BenchSettings): Promise<Row> {
  const place = [join(folder, 'limits-cost'), 'strict', '67108864', 'limits'];
  await using server = await startPinned('measured-server.ts', place);
  await fillSessions(server);
  using client = await openWriter(server);
  const costWith = async (limits: 'on' | 'off'): Promise<Cost> => {
    await server.report(limits);
    return measureCost(server, client, liveSessions);
  };
  const measured = await measurePairs(
    pairs,
    () => costWith('on'),
    () => costWith('off'),
  );
  return rowOfCost('one server', measured);
}

const startsCount = 3;

/** By servers with limits and without. Each start of two has luck of its own, so there are several. */
async function measureCostApart({ folder, pairs }: BenchSettings): Promise<Row> {
  const file = join(folder, 'limits.json');
  await writeFile(file, allLimits);
  const measured: Pair<Cost>[] = [];
  for (let start = 0; start < startsCount; start += 1) {
    const startOne = (name: string, rateLimits: string): Promise<BenchServer> => {
      const data = join(folder, `limits-${name}-${start}`);
      return startPinned('measured-server.ts', [data, 'strict', '67108864', '', rateLimits]);
    };
    await using limited = await startOne('on', file);
    await using unlimited = await startOne('off', 'off');
    const servers = [limited, unlimited];
    for (const server of servers) await fillSessions(server);
    using toLimited = await openWriter(limited);
    using toUnlimited = await openWriter(unlimited);
    for (const client of [toLimited, toUnlimited]) await client.sendAll(warmingWrites);
    const costOf = (server: BenchServer, client: LoadClient): Promise<Cost> =>
      runAlone(server, servers, () => measureCost(server, client, settlingWrites));
    measured.push(
      ...(await measurePairs(
        Math.ceil(pairs / startsCount),
        () => costOf(limited, toLimited),
        () => costOf(unlimited, toUnlimited),
      )),
    );
  }
  return rowOfCost(`two servers, ${startsCount} starts`, measured);
}

/** For the compilers of a server; and for one that has stood still. */
const [warmingWrites, settlingWrites] = [4_000, 300];

function rowOfCost(how: string, pairs: readonly Pair<Cost>[]): Row {
  const ratio = ratioOf(pairs, (cost) => cost.allMicros);
  const micros = (kind: 'on' | 'off'): string =>
    `${median(pairs.map((pair) => pair[kind].allMicros)).toFixed(1)} µs`;
  return {
    work: `PUT with limits, processor time, ${how}`,
    measured: micros('on'),
    reference: `without limits ${micros('off')}`,
    ...ratio,
    goal: '≤ 1.03',
    reached: ratio.ratio <= 1.03,
  };
}

/** What happened while the other caller sent, or did not. */
type OthersSlice = OffenderReport & {
  /** How long each write of a player took. */
  readonly ms: number[];
  readonly seconds: number;
  /** Of the server. */
  readonly cpuMicros: number;
};

/**
 * Players write, and another caller sends requests of which nearly all are refused, or none of which are. The
 * server has the first core to itself. The clients share the others, and cost so little that they do
 * not wait for each other.
 */
async function measureOthers({ folder, pairs }: BenchSettings): Promise<Row[]> {
  const place = [join(folder, 'limits'), 'strict', '67108864', '', 'general'];
  await using server = await startPinned('measured-server.ts', place);
  await sendAll(server.url, playersCount, (n) => ({
    method: 'PUT',
    path: pathOf(n),
    headers: headersOf(n),
    body: joinBody(0),
  }));
  await using other = await startBeside('offender.ts', [server.url]);
  const playing = new AbortController();
  let ms: number[] = [];
  const players = Array.from({ length: playersCount }, (_, n) =>
    play(server.url, n, playing.signal, (tookMs) => ms.push(tookMs)),
  );
  const measureTurn = async (turn: 'off' | 'refused' | 'served'): Promise<OthersSlice> => {
    ms = [];
    const beganMicros = (await server.report<CpuTime>('cpu')).allMicros;
    const beganMs = performance.now();
    other.tell(turn);
    await sleep(turnMs);
    const cpuMicros = (await server.report<CpuTime>('cpu')).allMicros - beganMicros;
    const sent = await other.report<OffenderReport>();
    return { ms, seconds: (performance.now() - beganMs) / 1_000, cpuMicros, ...sent };
  };
  const rowOf = async (turn: 'refused' | 'served', what: string): Promise<Row> => {
    const measured = await measurePairs(
      pairs,
      () => measureTurn(turn),
      () => measureTurn('off'),
    );
    const ratio = ratioOf(measured, ({ ms }) => median(ms));
    const goal = turn === 'refused' ? '≤ 1.2' : '';
    const on = measured.map((pair) => pair.on);
    const perSecond = median(on.map((slice) => slice[turn] / slice.seconds));
    const micros = median(measured.map(costOf));
    return {
      work: `writes of ${playersCount} users beside ${offenderPerSecond} requests/s ${what}`,
      measured: `${latencyOf(on)}; ${perSecond.toFixed(0)}/s ${turn}, ${micros.toFixed(0)} µs of the server for each`,
      reference: `without them ${latencyOf(measured.map(({ off }) => off))}`,
      ...ratio,
      goal,
      // A machine on which so many cannot be sent has not shown it.
      reached: ratio.ratio <= 1.2 && perSecond >= 0.9 * offenderPerSecond,
    };
  };
  const rows = [
    await rowOf('refused', 'of one who is over the limit'),
    await rowOf('served', 'of others that are answered'),
  ];
  playing.abort();
  await Promise.all(players);
  return rows;
}

/** Sends the writes of the n-th player until it is aborted, and tells how long each took. */
async function play(
  url: string,
  n: number,
  signal: AbortSignal,
  told: (tookMs: number) => void,
): Promise<void> {
  const line = await openHttpLine(url);
  const { host } = new URL(url);
  // Not all at once.
  await sleep((n * playerIntervalMs) / playersCount);
  for (let written = 0; !signal.aborted; written += 1) {
    const [method, path, headers] = ['PUT', pathOf(n), headersOf(n)] as const;
    const request = formatRequest({ method, path, headers, body: changeBody(written) }, host);
    const sentMs = performance.now();
    const { status } = await line.send(request);
    const tookMs = performance.now() - sentMs;
    if (status !== 200) throw new Error(`a player got ${status}`);
    told(tookMs);
    await sleep(Math.max(0, playerIntervalMs - tookMs));
  }
  line.close();
}

/** Processor time of the server for each request of the other caller, beyond that for the writes. */
function costOf({ on, off }: Pair<OthersSlice>): number {
  const ofWrite = off.cpuMicros / off.ms.length;
  return (on.cpuMicros - ofWrite * on.ms.length) / (on.refused + on.served);
}

function latencyOf(slices: readonly OthersSlice[]): string {
  const ms = slices.flatMap((slice) => slice.ms);
  return `p50 ${median(ms).toFixed(2)} ms, p99 ${quantile(ms, 0.99).toFixed(1)} ms`;
}
