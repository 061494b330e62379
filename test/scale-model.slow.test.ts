/** The arithmetic behind docs/scale.md, on numbers that can be checked by hand. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { type Results, withScaleTables } from '../bench/scale-table.ts';
import {
  type Cluster,
  type Costs,
  drawLoads,
  drawSeconds,
  drawStorm,
  framesOf,
  nodeCores,
  type Play,
  quantile,
  shardCores,
  sizeCluster,
  sum,
} from '../bench/scale-model.ts';

/** Pairs who write once a second each; every change causes a tap at once. */
const pairs: Play = {
  kinds: [{ name: 'pair', usersShare: 1, membersMin: 2, membersMax: 2, writesPerMember: 1 }],
  heatSigma: 0,
  tappedShare: 1,
  tapWindowS: 0,
  readsPerTap: 0.5,
};

const costs: Costs = {
  node: {
    write: 0.1,
    read: 0.01,
    publish: 0.001,
    receive: 0.002,
    frame: 0.004,
    handshake: 0.04,
    upkeep: 0.05,
  },
  store: { write: 0.02, read: 0.001, publish: 0.0001, upkeep: 0.06 },
};

function cluster(more: Partial<Cluster> = {}): Cluster {
  return { usersCount: 100, nodesCount: 1, shardsCount: 1, partitionsCount: 4, ...more };
}

function isNear(actual: number, expected: number, within = 1e-9): void {
  assert.ok(
    Math.abs(actual - expected) <= within * Math.max(1, expected),
    `${actual}, ${expected}`,
  );
}

test('one node has everything to do, and nobody to tell', () => {
  const loads = drawLoads(cluster(), pairs, 1);
  assert.equal(loads.sessionsCount, 50);
  assert.equal(sum(loads.nodes.sockets), 100);
  isNear(sum(loads.nodes.writes), 100);
  // A change of a pair, two a second, reaches both.
  isNear(sum(loads.nodes.frames), 50 * 2 * 2);
  isNear(sum(loads.nodes.reads), 100);
  assert.equal(sum(loads.nodes.received), 0);
  isNear(sum(loads.partitions.writes), 100);
  isNear(sum(loads.partitions.reads), 100);
  isNear(sum(nodeCores(loads, costs)), 0.05 + 100 * 0.1 + 100 * 0.01 + 200 * 0.004);
  isNear(sum(shardCores(loads, costs)), 0.06 + 100 * 0.02 + 100 * 0.001);
});

test('one message goes to each other node that holds a socket of the session', () => {
  // On so many nodes everybody is alone: each change goes to two, neither being where it was made.
  const far = drawLoads(cluster({ nodesCount: 1_000_000 }), pairs, 1);
  isNear(sum(far.nodes.received), 50 * 2 * 2);
  isNear(sum(far.nodes.sent), 50 * 2 * 2);
  // On two nodes a session is on both with chance 1/2: a change goes to another one in 3 of 4.
  const near = drawLoads(cluster({ usersCount: 20_000, nodesCount: 2 }), pairs, 1);
  isNear(sum(near.nodes.received), 20_000 * 0.75, 0.02);
  const expected = near.nodes.writes.map(
    (writes, n) =>
      0.05 +
      writes * 0.1 +
      (near.nodes.reads[n] ?? 0) * 0.01 +
      (near.nodes.sent[n] ?? 0) * 0.001 +
      (near.nodes.received[n] ?? 0) * 0.002 +
      (near.nodes.frames[n] ?? 0) * 0.004,
  );
  assert.deepEqual(nodeCores(near, costs), expected);
});

test('what is scattered is scattered evenly, and messages find the shard of their node', () => {
  const loads = drawLoads(
    cluster({ usersCount: 200_000, nodesCount: 8, shardsCount: 3, partitionsCount: 16 }),
    pairs,
    3,
  );
  for (const part of [loads.nodes.sockets, loads.nodes.writes, loads.nodes.received]) {
    isNear(quantile(part, 1), sum(part) / 8, 0.05);
  }
  isNear(quantile(loads.partitions.writes, 1), sum(loads.partitions.writes) / 16, 0.05);
  isNear(sum(loads.shardMessages), sum(loads.nodes.received));
});

test('heat makes some sessions busier and the whole no busier', () => {
  const hot = drawLoads(cluster({ usersCount: 200_000 }), { ...pairs, heatSigma: 1 }, 1);
  isNear(sum(hot.nodes.writes), 200_000, 0.05);
  assert.ok(hot.hottestSessionWrites > 20);
  assert.equal(drawLoads(cluster(), pairs, 1).hottestSessionWrites, 2);
});

