/** What a request costs a server: processor time, which no other process takes part in. */

import type { RunningServer, ServerOptions } from '../src/server.ts';
import type { LoadClient, LoadResult } from './load.ts';
import { sliceMs } from './pairs.ts';
import type { BenchServer } from './process.ts';

/** What can be switched in a running server. */
export type Lever = {
  /** What the server is started with; `place` is its data folder, beside which there may be a file. */
  options?(place: string): ServerOptions;
  /** Switches it. Called on the server's main thread, and waited for. */
  set(isOn: boolean, server: RunningServer): Promise<void> | void;
};

/** Processor time that a server has used: its main thread; the whole process. */
export type CpuTime = { readonly mainMicros: number; readonly allMicros: number };

/** A slice of load, and the processor time of one request in it. */
export type Cost = LoadResult & CpuTime;

/**
 * One slice of this load. So many requests before it do not count: what a switch has made the server
 * forget is there again.
 */
export async function measureCost(
  server: BenchServer,
  client: LoadClient,
  settlingCount: number,
): Promise<Cost> {
  await client.sendAll(settlingCount);
  const before = await server.report<CpuTime>('cpu');
  const result = await client.load(sliceMs);
  const after = await server.report<CpuTime>('cpu');
  return {
    ...result,
    mainMicros: (after.mainMicros - before.mainMicros) / result.total,
    allMicros: (after.allMicros - before.allMicros) / result.total,
  };
}
