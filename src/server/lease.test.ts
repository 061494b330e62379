import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { StoreUnavailable } from '../store/store.ts';
import { putOf, storedKey } from '../testing/store-samples.ts';
import { fencedStore, Lease } from './lease.ts';

/** A lease of 100 ms whose time and store the test controls. */
function open() {
  let atMs = 1_000;
  let answer: 'held' | 'lost' | 'away' = 'held';
  /** How long a renewal takes. */
  let tripMs = 0;
  const renewed: string[] = [];
  const renewNode = async (node: string): Promise<'held' | 'lost'> => {
    renewed.push(node);
    atMs += tripMs;
    if (answer === 'away') throw new StoreUnavailable('away');
    return answer;
  };
  const lease = new Lease({ renewNode }, { leaseMs: 100, elapsedMs: () => atMs });
  return {
    lease,
    renewed,
    pass: (ms: number) => (atMs += ms),
    answers: (next: typeof answer, takesMs = 0) => {
      answer = next;
      tripMs = takesMs;
    },
  };
}

const noPreparation = async (): Promise<void> => undefined;

test('a lease is held from when it was prepared, for as long as it is renewed in time', async () => {
  const { lease, pass } = open();
  assert.equal(lease.isHeld(), false);
  await lease.begin('a', async () => assert.equal(lease.isHeld(), false));
  for (let n = 0; n < 5; n += 1) {
    pass(99);
    assert.equal(lease.isHeld(), true);
    assert.equal(await lease.renew('a'), true);
  }
  pass(100);
  assert.equal(lease.isHeld(), false);
});

test('it counts from before the store was asked', async () => {
  const { lease, pass, answers } = open();
  answers('held', 60);
  await lease.begin('a', noPreparation);
  pass(39);
  assert.equal(lease.isHeld(), true);
  pass(1);
  assert.equal(lease.isHeld(), false);
});

test('what ran out here is not taken up again, whatever the store says', async () => {
  const { lease, pass, renewed, answers } = open();
  await lease.begin('a', noPreparation);
  pass(100);
  assert.equal(await lease.renew('a'), false);
  assert.deepEqual(renewed, ['a'], 'nobody is asked');
  await lease.begin('b', noPreparation);
  answers('held', 150);
  assert.equal(await lease.renew('b'), false, 'it ran out while the store was asked');
  assert.equal(lease.isHeld(), false);
});

test('what the store has given up is over at once; a store that is away leaves time', async () => {
  const { lease, pass, answers } = open();
  await lease.begin('a', noPreparation);
  answers('away');
  await assert.rejects(lease.renew('a'), StoreUnavailable);
  assert.equal(lease.isHeld(), true);
  answers('lost');
  assert.equal(await lease.renew('a'), false);
  assert.equal(lease.isHeld(), false);
  pass(1);
  answers('held');
  await lease.begin('b', noPreparation);
  assert.equal(lease.isHeld(), true);
});

test('a fenced store writes nothing while the lease is over, and reads on', async () => {
  let isHeld = true;
  const inner = openMemoryStore();
  const store = fencedStore(inner, { isHeld: () => isHeld });
  const record = { revision: 1, session: putOf('a', 0).session };
  assert.equal((await store.commit({ session: putOf('a', 0) })).kind, 'committed');
  isHeld = false;
  const { session } = putOf('a', 1, { custom: { b: 1 } });
  for (const write of [
    () => store.commit({ session: { ...putOf('a', 1), session } }),
    () => store.changeList('1', 'follows', { remove: ['2'] }),
    () => store.commitRecords('ticket', 'quick', [{ id: 'a', value: {} }]),
    () => store.forgetNode('0000000a'),
  ]) {
    await assert.rejects(write, StoreUnavailable);
  }
  assert.deepEqual(await store.session(storedKey('a')), record);
  assert.deepEqual(await inner.session(storedKey('a')), record);
  assert.equal(await store.record('ticket', 'quick', 'a'), undefined);
  isHeld = true;
  assert.equal((await store.commit({ session: putOf('a', 1) })).kind, 'committed');
});
