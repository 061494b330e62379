import assert from 'node:assert/strict';
import { test } from 'node:test';
import { override } from '../platform/override.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { StoreUnavailable } from '../store/store.ts';
import { asRefusal } from '../testing/samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { findByGamertag, gamertagOf, storeSeenNames, xuidOfGamertag } from './profiles.ts';

const contexts = await openTestContexts();

test('another node knows a gamertag once it is stored, and finds it', async () => {
  const store = openMemoryStore();
  const [one, other] = [contexts(store), contexts(store)];
  one.names.note('11', 'Ada');
  one.names.note('12', 'adam');
  assert.equal(await gamertagOf(one, '11'), 'Ada');
  assert.equal(await gamertagOf(other, '11'), 'Player 11');
  assert.equal(await storeSeenNames(one), 'done');
  assert.equal(await gamertagOf(other, '11'), 'Ada');
  assert.deepEqual(await findByGamertag(other, 'AD', 10), ['11', '12']);
  assert.deepEqual(await findByGamertag(other, 'adam', 10), ['12']);
  assert.deepEqual(await findByGamertag(other, 'ad', 1), ['11']);
  assert.deepEqual(await findByGamertag(other, ' ', 1), []);
  assert.equal(await xuidOfGamertag(other, 'ada'), '11');
});

test('who has another gamertag is not found by the former one', async () => {
  const store = openMemoryStore();
  const context = contexts(store);
  context.names.note('11', 'Ada');
  await storeSeenNames(context);
  context.names.note('11', 'Eve');
  // The row is still there, and leads to who is called otherwise.
  assert.deepEqual(await findByGamertag(context, 'ada', 10), []);
  await storeSeenNames(context);
  assert.deepEqual(await store.records('gamertags', 'a', 10), []);
  assert.deepEqual(await findByGamertag(context, 'e', 10), ['11']);
  asRefusal(await xuidOfGamertag(context, 'ada'), 'gamertagUnknown');
});

test('what could not be stored is stored the next time', async () => {
  const store = openMemoryStore();
  const context = contexts(store);
  for (let n = 0; n < 50; n += 1) context.names.note(String(n), `User ${n}`);
  let fails = true;
  const failing = {
    ...context,
    store: override(store, {
      async commitRecords(...given) {
        if (fails && given[1] === '7') throw new StoreUnavailable('away');
        return store.commitRecords(...given);
      },
    }),
  };
  await assert.rejects(storeSeenNames(failing), StoreUnavailable);
  fails = false;
  await storeSeenNames(failing);
  const other = contexts(store);
  for (let n = 0; n < 50; n += 1) assert.equal(await gamertagOf(other, String(n)), `User ${n}`);
});
