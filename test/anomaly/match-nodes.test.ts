/**
 * Two nodes that share a store, under a clock that a test moves: who works a hopper, what it reads, what
 * happens when it is gone, and what is left after a day.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCurrent } from '../../src/directory/transact.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { Matchmaker } from '../../src/matchmaking/matchmaker.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { dataFileOf } from '../../src/store/sqlite/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';
import {
  hopper,
  lobbyOf,
  type Node,
  openNodes,
  queue,
  spendDay,
} from '../../src/testing/match-day.ts';

async function shownStatus({ context }: Node, xuid: string): Promise<unknown> {
  const record = await readCurrent(context, lobbyOf(xuid), []);
  assert.ok(record !== undefined && !(record instanceof Refusal));
  return record.session.servers['matchmaking']?.properties.system.status;
}

// Kills: a pool that is read again each time; news that are not written, not read or not removed.
test('the node that works a hopper reads what others have changed, and nothing twice', async () => {
  await using store = openMemoryStore();
  const clock = manualClock();
  const { counts, startNode } = openNodes(store, clock);
  const [owner, other] = [startNode(), startNode()];
  const first = await queue(owner, '1');
  await owner.matchmaker.run();
  await other.matchmaker.run();
  counts.recordsRead = 0;
  for (let turn = 0; turn < 5; turn += 1) {
    await owner.matchmaker.run();
    await other.matchmaker.run();
  }
  assert.equal(counts.recordsRead, 0);

  // A ticket that is deleted elsewhere is not matched with one that is made elsewhere.
  const path = { scid: demoScid, hopper, ticketId: first.ticketId };
  assert.equal(await other.matchmaker.deleteTicket(path, first.caller), undefined);
  await queue(other, '2');
  await owner.matchmaker.run();
  assert.deepEqual(
    [await shownStatus(owner, '1'), await shownStatus(owner, '2')],
    ['canceled', 'searching'],
  );
  await queue(other, '3');
  await owner.matchmaker.run();
  assert.deepEqual(
    [await shownStatus(owner, '2'), await shownStatus(owner, '3')],
    ['found', 'found'],
  );
  // The other node got each change once: two tickets, and the deletion of one in two steps.
  assert.ok(counts.recordsRead <= 5, `${counts.recordsRead} records`);
});

// On Redis, to look at all groups is a command for each of 256 partitions.
// Kills: a look at all groups in each run; none of the own hopper, so that tickets expire late.
test('an idle node asks for what is due in its own hoppers, and rarely for all', async () => {
  await using store = openMemoryStore();
  const clock = manualClock();
  const { counts, changes, startNode } = openNodes(store, clock);
  const node = startNode();
  const ticket = await queue(node, '1', 7);
  for (let second = 0; second < 20; second += 1) {
    await node.matchmaker.run();
    if (second === 7) assert.equal(changes.get(ticket.ticketId), 'expired');
    clock.advance(1_000);
  }
  assert.equal(counts.looksAtAll, 4);
});

// Kills: a look at all groups that stops at the first page, and goes on seconds later.
test('all tickets of a removed hopper expire in one go', async () => {
  await using store = openMemoryStore();
  const clock = manualClock();
  const { changes, startNode } = openNodes(store, clock);
  const node = startNode();
  for (let xuid = 1; xuid <= 450; xuid += 1) await queue(node, String(xuid), 7);
  const configs = [...node.context.catalog()].map(
    ([scid, config]) => [scid, { ...config, hoppers: new Map() }] as const,
  );
  const matchmaker = new Matchmaker({ ...node.context, catalog: () => new Map(configs) }, true);
  clock.advance(60_000);
  while ((await matchmaker.run()) === 'more');
  assert.equal([...changes.values()].filter((change) => change === 'expired').length, 450);
});

// Kills: a lease that does not end; a node that goes on with a pool of former times.
test('another node takes a hopper over, and gives it back with what has changed', async () => {
  await using store = openMemoryStore();
  const clock = manualClock();
  const { startNode } = openNodes(store, clock);
  const [first, second] = [startNode(), startNode()];
  await queue(first, '1');
  await first.matchmaker.run();
  await queue(first, '2');
  await second.matchmaker.run();
  assert.equal(await shownStatus(first, '1'), 'searching');
  // The first one stands still for longer than its lease.
  clock.advance(11_000);
  await second.matchmaker.run();
  assert.equal(await shownStatus(first, '1'), 'found');
  await queue(second, '3');
  await second.matchmaker.run();
  // It goes on, and does no harm with what it knew.
  await first.matchmaker.run();
  clock.advance(11_000);
  await queue(second, '4');
  await first.matchmaker.run();
  assert.deepEqual(
    [await shownStatus(first, '3'), await shownStatus(first, '4')],
    ['found', 'found'],
  );
});

// Kills: records that nobody removes; tickets that are forgotten when their node is killed; people who
// are counted and are not there.
test('a day with kills leaves no ticket without an end, and no record', async () => {
  await using store = openMemoryStore();
  await spendDay(store);
});

test('a day with kills on SQLite leaves no ticket without an end, and no record', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-day-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = dataFileOf(folder);
  await using store = await openSqliteStore({ file, durability: 'relaxed' });
  await spendDay(store);
});
