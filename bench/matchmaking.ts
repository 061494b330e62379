/**
 * The rows of matchmaking: a cycle of the matcher, matches that are made and stored, a steady stream of
 * tickets, and Colyseus' queue beside it.
 *
 *   BENCH_TICKETS (4000): tickets in the pool that is matched and stored
 *   BENCH_STEADY_SECONDS (20): for so long tickets come, 10,000 in a minute
 */

import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Context } from '../src/directory/context.ts';
import { writeSession } from '../src/directory/write-session.ts';
import type { UserCaller } from '../src/domain/caller.ts';
import { Refusal } from '../src/domain/refusal.ts';
import { parseSessionRequest } from '../src/domain/session/request.ts';
import { matchIntervalMs, pauseBetweenRuns } from '../src/matchmaking/match-interval.ts';
import { Matchmaker } from '../src/matchmaking/matchmaker.ts';
import { repeat } from '../src/platform/repeat.ts';
import { systemClock } from '../src/platform/clock.ts';
import { openMemoryStore } from '../src/store/memory/memory-store.ts';
import { dataFileOf } from '../src/store/sqlite/data-folder.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { demoScid } from '../src/testing/demo.ts';
import { partReached } from '../src/testing/match-reference.ts';
import { openTestContexts } from '../src/testing/test-context.ts';
import { measureCycles } from './matcher.ts';
import { measurePairs, median, quantile, ratioOf } from './pairs.ts';
import { startPinned } from './process.ts';
import type { BenchSettings, Row } from './report.ts';

const ticketsCount = Number(process.env['BENCH_TICKETS'] ?? 4_000);
const steadySeconds = Number(process.env['BENCH_STEADY_SECONDS'] ?? 20);
const cycleTickets = 100_000;
const cyclesCount = 6;

/** The rows; what is stored is kept in `folder`. */
export async function measureMatchmaking({ folder, pairs }: BenchSettings): Promise<Row[]> {
  return [
    ...measureMatcher(),
    ...measureQuality(),
    await measureDurable(join(folder, 'matchmaking')),
    await measureSteady(join(folder, 'steady')),
    await measureBesideColyseus(Math.min(pairs, besideMax)),
  ];
}

/** Cycles after the first one, in which the engine has not compiled the code yet. */
function measureMatcher(): Row[] {
  const [first, ...cycles] = measureCycles(cycleTickets, cyclesCount);
  const cpuMs = median(cycles.map((cycle) => cycle.cpuMs));
  const firstMs = first?.longestTurnMs ?? Number.NaN;
  const turnMs = Math.max(...cycles.map(({ longestTurnMs }) => longestTurnMs));
  const [{ playersCount = 0 } = {}] = cycles;
  return [
    {
      work: 'a cycle over 100,000 tickets that wait, 5v5',
      measured: `${cpuMs.toFixed(0)} ms CPU, ${playersCount} players matched`,
      reference: '',
      goal: 'below 500 ms',
      reached: cpuMs < 500,
    },
    {
      work: 'its longest turn, in which the event loop is held',
      measured: `${turnMs.toFixed(1)} ms`,
      reference: '',
      goal: 'at most 20 ms',
      reached: turnMs <= 20,
    },
    {
      work: 'the same when all 100,000 are new: after a start or a reload of the config',
      measured: `${first?.cpuMs.toFixed(0)} ms CPU, longest turn ${firstMs.toFixed(1)} ms`,
      reference: '',
      goal: 'at most 20 ms',
      reached: firstMs <= 20,
    },
  ];
}

/** What the matches of small pools are worth in all, beside the most that any choice of groups is. */
function measureQuality(): Row[] {
  const [all, seeds] = [partReached(14, {}), partReached(11, { exactMax: 0 })];
  return [
    {
      work: 'worth of the matches of 200 pools of up to 14 tickets, any rules, beside brute force',
      measured: all.toFixed(3),
      reference: '1',
      goal: 'at least 0.95',
      reached: all >= 0.95,
    },
    {
      work: 'the same by the search for large pools, up to 11 tickets',
      measured: seeds.toFixed(3),
      reference: '1',
      goal: 'at least 0.9',
      reached: seeds >= 0.9,
    },
  ];
}

type MatchedPool = {
  /** Matched players, to the last session written. */
  readonly perSecond: number;
  /** Of all threads of the process. */
  readonly cpuMicroseconds: number;
};

/** A full pool of pairs, in one process. */
async function matchAll(store: Store): Promise<MatchedPool> {
  const context = (await openTestContexts())(store);
  const matchmaker = new Matchmaker(context, false);
  // A server knows its hoppers before the first ticket comes.
  await matchmaker.run();
  const parallel = 64;
  for (let at = 0; at < ticketsCount; at += parallel) {
    const count = Math.min(parallel, ticketsCount - at);
    await Promise.all(Array.from({ length: count }, (_, i) => queue(context, matchmaker, at + i)));
  }
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  while ((await matchmaker.run()) === 'more');
  const perSecond = (1_000 * ticketsCount) / (performance.now() - startedMs);
  const { user, system } = process.cpuUsage(cpu);
  await assertAllMatched(matchmaker);
  return { perSecond, cpuMicroseconds: (user + system) / ticketsCount };
}

