import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openTestWorlds } from '../testing/test-world.ts';
import { openPresence, tellPresence } from './presence.ts';
import type { World } from './world.ts';

test('who was not seen may have been seen before this process looked', () => {
  const presence = openPresence(1_000);
  presence.note('11', 5_000);
  assert.equal(presence.seenMs('11'), 5_000);
  assert.equal(presence.seenMs('22'), 1_000);
});

test('of more users than are remembered those are forgotten who were seen the longest ago', () => {
  const presence = openPresence(0, 2);
  for (const [xuid, nowMs] of [
    ['11', 10],
    ['22', 20],
    ['11', 30],
    ['33', 40],
  ] as const) {
    presence.note(xuid, nowMs);
  }
  assert.deepEqual(
    [...presence.since(0)],
    [
      ['11', 30],
      ['33', 40],
    ],
  );
  // As late as it may have been: nobody is taken for absent because of others.
  assert.equal(presence.seenMs('22'), 20);
  assert.equal(presence.seenMs('44'), 20);
});

/** Two nodes of one store, the second one alive for the first. */
async function twoNodes() {
  const store = openMemoryStore();
  const clock = manualClock();
  const open = await openTestWorlds();
  const [a, b] = ['0000000a', '0000000b'].map((id): World => {
    const world = open(store, { clock });
    return { ...world, node: { ...world.node, id } };
  }) as [World, World];
  await store.renewNode(a.node.id, 15_000);
  return { store, clock, a, b };
}

test('nodes tell each other whom they have seen, once a minute, each only what is new', async () => {
  const { store, clock, a, b } = await twoNodes();
  await store.renewNode(b.node.id, 15_000);
  clock.advance(1_000);
  a.presence.note('11', clock.nowMs());
  await tellPresence(a);
  assert.deepEqual(await store.lastSeen(['11']), new Map());

  clock.advance(59_000);
  await tellPresence(a);
  assert.deepEqual(await store.lastSeen(['11', '22']), new Map([['11', clock.nowMs() - 59_000]]));

  b.presence.note('11', clock.nowMs());
  await tellPresence(b);
  clock.advance(60_000);
  await tellPresence(a);
  assert.deepEqual(await store.lastSeen(['11']), new Map([['11', clock.nowMs() - 60_000]]));
});

test('a node that is alone tells nobody', async () => {
  const { store, clock, a } = await twoNodes();
  clock.advance(60_000);
  a.presence.note('11', clock.nowMs());
  await tellPresence(a);
  assert.deepEqual(await store.lastSeen(['11']), new Map());
});

test('more users than are told of in one go are all told of', async () => {
  const { store, clock, a, b } = await twoNodes();
  await store.renewNode(b.node.id, 15_000);
  clock.advance(60_000);
  const xuids = Array.from({ length: 2_001 }, (_, n) => String(n));
  for (const xuid of xuids) a.presence.note(xuid, clock.nowMs());
  await tellPresence(a);
  assert.equal((await store.lastSeen(xuids)).size, xuids.length);
});
