import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf } from '../domain/session/reference.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { renderSession } from '../domain/session/document-text.ts';
import { viewMembersInfo } from '../domain/session/view.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { demoScid } from '../testing/demo.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { checkConnections, endDeadNodes } from './check-connections.ts';
import { readSession } from './read-session.ts';
import { sweep } from './sweep.ts';
import type { Context } from './context.ts';
import { type WriteResult, writeSession } from './write-session.ts';

const makeContext = await openTestContexts();
const reference = { scid: demoScid, templateName: 'blank', name: 'crowd' };
const key = keyOf(reference);
const userOf = (n: number) =>
  ({ kind: 'user', xuid: `${100_000 + n}`, sandbox: 'RETAIL' }) as const;
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);
/** On this node, one for each user. */
const connectionOf = (n: number): string =>
  `0badcafe-0000-4000-8000-${String(n).padStart(12, '0')}`;
const large = { maxMembersCount: 10_000, capabilities: { large: true } };

async function write(
  context: Context,
  by: number,
  me: JsonObject | null,
  system: JsonObject = large,
): Promise<WriteResult | Refusal> {
  const request = parseSessionRequest({ constants: { system }, members: { me } }, 107);
  assert.ok(!(request instanceof Refusal));
  return writeSession(context, {
    reference,
    request,
    preconditions: {},
    caller: userOf(by),
    onlyExisting: false,
  });
}

const as = (system: JsonObject): JsonObject => ({ properties: { system } });

/** The session as this user reads it, which exists. */
async function read(context: Context, by: number) {
  const session = await readSession(context, reference, userOf(by));
  assert.ok(session !== undefined && !(session instanceof Refusal), String(session));
  return session;
}

/** Sweeps to the end; returns how often. */
async function sweepAll(context: Context): Promise<number> {
  for (let count = 1; count < 1_000; count += 1)
    if ((await sweep(context)) !== 'more') return count;
  throw new Error('sweeping does not come to an end');
}

/** How often each method of the store was called, from `begin` on. */
function counting(store: Store): { readonly store: Store; begin(): Map<string, number> } {
  let calls = new Map<string, number>();
  const counted = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        calls.set(String(name), (calls.get(String(name)) ?? 0) + 1);
        return Reflect.apply(member, target, args);
      };
    },
  });
  const begin = () => {
    calls = new Map();
    return calls;
  };
  return { store: counted, begin };
}

test('ten thousand come, no more, and the session ends when the last has left', async () => {
  await using store = openMemoryStore();
  const context = makeContext(store);
  for (const n of numbers(10_000)) {
    const written = await write(context, n, as({ active: true }));
    assert.ok(!(written instanceof Refusal), String(written));
  }
  const late = await write(context, 10_000, as({ active: true }));
  assert.ok(late instanceof Refusal && late.code === 'sessionFull');
  assert.deepEqual(viewMembersInfo(await read(context, 9_999)), {
    first: 9_999,
    next: 10_000,
    count: 10_000,
    accepted: 10_000,
    active: 10_000,
  });

  for (const n of numbers(10_000)) {
    const left = await write(context, n, null);
    assert.ok(!(left instanceof Refusal));
    assert.equal(left.kind, n === 9_999 ? 'deleted' : 'updated');
  }

  assert.equal(await store.session(key), undefined);
  assert.deepEqual(await store.memberRows(key, 1), []);
  assert.deepEqual(await store.sessionsBy(`xuid:${userOf(5_000).xuid}`, 1), []);
});

test('a write asks the store for the own row, and its document is as long, however many are in', async () => {
  const { store, begin } = counting(openMemoryStore());
  const context = makeContext(store);
  const costs = [];
  for (const n of numbers(2_000)) {
    const calls = begin();
    const written = await write(context, n, as({ active: true }));
    assert.ok(!(written instanceof Refusal) && 'session' in written);
    if (n === 10 || n === 1_999) {
      const length = renderSession(written.session, 107).replaceAll(/\d+/g, '0').length;
      costs.push({ calls: Object.fromEntries(calls), length });
    }
  }
  assert.deepEqual(costs[1], costs[0]);
});

// @source docs/wire/unknowns.md "large sessions are moved in slices"
test('time moves thousands in slices, between which others are served', async () => {
  const { store, begin } = counting(openMemoryStore());
  const clock = manualClock();
  const context = makeContext(store, { clock });
  const system = { ...large, readyRemovalTimeout: 5_000, inactiveRemovalTimeout: 5_000 };
  await write(context, 0, as({ active: true }), system);
  for (const n of numbers(2_500).slice(1)) await write(context, n, as({ ready: true }), system);
  clock.advance(5_000);

  // A member that reads is moved at once, without waiting for all the others.
  const calls = begin();
  const own = await read(context, 2_499);
  assert.equal(own.members[0]?.status, 'inactive');
  assert.equal(calls.get('commit'), 1);
  const written = await write(context, 0, { properties: { custom: { score: 1 } } }, system);
  assert.ok(!(written instanceof Refusal));

  assert.ok((await sweepAll(context)) > 20);
  assert.equal(viewMembersInfo(await read(context, 0)).count, 2_500);
  const rows = await store.memberRows(key, 3_000);
  assert.equal(rows.filter(({ status }) => status === 'inactive').length, 2_499);

  clock.advance(5_000);
  await sweepAll(context);
  assert.equal(viewMembersInfo(await read(context, 0)).count, 1);
  assert.deepEqual(
    (await store.memberRows(key, 10)).map(({ xuid }) => xuid),
    [userOf(0).xuid],
  );
});

