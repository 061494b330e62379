import { arch, cpus, release } from 'node:os';
import { mkdir, writeFile } from 'node:fs/promises';
import type { Ratio } from './pairs.ts';
import { cores } from './process.ts';

/** A line of the bench's table. */
export type Row = Partial<Ratio> & {
  readonly work: string;
  readonly measured: string;
  readonly reference: string;
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
  /** Of slices, for each ratio. */
  readonly pairs: number;
  /** Of one load that is no ratio. */
  readonly seconds: number;
};

const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${cores} cores, ${process.platform} ${release()} ${arch()}, Node ${process.version}`;

/** A ratio, with the quarters of its pairs and how many they are; empty of a row that is none. */
export function formatRatio({ ratio, quarters, pairs }: Partial<Ratio>): string {
  if (ratio === undefined || quarters === undefined) return '';
  const spread = quarters.map((quarter) => quarter.toFixed(2)).join(' … ');
  return `${ratio.toFixed(2)} (${spread}, ${pairs} pairs)`;
}

/** The table, for a terminal and for Markdown. */
export function formatTable(rows: readonly Row[]): string {
  const columns = ['work', 'measured', 'reference', 'ratio', 'goal', ''] as const;
  const cells = rows.map((row) => [
    row.work,
    row.measured,
    row.reference,
    formatRatio(row),
    row.goal,
    row.goal === '' ? '' : row.reached ? 'reached' : 'MISSED',
  ]);
  const widths = columns.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [
    `\n${machine}\n`,
    line(columns),
    line(widths.map((width) => '-'.repeat(width))),
    ...cells.map(line),
  ].join('\n');
}

/** Writes the rows to results/latest.json. */
export async function storeResults(
  rows: readonly Row[],
  { pairs, seconds }: BenchSettings,
): Promise<void> {
  const results = new URL('results/', import.meta.url);
  await mkdir(results, { recursive: true });
  await writeFile(
    new URL('latest.json', results),
    `${JSON.stringify({ date: new Date().toISOString(), machine, pairs, seconds, rows }, undefined, 2)}\n`,
  );
}
