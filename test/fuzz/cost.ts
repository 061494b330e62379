import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { CostSoFar } from './costed-server.ts';

/** What one piece of work cost a server. */
export type Cost = {
  readonly micros: number;
  /** Allocated; undefined when the heap was collected meanwhile. */
  readonly bytes: number | undefined;
};

/** A piece of work: how large it is, what it was, and what it cost. */
export type Sample = {
  /** Bytes that were sent and answered: who gets much has asked for much. */
  readonly size: number;
  readonly cost: Cost;
  readonly what: string;
  /** Does the same again, from the same state; what it costs then. */
  readonly again: () => Promise<Cost>;
};

/** How much more than the median of its size class a piece of work may cost. */
const factorMax = 20;
/** Before work is called expensive, it is repeated; what counts is the least. */
const repeats = 6;

/** A server process whose costs are known. */
export class CostedServer implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  /** What asking for the cost costs itself. */
  #idleMicros = 0;
  #idleBytes = 0;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(): Promise<CostedServer> {
    const child = fork(new URL('costed-server.ts', import.meta.url), {
      // A large young generation, so that it is seldom collected in the middle of a request.
      execArgv: ['--expose-gc', '--max-semi-space-size=128'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    const server = new CostedServer(child, url);
    const idle: Cost[] = [];
    for (let n = 0; n < 200; n += 1) idle.push(await server.costOf(async () => undefined));
    server.#idleMicros = median(idle.map(({ micros }) => micros));
    server.#idleBytes = median(idle.map(({ bytes = 0 }) => bytes));
    return server;
  }

  /** What the server spends until `work` resolves. */
  async costOf(work: () => Promise<unknown>): Promise<Cost> {
    const before = await this.#ask('cost');
    await work();
    const after = await this.#ask('cost');
    const bytes = after.bytes - before.bytes - this.#idleBytes;
    return {
      micros: Math.max(1, after.micros - before.micros - this.#idleMicros),
      bytes: bytes > 0 ? bytes : undefined,
    };
  }

  async collect(): Promise<void> {
    await this.#ask('collect');
  }

  async #ask(what: 'cost' | 'collect'): Promise<CostSoFar> {
    const answered = once(this.#child, 'message');
    this.#child.send(what);
    return (await answered)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}

/** The middle one of these values; NaN of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Sizes fall into classes that are each four times as large as the one before. */
function classOf(size: number): number {
  return Math.max(0, Math.ceil(Math.log(size / 1_024) / Math.log(4)));
}

/**
 * Asserts that nothing cost more than 20 times the median of its size class, in processor time or in
 * memory. What seems to is repeated: the noise of a machine does not come six times in a row.
 *
 * @returns A line for each class: its count and its medians.
 */
export async function assertFairCosts(
  server: CostedServer,
  samples: readonly Sample[],
): Promise<readonly string[]> {
  const classes = Map.groupBy(samples, ({ size }) => classOf(size));
  const lines: string[] = [];
  for (const [index, all] of [...classes].sort(([a], [b]) => a - b)) {
    // The median of a few says nothing; they are measured by the class below.
    const judges = all.length >= 20 ? all : [...all, ...(classes.get(index - 1) ?? [])];
    const micros = median(judges.map(({ cost }) => cost.micros));
    const bytes = median(judges.flatMap(({ cost }) => cost.bytes ?? []));
    const upTo = `up to ${4 ** index} KiB`;
    lines.push(
      `${upTo}: ${all.length}, ${micros.toFixed(0)} µs, ${(bytes / 1_024).toFixed(0)} KiB`,
    );
    const isFair = (cost: Cost): boolean =>
      cost.micros <= factorMax * micros && (cost.bytes ?? 0) <= factorMax * bytes;
    for (const { what, cost, again } of all) {
      if (isFair(cost)) continue;
      const costs = [cost];
      for (let n = 0; n < repeats && !costs.some(isFair); n += 1) {
        await server.collect();
        costs.push(await again());
      }
      assert.ok(
        costs.some(isFair),
        `${what}\n  cost ${costs.map((one) => `${one.micros} µs, ${one.bytes} bytes`).join('; ')}\n  ` +
          `while the median ${upTo} is ${micros} µs, ${bytes} bytes (seen ${judges.length} times)`,
      );
    }
  }
  return lines;
}
