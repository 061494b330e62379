import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notRefused, sampleUser } from '../testing/samples.ts';
import { manualClock } from '../testing/manual-clock.ts';
import { openConditions } from '../platform/conditions.ts';
import { SetAside, setAsideMs } from '../platform/set-aside.ts';
import { sequentialIds } from '../testing/sequential-ids.ts';
import { openTestContexts } from '../testing/test-context.ts';
import { demoScid } from '../testing/demo.ts';
import {
  type Batch,
  DamagedRecord,
  isOutage,
  type Store,
  StoreUnavailable,
} from '../store/store.ts';
import { openMemoryStore } from '../store/memory/memory-store.ts';
import { candidateOf } from '../domain/search/candidate.ts';
import type { Filter } from '../domain/search/filter.ts';
import { oldestFirst } from '../domain/search/order.ts';
import { parseFilter } from '../domain/search/parser.ts';
import { keyOf, type SessionKey } from '../domain/session/reference.ts';
import { parseSessionRequest } from '../domain/session/request.ts';
import type { JsonObject } from '../domain/json.ts';
import { createHandle } from './create-handle.ts';
import { deleteHandle } from './delete-handle.ts';
import { catchUpSearch, followSearch } from '../search/follow-search.ts';
import { searchHandles } from './search-handles.ts';
import { createSearchIndex } from '../search/search-index.ts';
import type { Context } from './context.ts';
import { writeSession } from './write-session.ts';

const ada = sampleUser(1, 'Ada', { titleId: '1234567890' });
const include = { relatedInfo: false, roleInfo: false, customProperties: false };
const makeContext = await openTestContexts();

function parseSessionKey(n: number) {
  return { scid: demoScid, templateName: 'blank', name: `session-${n}` };
}

async function put(context: Context, n: number, body: JsonObject): Promise<void> {
  const request = notRefused(parseSessionRequest(body, 107));
  const write = { reference: parseSessionKey(n), request, preconditions: {}, caller: ada };
  notRefused(await writeSession(context, { ...write, onlyExisting: false }));
}

/** Makes the n-th session, which this number finds. */
async function advertise(context: Context, n: number): Promise<string> {
  await put(context, n, {
    constants: { system: { capabilities: { searchable: true } } },
    members: { me: { properties: { system: { active: true } } } },
  });
  const reference = parseSessionKey(n);
  const searchAttributes = { numbers: { n } };
  const made = await createHandle(context, { type: 'search', reference, searchAttributes }, ada);
  return notRefused(made).handle.id;
}

async function found(context: Context, text: string): Promise<readonly (number | undefined)[]> {
  const filter = notRefused(parseFilter(text));
  const query = { scid: demoScid, filter, order: oldestFirst, take: 100 };
  const { results } = notRefused(await searchHandles(context, query, ada, include));
  return results.map((text) => JSON.parse(text).searchAttributes.numbers?.n);
}

test('the first search knows all that was in the store before', async () => {
  const store = openMemoryStore();
  const context = makeContext(store);
  for (let n = 1; n <= 250; n += 1) await advertise(context, n);
  await put(context, 7, { members: { me: null } });

  const restarted = makeContext(store);
  assert.equal(restarted.searchIndex.size, 0);
  const [first, second] = await Promise.all([
    found(restarted, 'numbers/n ge 5 and numbers/n le 9'),
    found(restarted, 'numbers/n ge 249'),
  ]);
  assert.deepEqual(first, [5, 6, 8, 9]);
  assert.deepEqual(second, [249, 250]);
  assert.equal(restarted.searchIndex.size, 249);
});

test('what another process commits is found once it was followed, and dropped at once', async () => {
  const store = openMemoryStore();
  const [one, other] = [makeContext(store), makeContext(store)];
  await advertise(one, 1);
  assert.deepEqual(await found(other, 'numbers/n ge 0'), [1]);

  const second = await advertise(one, 2);
  assert.deepEqual(await found(one, 'numbers/n ge 0'), [1, 2]);
  await followSearch(other);
  assert.deepEqual(await found(other, 'numbers/n ge 0'), [1, 2]);

  // No result is wrong, however old the index is.
  await put(one, 1, { members: { me: null } });
  await put(one, 2, { properties: { system: { closed: true } } });
  assert.deepEqual(await found(other, 'not session/closed'), []);
  assert.deepEqual(await found(other, 'session/closed'), [2]);
  assert.equal(other.searchIndex.size, 1);
  assert.equal(await deleteHandle(one, second, ada), undefined);
  assert.deepEqual(await found(other, 'numbers/n ge 0'), []);
  assert.equal(other.searchIndex.size, 0);
});

