/** Arbitrary hoppers and pools of tickets, of a kind in which many groups are matches and many are not. */

import fc from 'fast-check';
import type { Hopper, Rule } from '../domain/matchmaking/hopper.ts';
import type { MatchTicket } from '../domain/matchmaking/ticket.ts';
import { sampleHopper, samplePlayer } from './match-samples.ts';

const type = fc.constantFrom('must' as const, 'should' as const);
const weight = fc.constantFrom(1, 2);

const numberRule: fc.Arbitrary<Rule> = fc.record({
  name: fc.constant('skill'),
  type,
  weight,
  dataType: fc.constant('number' as const),
  attribute: fc.constant('skill'),
  allowWildcards: fc.boolean(),
  maxDiff: fc.constantFrom(0, 2, 5),
  expansionDelta: fc.constantFrom(0, 1, 2.5),
  flatten: fc.constantFrom('minMax' as const, 'average' as const),
});

const stringRule: fc.Arbitrary<Rule> = fc.record({
  name: fc.constant('mode'),
  type,
  weight,
  dataType: fc.constant('string' as const),
  attribute: fc.constant('mode'),
  allowWildcards: fc.boolean(),
});

const collectionRule: fc.Arbitrary<Rule> = fc.record({
  name: fc.constant('maps'),
  type,
  weight,
  dataType: fc.constant('collection' as const),
  attribute: fc.constant('maps'),
  allowWildcards: fc.boolean(),
  operation: fc.constantFrom('intersection' as const, 'difference' as const),
  target: fc.constantFrom(0, 1),
});

const teamRule: fc.Arbitrary<Rule> = fc.record({
  name: fc.constant('teams'),
  type,
  weight,
  dataType: fc.constant('team' as const),
  teams: fc.constant([
    { name: 'red', minSize: 1, maxSize: 3 },
    { name: 'blue', minSize: 1, maxSize: 3 },
  ]),
});

/** A hopper for 2 to 6 players with some of the rules. */
export const anyHopper: fc.Arbitrary<Hopper> = fc
  .tuple(
    fc.integer({ min: 2, max: 6 }),
    fc.nat(2),
    fc.tuple(...[numberRule, stringRule, collectionRule, teamRule].map((rule) => fc.option(rule))),
    fc.boolean(),
  )
  .map(([maxGroupSize, less, rules, isRanked]) =>
    sampleHopper({
      minGroupSize: Math.max(2, maxGroupSize - less),
      maxGroupSize,
      isRanked,
      rules: rules.filter((rule) => rule !== null),
    }),
  );

const anyAttributes = fc
  .record(
    {
      skill: fc.integer({ min: 0, max: 8 }),
      mode: fc.constantFrom('a', 'b'),
      maps: fc.subarray(['x', 'y', 'z']),
    },
    { requiredKeys: [] },
  )
  .map((attributes) => ({ ...attributes }));

const anyTicketParts = fc.record({
  size: fc.constantFrom(1, 1, 1, 2, 3),
  ofPlayers: fc.boolean(),
  attributes: fc.array(anyAttributes, { minLength: 3, maxLength: 3 }),
  waitedMs: fc.constantFrom(0, 1_000, 6_000, 12_000, 30_000),
  isPreserved: fc.constantFrom(false, false, false, true),
  avoids: fc.option(fc.nat(20), { freq: 4 }),
  /** The first player may wait with another ticket too. */
  waitsWith: fc.oneof(
    { weight: 5, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.nat(20) },
  ),
});

/** When the pools of `anyPool` are looked at. */
export const poolNowMs = 100_000;

/** A pool of tickets with ids of their own. `size` of fast-check: how near to `ticketsMax` it comes. */
export function anyPool(
  ticketsMax: number,
  size?: fc.SizeForArbitrary,
): fc.Arbitrary<readonly MatchTicket[]> {
  return fc.array(anyTicketParts, { maxLength: ticketsMax, ...(size && { size }) }).map((all) =>
    all.map((parts, i): MatchTicket => {
      const { size, ofPlayers, attributes, waitedMs, isPreserved, avoids, waitsWith } = parts;
      const first = waitsWith === null ? i : waitsWith % (i + 1);
      const players = Array.from({ length: size }, (_, j) => ({
        ...samplePlayer(String(j === 0 ? 10 * first : 10 * i + j), ofPlayers ? attributes[j] : {}),
        ...(avoids !== null && { avoids: [String(10 * (avoids % (i + 1)))] }),
      }));
      return {
        id: `t${String(i).padStart(2, '0')}`,
        sinceMs: poolNowMs - waitedMs,
        attributes: ofPlayers ? {} : (attributes[0] ?? {}),
        players,
        ...(isPreserved && { preserved: { reservedCount: 0 } }),
      };
    }),
  );
}
