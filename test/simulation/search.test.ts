/**
 * Sessions with search handles are created, filled, closed, deleted and taken over at random while
 * searches run, all at once and in any interleaving: no search tells what a session has not
 * confirmed at some moment of it, and none misses what was there to be found all the while. (What
 * changes in the middle of a search may move to where the search has been, and be missed.)
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHandle } from '../../src/directory/create-handle.ts';
import { deleteHandle } from '../../src/directory/delete-handle.ts';
import { followSearch } from '../../src/search/follow-search.ts';
import { searchHandles } from '../../src/directory/search-handles.ts';
import { createSearchIndex, type SearchIndexSettings } from '../../src/search/search-index.ts';
import type { Context } from '../../src/directory/context.ts';
import { writeSession } from '../../src/directory/write-session.ts';
import { sweep } from '../../src/directory/sweep.ts';
import { viewSearchResult } from '../../src/domain/handle/view.ts';
import { formatJson, jsonEquals, type JsonObject } from '../../src/domain/json.ts';
import { candidateOf } from '../../src/domain/search/candidate.ts';
import { matches } from '../../src/domain/search/filter.ts';
import { parseOrder } from '../../src/domain/search/order.ts';
import { parseFilter } from '../../src/domain/search/parser.ts';
import { keyOf } from '../../src/domain/session/reference.ts';
import { parseSessionRequest } from '../../src/domain/session/request.ts';
import type { Session } from '../../src/domain/session/session.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import { type Store, StoreUnavailable } from '../../src/store/store.ts';
import { demoScid } from '../../src/testing/demo.ts';
import { manualClock } from '../../src/testing/manual-clock.ts';
import { yieldToEventLoop } from '../../src/platform/yield-to-event-loop.ts';
import { seededRandom, type Random } from '../../src/platform/seeded-random.ts';
import { notRefused, sampleUser } from '../../src/testing/samples.ts';
import { openTestContexts } from '../../src/testing/test-context.ts';

const sessionsCount = 12;
const users = [1, 2, 3, 4].map((n) => sampleUser(n, `Player ${n}`, { titleId: '1234567890' }));
const asker = sampleUser(9, 'Asker', { titleId: '1234567890' });
const referenceOf = (n: number) => ({ scid: demoScid, templateName: 'blank', name: `s${n}` });

const filters = [
  'tags/open',
  'not session/closed',
  'session/membersCount ge 2',
  "session/membersCount lt 3 and tags/any(d:d ne 'full')",
  'numbers/level gt 4 or session/closed',
  `session/memberXuids/any(d:d eq '${users[0]?.xuid}') and numbers/level le 7`,
];
const orders = ['timestamp asc', 'level desc', 'session/membersCount asc'];

/** `session` undefined: there was none. */
type State = {
  readonly session: Session | undefined;
  /** A search that begins at this step, or later, must not show it. */
  overFrom: number;
};

/** Every state of every session, with the step at which it was over for all: the next one was answered. */
class Chronicle {
  readonly #states = new Map<string, State[]>();
  now = 0;

  /** Notes a commit. What is returned is called once its answer, or its error, has reached the writer. */
  note(key: string, session: Session | undefined): () => void {
    const states = this.#states.get(key) ?? [{ session: undefined, overFrom: Infinity }];
    this.#states.set(key, states);
    const before = [...states];
    states.push({ session, overFrom: Infinity });
    return () => {
      this.now += 1;
      for (const state of before) state.overFrom = Math.min(state.overFrom, this.now);
    };
  }

  /** The states of a session that held at some moment from `start` on; undefined: there was none. */
  since(key: string, start: number): readonly (Session | undefined)[] {
    const states = this.#states.get(key) ?? [{ session: undefined, overFrom: Infinity }];
    return states.filter(({ overFrom }) => overFrom > start).map(({ session }) => session);
  }
}

/**
 * The store on a line that takes its time, each call another one; what it commits is written down. Some
 * commits fail, before or after they are made.
 */
function slowStore(inner: Store, random: Random, chronicle: Chronicle): Store {
  const wait = async (): Promise<void> => {
    for (let turns = random.below(6); turns > 0; turns -= 1) await undefined;
  };
  return new Proxy(inner, {
    get(_inner, name: keyof Store) {
      const member: unknown = inner[name];
      if (typeof member !== 'function') return member;
      const method = member as (...values: never[]) => Promise<unknown>;
      if (name === 'lastKnown') return inner.lastKnown.bind(inner);
      return async (...values: never[]): Promise<unknown> => {
        await wait();
        if (name !== 'commit') {
          const answer = await method.apply(inner, values);
          await wait();
          return answer;
        }
        if (random.chance(0.03)) throw new StoreUnavailable('the store is away');
        const [{ session }] = values as unknown as Parameters<Store['commit']>;
        // A memory store has committed, or not, when the call returns.
        const outcome = (await method.apply(inner, values)) as { kind: string };
        const isCommitted = session !== undefined && outcome.kind === 'committed';
        const answered = isCommitted
          ? chronicle.note(session.key, session.kind === 'put' ? session.session : undefined)
          : () => undefined;
        await wait();
        // The writer goes on in this turn; nobody else begins anything before the next one.
        setImmediate(answered);
        if (random.chance(0.1)) throw new StoreUnavailable('the answer is lost');
        return outcome;
      };
    },
  });
}

const include = { relatedInfo: true, roleInfo: true, customProperties: true };

/** The result of a search that finds the session, which is not private. */
function textOf(session: Session | undefined): string | undefined {
  const handle = session?.searchHandle;
  return handle && formatJson(viewSearchResult(handle, session, include, true));
}

