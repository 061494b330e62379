import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, bert, me, sampleTemplate, sessionOf, startMs, write } from '../../testing/samples.ts';
import type { JsonObject } from '../json.ts';
import {
  type Graces,
  graceMsOf,
  markDisconnected,
  markUnconnected,
  newConnection,
  unconnectedGraceMsOf,
} from './disconnect.ts';
import { membersToLookFor, withSightings } from './presence.ts';
import { memberOf, type Session } from './session.ts';
import { nextDueMs, nextTimerMs, applyTimeouts } from './timeouts.ts';

const graces: Graces = {
  disconnectGraceMs: 30_000,
  presenceTimeoutMs: 300_000,
  unconnectedTimeoutMs: 900_000,
};
const connection = '85B40569-0000-4000-8000-000000000001';

/** Ada is active by a connection, Bert by none. */
function sessionWith(capabilities: JsonObject = {}): Session {
  const template = sampleTemplate({ capabilities, inactiveRemovalTimeout: 60_000 });
  return write(sessionOf([bert], { template, graces }), me({ active: true, connection }), {
    by: ada,
    graces,
  });
}

const untilMs = startMs + graces.presenceTimeoutMs;
const ended = (capabilities?: JsonObject): Session =>
  markDisconnected(sessionWith(capabilities), () => true, untilMs);
const statusAt = (session: Session, nowMs: number, seenMs: number): string | undefined => {
  const applied = applyTimeouts(
    withSightings(session, () => seenMs, graces, nowMs),
    nowMs,
  );
  return applied && memberOf(applied, ada.xuid)?.status;
};

for (const [what, capabilities, given, graceMs] of [
  ['without a capability', {}, graces, 300_000],
  [
    'with suppressPresenceActivityCheck',
    { suppressPresenceActivityCheck: true },
    graces,
    undefined,
  ],
  ['with a presence timeout of 0', {}, { ...graces, presenceTimeoutMs: 0 }, undefined],
] as const) {
  test(`${what} the grace is ${graceMs}`, () => {
    assert.equal(graceMsOf(sessionWith(capabilities), given), graceMs);
  });
}

test('where a connection is needed its own grace holds, whether presence is looked at or not', () => {
  for (const suppressPresenceActivityCheck of [true, false]) {
    const template = sampleTemplate({
      capabilities: { connectionRequiredForActiveMembers: true, suppressPresenceActivityCheck },
    });
    const session = write(undefined, me({ active: true, connection }), { template });
    assert.equal(graceMsOf(session, graces), 30_000);
    const marked = markDisconnected(session, () => true, startMs + 30_000);
    assert.deepEqual(membersToLookFor(marked, untilMs), []);
    assert.equal(
      withSightings(marked, () => untilMs, graces, untilMs),
      marked,
    );
  }
});

test('the end of connections marks those who wrote one and are active; each once', () => {
  const marked = ended();
  assert.deepEqual(
    marked.members.map(({ xuid, activeUntilMs }) => [xuid, activeUntilMs]),
    [
      [bert.xuid, startMs + graces.unconnectedTimeoutMs],
      [ada.xuid, untilMs],
    ],
  );
  assert.equal(
    markDisconnected(marked, () => true, untilMs + 1),
    marked,
  );
  assert.equal(newConnection(undefined, sessionWith(), ada.xuid), connection.toLowerCase());
  const idle = write(sessionWith(), me({ active: false }), { by: ada });
  assert.equal(newConnection(sessionWith(), idle, ada.xuid), undefined);
  assert.equal(
    markDisconnected(idle, () => true, untilMs),
    idle,
  );
});

test('no user is looked up before the grace is over', () => {
  assert.deepEqual(membersToLookFor(ended(), untilMs - 1), []);
  assert.deepEqual(membersToLookFor(ended(), untilMs), [ada.xuid]);
});

