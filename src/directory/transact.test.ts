import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { keyOf } from '../domain/session/reference.ts';
import type { Session } from '../domain/session/session.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { type Batch, type LastKnown, type Store, StoreUnavailable } from '../store/store.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { asRefusal, bert, me, sampleReference, system, write } from '../testing/samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { checkConnections } from './check-connections.ts';
import type { Context } from './context.ts';
import { type Decision, readCurrent, transact, type Use } from './transact.ts';

const makeContext = await openTestContexts();
const key = keyOf(sampleReference);
const first = write(undefined, me({ active: true }));

/** A context over a memory store with `first`, whose calls a test can replace and count. */
async function open(overrides: Partial<Store> = {}) {
  const clock = manualClock();
  const inner = openMemoryStore();
  await put(inner, first, 0);
  const calls: string[] = [];
  const store = new Proxy(inner, {
    get(target, method) {
      const member: unknown = Reflect.get(overrides, method) ?? Reflect.get(target, method);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        calls.push(String(method));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
  const waits: number[] = [];
  const context: Context = {
    ...makeContext(store, { clock }),
    async letOthersIn(commitMs) {
      waits.push(commitMs);
    },
  };
  const counted = (name: string): number => calls.filter((one) => one === name).length;
  return { context, inner, clock, counted, waits, overrides };
}

function put(store: Store, session: Session, expectRevision: number) {
  return store.commit({
    session: { kind: 'put', key, expectRevision, session, dueMs: undefined },
  });
}

/** The session with the next change number, as `change` makes it. */
const next = (session: Session): Session => ({
  ...session,
  changeNumber: session.changeNumber + 1,
});

/** A use that changes the session and records the change numbers that it was decided on. */
function change(more: Partial<Use<undefined, number>> = {}) {
  const decidedOn: (number | undefined)[] = [];
  const use: Use<undefined, number> = {
    reference: sampleReference,
    mode: 'write',
    xuids: [],
    cause: { kind: 'timer' },
    gather: () => undefined,
    decide(current): Decision<number> | Refusal {
      decidedOn.push(current?.session.changeNumber);
      if (current === undefined) return new Refusal('sessionGone', 'there is none');
      const session = next(current.session);
      return { result: session.changeNumber, next: session };
    },
    ...more,
  };
  return { use, decidedOn };
}

// Kills: a read of a known session; a commit too many.
test('a change of a session that is known costs one commit and no read', async () => {
  const { context, counted } = await open();
  assert.equal(await transact(context, change().use), 2);
  assert.deepEqual([counted('session'), counted('commit')], [0, 1]);
});

// Kills: a refusal, or an answer without a commit, that depends on what may never be stored.
test('what ends without a commit on the session stands on what the store holds', async () => {
  const failed: LastKnown = {
    record: { revision: 2, session: write(first, system({ closed: true })) },
    isCommitted: false,
  };
  const decide = {
    refused: () => new Refusal('sessionClosed', 'closed'),
    unchanged: () => ({ result: 0 }),
    handlesAlone: () => ({ result: 0, handles: { removeHandles: [] } }),
  };
  for (const [name, ending] of Object.entries(decide)) {
    const { context, counted } = await open({ lastKnown: () => failed });
    const decidedOn: unknown[] = [];
    await transact(context, {
      ...change().use,
      decide(current) {
        decidedOn.push(current?.session.properties.system.closed);
        return ending();
      },
    });
    assert.deepEqual(decidedOn, [true, undefined], name);
    assert.equal(counted('session'), 1, name);
  }
});

// Kills: a second decision on the record that lost; a read of what the conflict returned; a wait in
// which others would win again.
test('after a lost race it is decided at once on the winner’s record', async () => {
  const opened = await open();
  const { context, inner, waits, counted } = opened;
  let lost = 0;
  let known: LastKnown = { record: { revision: 1, session: first }, isCommitted: false };
  opened.overrides.lastKnown = () => known;
  opened.overrides.commit = async (batch: Batch) => {
    if (lost === 3) return inner.commit(batch);
    lost += 1;
    // Another process is faster.
    const { record } = inner.lastKnown(key) ?? {};
    await put(inner, next(record?.session ?? first), record?.revision ?? 0);
    known = { record: await inner.session(key), isCommitted: false };
    return inner.commit(batch);
  };
  const { use, decidedOn } = change();
  assert.equal(await transact(context, use), 5);
  assert.deepEqual(decidedOn, [1, 2, 3, 4]);
  assert.deepEqual([counted('session'), waits.length], [0, 0]);
});

// Kills: an attempt without end; a lock that stays held after it.
test('a change that loses every race is refused, and others can go on', async () => {
  const opened = await open();
  const { context, inner, overrides } = opened;
  overrides.commit = async () => ({
    kind: 'conflict',
    current: (await inner.session(key)) ?? undefined,
  });
  const { use, decidedOn } = change();
  // A store that does not know what others commit.
  overrides.lastKnown = () => ({ record: { revision: 1, session: first }, isCommitted: false });
  asRefusal(await transact(context, use), 'tooBusy');
  assert.equal(decidedOn.length, limits.commitAttemptsMax);
  delete overrides.commit;
  delete overrides.lastKnown;
  assert.equal(await transact(context, change().use), 2);
});

// Kills: a lock that stays held when the store fails, or when a use throws.
test('a change that fails holds nobody up', async () => {
  const opened = await open();
  const { context, overrides } = opened;
  overrides.commit = async () => {
    throw new StoreUnavailable('away');
  };
  await assert.rejects(transact(context, change().use), StoreUnavailable);
  delete overrides.commit;
  const thrown = change({
    gather() {
      throw new Error('a bug');
    },
  });
  await assert.rejects(transact(context, thrown.use), /a bug/);
  assert.equal(await transact(context, change().use), 2);
});

// Kills: a lock that is passed on before others can build on the commit; facts that are awaited
// without it.
test('who waits for facts holds the others up, and they lose no race', async () => {
  const opened = await open();
  const { context, counted, waits } = opened;
  const asks = { gather: () => Promise.resolve(undefined) };
  const results = await Promise.all(
    Array.from({ length: 8 }, () => transact(context, change(asks).use)),
  );
  assert.deepEqual(results, [2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(counted('commit'), 8);
  assert.deepEqual(waits, [], 'nobody needs a commit that he can build on to be stored');
});

// Kills: a lock that is passed on before others can build on the commit; one that is passed on
// without a pause for other processes, or a pause before the first.
test('where others must wait for the commit, processes that lost come first', async () => {
  const { context, inner, clock, counted, waits, overrides } = await open();
  let known = inner.lastKnown(key);
  overrides.lastKnown = () => known;
  overrides.commit = async (batch: Batch) => {
    await new Promise(setImmediate);
    clock.advance(5);
    const outcome = await inner.commit(batch);
    known = inner.lastKnown(key);
    return outcome;
  };
  const results = await Promise.all(
    Array.from({ length: 4 }, () => transact(context, change().use)),
  );
  assert.deepEqual(results, [2, 3, 4, 5]);
  assert.equal(counted('commit'), 4);
  assert.deepEqual(waits, [5, 5, 5]);
});

// Kills: a reader that waits for writers; timeouts that are shown and not stored.
test('readers wait for nobody, and what time has done is stored before it is shown', async () => {
  const { context, inner, counted } = await open();
  const lock = context.locks.of(key);
  await lock.acquire();
  const read = await readCurrent(context, sampleReference, []);
  assert.ok(read && !(read instanceof Refusal));
  assert.equal(read.session, first);
  assert.equal(counted('commit'), 0);

  const waiting = write(first, me({ active: false, ready: false }), { by: bert });
  const dueMs = context.clock.nowMs();
  const due = { ...waiting, emptySinceMs: dueMs - 3_600_000, members: [] };
  await put(inner, due, 1);
  assert.equal(await readCurrent(context, sampleReference, []), undefined);
  assert.equal(await inner.session(key), undefined);
});

// Kills: a revision that is worked out: after it others may have committed, or Redis has given another one.
test('after timeouts whose revision is not known any more the session is read', async () => {
  const opened = await open();
  const { context, inner, clock, counted } = opened;
  const both = write(first, me({ active: false }), { by: bert });
  await put(inner, both, 1);
  clock.advance(7_200_000);
  opened.overrides.commit = async (batch: Batch) => {
    opened.overrides.commit = undefined as never;
    await inner.commit(batch);
    const { record } = inner.lastKnown(key) ?? {};
    assert.equal(record?.session.members.length, 1);
    await put(inner, next(record.session), record.revision);
    return { kind: 'committed' };
  };
  const { use, decidedOn } = change();
  await transact(context, use);
  assert.deepEqual(decidedOn, [both.changeNumber + 2]);
  assert.equal(counted('session'), 1);
});

// Kills: an endless loop over a session that is always being written; a connection that is
// forgotten although its members were not marked.
test('a session that is written all the time is looked at again by the sweep', async () => {
  const connection = '0badcafe-0000-4000-8000-000000000001';
  const inner = openMemoryStore();
  const session = write(undefined, me({ active: true, connection }));
  await inner.commit({
    session: {
      kind: 'put',
      key,
      expectRevision: 0,
      session,
      dueMs: undefined,
      addHints: [`connection:${connection}`],
    },
  });
  let isBusy = true;
  const store = new Proxy(inner, {
    get(target, method) {
      if (method === 'commit' && isBusy) {
        return async () => ({ kind: 'conflict', current: await inner.session(key) });
      }
      const member: unknown = Reflect.get(target, method);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const context = makeContext(store);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  checkConnections(context, [connection]);
  await turn();
  assert.equal(context.node.recheckQueue.size, 1);
  isBusy = false;
  checkConnections(context, [connection]);
  await turn();
  assert.equal(context.node.recheckQueue.size, 0);
  const marked = (await inner.session(key))?.session.members[0]?.activeUntilMs;
  assert.equal(marked, context.clock.nowMs() + context.settings.presenceTimeoutMs);
});
