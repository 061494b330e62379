import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExactJson, type JsonObject } from '../json.ts';
import { samplePlayer, sampleHopper, sampleTicket } from '../../testing/match-samples.ts';
import type { Hopper, Rule } from './hopper.ts';
import { candidateOf, hopperRules, matchProblem } from './hopper-rules.ts';
import { matchOf } from './match.ts';
import type { MatchTicket } from './ticket.ts';

const must = { name: 'rule', type: 'must', weight: 1 } as const;
let xuidsCount = 0;
function newXuid(): string {
  xuidsCount += 1;
  return String(xuidsCount);
}

const attribute = { ...must, attribute: 'a', allowWildcards: false } as const;

/** Why the tickets are no match at `nowMs`; undefined: they are one. */
function problemOf(
  changes: Partial<Hopper>,
  tickets: readonly MatchTicket[],
  nowMs = 60_000,
): string | undefined {
  const places = tickets.reduce((sum, { players }) => sum + players.length, 0);
  const hopper = sampleHopper({ minGroupSize: 1, maxGroupSize: Math.max(places, 2), ...changes });
  const rules = hopperRules(hopper);
  return matchProblem(
    rules,
    tickets.map((ticket) => candidateOf(rules, ticket)),
    nowMs,
  );
}

const withValues = (...values: readonly unknown[]): readonly MatchTicket[] =>
  values.map((a) => sampleTicket((a === undefined ? {} : { a }) as JsonObject));

// @source docs/wire/unknowns.md "groups of more than two and collections"
/** Rules of one attribute: what goes together, and what does not. */
const examples: readonly (readonly [
  what: string,
  rule: Rule,
  together: readonly (readonly MatchTicket[])[],
  apart: readonly (readonly MatchTicket[])[],
])[] = [
  [
    'number',
    { ...attribute, dataType: 'number', maxDiff: 10, expansionDelta: 0, flatten: 'minMax' },
    [withValues(0, 10), withValues(-5, 5, 0)],
    [withValues(0, 10.5), withValues(0, 8, 16), withValues(0, undefined), withValues(0, 'x')],
  ],
  [
    'number with a default',
    {
      ...attribute,
      dataType: 'number',
      maxDiff: 1,
      expansionDelta: 0,
      flatten: 'minMax',
      defaultValue: 5,
    },
    [withValues(5, undefined)],
    [withValues(7, undefined)],
  ],
  [
    'number with wildcards',
    {
      ...attribute,
      dataType: 'number',
      maxDiff: 1,
      expansionDelta: 0,
      flatten: 'minMax',
      allowWildcards: true,
    },
    [withValues(5, undefined), withValues(undefined, undefined)],
    // The wildcard joins nothing that is apart.
    [withValues(5, undefined, 9)],
  ],
  [
    'string',
    { ...attribute, dataType: 'string' },
    [withValues('coast', 'coast')],
    [withValues('coast', 'Coast'), withValues('coast', undefined)],
  ],
  [
    'intersection',
    { ...attribute, dataType: 'collection', operation: 'intersection', target: 1 },
    [withValues(['a', 'b'], ['b', 'c']), withValues(['a', 'b'], ['b'], ['b', 'c'])],
    // Each two share one, all three none.
    [withValues(['a', 'b'], ['b', 'c'], ['c', 'a']), withValues(['a'], [])],
  ],
  [
    'difference: nobody who was met lately',
    { ...attribute, dataType: 'collection', operation: 'difference', target: 0 },
    [withValues(['a'], ['b'], [])],
    [withValues(['a', 'b'], ['c'], ['b'])],
  ],
  [
    'roles',
    {
      ...attribute,
      dataType: 'collection',
      operation: 'rolePreference',
      roles: { tank: 1, healer: 1 },
      allowWaiting: false,
    },
    [withValues(['tank', 'healer'], ['tank']), withValues(['tank'])],
    [withValues(['tank'], ['tank']), withValues(['tank'], ['cook'])],
  ],
  [
    'roles that are all waited for',
    {
      ...attribute,
      dataType: 'collection',
      operation: 'rolePreference',
      roles: { tank: 1, healer: 1 },
      allowWaiting: true,
    },
    [withValues(['healer'], ['tank', 'healer'])],
    [withValues(['tank'])],
  ],
  [
    'total',
    { ...attribute, dataType: 'totalValue', min: 10, max: 12 },
    [withValues(4, 6), withValues(20, -9)],
    [withValues(4, 5), withValues(8, 8)],
  ],
];

for (const [what, rule, together, apart] of examples) {
  test(`a rule of type ${what}`, () => {
    for (const tickets of together) assert.equal(problemOf({ rules: [rule] }, tickets), undefined);
    for (const tickets of apart) assert.notEqual(problemOf({ rules: [rule] }, tickets), undefined);
  });
}

