import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packCandidate, type SearchCandidate } from '../domain/search/candidate.ts';
import { matches, type Filter } from '../domain/search/filter.ts';
import {
  comparePositions,
  oldestFirst,
  positionOf,
  type Order,
  type Position,
} from '../domain/search/order.ts';
import {
  anyCandidate,
  anyCandidates,
  anyFilter,
  anyOrder,
  unpacked,
} from '../testing/search-arbitraries.ts';
import { OrderedIndex, type Entry, type Place } from './ordered-index.ts';
import { createSearchIndex } from './search-index.ts';
import { SlotSet } from './slot-set.ts';
import { Hits } from '../testing/hits.ts';

const anyOptionalFilter = fc.option(anyFilter, { nil: undefined });

/** A session, and what the index gets of it: a candidate, or none any more. */
const anyPut: fc.Arbitrary<readonly [n: number, candidate: SearchCandidate | undefined]> = fc
  .nat(30)
  .chain((n) =>
    fc.tuple(
      fc.constant(n),
      fc.oneof({ weight: 4, arbitrary: anyCandidate(n) }, fc.constant(undefined)),
    ),
  );

const anyPuts = fc.array(anyPut, { maxLength: 60 });

/** The expected answer of a search: by testing each candidate and sorting. */
function slowSearch(
  all: Iterable<SearchCandidate>,
  filter: Filter | undefined,
  order: Order,
  after?: Position,
): readonly SearchCandidate[] {
  return [...all]
    .map((candidate) => ({ candidate, position: positionOf(order, candidate) }))
    .filter(({ candidate }) => filter === undefined || matches(filter, candidate))
    .filter(({ position }) => after === undefined || comparePositions(order, position, after) > 0)
    .sort((a, b) => comparePositions(order, a.position, b.position))
    .map(({ candidate }) => candidate);
}

async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const page of pages) collected.push(...page);
  return collected;
}

/** Without the revision. */
function asCandidate({ key, createTimeMs, values, lines }: SearchCandidate): SearchCandidate {
  return { key, createTimeMs, values, lines };
}

const noBreath = async (): Promise<void> => undefined;

// Kills: bounds taken as open where they are closed; a candidate's former postings left behind; an
// `or` covered by one of its parts; descending walks that page forward; a place after which equal
// values are skipped.
test('the index answers what looking at each candidate answers', async () => {
  const hits = new Hits();
  await fc.assert(
    fc.asyncProperty(
      anyPuts,
      anyOptionalFilter,
      anyOrder,
      fc.nat(20),
      fc.constantFrom(1, 20),
      fc.constantFrom(0, 100),
      async (puts, filter, order, nth, perTurn, wanted) => {
        const index = createSearchIndex({ conditionsPerStep: perTurn });
        const all = new Map<string, SearchCandidate>();
        for (const [n, candidate] of puts) {
          const key = `scid~template~${n}`;
          index.put(key, 1, candidate);
          if (candidate) all.set(key, candidate);
          else all.delete(key);
        }
        assert.equal(index.size, all.size);

        const slow = slowSearch(all.values(), filter, order);
        const search = { scids: ['scid'], filter, order, wanted };
        assert.deepEqual((await collect(index.search(search, noBreath))).map(asCandidate), slow);

        const from = slow[nth];
        if (from === undefined) return;
        hits.count();
        const after = positionOf(order, from);
        const rest = await collect(index.search({ ...search, after }, noBreath));
        assert.deepEqual(rest.map(asCandidate), slow.slice(nth + 1));
      },
    ),
    { numRuns: 300 },
  );
  hits.assertAtLeast(8);
});

const anyNarrowFilter: fc.Arbitrary<Filter> = fc.oneof(
  fc.constantFrom<Filter>(
    { kind: 'has', list: 'tags', value: 'a' },
    { kind: 'compare', field: 'numbers/rank', operator: 'eq', value: 1 },
    { kind: 'compare', field: 'numbers/rank', operator: 'ge', value: 1 },
  ),
  fc.constant<Filter>({
    kind: 'or',
    of: [
      { kind: 'has', list: 'tags', value: 'a' },
      { kind: 'compare', field: 'numbers/rank', operator: 'eq', value: 1 },
    ],
  }),
);

