import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExactJson } from '../json.ts';
import { limits } from '../limits.ts';
import { ada, bert, referee } from '../../testing/samples.ts';
import {
  type Activity,
  type ActivityChange,
  type ActivityRecord,
  applyActivityChange,
  joinRestrictions,
  liveActivity,
  mayJoinActivity,
} from './activity.ts';
import { isNewer, parseSequenceNumber } from './sequence-number.ts';

const anyNumber = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });

// Kills: a number that goes through a double; an order of texts.
test('sequence numbers are read exactly, however they are written, and ordered as numbers', () => {
  fc.assert(
    fc.property(anyNumber, anyNumber, fc.nat({ max: 3 }), (one, other, zeros) => {
      const texts = [one, other].map(String) as [string, string];
      assert.equal(parseSequenceNumber(parseExactJson(texts[0])), texts[0]);
      assert.equal(parseSequenceNumber('0'.repeat(zeros) + texts[0]), texts[0]);
      assert.equal(isNewer(...texts), one > other);
    }),
  );
});

test('what is no sequence number is none', () => {
  for (const wrong of ['0', '-1', '1.0', '1e3', '"x"', '""', 'null', 'true', '[1]', '{}', '"1 "']) {
    assert.equal(parseSequenceNumber(parseExactJson(wrong)), undefined, wrong);
  }
  for (const past of ['18446744073709551616', '99999999999999999999', '1'.repeat(21)]) {
    assert.equal(parseSequenceNumber(parseExactJson(past)), undefined, past);
    assert.equal(parseSequenceNumber(past), undefined, past);
  }
});

const anyActivity: fc.Arbitrary<Activity> = fc.record(
  {
    connectionString: fc.string(),
    joinRestriction: fc.constantFrom(...joinRestrictions),
    maxPlayers: fc.integer({ min: 2, max: 4 }),
    currentPlayers: fc.integer({ min: 1, max: 4 }),
  },
  { requiredKeys: ['connectionString', 'joinRestriction'] },
);

const anyChange: fc.Arbitrary<ActivityChange> = fc.record(
  { sequenceNumber: fc.integer({ min: 1, max: 9 }).map(String), activity: anyActivity },
  { requiredKeys: ['sequenceNumber'] },
);

// Kills: the last one to come wins; a delete that forgets its number.
test('whatever the order in which changes come, the one of the largest number stays', () => {
  const changes = fc.uniqueArray(anyChange, { selector: ({ sequenceNumber }) => sequenceNumber });
  fc.assert(
    fc.property(changes, (all) => {
      let stored: ActivityRecord | undefined;
      for (const [nowMs, change] of all.entries()) {
        stored = applyActivityChange(stored, change, ada, nowMs) ?? stored;
      }
      const largest = all.toSorted(
        (a, b) => Number(b.sequenceNumber) - Number(a.sequenceNumber),
      )[0];
      assert.equal(stored?.sequenceNumber, largest?.sequenceNumber);
      assert.deepEqual(stored?.activity, largest?.activity);
    }),
  );
});

test('what is older than a day counts as nothing', () => {
  const activity = { connectionString: 'x', joinRestriction: 'Public' } as const;
  const old = { sequenceNumber: '9', updatedMs: 0, activity };
  const change = { sequenceNumber: '1', activity };
  assert.equal(applyActivityChange(old, change, ada, limits.activityMsMax - 1), undefined);
  const nowMs = limits.activityMsMax;
  assert.deepEqual(applyActivityChange(old, change, ada, nowMs), { ...change, updatedMs: nowMs });
  assert.equal(applyActivityChange(undefined, change, referee, 1)?.isByService, true);
});

const anyPlay = fc.record({
  nowMs: fc.integer({ min: 0, max: 40 }),
  seenMs: fc.integer({ min: 0, max: 40 }),
  presenceTimeoutMs: fc.constantFrom(0, 10),
  stoppedMs: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
});

// Kills: an end of presence before the last update; a service's activity without a user who is seen.
test('an activity is live until its user stops, or is not seen for too long', () => {
  const activity = { connectionString: 'x', joinRestriction: 'Public' } as const;
  fc.assert(
    fc.property(
      anyPlay,
      fc.integer({ min: 0, max: 40 }),
      fc.boolean(),
      (play, updatedMs, isByService) => {
        const record: ActivityRecord = {
          sequenceNumber: '1',
          updatedMs,
          activity,
          ...(isByService && { isByService: true }),
        };
        const { nowMs, seenMs, presenceTimeoutMs, stoppedMs = -1 } = play;
        const lastMs = Math.max(seenMs, updatedMs);
        const isAway = !isByService && presenceTimeoutMs > 0 && nowMs >= lastMs + presenceTimeoutMs;
        const isLive = stoppedMs < updatedMs && !isAway;
        assert.equal(liveActivity(record, play), isLive ? activity : undefined);
        assert.equal(liveActivity({ sequenceNumber: '1', updatedMs }, play), undefined);
      },
    ),
  );
});

// Kills: full by `>`; a restriction that looks at whom the viewer follows.
test('a viewer sees how to join as the restriction says, while there is room', () => {
  fc.assert(
    fc.property(anyActivity, fc.boolean(), fc.boolean(), (activity, isFollowed, isAvoided) => {
      const facts = { owner: ada.xuid, isFollowed, isAvoided };
      assert.equal(mayJoinActivity(activity, ada, facts), true);
      assert.equal(mayJoinActivity(activity, referee, facts), true);
      const { joinRestriction, currentPlayers, maxPlayers } = activity;
      const isFull =
        currentPlayers !== undefined && maxPlayers !== undefined && currentPlayers >= maxPlayers;
      const isOpen = { Public: true, Followed: isFollowed, InviteOnly: false }[joinRestriction];
      assert.equal(mayJoinActivity(activity, bert, facts), isOpen && !isFull && !isAvoided);
    }),
  );
});