test('an attribute of the ticket goes before those of its players, exact numbers included', () => {
  const rule: Rule = {
    ...attribute,
    dataType: 'number',
    maxDiff: 0,
    expansionDelta: 0,
    flatten: 'minMax',
  };
  const exact = parseExactJson('{"a": 5.0}') as JsonObject;
  const ofPlayers = sampleTicket(
    {},
    { players: [samplePlayer('1', exact), samplePlayer('2', { a: 5 })] },
  );
  const ofTicket = sampleTicket({ a: 5 }, { players: [samplePlayer('3', { a: 99 })] });
  assert.equal(problemOf({ rules: [rule] }, [ofPlayers, ofTicket]), undefined);
});

test('players of a ticket are flattened to their bounds or to their average', () => {
  const wide = sampleTicket(
    {},
    { players: [samplePlayer('1', { a: 0 }), samplePlayer('2', { a: 20 })] },
  );
  const near = sampleTicket({ a: 11 });
  const rule = { ...attribute, dataType: 'number', maxDiff: 15, expansionDelta: 0 } as const;
  const minMax: Rule = { ...rule, flatten: 'minMax' };
  const average: Rule = { ...rule, flatten: 'average' };
  assert.notEqual(problemOf({ rules: [minMax] }, [wide, near]), undefined);
  assert.equal(problemOf({ rules: [average] }, [wide, near]), undefined);
});

// @source docs/wire/unknowns.md "the window of a group"
test('a SHOULD rule is relaxed by the wait of the oldest ticket, and then dropped', () => {
  const rule: Rule = {
    ...attribute,
    type: 'should',
    dataType: 'number',
    maxDiff: 1,
    expansionDelta: 2,
    flatten: 'minMax',
  };
  const old = sampleTicket({ a: 20 }, { sinceMs: 0 });
  const matchedAt = (a: number): number => {
    const times = Array.from({ length: 30 }, (_, second) => second * 1_000);
    return (
      times.find((nowMs) => {
        const fresh = sampleTicket({ a }, { sinceMs: nowMs });
        return problemOf({ rules: [rule], minGroupSize: 2 }, [fresh, old], nowMs) === undefined;
      }) ?? -1
    );
  };
  assert.deepEqual(
    [21, 17, 25, 13, 28, 1_000].map(matchedAt),
    [0, 5_000, 10_000, 15_000, 20_000, 20_000],
  );
});

test('who blocks whom does not meet, unless the hopper is ranked', () => {
  const shy = sampleTicket({}, { players: [{ ...samplePlayer('1'), avoids: ['2'] }] });
  const other = sampleTicket({}, { players: [samplePlayer('2')] });
  assert.match(problemOf({}, [shy, other]) ?? '', /may not meet/);
  assert.match(problemOf({}, [other, shy]) ?? '', /may not meet/);
  assert.equal(problemOf({ isRanked: true }, [shy, other]), undefined);
});

test('a user who waits with two tickets is not matched with himself, ranked or not', () => {
  const ticketOf = (...xuids: readonly string[]) =>
    sampleTicket({}, { players: xuids.map((xuid) => samplePlayer(xuid)) });
  const group = [ticketOf('1', '2'), ticketOf('3', '2')];
  for (const isRanked of [false, true]) {
    assert.match(problemOf({ isRanked, maxGroupSize: 4 }, group) ?? '', /may not meet/);
  }
  const others = [ticketOf('1', '2'), ticketOf('3', '4')];
  assert.equal(problemOf({ maxGroupSize: 4 }, others), undefined);
});

// @source docs/wire/unknowns.md "unequal targetSessionConstants"
test('two preserved sessions never meet, nor do other constants of the target', () => {
  const preserved = () => sampleTicket({}, { preserved: { reservedCount: 0 } });
  const to = (map: string) => sampleTicket({}, { targetConstants: { custom: { map } } });
  assert.notEqual(problemOf({}, [preserved(), preserved()]), undefined);
  assert.equal(problemOf({}, [preserved(), sampleTicket()]), undefined);
  assert.notEqual(problemOf({}, [to('a'), to('b')]), undefined);
  assert.equal(problemOf({}, [to('a'), to('a')]), undefined);
});

test('reserved places of a preserved session count', () => {
  const hopper = { minGroupSize: 4, maxGroupSize: 4 };
  const session = sampleTicket({}, { size: 2, preserved: { reservedCount: 1 } });
  assert.equal(problemOf(hopper, [session, sampleTicket()]), undefined);
  assert.match(
    problemOf(hopper, [session, sampleTicket({}, { size: 2 })]) ?? '',
    /5 players, 4 allowed/,
  );
});

