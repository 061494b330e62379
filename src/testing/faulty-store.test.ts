import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { StoreUnavailable, type Store } from '../store/store.ts';
import { faultAt, faultyStore, type StoreCall } from './faulty-store.ts';
import { putOf, storedKey } from './store-samples.ts';

test('a call that fails is not made', async () => {
  const inner = openMemoryStore();
  const store = faultyStore(inner, faultAt(1, 'fails'));
  await assert.rejects(store.commit({ session: putOf('a', 0) }), StoreUnavailable);
  assert.equal(await inner.session(storedKey('a')), undefined);
});

test('a call that loses its answer is made', async () => {
  const inner = openMemoryStore();
  const store = faultyStore(inner, faultAt(1, 'losesAnswer'));
  await assert.rejects(store.commit({ session: putOf('a', 0) }), StoreUnavailable);
  assert.equal((await inner.session(storedKey('a')))?.revision, 1);
});

test('only the call that the plan names goes wrong, whatever its method', async () => {
  const calls: readonly ((store: Store) => Promise<unknown>)[] = [
    (store) => store.session(storedKey('a')),
    (store) => store.handle('x'),
    (store) => store.activitiesOf(['1']),
    (store) => store.handlesFor(storedKey('a')),
    (store) => store.due(0, 1),
    (store) => store.expired(0, 1),
    (store) => store.commit({}),
    (store) => store.secret(),
  ];
  for (const wrong of calls.keys()) {
    const store = faultyStore(openMemoryStore(), faultAt(wrong + 1, 'fails'));
    for (const [at, call] of calls.entries()) {
      if (at === wrong) await assert.rejects(call(store), StoreUnavailable);
      else await call(store);
    }
    assert.equal(store.callsCount, calls.length);
  }
});

test('a plan is given the number and the method of each call', async () => {
  const seen: StoreCall[] = [];
  const store = faultyStore(openMemoryStore(), (call) => {
    seen.push(call);
    return undefined;
  });
  await store.secret();
  await store.commit({ session: putOf('a', 0) });
  assert.deepEqual(seen, [
    { number: 1, method: 'secret' },
    { number: 2, method: 'commit' },
  ]);
});

test('disposing reaches the store inside and is no call', async () => {
  const inner = openMemoryStore();
  const store = faultyStore(inner, () => 'fails');
  await store[Symbol.asyncDispose]();
  assert.equal(store.callsCount, 0);
  await assert.rejects(inner.secret(), StoreUnavailable);
});
