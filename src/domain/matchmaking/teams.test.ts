import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dealTeams } from './teams.ts';

const team = (minSize: number, maxSize: number) => ({ name: 'team', minSize, maxSize });
const partiesOf = (...sizes: number[]) => sizes.map((size) => ({ size }));

test('parties are not parted: 4, 3 and 3 do not make two teams of five', () => {
  const teams = [team(5, 5), team(5, 5)];
  assert.equal(dealTeams(partiesOf(4, 3, 3), teams, { isComplete: true }), undefined);
  assert.deepEqual(dealTeams(partiesOf(4, 3, 2, 1), teams, { isComplete: true }), [0, 1, 1, 0]);
});

test('teams become even, in number and then in strength', () => {
  const teams = [team(0, 4), team(0, 4)];
  assert.deepEqual(dealTeams(partiesOf(2, 2), teams, { isComplete: false }), [0, 1]);
  const strengths = [9, 8, 2, 1].map((strength) => ({ size: 1, strength }));
  assert.deepEqual(dealTeams(strengths, teams, { isComplete: true }), [0, 1, 1, 0]);
});

test('who is in a team already takes a place of it', () => {
  const teams = [team(2, 2), team(2, 2)];
  assert.deepEqual(dealTeams(partiesOf(2), teams, { filled: [2, 0], isComplete: true }), [1]);
  assert.equal(dealTeams(partiesOf(2), teams, { filled: [1, 1], isComplete: true }), undefined);
  assert.equal(dealTeams([], teams, { filled: [3, 0], isComplete: false }), undefined);
});

// Kills: a search that gives up after the first team that is full; states remembered without `at`.
test('parties are dealt whenever some deal exists', () => {
  const anyTeam = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 })).map(([min, max]) => {
    return team(Math.min(min, max), max);
  });
  const anyTeams = fc.array(anyTeam, { minLength: 1, maxLength: 3 });
  const anySizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 });
  fc.assert(
    fc.property(anySizes, anyTeams, fc.boolean(), (sizes, teams, isComplete) => {
      const dealt = dealTeams(partiesOf(...sizes), teams, { isComplete });
      assert.equal(
        dealt !== undefined,
        canDeal(
          sizes,
          teams,
          isComplete,
          teams.map(() => 0),
        ),
      );
      if (dealt === undefined) return;
      const filled = teams.map((_, i) =>
        sizes.reduce((sum, size, party) => sum + (dealt[party] === i ? size : 0), 0),
      );
      for (const [i, { minSize, maxSize }] of teams.entries()) {
        assert.ok((filled[i] ?? 0) <= maxSize);
        if (isComplete) assert.ok((filled[i] ?? 0) >= minSize);
      }
    }),
  );
});

/** Every deal, tried. */
function canDeal(
  [size, ...others]: readonly number[],
  teams: readonly { readonly minSize: number; readonly maxSize: number }[],
  isComplete: boolean,
  filled: readonly number[],
): boolean {
  if (size === undefined) {
    return teams.every(
      ({ minSize, maxSize }, i) =>
        (filled[i] ?? 0) <= maxSize && (!isComplete || (filled[i] ?? 0) >= minSize),
    );
  }
  return teams.some((_, i) =>
    canDeal(others, teams, isComplete, filled.with(i, (filled[i] ?? 0) + size)),
  );
}
