import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anySession } from '../../testing/arbitraries.ts';
import { type Graces, graceMsOf, markDisconnected } from './disconnect.ts';
import { membersToLookFor, withSightings } from './presence.ts';
import { applyTimeouts } from './timeouts.ts';
import { viewSession } from './view.ts';
import { Hits } from '../../testing/hits.ts';

const graces: Graces = { disconnectGraceMs: 2, presenceTimeoutMs: 3, unconnectedTimeoutMs: 4 };
/** Few times, so that they meet to the millisecond. */
const anyMs = fc.nat(9);

// Kills: a new grace that begins with the look in place of the sighting; members of sessions that
// need a connection looked for; members looked for before their time.
test('a member goes by the mark exactly when nothing was seen of him for the whole grace', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySession, anyMs, anyMs, anyMs, (session, endMs, nowMs, seenMs) => {
      const graceMs = graceMsOf(session, graces);
      if (graceMs === undefined) return;
      hits.count();
      const marked = markDisconnected(session, () => true, endMs + graceMs);
      const looked = withSightings(marked, () => seenMs, graces, nowMs);
      const needsConnection =
        session.constants.system.capabilities.connectionRequiredForActiveMembers === true;
      const isDue = endMs + graceMs <= nowMs;
      const stays = !isDue || (!needsConnection && seenMs + graceMs > nowMs);
      for (const member of marked.members) {
        if (member.activeUntilMs === undefined) continue;
        const now = looked.members.find(({ index }) => index === member.index);
        assert.equal((now?.activeUntilMs ?? 0) > nowMs, stays);
      }
      if (stays) assert.deepEqual(membersToLookFor(looked, nowMs), []);
    }),
  );
  hits.assertAtLeast(20);
});

// Kills: a change number that rises, or a status that changes, when a member is only looked for.
test('no client sees that members were marked or looked for', () => {
  fc.assert(
    fc.property(anySession, anyMs, anyMs, (session, nowMs, seenMs) => {
      const marked = markDisconnected(session, () => true, nowMs);
      const looked = withSightings(marked, () => seenMs, graces, nowMs);
      assert.deepEqual(viewSession(marked, 107), viewSession(session, 107));
      assert.deepEqual(viewSession(looked, 107), viewSession(session, 107));
      if (membersToLookFor(marked, nowMs).length === 0) assert.equal(looked, marked);
      else assert.notEqual(applyTimeouts(marked, nowMs), marked);
    }),
  );
});
