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
import type { Match } from '../src/domain/matchmaking/match.ts';
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

const count = Number(process.argv[2] ?? 100_000);
const rules = hopperRules(hopper);
const tickets = poolOf(count);
const pool = new MatchPool(rules);
for (const ticket of tickets) pool.put(ticket);
for (let round = 0; round < 6; round += 1) {
  const before = process.cpuUsage();
  const search = searchMatches(pool, nowMs);
  let longestMs = 0;
  const matches: Match[] = [];
  let turn = process.cpuUsage();
  for (const match of search) {
    if (match !== undefined) {
      matches.push(match);
      continue;
    }
    const { user, system } = process.cpuUsage(turn);
    longestMs = Math.max(longestMs, (user + system) / 1_000);
    turn = process.cpuUsage();
  }
  const { user, system } = process.cpuUsage(before);
  const players = matches.reduce(
    (sum, { tickets }) => sum + tickets.reduce((all, one) => all + one.players.length, 0),
    0,
  );
  const quality = matches.reduce((sum, one) => sum + one.quality, 0) / matches.length;
  console.log(
    `${count} tickets: ${matches.length} matches, ${players} players, quality ${quality.toFixed(4)}, ${Math.round((user + system) / 1_000)} ms CPU, longest turn ${longestMs.toFixed(1)} ms`,
  );
}
