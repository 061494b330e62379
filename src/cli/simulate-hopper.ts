/** `openmpsd simulate-hopper`: how a hopper would do, before anybody waits in it. */

import { readFile, writeFile } from 'node:fs/promises';
import { parseFlags } from '../config/flags.ts';
import { formatProblem, readServiceConfigs } from '../config/read-service-configs.ts';
import { findJsonFault } from '../domain/json-fault.ts';
import type { Hopper } from '../domain/matchmaking/hopper.ts';
import { type Population, parsePopulation } from '../matchmaking/population.ts';
import { percentile, type SimulationResult, simulate } from '../matchmaking/simulation.ts';
import { type ProgressIo, reportMisuse, writeHelp } from './command-io.ts';
import { fileProblemOf } from '../platform/file-problem.ts';
import { formatChart } from './simulation-chart.ts';

const help = `openmpsd simulate-hopper <config> [options]

Draws players who come to a hopper of a service config file, runs the server's matcher on a virtual
clock, and prints how long they would wait and what matches they would get.

  --hopper <name>              The hopper; needed when the file has more than one
  --compare <config>           A second file, with a hopper of the same name, beside the first
  --compare-hopper <name>      Another hopper to compare with, of the second file or of the same one
  --hours <number>             How long, in hours of the virtual clock; default 1
  --players-per-minute <number>
                               How many come; default 60
  --give-up <seconds>          When a party leaves that was not matched; default 120
  --population <file>          A JSON file that says more about who comes: see docs/matchmaking.md
  --seed <number>              Another seed draws other players; default 1
  --interval <seconds>         How often the matcher looks at the pool; default 1
  --chart <file>               Writes a chart, as .svg or .html
`;

type SimulationRun = {
  readonly label: string;
  readonly result: SimulationResult;
  readonly tookMs: number;
};

/**
 * The exit code of `openmpsd simulate-hopper`: 0 when it was simulated, 1 when a file is not as it must
 * be, 2 when it was misused.
 */
export async function runSimulateHopper(args: readonly string[], io: ProgressIo): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    writeHelp(io, help);
    return 0;
  }
  const options = parseOptions(args);
  if ('problems' in options) return reportMisuse(io, 'simulate-hopper', options.problems);
  const asked = [
    { file: options.config, name: options.hopper },
    ...(options.compare !== undefined || options.compareHopper !== undefined
      ? [
          {
            file: options.compare ?? options.config,
            name: options.compareHopper ?? options.hopper,
          },
        ]
      : []),
  ];
  const runs: { readonly label: string; readonly hopper: Hopper; population: Population }[] = [];
  for (const { file, name } of asked) {
    const hopper = await readHopper(file, name);
    if ('problems' in hopper) return fail(io, hopper.problems);
    const population = await readPopulation(options, hopper);
    if ('problems' in population) return fail(io, population.problems);
    const label = asked.length === 1 ? hopper.name : `${hopper.name} (${file})`;
    runs.push({ label, hopper, population });
  }
  const all: SimulationRun[] = [];
  for (const { label, hopper, population } of runs) {
    const begunMs = performance.now();
    const result = runWithProgress(
      simulate({
        hopper,
        population,
        lastsMs: options.hours * 3_600_000,
        seed: options.seed,
        intervalMs: options.intervalSeconds * 1_000,
      }),
      label,
      io,
    );
    all.push({ label, result, tookMs: performance.now() - begunMs });
  }
  const lines = [...formatTable(all, options.hours), ...all.flatMap(formatReasons)];
  for (const line of lines) io.stdout.write(`${line}\n`);
  if (options.chart === undefined) return 0;
  try {
    await writeFile(options.chart, formatChart(all, options.chart.endsWith('.html')));
  } catch (error) {
    return fail(io, [`${options.chart}: cannot be written: ${fileProblemOf(error, 'write')}.`]);
  }
  return 0;
}