/** Of a use that may end so: the store was away, or its answer was lost. */
function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof StoreUnavailable)) throw error;
}

const makeContext = await openTestContexts();

type Scene = { readonly context: Context; readonly random: Random; readonly chronicle: Chronicle };

async function put({ context, random }: Scene, n: number, body: JsonObject): Promise<void> {
  const request = notRefused(parseSessionRequest(body, 107));
  const [reference, caller] = [referenceOf(n), random.pick(users)];
  const write = { reference, request, preconditions: {}, caller, onlyExisting: false };
  await writeSession(context, write); // refused when the user may not: as good as not asked
}

async function act(scene: Scene): Promise<void> {
  const { context, random } = scene;
  const n = random.below(sessionsCount);
  const member = { properties: { system: random.chance(0.8) ? { active: true } : {} } };
  switch (random.below(8)) {
    case 0:
    case 1:
      return put(scene, n, {
        constants: { system: { inactiveRemovalTimeout: 50, capabilities: { searchable: true } } },
        members: { me: member },
      });
    case 2:
      return put(scene, n, { members: { me: member } });
    case 3:
      return put(scene, n, { members: { me: null } });
    case 4:
      return put(scene, n, {
        properties: {
          system: { closed: random.chance(0.5) },
          // No filter sees it, but a result shows it.
          custom: { round: random.below(5) },
        },
      });
    case 5:
    case 6: {
      const searchAttributes = {
        tags: random.chance(0.5) ? ['open'] : ['full'],
        numbers: { level: random.below(10) },
      };
      const request = { type: 'search', reference: referenceOf(n), searchAttributes } as const;
      await createHandle(context, request, random.pick(users));
      return;
    }
    default: {
      const record = await context.store.session(keyOf(referenceOf(n)));
      const id = record?.session.searchHandle?.id;
      if (id !== undefined) await deleteHandle(context, id, random.pick(users));
    }
  }
}

/** One search, and what it may and must find. Returns how many it found. */
async function search(
  { context, random, chronicle }: Scene,
  start = chronicle.now,
): Promise<number> {
  const filter = notRefused(parseFilter(random.pick(filters)));
  const order = notRefused(parseOrder(random.pick(orders)));
  const query = { scid: demoScid, filter, order, take: 100 };
  const { results } = notRefused(await searchHandles(context, query, asker, include));
  const found = new Map(results.map((text) => [keyOf(JSON.parse(text).sessionRef), text]));
  assert.equal(found.size, results.length, 'each session once');
  const selects = (session: Session | undefined): boolean => {
    const candidate = session && candidateOf(session);
    return candidate !== undefined && matches(filter, candidate);
  };
  for (const [key, text] of found) {
    const shown = chronicle.since(key, start).filter((one) => textOf(one) === text);
    assert.ok(shown.length > 0, `${key} was so during the search`);
    assert.ok(shown.some(selects), `${key} is what was asked for`);
  }
  for (let n = 0; n < sessionsCount; n += 1) {
    const key = keyOf(referenceOf(n));
    const [first, ...others] = chronicle.since(key, start);
    const stayed = others.every((one) =>
      jsonEquals(one && candidateOf(one), first && candidateOf(first)),
    );
    if (stayed && selects(first)) assert.ok(found.has(key), `${key} is missing`);
  }
  return found.size;
}

/** A search of another process, which knows what was committed before it last followed the store. */
async function searchThere(scene: Scene): Promise<number> {
  const start = scene.chronicle.now;
  await followSearch(scene.context);
  return search(scene, start);
}

// Kills: results that are not looked at again; a commit that does not reach the index; an earlier
// revision that overtakes a later one; a walk that loses its place when postings move; a text that
// outlives a commit of its session, also one of unknown outcome.
for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  for (const isAlone of [false, true]) {
    const who = isAlone ? 'alone' : 'beside another process';
    test(`nothing false and nothing missing is found, ${who}, seed ${seed}`, async () => {
      const [random, chronicle, clock] = [seededRandom(seed), new Chronicle(), manualClock()];
      const store = slowStore(openMemoryStore(), random, chronicle);
      const around = makeContext(store, { clock });
      // Small turns, so that much happens in the middle of a search.
      const sceneWith = (settings: Partial<SearchIndexSettings>): Scene => {
        const searchIndex = createSearchIndex({ conditionsPerStep: 6, ...settings });
        return { context: { ...around, searchIndex }, random, chronicle };
      };
      const here = sceneWith({ isAlone });
      const there = isAlone ? undefined : sceneWith({});
      /** Begins in one of the next turns of the event loop, so that what goes on has come to any point. */
      const soon = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
        for (let turns = random.below(6); turns > 0; turns -= 1) await yieldToEventLoop();
        return work().catch(unlessUnavailable);
      };
      let foundCount = 0;
      for (let round = 0; round < 60; round += 1) {
        const uses: Promise<unknown>[] = Array.from({ length: 6 }, () => soon(() => act(here)));
        const sought = [1, 2, 3].map(() => soon(() => search(here)));
        if (there && random.chance(0.3)) sought.push(soon(() => searchThere(there)));
        if (random.chance(0.2)) uses.push(soon(() => sweep(here.context)));
        clock.advance(random.below(30));
        const counts = await Promise.all(sought);
        foundCount += counts.reduce<number>((sum, one = 0) => sum + one, 0);
        await Promise.all(uses);
      }
      assert.ok(foundCount > 20, `found ${foundCount}`);
    });
  }
}