// Kills: ranges of several values, or several ranges, taken for one in the order of creation; a
// page behind a place that is looked for by the wrong value.
test('those of one value come in the order of creation, page after page', async () => {
  const anyHolder = fc.record({
    createTimeMs: fc.nat(5),
    rank: fc.constantFrom(0, 1, 2),
    tags: fc.subarray(['a', 'b']),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyHolder, { minLength: 5, maxLength: 40 }),
      anyNarrowFilter,
      fc.boolean(),
      fc.integer({ min: 1, max: 5 }),
      async (holders, filter, descending, wanted) => {
        const index = createSearchIndex({ conditionsPerStep: 20 });
        const all = holders.map(({ createTimeMs, rank, tags }, n): SearchCandidate => {
          const values = { 'session/postedTime': createTimeMs, 'numbers/rank': rank };
          return packCandidate(`scid~template~${n}`, createTimeMs, { values, lists: { tags } });
        });
        for (const candidate of all) index.put(candidate.key, 1, candidate);
        const order: Order = { ...oldestFirst, descending };
        const slow = slowSearch(all, filter, order);
        for (let nth = 0; nth <= slow.length; nth += wanted) {
          const from = slow[nth - 1];
          const after = from && positionOf(order, from);
          const search = { scids: ['scid'], filter, order, wanted, ...(after && { after }) };
          const rest = await collect(index.search(search, noBreath));
          assert.deepEqual(rest.map(asCandidate), slow.slice(nth));
        }
      },
    ),
    { numRuns: 100 },
  );
});

// Kills: the rest of a selection that is kept without a test.
test('where few are left, they are asked what the filter says of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyCandidates(20),
      fc.array(fc.nat(400), { minLength: 1, maxLength: 3 }),
      anyFilter,
      anyOrder,
      async (candidates, ranks, part, order) => {
        const index = createSearchIndex();
        const all = Array.from({ length: 400 }, (_, n): SearchCandidate | undefined => {
          const like = candidates[n % candidates.length];
          if (like === undefined) return undefined;
          const { values, lists } = unpacked(like);
          const held = { values: { ...values, 'numbers/n': n }, lists };
          return packCandidate(`scid~t~${n}`, like.createTimeMs, held);
        }).filter((one) => one !== undefined);
        for (const one of all) index.put(one.key, 1, one);
        const few = ranks.map((value): Filter => {
          return { kind: 'compare', field: 'numbers/n', operator: 'eq', value };
        });
        const either: Filter = { kind: 'or', of: few };
        const filter: Filter = { kind: 'not', of: { kind: 'and', of: [part, either] } };
        const search = { scids: ['scid'], filter, order, wanted: 400 };
        const found = await collect(index.search(search, noBreath));
        assert.deepEqual(found.map(asCandidate), slowSearch(all, filter, order));
      },
    ),
    { numRuns: 40 },
  );
});

const anyPosting = fc.record({
  value: fc.nat(3),
  createTimeMs: fc.nat(2),
  key: fc.nat(400).map(String),
});
type Posting = Entry & { readonly value: number };

