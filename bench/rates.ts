/**
 * The rates of requests, in two modes: the server on one core with the client on another, and as users
 * run it, with all cores for both. Each with few and many connections. Ours and its reference take turns, and
 * all other servers are stopped meanwhile.
 *
 * Ours has no log and keeps no history: the goals are older than both. What they cost is measured beside
 * it, on a server with the settings that users get when they give none, as these run it: on all cores.
 *
 *   BENCH_CONNECTIONS_OF_RATES (32,128,256), BENCH_MODES (one,all)
 */

import { join } from 'node:path';
import {
  formatRates,
  isClientTheLimit,
  latencyOf,
  openClient,
  sendAll,
  type LoadClient,
  type LoadRequest,
  type LoadResult,
} from './load.ts';
import { droppedMs, measurePairs, type Pair, ratioOf, sliceMs } from './pairs.ts';
import { cores, pin, runAlone, startPinned, type BenchServer } from './process.ts';
import { formatRatio, type BenchSettings, type Report, type Row } from './report.ts';
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
/** Of all clients together, so that no two send the same join. */
let joinsCount = 0;
const joinOrCreate = (_: number, openConnections: readonly RtaLine[]): LoadRequest => {
  const n = joinsCount++;
  const [session, seat] = [1_000_000 + Math.floor(n / 4), n % 4];
  const connectionId = openConnections[n % openConnections.length]?.connectionId;
  return {
    method: 'PUT',
    path: pathOf(session),
    headers: headersOf(session, seat),
    body: joinBody(seat, connectionId),
  };
};
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

/** How many different requests of a kind there are: four values for each session, so that each is a change. */
const distinct = 4 * liveSessions;

type Load = {
  readonly name: string;
  readonly request: (n: number, openConnections: readonly RtaLine[]) => LoadRequest;
  readonly server: keyof typeof settingsOf;
  /** Without it no request is sent twice. */
  readonly distinct?: number;
};

type Work = Load & {
  /** The load that it is a ratio of. */
  readonly reference: Load;
  /** Where it is measured; everywhere unless given. */
  readonly mode?: Mode;
  /** By mode and connections; no goal where none is named. */
  readonly goals?: Readonly<Record<string, number>>;
  /** Its latency has rows of its own. */
  readonly hasLatency?: boolean;
};

const referenceGet: Load = { name: 'R GET', request: get, server: 'reference', distinct };
const referencePut: Load = { name: 'R PUT', request: put, server: 'reference', distinct };
const peerJoin: Load = {
  name: 'peer join',
  request: joinOrCreatePeer,
  server: 'peer',
  distinct: 1,
};

const works: readonly Work[] = [
  {
    name: 'GET of a 4-member session',
    request: get,
    distinct,
    server: 'ours',
    reference: referenceGet,
    goals: { one32: 0.95, one256: 0.95, all32: 0.95, all256: 0.95 },
  },
  {
    name: 'PUT of a custom property, durable',
    request: put,
    distinct,
    server: 'ours',
    reference: referencePut,
    goals: { one32: 0.45, one256: 0.6, all32: 0.55, all256: 0.7 },
    hasLatency: true,
  },
  {
    name: 'PUT of a custom property, durable',
    request: put,
    distinct,
    server: 'defaults',
    mode: 'all',
    reference: referencePut,
  },
  {
    name: 'PUT, in memory',
    request: put,
    distinct,
    server: 'memory',
    reference: referencePut,
    goals: { one32: 0.8, one256: 0.8 },
  },
  {
    name: 'POST activity, durable',
    request: postActivity,
    distinct,
    server: 'ours',
    reference: referencePut,
    goals: { one32: 0.35, one256: 0.55, all32: 0.45, all256: 0.65 },
  },
  {
    name: 'POST activity, durable',
    request: postActivity,
    distinct,
    server: 'defaults',
    mode: 'all',
    reference: referencePut,
  },
  {
    name: 'join or create, durable',
    request: joinOrCreate,
    server: 'joins',
    reference: peerJoin,
    goals: { all32: 2, all256: 2 },
  },
  {
    name: 'join or create, in memory',
    request: joinOrCreate,
    server: 'joinsInMemory',
    reference: peerJoin,
    goals: { all32: 3, all256: 3 },
  },
];

