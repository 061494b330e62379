/**
 * A match, with the n-th call to the store failing or its answer lost, for every n, and the process
 * gone with it. Another process then goes on, on the same store: it must come to the same match or to
 * one match, and no player may be reserved in two sessions.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../src/directory/context.ts';
import { readCurrent } from '../../src/directory/transact.ts';
import { writeSession } from '../../src/directory/write-session.ts';
import type { UserCaller } from '../../src/domain/caller.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { TicketRecord } from '../../src/domain/matchmaking/ticket-record.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { parseSessionRequest } from '../../src/domain/session/request.ts';
import { keyOf, type SessionReference } from '../../src/domain/session/reference.ts';
import type { Session } from '../../src/domain/session/session.ts';
import { Matchmaker } from '../../src/matchmaking/matchmaker.ts';
import { hopperKeyOf, TicketStore } from '../../src/matchmaking/ticket-store.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { StoreUnavailable } from '../../src/store/store.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { faultAt, type Fault, faultyStore } from '../../src/testing/faulty-store.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';
import { sequentialIds } from '../../src/testing/sequential-ids.ts';
import { openTestContexts } from '../../src/testing/test-context.ts';

const users = ['1', '2'].map((xuid): UserCaller => ({ kind: 'user', xuid, sandbox: 'RETAIL' }));
const lobbyOf = ({ xuid }: UserCaller): SessionReference => ({
  scid: demoScid,
  templateName: 'deathmatch',
  name: `lobby-${xuid}`,
});
const [ada] = users as [UserCaller, UserCaller];
const path = { scid: demoScid, hopper: 'quick' };
const active = { members: { me: { properties: { system: { active: true } } } } };

async function put(context: Context, caller: UserCaller, body: JsonObject): Promise<void> {
  const request = parseSessionRequest(body, 107);
  assert.ok(!(request instanceof Refusal));
  const reference = lobbyOf(caller);
  const write = { reference, request, preconditions: {}, caller, onlyExisting: false };
  assert.ok(!((await writeSession(context, write)) instanceof Refusal));
}

async function read(context: Context, reference: SessionReference): Promise<Session> {
  const record = await readCurrent(context, reference, []);
  assert.ok(record !== undefined && !(record instanceof Refusal), reference.name);
  return record.session;
}

const entryOf = (session: Session) => session.servers['matchmaking']?.properties;

type Scene = {
  readonly before: (context: Context, matchmaker: Matchmaker) => Promise<void>;
  /** What goes wrong at some call. */
  readonly act: (context: Context, matchmaker: Matchmaker) => Promise<unknown>;
  /** What must be true once another process has gone on for so long. */
  readonly laterMs: number;
  readonly check: (context: Context, where: string) => Promise<void>;
};

async function queue(matchmaker: Matchmaker, caller: UserCaller, isPreserved = false) {
  const request = { session: lobbyOf(caller), isPreserved, giveUpSeconds: 600, attributes: {} };
  const made = await matchmaker.createTicket(path, request, caller);
  assert.ok(!(made instanceof Refusal));
}

const scenes: Readonly<Record<string, Scene>> = {
  'a new target': {
    async before(context, matchmaker) {
      for (const user of users) await put(context, user, active);
      for (const user of users) await queue(matchmaker, user);
    },
    act: (_context, matchmaker) => matchmaker.run(),
    // What was begun is left to who began it for ten seconds; seats are held for thirty.
    laterMs: 10_000,
    check: assertMatchedOnce,
  },
  'a preserved session': {
    async before(context, matchmaker) {
      for (const user of users) await put(context, user, active);
      for (const [i, user] of users.entries()) await queue(matchmaker, user, i === 1);
    },
    act: (_context, matchmaker) => matchmaker.run(),
    laterMs: 10_000,
    check: assertMatchedOnce,
  },
  // What nobody was given ends by itself, and no session shows a ticket that has ended as one that waits.
  'a new ticket': {
    before: (context) => put(context, ada, active),
    act: (_context, matchmaker) => queue(matchmaker, ada),
    laterMs: 600_000,
    check: (context, where) => assertTickets(context, where, [undefined, 'expired']),
  },
  'a ticket that is deleted': {
    async before(context, matchmaker) {
      await put(context, ada, active);
      await queue(matchmaker, ada);
    },
    async act(context, matchmaker) {
      const [ticket] = await ticketsOf(context);
      return matchmaker.deleteTicket({ ...path, ticketId: ticket?.id ?? '' }, ada);
    },
    laterMs: 10_000,
    check: (context, where) => assertTickets(context, where, ['searching', 'canceled']),
  },
  // The session says that it wants another match, and the process that has stored that is gone.
  'a ticket that is resubmitted': {
    async before(context, matchmaker) {
      for (const user of users) await put(context, user, active);
      for (const user of users) await queue(matchmaker, user);
      await matchmaker.run();
    },
    async act(context, matchmaker) {
      await put(context, ada, { properties: { system: { matchmakingResubmit: true } } });
      await matchmaker.run();
    },
    laterMs: 31_000,
    async check(context, where) {
      const session = await read(context, lobbyOf(ada));
      const wants = session.properties.system.matchmakingResubmit === true;
      assert.ok(!wants, `${where}: it is not looked at`);
      const status = entryOf(session)?.system.status;
      assert.ok(status === 'searching' || status === 'found', where);
    },
  },
};

