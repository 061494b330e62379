import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ada,
  bert,
  cleo,
  decide,
  leave,
  me,
  referee,
  reserve,
  sampleTemplate,
  sessionOf,
  startMs,
  system,
  write,
} from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import { latestTimeMs, type Milliseconds } from '../time.ts';
import { memberOf, type Session } from './session.ts';
import { hasEnded, nextDueMs, applyTimeouts } from './timeouts.ts';
import { viewSession } from './view.ts';

const timeouts = {
  reservedRemovalTimeout: 10_000,
  readyRemovalTimeout: 20_000,
  inactiveRemovalTimeout: 5_000,
  sessionEmptyTimeout: 60_000,
};

/** Ada is active in it; Bert is as the body says. */
function sessionWith(by: typeof bert, body: JsonObject, constants: JsonObject = timeouts): Session {
  return write(sessionOf([ada], { template: sampleTemplate(constants) }), body, { by });
}

const ready = sessionWith(bert, me({ ready: true }));
const inactive = sessionWith(bert, me({}));
const reserved = sessionWith(ada, reserve(bert));

const single: readonly (readonly [
  what: string,
  session: Session,
  afterMs: Milliseconds,
  becomes: string | undefined,
])[] = [
  ['a reservation', reserved, 10_000, undefined],
  ['a ready member', ready, 20_000, 'inactive'],
  ['an inactive member', inactive, 5_000, undefined],
];

for (const [what, session, afterMs, becomes] of single) {
  test(`${what} stays for ${afterMs} ms and is then ${becomes ?? 'removed'}`, () => {
    const dueMs = startMs + afterMs;
    assert.equal(nextDueMs(session), dueMs);
    assert.equal(applyTimeouts(session, dueMs - 1), session);
    for (const nowMs of [dueMs, dueMs + 1_000_000]) {
      const applied = applyTimeouts(session, nowMs);
      assert.ok(applied);
      assert.equal(memberOf(applied, bert.xuid)?.status, becomes);
      assert.equal(memberOf(applied, ada.xuid), memberOf(session, ada.xuid));
      assert.equal(applied.changeNumber, session.changeNumber + 1);
    }
  });
}

test('an active member is never moved', () => {
  const session = sessionOf([ada], { template: sampleTemplate(timeouts) });
  assert.equal(nextDueMs(session), undefined);
  assert.equal(applyTimeouts(session, latestTimeMs), session);
});

test('timeouts are not stacked: one step at a time, each counted from when the step was made', () => {
  const lateMs = startMs + 1_000_000;
  const demoted = applyTimeouts(ready, lateMs);
  assert.ok(demoted);
  assert.deepEqual(
    [memberOf(demoted, bert.xuid)?.status, memberOf(demoted, bert.xuid)?.statusSinceMs],
    ['inactive', lateMs],
  );
  assert.equal(nextDueMs(demoted), lateMs + 5_000);
  assert.equal(applyTimeouts(demoted, lateMs), demoted);
  assert.equal(applyTimeouts(demoted, lateMs + 5_000)?.members.length, 1);
});

test('all members who are due move together and count as one change', () => {
  const both = write(ready, me({}), { by: cleo });
  const applied = applyTimeouts(both, startMs + 20_000);
  assert.deepEqual(
    applied?.members.map(({ xuid, status }) => [xuid, status]),
    [
      [ada.xuid, 'active'],
      [bert.xuid, 'inactive'],
    ],
  );
  assert.equal(applied?.changeNumber, both.changeNumber + 1);
});

test('a timeout of 0 ends the next time and not within the write', () => {
  const session = sessionWith(bert, me({}), { ...timeouts, inactiveRemovalTimeout: 0 });
  assert.equal(memberOf(session, bert.xuid)?.status, 'inactive');
  assert.equal(nextDueMs(session), startMs);
  assert.equal(applyTimeouts(session, startMs)?.members.length, 1);
});

test('a ready member whose timeout and the next one are 0 moves twice at one instant, in two steps', () => {
  const session = sessionWith(bert, me({ ready: true }), {
    ...timeouts,
    readyRemovalTimeout: 0,
    inactiveRemovalTimeout: 0,
  });
  const once = applyTimeouts(session, startMs);
  assert.equal(once && memberOf(once, bert.xuid)?.status, 'inactive');
  const twice = once && applyTimeouts(once, startMs);
  assert.equal(twice?.members.length, 1);
  assert.equal(twice && applyTimeouts(twice, startMs), twice);
});

test('a timeout that is null in the template never runs out', () => {
  for (const [timeout, body] of [
    ['readyRemovalTimeout', me({ ready: true })],
    ['inactiveRemovalTimeout', me({})],
  ] as const) {
    const session = sessionWith(bert, body, { ...timeouts, [timeout]: null });
    assert.equal(nextDueMs(session), undefined);
    assert.equal(applyTimeouts(session, latestTimeMs), session);
  }
});

