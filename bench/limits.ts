/**
 * The rows of rate limits: what counting costs a write, and what others notice of one caller who is far
 * over its limit. Both are switched on and off all the while, and each slice with it is
 * compared with its neighbours without it, so that a machine whose speed swings does not decide.
 */

import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Slice } from './flip.ts';
import { load, median, sendAll } from './load.ts';
import { offenderPerSecond } from './offender.ts';
import { startPinned } from './process.ts';
import { liveSessions, put, warmUpJoin } from './rates.ts';
import type { BenchSettings, Row } from './report.ts';
import { changeBody, headersOf, joinBody, pathOf } from './sample.ts';
import { compare, pairsOf } from './slice-pairs.ts';

/** Users who play, each in a session of their own, and how often each writes: half of the limit. */
const playersCount = 64;
const playerIntervalMs = 100;
/** How long the other caller sends, or does not, in one go: some 300 writes of players. */
const sliceMs = 500;

/** What counting costs a write, and the latency of writes beside a caller who is refused nearly always. */
export async function measureLimits(settings: BenchSettings): Promise<Row[]> {
  return [await measureCost(settings), await measureOthers(settings)];
}

/** As many limits as Xbox Live and the general ones together have for a user, and none that is met. */
async function measureCost({ folder, rounds, seconds }: BenchSettings): Promise<Row> {
  const file = join(folder, 'limits.json');
  const limits = [15, 300].map((period) => ({ requests: 1_000_000, seconds: period }));
  await writeFile(file, JSON.stringify({ services: { sessiondirectory: limits }, caller: limits }));
  const place = [join(folder, 'limits-cost'), 'strict', '67108864', 'limits', file];
  await using server = await startPinned('measured-server.ts', place);
  await sendAll(server.url, liveSessions * 4, warmUpJoin);
  await load(server.url, put, { seconds: 2 });
  server.tell('flip');
  await load(server.url, (n) => put(n + 50_000), { seconds: rounds * seconds });
  const slices = await server.report<readonly Slice[]>('slices');
  const pairs = pairsOf(slices).filter(({ slice, off }) =>
    [slice, ...off].every(({ requests }) => requests > 0),
  );
  const micros = ({ allMicros, requests }: Slice): number => allMicros / requests;
  const of = (isOn: boolean): string =>
    median(slices.filter((slice) => slice.isOn === isOn && slice.requests > 0).map(micros)).toFixed(
      1,
    );
  const ratio = median(pairs.map((pair) => compare(pair, micros).ratio));
  return {
    work: 'PUT with limits, processor time',
    measured: `${of(true)} µs; ${pairs.length} pairs of slices`,
    reference: `without limits ${of(false)} µs`,
    ratio,
    goal: '≤ 1.03',
    reached: ratio <= 1.03,
  };
}

/** The times of the writes of players, in a slice with or without the other caller. */
type Times = { readonly isOn: boolean; readonly ms: number[] };

async function measureOthers({ folder, rounds, seconds }: BenchSettings): Promise<Row> {
  const place = [join(folder, 'limits'), 'strict', '67108864', '', 'general'];
  await using server = await startPinned('measured-server.ts', place);
  await using other = await startPinned('offender.ts', [server.url]);
  await sendAll(server.url, playersCount, (n) => ({
    method: 'PUT',
    path: pathOf(n),
    headers: headersOf(n),
    body: joinBody(0),
  }));
  const slices: Times[] = [];
  const agent = new Agent({ keepAlive: true });
  // The first slices warm up, and the other caller reaches its limit.
  const slicesCount = 6 + Math.ceil((2 * rounds * seconds * 1_000) / sliceMs);
  const endMs = performance.now() + slicesCount * sliceMs;
  const player = async (n: number): Promise<void> => {
    // Not all at once.
    await sleep((n * playerIntervalMs) / playersCount);
    for (let written = 0; performance.now() < endMs; written += 1) {
      const times = slices.at(-1);
      const sentMs = performance.now();
      const status = await send(server.url, agent, n, changeBody(written));
      if (status !== 200) throw new Error(`a player got ${status}`);
      times?.ms.push(performance.now() - sentMs);
      await sleep(Math.max(0, playerIntervalMs - (performance.now() - sentMs)));
    }
  };
  const switching = async (): Promise<void> => {
    for (let n = 0; n < slicesCount; n += 1) {
      const isOn = n % 2 === 1;
      other.tell(isOn ? 'on' : 'off');
      slices.push({ isOn, ms: [] });
      await sleep(sliceMs);
    }
    other.tell('off');
  };
  await Promise.all([...Array.from({ length: playersCount }, (_, n) => player(n)), switching()]);
  agent.destroy();
  const refused = await other.report<number>();
  const measured = slices.slice(6).filter(({ ms }) => ms.length > 0);
  const ratio = median(pairsOf(measured).map((pair) => compare(pair, p50).ratio));
  const all = (isOn: boolean): Times => ({
    isOn,
    ms: measured.flatMap((slice) => (slice.isOn === isOn ? slice.ms : [])),
  });
  const text = (times: Times): string =>
    `p50 ${p50(times).toFixed(2)} ms, p99 ${at(times, 0.99).toFixed(1)} ms`;
  return {
    work: `writes of ${playersCount} users beside a caller who sends ${offenderPerSecond}/s`,
    measured: `${text(all(true))}; ${refused} refused`,
    reference: `without it ${text(all(false))}`,
    ratio,
    goal: '≤ 1.2',
    reached: ratio <= 1.2,
  };
}

function p50(times: Times): number {
  return at(times, 0.5);
}

function at({ ms }: Times, part: number): number {
  return [...ms].sort((a, b) => a - b)[Math.floor(ms.length * part)] ?? 0;
}

/** The status of the answer to a write of the n-th player. */
function send(url: string, agent: Agent, n: number, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = headersOf(n);
    const asked = request(`${url}${pathOf(n)}`, { method: 'PUT', agent, headers });
    asked.on('response', (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