// @source docs/wire/unknowns.md "a match that is not full"
test('a match that is not full waits for a cycle', () => {
  const hopper = { minGroupSize: 2, maxGroupSize: 4 };
  const tickets = [sampleTicket(), sampleTicket()];
  assert.match(problemOf(hopper, tickets, 4_999) ?? '', /2 of 4 players so far/);
  assert.equal(problemOf(hopper, tickets, 5_000), undefined);
  const full = [...tickets, sampleTicket({}, { size: 2 })];
  assert.equal(problemOf(hopper, full, 0), undefined);
});

const teams = [
  { name: 'red', minSize: 2, maxSize: 2 },
  { name: 'blue', minSize: 2, maxSize: 2 },
];

test('teams: no ticket is parted, a SHOULD rule parts it once it is dropped', () => {
  const tickets = [sampleTicket({}, { size: 3 }), sampleTicket()];
  const rule: Rule = { ...must, dataType: 'team', teams };
  assert.match(problemOf({ rules: [rule] }, tickets) ?? '', /cannot be dealt/);
  const should: Rule = { ...rule, type: 'should' };
  assert.match(problemOf({ rules: [should] }, tickets, 15_000) ?? '', /cannot be dealt/);
  assert.equal(problemOf({ rules: [should] }, tickets, 20_000), undefined);
  const ready = hopperRules(sampleHopper({ rules: [should], maxGroupSize: 4 }));
  const match = matchOf(
    ready,
    tickets.map((ticket) => candidateOf(ready, ticket)),
    20_000,
  );
  assert.deepEqual([...(match.teams?.values() ?? [])].sort(), ['blue', 'blue', 'red', 'red']);
});

test('players of a preserved session keep their teams, and others fill the open places', () => {
  const rule: Rule = { ...must, dataType: 'team', teams };
  const inGame = sampleTicket(
    {},
    {
      players: [
        { ...samplePlayer('1'), teams: ['blue'] },
        { ...samplePlayer('2'), teams: ['blue'] },
      ],
      preserved: { reservedCount: 0 },
    },
  );
  const pair = sampleTicket({}, { players: [samplePlayer('3'), samplePlayer('4')] });
  const ready = hopperRules(sampleHopper({ rules: [rule], maxGroupSize: 4 }));
  const match = matchOf(
    ready,
    [inGame, pair].map((ticket) => candidateOf(ready, ticket)),
    0,
  );
  assert.deepEqual(Object.fromEntries(match.teams ?? []), {
    1: 'blue',
    2: 'blue',
    3: 'red',
    4: 'red',
  });
});

test('servers: MUST within the maximum of each player, SHOULD from the best on', () => {
  const at = (latenciesMs: Readonly<Record<string, number>>) =>
    sampleTicket({}, { players: [samplePlayer(newXuid(), {}, latenciesMs)] });
  const quality = {
    ...must,
    dataType: 'qualityOfService',
    topology: 'clientServer',
    latencyMaximum: 80,
    scalingMaximum: 100,
  } as const;
  const east = at({ east: 20, west: 90 });
  const west = at({ east: 90, west: 20 });
  assert.notEqual(problemOf({ rules: [quality] }, [east, west]), undefined);
  assert.equal(problemOf({ rules: [quality] }, [east, at({ east: 80 })]), undefined);
  const should: Rule = { ...quality, type: 'should' };
  // East becomes acceptable to the other one at 70 ms above its best: in the third cycle.
  assert.notEqual(problemOf({ rules: [should] }, [east, west], 10_000), undefined);
  assert.equal(problemOf({ rules: [should] }, [east, west], 15_000), undefined);
  const rules = hopperRules(sampleHopper({ rules: [should] }));
  const match = matchOf(
    rules,
    [east, at({ east: 60, west: 50 })].map((one) => candidateOf(rules, one)),
    0,
  );
  assert.deepEqual(match.servers, ['east', 'west']);
});

// @source docs/wire/unknowns.md "latency between peers that have not met"
test('peers: latency is estimated by the server between them', () => {
  const at = (latenciesMs: Readonly<Record<string, number>>) =>
    sampleTicket({}, { players: [samplePlayer(newXuid(), {}, latenciesMs)] });
  const rule = (topology: 'peerToPeer' | 'peerToHost'): Rule => ({
    ...must,
    dataType: 'qualityOfService',
    topology,
    latencyMaximum: 100,
    scalingMaximum: 100,
  });
  const middle = at({ a: 30, b: 30 });
  const [left, right] = [at({ a: 60 }), at({ b: 60 })];
  assert.equal(problemOf({ rules: [rule('peerToPeer')] }, [middle, left]), undefined);
  assert.notEqual(problemOf({ rules: [rule('peerToPeer')] }, [left, middle, right]), undefined);
  assert.equal(problemOf({ rules: [rule('peerToHost')] }, [left, middle, right]), undefined);
  assert.notEqual(problemOf({ rules: [rule('peerToHost')] }, [left, right]), undefined);
  assert.equal(problemOf({ rules: [rule('peerToPeer')] }, [left, sampleTicket()]), undefined);
});
