/**
 * What a cluster for so many users has to do, from the costs that the bench measured last: the rows
 * of `npm run simulate:scale`, and the tables of docs/scale.md.
 */

import {
  type Cluster,
  type Costs,
  drawLoads,
  drawSeconds,
  drawStorm,
  nodeCores,
  type Play,
  quantile,
  type Recovery,
  shardCores,
  sizeCluster,
  sum,
} from './scale-model.ts';

const microseconds = 1e-6;

/** What `results/latest.json` holds, as far as costs are made of it. */
export type Results = {
  readonly date: string;
  readonly machine: string;
  readonly rows: readonly { readonly work: string; readonly measured: string }[];
};

const writeRow = 'PUT, one node on a Redis cluster, relaxed';
const readRow = 'GET of a 4-member session';

/**
 * What one of each costs a core. Writes and reads of a node come from the bench: a rate at which one
 * core is busy. The rest was measured once, or is estimated. Shards: CPU time of a Redis 7 server
 * under `redis-benchmark`.
 *
 * Throws when the results have no such rate.
 */
export function costsOf(results: Results): Costs {
  return {
    node: {
      write: 1 / rateOf(writeRow, results),
      // And 60 for the command to the store: the bench reads from memory.
      read: 1 / rateOf(readRow, results) + 60 * microseconds,
      // Estimated: a command to the store, and a line of JSON.
      publish: 60 * microseconds,
      receive: 30 * microseconds,
      // CPU time of 40,000 frames of 250 bytes to 2,000 sockets of `ws` on loopback.
      frame: 15 * microseconds,
      // The bare handshake of `ws` is 184; token and subscription are estimated.
      handshake: 500 * microseconds,
      // Estimated: each second three questions to each of 256 partitions, sent together.
      upkeep: 768 * 10 * microseconds,
    },
    store: {
      // 60,000 times a script that reads a revision, writes 2 KB and moves two sorted sets.
      write: 42 * microseconds,
      // The same with a script that reads a revision and 2 KB.
      read: 23 * microseconds,
      // `SPUBLISH` of 250 bytes with a subscriber.
      publish: 11 * microseconds,
      // Pipelined: 1 for each of two empty ranges; 5 estimated for pending taps.
      upkeep: 256 * (1 + 1 + 5) * microseconds,
    },
  };
}

function rateOf(work: string, { rows }: Results): number {
  // The rates of requests say after it how they were measured; the first is that of one core.
  const measured = rows.find((row) => row.work.startsWith(work))?.measured ?? '';
  const rate = Number(/^([\d.]+)\/s/.exec(measured)?.[1]);
  if (!(rate > 0)) throw new Error(`The results of the bench have no rate in the row "${work}".`);
  return rate;
}

/** How people play. Everybody is in a lobby, most are in a game, few in something big. */
const play: Play = {
  kinds: [
    { name: 'lobby', usersShare: 1, membersMin: 1, membersMax: 4, writesPerMember: 1 / 60 },
    { name: 'game', usersShare: 0.58, membersMin: 2, membersMax: 16, writesPerMember: 1 / 60 },
    { name: 'crowd', usersShare: 0.02, membersMin: 50, membersMax: 100, writesPerMember: 1 / 120 },
  ],
  heatSigma: 1,
  tappedShare: 0.7,
  tapWindowS: 2.5,
  readsPerTap: 1,
};

/** What the server and its clients do when a node dies. */
const recovery: Recovery = {
  backoffS: 5,
  backoffMaxS: 60,
  leaseS: 15,
  graceS: 30,
  writesPerReturn: 1.6,
};

const bounds = { utilizationMax: 0.5, socketsPerNodeMax: 20_000 };
/** 10.7 KiB were measured for an idle socket of `ws`; the rest is for its subscriptions. */
const bytesPerSocket = 16 * 1_024;
const partitionsCount = 256;

const round = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Mean, the one in a hundred, and how much more that is. */
function spread(loads: Float64Array): string {
  const mean = sum(loads) / loads.length;
  const high = quantile(loads, 0.99);
  return `${round.format(mean)} (p99 ${round.format(high)}, × ${round.format(high / mean)})`;
}

