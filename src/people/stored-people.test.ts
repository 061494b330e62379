import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { StoreUnavailable, type Store } from '../store/store.ts';
import { manualClock } from '../testing/manual-clock.ts';
import type { ListChange, OwnListName } from '../domain/people/list.ts';
import type { People } from './people.ts';
import { storedPeople, type StoredPeopleSettings } from './stored-people.ts';

/** Makes this change, whatever the list has. */
function make(people: People, owner: string, list: OwnListName, change: ListChange) {
  return people.change(owner, list, () => ({
    change,
    notice: { notificationType: 'Changed', xuids: [] },
  }));
}

/** People over a store that counts what is read, and fails on demand. */
function countingPeople(settings: Partial<StoredPeopleSettings> = {}) {
  const memory = openMemoryStore();
  const seen = { reads: 0, fails: false, failsToChange: false };
  const store: Pick<Store, 'list' | 'changeList'> = {
    async list(owner, list) {
      seen.reads += 1;
      if (seen.fails) throw new StoreUnavailable('away');
      return memory.list(owner, list);
    },
    async changeList(owner, list, change) {
      await memory.changeList(owner, list, change);
      if (seen.failsToChange) throw new StoreUnavailable('away');
    },
  };
  const clock = manualClock();
  const people = storedPeople(store as Store, { clock, ...settings });
  const follow = (owner: string, ...xuids: readonly string[]) =>
    make(people, owner, 'follows', { put: xuids.map((xuid) => ({ xuid, addedMs: 1 })) });
  return { people, store: memory, seen, clock, follow };
}

test('whom somebody follows, avoids and has as favourites is known from their lists', async () => {
  const { people } = countingPeople();
  await make(people, '1', 'follows', {
    put: [
      { xuid: '3', addedMs: 1 },
      { xuid: '2', addedMs: 2, isFavorite: true },
    ],
  });
  await make(people, '1', 'avoids', { put: [{ xuid: '4', addedMs: 1 }] });
  assert.deepEqual(await people.followedBy('1', 'people'), ['3', '2']);
  assert.deepEqual(await people.followedBy('1', 'favorites'), ['2']);
  assert.deepEqual(await people.followedBy('2', 'people'), []);
  assert.equal(await people.anyFollows(['9', '1'], '2'), true);
  assert.equal(await people.anyFollows(['2', '3'], '1'), false);
  assert.equal(await people.anyFollows([], '1'), false);
  assert.equal(await people.avoids('1', '4'), true);
  assert.equal(await people.avoids('4', '1'), false);
  assert.equal(await people.avoids('1', '2'), false);
});

test('who follows a user is a list of its own, kept with each change', async () => {
  const { people, follow } = countingPeople();
  const followers = async (xuid: string) =>
    (await people.list(xuid, 'followers')).map((entry) => entry.xuid);
  await follow('1', '3');
  await follow('2', '3', '4');
  assert.deepEqual(await followers('3'), ['1', '2']);
  await make(people, '1', 'avoids', { put: [{ xuid: '4', addedMs: 1 }] });
  await make(people, '2', 'follows', { remove: ['3'] });
  assert.deepEqual(await followers('3'), ['1']);
  assert.deepEqual(await followers('4'), ['2']);
});

test('rules read a list once, and again when it has changed', async () => {
  const { people, seen, follow } = countingPeople();
  const members = Array.from({ length: 100 }, (_, i) => String(i));
  assert.equal(await people.anyFollows(members, '500'), false);
  assert.equal(seen.reads, 100);
  assert.equal(await people.anyFollows(members, '501'), false);
  assert.equal(seen.reads, 100);
  await follow('99', '501');
  // The change has read it, to decide; the rules read it again.
  seen.reads = 0;
  assert.equal(await people.anyFollows(members, '501'), true);
  assert.equal(seen.reads, 1);
  await make(people, '99', 'follows', { remove: ['501'] });
  assert.equal(await people.anyFollows(members, '501'), false);
});

test('asking ends with the first who follows', async () => {
  const { people, seen, follow } = countingPeople();
  await follow('3', '500');
  const members = Array.from({ length: 100 }, (_, i) => String(i));
  assert.equal(await people.anyFollows(members, '500'), true);
  assert.ok(seen.reads <= 10, `${seen.reads} reads`);
});

test('a read during which a change came is not kept', async () => {
  const { people, follow } = countingPeople();
  const reading = people.anyFollows(['1'], '2');
  await follow('1', '2');
  await reading;
  assert.equal(await people.anyFollows(['1'], '2'), true);
});

test('where others write to the store, what was read lasts as long as the setting says', async () => {
  const { people, store, clock } = countingPeople({ listLifetimeMs: 1_000 });
  assert.equal(await people.avoids('1', '2'), false);
  await store.changeList('1', 'avoids', { put: [{ xuid: '2', addedMs: 1 }] });
  clock.advance(999);
  assert.equal(await people.avoids('1', '2'), false);
  clock.advance(1);
  assert.equal(await people.avoids('1', '2'), true);
});

test('a read that failed is made again, and a change that failed is looked up', async () => {
  const { people, seen } = countingPeople();
  seen.fails = true;
  await assert.rejects(people.avoids('1', '2'), StoreUnavailable);
  seen.fails = false;
  assert.equal(await people.avoids('1', '2'), false);
  const change = { put: [{ xuid: '2', addedMs: 1 }] };
  seen.failsToChange = true;
  await assert.rejects(make(people, '1', 'avoids', change), StoreUnavailable);
  seen.failsToChange = false;
  seen.fails = false;
  assert.equal(await people.avoids('1', '2'), true);
});

test('what is shown is what the store has', async () => {
  const { people, store } = countingPeople();
  assert.equal(await people.avoids('1', '2'), false);
  await store.changeList('1', 'avoids', { put: [{ xuid: '2', addedMs: 1 }] });
  assert.deepEqual(await people.list('1', 'avoids'), [{ xuid: '2', addedMs: 1 }]);
});
