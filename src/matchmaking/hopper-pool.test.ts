import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TicketRecord } from '../domain/matchmaking/ticket-record.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { demoScid } from '../testing/demo.ts';
import { sampleHopper } from '../testing/match-samples.ts';
import { HopperPool } from './hopper-pool.ts';
import { hopperKeyOf, TicketStore } from './ticket-store.ts';

const count = 1_100;
const key = hopperKeyOf(demoScid, 'many');

function waitingTicket(n: number): TicketRecord {
  const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  return {
    kind: 'ticket',
    id,
    scid: demoScid,
    hopper: 'many',
    session: { scid: demoScid, templateName: 'deathmatch', name: `lobby-${n}` },
    branch: id,
    createdBy: String(n + 1),
    sandbox: 'RETAIL',
    giveUpSeconds: 600,
    attributes: {},
    players: [{ xuid: String(n + 1), attributes: {} }],
    status: 'searching',
    isPending: false,
    sinceMs: 0,
    expiresMs: 600_000,
    waitSeconds: 60,
  };
}

async function storeTickets(tickets: TicketStore): Promise<void> {
  const changes = Array.from({ length: count }, (_, n) => waitingTicket(n));
  await tickets.commit(
    key,
    changes.map((value) => ({ id: value.id, expectRevision: 0, value })),
  );
  await tickets.putStatistics(key, { kind: 'statistics', waitMs: 7_000, population: count });
}

// Kills: all tickets read in one turn of the event loop; a wait that is known with the last ticket only.
test('others have their turn while the tickets of a hopper are read', async () => {
  await using store = openMemoryStore();
  const tickets = new TicketStore(store);
  await storeTickets(tickets);
  const pool = new HopperPool(key, sampleHopper({ rules: [] }));
  const populations: number[] = [];
  let isRead = false;
  const look = (): void => {
    if (isRead) return;
    populations.push(pool.population);
    setImmediate(look);
  };
  setImmediate(look);
  const reading = pool.load(tickets);
  await pool.loadWait(tickets);
  assert.equal(pool.waitMs, 7_000);
  assert.ok(pool.population < count, 'the tickets are not waited for');
  await reading;
  isRead = true;
  assert.equal(pool.population, count);
  assert.ok(new Set(populations).size >= 4, `seen by others: ${populations.join(', ')}`);
});

// Kills: a first reading that goes on, or ends the second one; tickets that are counted twice.
test('tickets that are forgotten while they are read are read anew', async () => {
  await using store = openMemoryStore();
  const tickets = new TicketStore(store);
  await storeTickets(tickets);
  const pool = new HopperPool(key, sampleHopper({ rules: [] }));
  const former = pool.load(tickets);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(pool.population > 0 && pool.population < count);
  pool.unload();
  assert.equal(pool.population, 0);
  await tickets.remove(key, [waitingTicket(0).id]);
  const latter = pool.load(tickets);
  await former;
  assert.ok(pool.population < count - 1, 'the second reading is not over yet');
  await latter;
  assert.equal(pool.population, count - 1);
  assert.equal(pool.stored(waitingTicket(0).id), undefined);
});

/** The turns of a search, and its matches. */
function searchOf(pool: HopperPool): {
  readonly turnsCount: number;
  readonly matchesCount: number;
} {
  const found = [...pool.search(10_000)];
  const turnsCount = found.filter((one) => one === undefined).length;
  return { turnsCount, matchesCount: found.length - turnsCount };
}

// Kills: a hopper that is offered anew since another part of the config has changed; one that keeps its
// former rules; all of it offered in one turn.
test('tickets are offered anew, in turns, where their hopper has changed', async () => {
  await using store = openMemoryStore();
  const tickets = new TicketStore(store);
  await storeTickets(tickets);
  const hopper = sampleHopper({ rules: [], minGroupSize: 2, maxGroupSize: 2 });
  const pool = new HopperPool(key, hopper);
  await pool.load(tickets);
  assert.equal(searchOf(pool).matchesCount, count / 2);
  const { turnsCount } = searchOf(pool);

  pool.configure(structuredClone(hopper));
  assert.deepEqual(searchOf(pool), { turnsCount, matchesCount: count / 2 });

  pool.configure({ ...hopper, minGroupSize: 4, maxGroupSize: 4 });
  const changed = searchOf(pool);
  assert.equal(changed.matchesCount, count / 4);
  assert.ok(changed.turnsCount > turnsCount);
});
