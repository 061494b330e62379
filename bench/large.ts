/**
 * What a session of thousands costs, and what it costs the others.
 *
 *   BENCH_MEMBERS (10000): members of the large session
 *   BENCH_JOINS (200): joins a second beside the load
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../src/domain/limits.ts';
import { demoScid } from '../src/testing/demo.ts';
import { openHttpLine, type HttpLine } from './http-line.ts';
import {
  formatRates,
  formatRequest,
  openClient,
  sendAll,
  type LoadRequest,
  type LoadResult,
} from './load.ts';
import type { CpuTime } from './measured-cost.ts';
import { droppedMs, measurePairs, median, ratioOf, sliceMs } from './pairs.ts';
import { startPinned, type BenchServer } from './process.ts';
import type { BenchSettings, Row } from './report.ts';
import { changeBody, headersOf, joinBody, pathOf } from './sample.ts';

const membersCount = Number(process.env['BENCH_MEMBERS'] ?? 10_000);
const joinsPerSecond = Number(process.env['BENCH_JOINS'] ?? 200);
/** Joins of a slice, one after the other. */
const joinsCount = 50;
const settleMs = 100;
const liveSessions = 1_000;

const pathOfLarge = (name: string): string =>
  `/serviceconfigs/${demoScid}/sessionTemplates/large/sessions/${name}`;
const active = JSON.stringify({ members: { me: { properties: { system: { active: true } } } } });
const leave = JSON.stringify({ members: { me: null } });
const put = (name: string, user: number, body = active): LoadRequest => ({
  method: 'PUT',
  path: pathOfLarge(name),
  headers: headersOf(2_000_000 + user),
  body,
});

/** The rows of the bench that are about large sessions, on a server of their own. */
export async function measureLarge({ folder, pairs }: BenchSettings): Promise<Row[]> {
  const place = [join(folder, 'large'), 'strict'];
  await using server = await startPinned('measured-server.ts', place);
  return [...(await measureJoins(server, pairs)), await measureOthers(server, pairs)];
}

/** Enough for joins that take 80 ms. */
const linesCount = 16;

type Joins = { readonly cpuMs: number; readonly p50Ms: number; readonly documentBytes: number };

async function measureJoins(server: BenchServer, pairs: number): Promise<Row[]> {
  // Both have somebody who stays, so that a join makes neither.
  await sendAll(server.url, Math.max(1, membersCount - joinsCount), (n) => put('full', n));
  await sendAll(server.url, 1, () => put('empty', 0));
  const line = await openHttpLine(server.url);
  const measured = await measurePairs(
    pairs,
    () => measureBlock(server, line, 'full'),
    () => measureBlock(server, line, 'empty'),
  );
  line.close();
  const of = (kind: 'on' | 'off', what: keyof Joins): number =>
    median(measured.map((pair) => pair[kind][what]));
  const row = (work: string, what: 'cpuMs' | 'p50Ms'): Row => {
    const ratio = ratioOf(measured, (joins) => joins[what]);
    return {
      work,
      measured: `${of('on', what).toFixed(2)} ms`,
      reference: `to an empty one ${of('off', what).toFixed(2)} ms`,
      ...ratio,
      goal: '≤ 2.00',
      reached: ratio.ratio <= 2,
    };
  };
  const [full, empty] = [of('on', 'documentBytes'), of('off', 'documentBytes')];
  return [
    row(`join to a session of ${membersCount}, CPU`, 'cpuMs'),
    row('  its latency, p50', 'p50Ms'),
    {
      work: '  its document',
      measured: `${full} bytes`,
      reference: `of an empty one ${empty} bytes`,
      // The counts and the own index have more digits.
      goal: 'within 64 bytes',
      reached: Math.abs(full - empty) <= 64,
    },
  ];
}

