/**
 * The bench of search: many live search handles of one template, in the index of one process.
 *
 *   BENCH_HANDLES (100000), BENCH_SEARCHES (300): handles, and searches of each kind
 *
 * With --expose-gc it also tells the memory of a handle.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createSearchIndex } from '../src/directory/search-index.ts';
import type { SearchHandle } from '../src/domain/handle/handle.ts';
import { formatJson, parseExactJson } from '../src/domain/json.ts';
import { candidateOf } from '../src/domain/search/candidate.ts';
import { parseOrder } from '../src/domain/search/order.ts';
import { parseFilter } from '../src/domain/search/parser.ts';
import type { Session } from '../src/domain/session/session.ts';
import { breathe } from '../src/platform/breathe.ts';
import { seededRandom } from '../src/testing/random.ts';
import {
  ada,
  bert,
  cleo,
  dora,
  notRefused,
  sampleReference,
  sampleTemplate,
  sessionOf,
} from '../src/testing/samples.ts';

const handlesCount = Number(process.env['BENCH_HANDLES'] ?? 100_000);
const searchesCount = Number(process.env['BENCH_SEARCHES'] ?? 300);

const random = seededRandom(1);
const template = sampleTemplate({ maxMembersCount: 16 });
const sample = formatJson(sessionOf([ada, bert, cleo, dora], { template }));

/** The n-th session, with no text shared with any other: as a store reads them. */
function sessionWithHandle(n: number): Session {
  const session = parseExactJson(sample) as unknown as Session;
  const reference = { ...session.reference, name: crypto.randomUUID() };
  const searchAttributes = {
    tags: [`group${n % 100}`, 'ranked', random.chance(0.5) ? 'casual' : 'pro'],
    numbers: { mmr: random.below(3_000), level: random.below(100) },
    strings: { map: `map${random.below(20)}`, mode: 'ctf' },
  };
  const searchHandle: SearchHandle = {
    id: crypto.randomUUID(),
    type: 'search',
    version: 1,
    reference,
    createTimeMs: 1_700_000_000_000 + n,
    creatorXuid: ada.xuid,
    searchAttributes: parseExactJson(formatJson(searchAttributes)) as typeof searchAttributes,
  };
  const members = session.members.map((member, i) => ({
    ...member,
    xuid: String(2_535_000_000_000_000 + n * 4 + i),
  }));
  return { ...session, reference, members, searchHandle };
}

const index = createSearchIndex();
globalThis.gc?.();
const bytesBefore = process.memoryUsage().heapUsed;
const startedMs = performance.now();
for (let n = 0; n < handlesCount; n += 1) {
  const candidate = candidateOf(sessionWithHandle(n));
  if (candidate) index.put(candidate.key, 1, candidate);
}
console.log(`${handlesCount} handles in ${(performance.now() - startedMs).toFixed(0)} ms`);
globalThis.gc?.();
const bytes = (process.memoryUsage().heapUsed - bytesBefore) / handlesCount;
if (globalThis.gc) console.log(`${bytes.toFixed(0)} bytes a handle (goal: < 1024)`);

const delay = monitorEventLoopDelay({ resolution: 1 });

async function measure(text: string, orderBy: string): Promise<void> {
  const timesMs: number[] = [];
  let foundCount = 0;
  delay.enable();
  delay.reset();
  for (let n = 0; n < searchesCount; n += 1) {
    const beganMs = performance.now();
    const filter = text === '' ? undefined : notRefused(parseFilter(text));
    const order = notRefused(parseOrder(orderBy));
    foundCount = 0;
    const search = { scid: sampleReference.scid, filter, order, wanted: 100 };
    for await (const _one of index.search(search, breathe)) {
      foundCount += 1;
      if (foundCount === 100) break;
    }
    timesMs.push(performance.now() - beganMs);
  }
  timesMs.sort((a, b) => a - b);
  const percentile = (p: number): string =>
    (timesMs[Math.floor((timesMs.length * p) / 100)] ?? Number.NaN).toFixed(2);
  console.log(
    `p50 ${percentile(50)} ms  p99 ${percentile(99)} ms  found ${foundCount}  event loop at most ${(delay.max / 1e6).toFixed(1)} ms  ${text} by ${orderBy}`,
  );
}

for (const [filter, orderBy] of [
  ["tags/any(d:d eq 'group7')", 'timestamp asc'],
  ["tags/any(d:d eq 'group7')", 'mmr desc'],
  ['numbers/mmr ge 1000 and numbers/mmr lt 1030', 'timestamp asc'],
  ["strings/map eq 'map3' and tags/pro and numbers/level lt 20", 'mmr desc'],
  ["strings/mode eq 'ctf'", 'timestamp asc'],
  ['', 'mmr desc'],
  ["not strings/mode eq 'ctf'", 'timestamp asc'],
  ["not (strings/mode eq 'ctf' and numbers/level lt 1000 and tags/ranked)", 'mmr desc'],
] as const) {
  await measure(filter, orderBy);
}
