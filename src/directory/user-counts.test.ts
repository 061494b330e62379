import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserCounts } from './user-counts.ts';

// Kills: a bound of senders alone, each of whom may have hundreds of invites.
test('invites are remembered up to a sum, those of the last senders', () => {
  const counts = new UserCounts();
  const maps = new Map(Array.from({ length: 500 }, (_, n) => [String(n), n]));
  const times = [...maps.values()];
  const senders = Array.from({ length: 5_000 }, (_, n) => `${n}~1`);
  for (const sender of senders) {
    counts.activityInvites.set(sender, maps);
    // The same sender again counts once.
    counts.activityInvites.set(sender, maps);
    counts.inviteExpirations.set(sender, times);
  }
  for (const map of [counts.activityInvites, counts.inviteExpirations]) {
    const known = senders.filter((sender) => map.get(sender) !== undefined);
    assert.ok(known.length >= 400 && known.length <= 1_000, `${known.length} senders`);
    assert.deepEqual(known, senders.slice(-known.length));
  }
});
