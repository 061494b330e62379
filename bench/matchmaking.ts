/**
 * The rows of matchmaking: a cycle of the matcher, and matches that are made and stored.
 *
 *   BENCH_TICKETS (4000): tickets in the pool that is matched and stored
 */

import { join } from 'node:path';
import { writeSession } from '../src/directory/write-session.ts';
import type { UserCaller } from '../src/domain/caller.ts';
import { Refusal } from '../src/domain/refusal.ts';
import { parseSessionRequest } from '../src/domain/session/request.ts';
import { Matchmaker } from '../src/matchmaking/matchmaker.ts';
import { dataFileOf } from '../src/store/sqlite/data-folder.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import { demoScid } from '../src/testing/demo.ts';
import { openTestContexts } from '../src/testing/test-context.ts';
import { measureCycles } from './matcher.ts';
import type { Row } from './report.ts';

const ticketsCount = Number(process.env['BENCH_TICKETS'] ?? 4_000);
const cycleTickets = 100_000;
const cyclesCount = 6;

/** The rows; what is stored is kept in `folder`. */
export async function measureMatchmaking({ folder }: { readonly folder: string }): Promise<Row[]> {
  return [...measureMatcher(), await measureMatches(join(folder, 'matchmaking'))];
}

/** Cycles after the first one, in which the engine has not compiled the code yet. */
function measureMatcher(): Row[] {
  const [, ...cycles] = measureCycles(cycleTickets, cyclesCount);
  const inOrder = cycles.map(({ cpuMs }) => cpuMs).sort((a, b) => a - b);
  const cpuMs = inOrder[Math.floor(inOrder.length / 2)] ?? Number.NaN;
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
  ];
}

/** A full pool of pairs, in one process, strict: from the first search to the last session written. */
async function measureMatches(folder: string): Promise<Row> {
  await using store = await openSqliteStore({ file: dataFileOf(folder), durability: 'strict' });
  const context = (await openTestContexts())(store);
  const matchmaker = new Matchmaker(context, false);
  const parallel = 64;
  for (let at = 0; at < ticketsCount; at += parallel) {
    const count = Math.min(parallel, ticketsCount - at);
    await Promise.all(Array.from({ length: count }, (_, i) => queue(at + i)));
  }
  const startedMs = performance.now();
  while ((await matchmaker.run()) === 'more');
  const perSecond = (1_000 * ticketsCount) / (performance.now() - startedMs);
  const { population } = (await matchmaker.readStatistics(
    { scid: demoScid, hopper: 'quick' },
    { kind: 'service', name: 'bench', sandbox: 'RETAIL' },
  )) as { readonly population: number };
  if (population > 0) throw new Error(`${population} players were not matched`);
  return {
    work: `players matched from a full pool of ${ticketsCount}, durable`,
    measured: `${perSecond.toFixed(0)}/s`,
    reference: '',
    goal: 'at least 2000/s',
    reached: perSecond >= 2_000,
  };

  async function queue(n: number): Promise<void> {
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
}
