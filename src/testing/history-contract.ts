/** The promises of `HistoryStore`, as a part of the store contract. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJson, type JsonObject, parseExactJson } from '../domain/json.ts';
import { historySlack } from '../store/history-store.ts';
import type { Store } from '../store/store.ts';
import {
  deleteOf,
  type HistorySample,
  putOf,
  storedGuid,
  storedHistory,
  storedKey,
} from './store-samples.ts';

type OpenStore = () => Promise<Store>;

const [first, second] = [storedGuid(1).toLowerCase(), storedGuid(2).toLowerCase()] as const;
const key = storedKey('a');
const startMs = storedHistory(first).atMs;

/** Defines the tests; `open` opens an empty store each time it is called. */
export function testHistory(open: OpenStore): void {
  const put = async (
    store: Store,
    expectRevision: number,
    more: HistorySample & { readonly name?: string } = {},
  ): Promise<number> => {
    const { name = 'a', branch = first, ...rest } = more;
    const session = { ...putOf(name, expectRevision), history: storedHistory(branch, rest) };
    assert.equal((await store.commit({ session })).kind, 'committed');
    return (await store.session(session.key))?.revision ?? assert.fail();
  };
  const remove = async (store: Store, expectRevision: number, branch = first): Promise<void> => {
    const session = { ...deleteOf('a', expectRevision), history: storedHistory(branch) };
    assert.equal((await store.commit({ session })).kind, 'committed');
  };

  test('a session without history has none', async () => {
    await using store = await open();
    await store.commit({ session: putOf('a', 0) });
    assert.deepEqual(await store.historyBranches(key), []);
    assert.deepEqual(await store.history(key, first), []);
    assert.deepEqual(await store.historyBy('xuid:11', '', 10), []);
  });

  test('a change is kept with its revision and time, whatever it says', async () => {
    await using store = await open();
    const text = '{"say":"a \\"b\\" \\n 1.50","deep":[{"__proto__":null,"n":1.50}]}';
    const change = parseExactJson(text) as JsonObject;
    await put(store, 0, { change, atMs: startMs });
    await put(store, 1, { atMs: startMs + 0.5, change: { n: 2 } });
    const found = await store.history(key, first);
    assert.deepEqual(
      found.map(({ revision, atMs }) => [revision, atMs]),
      [
        [2, startMs + 0.5],
        [1, startMs],
      ],
    );
    assert.deepEqual(
      found.map((one) => formatJson(one.change)),
      ['{"n":2}', text],
    );
  });

  // Kills: a change that is kept though its commit lost, or failed, or before it is compared.
  test('what conflicts leaves nothing in the history', async () => {
    await using store = await open();
    await put(store, 0);
    const history = storedHistory(first, { change: { lost: true } });
    for (const session of [putOf('a', 3), putOf('a', 0), deleteOf('a', 3)]) {
      assert.equal((await store.commit({ session: { ...session, history } })).kind, 'conflict');
    }
    assert.deepEqual(
      (await store.history(key, first)).map(({ change }) => change),
      [{}],
    );
  });

  // Kills: a history that goes with its session; lives that share one; a number given twice.
  test('the history of a session outlasts it, and its next life has its own', async () => {
    await using store = await open();
    await put(store, 0, { change: { life: 1 } });
    await remove(store, 1);
    assert.deepEqual(await store.historyBranches(key), [first]);
    assert.equal((await store.history(key, first)).length, 2);
    const revision = await put(store, 0, {
      branch: second,
      atMs: startMs + 1,
      change: { life: 2 },
    });
    await put(store, revision, { branch: second, atMs: startMs + 2, change: { life: 2 } });
    assert.deepEqual(await store.historyBranches(key), [second, first]);
    const lives = await Promise.all([first, second].map((one) => store.history(key, one)));
    assert.deepEqual(
      lives.map((changes) => changes.map(({ change }) => change)),
      [
        [{}, { life: 1 }],
        [{ life: 2 }, { life: 2 }],
      ],
    );
    const [end, begin] = lives[0] ?? [];
    assert.ok((end?.revision ?? 0) > (begin?.revision ?? 0));
  });

  // Kills: growth without end; the newest forgotten for the oldest.
  test('of many changes the newest are kept, and not many more', async () => {
    await using store = await open();
    const count = 3 * historySlack + 5;
    for (let n = 0; n < count; n += 1) await put(store, n, { change: { n } });
    const found = await store.history(key, first);
    assert.ok(found.length >= 3 && found.length <= 3 + historySlack, `${found.length} are kept`);
    assert.deepEqual(
      found.map(({ change }) => change),
      found.map((_change, at) => ({ n: count - 1 - at })),
    );
  });

  // Kills: what is old and is kept for ever; what is young and forgotten; a branch that goes while its
  // session is there.
  test('what is old is forgotten, and the branch of an ended session with it', async () => {
    await using store = await open();
    const keptMs = 1_000_000;
    await put(store, 0, { change: { old: true } });
    await put(store, 1, { atMs: startMs + keptMs, change: { old: false } });
    await store.forgetHistory(startMs + keptMs, keptMs, 10);
    assert.deepEqual(
      (await store.history(key, first)).map(({ change }) => change),
      [{ old: false }],
    );
    await put(store, 2, { atMs: startMs + 2.5 * keptMs, change: { later: true } });
    await store.forgetHistory(startMs + 2.5 * keptMs, keptMs, 10);
    assert.deepEqual(
      (await store.history(key, first)).map(({ change }) => change),
      [{ later: true }],
    );
    assert.deepEqual(await store.historyBranches(key), [first]);
  });

  test('a branch is found by its names, the last one first, within a prefix', async () => {
    await using store = await open();
    const addNames = ['xuid:11', 'correlation:c'] as const;
    await put(store, 0, { addNames, atMs: startMs });
    await put(store, 0, { name: 'b', branch: second, addNames: ['xuid:11'], atMs: startMs + 1 });
    await put(store, 1, { name: 'b', branch: second, addNames: ['xuid:22'], atMs: startMs + 2 });
    const [a, b] = [
      { key, branch: first },
      { key: storedKey('b'), branch: second },
    ];
    assert.deepEqual(await store.historyBy('xuid:11', '', 10), [b, a]);
    assert.deepEqual(await store.historyBy('xuid:11', '', 1), [b]);
    assert.deepEqual(await store.historyBy('xuid:11', key, 10), [a]);
    assert.deepEqual(await store.historyBy('xuid:22', '', 10), [b]);
    assert.deepEqual(await store.historyBy('correlation:c', '', 10), [a]);
    assert.deepEqual(await store.historyBy('xuid:1', '', 10), []);
    await remove(store, 1);
    assert.deepEqual(await store.historyBy('correlation:c', '', 10), [a]);
  });
}