/** Makes the ticket of the user `n`, who is alone in a new lobby. */
async function queue(context: Context, matchmaker: Matchmaker, n: number): Promise<void> {
  const caller: UserCaller = { kind: 'user', xuid: String(n + 1), sandbox: 'RETAIL' };
  const session = { scid: demoScid, templateName: 'deathmatch', name: `lobby-${n}` };
  const body = { members: { me: { properties: { system: { active: true } } } } };
  const request = parseSessionRequest(body, 107);
  if (request instanceof Refusal) throw new Error(request.text);
  const write = { reference: session, request, preconditions: {}, caller, onlyExisting: false };
  const written = await writeSession(context, write);
  if (written instanceof Refusal) throw new Error(written.text);
  const asked = { session, isPreserved: false, giveUpSeconds: 600, attributes: {} };
  const made = await matchmaker.createTicket({ scid: demoScid, hopper: 'quick' }, asked, caller);
  if (made instanceof Refusal) throw new Error(made.text);
}

async function assertAllMatched(matchmaker: Matchmaker): Promise<void> {
  const { population } = (await matchmaker.readStatistics(
    { scid: demoScid, hopper: 'quick' },
    { kind: 'service', name: 'bench', sandbox: 'RETAIL' },
  )) as { readonly population: number };
  if (population > 0) throw new Error(`${population} players were not matched`);
}

/** So many full pools one after the other; the last one counts, as the code is compiled by then. */
const poolsCount = 5;

async function measureDurable(folder: string): Promise<Row> {
  let matched: MatchedPool = { perSecond: Number.NaN, cpuMicroseconds: Number.NaN };
  for (let round = 0; round < poolsCount; round += 1) {
    const file = dataFileOf(join(folder, String(round)));
    await using store = await openSqliteStore({ file, durability: 'strict' });
    matched = await matchAll(store);
  }
  return {
    work: `players matched from a full pool of ${ticketsCount}, durable`,
    measured: formatPool(matched),
    reference: '',
    goal: 'at least 2000/s',
    reached: matched.perSecond >= 2_000,
  };
}

function formatPool({ perSecond, cpuMicroseconds }: MatchedPool): string {
  return `${perSecond.toFixed(0)}/s, ${cpuMicroseconds.toFixed(0)} µs CPU each`;
}

const steadyPerMinute = 10_000;

/** From the answer to the second ticket of a pair to the commit that shows `found`, with which taps go. */
async function measureSteady(folder: string): Promise<Row> {
  await using store = await openSqliteStore({ file: dataFileOf(folder), durability: 'strict' });
  const context = (await openTestContexts())(store, { clock: systemClock });
  const matchmaker = new Matchmaker(context, false);
  const answeredMs = new Map<string, number>();
  const waits = new Map<string, number[]>();
  context.sessionListeners.push(({ next }) => {
    const { status, targetSessionRef } = next?.servers['matchmaking']?.properties.system ?? {};
    if (status !== 'found' || next === undefined) return;
    const target = JSON.stringify(targetSessionRef);
    const nowMs = performance.now();
    // Found before its request was answered.
    const waitedMs = nowMs - (answeredMs.get(next.reference.name) ?? nowMs);
    waits.set(target, [...(waits.get(target) ?? []), waitedMs]);
  });
  const matching = repeat(
    async () => {
      while ((await matchmaker.run()) === 'more');
    },
    matchIntervalMs,
    (error) => {
      throw error;
    },
    pauseBetweenRuns,
  );
  const count = Math.round((steadyPerMinute / 60) * steadySeconds);
  const startedMs = performance.now();
  const queued: Promise<void>[] = [];
  for (let n = 0; n < count; n += 1) {
    const dueMs = startedMs + (60_000 / steadyPerMinute) * n - performance.now();
    if (dueMs > 0) await setTimeout(dueMs);
    queued.push(
      queue(context, matchmaker, n).then(
        () => void answeredMs.set(`lobby-${n}`, performance.now()),
      ),
    );
  }
  await Promise.all(queued);
  for (let runs = 0; runs < 5; runs += 1) await matching.runNow();
  await matching[Symbol.asyncDispose]();
  // Of both tickets the last one counts: it waited the least.
  const lastWaits = [...waits.values()].map((both) => Math.min(...both));
  if (lastWaits.length < Math.floor(count / 2)) throw new Error(`${lastWaits.length} matches`);
  const p99Ms = quantile(lastWaits, 0.99);
  const goalMs = matchIntervalMs + 250;
  return {
    work: `${steadyPerMinute} tickets a minute, durable: from the last ticket of a match to found, p99`,
    measured: `${p99Ms.toFixed(0)} ms`,
    reference: '',
    goal: `below ${goalMs} ms`,
    reached: p99Ms < goalMs,
  };
}

/** Pairs at most: to fill a pool takes a second. */
const besideMax = 6;

async function measureBesideColyseus(pairs: number): Promise<Row> {
  await using peer = await startPinned('./colyseus-queue-server.ts');
  const measured = await measurePairs(
    pairs,
    async () => {
      await using store = openMemoryStore();
      return await matchAll(store);
    },
    () => peer.report<MatchedPool>(String(ticketsCount)),
  );
  const poolOf = (kind: 'on' | 'off'): string =>
    formatPool({
      perSecond: median(measured.map((pair) => pair[kind].perSecond)),
      cpuMicroseconds: median(measured.map((pair) => pair[kind].cpuMicroseconds)),
    });
  const ratio = ratioOf(measured, ({ perSecond }) => perSecond);
  return {
    work: `players paired from a full pool of ${ticketsCount}, in memory: three documents of a pair are written and kept, Colyseus' queue makes a room`,
    measured: poolOf('on'),
    reference: poolOf('off'),
    ...ratio,
    goal: 'at least 3 times',
    reached: ratio.ratio >= 3,
  };
}
