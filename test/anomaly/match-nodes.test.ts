/**
 * Two nodes that share a store, under a clock that a test moves: who works a hopper, what it reads, what
 * happens when it is gone, and what is left after a day.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Context } from '../../src/directory/context.ts';
import { readCurrent } from '../../src/directory/transact.ts';
import { writeSession } from '../../src/directory/write-session.ts';
import type { UserCaller } from '../../src/domain/caller.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { parseSessionRequest } from '../../src/domain/session/request.ts';
import type { SessionReference } from '../../src/domain/session/reference.ts';
import { Matchmaker } from '../../src/matchmaking/matchmaker.ts';
import { hopperKeyOf } from '../../src/matchmaking/ticket-store.ts';
import { seededRandom } from '../../src/platform/seeded-random.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { dataFileOf } from '../../src/store/sqlite/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { type ManualClock, manualClock } from '../../src/testing/manual-clock.ts';
import { sequentialIds } from '../../src/testing/sequential-ids.ts';
import { openTestContexts } from '../../src/testing/test-context.ts';

const openContext = await openTestContexts();
const hopper = 'quick';
const group = hopperKeyOf(demoScid, hopper);

type Node = { readonly context: Context; readonly matchmaker: Matchmaker };

/**
 * Nodes on one store. `recordsRead` counts what the pages of `records` have brought to all of them,
 * `looksAtAll` how often one has asked what is due in all groups.
 */
function openNodes(store: Store, clock: ManualClock) {
  const ids = sequentialIds();
  let nodesCount = 0;
  const counts = { recordsRead: 0, looksAtAll: 0 };
  /** What became of each ticket last. */
  const changes = new Map<string, string>();
  const counted = new Proxy(store, {
    get(inner, name: keyof Store) {
      if (name === 'records') {
        return async (...asked: Parameters<Store['records']>) => {
          const page = await inner.records(...asked);
          counts.recordsRead += page.length;
          return page;
        };
      }
      if (name === 'dueRecords') {
        return (...asked: Parameters<Store['dueRecords']>) => {
          if (asked[3] === undefined) counts.looksAtAll += 1;
          return inner.dueRecords(...asked);
        };
      }
      const found = inner[name] as unknown;
      return typeof found === 'function' ? found.bind(inner) : found;
    },
  });
  const startNode = (): Node => {
    nodesCount += 1;
    const opened = openContext(counted, { clock, ids });
    const id = nodesCount.toString(16).padStart(8, '0');
    const context = { ...opened, node: { ...opened.node, id } };
    context.observers.add((event) => {
      if (event.kind === 'ticket') changes.set(event.ticketId, event.change);
    });
    return { context, matchmaker: new Matchmaker(context, true) };
  };
  return { counts, changes, startNode };
}

const lobbyOf = (xuid: string): SessionReference => ({
  scid: demoScid,
  templateName: 'deathmatch',
  name: `lobby-${xuid}`,
});

/** A user with a lobby asks for a match on a node; the id of the ticket. */
async function queue({ context, matchmaker }: Node, xuid: string, giveUpSeconds = 600) {
  const caller: UserCaller = { kind: 'user', xuid, sandbox: 'RETAIL' };
  const session = lobbyOf(xuid);
  const body = { members: { me: { properties: { system: { active: true } } } } };
  const request = parseSessionRequest(body, 107);
  assert.ok(!(request instanceof Refusal));
  const write = { reference: session, request, preconditions: {}, caller, onlyExisting: false };
  assert.ok(!((await writeSession(context, write)) instanceof Refusal));
  const asked = { session, isPreserved: false, giveUpSeconds, attributes: {} };
  const made = await matchmaker.createTicket({ scid: demoScid, hopper }, asked, caller);
  assert.ok(!(made instanceof Refusal));
  return { ticketId: made.ticketId, caller };
}

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

async function spendDay(store: Store): Promise<void> {
  const clock = manualClock();
  const { changes, startNode } = openNodes(store, clock);
  const random = seededRandom(24);
  const nodes = [startNode(), startNode()];
  const anyNode = (): Node => nodes[random.below(2)] as Node;
  let usersCount = 0;
  for (let minute = 0; minute < 24 * 60; minute += 3) {
    for (let i = random.below(3); i > 0; i -= 1) {
      usersCount += 1;
      const { ticketId, caller } = await queue(anyNode(), String(usersCount), 400);
      if (random.chance(0.2)) {
        const path = { scid: demoScid, hopper, ticketId };
        await anyNode().matchmaker.deleteTicket(path, caller);
      }
    }
    // What a killed node knew, and its lease, is gone with it.
    if (random.chance(0.05)) nodes[random.below(2)] = startNode();
    clock.advance(3 * 60_000);
    for (const { matchmaker } of nodes) await matchmaker.run();
  }
  for (let turn = 0; turn < 4; turn += 1) {
    clock.advance(3_600_000);
    for (const { matchmaker } of nodes) while ((await matchmaker.run()) === 'more');
  }
  assert.equal(changes.size, usersCount);
  assert.deepEqual([...new Set(changes.values())].sort(), ['canceled', 'expired', 'found']);
  const left = await store.records('matchmaking', group, 100);
  assert.deepEqual(
    left.map(({ id, value }) => [id, value.population]),
    [['statistics', 0]],
  );
}
