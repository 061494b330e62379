import { arch, cpus, release } from 'node:os';
import { mkdir, writeFile } from 'node:fs/promises';
import { client, type LoadResult } from './load.ts';
import { cores } from './process.ts';

/** A line of the bench's table. */
export type Row = {
  readonly work: string;
  readonly measured: string;
  readonly reference: string;
  readonly ratio?: number;
  /** Empty where none was set. */
  readonly goal: string;
  readonly reached: boolean;
};

/** What a measured server says of itself. */
export type Report = {
  readonly eventLoopDelayP99Ms: number;
  readonly eventLoopDelayMaxMs: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Of typed arrays and the like. */
  readonly externalBytes: number;
};

/** What a measured server holds, without what V8 keeps in reserve. */
export type HeldMemory = Pick<Report, 'residentBytes' | 'heapBytes'>;

export type BenchSettings = {
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
};

const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cores} cores, ${process.platform} ${release()} ${arch()}, Node ${process.version}, client ${client}`;

/** A rate as the rounds show it. */
export function formatRound(round: number, name: string, result: LoadResult): string {
  const rate = result.perSecond.toFixed(0).padStart(7);
  return `round ${round}  ${name.padEnd(34)} ${rate}/s  p99 ${result.p99Ms.toFixed(1)} ms  client ${result.clientCores.toFixed(2)} cores`;
}

/** The table, for a terminal and for Markdown. */
export function formatTable(rows: readonly Row[], { rounds, seconds }: BenchSettings): string {
  const columns = ['work', 'measured', 'reference', 'ratio', 'goal', ''] as const;
  const cells = rows.map((row) => [
    row.work,
    row.measured,
    row.reference,
    row.ratio === undefined ? '' : row.ratio.toFixed(2),
    row.goal,
    row.goal === '' ? '' : row.reached ? 'reached' : 'MISSED',
  ]);
  const widths = columns.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [
    `\n${machine}\n${rounds} rounds of ${seconds} s\n`,
    line(columns),
    line(widths.map((width) => '-'.repeat(width))),
    ...cells.map(line),
  ].join('\n');
}

/** Writes the rows to results/latest.json. */
export async function storeResults(
  rows: readonly Row[],
  { rounds, seconds }: BenchSettings,
): Promise<void> {
  const results = new URL('results/', import.meta.url);
  await mkdir(results, { recursive: true });
  await writeFile(
    new URL('latest.json', results),
    `${JSON.stringify({ date: new Date().toISOString(), machine, rounds, seconds, rows }, undefined, 2)}\n`,
  );
}