/** What such a cluster has to do: what, and how much of it, a line each. */
export function describeCluster(
  cluster: Cluster,
  costs: Costs,
  seed: number,
): readonly (readonly [string, string])[] {
  const { usersCount, nodesCount, shardsCount } = cluster;
  const loads = drawLoads(cluster, play, seed);
  const { nodes, partitions } = loads;
  const cores = nodeCores(loads, costs);
  const shards = shardCores(loads, costs);
  const messages = nodes.received.map((received, n) => received + (nodes.sent[n] ?? 0));
  // The node that has more to do than all but one in a hundred, in such a second of an hour.
  const seconds = drawSeconds(quantile(messages, 0.99), 3_600, seed);
  const lostCount = Math.round(usersCount / nodesCount);
  const roomCores = (nodesCount - 1) * Math.max(0.05, 0.9 - sum(cores) / (nodesCount - 1));
  const storm = drawStorm(lostCount, roomCores, costs, recovery, seed);
  return [
    ['nodes (a core each)', whole.format(nodesCount)],
    ['Redis primaries, as many replicas', whole.format(shardsCount)],
    ['sessions', whole.format(loads.sessionsCount)],
    ['writes/s', round.format(sum(nodes.writes))],
    ['reads/s', round.format(sum(nodes.reads))],
    ['messages between nodes/s', round.format(sum(nodes.received))],
    ['frames to clients/s', round.format(sum(nodes.frames))],
    ['sockets per node', spread(nodes.sockets)],
    ['  memory of them', `${whole.format((lostCount * bytesPerSocket) / 2 ** 20)} MiB`],
    ['messages/s per node, in and out', spread(messages)],
    ['  the p99 node in its p99 second', round.format(quantile(seconds, 0.99))],
    ['frames/s per node', spread(nodes.frames)],
    ['core in use per node', spread(cores)],
    ['writes/s per partition', spread(partitions.writes)],
    ['  the hottest partition', round.format(quantile(partitions.writes, 1))],
    ['  the hottest session', `${round.format(loads.hottestSessionWrites)} writes/s`],
    ['core in use per shard', spread(shards)],
    ['  the hottest shard', round.format(quantile(shards, 1))],
    ['a node dies: sockets lost', whole.format(lostCount)],
    ['  attempts in the busiest second', whole.format(storm.attemptsMax)],
    ['  half back, all back after', `${storm.halfBackS} s, ${storm.allBackS} s`],
    ['  still away when its lease ends', whole.format(storm.awayAtLease)],
    ['  inactive when their grace ends', whole.format(storm.awayAtGrace)],
  ];
}

/** The cluster that so many users need. */
export function clusterFor(usersCount: number, costs: Costs): Cluster {
  return sizeCluster(usersCount, play, costs, bounds, partitionsCount);
}

/** The users of a table, if nothing else is asked for. */
export const populations: readonly number[] = [1_000, 100_000, 10_000_000];

/** Rows of the command that docs/scale.md shows too. */
const shownRows: readonly string[] = [
  'nodes (a core each)',
  'Redis primaries, as many replicas',
  'writes/s',
  'reads/s',
  'messages between nodes/s',
  'frames to clients/s',
  'sockets per node',
  'core in use per node',
  'writes/s per partition',
  'core in use per shard',
  'a node dies: sockets lost',
  '  half back, all back after',
  '  still away when its lease ends',
  '  inactive when their grace ends',
];

/** The part of docs/scale.md that is made from the results of the bench, in Markdown. */
function formatScaleTables(results: Results): string {
  const costs = costsOf(results);
  const clusters = populations.map((users) => clusterFor(users, costs));
  const columns = clusters.map((cluster) => new Map(describeCluster(cluster, costs, 1)));
  const largest = clusters.at(-1);
  const perNode = (largest?.usersCount ?? 0) / (largest?.nodesCount ?? 1);
  const perShard = (largest?.usersCount ?? 0) / (largest?.shardsCount ?? 1);
  const inMicroseconds = (seconds: number): string => whole.format(seconds / microseconds);
  return [
    `| | ${populations.map((users) => `${whole.format(users)} users`).join(' | ')} |`,
    `| --- |${' --- |'.repeat(populations.length)}`,
    ...shownRows.map(
      (row) =>
        `| ${row.trim()} | ${columns.map((column) => (column.get(row) ?? '').replace(/, × [\d.]+/, '')).join(' | ')} |`,
    ),
    '',
    `At half of its core a node serves about ${round2.format(perNode)} players, a shard about ${round2.format(perShard)}.`,
    '',
    '| a core is busy for | node | shard |',
    '| --- | --- | --- |',
    `| a write | ${inMicroseconds(costs.node.write)} µs | ${inMicroseconds(costs.store.write)} µs |`,
    `| a read | ${inMicroseconds(costs.node.read)} µs | ${inMicroseconds(costs.store.read)} µs |`,
    '',
    `Measured ${results.date.slice(0, 10)} on: ${results.machine}.`,
  ].join('\n');
}

const round2 = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });

const begin =
  '<!-- Made by `npm run simulate:scale -- --write` from bench/results/latest.json. -->';
const end = '<!-- The end of what is made. -->';

/** The page with its tables made anew. Throws when it has no place for them. */
export function withScaleTables(page: string, results: Results): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) {
    throw new Error('docs/scale.md has no place for the tables.');
  }
  return `${before}${begin}\n\n${formatScaleTables(results)}\n\n${end}${after}`;
}
