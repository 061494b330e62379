import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyPlot, anySession, play } from '../../testing/arbitraries.ts';
import { latestTimeMs } from '../time.ts';
import { markDisconnected, newConnection } from './disconnect.ts';
import { nextDueMs, nextTimerMs, applyTimeouts } from './timeouts.ts';
import type { Session } from './session.ts';
import { viewSession } from './view.ts';

const graceMs = 30_000;

// Kills: a mark that shows in nextTimer; a mark on a member that is not active; a mark that
// restarts the grace; a mark that applyTimeouts does not know.
test('a mark shows nowhere, counts once, and makes inactive exactly when the grace is over', () => {
  fc.assert(
    fc.property(anySession, fc.nat(3), (session, n) => {
      const ended = session.members[n]?.properties.system.connection?.toLowerCase();
      const untilMs = latestTimeMs - graceMs;
      const marked = markDisconnected(session, (one) => one === ended, untilMs);
      assert.deepEqual(viewSession(marked, 107), viewSession(session, 107));
      assert.equal(nextTimerMs(marked), nextTimerMs(session));
      assert.equal(
        markDisconnected(marked, (one) => one === ended, untilMs + 1),
        marked,
      );
      const concerned = session.members.filter(
        ({ status, properties: { system } }) =>
          status === 'active' &&
          system.connection !== undefined &&
          system.connection.toLowerCase() === ended,
      );
      assert.equal(marked === session, concerned.length === 0);
      for (const { index } of concerned) {
        const alone = { ...marked, members: marked.members.filter((one) => one.index === index) };
        assert.equal(nextDueMs(alone), untilMs);
        const [member] = applyTimeouts(alone, untilMs)?.members ?? [];
        assert.equal(member?.status, 'inactive');
        assert.equal(member.activeUntilMs, undefined);
      }
    }),
  );
});

// Kills: a connection by which the member was already active; that of a new member, or of one that
// becomes active, left out; one in the case of its writer, or new by its case only; another
// member's.
test('a new connection is one that the member is active by and was not before', () => {
  let foundCount = 0;
  fc.assert(
    fc.property(anyPlot, (plot) => {
      for (const { before, after } of play(plot)) {
        if (after === undefined) continue;
        const former = before?.branch === after.branch ? before : undefined;
        for (const { xuid } of [...after.members, { xuid: 'nobody' }]) {
          const connection = activeBy(after, xuid);
          const expected = connection === activeBy(former, xuid) ? undefined : connection;
          if (expected !== undefined) foundCount += 1;
          for (const next of [after, inCapitals(after)]) {
            assert.equal(newConnection(former, next, xuid), expected);
          }
        }
      }
    }),
  );
  assert.ok(foundCount > 0);
});

function activeBy(session: Session | undefined, xuid: string): string | undefined {
  const member = session?.members.find((one) => one.xuid === xuid);
  const { connection } = member?.properties.system ?? {};
  return member?.status === 'active' ? connection?.toLowerCase() : undefined;
}

/** The session with the connections of its members written again, in capitals. */
function inCapitals(session: Session): Session {
  const members = session.members.map((member) => {
    const { connection, ...rest } = member.properties.system;
    if (connection === undefined) return member;
    const system = { ...rest, connection: connection.toUpperCase() };
    return { ...member, properties: { ...member.properties, system } };
  });
  return { ...session, members };
}
