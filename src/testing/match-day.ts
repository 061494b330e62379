/** Nodes that make matches on one store, under a clock that a test moves; and a whole day of theirs. */

import assert from 'node:assert/strict';
import type { Context } from '../directory/context.ts';
import { writeSession } from '../directory/write-session.ts';
import type { UserCaller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import type { SessionReference } from '../domain/session/reference.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { Matchmaker } from '../matchmaking/matchmaker.ts';
import { hopperKeyOf } from '../matchmaking/ticket-store.ts';
import { seededRandom } from '../platform/seeded-random.ts';
import type { Store } from '../store/store.ts';
import { demoScid } from './demo.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';
import { sequentialIds } from './sequential-ids.ts';
import { openTestContexts } from './test-context.ts';

const openContext = await openTestContexts();
export const hopper = 'quick';
const group = hopperKeyOf(demoScid, hopper);

export type Node = { readonly context: Context; readonly matchmaker: Matchmaker };

/**
 * Nodes on one store. `recordsRead` counts what the pages of `records` have brought to all of them,
 * `looksAtAll` how often one has asked what is due in all groups.
 */
export function openNodes(store: Store, clock: ManualClock) {
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

export const lobbyOf = (xuid: string): SessionReference => ({
  scid: demoScid,
  templateName: 'deathmatch',
  name: `lobby-${xuid}`,
});

/** A user with a lobby asks for a match on a node; the id of the ticket. */
export async function queue({ context, matchmaker }: Node, xuid: string, giveUpSeconds = 600) {
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

/**
 * Spends a day with tickets that come, are deleted and expire, and nodes that are killed, in steps of so
 * many minutes. Then each ticket has an end, and nothing is left in the store but figures.
 */
export async function spendDay(store: Store, stepMinutes = 3): Promise<void> {
  const clock = manualClock();
  const { changes, startNode } = openNodes(store, clock);
  const random = seededRandom(24);
  const nodes = [startNode(), startNode()];
  const anyNode = (): Node => nodes[random.below(2)] as Node;
  // Two steps, and some of the third.
  const giveUpSeconds = 133 * stepMinutes;
  let usersCount = 0;
  for (let minute = 0; minute < 24 * 60; minute += stepMinutes) {
    for (let i = random.below(3); i > 0; i -= 1) {
      usersCount += 1;
      const { ticketId, caller } = await queue(anyNode(), String(usersCount), giveUpSeconds);
      if (random.chance(0.2)) {
        const path = { scid: demoScid, hopper, ticketId };
        await anyNode().matchmaker.deleteTicket(path, caller);
      }
    }
    // What a killed node knew, and its lease, is gone with it.
    if (random.chance(0.05)) nodes[random.below(2)] = startNode();
    clock.advance(stepMinutes * 60_000);
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
  assert.deepEqual(await store.dueRecords('matchmaking', Number.MAX_SAFE_INTEGER, 10), []);
}
