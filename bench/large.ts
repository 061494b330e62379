/**
 * What a session of thousands costs, and what it costs the others.
 *
 *   BENCH_MEMBERS (10000): members of the large session
 *   BENCH_JOINS (200): joins measured in each block; joins a second beside the load
 */

import { Agent, request as send } from 'node:http';
import { limits } from '../src/domain/limits.ts';
import { demoScid } from '../src/testing/demo.ts';
import { load, median, sendAll, type LoadRequest } from './load.ts';
import { startPinned, type BenchServer } from './process.ts';
import type { Report, Row } from './report.ts';
import { changeBody, headersOf, joinBody, pathOf } from './sample.ts';

const membersCount = Number(process.env['BENCH_MEMBERS'] ?? 10_000);
const joinsCount = Number(process.env['BENCH_JOINS'] ?? 200);
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

/** The rows of the bench that are about large sessions; a server of their own keeps its data in `data`. */
export async function measureLarge(data: string, rounds: number, seconds: number): Promise<Row[]> {
  await using server = await startPinned('measured-server.ts', [data, 'strict']);
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  try {
    const joins = await measureJoins(server, agent, rounds);
    return [...joins, await measureOthers(server, agent, rounds, seconds)];
  } finally {
    agent.destroy();
  }
}

type Joins = { readonly cpuMs: number; readonly p50Ms: number; readonly documentBytes: number };

async function measureJoins(server: BenchServer, agent: Agent, rounds: number): Promise<Row[]> {
  // Both have somebody who stays, so that a join makes neither.
  await sendAll(server.url, Math.max(1, membersCount - joinsCount), (n) => put('full', n));
  await sendAll(server.url, 1, () => put('empty', 0));
  const results = { full: [] as Joins[], empty: [] as Joins[] };
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of ['full', 'empty'] as const) {
      const joins = await measureBlock(server, agent, name);
      if (round === 0) continue; // for the compilers to warm up
      results[name].push(joins);
      console.log(
        `round ${round}  join, ${name.padEnd(5)}   ${joins.cpuMs.toFixed(2)} ms of CPU, p50 ${joins.p50Ms.toFixed(2)} ms`,
      );
    }
  }
  const of = (name: 'full' | 'empty', what: keyof Joins): number =>
    median(results[name].map((one) => one[what]));
  const row = (work: string, what: 'cpuMs' | 'p50Ms'): Row => {
    const ratio = of('full', what) / of('empty', what);
    return {
      work,
      measured: `${of('full', what).toFixed(2)} ms`,
      reference: `to an empty one ${of('empty', what).toFixed(2)} ms`,
      ratio,
      goal: '≤ 2.00',
      reached: ratio <= 2,
    };
  };
  const [full, empty] = [of('full', 'documentBytes'), of('empty', 'documentBytes')];
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
async function measureBlock(server: BenchServer, agent: Agent, name: string): Promise<Joins> {
  const joiner = (n: number): number => 1_000_000 + n;
  const latenciesMs: number[] = [];
  let documentBytes = 0;
  server.tell('measure');
  for (let n = 0; n < joinsCount; n += 1) {
    const startedMs = performance.now();
    documentBytes = await sendOne(server.url, agent, put(name, joiner(n)));
    latenciesMs.push(performance.now() - startedMs);
  }
  const { cpuSeconds } = await server.report<Report>();
  await sendAll(server.url, joinsCount, (n) => put(name, joiner(n), leave));
  return {
    cpuMs: (cpuSeconds * 1_000) / joinsCount,
    p50Ms: median(latenciesMs),
    documentBytes,
  };
}

/** The rate of writes to other sessions while users join one large session, against without them. */
async function measureOthers(
  server: BenchServer,
  agent: Agent,
  rounds: number,
  seconds: number,
): Promise<Row> {
  await sendAll(server.url, liveSessions, (n) => ({
    method: 'PUT',
    path: pathOf(n),
    headers: headersOf(n),
    body: joinBody(0),
  }));
  let sent = 0;
  const others = (): LoadRequest => {
    sent += 1;
    const n = sent % liveSessions;
    return { method: 'PUT', path: pathOf(n), headers: headersOf(n), body: changeBody(sent) };
  };
  const alone: number[] = [];
  const beside: number[] = [];
  const joined: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const first = await load(server.url, others, { seconds });
    const crowd = beginJoins(server.url, agent, `crowd-${round}`);
    const second = await load(server.url, others, { seconds });
    const joinsPerSecond = await crowd.end();
    if (round === 0) continue;
    alone.push(first.perSecond);
    beside.push(second.perSecond);
    joined.push(joinsPerSecond);
    console.log(
      `round ${round}  PUT alone      ${first.perSecond.toFixed(0).padStart(7)}/s, beside ${joinsPerSecond.toFixed(0)} joins/s ${second.perSecond.toFixed(0)}/s`,
    );
  }
  const ratio = median(beside) / median(alone);
  // Joins that were not answered in time would not have been in the way either.
  const hasKeptUp = median(joined) >= 0.95 * joinsCount;
  return {
    work: `PUT beside ${joinsCount} joins/s into one large session`,
    measured: `${median(beside).toFixed(0)}/s beside ${median(joined).toFixed(0)} joins/s`,
    reference: `without ${median(alone).toFixed(0)}/s`,
    ratio,
    goal: '≥ 0.90',
    reached: ratio >= 0.9 && hasKeptUp,
  };
}

/** Lets new users join at a steady rate until `end`, which tells how many a second were let in. */
function beginJoins(
  url: string,
  agent: Agent,
  name: string,
): { readonly end: () => Promise<number> } {
  const startedMs = performance.now();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let joined = 0;
  let failure: unknown;
  const timer = setInterval(() => {
    const dueCount = ((performance.now() - startedMs) / 1_000) * joinsCount;
    for (; sent < Math.min(dueCount, limits.membersLargeMax); sent += 1) {
      const join = sendOne(url, agent, put(name, sent)).then(
        () => {
          joined += 1;
        },
        (error) => {
          failure = error;
        },
      );
      underWay.add(join);
      void join.then(() => underWay.delete(join));
    }
  }, 5);
  return {
    async end() {
      clearInterval(timer);
      const joinsPerSecond = joined / ((performance.now() - startedMs) / 1_000);
      await Promise.all(underWay);
      if (failure !== undefined) throw failure;
      return joinsPerSecond;
    },
  };
}

/** Sends one request and gives the length of what is answered, which must be a 2xx. */
function sendOne(url: string, agent: Agent, one: LoadRequest): Promise<number> {
  const { method, path, headers, body } = one;
  return new Promise((resolve, reject) => {
    const outgoing = send(`${url}${path}`, { agent, method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('error', reject);
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const { statusCode = 0 } = answer;
        if (statusCode >= 200 && statusCode < 300) resolve(bytes.length);
        else reject(new Error(`${method} ${path}: ${statusCode} ${bytes}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
