/**
 * The flip test: what one change in the server is worth, on a machine whose speed swings. One process
 * switches the change (a lever) on and off all the while, and slices with it are compared with those
 * beside them without it. Two processes beside each other see nothing below 10 to 25 %; this sees
 * 2 % when the machine is calm. `nothing` is the lever that shows how calm it is.
 *
 *   npm ci --prefix bench
 *   node bench/flip.ts <lever> [get|put|activity]    a file of bench/levers/, without its ending
 *
 *   BENCH_PAIRS (15): of slices; BENCH_CONNECTIONS (32)
 *   BENCH_MODE (one): `one` core for the server, or `all` for both
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
import { openClient } from './load.ts';
import { type Cost, measureCost } from './measured-cost.ts';
import { measurePairs, median, ratioOf } from './pairs.ts';
import { cores, pin, startPinned } from './process.ts';
import { fillSessions, get, liveSessions, postActivity, put } from './rates.ts';
import { formatRatio } from './report.ts';

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
const pairsCount = Number(process.env['BENCH_PAIRS'] ?? 15);
const connections = Number(process.env['BENCH_CONNECTIONS'] ?? 32);
const isPinned = (process.env['BENCH_MODE'] ?? 'one') === 'one';

const folder = await mkdtemp(join(tmpdir(), 'openmpsd-flip-'));
try {
  const place = [join(folder, 'data'), 'strict', '67108864', name];
  await using server = await startPinned('measured-server.ts', place);
  if (cores > 1 && isPinned) await pin(process.pid, '1');
  else if (cores > 1) await pin(server.pid, `0-${cores - 1}`);
  await fillSessions(server);
  using client = await openClient(server.url, request, { connections });
  const measure = async (state: 'on' | 'off'): Promise<Cost> => {
    await server.report(state);
    return measureCost(server, client, liveSessions);
  };
  const pairs = await measurePairs(
    pairsCount,
    () => measure('on'),
    () => measure('off'),
  );
  const lineOf = (title: string, of: (cost: Cost) => number, unit: string): string => {
    const [on, off] = (['on', 'off'] as const).map((state) =>
      median(pairs.map((pair) => of(pair[state]))).toFixed(1),
    );
    return `  ${title}   × ${formatRatio(ratioOf(pairs, of))}, ${off} to ${on} ${unit}`;
  };
  console.log(`${name}, ${workName} @${connections}: with the lever`);
  console.log(lineOf('main thread, a request', (cost) => cost.mainMicros, 'µs'));
  console.log(lineOf('process, a request    ', (cost) => cost.allMicros, 'µs'));
  console.log(lineOf('rate                  ', (cost) => cost.perSecond, '/s'));
} finally {
  await rm(folder, { recursive: true, force: true });
}
