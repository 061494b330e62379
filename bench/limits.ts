/** The row of rate limits: what others notice of one caller who is far over its limit. */

import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, sendAll } from './load.ts';
import { startPinned } from './process.ts';
import type { BenchSettings, Row } from './report.ts';
import { changeBody, headersOf, joinBody, pathOf } from './sample.ts';

/** Users who play, each in a session of their own, and how often each writes: half of the limit. */
const playersCount = 64;
const playerIntervalMs = 100;
/** What the other caller sends: 25 times its limit of 300 in 15 s. */
const offenderPerSecond = 500;
const offender = 1_000_000;

type Round = { readonly p50Ms: number; readonly p99Ms: number };

/** The latency of writes beside a caller who is refused nearly always, and without that caller. */
export async function measureLimits({ folder, rounds, seconds }: BenchSettings): Promise<Row[]> {
  const place = join(folder, 'limits');
  await using server = await startPinned('measured-server.ts', [
    place,
    'strict',
    '67108864',
    '',
    'general',
  ]);
  await sendAll(server.url, playersCount, (n) => ({
    method: 'PUT',
    path: pathOf(n),
    headers: headersOf(n),
    body: joinBody(0),
  }));
  const agent = new Agent({ keepAlive: true });
  await measureRound(server.url, agent, 1, false);
  const alone: Round[] = [];
  const beside: Round[] = [];
  let refused = 0;
  for (let round = 0; round < rounds; round += 1) {
    alone.push((await measureRound(server.url, agent, seconds, false)).round);
    const measured = await measureRound(server.url, agent, seconds, true);
    beside.push(measured.round);
    refused += measured.refused;
  }
  agent.destroy();
  const of = (all: readonly Round[], what: keyof Round): number =>
    median(all.map((one) => one[what]));
  const ratio = median(beside.map(({ p50Ms }, n) => p50Ms / (alone[n]?.p50Ms ?? p50Ms)));
  return [
    {
      work: `writes of ${playersCount} users beside a caller who sends ${offenderPerSecond}/s`,
      measured: `p50 ${of(beside, 'p50Ms').toFixed(2)} ms, p99 ${of(beside, 'p99Ms').toFixed(1)} ms; ${refused} refused`,
      reference: `without it p50 ${of(alone, 'p50Ms').toFixed(2)} ms, p99 ${of(alone, 'p99Ms').toFixed(1)} ms`,
      ratio,
      goal: '≤ 1.2',
      reached: ratio <= 1.2,
    },
  ];
}

async function measureRound(
  url: string,
  agent: Agent,
  seconds: number,
  withOffender: boolean,
): Promise<{ readonly round: Round; readonly refused: number }> {
  const endMs = performance.now() + seconds * 1_000;
  const times: number[] = [];
  const player = async (n: number): Promise<void> => {
    // Not all at once.
    await sleep((n * playerIntervalMs) / playersCount);
    for (let written = 0; performance.now() < endMs; written += 1) {
      const sentMs = performance.now();
      const status = await send(url, agent, 'PUT', n, changeBody(written));
      if (status !== 200) throw new Error(`a player got ${status}`);
      times.push(performance.now() - sentMs);
      await sleep(Math.max(0, playerIntervalMs - (performance.now() - sentMs)));
    }
  };
  let refused = 0;
  const offending = async (): Promise<void> => {
    const waiting = new Set<Promise<void>>();
    let sent = 0;
    const beganMs = performance.now();
    while (performance.now() < endMs) {
      const due = Math.floor(((performance.now() - beganMs) * offenderPerSecond) / 1_000);
      for (; sent < due; sent += 1) {
        const asked = send(url, agent, 'GET', offender).then((status) => {
          if (status === 429) refused += 1;
        });
        waiting.add(asked);
        void asked.finally(() => waiting.delete(asked));
      }
      await sleep(1);
    }
    await Promise.all(waiting);
  };
  const players = Array.from({ length: playersCount }, (_, n) => player(n));
  await Promise.all([...players, ...(withOffender ? [offending()] : [])]);
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? 0;
  return { round: { p50Ms: at(0.5), p99Ms: at(0.99) }, refused };
}

/** The status of the answer. */
function send(
  url: string,
  agent: Agent,
  method: 'GET' | 'PUT',
  n: number,
  body?: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${pathOf(n)}`, { method, agent, headers: headersOf(n) });
    asked.on('response', (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
