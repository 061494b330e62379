/**
 * The flip test: what one change in the server is worth, on a machine whose speed swings. One process
 * switches the change (a lever) on and off all the while; each slice with it is compared with its two
 * neighbours without it. Two processes beside each other see nothing below 10 to 25 %; this sees
 * 2 % when the machine is calm. `nothing` is the lever that shows how calm it is.
 *
 *   npm ci --prefix bench
 *   node bench/flip.ts <lever> [get|put|activity]    a file of bench/levers/, without its ending
 *
 *   BENCH_SECONDS (8), BENCH_CONNECTIONS (32), BENCH_MODE (one): as in rates.ts
 *
 * A lever is a module that exports `lever`. It is loaded into the server's process and reaches the code
 * under test by what the server itself has to switch it: a setting that is read again, a plain field.
 * Never by a method that it replaces: the compiler then no longer knows which one is called, and what is
 * measured is that.
 */

import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer, ServerOptions } from '../src/server.ts';
import { load, median } from './load.ts';
import { cores, pin, startPinned } from './process.ts';
import { fillSessions, get, postActivity, put } from './rates.ts';
import { compare, pairsOf } from './slice-pairs.ts';

export type Lever = {
  /** What the server is started with; `place` is its data folder, beside which there may be a file. */
  options?(place: string): ServerOptions;
  /** Switches it. Called on the server's main thread, and waited for. */
  set(isOn: boolean, server: RunningServer): Promise<void> | void;
};

/** What a server did while a lever stood still. */
export type Slice = {
  readonly isOn: boolean;
  readonly requests: number;
  readonly seconds: number;
  /** Processor time: of the main thread; of the whole process. */
  readonly mainMicros: number;
  readonly allMicros: number;
};

const works = { get, put, activity: postActivity };
const names = readdirSync(new URL('levers/', import.meta.url)).map((file) =>
  file.replace(/\.ts$/, ''),
);

const [name = '', workName = 'put'] = process.argv.slice(2);
if (!names.includes(name) || !Object.hasOwn(works, workName)) {
  console.error(`Usage: node bench/flip.ts <${names.join('|')}> [${Object.keys(works).join('|')}]`);
  process.exit(2);
}
const request = works[workName as keyof typeof works];
const seconds = Number(process.env['BENCH_SECONDS'] ?? 8);
const connections = Number(process.env['BENCH_CONNECTIONS'] ?? 32);
const isPinned = (process.env['BENCH_MODE'] ?? 'one') === 'one';

const folder = await mkdtemp(join(tmpdir(), 'openmpsd-flip-'));
try {
  const place = [join(folder, 'data'), 'strict', '67108864', name];
  await using server = await startPinned('measured-server.ts', place);
  if (cores > 1 && isPinned) await pin(process.pid, '1');
  else if (cores > 1) await pin(server.pid, `0-${cores - 1}`);
  await fillSessions(server);
  await load(server.url, request, { seconds: 2, connections });
  server.tell('flip');
  await load(server.url, (n) => request(n + 50_000), { seconds, connections });
  const slices = await server.report<readonly Slice[]>('slices');
  print(slices);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** The median of what each slice with the lever differs by from the mean of its two neighbours. */
function print(slices: readonly Slice[]): void {
  const pairs = pairsOf(slices)
    .filter(({ slice, off }) => [slice, ...off].every(({ requests }) => requests > 0))
    .map((pair) => ({
      main: compare(pair, ({ mainMicros, requests }) => mainMicros / requests).more,
      all: compare(pair, ({ allMicros, requests }) => allMicros / requests).more,
      rate: 100 * (compare(pair, ({ requests, seconds }) => requests / seconds).ratio - 1),
    }));
  const spread = (of: (pair: (typeof pairs)[number]) => number, unit: string): string => {
    const sorted = pairs.map(of).sort((a, b) => a - b);
    const at = (part: number): string =>
      (sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
    return `${median(sorted).toFixed(1)} ${unit} (quarters ${at(0.25)} … ${at(0.75)})`;
  };
  console.log(`${name}, ${workName} @${connections}, ${pairs.length} pairs: with the lever`);
  console.log(`  main thread, a request   ${spread(({ main }) => main, 'µs')}`);
  console.log(`  process, a request       ${spread(({ all }) => all, 'µs')}`);
  console.log(`  rate                     ${spread(({ rate }) => rate, '%')}`);
}
