import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../limits.ts';
import {
  applyHeartbeat,
  type PresenceEvents,
  presenceEvents,
  presenceOf,
  type PresenceRecord,
  presenceRecordId,
  presenceStateOf,
  stoppedMsOf,
  type UserPresence,
} from './presence.ts';

const anyTitle = fc.record({
  deviceType: fc.constantFrom('Win32', 'Scarlett'),
  titleId: fc.constantFrom('1', '2', '3'),
  state: fc.constantFrom('active' as const, 'inactive' as const),
  placement: fc.constant('full'),
  sinceMs: fc.constant(0),
});

const anyPresence: fc.Arbitrary<UserPresence> = fc.record({
  xuid: fc.constant('9'),
  titles: fc.array(anyTitle, { maxLength: 4 }),
});

const devicesOf = ({ titles }: UserPresence) => new Set(titles.map(({ deviceType }) => deviceType));
const titlesOf = ({ titles }: UserPresence) =>
  new Set(titles.filter(({ state }) => state === 'active').map(({ titleId }) => titleId));

function heard(
  before: ReadonlySet<string>,
  events: PresenceEvents['devices'],
): ReadonlySet<string> {
  const now = new Set(before);
  for (const [name, isOn] of events) {
    assert.notEqual(now.has(name), isOn, 'an event says what was not so before');
    if (isOn) now.add(name);
    else now.delete(name);
  }
  return now;
}

// Kills: an event for each title on each device; the end of a title that goes on elsewhere.
test('who hears all events knows where the user is', () => {
  fc.assert(
    fc.property(anyPresence, anyPresence, (before, after) => {
      const { devices, titles } = presenceEvents(before, after);
      assert.deepEqual(heard(devicesOf(before), devices), devicesOf(after));
      assert.deepEqual(heard(titlesOf(before), titles), titlesOf(after));
    }),
  );
});

const record = (more: Partial<PresenceRecord> = {}): PresenceRecord => ({
  deviceType: 'Win32',
  titleId: '1',
  state: 'active',
  placement: 'full',
  sinceMs: 0,
  untilMs: 100,
  ...more,
});

test('a heartbeat that says the same goes on, and another one begins', () => {
  const device = { titleId: '1', deviceType: 'Win32' };
  const beat = { state: 'active', placement: 'full' } as const;
  const untilMs = 50 + limits.presenceMsMax;
  assert.deepEqual(applyHeartbeat(record(), beat, device, 50), record({ untilMs }));
  const inactive = { ...beat, state: 'inactive' } as const;
  const changed = applyHeartbeat(record(), inactive, device, 50);
  assert.deepEqual(changed, record({ state: 'inactive', sinceMs: 50, untilMs }));
  const again = applyHeartbeat(record(), beat, device, 100);
  assert.equal(again.sinceMs, 100, 'it had ended');
  assert.notEqual(presenceRecordId('1', 'a'), presenceRecordId('1', 'b'));
  assert.notEqual(presenceRecordId('1', undefined), presenceRecordId('2', undefined));
});

test('a user is where heartbeats and sessions are, each title once', () => {
  const records = [record(), record({ titleId: '2', untilMs: 10 })];
  const sessions = [
    { titleId: '1', sinceMs: 5 },
    { titleId: '3', sinceMs: 6 },
  ];
  const there = presenceOf('9', records, sessions, 50);
  assert.deepEqual(
    there.titles.map(({ titleId }) => titleId),
    ['1', '3'],
  );
  assert.deepEqual(there.lastSeen, { deviceType: 'Win32', titleId: '2', atMs: 10 });
  assert.equal(presenceStateOf(there), 'Online');
  assert.equal(presenceStateOf(presenceOf('9', [record({ state: 'inactive' })], [], 50)), 'Away');
  assert.equal(presenceStateOf(presenceOf('9', records, [], 100)), 'Offline');
});

test('a title has stopped when it has on every device', () => {
  const records = [record({ untilMs: 10 }), record({ untilMs: 20 }), record({ titleId: '2' })];
  assert.equal(stoppedMsOf(records, '1', 19), undefined);
  assert.equal(stoppedMsOf(records, '1', 20), 20);
  assert.equal(stoppedMsOf(records, '3', 20), undefined);
});
