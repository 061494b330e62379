/**
 * The rates of requests, in two modes: the server on one core with the client on another, and as users
 * run it, with all cores for both. Each with few and many connections. The servers take turns, and the
 * others are stopped meanwhile; ratios are those of a round.
 *
 * Ours has no log and keeps no history: the goals are older than both. What they cost is measured beside
 * it, on a server with the settings that users get when they give none, as these run it: on all cores.
 *
 *   BENCH_CONNECTIONS_OF_RATES (32,128,256), BENCH_MODES (one,all)
 */

import { join } from 'node:path';
import {
  clientCoresMax,
  load,
  median,
  sendAll,
  type LoadRequest,
  type LoadResult,
} from './load.ts';
import { cores, pin, runAlone, startPinned, type BenchServer } from './process.ts';
import { formatRound, type BenchSettings, type Report, type Row } from './report.ts';
import { openLine, type RtaLine } from './rta-line.ts';
import { activityBody, changeBody, headersOf, joinBody, pathOf } from './sample.ts';

const modes = { one: 'one core', all: 'all cores' } as const;
type Mode = keyof typeof modes;

const connectionCounts = listOf('BENCH_CONNECTIONS_OF_RATES', '32,128,256').map(Number);
const modesAsked = listOf('BENCH_MODES', 'one,all') as readonly Mode[];
/** How many sessions are made before the load, of four members each. */
export const liveSessions = 1_000;
/** Those of the members who join; each has many, since a real one each would be the test of sockets. */
const openConnectionsCount = 256;

function listOf(name: string, fallback: string): readonly string[] {
  return (process.env[name] ?? fallback).split(',');
}

/** A GET of the n-th session, going round through those that were made. */
export const get = (n: number): LoadRequest => ({
  method: 'GET',
  path: pathOf(n % liveSessions),
  headers: headersOf(n % liveSessions),
});
/** A PUT that changes a custom property of a member; each n is another value. */
export const put = (n: number): LoadRequest => ({
  method: 'PUT',
  path: pathOf(n % liveSessions),
  headers: headersOf(n % liveSessions),
  body: changeBody(n),
});
/** Sets the session as the activity of its first member. */
export const postActivity = (n: number): LoadRequest => ({
  method: 'POST',
  path: '/handles',
  headers: headersOf(n % liveSessions),
  body: activityBody(n % liveSessions),
});
/**
 * Fills the sessions before a load. The connections of the members are open, and no change of the loads is one
 * that they follow: what taps cost is a row of its own, and a member whose connection is not open is looked
 * after beside each write.
 */
export async function fillSessions(server: BenchServer): Promise<void> {
  const open = await openConnectionsOf(server);
  await sendAll(server.url, liveSessions * 4, (n) => ({
    method: 'PUT',
    path: pathOf(Math.floor(n / 4)),
    headers: headersOf(Math.floor(n / 4), n % 4),
    body: joinBody(n % 4, open[n % open.length]?.connectionId, 'initialization'),
  }));
}
const joinOrCreate = (n: number, openConnections: readonly RtaLine[]): LoadRequest => ({
  method: 'PUT',
  path: pathOf(1_000_000 + Math.floor(n / 4)),
  headers: headersOf(1_000_000 + Math.floor(n / 4), n % 4),
  body: joinBody(n % 4, openConnections[n % openConnections.length]?.connectionId),
});
const joinOrCreatePeer = (): LoadRequest => ({
  method: 'POST',
  path: '/matchmake/joinOrCreate/lobby',
  headers: { 'content-type': 'application/json' },
  body: '{}',
});

/** The servers, and the settings of ours that rates depend on. */
const settingsOf = {
  ours: 'log off, history 0',
  memory: 'log off, history 0',
  joins: 'log off, history 0',
  joinsInMemory: 'log off, history 0',
  defaults: 'log and history as by default',
  reference: '',
  peer: '',
} as const;

type Servers = Readonly<Record<keyof typeof settingsOf, BenchServer>>;

type Work = {
  readonly title: string;
  readonly request: (n: number, openConnections: readonly RtaLine[]) => LoadRequest;
  readonly server: keyof typeof settingsOf;
  /** Where it is measured; everywhere unless given. */
  readonly mode?: Mode;
  /** The work that it is a ratio of. */
  readonly reference?: string;
  /** By mode and connections; no goal where none is named. */
  readonly goals?: Readonly<Record<string, number>>;
  readonly isOnce?: boolean;
};

