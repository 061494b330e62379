/**
 * `npm run simulate:scale`: node and tap traffic of 1 thousand, 100 thousand and 10 million users,
 * from the costs that the bench measured last. See docs/scale.md.
 *
 * `--seed <n>` draws other users; `--users <n>` sizes a cluster for so many; `--write` makes the tables
 * of docs/scale.md anew.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  clusterFor,
  costsOf,
  describeCluster,
  populations as usualPopulations,
  type Results,
  withScaleTables,
} from './scale-table.ts';

type Row = readonly [what: string, ...values: string[]];

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    users: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const populations = values.users ? [Number(values.users)] : usualPopulations;
if (!Number.isInteger(seed) || populations.some((users) => !(users >= 1 && users <= 1e9))) {
  process.stderr.write('simulate:scale: --seed is a whole number, --users one from 1 to 1e9.\n');
  process.exit(2);
}

const results: Results = JSON.parse(
  await readFile(new URL('results/latest.json', import.meta.url), 'utf8'),
);
if (values.write) {
  const page = new URL('../docs/scale.md', import.meta.url);
  await writeFile(page, withScaleTables(await readFile(page, 'utf8'), results));
  process.exit(0);
}

const costs = costsOf(results);
const columns = populations.map((usersCount) =>
  describeCluster(clusterFor(usersCount, costs), costs, seed),
);
const rows: Row[] = [
  ['users', ...populations.map((users) => whole.format(users))],
  ...(columns[0] ?? []).map(
    ([what], row): Row => [what, ...columns.map((column) => column[row]?.[1] ?? '')],
  ),
];
const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
for (const row of rows) {
  const cells = row.map((cell, at) =>
    at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0),
  );
  process.stdout.write(`${cells.join('   ').trimEnd()}\n`);
}
process.stdout.write(
  `seed ${seed}, peak memory ${whole.format(process.resourceUsage().maxRSS / 1_024)} MiB, ${(performance.now() / 1_000).toFixed(1)} s\n`,
);