const openContext = await openTestContexts();

for (const [name, { before, act, laterMs, check }] of Object.entries(scenes)) {
  for (const fault of ['fails', 'losesAnswer'] as const) {
    test(`${name}: each call ${fault}, and another process goes on`, async () => {
      let calls = 0;
      for (let number = 1; number <= calls + 1; number += 1) {
        calls = Math.max(calls, await runWith(number, fault));
      }
      assert.ok(calls >= 4, `${calls} calls`);
    });
  }

  /** How many calls were made before the fault, it included. */
  async function runWith(number: number, fault: Fault): Promise<number> {
    const store = openMemoryStore();
    const clock = manualClock();
    const ids = sequentialIds();
    let isFaulty = false;
    let count = 0;
    const plan = (call: { readonly number: number }) => {
      if (!isFaulty) return undefined;
      count += 1;
      return faultAt(number, fault)({ ...call, number: count, method: 'record' });
    };
    const broken = openContext(faultyStore(store, plan), { clock, ids });
    const first = new Matchmaker(broken, false);
    await before(broken, first);
    isFaulty = true;
    await act(broken, first).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error;
    });
    isFaulty = false;

    const context = openContext(store, { clock, ids });
    const second = new Matchmaker(context, false);
    clock.advance(laterMs);
    for (let turn = 0; turn < 3; turn += 1) await second.run();
    await check(context, `call ${number} ${fault}`);
    await store[Symbol.asyncDispose]();
    return count;
  }
}

async function ticketsOf(context: Context): Promise<readonly TicketRecord[]> {
  const found: TicketRecord[] = [];
  const tickets = new TicketStore(context.store).tickets(hopperKeyOf(demoScid, path.hopper));
  for await (const { value } of tickets) found.push(value);
  return found;
}

/** Each ticket has one of these statuses, and its session shows the same; undefined: there may be none. */
async function assertTickets(
  context: Context,
  where: string,
  statuses: readonly (string | undefined)[],
): Promise<void> {
  const found = await ticketsOf(context);
  if (found.length === 0) assert.ok(statuses.includes(undefined), `${where}: the ticket is lost`);
  for (const value of found) {
    assert.ok(statuses.includes(value.status), `${where}: ${value.status}`);
    assert.equal(value.isPending, false, where);
    const session = await read(context, value.session);
    const { custom, system } = entryOf(session) ?? { custom: {}, system: {} };
    if (custom.ticketId === value.id) assert.equal(system.status, value.status, where);
    else assert.notEqual(value.status, 'searching', `${where}: no session shows that it waits`);
  }
}

async function assertMatchedOnce(context: Context, where: string): Promise<void> {
  const lobbies = await Promise.all(users.map((user) => read(context, lobbyOf(user))));
  const entries = lobbies.map(entryOf);
  for (const entry of entries) assert.equal(entry?.system.status, 'found', where);
  const [target, other] = entries.map((entry) => entry?.system.targetSessionRef);
  assert.deepEqual(target, other, where);
  const session = await read(context, target as unknown as SessionReference);
  const xuids = session.members.map(({ xuid }) => xuid).sort();
  assert.deepEqual(xuids, users.map(({ xuid }) => xuid).sort(), where);
  // Nowhere else is a seat held for them: the lobby of each, and the target.
  for (const { xuid } of users) {
    const found = await Promise.all(
      (['xuid', 'seat'] as const).map((kind) => context.store.sessionsBy(`${kind}:${xuid}`, 10)),
    );
    const keys = found.flat();
    const lobbyAndTarget = new Set([
      keyOf(lobbyOf({ ...users[0], xuid } as UserCaller)),
      keyOf(session.reference),
    ]);
    assert.deepEqual(new Set(keys), lobbyAndTarget, where);
  }
}