test('what is not yet durable is not shown', async () => {
  const inner = openMemoryStore();
  const before = makeContext(inner);
  await advertise(before, 1);
  const key = keyOf(parseSessionKey(1));
  const record = await inner.session(key);
  assert.ok(record);
  // A commit under way that nobody has acknowledged: it removes the handle from the session.
  const { searchHandle: _lost, ...session } = record.session;
  const recent = () => ({ record: { revision: record.revision + 1, session }, isCommitted: false });
  const store: Store = new Proxy(inner, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (name === 'lastKnown') return recent;
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
  assert.deepEqual(await found(makeContext(store), 'numbers/n eq 1'), [1]);
});

test('a write that no search sees is no search change', async () => {
  const store = openMemoryStore();
  const context = makeContext(store);
  await advertise(context, 1);
  const before = await store.searchChanges(undefined, 10);
  assert.equal(before.keys.length, 1);
  await put(context, 1, { properties: { custom: { map: 'atoll' } } });
  assert.deepEqual((await store.searchChanges(before.cursor, 10)).keys, []);
  await put(context, 1, { properties: { system: { keywords: ['a'] } } });
  assert.deepEqual((await store.searchChanges(before.cursor, 10)).keys, before.keys);
});

test('a run that failed is made up for by the next search', async () => {
  const store = openMemoryStore();
  await advertise(makeContext(store), 1);
  const context = makeContext(store);
  const away = { ...context, store: openMemoryStore() };
  await away.store[Symbol.asyncDispose]();
  await assert.rejects(followSearch(away));
  await assert.rejects(catchUpSearch(away));
  assert.deepEqual(await found(context, 'numbers/n eq 1'), [1]);
});

const keys = [1, 2].map((n) => keyOf(parseSessionKey(n)));

/** A context without other processes, and how often it has asked its store for a session. */
function aloneOn(store: Store, clock = manualClock()) {
  let readsCount = 0;
  const counted: Store = new Proxy(store, {
    get(target, name) {
      if (name === 'lastKnown') readsCount += 1;
      const method: unknown = Reflect.get(target, name, target);
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
  const searchIndex = createSearchIndex({ isAlone: true });
  return {
    context: { ...makeContext(counted, { clock }), searchIndex },
    clock,
    countReads: () => readsCount,
  };
}

async function textsFor(context: Context, shown = include): Promise<readonly string[]> {
  const query = { scid: demoScid, order: oldestFirst, take: 100 };
  return notRefused(await searchHandles(context, query, ada, shown)).results;
}

// Kills: sessions that are read for each search; a text that outlives a write which no filter sees, or
// is shown for another `include`.
test('a process that is alone reads no session twice for searches, and shows each as it is', async () => {
  const { context, countReads } = aloneOn(openMemoryStore());
  for (const n of [1, 2, 3]) await advertise(context, n);
  const first = await textsFor(context);
  assert.equal(first.length, 3);
  const readsCount = countReads();
  assert.deepEqual(await textsFor(context), first);
  assert.equal(countReads(), readsCount);

  const all = { ...include, customProperties: true };
  await textsFor(context, all);
  await put(context, 2, { properties: { custom: { map: 'atoll' } } });
  const maps = (await textsFor(context, all)).map((text) => JSON.parse(text).customProperties.map);
  assert.deepEqual(maps, [undefined, 'atoll', undefined]);
  assert.deepEqual(await textsFor(context), first);
});

// Kills: a text that is shown although time has changed its session.
test('a search shows what time has done', async () => {
  const { context, clock } = aloneOn(openMemoryStore());
  await put(context, 1, {
    constants: { system: { inactiveRemovalTimeout: 5_000, capabilities: { searchable: true } } },
    members: { me: { properties: { system: { active: true } } } },
  });
  await advertise(context, 1);
  await put(context, 1, { members: { me: { properties: { system: { active: false } } } } });
  const related = { ...include, relatedInfo: true };
  assert.equal((await textsFor(context, related)).length, 1);
  assert.equal((await textsFor(context, related)).length, 1);
  clock.advance(5_000);
  // The last member is gone, and with it the session.
  assert.deepEqual(await textsFor(context, related), []);
});

/** A lone context whose store commits and then fails, or reads slowly, when a test says so. */
function aloneWithFaults() {
  const inner = openMemoryStore();
  const faults = {
    isAnswerLost: false,
    /** Awaited when sessions were read and are not answered yet. */
    afterRead: async (): Promise<void> => undefined,
    readsCount: 0,
    underwayCount: 0,
    underwayMax: 0,
    isDamaged: false,
  };
  const store: Store = new Proxy(inner, {
    get(target, name) {
      if (name === 'commit')
        return async (batch: Batch) => {
          const outcome = await inner.commit(batch);
          if (faults.isAnswerLost) throw new StoreUnavailable('the answer is lost');
          return outcome;
        };
      if (name === 'sessions')
        return async (asked: readonly SessionKey[]) => {
          faults.readsCount += 1;
          faults.underwayCount += 1;
          faults.underwayMax = Math.max(faults.underwayMax, faults.underwayCount);
          const records = await inner.sessions(asked);
          await faults.afterRead();
          faults.underwayCount -= 1;
          return faults.isDamaged ? records.map(() => undefined) : records;
        };
      if (name === 'session' && faults.isDamaged)
        return async () => {
          throw new DamagedRecord('damaged');
        };
      const method: unknown = Reflect.get(target, name, target);
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
  const clock = manualClock();
  const setAside = new SetAside({
    clock,
    conditions: openConditions(() => undefined),
    log: () => undefined,
    isOutage,
  });
  const searchIndex = createSearchIndex({ isAlone: true });
  const context = { ...makeContext(store, { clock }), searchIndex, setAside };
  /** It is committed, and its writer does not know. */
  const putUnknown = async (n: number, body: JsonObject): Promise<void> => {
    faults.isAnswerLost = true;
    await assert.rejects(put(context, n, body), StoreUnavailable);
    faults.isAnswerLost = false;
  };
  return { context, clock, faults, putUnknown };
}

// Kills: a stale session that is taken for a known one although it could not be read.
test('a text is not used after a commit of unknown outcome, also while the session cannot be read', async () => {
  const { context, clock, faults, putUnknown } = aloneWithFaults();
  const all = { ...include, customProperties: true };
  const maps = async () =>
    (await textsFor(context, all)).map((text) => JSON.parse(text).customProperties.map);
  await advertise(context, 1);
  assert.deepEqual(await maps(), [undefined]);
  await putUnknown(1, { properties: { custom: { map: 'atoll' } } });
  faults.afterRead = () => Promise.reject(new Error('damaged'));
  assert.deepEqual(await maps(), ['atoll']);
  assert.deepEqual(await maps(), ['atoll']);
  assert.equal(context.searchIndex.staleKeys.size, 1);

  faults.afterRead = async () => undefined;
  clock.advance(setAsideMs);
  assert.deepEqual(await maps(), ['atoll']);
  assert.equal(context.searchIndex.staleKeys.size, 0);
});

// Kills: a read that ends what became stale after it; a read for each search.
test('a commit of unknown outcome during a read of its session has a read of its own', async () => {
  const { context, faults, putUnknown } = aloneWithFaults();
  const keyword = (word: string): JsonObject => ({ properties: { system: { keywords: [word] } } });
  await advertise(context, 1);
  await found(context, 'numbers/n eq 1');
  await putUnknown(1, keyword('first'));
  const isRead = Promise.withResolvers<void>();
  const isAnswered = Promise.withResolvers<void>();
  faults.readsCount = 0;
  faults.afterRead = async () => {
    isRead.resolve();
    await isAnswered.promise;
  };
  const catching = [catchUpSearch(context), catchUpSearch(context)];
  await isRead.promise;
  await putUnknown(1, keyword('second'));
  isAnswered.resolve();
  await Promise.all(catching);
  assert.equal(faults.readsCount, 1);
  assert.deepEqual(await found(context, "session/keywords/any(d:d eq 'second')"), [1]);
});

// Kills: stale sessions that grow in number where nobody searches, and are read all at once by the first search.
test('stale sessions are read when the store is followed, 25 at once', async () => {
  const { context, faults } = aloneWithFaults();
  for (let n = 1; n <= 60; n += 1) await advertise(context, n);
  await followSearch(context);
  for (const run of [followSearch, catchUpSearch]) {
    for (let n = 1; n <= 60; n += 1) context.searchIndex.noteStale(keyOf(parseSessionKey(n)));
    faults.underwayMax = 0;
    await run(context);
    assert.equal(context.searchIndex.staleKeys.size, 0);
    assert.equal(faults.underwayMax, 25);
  }
});

// Kills: a damaged session that is taken for one that is gone, so that no search finds it when it is mended.
test('a session that was damaged when the store was followed is found once it is mended', async () => {
  const { context, clock, faults } = aloneWithFaults();
  await advertise(makeContext(context.store, { clock }), 1);
  faults.isDamaged = true;
  await followSearch(context);
  assert.deepEqual(await found(context, 'numbers/n ge 0'), []);
  faults.isDamaged = false;
  clock.advance(setAsideMs);
  assert.deepEqual(await found(context, 'numbers/n ge 0'), [1]);
  assert.equal(context.searchIndex.staleKeys.size, 0);
});

// Kills: a candidate or a text that is taken for the session's because the revision is equal: Redis may lose a
// revision in a failover, and another node commits another one of the same number.
test('beside other processes a revision of the same number may be of another commit', async () => {
  const [lost, kept] = [openMemoryStore(), openMemoryStore()];
  let shown: Store = lost;
  const store: Store = new Proxy(lost, {
    get(_target, name) {
      const method: unknown = Reflect.get(shown, name, shown);
      return typeof method === 'function' ? method.bind(shown) : method;
    },
  });
  const clock = manualClock();
  const ids = sequentialIds();
  const here = makeContext(store, { clock, ids });
  const there = makeContext(kept, { clock, ids: sequentialIds() });
  for (const context of [here, there]) {
    await advertise(context, 1);
    await advertise(context, 2);
  }
  const all = { ...include, customProperties: true };
  const mapsOf = async (text = 'numbers/n ge 0'): Promise<readonly unknown[]> => {
    const filter = notRefused(parseFilter(text));
    const query = { scid: demoScid, filter, order: oldestFirst, take: 100 };
    const { results } = notRefused(await searchHandles(here, query, ada, all));
    return results.map((text) => JSON.parse(text).customProperties.map);
  };
  const change = (map: string, keyword: string): JsonObject => ({
    properties: { system: { keywords: [keyword] }, custom: { map } },
  });
  // Of the first, only the text differs; of the second, also what filters see.
  await put(here, 1, change('lost', 'same'));
  await put(here, 2, change('lost', 'lost'));
  assert.deepEqual(await mapsOf(), ['lost', 'lost']);
  const first = here.searchIndex.known(keyOf(parseSessionKey(1)));

  await put(there, 1, change('kept', 'same'));
  await put(there, 2, change('kept', 'kept'));
  shown = kept;
  const [one, other] = [await lost.sessions(keys), await kept.sessions(keys)];
  assert.deepEqual(
    one.map((record) => record?.revision),
    other.map((record) => record?.revision),
  );
  const isOf = (keyword: string) => `session/keywords/any(d:d eq '${keyword}')`;
  assert.deepEqual(await mapsOf(isOf('lost')), []);
  assert.deepEqual(await mapsOf(), ['kept', 'kept']);
  assert.deepEqual(await mapsOf(isOf('kept')), ['kept']);
  // What is as the session stays as it is.
  assert.equal(here.searchIndex.known(keyOf(parseSessionKey(1))), first);
});

test('a search that looks at many lets other work run', async () => {
  const index = createSearchIndex({ conditionsPerStep: 10 });
  const store = openMemoryStore();
  const context = makeContext(store);
  await advertise(context, 1);
  const record = await store.session('bd6c41c3-01c3-468a-a3b5-3e0fe8133862~blank~session-1');
  const candidate = record && candidateOf(record.session);
  assert.ok(candidate);
  for (let n = 0; n < 2_000; n += 1) {
    const key = `${demoScid}~blank~s${n}`;
    index.put(key, 1, { ...candidate, key });
  }
  const breathsOf = async (filter: Filter | undefined): Promise<number> => {
    let breathsCount = 0;
    const pause = async (): Promise<void> => {
      breathsCount += 1;
    };
    const search = { scids: [demoScid], filter, order: oldestFirst, wanted: 3_000 };
    for await (const _page of index.search(search, pause));
    return breathsCount;
  };
  // Ten are a turn.
  assert.equal(await breathsOf(undefined), 200);
  // Which selects nobody: two sets of 2,000 slots are as much work as to ask about sixty conditions.
  const hard = 'not (session/membersCount lt 9 or session/membersCount lt 8)';
  const breaths = await breathsOf(notRefused(parseFilter(hard)));
  assert.ok(breaths >= 4 && breaths <= 8, String(breaths));
});