function fail(io: ProgressIo, problems: readonly string[]): number {
  for (const problem of problems) io.stderr.write(`openmpsd simulate-hopper: ${problem}\n`);
  return 1;
}

type Options = {
  readonly config: string;
  readonly hopper: string | undefined;
  readonly compare: string | undefined;
  readonly compareHopper: string | undefined;
  readonly population: string | undefined;
  readonly playersPerMinute: number | undefined;
  readonly giveUpSeconds: number | undefined;
  readonly hours: number;
  readonly seed: number;
  readonly intervalSeconds: number;
  readonly chart: string | undefined;
};

const hoursMax = 10_000;

function parseOptions(args: readonly string[]): Options | { readonly problems: readonly string[] } {
  const [first = '', ...others] = args;
  const hasConfig = first !== '' && !first.startsWith('-');
  const [config, rest] = hasConfig ? [first, others] : [undefined, args];
  const { values, problems: found } = parseFlags(rest, {
    hopper: { argument: '<name>' },
    compare: { argument: '<config>' },
    'compare-hopper': { argument: '<name>' },
    hours: { argument: '<number>' },
    'players-per-minute': { argument: '<number>' },
    'give-up': { argument: '<seconds>' },
    population: { argument: '<file>' },
    seed: { argument: '<number>' },
    interval: { argument: '<seconds>' },
    chart: { argument: '<file>' },
  });
  const problems = [
    ...found,
    ...(config === undefined ? ['needs a service config file first.'] : []),
  ];
  const last = (flag: string): string | undefined => values.get(flag)?.at(-1);
  const number = (flag: string, max: number): number | undefined => {
    const text = last(flag);
    if (text === undefined) return undefined;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value > 0 && value <= max) return value;
    problems.push(`--${flag}: expected a number above 0, at most ${max}; it is "${text}".`);
    return undefined;
  };
  const options: Options = {
    config: config ?? '',
    hopper: last('hopper'),
    compare: last('compare'),
    compareHopper: last('compare-hopper'),
    population: last('population'),
    playersPerMinute: number('players-per-minute', 1_000_000),
    giveUpSeconds: number('give-up', 86_400),
    hours: number('hours', hoursMax) ?? 1,
    seed: number('seed', 2 ** 32) ?? 1,
    intervalSeconds: number('interval', 600) ?? 1,
    chart: last('chart'),
  };
  const { chart } = options;
  if (chart !== undefined && !/\.(svg|html)$/.test(chart)) {
    problems.push(`--chart: expected a file that ends with .svg or .html; it is "${chart}".`);
  }
  return problems.length > 0 ? { problems } : options;
}

type Problems = { readonly problems: readonly string[] };

async function readHopper(file: string, name: string | undefined): Promise<Hopper | Problems> {
  const read = await readServiceConfigs(file);
  if ('problems' in read) return { problems: read.problems.map(formatProblem) };
  const hoppers = [...read.catalog.values()].flatMap((config) => [
    ...(config.hoppers?.values() ?? []),
  ]);
  if (hoppers.length === 0) return { problems: [`${file} has no hopper.`] };
  const names = hoppers.map((hopper) => hopper.name).join(', ');
  const found = hoppers.filter(
    (hopper) => name === undefined || hopper.name.toLowerCase() === name.toLowerCase(),
  );
  const [hopper, ...others] = found;
  if (hopper === undefined) {
    return { problems: [`${file} has no hopper "${name}"; it has ${names}.`] };
  }
  if (others.length > 0) {
    return {
      problems: [`${file} has several hoppers (${names}); say which one with --hopper.`],
    };
  }
  return hopper;
}

