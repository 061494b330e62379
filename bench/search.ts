/**
 * The bench of search: 100,000 live search handles of one template.
 *
 *   BENCH_HANDLES (100000), BENCH_SEARCHES (500): handles, and searches of each kind
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as breathe } from 'node:timers/promises';
import { createSearchIndex } from '../src/directory/search-index.ts';
import { candidateOf } from '../src/domain/search/candidate.ts';
import { oldestFirst, parseOrder, type Order } from '../src/domain/search/order.ts';
import { parseFilter } from '../src/domain/search/parser.ts';
import { Refusal } from '../src/domain/refusal.ts';
import { seededRandom } from '../src/testing/random.ts';
import { ada, bert, cleo, dora, sampleTemplate, sessionOf } from '../src/testing/samples.ts';
const handles = Number(process.env['BENCH_HANDLES'] ?? 100_000);
const random = seededRandom(1);
const base = JSON.stringify(
  sessionOf([ada, bert, cleo, dora], { template: sampleTemplate({ maxMembersCount: 16 }) }),
);
const index = createSearchIndex();
globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
const t0 = performance.now();
const guid = () => crypto.randomUUID();
for (let n = 0; n < handles; n += 1) {
  const s = JSON.parse(base);
  s.reference = { ...s.reference, name: guid() };
  s.members.forEach((m: any, i: number) => {
    m.xuid = String(2535000000000000 + n * 4 + i);
  });
  s.searchHandle = {
    id: guid(),
    type: 'search',
    version: 1,
    reference: s.reference,
    createTimeMs: 1.7e12 + n,
    searchAttributes: JSON.parse(
      JSON.stringify({
        tags: [`group${n % 100}`, 'ranked', random.chance(0.5) ? 'casual' : 'pro'],
        numbers: { mmr: random.below(3000), level: random.below(100) },
        strings: { map: `map${random.below(20)}`, mode: 'ctf' },
      }),
    ),
  };
  const c = candidateOf(s);
  index.put(c!.key, 1, c);
}
console.log('load', (performance.now() - t0).toFixed(0), 'ms');
globalThis.gc?.();
console.log('bytes a handle', ((process.memoryUsage().heapUsed - before) / handles).toFixed(0));
const delay = monitorEventLoopDelay({ resolution: 1 });
async function run(text: string, order: Order = oldestFirst, count = 300) {
  const times: number[] = [];
  let found = 0;
  delay.enable();
  delay.reset();
  for (let i = 0; i < count; i += 1) {
    const at = performance.now();
    const filter = text ? parseFilter(text) : undefined;
    if (filter instanceof Refusal) throw new Error(filter.text);
    found = 0;
    for await (const _ of index.search(
      { scid: ada && JSON.parse(base).reference.scid, filter, order, wanted: 100 },
      breathe,
    )) {
      found += 1;
      if (found === 100) break;
    }
    times.push(performance.now() - at);
  }
  times.sort((a, b) => a - b);
  console.log(
    text.padEnd(70),
    found,
    'p50',
    times[times.length >> 1]!.toFixed(2),
    'p99',
    times[Math.floor(times.length * 0.99)]!.toFixed(2),
    'delay max',
    (delay.max / 1e6).toFixed(1),
  );
}
const order = (t: string) => {
  const o = parseOrder(t);
  if (o instanceof Refusal) throw new Error(o.text);
  return o;
};
await run("tags/any(d:d eq 'group7')");
await run("tags/any(d:d eq 'group7')", order('mmr desc'));
await run('numbers/mmr ge 1000 and numbers/mmr lt 1030');
await run("strings/map eq 'map3' and tags/pro and numbers/level lt 20", order('mmr desc'));
await run("strings/mode eq 'ctf'");
await run("not strings/mode eq 'ctf'", oldestFirst, 30);
await run(
  "not (strings/mode eq 'ctf' and numbers/level lt 1000 and session/membersCount ne 5 and tags/ranked)",
  oldestFirst,
  30,
);
await run('');
await run('numbers/mmr ge 0 and numbers/level gt 100', oldestFirst, 30);
