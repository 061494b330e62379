import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anySession } from '../../testing/arbitraries.ts';
import type { UserCaller } from '../caller.ts';
import type { JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import { latestTimeMs } from '../time.ts';
import { ada, bert, cleo, decide, dora, reserve, startMs } from '../../testing/samples.ts';
import { defaultBounds } from './bounds.ts';
import { type MemberStatus, memberTimeouts, type Session, stageTimeouts } from './session.ts';
import { hasEnded, nextDueMs, applyTimeouts, timersOf } from './timeouts.ts';
import { isLarge } from './large.ts';
import { Hits } from '../../testing/hits.ts';

const anyWaitMs = fc.constantFrom(0, 1, 999, 1_000, 29_999, 30_000, 1_000_000);

// Kills: a kind of timer left out of timersOf; its list in another order; the grace of a connection taken for
// a timeout of the status.
test('the first timer of a session is its due time', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySession, (session) => {
      if (isLarge(session)) return;
      const [first] = timersOf(session);
      assert.equal(first?.dueMs, nextDueMs(session));
      if (first !== undefined) hits.count();
    }),
    { numRuns: 200 },
  );
  hits.assertAtLeast(30);
});

// Kills: ">=" for ">" in applyTimeouts; the latest due time taken for the next; the empty timeout
// forgotten in nextDueMs.
test('the due time is exactly the first at which timeouts change something', () => {
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

// Kills: a ready member removed before it was inactive; a member moved early because another one is
// due; statusSinceMs kept when the status changes.
test('timeouts move each member by one step at most, and only those who are due', () => {
  fc.assert(
    fc.property(anySession, anyWaitMs, (session, waitMs) => {
      const nowMs = (nextDueMs(session) ?? 0) + waitMs;
      const applied = applyTimeouts(session, nowMs);
      for (const member of session.members) {
        const after = applied?.members.find(({ index }) => index === member.index);
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

// Kills: a ready member that becomes ready again.
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

// Kills: changeNumber left alone by timeouts; every such session taken for an ended one.
test('applied timeouts are one change, and only an empty session ends', () => {
  fc.assert(
    fc.property(anySession, anyWaitMs, (session, waitMs) => {
      const nowMs = (nextDueMs(session) ?? 0) + waitMs;
      const applied = applyTimeouts(session, nowMs);
      if (applied === undefined) {
        const stay = session.members.filter(
          ({ status }) => status === 'active' || status === 'ready',
        );
        assert.equal(stay.length, 0);
      } else if (applied !== session) {
        assert.equal(applied.changeNumber, session.changeNumber + 1);
        assert.equal(applied.nextMemberIndex, session.nextMemberIndex);
        assert.equal(applied.branch, session.branch);
      }
    }),
  );
});

const boundMs = 60_000;
const anyTimeout = fc.constantFrom(undefined, null, 0, 1_000, boundMs, boundMs + 1, 1e12);
const withoutUndefined = (object: object): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
const anyConstants = fc
  .record({
    ...Object.fromEntries(memberTimeouts.map((name) => [name, anyTimeout])),
    memberInitialization: fc.option(
      fc
        .record({
          ...Object.fromEntries(stageTimeouts.map((name) => [name, anyTimeout])),
          externalEvaluation: fc.boolean(),
        })
        .map(withoutUndefined),
      { nil: undefined },
    ),
  })
  .map(withoutUndefined);
const anyStatus = fc.constantFrom<JsonObject>({ active: true }, { ready: true }, { active: false });

// Kills: a timeout missing in `longTimeouts` or in `isBounded`; members held by a stage not bounded;
// a session ended while somebody is active.
test('a session made by a creator ends within three bounds after its last member was active', () => {
  const bounds = { ...defaultBounds, emptyMsMax: boundMs };
  const hits = new Hits();
  fc.assert(
    fc.property(
      anyConstants,
      fc.array(fc.tuple(fc.constantFrom(bert, cleo), anyStatus, fc.boolean())),
      fc.boolean(),
      (system, others, initialize) => {
        const member = (status: JsonObject, isFirst: boolean): JsonObject => ({
          members: {
            me: {
              ...(isFirst && { constants: { system: { initialize } } }),
              properties: { system: status },
            },
          },
        });
        const start = { ...member({ active: true }, true), constants: { system } };
        const created = decide(undefined, start, { bounds });
        if (created instanceof Refusal || !('session' in created)) return;
        let session: Session | undefined = created.session;
        const put = (body: JsonObject, by: UserCaller): void => {
          const decision = session && decide(session, body, { bounds, by, nowMs: startMs });
          if (decision && 'session' in decision) session = decision.session;
        };
        put(reserve(dora), ada);
        for (const [by, status, asks] of others) put(member(status, asks), by);
        for (const { xuid, status } of session.members) {
          const by = [ada, bert, cleo].find((one) => one.xuid === xuid);
          if (status === 'active' && by)
            put(member(xuid === ada.xuid ? { ready: true } : {}, false), by);
        }
        for (const { xuid, status } of session?.members ?? []) {
          const by = [ada, bert, cleo].find((one) => one.xuid === xuid);
          if (status === 'active' && by) put(member({ active: false }, false), by);
        }
        let nowMs = startMs;
        for (let step = 0; step < 30 && session !== undefined; step += 1) {
          const dueMs = nextDueMs(session);
          assert.ok(dueMs !== undefined, 'a session without active members that never ends');
          nowMs = Math.max(nowMs, dueMs);
          session = applyTimeouts(session, nowMs);
        }
        assert.equal(session, undefined);
        assert.ok(nowMs <= startMs + 3 * boundMs);
        hits.count();
      },
    ),
    { numRuns: 300 },
  );
  hits.assertAtLeast(100);
});