const works: Readonly<Record<string, Work>> = {
  'R GET': { title: 'R GET', request: get, server: 'reference' },
  GET: {
    title: 'GET of a 4-member session',
    request: get,
    server: 'ours',
    reference: 'R GET',
    goals: { one32: 0.95, one256: 0.95, all32: 0.95, all256: 0.95 },
  },
  'R PUT': { title: 'R PUT', request: put, server: 'reference' },
  PUT: {
    title: 'PUT of a custom property, durable',
    request: put,
    server: 'ours',
    reference: 'R PUT',
    goals: { one32: 0.45, one256: 0.6, all32: 0.55, all256: 0.7 },
  },
  'PUT, defaults': {
    title: 'PUT of a custom property, durable',
    request: put,
    server: 'defaults',
    mode: 'all',
    reference: 'R PUT',
  },
  'PUT memory': {
    title: 'PUT, in memory',
    request: put,
    server: 'memory',
    reference: 'R PUT',
    goals: { one32: 0.8, one256: 0.8 },
  },
  'POST activity': {
    title: 'POST activity, durable',
    request: postActivity,
    server: 'ours',
    reference: 'R PUT',
    goals: { one32: 0.35, one256: 0.55, all32: 0.45, all256: 0.65 },
  },
  'POST activity, defaults': {
    title: 'POST activity, durable',
    request: postActivity,
    server: 'defaults',
    mode: 'all',
    reference: 'R PUT',
  },
  'peer join': { title: 'peer join', request: joinOrCreatePeer, server: 'peer' },
  join: {
    title: 'join or create, durable',
    request: joinOrCreate,
    server: 'joins',
    reference: 'peer join',
    goals: { all32: 2, all256: 2 },
    isOnce: true,
  },
  'join memory': {
    title: 'join or create, in memory',
    request: joinOrCreate,
    server: 'joinsInMemory',
    reference: 'peer join',
    goals: { all32: 3, all256: 3 },
    isOnce: true,
  },
};

/** A row for each work that has a reference, mode and count of connections; and the latency of PUT. */
export async function measureRates({ folder, rounds, seconds }: BenchSettings): Promise<Row[]> {
  await using ours = await startOwn(join(folder, 'rates'), 'bare');
  await using memory = await startOwn('memory', 'bare');
  await using defaults = await startOwn(join(folder, 'defaults'), 'defaults');
  // Joins make a hundred thousand sessions, which the other servers must not have to look after.
  await using joins = await startOwn(join(folder, 'joins'), 'bare');
  await using joinsInMemory = await startOwn('memory', 'bare');
  await using reference = await startPinned('reference-server.ts');
  await using peer = await startPinned('colyseus-server.ts');
  const own = { ours, memory, defaults };
  const servers: Servers = { ...own, joins, joinsInMemory, reference, peer };
  for (const server of Object.values(own)) await fillSessions(server);
  const openConnections = new Map<BenchServer, readonly RtaLine[]>();
  for (const server of [joins, joinsInMemory]) {
    openConnections.set(server, await openConnectionsOf(server));
  }

  const rows: Row[] = [];
  const requests = countRequests();
  for (const mode of modesAsked) {
    await placeOn(mode, Object.values(servers));
    const measuredWorks = Object.entries(works).filter(([, work]) => (work.mode ?? mode) === mode);
    for (const connections of connectionCounts) {
      const where = `${modes[mode]} @${connections}`;
      const results = new Map<string, LoadResult[]>();
      const delays: number[] = [];
      for (let round = 0; round <= rounds; round += 1) {
        const isWarmUp = round === 0;
        const roundSeconds = isWarmUp ? Math.min(seconds, 2) : seconds;
        for (const [name, work] of measuredWorks) {
          const server = servers[work.server];
          if (name === 'PUT') server.tell('measure');
          const result = await measureAlone(server, Object.values(servers), work, {
            ...{ seconds: roundSeconds, connections },
            openConnections: openConnections.get(server) ?? [],
            requests,
          });
          if (isWarmUp) continue; // for the compilers
          if (name === 'PUT') delays.push((await server.report<Report>()).eventLoopDelayP99Ms);
          results.set(name, [...(results.get(name) ?? []), result]);
          console.log(formatRound(round, `${name}, ${where}`, result));
        }
      }
      for (const [name, work] of measuredWorks) {
        if (work.reference !== undefined) rows.push(rowOf(name, work, mode, connections, results));
        if (name === 'PUT') rows.push(...latencyRows(results.get(name) ?? [], delays));
      }
    }
  }
  await placeOn('one', []);
  return rows;
}

