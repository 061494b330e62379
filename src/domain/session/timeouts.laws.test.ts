import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anySession } from '../../testing/arbitraries.ts';
import { latestTimeMs } from '../time.ts';
import type { MemberStatus, Session } from './session.ts';
import { hasEnded, nextDueMs, applyTimeouts } from './timeouts.ts';
import { Hits } from '../../testing/hits.ts';

const anyWaitMs = fc.constantFrom(0, 1, 999, 1_000, 29_999, 30_000, 1_000_000);

// Kills: ">=" for ">" in settle; the latest due time taken for the next; the empty timeout
// forgotten in nextDueMs.
test('the due time is exactly the first at which a settle changes something', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySession, anyWaitMs, (session, waitMs) => {
      const dueMs = nextDueMs(session);
      const { emptySinceMs, ...rest } = session;
      const alone = session.members.map((member) => nextDueMs({ ...rest, members: [member] }));
      for (const memberDueMs of alone)
        assert.ok(memberDueMs === undefined || (dueMs ?? latestTimeMs) <= memberDueMs);
      assert.ok(!hasEnded(session, (dueMs ?? latestTimeMs) - 1));
      if (dueMs === undefined) {
        assert.equal(applyTimeouts(session, latestTimeMs), session);
        return;
      }
      hits.count();
      assert.equal(applyTimeouts(session, dueMs - 1 - waitMs), session);
      assert.notEqual(applyTimeouts(session, dueMs + waitMs), session);
    }),
    { numRuns: 200 },
  );
  hits.assertAtLeast(30);
});

const steps: Readonly<Record<MemberStatus, readonly (MemberStatus | 'removed')[]>> = {
  active: ['active'],
  ready: ['ready', 'inactive'],
  inactive: ['inactive', 'removed'],
  reserved: ['reserved', 'removed'],
};

// Kills: a ready member removed without having been inactive; a member moved early because another
// one is due; statusSinceMs kept when the status changes.
test('a settle moves each member by one step at most, and only who is due', () => {
  fc.assert(
    fc.property(anySession, anyWaitMs, (session, waitMs) => {
      const nowMs = (nextDueMs(session) ?? 0) + waitMs;
      const settled = applyTimeouts(session, nowMs);
      for (const member of session.members) {
        const after = settled?.members.find(({ index }) => index === member.index);
        assert.ok(steps[member.status].includes(after?.status ?? 'removed'));
        // The member alone is due exactly when it moves.
        const { emptySinceMs, ...rest } = session;
        const aloneDueMs = nextDueMs({ ...rest, members: [member] });
        const isDue = aloneDueMs !== undefined && aloneDueMs <= nowMs;
        assert.equal(after !== member, isDue);
        if (after && isDue) assert.equal(after.statusSinceMs, nowMs);
      }
    }),
    { numRuns: 200 },
  );
});

// Kills: a ready member that becomes ready anew.
test('settling again at the same instant comes to an end after the steps that are left', () => {
  fc.assert(
    fc.property(anySession, anyWaitMs, (session, waitMs) => {
      const nowMs = (nextDueMs(session) ?? 0) + waitMs;
      let now: Session | undefined = session;
      for (let step = 0; step < 2 && now !== undefined; step += 1) now = applyTimeouts(now, nowMs);
      assert.equal(now && applyTimeouts(now, nowMs), now);
    }),
  );
});

// Kills: changeNumber left alone by a settle; every settled session taken for an ended one.
test('a settle is one change, and only an empty session ends', () => {
  fc.assert(
    fc.property(anySession, anyWaitMs, (session, waitMs) => {
      const nowMs = (nextDueMs(session) ?? 0) + waitMs;
      const settled = applyTimeouts(session, nowMs);
      if (settled === undefined) {
        const stay = session.members.filter(
          ({ status }) => status === 'active' || status === 'ready',
        );
        assert.equal(stay.length, 0);
      } else if (settled !== session) {
        assert.equal(settled.changeNumber, session.changeNumber + 1);
        assert.equal(settled.nextMemberIndex, session.nextMemberIndex);
        assert.equal(settled.branch, session.branch);
      }
    }),
  );
});
