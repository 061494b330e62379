/**
 * The rows of rate limits: what counting costs a write, and what others notice of one caller who is far
 * over its limit. Both are switched on and off all the while, and each slice with it is
 * compared with its neighbours without it, so that a machine whose speed swings does not decide. The cost is
 * measured a second way, by servers with limits and without: neither sees the other's compiled code.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Slice } from './flip.ts';
import { openHttpLine } from './http-line.ts';
import { allLimits } from './levers/limits.ts';
import { formatRequest, load, type LoadRequest, median, sendAll } from './load.ts';
import { type OffenderReport, offenderPerSecond } from './offender.ts';
import { type BenchServer, runAlone, startBeside, startPinned } from './process.ts';
import { fillSessions, liveSessions, put } from './rates.ts';
import type { BenchSettings, Row } from './report.ts';
import { changeBody, headersOf, joinBody, pathOf } from './sample.ts';
import { compare, type Pair, pairsOf } from './slice-pairs.ts';

/** Users who play, each in a session of their own, and how often each writes: half of the limit. */
const playersCount = 64;
const playerIntervalMs = 100;
/** How long the other caller sends, or does not, in one go: some 300 writes of players. */
const sliceMs = 500;
/** What the other caller does in one slice after the other: its requests are refused, or they are not. */
const turns = ['off', 'refused', 'off', 'served'] as const;