/** Connections that stay open as long as the server, of users who are in no session. */
async function openConnectionsOf({ url }: BenchServer): Promise<readonly RtaLine[]> {
  const lines: RtaLine[] = [];
  for (let n = 0; n < openConnectionsCount; n += 1) {
    lines.push(await openLine(url, headersOf(n)['authorization'] ?? ''));
  }
  return lines;
}

/** Counts requests, so that no two loads send the same ones: `next(n)` is the first of n new ones. */
function countRequests() {
  let sent = 0;
  return {
    next(count: number): number {
      sent += count;
      return sent - count;
    },
  };
}

/** One load of a server while all others stand still. */
async function measureAlone(
  server: BenchServer,
  all: readonly BenchServer[],
  { request, isOnce = false }: Work,
  options: {
    readonly seconds: number;
    readonly connections: number;
    readonly openConnections: readonly RtaLine[];
    readonly requests: ReturnType<typeof countRequests>;
  },
): Promise<LoadResult> {
  const { seconds, connections, openConnections, requests } = options;
  const distinct = isOnce ? seconds * 25_000 : 20_000;
  const offset = requests.next(distinct);
  const ask = (n: number): LoadRequest => request(offset + n, openConnections);
  return runAlone(server, all, async () => {
    const result = await load(server.url, ask, { seconds, connections, distinct, isOnce });
    if (openConnections.every(({ isOpen }) => isOpen)) return result;
    throw new Error('The server ended connections of members while they joined.');
  });
}

function startOwn(place: string, observing: 'bare' | 'defaults'): Promise<BenchServer> {
  const asBefore = ['strict', '67108864', '', 'off', ''];
  return startPinned('measured-server.ts', [place, ...asBefore, observing]);
}

/** Where servers and client run: apart on two cores, or wherever the machine puts them. */
async function placeOn(mode: Mode, servers: readonly BenchServer[]): Promise<void> {
  if (cores === 1) return;
  const all = `0-${cores - 1}`;
  await pin(process.pid, mode === 'one' ? '1' : all);
  for (const { pid } of servers) await pin(pid, mode === 'one' ? '0' : all);
}

function rowOf(
  name: string,
  { title, server, reference = '', goals = {} }: Work,
  mode: Mode,
  connections: number,
  results: ReadonlyMap<string, readonly LoadResult[]>,
): Row {
  const own = results.get(name) ?? [];
  const others = results.get(reference) ?? [];
  // Of each round by itself: a machine that has slowed down has done so for both.
  const ratio = median(own.map(({ perSecond }, i) => perSecond / (others[i]?.perSecond ?? 0)));
  const goal = goals[`${mode}${connections}`];
  return {
    work: `${title}, ${modes[mode]} @${connections}; ${settingsOf[server]}`,
    measured: `${formatRates(own)}, p99 ${median(own.map((one) => one.p99Ms)).toFixed(1)} ms`,
    reference: `${reference} ${formatRates(others)}`,
    ratio,
    goal: goal === undefined ? '' : `≥ ${goal.toFixed(2)}`,
    reached: goal === undefined || ratio >= goal,
  };
}

/** The rate, with the cores that the client took; and a warning when it took all that it can. */
function formatRates(results: readonly LoadResult[]): string {
  const rate = median(results.map((one) => one.perSecond)).toFixed(0);
  const clientCores = median(results.map((one) => one.clientCores));
  const limit = clientCores >= clientCoresMax ? ', THE LIMIT' : '';
  return `${rate}/s (client ${clientCores.toFixed(2)} cores${limit})`;
}

function latencyRows(results: readonly LoadResult[], delays: readonly number[]): readonly Row[] {
  const p99Ms = median(results.map((one) => one.p99Ms));
  const delayMs = median(delays);
  return [
    {
      work: '  its p99',
      measured: `${p99Ms.toFixed(1)} ms`,
      reference: '',
      goal: '< 25 ms',
      reached: p99Ms < 25,
    },
    {
      work: '  event loop delay p99 under it',
      measured: `${delayMs.toFixed(1)} ms`,
      reference: '',
      goal: '< 20 ms',
      reached: delayMs < 20,
    },
  ];
}