test('the tap window bounds the frames of a connection', () => {
  assert.equal(framesOf(3, 0), 3);
  isNear(framesOf(0.001, 2.5), 0.001, 0.01);
  isNear(framesOf(1_000, 2.5), 1 / 2.5, 0.01);
});

test('the same seed draws the same, another one something else', () => {
  const large = cluster({ nodesCount: 5, usersCount: 1_000 });
  assert.deepEqual(drawLoads(large, pairs, 7), drawLoads(large, pairs, 7));
  assert.notDeepEqual(drawLoads(large, pairs, 7), drawLoads(large, pairs, 8));
});

test('quantiles are values that are there', () => {
  const loads = [4, 1, 3, 2];
  assert.deepEqual(
    [0, 0.25, 0.5, 0.99, 1].map((share) => quantile(loads, share)),
    [1, 1, 2, 4, 4],
  );
});

test('a cluster is sized by what its users cost, and never below what can lose one', () => {
  const bounds = { utilizationMax: 0.5, socketsPerNodeMax: 1_000 };
  assert.deepEqual(sizeCluster(2, pairs, costs, bounds, 256), {
    usersCount: 2,
    nodesCount: 2,
    shardsCount: 3,
    partitionsCount: 256,
  });
  // A pair: 2 writes, 2 reads, 4 messages sent and received, 4 frames a second.
  const cores = 50 * (2 * 0.1 + 2 * 0.01 + 4 * 0.003 + 4 * 0.004);
  const shards = 50 * (2 * 0.02 + 2 * 0.001 + 4 * 0.0001);
  const sized = sizeCluster(100, pairs, costs, bounds, 256);
  isNear(sized.nodesCount, Math.ceil(cores / 0.45), 0.05);
  isNear(sized.shardsCount, Math.ceil((shards + sized.nodesCount * 0.06) / 0.5), 0.05);
  assert.equal(sizeCluster(1e6, pairs, costs, bounds, 256).shardsCount, 256);
  const free = { ...pairs, kinds: [] };
  assert.equal(sizeCluster(100_500, free, costs, bounds, 256).nodesCount, 101);
});

/** Half a core second for each who comes back. */
const returning: Costs = {
  ...costs,
  node: { ...costs.node, handshake: 0.25, read: 0.125, write: 0.125 },
};

const recovery = { backoffS: 1, backoffMaxS: 1, leaseS: 3, graceS: 4, writesPerReturn: 1 };

test('lost clients come back as fast as there is room', () => {
  // Everybody tries at once and again each second; ten are taken.
  assert.deepEqual(drawStorm(100, 5, returning, recovery, 1), {
    lostCount: 100,
    attemptsMax: 100,
    halfBackS: 5,
    allBackS: 10,
    awayAtLease: 70,
    awayAtGrace: 30,
  });
  assert.deepEqual(drawStorm(100, 50, returning, recovery, 1).allBackS, 1);
});

test('backing off spreads the attempts', () => {
  const patient = { ...recovery, backoffS: 10, backoffMaxS: 60 };
  const { attemptsMax, allBackS } = drawStorm(10_000, 500, returning, patient, 1);
  assert.ok(attemptsMax > 1_000 && attemptsMax < 1_600, String(attemptsMax));
  assert.ok(allBackS > 10);
  // Ten a second are taken, their first attempt or a later one.
  const mixed = { ...recovery, backoffS: 2, backoffMaxS: 2 };
  assert.ok(drawStorm(100, 5, returning, mixed, 1).allBackS >= 10);
});

test('seconds of a rate are about it', () => {
  for (const mean of [0.5, 20, 2_000]) {
    const seconds = drawSeconds(mean, 20_000, 1);
    isNear(sum(seconds) / 20_000, mean, 0.03);
    const variance = sum(seconds.map((events) => (events - mean) ** 2)) / 20_000;
    isNear(variance, mean, 0.1);
  }
});

test('the command prints a table, the same each time', () => {
  const script = resolve(import.meta.dirname, '../bench/simulate-scale.ts');
  const run = (): string[] =>
    String(execFileSync(process.execPath, [script, '--users', '500', '--seed', '3'])).split('\n');
  const [first, second] = [run(), run()];
  assert.match(first[1] ?? '', /^nodes \(a core each\) +2$/);
  // The last line says memory and time.
  assert.deepEqual(first.slice(0, -2), second.slice(0, -2));
});

test('the tables of docs/scale.md are made from the last results of the bench', () => {
  const read = (file: string): string =>
    readFileSync(resolve(import.meta.dirname, '..', file), 'utf8');
  const results: Results = JSON.parse(read('bench/results/latest.json'));
  const page = read('docs/scale.md');
  assert.equal(page, withScaleTables(page, results), 'npm run simulate:scale -- --write');
});
