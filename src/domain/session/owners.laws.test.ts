import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { play, type Turn } from '../../testing/arbitraries.ts';
import { anyRuledPlot } from '../../testing/ruled-plots.ts';
import { isOwner, ownersOf } from './owners.ts';
import type { Session } from './session.ts';
import { Hits } from '../../testing/hits.ts';

/** Checks every turn of many histories with owners and roles. */
function everyTurn(check: (turn: Turn) => void): void {
  fc.assert(
    fc.property(anyRuledPlot, (plot) => {
      for (const turn of play(plot)) check(turn);
    }),
    { numRuns: 200 },
  );
}

const hasOwners = ({ constants }: Session) => constants.system.capabilities.hasOwners === true;
const isAccepted = ({ status }: Session['members'][number]) => status !== 'reserved';

// Kills: withOwners left out of applyTimeouts, or of writes; an owner's index kept after it went; a
// reservation made owner.
test('a session with owners has one while it has accepted members, and no other session has', () => {
  const hits = new Hits();
  everyTurn(({ after }) => {
    if (after === undefined) return;
    const { owners } = after.properties.system;
    if (!hasOwners(after) || !after.members.some(isAccepted)) {
      assert.equal(owners, undefined);
      return;
    }
    hits.count();
    assert.ok(owners !== undefined && owners.length > 0);
    assert.equal(ownersOf(after).length, owners.length);
    assert.ok(ownersOf(after).every(isAccepted));
  });
  hits.assertAtLeast(250);
});

// Kills: the policies mixed up; the youngest member, or the one of the highest index, made owner.
test('an owner is followed by the member who joined first, or by the end of the session', () => {
  const hits = new Hits();
  everyTurn(({ before, after }) => {
    if (before === undefined || after === undefined || ownersOf(before).length === 0) return;
    const stayed = ownersOf(before).some(({ index }) =>
      after.members.some((member) => member.index === index),
    );
    if (stayed) {
      assert.deepEqual(after.properties.system.owners, before.properties.system.owners);
      return;
    }
    hits.count();
    assert.equal(before.constants.system.ownershipPolicies?.['migration'], 'oldest');
    const [owner] = ownersOf(after);
    for (const member of after.members.filter(isAccepted)) {
      assert.ok(owner !== undefined && owner.joinTimeMs <= member.joinTimeMs);
    }
  });
  hits.assertAtLeast(1);
});

// Kills: managesSession that says yes to members; a removal or role of another by who is no owner.
test('who is no owner leaves others in their places and roles', () => {
  const hits = new Hits();
  everyTurn((turn) => {
    const { before, after } = turn;
    if (turn.cause === 'time' || before === undefined || after === undefined) return;
    const { by } = turn.circumstances;
    if (by?.kind !== 'user' || isOwner(before, by)) return;
    hits.count();
    for (const member of before.members) {
      if (member.xuid === by.xuid) continue;
      assert.equal(
        after.members.find(({ index }) => index === member.index),
        member,
      );
    }
    // Who comes into a session without an owner owns it from then on.
    if (!isOwner(after, by)) assert.equal(after.roleTypes, before.roleTypes);
  });
  hits.assertAtLeast(250);
});