function compare(a: Posting, b: Posting): number {
  return (
    a.value - b.value ||
    a.createTimeMs - b.createTimeMs ||
    (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  );
}

// Kills: a chunk that is split in the wrong place, or left behind empty; a page that starts at the
// place it should start after, or looks further than it may; a set without the last chunk; a full
// chunk that takes one more because that one comes behind all others.
test('an ordered index pages through its postings like a sorted array', () => {
  const anyBounds = fc.record(
    { from: fc.nat(3), to: fc.nat(3), isAfterFrom: fc.boolean(), isBeforeTo: fc.boolean() },
    { requiredKeys: [] },
  );
  const anyPostings = fc.uniqueArray(anyPosting, {
    selector: ({ value, key }) => `${value} ${key}`,
    minLength: 100,
    maxLength: 1_500,
    size: 'max',
  });
  fc.assert(
    fc.property(
      fc.oneof(
        anyPostings,
        anyPostings.map((postings) => postings.toSorted(compare)),
      ),
      fc.nat(1_500),
      anyBounds,
      fc.record({
        descending: fc.boolean(),
        lookedMax: fc.integer({ min: 1, max: 300 }),
        foundMax: fc.integer({ min: 1, max: 300 }),
      }),
      fc.boolean(),
      fc.constantFrom(undefined, ({ value }: Posting) => value),
      (postings, removedCount, bounds, stretch, isAmong, readValue) => {
        const index = new OrderedIndex<Posting>(postings, readValue);
        for (const [slot, { value }] of postings.entries()) index.add(value, slot);
        for (const [slot, { value }] of postings.slice(0, removedCount).entries()) {
          index.remove(value, slot);
        }

        const { from = 0, to = 3, isAfterFrom = false, isBeforeTo = false } = bounds;
        const sorted = [...postings.entries()]
          .slice(removedCount)
          .filter(
            ([, { value }]) => (isAfterFrom ? value > from : value >= from) || !('from' in bounds),
          )
          .filter(([, { value }]) => (isBeforeTo ? value < to : value <= to) || !('to' in bounds))
          .sort(([, a], [, b]) => compare(a, b))
          .map(([slot]) => slot);
        assert.equal(index.count(bounds), sorted.length);
        assert.equal(index.size, Math.max(0, postings.length - removedCount));
        const within = new SlotSet();
        assert.equal(index.addTo(within, bounds), sorted.length);
        assert.deepEqual(new Set(within), new Set(sorted));

        if (stretch.descending) sorted.reverse();
        const among = new SlotSet();
        for (const slot of postings.keys()) if (slot % 3 === 0) among.add(slot);
        let last: Place | undefined;
        const paged: number[] = [];
        for (;;) {
          const page = index.page(bounds, last, { ...stretch, ...(isAmong && { among }) });
          last = page.last;
          assert.ok(page.looked <= stretch.lookedMax);
          assert.ok(page.slots.length <= stretch.foundMax);
          if (last === undefined) break;
          paged.push(...page.slots);
        }
        const expected = sorted.filter((slot) => !isAmong || slot % 3 === 0);
        assert.deepEqual(paged, expected);
      },
    ),
    { numRuns: 60 },
  );
});

const anySlots = fc.array(fc.nat(100));

// Kills: an operation on sets of which one is longer that forgets its end; a bit counted twice, or
// the 32nd of a word not at all.
test('sets of slots are as sets of numbers', () => {
  const setOf = (slots: readonly number[]): SlotSet => {
    const set = new SlotSet();
    for (const slot of slots) set.add(slot);
    return set;
  };
  fc.assert(
    fc.property(anySlots, anySlots, fc.nat(100), (some, others, slot) => {
      const [a, b] = [new Set(some), new Set(others)];
      const check = (expected: ReadonlySet<number>, change: (set: SlotSet) => void): void => {
        const set = setOf(some);
        const copy = set.copy();
        change(copy);
        assert.deepEqual(
          [...copy],
          [...expected].sort((one, other) => one - other),
        );
        assert.equal(copy.size, expected.size);
        assert.equal(copy.has(slot), expected.has(slot));
        assert.equal(set.size, a.size);
      };
      const where = (holds: (one: number) => boolean) => new Set([...a].filter(holds));
      check(new Set([...a, ...b]), (set) => set.unite(setOf(others)));
      check(
        where((one) => b.has(one)),
        (set) => set.intersect(setOf(others)),
      );
      check(
        where((one) => !b.has(one)),
        (set) => set.subtract(setOf(others)),
      );
      check(
        where((one) => one !== slot),
        (set) => set.delete(slot),
      );
      check(new Set([...a, slot]), (set) => set.add(slot));
    }),
  );
});

// Kills: a candidate given because it was selected before the pause, or the one that had its slot;
// a walk that goes on where earlier candidates have been given twice, or not at all.
test('what stays as it is while others come and go is found once, and nothing that is not selected', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(anyPuts, fc.array(anyPut, { maxLength: 60, size: 'max' })),
      anyOptionalFilter,
      anyOrder,
      fc.constantFrom(0.1, 1, 20),
      fc.integer({ min: 1, max: 5 }),
      async ([puts, changes], filter, order, perTurn, wanted) => {
        const index = createSearchIndex({ conditionsPerStep: perTurn });
        const all = new Map<string, SearchCandidate>();
        const put = ([n, candidate]: (typeof puts)[number]): void => {
          const key = `scid~template~${n}`;
          index.put(key, 1, candidate);
          if (candidate) all.set(key, candidate);
          else all.delete(key);
        };
        for (const one of puts) put(one);
        // Some of the changes happen each time that the search waits.
        const left = [...changes];
        const changed = new Set(changes.map(([n]) => `scid~template~${n}`));
        const change = async (): Promise<void> => {
          for (const one of left.splice(0, 8)) put(one);
        };
        const stay = [...all.values()].filter(({ key }) => !changed.has(key));
        const found: SearchCandidate[] = [];
        for await (const page of index.search({ scids: ['scid'], filter, order, wanted }, change)) {
          for (const one of page) assert.ok(filter === undefined || matches(filter, one));
          found.push(...page);
          await change();
        }
        const unchanged = found.filter(({ key }) => !changed.has(key)).map(asCandidate);
        assert.deepEqual(unchanged, slowSearch(stay, filter, order));
      },
    ),
    { numRuns: 600 },
  );
});

