import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { keyOf } from '../domain/session/reference.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { demoScid } from '../testing/demo.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { shareLastSeen } from './last-seen.ts';
import { openPresence } from './presence.ts';
import { sweep } from './sweep.ts';
import type { Context } from './context.ts';
import { writeSession } from './write-session.ts';

test('who was not seen may have been seen before this process looked', () => {
  const presence = openPresence(1_000);
  presence.note('11', 5_000);
  assert.equal(presence.seenMs('11'), 5_000);
  assert.equal(presence.seenMs('22'), 1_000);
});

test('of more users than are remembered those are forgotten who were seen the longest ago', () => {
  const presence = openPresence(0, 4);
  const note = (...sightings: readonly (readonly [string, number])[]): void => {
    for (const [xuid, nowMs] of sightings) presence.note(xuid, nowMs);
  };
  note(['11', 10], ['22', 20], ['11', 30]);
  assert.deepEqual([...presence.since(0)].sort(), [
    ['11', 30],
    ['22', 20],
  ]);
  assert.deepEqual(presence.since(21), [['11', 30]]);
  note(['33', 40]);
  assert.equal(presence.seenMs('11'), 30);
  // Forgotten, and so treated as seen as late as possible, as a user who was never seen.
  assert.equal(presence.seenMs('22'), 20);
  assert.equal(presence.seenMs('66'), 20);
  note(['44', 50], ['55', 60]);
  assert.deepEqual(
    ['11', '33', '44', '55', '66'].map((xuid) => presence.seenMs(xuid)),
    [40, 40, 50, 60, 40],
  );
});

/** Two nodes of one store, the second one alive for the first. */
async function twoNodes() {
  const store = openMemoryStore();
  const clock = manualClock();
  const open = await openTestContexts();
  const [a, b] = ['0000000a', '0000000b'].map((id): Context => {
    const context = open(store, { clock });
    return { ...context, node: { ...context.node, id } };
  }) as [Context, Context];
  await store.renewNode(a.node.id, 15_000);
  return { store, clock, a, b };
}

test('nodes tell each other whom they have seen, once a minute, each only what is new', async () => {
  const { store, clock, a, b } = await twoNodes();
  await store.renewNode(b.node.id, 15_000);
  clock.advance(1_000);
  a.presence.note('11', clock.nowMs());
  await shareLastSeen(a);
  assert.deepEqual(await store.lastSeen(['11']), new Map());

  clock.advance(59_000);
  await shareLastSeen(a);
  assert.deepEqual(await store.lastSeen(['11', '22']), new Map([['11', clock.nowMs() - 59_000]]));

  b.presence.note('11', clock.nowMs());
  await shareLastSeen(b);
  clock.advance(60_000);
  await shareLastSeen(a);
  assert.deepEqual(await store.lastSeen(['11']), new Map([['11', clock.nowMs() - 60_000]]));
});

test('a node that is alone tells nobody', async () => {
  const { store, clock, a } = await twoNodes();
  clock.advance(60_000);
  a.presence.note('11', clock.nowMs());
  await shareLastSeen(a);
  assert.deepEqual(await store.lastSeen(['11']), new Map());
});

test('whom one node has seen no other makes inactive, before the time has passed for all', async () => {
  const { store, clock, a, b } = await twoNodes();
  await store.renewNode(b.node.id, 15_000);
  const reference = { scid: demoScid, templateName: 'deathmatch', name: 'lobby' };
  const caller = { kind: 'user', xuid: '11', sandbox: 'RETAIL' } as const;
  const system = { active: true, connection: '22222222-0000-4000-8000-000000000001' };
  const request = parseSessionRequest({ members: { me: { properties: { system } } } }, 107);
  assert.ok(!(request instanceof Refusal));
  const write = { reference, request, preconditions: {}, caller, onlyExisting: false };
  const written = await writeSession(a, write);
  assert.ok(!(written instanceof Refusal));
  const statusAfter = async (byMs: number): Promise<string | undefined> => {
    clock.advance(byMs);
    await sweep(b);
    return (await store.session(keyOf(reference)))?.session.members[0]?.status;
  };

  clock.advance(240_000);
  a.presence.note('11', clock.nowMs());
  await shareLastSeen(a);
  const revision = (await store.session(keyOf(reference)))?.revision;
  assert.equal(await statusAfter(60_000), 'active');
  // The member is found and marked again, by the time at which that node may have seen him last.
  assert.equal((await store.session(keyOf(reference)))?.revision, (revision ?? 0) + 1);
  assert.equal(await statusAfter(299_999), 'active');
  assert.equal(await statusAfter(1), 'inactive');
});

test('more users than fit into one message are all reported', async () => {
  const { store, clock, a, b } = await twoNodes();
  await store.renewNode(b.node.id, 15_000);
  clock.advance(60_000);
  const xuids = Array.from({ length: 2_001 }, (_, n) => String(n));
  for (const xuid of xuids) a.presence.note(xuid, clock.nowMs());
  await shareLastSeen(a);
  assert.equal((await store.lastSeen(xuids)).size, xuids.length);
});
