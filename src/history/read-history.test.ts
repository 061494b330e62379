import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConnections } from '../directory/check-connections.ts';
import type { Context } from '../directory/context.ts';
import { sweep } from '../directory/sweep.ts';
import { transact } from '../directory/transact.ts';
import { writeSession } from '../directory/write-session.ts';
import type { UserCaller } from '../domain/caller.ts';
import type { Cause } from '../domain/cause.ts';
import type { Departure } from '../domain/history/timeline.ts';
import type { JsonObject } from '../domain/json.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf } from '../domain/session/reference.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { demoScid } from '../testing/demo.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { sweepHistory } from './forget-history.ts';
import { readBranches, readMoments, stateAt } from './read-history.ts';

const makeContext = await openTestContexts();
const lobby = { scid: demoScid, templateName: 'LobbySession', name: 'lobby' };
const key = keyOf(lobby);
const userOf = (xuid: string): UserCaller => ({
  kind: 'user',
  xuid,
  gamertag: `Player ${xuid}`,
  // The lobby lets in those on the device of a member.
  deviceId: 'one',
  sandbox: 'RETAIL',
});
const [ada, ben] = [userOf('1'), userOf('2')];
const connectionOf = (n: number): string => `0badcafe-0000-4000-8000-00000000000${n}`;
const id = 'c0441a7e-0000-4000-8000-000000000009';

function open(more: Partial<Context['settings']['history']> = {}) {
  const clock = manualClock();
  const connections = new Set([1, 2].map(connectionOf));
  const context = makeContext(openMemoryStore(), { clock });
  const history = { ...context.settings.history, ...more };
  return {
    clock,
    connections,
    context: {
      ...context,
      node: { ...context.node, connections },
      settings: { ...context.settings, history },
    },
  };
}

async function put(context: Context, caller: UserCaller, body: JsonObject, reference = lobby) {
  const request = parseSessionRequest(body, 107);
  assert.ok(!(request instanceof Refusal));
  const write = { reference, request, preconditions: {}, caller, onlyExisting: false };
  const cause: Cause = {
    kind: 'request',
    caller,
    id,
    method: 'PUT',
    route: '/handles/{id}/session',
  };
  const written = await writeSession(context, write, { commit: true, cause });
  assert.ok(!(written instanceof Refusal), JSON.stringify(written));
}

const join = (context: Context, caller: UserCaller) => {
  const connection = connectionOf(Number(caller.xuid));
  return put(context, caller, {
    members: { me: { properties: { system: { active: true, connection } } } },
  });
};

async function momentsOf(context: Context) {
  const [branch = ''] = await readBranches(context, key);
  return readMoments(context, key, branch);
}

/** Why members went, by their xuids. */
async function departures(context: Context): Promise<readonly (readonly [string, Departure])[]> {
  return (await momentsOf(context)).flatMap(({ members }) =>
    members.flatMap((one) => (one.what === 'went' ? [[one.xuid, one.why] as const] : [])),
  );
}

test('each change says who made it, by which request, its types, and the states around it', async () => {
  const { context, clock } = open();
  await join(context, ada);
  clock.advance(1_000);
  await join(context, ben);
  await put(context, ada, { properties: { custom: { map: 'moon' } } });
  const [created, joined, mapped] = await momentsOf(context);
  assert.deepEqual(created?.cause, {
    kind: 'request',
    id,
    call: 'PUT handles/{id}/session',
    xuid: '1',
    gamertag: 'Player 1',
  });
  assert.equal(created?.before, undefined);
  assert.deepEqual(joined?.members, [{ xuid: '2', index: 1, what: 'joined' }]);
  assert.equal((joined?.atMs ?? 0) - (created?.atMs ?? 0), 1_000);
  assert.deepEqual(mapped?.changeTypes, ['everything', 'customProperty']);
  assert.deepEqual(mapped?.before?.properties.custom, {});
  assert.deepEqual(mapped?.after?.properties.custom, { map: 'moon' });
  const moments = await momentsOf(context);
  assert.deepEqual(stateAt(moments, mapped?.changeNumber ?? 0), mapped?.after);
  assert.equal(stateAt(moments, 99), undefined);
});