test('who was not seen for the grace is inactive, who was seen since is looked for again', () => {
  assert.equal(statusAt(ended(), untilMs, startMs), 'inactive');
  const seen = withSightings(ended(), () => startMs + 1, graces, untilMs);
  assert.equal(memberOf(seen, ada.xuid)?.activeUntilMs, untilMs + 1);
  assert.equal(applyTimeouts(seen, untilMs), seen);
  assert.equal(seen.changeNumber, ended().changeNumber);
  assert.equal(nextDueMs(seen), untilMs + 1);
  assert.equal(statusAt(seen, untilMs + 1, startMs + 1), 'inactive');
});

test('a check that was turned off since lets everybody stay', () => {
  const off = { ...graces, presenceTimeoutMs: 0, unconnectedTimeoutMs: 0 };
  const unmarked = withSightings(ended(), () => 0, off, startMs + graces.unconnectedTimeoutMs);
  assert.equal(memberOf(unmarked, ada.xuid)?.activeUntilMs, undefined);
  assert.equal(nextDueMs(unmarked), undefined);
});

test('no client sees the mark', () => {
  assert.equal(nextTimerMs(ended()), undefined);
});

const unconnectedUntilMs = startMs + graces.unconnectedTimeoutMs;
const stateOf = (session: Session | undefined, xuid = bert.xuid) => {
  const member = session && memberOf(session, xuid);
  return member && [member.status, member.activeUntilMs];
};

test('who is active by no connection is marked by his own first write, and by no later one', () => {
  assert.deepEqual(stateOf(sessionWith()), ['active', unconnectedUntilMs]);
  const again = write(sessionWith(), me({ active: true }, { custom: { a: 1 } }), {
    by: bert,
    nowMs: startMs + 1,
    graces,
  });
  assert.deepEqual(stateOf(again), ['active', unconnectedUntilMs]);
  const stored = { ...again, members: again.members.map(({ activeUntilMs: _, ...one }) => one) };
  assert.deepEqual(
    stateOf(markUnconnected(stored, bert.xuid, 7)),
    ['active', 7],
    'a session that an earlier version stored',
  );
  assert.equal(markUnconnected(stored, ada.xuid, 7), stored, 'she has a connection');
  assert.equal(markUnconnected(stored, undefined, 7), stored, 'a service');
});

test('who is active by no connection stays while he is seen within his own time', () => {
  const session = sessionWith();
  assert.deepEqual(membersToLookFor(session, unconnectedUntilMs - 1), []);
  const unseen = withSightings(session, () => startMs, graces, unconnectedUntilMs);
  assert.equal(stateOf(applyTimeouts(unseen, unconnectedUntilMs))?.[0], 'inactive');
  const seen = withSightings(session, () => startMs + 5, graces, unconnectedUntilMs);
  assert.deepEqual(stateOf(applyTimeouts(seen, unconnectedUntilMs)), [
    'active',
    unconnectedUntilMs + 5,
  ]);
  assert.equal(nextTimerMs(seen), undefined);
});

test('a connection that is written, and inactivity, take the mark of who had none', () => {
  const connected = write(sessionWith(), me({ active: true, connection }), { by: bert, graces });
  assert.deepEqual(stateOf(connected), ['active', undefined]);
  const without = write(connected, me({ connection: null }), { by: bert, graces });
  assert.deepEqual(stateOf(without), ['active', unconnectedUntilMs]);
  const idle = write(sessionWith(), me({ active: false }), { by: bert, graces });
  assert.deepEqual(stateOf(idle), ['inactive', undefined]);
});

for (const [what, capabilities, given] of [
  ['suppressPresenceActivityCheck', { suppressPresenceActivityCheck: true }, graces],
  ['connectionRequiredForActiveMembers', { connectionRequiredForActiveMembers: true }, graces],
  ['a time of 0', {}, { ...graces, unconnectedTimeoutMs: 0 }],
] as const) {
  test(`with ${what} nobody is marked for having no connection`, () => {
    const template = sampleTemplate({ capabilities });
    const session = write(undefined, me({ active: true, connection }), { template });
    assert.equal(unconnectedGraceMsOf(session, given), undefined);
  });
}
