/**
 * A server in a process of its own that can be asked what it has cost so far. It keeps its sessions in
 * memory and does nothing by itself, as far as that can be set.
 *
 * Messages in: `cost` answers CostSoFar, `collect` collects garbage and answers it too.
 */

import { getHeapStatistics } from 'node:v8';
import { startServer } from '../../src/server.ts';

export type CostSoFar = {
  /** Processor time of the main thread. */
  readonly micros: number;
  /** What the heap holds, with what belongs to it outside; less than before when it was collected. */
  readonly bytes: number;
};

const server = await startServer({ port: 0, store: 'memory', log: () => undefined });

process.on('message', (message) => {
  if (message === 'collect') globalThis.gc?.();
  const { user, system } = process.threadCpuUsage();
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  process.send?.({ micros: user + system, bytes: used + external } satisfies CostSoFar);
});
process.on('disconnect', () => void server.close().then(() => process.exit(0)));
process.send?.({ url: server.url });