// Kills: a user taken for one who left; a lost connection taken for a mere timeout; a past that goes with
// its session.
test('why a member went: left, lost its connection, was inactive, was removed', async () => {
  const { context, clock, connections } = open();
  await join(context, ada);
  await join(context, ben);
  await put(context, ben, { members: { me: null } });
  assert.deepEqual(await departures(context), [['2', { kind: 'left' }]]);

  await join(context, ben);
  connections.delete(connectionOf(2));
  checkConnections(context, [connectionOf(2)]);
  await until(async () => (await momentsOf(context)).length === 5);
  for (let n = 0; n < 3; n += 1) {
    clock.advance(24 * 3_600_000);
    await sweep(context);
    await put(context, ada, { properties: { custom: { n } } });
  }
  assert.deepEqual((await departures(context)).at(-1), ['2', { kind: 'disconnected' }]);

  await join(context, userOf('2'));
  const cause: Cause = { kind: 'admin', by: 'support', reason: 'spam' };
  await removeFirst(context, cause);
  assert.deepEqual((await departures(context)).at(-1), [
    '1',
    { kind: 'removed', by: 'support', reason: 'spam' },
  ]);

  await put(context, ben, { members: { me: { properties: { system: { active: false } } } } });
  for (let n = 0; n < 3; n += 1) {
    clock.advance(24 * 3_600_000);
    await sweep(context);
  }
  assert.equal(await context.store.session(key), undefined);
  const all = await departures(context);
  assert.deepEqual(all.at(-1), ['2', { kind: 'timedOut' }]);
  assert.equal((await momentsOf(context)).at(-1)?.isEnd, true);
});

// Kills: a history that grows; a limit that is off by many; one that is kept though none is wanted.
test('the history has the newest changes, for its time, or none', async () => {
  const { context, clock } = open({ changesMax: 5, keptMs: 60_000 });
  await join(context, ada);
  for (let n = 0; n < 40; n += 1) await put(context, ada, { properties: { custom: { n } } });
  const moments = await momentsOf(context);
  assert.equal(moments.length, 5);
  assert.deepEqual(moments.at(-1)?.after?.properties.custom, { n: 39 });
  assert.deepEqual(moments[0]?.before?.properties.custom, { n: 34 });
  clock.advance(60_000);
  const node = { ...context.node, sweepsCount: 30 };
  assert.equal(await sweepHistory({ ...context, node }, undefined), 'done');
  assert.deepEqual(await momentsOf(context), []);

  const none = open({ changesMax: 0 });
  await join(none.context, ada);
  assert.deepEqual(await readBranches(none.context, key), []);
});

// Kills: a read that applies timeouts, reads for the cache, or writes.
test('reading the history changes nothing', async () => {
  const { context, clock } = open();
  await join(context, ada);
  const before = await context.store.session(key);
  clock.advance(24 * 3_600_000);
  let isWritten = false;
  const store = new Proxy(context.store, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (/^(commit|change|note|acquire|renew|forget)/.test(String(name))) isWritten = true;
      return value.bind(target);
    },
  });
  const watching = { ...context, store };
  const [branch = ''] = await readBranches(watching, key);
  assert.equal((await readMoments(watching, key, branch)).length, 1);
  assert.equal(isWritten, false);
  assert.equal(await context.store.session(key), before);
});

async function removeFirst(context: Context, cause: Cause): Promise<void> {
  await transact(context, {
    reference: lobby,
    mode: 'write',
    xuids: [],
    cause,
    gather: () => undefined,
    decide(current) {
      const session = current?.session ?? assert.fail();
      const changeNumber = session.changeNumber + 1;
      return {
        result: undefined,
        next: { ...session, changeNumber, members: session.members.slice(1) },
      };
    },
  });
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve));
}
