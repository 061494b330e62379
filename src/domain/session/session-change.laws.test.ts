import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyPlot, anySession, play } from '../../testing/arbitraries.ts';
import { memberChanges } from './session-change.ts';
import type { Member } from './session.ts';

/** The changes of these lists, found by looking up every member. */
function check(before: readonly Member[], next: readonly Member[]): void {
  const at = (members: readonly Member[], index: number): Member | undefined =>
    members.find((one) => one.index === index);
  const expected = [
    ...next
      .map((member) => ({ former: at(before, member.index), member }))
      .filter(({ former, member }) => former !== member),
    ...before
      .filter(({ index }) => at(next, index) === undefined)
      .map((former) => ({ former, member: undefined })),
  ];
  const changes = memberChanges(before, next);
  assert.equal(changes.length, expected.length);
  for (const [n, change] of changes.entries()) {
    // The same values, not equal ones.
    assert.equal(change.former, expected[n]?.former);
    assert.equal(change.member, expected[n]?.member);
  }
}

// Kills: members behind a removed one taken for new; members removed at the end forgotten; members
// named who are the same value after a gap; seats compared by place only.
test('the changes of members are those who are another value, by index', () => {
  fc.assert(
    fc.property(anyPlot, (plot) => {
      for (const { before, after } of play(plot))
        check(before?.members ?? [], after?.members ?? []);
    }),
  );
  // The changes of two sessions that share nothing, and of parts of one that share everything.
  fc.assert(
    fc.property(anySession, anySession, fc.nat(31), fc.nat(31), (a, b, some, others) => {
      const part = (members: readonly Member[], chosen: number): readonly Member[] =>
        members.filter(({ index }) => ((chosen >> (index % 5)) & 1) === 1);
      check(a.members, b.members);
      check(part(a.members, some), part(a.members, others));
    }),
  );
});