// Kills: an index that is made without changes of the meantime, or with them twice; one that is
// dropped while a search uses it; one that is kept and no longer notified of changes.
test('searches by more attributes than have an index, while candidates change, find what stays', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `numbers/${name}`);
  const anyState = fc.option(
    fc.record({
      createTimeMs: fc.nat(3),
      values: fc.record(Object.fromEntries(names.map((name) => [name, fc.nat(2)])), {
        requiredKeys: [],
        noNullPrototype: true,
      }),
    }),
    { nil: undefined },
  );
  const anyChange = fc.tuple(fc.nat(15), anyState);
  const anySearch = fc.record({
    field: fc.constantFrom(...names),
    orderBy: fc.constantFrom(...names),
    operator: fc.constantFrom('eq', 'ge', 'ne'),
  });
  let droppedCount = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyChange, { maxLength: 40, size: 'max' }),
      fc.array(anyChange, { maxLength: 40, size: 'max' }),
      fc.array(anySearch, { minLength: 4, maxLength: 8 }),
      fc.constantFrom(0.5, 2, 50),
      async (puts, changes, searches, perTurn) => {
        const index = createSearchIndex({ conditionsPerStep: perTurn, attributeIndexesMax: 1 });
        const all = new Map<string, SearchCandidate>();
        const put = ([n, state]: (typeof puts)[number]): void => {
          const key = `scid~t~${n}`;
          const posted = { 'session/postedTime': state?.createTimeMs ?? 0 };
          const held = { values: { ...state?.values, ...posted }, lists: {} };
          const candidate = state && packCandidate(key, state.createTimeMs, held);
          index.put(key, 1, candidate);
          if (candidate) all.set(key, candidate);
          else all.delete(key);
        };
        for (const one of puts) put(one);
        const left = [...changes];
        const changed = new Set(changes.map(([n]) => `scid~t~${n}`));
        const stay = [...all.values()].filter(({ key }) => !changed.has(key));
        const change = async (): Promise<void> => {
          for (const one of left.splice(0, 2)) put(one);
        };
        const run = async ({ field, orderBy, operator }: (typeof searches)[number]) => {
          const filter: Filter = { kind: 'compare', field, operator, value: 1 };
          const order: Order = { fields: [orderBy], descending: false };
          const search = { scids: ['scid'], filter, order, wanted: 3 };
          const found = await collect(index.search(search, change));
          const foundOfThose = found.filter(({ key }) => !changed.has(key)).map(asCandidate);
          assert.deepEqual(foundOfThose, slowSearch(stay, filter, order));
        };
        // At the same time, and then one after the other, which drops and makes indexes again.
        await Promise.all(searches.map(run));
        for (const search of searches) await run(search);
        if (new Set(searches.flatMap(({ field, orderBy }) => [field, orderBy])).size > 1) {
          droppedCount += 1;
        }
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(droppedCount > 50, 'indexes were dropped');
});

// Kills: a put of an earlier revision that takes effect, in any order of arrival.
test('the latest revision counts, in whatever order revisions are heard of', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .array(anyCandidate(1), { minLength: 1, maxLength: 5 })
        .chain((states) =>
          fc.tuple(
            fc.constant(states),
            fc.shuffledSubarray([...states.keys()], { minLength: states.length }),
          ),
        ),
      async ([states, heard]) => {
        const index = createSearchIndex();
        for (const revision of heard) index.put('scid~template~1', revision + 1, states[revision]);
        const search = { scids: ['scid'], filter: undefined, order: oldestFirst, wanted: 1 };
        const [only, ...more] = await collect(index.search(search, noBreath));
        assert.deepEqual(only && asCandidate(only), states.at(-1));
        assert.equal(more.length, 0);
        assert.equal(index.known('scid~template~1')?.revision, states.length);
      },
    ),
  );
});
