/**
 * The rows of RTA: what a connection costs, how fast a tap is, and what taps cost a write.
 *
 *   BENCH_CONNECTIONS (20000): idle connections held
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { demoScid } from '../src/testing/demo.ts';
import { formatRates, openClient, sendAll, type LoadRequest } from './load.ts';
import { droppedMs, measurePairs, median, quantile, ratioOf, sliceMs } from './pairs.ts';
import { startPinned } from './process.ts';
import { openLine, type RtaLine } from './rta-line.ts';
import type { BenchSettings, HeldMemory, Report, Row } from './report.ts';
import { changeBody, headersOf, pathOf } from './sample.ts';

const connectionsAsked = Number(process.env['BENCH_CONNECTIONS'] ?? 20_000);
/** By default the server tells a connection of taps once in this time. */
const tapWindowMs = 2_500;
const fanOutsCount = 3;

/** The rows, one after the other, each on a server of its own. */
export async function measureRta(settings: BenchSettings): Promise<Row[]> {
  return [
    await measureIdle(settings),
    await measureLatency(settings),
    await measureFanOut(settings),
    await measureTappedWrites(settings),
  ];
}

const authorizationOf = (session: number, seat = 0): string =>
  headersOf(session, seat)['authorization'] ?? '';

/** Opens lines as fast as the server takes them, a few at a time. */
async function openLines(
  url: string,
  count: number,
  user: (n: number) => readonly [session: number, seat: number],
): Promise<RtaLine[]> {
  const lines: RtaLine[] = [];
  let n = 0;
  const worker = async (): Promise<void> => {
    while (n < count) {
      const at = n++;
      lines[at] = await openLine(url, authorizationOf(...user(at)));
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  return lines;
}

/** The join of one seat; on a line it is subscribed to these changes. */
function joinOn(
  session: number,
  seat: number,
  line: RtaLine | undefined,
  changeType: 'everything' | 'initialization' = 'everything',
): LoadRequest {
  const system = {
    active: true,
    ...(line && {
      connection: line.connectionId,
      subscription: {
        id: `81A3266D-0000-4000-8000-00000000000${seat % 10}`,
        changeTypes: [changeType],
      },
    }),
  };
  return {
    method: 'PUT',
    path: pathOf(session),
    headers: headersOf(session, seat),
    body: JSON.stringify({ members: { me: { properties: { system } } } }),
  };
}

/** Files that a process has open beside the sockets of its connections, generously. */
const otherFiles = 200;

/** How many files a process may have open; Infinity where it is not known. Node raises its own limit to it. */
function filesMax(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const [, hard = 'unlimited'] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? [];
    return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  } catch {
    return Number.POSITIVE_INFINITY; // no Linux
  }
}

/**
 * What the process has more for each connection. A part of it is V8's reserve, which the load before has made and not
 * the connections: beside it stands what is held once V8 has given the reserve back.
 */
async function measureIdle({ folder }: BenchSettings): Promise<Row> {
  await using server = await startPinned('measured-server.ts', [join(folder, 'idle'), 'strict']);
  const count = Math.min(connectionsAsked, filesMax() - otherFiles);
  const user = (n: number) => [Math.floor(n / 4), n % 4] as const;
  // The first ones are there already when it is measured, with all that was loaded for them.
  const first = await openLines(server.url, 100, user);
  const withReserveBefore = await server.report<Report>();
  const before = await server.report<HeldMemory>('held');
  const lines = await openLines(server.url, count - first.length, (n) => user(n + first.length));
  const withReserve = await server.report<Report>();
  const after = await server.report<HeldMemory>('held');
  const open = [...first, ...lines].filter((line) => line.isOpen).length;
  for (const line of [...first, ...lines]) line.close();
  const kilobytesEach = (bytes: number): string =>
    `${(bytes / lines.length / 1_024).toFixed(1)} KB`;
  const bytes = withReserve.residentBytes - withReserveBefore.residentBytes;
  const heldBytes = after.residentBytes - before.residentBytes;
  const heapBytes = after.heapBytes - before.heapBytes;
  const limit = count < connectionsAsked ? `, as a process may have ${filesMax()} files here` : '';
  return {
    work: 'idle RTA connections in one process',
    measured: `${open} held${limit}; ${kilobytesEach(bytes)} each`,
    reference: `without V8's reserve ${kilobytesEach(heldBytes)}, ${kilobytesEach(heapBytes)} of it heap`,
    goal: `${connectionsAsked} held, ≤ 7 KB`,
    // As many as the machine allows are enough.
    reached: open === count && bytes / lines.length <= 7 * 1_024,
  };
}

/** From the sending of a write to the tap in the socket; each connection gets its first tap. */
async function measureLatency({ folder }: BenchSettings): Promise<Row> {
  const sessions = 1_000;
  await using server = await startPinned('measured-server.ts', [join(folder, 'taps'), 'strict']);
  const lines = await openLines(server.url, sessions, (n) => [n, 0]);
  await sendAll(server.url, sessions, (n) => joinOn(n, 0, lines[n]));
  const times: number[] = [];
  for (const [n, line] of lines.entries()) {
    const tapped = new Promise<number>((resolve) => {
      line.onFrame = () => resolve(performance.now());
    });
    const sentMs = performance.now();
    await sendAll(server.url, 1, () => ({ ...joinOn(n, 0, line), body: changeBody(n) }));
    times.push((await tapped) - sentMs);
  }
  for (const line of lines) line.close();
  const [p50Ms, p99Ms] = [quantile(times, 0.5), quantile(times, 0.99)];
  return {
    work: `write to tap, idle connection, ${sessions} subscribed sessions`,
    measured: `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`,
    reference: '',
    goal: 'p50 < 3 ms, p99 < 10 ms',
    reached: p50Ms < 3 && p99Ms < 10,
  };
}

async function measureFanOut({ folder }: BenchSettings): Promise<Row> {
  const members = 100;
  await using server = await startPinned('measured-server.ts', [join(folder, 'fan-out'), 'strict']);
  // A hundred users from as many sample sessions meet in one, of a template that sets no limit.
  const path = `/serviceconfigs/${demoScid}/sessionTemplates/blank/sessions/fan-out`;
  const lines = await openLines(server.url, members, (n) => [n, 0]);
  for (const [n, line] of lines.entries()) {
    await sendAll(server.url, 1, () => ({ ...joinOn(n, 0, line), path }));
  }
  const times: number[] = [];
  for (let n = 0; n <= fanOutsCount; n += 1) {
    // For the windows to end that the last taps began, and whatever waits in them to go out.
    await sleep(tapWindowMs * 2.2);
    const tapped = Promise.all(
      lines.map(
        (line) =>
          new Promise<number>((resolve) => {
            line.onFrame = () => resolve(performance.now());
          }),
      ),
    );
    const sentMs = performance.now();
    await sendAll(server.url, 1, () => ({
      ...joinOn(0, 0, undefined),
      path,
      body: changeBody(n),
    }));
    times.push(Math.max(...(await tapped)) - sentMs);
  }
  for (const line of lines) line.close();
  const ms = median(times.slice(1)); // the first was for the compilers
  return {
    work: `one write to a ${members}-member session, all taps in`,
    measured: `${ms.toFixed(1)} ms`,
    reference: '',
    goal: '< 15 ms',
    reached: ms < 15,
  };
}

/**
 * The rate of writes to sessions whose four members are notified, against sessions where nobody is. Taps that
 * wait for the end of a window go out in slices of either kind; they are few, as each connection gets one.
 */
async function measureTappedWrites({ folder, pairs }: BenchSettings): Promise<Row> {
  const sessions = 250;
  await using server = await startPinned('measured-server.ts', [join(folder, 'cost'), 'strict']);
  // Documents of both kinds are alike: the quiet members are subscribed to what does not change.
  const lines = await openLines(server.url, 2 * sessions * 4, (n) => [Math.floor(n / 4), n % 4]);
  await sendAll(server.url, lines.length, (n) => {
    const session = Math.floor(n / 4);
    const changeType = session < sessions ? 'everything' : 'initialization';
    return joinOn(session, n % 4, lines[n], changeType);
  });
  const writeFrom = (first: number) => (n: number) => ({
    ...joinOn(first + (n % sessions), 0, undefined),
    body: changeBody(n),
  });
  const distinct = 4 * sessions;
  using tapped = await openClient(server.url, writeFrom(0), { distinct });
  using quiet = await openClient(server.url, writeFrom(sessions), { distinct });
  const measured = await measurePairs(
    pairs,
    () => tapped.load(sliceMs, droppedMs),
    () => quiet.load(sliceMs, droppedMs),
  );
  for (const line of lines) line.close();
  const ratio = ratioOf(measured, (one) => one.perSecond);
  return {
    work: 'PUT with 4 subscribed members',
    measured: formatRates(measured.map(({ on }) => on)),
    reference: `without ${formatRates(measured.map(({ off }) => off))}`,
    ...ratio,
    goal: '≥ 0.80',
    reached: ratio.ratio >= 0.8,
  };
}