async function readPopulation(
  { population: file, playersPerMinute, giveUpSeconds }: Options,
  hopper: Hopper,
): Promise<Population | Problems> {
  const text = file === undefined ? '{}' : await readText(file);
  if (typeof text !== 'string') return text;
  const fault = findJsonFault(text);
  if (fault) {
    const { line, column, expected, found } = fault;
    return {
      problems: [`${file}: line ${line}, column ${column}: Expected ${expected}, found ${found}`],
    };
  }
  const parsed = parsePopulation(JSON.parse(text), hopper);
  if ('problems' in parsed) {
    return {
      problems: parsed.problems.map(({ path, expected }) => `${file}: ${path}: ${expected}`),
    };
  }
  return {
    ...parsed,
    ...(playersPerMinute !== undefined && { playersPerMinute }),
    ...(giveUpSeconds !== undefined && { giveUpMs: giveUpSeconds * 1_000 }),
  };
}

async function readText(file: string): Promise<string | Problems> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    return { problems: [`${file}: cannot be read: ${fileProblemOf(error)}.`] };
  }
}

function runWithProgress(
  simulation: Generator<number, SimulationResult>,
  label: string,
  { stderr }: ProgressIo,
): SimulationResult {
  for (;;) {
    const step = simulation.next();
    if (step.done) {
      if (stderr.isTTY) stderr.write('\r\x1b[K');
      return step.value;
    }
    if (stderr.isTTY) stderr.write(`\r${label}: ${Math.round(step.value * 100)} %`);
  }
}

const partsShown = [0.5, 0.9, 0.99] as const;

/** A column for each simulation; what they had in common is said above. */
function formatTable(all: readonly SimulationRun[], hours: number): readonly string[] {
  const sizes = [...new Set(all.flatMap(({ result }) => [...result.waits.keys()]))].sort(
    (a, b) => a - b,
  );
  const share = (count: number, of: number): string =>
    of === 0 ? '-' : `${((100 * count) / of).toFixed(1)} %`;
  const rows: readonly (readonly [string, (one: SimulationRun) => string])[] = [
    ['players', ({ result }) => result.playersCount.toLocaleString('en')],
    ['matched', ({ result }) => share(result.matchedCount, result.playersCount)],
    ['gave up', ({ result }) => share(result.gaveUpCount, result.playersCount)],
    ['waiting at the end', ({ result }) => result.waitingCount.toLocaleString('en')],
    ['matches', ({ result }) => result.matchesCount.toLocaleString('en')],
    ['full', ({ result }) => share(result.fill, 1)],
    ['quality', ({ result }) => result.quality.toFixed(3)],
    ['teams differ by', ({ result: { teamDifference } }) => teamDifference?.toFixed(1) ?? '-'],
    ...sizes.map(
      (size) =>
        [
          `wait of parties of ${size}`,
          ({ result }: SimulationRun) =>
            partsShown
              .map((part) => secondsOf(percentile(result.waits.get(size) ?? [], part)))
              .join(' / '),
        ] as const,
    ),
    [
      'faster than real time',
      ({ tookMs }) => `${Math.round((hours * 3_600_000) / tookMs).toLocaleString('en')} ×`,
    ],
  ];
  const table = [
    ['', ...all.map(({ label }) => label)],
    ...rows.map(([name, cell]) => [name, ...all.map(cell)]),
  ];
  const widths = table[0]?.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return [
    `${hours} h of the virtual clock; waits are p50 / p90 / p99 of the matched players`,
    ...table.map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths?.[i] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  ];
}

const reasonsShown = 3;

/** Why tickets gave up, the commonest reasons first; none when no ticket did. */
function formatReasons({ label, result: { reasons } }: SimulationRun): readonly string[] {
  const all = reasons.reduce((sum, { ticketsCount }) => sum + ticketsCount, 0);
  return reasons.slice(0, reasonsShown).map(({ text, example, ticketsCount }) => {
    const shown = example === undefined ? text : `${text}; the nearest: ${example}`;
    const share = `${ticketsCount.toLocaleString('en')} of ${all.toLocaleString('en')} tickets`;
    return `${label}, why not: ${shown} (${share} that gave up)`;
  });
}

function secondsOf(value: number): string {
  return Number.isNaN(value) ? '-' : `${value.toFixed(1)} s`;
}
