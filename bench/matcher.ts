/**
 * CPU time of one cycle of the matcher over a large pool: `node bench/matcher.ts [tickets]`.
 *
 * 5v5, skill relaxed by time, two MUST texts, parties of 1 to 4. The longest turn says for how long the
 * event loop would be held.
 */

import { searchMatches } from '../src/domain/matchmaking/matcher.ts';
import { MatchPool } from '../src/domain/matchmaking/match-pool.ts';
import {
  type Candidate,
  candidateOf,
  hopperRules,
} from '../src/domain/matchmaking/hopper-rules.ts';
import type { Hopper } from '../src/domain/matchmaking/hopper.ts';
import { seededRandom } from '../src/platform/seeded-random.ts';

const nowMs = 1_000_000;
const text = (name: string) =>
  ({
    name,
    type: 'must',
    weight: 1,
    dataType: 'string',
    attribute: name,
    allowWildcards: false,
  }) as const;

const hopper: Hopper = {
  name: 'ranked5v5',
  sessionTemplate: 'game',
  minGroupSize: 10,
  maxGroupSize: 10,
  expansionCycles: 3,
  cycleMs: 5_000,
  isRanked: true,
  followsSession: false,
  typicalWaitMs: 60_000,
  rules: [
    text('mode'),
    text('build'),
    {
      name: 'skill',
      type: 'should',
      weight: 1,
      dataType: 'number',
      attribute: 'skill',
      allowWildcards: false,
      maxDiff: 50,
      expansionDelta: 50,
      flatten: 'average',
    },
    {
      name: 'teams',
      type: 'must',
      weight: 1,
      dataType: 'team',
      teams: ['red', 'blue'].map((name) => ({ name, minSize: 5, maxSize: 5 })),
    },
  ],
};

function poolOf(count: number): readonly Candidate[] {
  const random = seededRandom(15);
  const rules = hopperRules(hopper);
  return Array.from({ length: count }, (_, i) =>
    candidateOf(rules, {
      id: `ticket-${String(i).padStart(7, '0')}`,
      sinceMs: nowMs - 20_000 + Math.floor((20_000 * i) / count),
      attributes: {
        mode: random.chance(0.7) ? 'ranked' : 'casual',
        build: random.chance(0.9) ? 'new' : 'old',
        skill: random.below(1_000) + random.below(1_000) + random.below(1_000),
      },
      players: Array.from({ length: random.pick([1, 1, 1, 2, 2, 3, 4]) }, (_, j) => ({
        xuid: `${i}0${j}`,
        attributes: {},
      })),
    }),
  );
}

export type Cycle = {
  readonly matchesCount: number;
  readonly playersCount: number;
  readonly quality: number;
  readonly cpuMs: number;
  /** In CPU time of this thread: for so long the event loop would be held. */
  readonly longestTurnMs: number;
};

/** So many cycles over a pool of `count` tickets, which stay in it. The first one sorts them in. */
export function measureCycles(count: number, cyclesCount: number): readonly Cycle[] {
  const pool = new MatchPool(hopperRules(hopper));
  for (const ticket of poolOf(count)) pool.put(ticket);
  return Array.from({ length: cyclesCount }, () => measureCycle(pool));
}

function measureCycle(pool: MatchPool): Cycle {
  const before = process.cpuUsage();
  let turn = process.threadCpuUsage();
  let longestTurnMs = 0;
  let [matchesCount, playersCount, quality] = [0, 0, 0];
  for (const match of searchMatches(pool, nowMs)) {
    if (match !== undefined) {
      matchesCount += 1;
      quality += match.quality;
      for (const { players } of match.tickets) playersCount += players.length;
      continue;
    }
    longestTurnMs = Math.max(longestTurnMs, inMs(process.threadCpuUsage(turn)));
    turn = process.threadCpuUsage();
  }
  const cpuMs = inMs(process.cpuUsage(before));
  return { matchesCount, playersCount, quality: quality / matchesCount, cpuMs, longestTurnMs };
}

function inMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}

if (import.meta.main) {
  const count = Number(process.argv[2] ?? 100_000);
  for (const one of measureCycles(count, 6)) {
    console.log(
      `${count} tickets: ${one.matchesCount} matches, ${one.playersCount} players, quality ${one.quality.toFixed(4)}, ${Math.round(one.cpuMs)} ms CPU, longest turn ${one.longestTurnMs.toFixed(1)} ms`,
    );
  }
}