/** Users join one after another; then they leave, so that each block finds as many. */
async function measureBlock(server: BenchServer, line: HttpLine, name: string): Promise<Joins> {
  const joiner = (n: number): number => 1_000_000 + n;
  const latenciesMs: number[] = [];
  let documentBytes = 0;
  const before = await server.report<CpuTime>('cpu');
  for (let n = 0; n < joinsCount; n += 1) {
    const startedMs = performance.now();
    documentBytes = await sendOne(server.url, line, put(name, joiner(n)));
    latenciesMs.push(performance.now() - startedMs);
  }
  const after = await server.report<CpuTime>('cpu');
  await sendAll(server.url, joinsCount, (n) => put(name, joiner(n), leave));
  // What is left to do of that would count to the next block, of the other kind.
  await sleep(settleMs);
  return {
    cpuMs: (after.allMicros - before.allMicros) / 1_000 / joinsCount,
    p50Ms: median(latenciesMs),
    documentBytes,
  };
}

/** The rate of writes to other sessions while users join one large session, against without them. */
async function measureOthers(server: BenchServer, pairs: number): Promise<Row> {
  await sendAll(server.url, liveSessions, (n) => ({
    method: 'PUT',
    path: pathOf(n),
    headers: headersOf(n),
    body: joinBody(0),
  }));
  const others = (n: number): LoadRequest => ({
    method: 'PUT',
    path: pathOf(n % liveSessions),
    headers: headersOf(n % liveSessions),
    body: changeBody(n),
  });
  using client = await openClient(server.url, others, { distinct: 4 * liveSessions });
  const joined: number[] = [];
  const lines = await Promise.all(
    Array.from({ length: linesCount }, () => openHttpLine(server.url)),
  );
  const beginJoins = crowd(server.url, lines);
  const measured = await measurePairs<LoadResult>(
    pairs,
    async () => {
      const beganMs = performance.now();
      const end = beginJoins();
      const result = await client.load(sliceMs, droppedMs);
      joined.push(((await end()) * 1_000) / (performance.now() - beganMs));
      return result;
    },
    () => client.load(sliceMs, droppedMs),
  );
  for (const line of lines) line.close();
  const ratio = ratioOf(measured, (one) => one.perSecond);
  // Joins that were not answered in time would not have been in the way either.
  const hasKeptUp = median(joined) >= 0.9 * joinsPerSecond;
  return {
    work: `PUT beside ${joinsPerSecond} joins/s into one large session`,
    measured: `${formatRates(measured.map(({ on }) => on))} beside ${median(joined).toFixed(0)} joins/s`,
    reference: `without ${formatRates(measured.map(({ off }) => off))}`,
    ...ratio,
    goal: '≥ 0.90',
    reached: ratio.ratio >= 0.9 && hasKeptUp,
  };
}

/**
 * New users join one session at a steady rate from each call on, until the function that comes back is called:
 * it tells how many were let in, once all are answered.
 */
function crowd(url: string, lines: readonly HttpLine[]): () => () => Promise<number> {
  let user = 0;
  return () => {
    const beganMs = performance.now();
    const joins: Promise<unknown>[] = [];
    const timer = setInterval(() => {
      const due = ((performance.now() - beganMs) / 1_000) * joinsPerSecond;
      while (joins.length < due && user < limits.membersLargeMax) {
        const line = lines.find((one) => one.isFree());
        if (line === undefined) return;
        joins.push(sendOne(url, line, put('crowd', user++)));
      }
    }, 5);
    return async () => {
      clearInterval(timer);
      await Promise.all(joins);
      return joins.length;
    };
  };
}

/** Sends one request and gives the length of what is answered, which must be a 2xx. */
async function sendOne(url: string, line: HttpLine, request: LoadRequest): Promise<number> {
  const { status, text } = await line.send(formatRequest(request, new URL(url).host));
  if (status < 200 || status > 299) throw new Error(`a join was answered ${text}`);
  return text.length - text.indexOf('\r\n\r\n') - 4;
}
