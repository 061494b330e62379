import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserCaller } from '../domain/caller.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf } from '../domain/session/reference.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { type Batch, type Store, StoreUnavailable } from '../store/store.ts';
import { demoScid } from '../testing/demo.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { checkConnections, checkOwnConnections } from './check-connections.ts';
import { sweep } from './sweep.ts';
import type { Context } from './context.ts';
import { writeSession } from './write-session.ts';

const makeContext = await openTestContexts();
const reference = { scid: demoScid, templateName: 'LobbySession', name: 'lobby' };
const connection = '0badcafe-0000-4000-8000-000000000001';
const ada: UserCaller = { kind: 'user', xuid: '1', sandbox: 'RETAIL' };

/**
 * A context whose node holds `connection`, over a store in which the test can act between two
 * calls.
 */
function open(more: Partial<Store> = {}) {
  const inner = openMemoryStore();
  const store = new Proxy(inner, {
    get(target, method) {
      const override = Reflect.get(more, method);
      if (override !== undefined) return override;
      const member = Reflect.get(target, method);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const open = new Set([connection]);
  const clock = manualClock();
  const node = { id: '0badcafe', connections: open, recheckQueue: new Map(), sweepsCount: 0 };
  const context: Context = { ...makeContext(store, { clock }), node };
  const until = async (): Promise<number | undefined> =>
    (await inner.session(keyOf(reference)))?.session.members[0]?.activeUntilMs;
  return { context, open, inner, clock, until, more };
}

async function join(context: Context, by = connection): Promise<void> {
  const system = { active: true, connection: by };
  const request = parseSessionRequest({ members: { me: { properties: { system } } } }, 107);
  assert.ok(!(request instanceof Refusal));
  const write = { reference, request, preconditions: {}, caller: ada, onlyExisting: false };
  const written = await writeSession(context, write);
  assert.ok(!(written instanceof Refusal));
}

/** Background work has finished. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a member is marked whose connection ended before the write, or within it', async () => {
  const before = open();
  before.open.clear();
  await join(before.context);
  const graceMs = before.context.settings.disconnectGraceMs;
  assert.equal(await before.until(), before.clock.nowMs() + graceMs);

  const within = open();
  within.more.commit = async (batch: Batch) => {
    // The end of the connection finds no session yet.
    if (within.open.delete(connection)) checkConnections(within.context, [connection]);
    await turn();
    return within.inner.commit(batch);
  };
  await join(within.context);
  await turn();
  await turn();
  assert.equal(await within.until(), within.clock.nowMs() + graceMs);

  const alive = open();
  await join(alive.context);
  await turn();
  assert.equal(await alive.until(), undefined);
});

test('of a connection of another node, that node is asked; of a dead one, nobody', async () => {
  const others = '0000beef-0000-4000-8000-000000000001';
  const { context, inner, until, more } = open();
  let isAlive = true;
  more.nodes = async () => [{ node: '0000beef', isAlive }];
  const asked: unknown[] = [];
  await context.bus.subscribe('node:0000beef', {
    message: (message) => asked.push(message),
    gap() {},
  });
  await join(context, others);
  await turn();
  assert.deepEqual(asked, [{ kind: 'check', connections: [others] }]);
  assert.equal(await until(), undefined);
  isAlive = false;
  const forgotten: string[] = [];
  more.forgetNode = async (node) => void forgotten.push(node);
  await sweep(context);
  assert.notEqual(await until(), undefined);
  assert.deepEqual(forgotten, ['0000beef']);
  assert.equal((await inner.session(keyOf(reference)))?.session.changeNumber, 1, 'unseen');
});

test('what could not be looked at while the store was away is made up for by the sweep', async () => {
  const { context, open: connections, until, more } = open();
  await join(context);
  connections.clear();
  more.sessionsBy = async () => {
    throw new StoreUnavailable('away');
  };
  checkConnections(context, [connection]);
  await turn();
  assert.equal(context.node.recheckQueue.size, 1);
  await assert.rejects(sweep(context), StoreUnavailable);
  delete more.sessionsBy;
  await sweep(context);
  assert.notEqual(await until(), undefined);
  assert.equal(context.node.recheckQueue.size, 0);
});

test('when questions may have been missed, all connections of the node are looked at', async () => {
  const { context, open: connections, until } = open();
  await join(context);
  checkOwnConnections(context);
  await turn();
  assert.equal(await until(), undefined, 'it is open');
  connections.clear();
  checkOwnConnections(context);
  await turn();
  assert.notEqual(await until(), undefined);
});

test('a session in more than one page of sessions is not forgotten', async () => {
  const { context, open: connections, inner } = open();
  await join(context);
  const record = await inner.session(keyOf(reference));
  assert.ok(record);
  for (let n = 0; n < 250; n += 1) {
    const copy = { ...record.session, reference: { ...reference, name: `lobby-${n}` } };
    await inner.commit({
      session: {
        kind: 'put',
        key: keyOf(copy.reference),
        expectRevision: 0,
        session: copy,
        dueMs: undefined,
        addHints: [`connection:${connection}`],
      },
    });
  }
  connections.clear();
  checkConnections(context, [connection]);
  await sweep(context);
  for (let n = 0; n < 250; n += 1) {
    const copy = await inner.session(keyOf({ ...reference, name: `lobby-${n}` }));
    assert.notEqual(copy?.session.members[0]?.activeUntilMs, undefined, `lobby-${n}`);
  }
});
