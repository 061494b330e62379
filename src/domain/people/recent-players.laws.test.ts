import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../limits.ts';
import { addEncounters, encounterTypes, type RecentPlayer } from './recent-players.ts';

const owner = '0';
const nowMs = 50;
const anyEncounters = fc.array(
  fc.record({
    xuid: fc.integer({ min: 0, max: 9 }).map(String),
    metMs: fc.integer({ min: 0, max: 60 }),
    type: fc.constantFrom(...encounterTypes),
  }),
  { maxLength: 12 },
);

// Kills: a list in the order in which encounters came; an encounter of tomorrow; the owner on it.
test('each player once, by the latest encounter, the latest first', () => {
  fc.assert(
    fc.property(fc.array(anyEncounters, { maxLength: 4 }), (posts) => {
      let players: readonly RecentPlayer[] = [];
      for (const post of posts) players = addEncounters(owner, players, '7', post, nowMs);
      const times = players.map(({ metMs }) => metMs);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => b - a),
      );
      const xuids = players.map(({ xuid }) => xuid);
      assert.equal(new Set(xuids).size, xuids.length);
      const all = posts.flat().filter(({ xuid }) => xuid !== owner);
      assert.deepEqual(new Set(xuids), new Set(all.map(({ xuid }) => xuid)));
      for (const { xuid, metMs } of players) {
        const latestMs = Math.max(
          ...all.filter((one) => one.xuid === xuid).map((one) => one.metMs),
        );
        assert.equal(metMs, Math.min(latestMs, nowMs));
      }
    }),
  );
});

test('those who were met the longest ago make room', () => {
  const max = limits.recentPlayersKeptMax;
  const many = Array.from({ length: max + 5 }, (_, n) => ({
    xuid: String(n + 1),
    metMs: n,
    type: 'Default' as const,
  }));
  const players = addEncounters(owner, [], '7', many, 1_000);
  assert.equal(players.length, max);
  assert.equal(players.at(-1)?.metMs, 5);
});
