/**
 * The directory as the benches run it: in a process of its own that can be asked about itself.
 *
 * Messages in: `measure` forgets what was measured, `report` answers it; `held` answers the memory that is left
 * once V8 has given its reserves back to the system; `cpu` answers its processor time; `on` and `off` set the
 * lever that an argument names, and are answered when that is done; `gateway` answers where its gateway is.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { RedisUrl } from '../src/config/settings.ts';
import { startServer } from '../src/server.ts';
import type { CpuTime, Lever } from './measured-cost.ts';

/**
 * A data folder, the address of a Redis, or `memory`; and how it is set. `observing`: `bare` for no history,
 * `defaults` for the log of requests that users get (it goes nowhere) beside the history; without it there is
 * a history and no log.
 */
const [
  place = '',
  durability = 'strict',
  cacheBytesMax = '67108864',
  leverName = '',
  rateLimits = 'off',
  gateway = '',
  observing = '',
] = process.argv.slice(2);

const { lever }: { readonly lever?: Lever } =
  leverName === '' ? {} : await import(`./levers/${leverName}.ts`);

const server = await startServer({
  port: 0,
  ...(place === 'memory' || place.startsWith('redis')
    ? { store: place as 'memory' | RedisUrl }
    : { data: place }),
  durability: durability as 'strict' | 'relaxed',
  cacheBytesMax: Number(cacheBytesMax),
  rateLimits,
  ...(observing === 'bare' && { historyChangesMax: 0 }),
  ...(observing === 'defaults' && { requestLog: 'text' as const }),
  ...(gateway !== '' && { proxyPort: 0, tlsPort: 0 }),
  ...lever?.options?.(place),
  log: (line) => process.stderr.write(`${line}\n`),
});
const delay = monitorEventLoopDelay({ resolution: 1 });
let cpu = process.cpuUsage();

process.on('message', (message) => {
  if (message === 'gateway') process.send?.(server.gateway);
  if (message === 'cpu') {
    const [main, all] = [process.threadCpuUsage(), process.cpuUsage()];
    process.send?.({
      mainMicros: main.user + main.system,
      allMicros: all.user + all.system,
    } satisfies CpuTime);
  }
  if (message === 'held') {
    // The first time may leave chunks that only the second gives back.
    for (let time = 0; time < 2; time += 1) {
      globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    }
    process.send?.({
      residentBytes: process.memoryUsage.rss(),
      heapBytes: process.memoryUsage().heapUsed,
    });
  }
  if (message === 'on' || message === 'off') {
    void Promise.resolve(lever?.set(message === 'on', server)).then(() => process.send?.('set'));
  }
  if (message === 'measure') {
    delay.enable();
    delay.reset();
    cpu = process.cpuUsage();
  }
  if (message === 'report') {
    const { user, system } = process.cpuUsage(cpu);
    // What looks each millisecond would cost the other servers on this core.
    delay.disable();
    globalThis.gc?.();
    process.send?.({
      eventLoopDelayP99Ms: delay.percentile(99) / 1e6,
      eventLoopDelayMaxMs: delay.max / 1e6,
      cpuSeconds: (user + system) / 1e6,
      residentBytes: process.memoryUsage.rss(),
      heapBytes: process.memoryUsage().heapUsed,
      externalBytes: process.memoryUsage().external,
    });
  }
});
process.on('disconnect', () => void server.close().then(() => process.exit(0)));
process.send?.({ url: server.url });
