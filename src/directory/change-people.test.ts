import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListRequest, OwnListName } from '../domain/people/list.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { ada, asRefusal, bert, cleo, referee } from '../testing/samples.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { changePeople, removeFollower } from './change-people.ts';
import type { Context } from './context.ts';

const makeContext = await openTestContexts();

async function listeningContext() {
  const heard: unknown[] = [];
  const context: Context = makeContext(openMemoryStore());
  for (const { xuid } of [ada, bert, cleo]) {
    await context.bus.subscribe(`user:${xuid}`, {
      message: ({ kind: _friends, ...notice }) => {
        heard.push([xuid, notice]);
      },
      gap: () => assert.fail('one process misses nothing'),
    });
  }
  const change = (request: ListRequest, list: OwnListName = 'follows', by: typeof ada = ada) =>
    changePeople(context, ada.xuid, list, request, by);
  return { context, heard, change };
}

test('the owner hears of each change to the friends list, and of none that changes nothing', async () => {
  const { context, heard, change } = await listeningContext();
  const xuids = [bert.xuid];
  await change({ kind: 'add', xuids });
  await change({ kind: 'add', xuids });
  await change({ kind: 'favor', xuids });
  await change({ kind: 'favor', xuids });
  await change({ kind: 'remove', xuids });
  await change({ kind: 'remove', xuids });
  await change({ kind: 'add', xuids: [cleo.xuid] }, 'avoids');
  await change({ kind: 'add', xuids: [cleo.xuid] }, 'mutes');
  assert.deepEqual(
    heard,
    ['Added', 'Changed', 'Removed'].map((notificationType) => [
      ada.xuid,
      { notificationType, xuids },
    ]),
  );
  assert.equal(await context.people.avoids(ada.xuid, cleo.xuid), true);
});

test('who is made to follow no more hears that the list has changed', async () => {
  const { context, heard, change } = await listeningContext();
  await change({ kind: 'add', xuids: [bert.xuid] });
  assert.equal(await removeFollower(context, bert.xuid, ada.xuid, bert), undefined);
  assert.deepEqual(heard.at(-1), [ada.xuid, { notificationType: 'Removed', xuids: [bert.xuid] }]);
  assert.equal(await context.people.anyFollows([ada.xuid], bert.xuid), false);
  assert.equal(heard.length, 2);
});

test('a change that is refused is none', async () => {
  const { context, heard, change } = await listeningContext();
  asRefusal(await change({ kind: 'add', xuids: [bert.xuid] }, 'follows', bert), 'listNotYours');
  asRefusal(await removeFollower(context, ada.xuid, cleo.xuid, bert), 'listNotYours');
  asRefusal(await change({ kind: 'add', xuids: [bert.xuid, ada.xuid] }), 'requestInvalid');
  assert.deepEqual(heard, []);
  assert.deepEqual(await context.people.list(ada.xuid, 'follows'), []);
  assert.equal(
    await changePeople(context, ada.xuid, 'follows', { kind: 'add', xuids: [cleo.xuid] }, referee),
    undefined,
  );
});

test('changes of one list at once come one after the other, and none goes past what it may have', async () => {
  const { context, heard, change } = await listeningContext();
  const some = (from: number) =>
    Array.from({ length: 600 }, (_, n) => String(5_000_000 + from + n));
  const answers = await Promise.all(
    [0, 600, 1_200, 1_800, 2_400].map((from) => change({ kind: 'add', xuids: some(from) })),
  );
  assert.deepEqual(
    answers.map((one) => one?.code),
    [undefined, undefined, undefined, 'listFull', 'listFull'],
  );
  assert.equal((await context.people.list(ada.xuid, 'follows')).length, 1_800);
  assert.equal(heard.length, 3);
  // Each change is decided on the result of those before it.
  const xuids = some(0);
  await Promise.all([change({ kind: 'remove', xuids }), change({ kind: 'favor', xuids })]);
  assert.equal((await context.people.list(ada.xuid, 'follows')).length, 1_200);
});
