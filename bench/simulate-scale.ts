/**
 * `npm run simulate:scale`: node and tap traffic of 1 thousand, 100 thousand and 10 million users,
 * from measured costs. See docs/scale.md.
 *
 * `--seed <n>` draws other users; `--users <n>` sizes a cluster for so many.
 */

import { parseArgs } from 'node:util';
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

/** What one of each costs a core. Shards: CPU time of a Redis 7 server under `redis-benchmark`. */
const costs: Costs = {
  node: {
    // bench/results/latest.json: 2,794 PUTs a second on SQLite, at the goal of 0.60 of it for Redis.
    write: 597 * microseconds,
    // The same: 6,342 GETs a second; and 60 for the store.
    read: 218 * microseconds,
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

type Row = readonly [what: string, ...values: string[]];

const round = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Mean, the one in a hundred, and how much more that is. */
function spread(loads: Float64Array): string {
  const mean = sum(loads) / loads.length;
  const high = quantile(loads, 0.99);
  return `${round.format(mean)} (p99 ${round.format(high)}, × ${round.format(high / mean)})`;
}

function describe(cluster: Cluster, seed: number): readonly (readonly [string, string])[] {
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

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, users: { type: 'string' } },
});
const seed = Number(values.seed);
const populations = values.users ? [Number(values.users)] : [1_000, 100_000, 10_000_000];
if (!Number.isInteger(seed) || populations.some((users) => !(users >= 1 && users <= 1e9))) {
  process.stderr.write('simulate:scale: --seed is a whole number, --users one from 1 to 1e9.\n');
  process.exit(2);
}

const columns = populations.map((usersCount) =>
  describe(sizeCluster(usersCount, play, costs, bounds, partitionsCount), seed),
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
  `seed ${seed}, peak memory ${whole.format(process.resourceUsage().maxRSS / 1_024)} MiB, ${round.format(performance.now() / 1_000)} s\n`,
);