test('defaults: reservations 30 s, ready members 3 min, inactive ones at once', () => {
  const due = (session: Session): number => (nextDueMs(session) ?? Number.NaN) - startMs;
  assert.equal(due(sessionWith(ada, reserve(bert), {})), 30_000);
  assert.equal(due(sessionWith(bert, me({ ready: true }), {})), 180_000);
  assert.equal(due(sessionWith(bert, me({}), {})), 0);
});

test('a timeout beyond what clients can read is none', () => {
  const inactiveRemovalTimeout = Number.MAX_SAFE_INTEGER;
  const session = sessionWith(bert, me({}), { ...timeouts, inactiveRemovalTimeout });
  assert.equal(nextDueMs(session), undefined);
  assert.equal(viewSession(session, 107)['nextTimer'], undefined);
  const latest = sessionWith(bert, me({}), { inactiveRemovalTimeout: latestTimeMs - startMs });
  assert.equal(viewSession(latest, 107)['nextTimer'], '9999-12-31T23:59:59.9990000Z');
});

test('writing the same status again does not begin its time anew', () => {
  const again = write(ready, me({ ready: true }), { by: bert, nowMs: startMs + 7_000 });
  assert.equal(again, ready);
  const other = write(ready, me({}, { a: 1 }), { by: bert, nowMs: startMs + 7_000 });
  assert.equal(nextDueMs(other), startMs + 20_000);
});

test('a session outlives its last member by its empty timeout', () => {
  const session = sessionOf([ada], { template: sampleTemplate(timeouts) });
  const empty = write(session, leave, { nowMs: startMs + 1_000 });
  assert.equal(nextDueMs(empty), startMs + 61_000);
  assert.equal(applyTimeouts(empty, startMs + 60_999), empty);
  assert.equal(applyTimeouts(empty, startMs + 61_000), undefined);
  assert.equal(hasEnded(empty, startMs + 60_999), false);
  assert.equal(hasEnded(empty, startMs + 61_000), true);
});

test('a user who joins while it is empty keeps it alive', () => {
  const session = sessionOf([ada], { template: sampleTemplate(timeouts) });
  const empty = write(session, leave);
  for (const [body, by] of [
    [me(), bert],
    [reserve(bert), referee],
  ] as const) {
    const taken = write(empty, body, { by, nowMs: startMs + 59_000 });
    assert.equal(taken.emptySinceMs, undefined);
    assert.equal(taken.branch, session.branch);
  }
});

test('without an empty timeout an empty session stays for good', () => {
  const template = sampleTemplate({ sessionEmptyTimeout: null });
  const created = write(undefined, {}, { template });
  assert.equal(nextDueMs(created), undefined);
  assert.equal(applyTimeouts(created, latestTimeMs), created);
});

test('with an empty timeout of 0 it ends together with its last member, by write or by time', () => {
  const template = sampleTemplate({ ...timeouts, sessionEmptyTimeout: 0 });
  const session = write(undefined, me({}), { template });
  assert.deepEqual(decide(session, leave), { kind: 'deleted' });
  assert.equal(applyTimeouts(session, startMs + 5_000), undefined);
});

test('timeouts that empty a session begin its empty time', () => {
  const session = write(undefined, me({}), { template: sampleTemplate(timeouts) });
  const empty = applyTimeouts(session, startMs + 8_000);
  assert.equal(empty?.members.length, 0);
  assert.equal(empty?.emptySinceMs, startMs + 8_000);
  assert.equal(empty && nextDueMs(empty), startMs + 68_000);
});

test('a timeout takes host, turn and activity from the member that it moves', () => {
  const template = sampleTemplate({ ...timeouts, capabilities: { connectivity: true } });
  const joined = write(undefined, me({ ready: true, secureDeviceAddress: 'MS4xLjEuMQ==' }), {
    template,
  });
  const host = joined.members[0]?.deviceToken ?? '';
  const begun = write(write(joined, me(), { by: bert }), system({ host, turn: [0, 1] }));
  const acting = {
    ...begun,
    members: begun.members.map((one) => ({ ...one, activityHandleId: 'h' })),
  };
  const demoted = applyTimeouts(acting, startMs + 20_000);
  assert.ok(demoted);
  assert.deepEqual(
    demoted.members.map(({ status, activityHandleId }) => [status, activityHandleId]),
    [
      ['inactive', undefined],
      ['active', 'h'],
    ],
  );
  assert.deepEqual(demoted.properties.system, { host, turn: [0, 1] });
  const removed = applyTimeouts(demoted, startMs + 25_000);
  assert.deepEqual(removed?.properties.system, { turn: [1] });
  assert.deepEqual(removed?.formerXuids, [ada.xuid]);
});

test('who was removed by time keeps the index taken and may be let back in', () => {
  const session = write(inactive, system({ closed: true, locked: true }));
  const applied = applyTimeouts(session, startMs + 5_000);
  const back = write(applied, me(), { by: bert, nowMs: startMs + 5_000 });
  assert.equal(memberOf(back, bert.xuid)?.index, 2);
});