/** What counting costs a write, and the latency of writes beside a caller who is refused, or is not. */
export async function measureLimits(settings: BenchSettings): Promise<Row[]> {
  return [
    await measureCost(settings),
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

/** What a request costs on a server that has limits, or has none. */
type Cost = Pick<Slice, 'requests' | 'allMicros'>;
const microsOf = ({ allMicros, requests }: Cost): number => allMicros / requests;

/** By one server, whose limits are taken away and given back all the while. */
async function measureCost({ folder, rounds, seconds }: BenchSettings): Promise<Row> {
  const place = [join(folder, 'limits-cost'), 'strict', '67108864', 'limits'];
  await using server = await startPinned('measured-server.ts', place);
  await fillSessions(server);
  server.tell('flip');
  await load(server.url, putFrom, { seconds: 4 * rounds * seconds });
  const slices = await server.report<readonly Slice[]>('slices');
  const pairs = pairsOf(slices.slice(warmUpSlices));
  return rowOfCost(
    'one server',
    pairs.map(({ slice }) => slice),
    pairs.flatMap(({ off }) => off),
    pairs.map((pair) => compare(pair, microsOf).ratio),
  );
}

/** The first slices are for the compilers. */
const warmUpSlices = 8;

/** By servers with limits and without. Each start of two has luck of its own, so there are several. */
async function measureCostApart({ folder, rounds, seconds }: BenchSettings): Promise<Row> {
  const file = join(folder, 'limits.json');
  await writeFile(file, allLimits);
  const [on, off]: [Cost[], Cost[]] = [[], []];
  for (let start = 0; start < startsCount; start += 1) {
    const startOne = (name: string, rateLimits: string): Promise<BenchServer> => {
      const data = join(folder, `limits-${name}-${start}`);
      return startPinned('measured-server.ts', [data, 'strict', '67108864', '', rateLimits]);
    };
    await using limited = await startOne('on', file);
    await using unlimited = await startOne('off', 'off');
    const servers = [limited, unlimited];
    for (const server of servers) await fillSessions(server);
    const costOfWrites = (server: BenchServer): Promise<Cost> =>
      runAlone(server, servers, async () => {
        const began = await server.report<number>('cpu');
        const { total } = await load(server.url, putFrom, { seconds });
        return { requests: total, allMicros: (await server.report<number>('cpu')) - began };
      });
    // The first round is for the compilers.
    for (let round = 0; round <= rounds; round += 1) {
      const isFirst = (start + round) % 2 === 0;
      const first = await costOfWrites(isFirst ? limited : unlimited);
      const second = await costOfWrites(isFirst ? unlimited : limited);
      if (round === 0) continue;
      on.push(isFirst ? first : second);
      off.push(isFirst ? second : first);
    }
  }
  const ratios = on.map((cost, i) => microsOf(cost) / microsOf(off[i] ?? cost));
  return rowOfCost(`two servers, ${startsCount} starts`, on, off, ratios);
}

const startsCount = 3;

function rowOfCost(
  how: string,
  on: readonly Cost[],
  off: readonly Cost[],
  ratios: readonly number[],
): Row {
  const ratio = median(ratios);
  const quarters = [0.25, 0.75].map((part) => at(ratios, part).toFixed(2)).join(' … ');
  return {
    work: `PUT with limits, processor time, ${how}`,
    measured: `${median(on.map(microsOf)).toFixed(1)} µs; ${ratios.length} pairs, quarters ${quarters}`,
    reference: `without limits ${median(off.map(microsOf)).toFixed(1)} µs`,
    ratio,
    goal: '≤ 1.03',
    reached: ratio <= 1.03,
  };
}

/** What happened while the other caller sent, or did not. */
type OthersSlice = OffenderReport & {
  readonly turn: (typeof turns)[number];
  readonly isOn: boolean;
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
async function measureOthers({ folder, rounds, seconds }: BenchSettings): Promise<Row[]> {
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
  const slices: OthersSlice[] = [];
  // The first slices warm up, and the other caller reaches its limit.
  const warmUpCount = 8;
  const slicesCount = warmUpCount + 1 + Math.ceil((4 * rounds * seconds * 1_000) / sliceMs);
  const switching = async (): Promise<void> => {
    for (let n = 0; n < slicesCount; n += 1) {
      const turn = turns[n % turns.length] ?? 'off';
      ms = [];
      const beganMicros = await server.report<number>('cpu');
      const beganMs = performance.now();
      other.tell(turn);
      await sleep(sliceMs);
      const cpuMicros = (await server.report<number>('cpu')) - beganMicros;
      const sent = await other.report<OffenderReport>();
      const seconds = (performance.now() - beganMs) / 1_000;
      slices.push({ turn, isOn: turn !== 'off', ms, seconds, cpuMicros, ...sent });
    }
    playing.abort();
  };
  await Promise.all([...players, switching()]);
  const pairs = pairsOf(slices.slice(warmUpCount));
  const off = slices.slice(warmUpCount).filter(({ isOn }) => !isOn);
  const rowOf = (turn: 'refused' | 'served', what: string): Row => {
    const ofTurn = pairs.filter(({ slice }) => slice.turn === turn);
    const ratio = median(ofTurn.map((pair) => compare(pair, p50).ratio));
    const goal = turn === 'refused' ? '≤ 1.2' : '';
    const on = ofTurn.map(({ slice }) => slice);
    const perSecond = median(on.map((slice) => slice[turn] / slice.seconds));
    const micros = median(ofTurn.map(costOf));
    return {
      work: `writes of ${playersCount} users beside ${offenderPerSecond} requests/s ${what}`,
      measured: `${latencyOf(on)}; ${perSecond.toFixed(0)}/s ${turn}, ${micros.toFixed(0)} µs of the server for each`,
      reference: `without them ${latencyOf(off)}`,
      ratio,
      goal,
      // A machine on which so many cannot be sent has not shown it.
      reached: ratio <= 1.2 && perSecond >= 0.9 * offenderPerSecond,
    };
  };
  return [
    rowOf('refused', 'of one who is over the limit'),
    rowOf('served', 'of others that are answered'),
  ];
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
    const status = await line.send(request);
    const tookMs = performance.now() - sentMs;
    if (status !== 200) throw new Error(`a player got ${status}`);
    told(tookMs);
    await sleep(Math.max(0, playerIntervalMs - tookMs));
  }
  line.close();
}

/** Processor time of the server for each request of the other caller, beyond that for the writes. */
function costOf({ slice, off }: Pair<OthersSlice>): number {
  const ofWrites = off.map(({ cpuMicros, ms }) => cpuMicros / ms.length);
  const ofWrite = ofWrites.reduce((sum, one) => sum + one, 0) / ofWrites.length;
  return (slice.cpuMicros - ofWrite * slice.ms.length) / (slice.refused + slice.served);
}

function latencyOf(slices: readonly OthersSlice[]): string {
  const ms = slices.flatMap((slice) => slice.ms);
  return `p50 ${at(ms, 0.5).toFixed(2)} ms, p99 ${at(ms, 0.99).toFixed(1)} ms`;
}

function p50({ ms }: OthersSlice): number {
  return at(ms, 0.5);
}

function at(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * part)] ?? 0;
}