test('time ends a session of thousands, and nothing of it is left', async () => {
  await using store = openMemoryStore();
  const clock = manualClock();
  const context = makeContext(store, { clock });
  const system = { ...large, inactiveRemovalTimeout: 5_000 };
  for (const n of numbers(1_500)) await write(context, n, as({ active: false }), system);
  clock.advance(5_000);
  await sweepAll(context);
  assert.equal(await store.session(key), undefined);
  assert.deepEqual(await store.memberRows(key, 1), []);
  assert.deepEqual(await store.due(Infinity, 1), []);
});

/** Members active by a connection of this node each, in a session where they need one. */
async function connected(count: number, clock = manualClock()) {
  const { store, begin } = counting(openMemoryStore());
  const made = makeContext(store, { clock });
  const open = new Set(numbers(count).map(connectionOf));
  const context: Context = { ...made, node: { ...made.node, connections: open } };
  await store.renewNode(context.node.id, 15_000);
  const capabilities = { large: true, connectionRequiredForActiveMembers: true };
  const system = { ...large, capabilities, inactiveRemovalTimeout: 600_000 };
  for (const n of numbers(count)) {
    await write(context, n, as({ active: true, connection: connectionOf(n) }), system);
  }
  return { store, begin, context, clock, open };
}

// @source docs/wire/time.md "Time"
test('a connection that ends costs its own member alone, and no look at the others', async () => {
  const { begin, context, clock, open } = await connected(300);
  const calls = begin();
  open.delete(connectionOf(7));
  checkConnections(context, [connectionOf(7)], userOf(7).xuid);
  await sweep(context);
  assert.equal(calls.get('memberRows'), undefined);
  assert.equal(calls.get('commit'), 1);

  clock.advance(29_999);
  await sweepAll(context);
  assert.equal((await read(context, 7)).members[0]?.status, 'active');
  clock.advance(1);
  await sweepAll(context);
  const { members, tally } = await read(context, 7);
  assert.equal(members[0]?.status, 'inactive');
  assert.deepEqual(tally, { count: 300, accepted: 300, active: 299 });
});

// @source docs/wire/unknowns.md "somebody else's connection in a large session"
test('the connection of somebody else is not watched', async () => {
  const { context, clock, open } = await connected(3);
  await write(context, 1, as({ connection: connectionOf(2) }));
  open.delete(connectionOf(2));
  checkConnections(context, [connectionOf(2)], userOf(2).xuid);
  await sweep(context);
  clock.advance(30_000);
  await sweepAll(context);
  assert.equal((await read(context, 2)).members[0]?.status, 'inactive');
  assert.equal((await read(context, 1)).members[0]?.status, 'active');
});

// @source docs/wire/time.md "Time"
test('a node that dies takes the members of all its connections along', async () => {
  const { store, context, clock } = await connected(250);
  await context.store.forgetNode(context.node.id);
  const other: Context = {
    ...context,
    node: { ...context.node, id: '0000beef' },
    store: new Proxy(store, {
      get(target, name) {
        if (name === 'nodes') return async () => [{ node: context.node.id, isAlive: false }];
        const member = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    }),
  };
  await endDeadNodes(other);
  clock.advance(30_000);
  await sweepAll(context);
  assert.deepEqual((await read(context, 0)).tally, { count: 250, accepted: 250, active: 0 });
});

test('a restart keeps all who were in, and their times', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openmpsd-large-'));
  try {
    const open = () => openSqliteStore({ file: join(folder, 'data.db'), durability: 'relaxed' });
    const clock = manualClock();
    const system = { ...large, inactiveRemovalTimeout: 5_000 };
    const before = await (async () => {
      await using store = await open();
      const context = makeContext(store, { clock });
      for (const n of numbers(300)) await write(context, n, as({ active: n % 3 === 0 }), system);
      for (const n of numbers(30)) await write(context, n * 10, null, system);
      return { record: await store.session(key), rows: await store.memberRows(key, 1_000) };
    })();

    await using store = await open();
    const context = makeContext(store, { clock });
    assert.deepEqual(await store.session(key), before.record);
    assert.deepEqual(await store.memberRows(key, 1_000), before.rows);
    clock.advance(5_000);
    await sweepAll(context);
    const active = before.rows.filter(({ status }) => status === 'active');
    assert.deepEqual(await store.memberRows(key, 1_000), active);
    const joined = await write(context, 5_000, as({ active: true }), system);
    assert.ok(!(joined instanceof Refusal) && 'session' in joined);
    assert.equal(joined.session.members[0]?.index, 300);
    assert.equal(joined.session.tally?.count, active.length + 1);
  } finally {
    await rm(folder, { recursive: true });
  }
});