/** A row for each work, mode and count of connections; and the latency of PUT. */
export async function measureRates({ folder, pairs, seconds }: BenchSettings): Promise<Row[]> {
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
  const all = Object.values(servers);
  for (const server of Object.values(own)) await fillSessions(server);
  const openConnections = new Map<BenchServer, readonly RtaLine[]>();
  for (const server of [joins, joinsInMemory]) {
    openConnections.set(server, await openConnectionsOf(server));
  }

  const rows: Row[] = [];
  /** The compilers need seconds for a kind of request, beside the server on its core. */
  const warm = new Set<Work>();
  const warmUpMs = Math.min(3_000, pairs * 250);
  for (const mode of modesAsked) {
    await placeOn(mode, all);
    for (const connections of connectionCounts) {
      const connect = ({ server, request, distinct }: Load): Promise<LoadClient> => {
        const open = openConnections.get(servers[server]) ?? [];
        const ask = (n: number): LoadRequest => request(n, open);
        return openClient(servers[server].url, ask, {
          connections,
          ...(distinct !== undefined && { distinct }),
        });
      };
      for (const work of works.filter((one) => (one.mode ?? mode) === mode)) {
        const server = servers[work.server];
        using client = await connect(work);
        using referenceClient = await connect(work.reference);
        const measure = (ms: number, dropped: number) =>
          runAlone(server, all, () => client.load(ms, dropped));
        const measureReference = (ms: number, dropped: number) =>
          runAlone(servers[work.reference.server], all, () => referenceClient.load(ms, dropped));
        if (!warm.has(work)) {
          warm.add(work);
          await measure(warmUpMs, 0);
          await measureReference(warmUpMs, 0);
        }
        const measured = await measurePairs(
          pairs,
          () => measure(sliceMs, droppedMs),
          () => measureReference(sliceMs, droppedMs),
        );
        const row = rowOf(work, mode, connections, measured);
        console.log(`${row.work}: ${formatRatio(row)}`);
        rows.push(row);
        if (work.hasLatency === true) {
          server.tell('measure');
          const result = await runAlone(server, all, () => client.load(seconds * 1_000));
          rows.push(...latencyRows(result, await server.report<Report>(), seconds));
        }
      }
      if (![...openConnections.values()].flat().every(({ isOpen }) => isOpen)) {
        throw new Error('The server ended connections of members while they joined.');
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
  { name, server, reference, goals = {} }: Work,
  mode: Mode,
  connections: number,
  pairs: readonly Pair<LoadResult>[],
): Row {
  const own = pairs.map(({ on }) => on);
  const others = pairs.map(({ off }) => off);
  const ratio = ratioOf(pairs, (one) => one.perSecond);
  const goal = goals[`${mode}${connections}`];
  return {
    work: `${name}, ${modes[mode]} @${connections}; ${settingsOf[server]}`,
    measured: `${formatRates(own)}, p99 ${latencyOf(own, 0.99).toFixed(1)} ms`,
    reference: `${reference.name} ${formatRates(others)}`,
    ...ratio,
    goal: goal === undefined ? '' : `≥ ${goal.toFixed(2)}`,
    // A client that holds the faster side up makes the ratio better than it is.
    reached: goal === undefined || (ratio.ratio >= goal && ![own, others].some(isClientTheLimit)),
  };
}

/** Of a load that is not cut into slices. */
function latencyRows(
  result: LoadResult,
  { eventLoopDelayP99Ms }: Report,
  seconds: number,
): readonly Row[] {
  const p99Ms = latencyOf([result], 0.99);
  return [
    {
      work: `  its p99, in one load of ${seconds} s`,
      measured: `${p99Ms.toFixed(1)} ms`,
      reference: '',
      goal: '< 25 ms',
      reached: p99Ms < 25,
    },
    {
      work: '  event loop delay p99 under it',
      measured: `${eventLoopDelayP99Ms.toFixed(1)} ms`,
      reference: '',
      goal: '< 20 ms',
      reached: eventLoopDelayP99Ms < 20,
    },
  ];
}
