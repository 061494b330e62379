/** The promises of `RecordStore`, as a part of the store contract. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatJson, parseExactJson, type JsonObject } from '../domain/json.ts';
import type { Milliseconds } from '../domain/time.ts';
import type {
  RecordChange,
  RecordConflict,
  RecordsCommitted,
  Store,
  StoredRecord,
} from '../store/store.ts';

type OpenStore = () => Promise<Store>;

/** Defines the tests; `open` opens an empty store each time it is called. */
export function testRecords(open: OpenStore, mixedStepsCount: number): void {
  test('a record that was not put is not there', async () => {
    await using store = await open();
    assert.equal(await store.record('ticket', 'quick', 'a'), undefined);
    assert.deepEqual(await store.records('ticket', 'quick', 10), []);
    assert.deepEqual(await store.dueRecords('ticket', Infinity, 10), []);
  });

  test('what is put is there, and its revision rises with each change', async () => {
    await using store = await open();
    let former = 0;
    for (const turn of [1, 2, 3]) {
      const value = { turn };
      const revision = await put(store, 'a', { expectRevision: former, value });
      assert.ok(revision > former);
      const record = { id: 'a', revision, value, dueMs: undefined };
      assert.deepEqual(await store.record('ticket', 'quick', 'a'), record);
      former = revision;
    }
  });

  test('tables, groups and ids keep apart; letters of another case are others', async () => {
    await using store = await open();
    const names = [
      ['ticket', 'quick', 'a'],
      ['ticket', 'quick', 'A'],
      ['ticket', 'Quick', 'a'],
      ['Ticket', 'quick', 'a'],
      ['ticket', 'a', 'quick'],
      ['quick', 'ticket', 'a'],
      ['ticket', 'quick:a', 'a'],
      ['ticket', '{p1}~!"\'\\%_*', '[0]'],
    ] as const;
    for (const [n, [table, group, id]] of names.entries()) {
      await store.commitRecords(table, group, [{ id, value: { n }, dueMs: n }]);
    }
    for (const [n, [table, group, id]] of names.entries()) {
      assert.deepEqual((await store.record(table, group, id))?.value, { n });
    }
    assert.deepEqual(idsOf(await store.records('ticket', 'quick', 10)), ['A', 'a']);
    assert.deepEqual(await store.dueRecords('Ticket', 10, 10), [{ group: 'quick', id: 'a' }]);
  });

  test('names that no store takes are refused with RangeError', async () => {
    await using store = await open();
    for (const name of ['', ' ', 'a b', 'é', 'a\n', '\u0000', 'a'.repeat(257)]) {
      await assert.rejects(store.record(name, 'g', 'a'), RangeError);
      await assert.rejects(store.records('t', name, 1), RangeError);
      await assert.rejects(store.dueRecords(name, 0, 1), RangeError);
      await assert.rejects(store.commitRecords('t', 'g', [{ id: name, value: {} }]), RangeError);
    }
    const twice = [{ id: 'a', value: {} }, { id: 'a' }];
    await assert.rejects(store.commitRecords('t', 'g', twice), RangeError);
    const longest = 'a'.repeat(256);
    await store.commitRecords(longest, longest, [{ id: longest, value: {} }]);
    assert.equal((await store.record(longest, longest, longest))?.id, longest);
  });

  // Kills: a conflict that has made the changes before it.
  test('of a batch that conflicts nothing is made, and the conflict says with what', async () => {
    await using store = await open();
    const revision = await put(store, 'b', { value: { is: 'b' }, dueMs: 5 });
    const b: StoredRecord = { id: 'b', revision, value: { is: 'b' }, dueMs: 5 };
    for (const expectRevision of [0, revision - 1, revision + 1]) {
      const outcome = await store.commitRecords('ticket', 'quick', [
        { id: 'a', value: { is: 'a' }, dueMs: 1 },
        { id: 'b', expectRevision },
        { id: 'c', value: { is: 'c' } },
      ]);
      assert.deepEqual(outcome, { kind: 'conflict', id: 'b', current: b });
    }
    const missing = await store.commitRecords('ticket', 'quick', [
      { id: 'a', expectRevision: 0, value: { is: 'a' } },
      { id: 'd', expectRevision: 1, value: { is: 'd' } },
    ]);
    assert.deepEqual(missing, { kind: 'conflict', id: 'd', current: undefined });
    assert.deepEqual(await store.records('ticket', 'quick', 10), [b]);
    assert.deepEqual(await store.dueRecords('ticket', 10, 10), [{ group: 'quick', id: 'b' }]);
  });

  test('a batch puts, replaces and removes together, with one revision', async () => {
    await using store = await open();
    await put(store, 'a', { value: { is: 'a' }, dueMs: 1 });
    const former = await put(store, 'b', { value: { is: 'b' }, dueMs: 2 });
    const outcome = await store.commitRecords('ticket', 'quick', [
      { id: 'a', value: { is: 'new' } },
      { id: 'b', expectRevision: former },
      { id: 'c', expectRevision: 0, value: { is: 'c' }, dueMs: 3 },
      { id: 'd' },
    ]);
    const { revision } = committed(outcome);
    assert.ok(revision > former);
    assert.deepEqual(await store.records('ticket', 'quick', 10), [
      { id: 'a', revision, value: { is: 'new' }, dueMs: undefined },
      { id: 'c', revision, value: { is: 'c' }, dueMs: 3 },
    ]);
    assert.equal(await store.record('ticket', 'quick', 'b'), undefined);
    assert.deepEqual(await store.dueRecords('ticket', 10, 10), [{ group: 'quick', id: 'c' }]);
  });

  test('an empty batch, and a removal of what is not there, are committed', async () => {
    await using store = await open();
    assert.deepEqual(await store.commitRecords('ticket', 'quick', []), {
      kind: 'committed',
      revision: 0,
    });
    committed(await store.commitRecords('ticket', 'quick', [{ id: 'a' }]));
    committed(await store.commitRecords('ticket', 'quick', [{ id: 'a', expectRevision: 0 }]));
    assert.equal(await store.record('ticket', 'quick', 'a'), undefined);
  });

  // Kills: revisions that begin again with a record that was removed.
  test('a writer from before a removal does not write into the next life', async () => {
    await using store = await open();
    let last = 0;
    for (const life of [1, 2, 3]) {
      const revision = await put(store, 'a', { expectRevision: 0, value: { life } });
      assert.ok(revision > last);
      for (const late of life === 1 ? [] : [last, last - 1]) {
        const change = { id: 'a', expectRevision: late, value: { life: 'former' } };
        const outcome = await store.commitRecords('ticket', 'quick', [change]);
        assert.equal(outcome.kind, 'conflict');
      }
      last = await put(store, 'a', { expectRevision: revision, value: { life } });
      committed(await store.commitRecords('ticket', 'quick', [{ id: 'a', expectRevision: last }]));
    }
  });

  test('of many who make a record at once one wins, and the others are shown it', async () => {
    await using store = await open();
    const writers = [...Array(20).keys()];
    const outcomes = await Promise.all(
      writers.map((by) =>
        store.commitRecords('ticket', 'quick', [{ id: 'a', expectRevision: 0, value: { by } }]),
      ),
    );
    const current = (await store.record('ticket', 'quick', 'a')) ?? assert.fail();
    assert.equal(outcomes.filter(({ kind }) => kind === 'committed').length, 1);
    for (const [by, outcome] of outcomes.entries()) {
      if (outcome.kind === 'conflict') assert.deepEqual(outcome.current, current);
      else assert.deepEqual(current.value, { by });
    }
  });

  // Kills: a batch compared with what another one, not yet written, is going to replace.
  test('no move between two records of a group is lost or made twice', async () => {
    await using store = await open();
    await put(store, 'a', { value: { coins: 40 } });
    await put(store, 'b', { value: { coins: 0 } });
    const movers = [...Array(8).keys()].map(async () => {
      for (let moved = 0; moved < 5; ) {
        const [a, b] = await store.records('ticket', 'quick', 2);
        assert.ok(a && b);
        const [inA, inB] = [Number(a.value['coins']), Number(b.value['coins'])];
        const outcome = await store.commitRecords('ticket', 'quick', [
          { id: 'a', expectRevision: a.revision, value: { coins: inA - 1 } },
          { id: 'b', expectRevision: b.revision, value: { coins: inB + 1 } },
        ]);
        if (outcome.kind === 'committed') moved += 1;
      }
    });
    await Promise.all(movers);
    const records = await store.records('ticket', 'quick', 2);
    assert.deepEqual(
      records.map(({ value }) => value),
      [{ coins: 0 }, { coins: 40 }],
    );
  });

  test('changes that expect nothing of one record, made at once, all rise', async () => {
    await using store = await open();
    const outcomes = await Promise.all(
      [...Array(20).keys()].map((n) =>
        store.commitRecords('ticket', 'quick', [{ id: 'a', ...(n % 3 > 0 && { value: { n } }) }]),
      ),
    );
    const revisions = outcomes.map((outcome) => committed(outcome).revision);
    assert.equal(new Set(revisions).size, 20);
    const record = await store.record('ticket', 'quick', 'a');
    assert.ok(record === undefined || record.revision <= Math.max(...revisions));
  });

  test('they are listed page by page in the order of their ids', async () => {
    await using store = await open();
    const ids = ['d', 'B', 'a10', 'a9', 'c', '~', '!'];
    const changes = ids.map((id) => ({ id, value: { id } }));
    committed(await store.commitRecords('ticket', 'quick', changes));
    await put(store, 'a', { value: {} }, 'ranked');
    const sorted = [...ids].sort();
    const page = async (limit: number, after?: string): Promise<readonly string[]> =>
      idsOf(await store.records('ticket', 'quick', limit, after));
    assert.deepEqual(await page(10), sorted);
    assert.deepEqual(await page(3), sorted.slice(0, 3));
    assert.deepEqual(await page(3, sorted[2]), sorted.slice(3, 6));
    assert.deepEqual(await page(3, sorted[5]), sorted.slice(6));
    assert.deepEqual(await page(3, sorted[6]), []);
    assert.deepEqual(await page(1, 'a'), ['a10']);
    assert.deepEqual(await page(0), []);
    await store.commitRecords('ticket', 'quick', [{ id: 'a9' }, { id: 'b', value: {} }]);
    assert.deepEqual(await page(2, 'a10'), ['b', 'c']);
  });

  test('due: of all groups, the longest overdue first, none too early or forgotten', async () => {
    await using store = await open();
    await put(store, 'c', { value: {}, dueMs: 30 });
    await put(store, 'a', { value: {}, dueMs: 10 }, 'ranked');
    await put(store, 'b', { value: {}, dueMs: 20 });
    await put(store, 'never', { value: {} });
    await store.commitRecords('invite', 'quick', [{ id: 'z', value: {}, dueMs: 1 }]);
    const [a, b, c] = [
      { group: 'ranked', id: 'a' },
      { group: 'quick', id: 'b' },
      { group: 'quick', id: 'c' },
    ];
    assert.deepEqual(await store.dueRecords('ticket', 9, 10), []);
    assert.deepEqual(await store.dueRecords('ticket', 10, 10), [a]);
    assert.deepEqual(await store.dueRecords('ticket', 25, 10), [a, b]);
    for (const one of [a, b]) {
      const found = await store.dueRecords('ticket', 25, 10, { group: one.group });
      const ofGroup = found.filter(({ group }) => group === one.group);
      assert.deepEqual(ofGroup, [one]);
    }
    assert.deepEqual(await store.dueRecords('ticket', Infinity, 2), [a, b]);
    assert.deepEqual(await store.dueRecords('ticket', Infinity, 10), [a, b, c]);
    assert.deepEqual(await store.dueRecords('ticket', Infinity, 0), []);

    const lateMs = Number.MAX_SAFE_INTEGER + 1_474_404_600_518;
    await put(store, 'c', { value: {}, dueMs: lateMs });
    await put(store, 'b', { value: {} });
    await store.commitRecords('ticket', 'ranked', [{ id: 'a' }]);
    assert.deepEqual(await store.dueRecords('ticket', Number.MAX_SAFE_INTEGER, 10), []);
    assert.deepEqual(await store.dueRecords('ticket', lateMs, 10), [c]);
    assert.equal((await store.record('ticket', 'quick', 'c'))?.dueMs, lateMs);
  });

  test('due: the shares of all nodes make up everything', async () => {
    await using store = await open();
    const groups = Array.from({ length: 30 }, (_, n) => `group-${n}`);
    for (const group of groups) await put(store, 'a', { value: {}, dueMs: 10 }, group);
    const shares = [0, 1, 2].map((index) => store.dueRecords('ticket', 10, 100, { index, of: 3 }));
    const found = (await Promise.all(shares)).flat();
    assert.deepEqual([...new Set(found.map(({ group }) => group))].sort(), [...groups].sort());
  });

  test('a value comes back with the same text', async () => {
    await using store = await open();
    for (const text of [
      '{"n":12345678901234567890,"f":1.50,"z":-0,"e":1e400}',
      '{"__proto__":{"x":1},"s":"\\ud800 é€😀 \\u0000 ","":[null,{}]}',
    ]) {
      await put(store, 'a', { value: parseExactJson(text) as JsonObject });
      const [record] = await store.records('ticket', 'quick', 1);
      assert.equal(formatJson(record?.value), text);
      assert.equal(formatJson((await store.record('ticket', 'quick', 'a'))?.value), text);
    }
  });

  // Kills: due times left behind by a change or a removal; pages that skip or repeat a record.
  test(`${mixedStepsCount} mixed steps go as a simple model says`, async () => {
    await fc.assert(
      fc.asyncProperty(anySteps(mixedStepsCount / 20), async (steps) => {
        await using store = await open();
        await runSteps(store, steps);
      }),
      { numRuns: 20 },
    );
  });
}

/** Makes one change in the table `ticket`; the revision that its record has then. */
async function put(
  store: Store,
  id: string,
  change: Omit<RecordChange, 'id'>,
  group = 'quick',
): Promise<number> {
  return committed(await store.commitRecords('ticket', group, [{ id, ...change }])).revision;
}

function committed(outcome: RecordsCommitted | RecordConflict): RecordsCommitted {
  assert.equal(outcome.kind, 'committed');
  return outcome as RecordsCommitted;
}

function idsOf(records: readonly StoredRecord[]): readonly string[] {
  return records.map(({ id }) => id);
}

const tables = ['ticket', 'match'] as const;
const groups = ['quick', 'ranked'] as const;
const ids = ['a', 'b', 'c', 'd'] as const;
const timesMs = [10, 20, 30] as const;

type Step = {
  readonly table: string;
  readonly group: string;
  readonly changes: readonly (Omit<RecordChange, 'expectRevision'> & {
    readonly expect: 'whatever' | 'what is there' | 'nothing' | 'another';
  })[];
  readonly limit: number;
  readonly after: string;
  readonly nowMs: Milliseconds;
};

function anySteps(count: number): fc.Arbitrary<readonly Step[]> {
  const change = fc.record({
    id: fc.constantFrom(...ids),
    expect: fc.constantFrom<Step['changes'][number]['expect'][]>(
      ...Array<'what is there'>(4).fill('what is there'),
      'whatever',
      'whatever',
      'nothing',
      'another',
    ),
    value: fc.option(
      fc.nat().map((n) => ({ n })),
      { nil: undefined, freq: 3 },
    ),
    dueMs: fc.option(fc.constantFrom(...timesMs), { nil: undefined }),
  });
  const step: fc.Arbitrary<Step> = fc.record({
    table: fc.constantFrom(...tables),
    group: fc.constantFrom(...groups),
    changes: fc.uniqueArray(change, { maxLength: 3, selector: ({ id }) => id }),
    limit: fc.nat({ max: 5 }),
    after: fc.constantFrom('', ...ids),
    nowMs: fc.constantFrom(0, ...timesMs, Infinity),
  });
  return fc.array(step, { minLength: count, maxLength: count, size: 'max' });
}

type ModelRecord = StoredRecord & { readonly table: string; readonly group: string };

async function runSteps(store: Store, steps: readonly Step[]): Promise<void> {
  let model: readonly ModelRecord[] = [];
  const revisions = new Map<string, number>();
  for (const { table, group, changes, limit, after, nowMs } of steps) {
    const ofGroup = model.filter((one) => one.table === table && one.group === group);
    const find = (id: string) => ofGroup.find((one) => one.id === id);
    const asked = changes.map(({ expect, ...change }): RecordChange => {
      const { revision = 0 } = find(change.id) ?? {};
      if (expect === 'whatever') return change;
      const expected = { 'what is there': revision, nothing: 0, another: revision + 1 }[expect];
      return { ...change, expectRevision: expected };
    });
    const outcome = await store.commitRecords(table, group, asked);
    const wrong = asked.find(
      ({ id, expectRevision }) =>
        expectRevision !== undefined && expectRevision !== (find(id)?.revision ?? 0),
    );
    if (wrong) {
      const current = find(wrong.id);
      assert.deepEqual(outcome, {
        kind: 'conflict',
        id: wrong.id,
        current: current && storedOf(current),
      });
    } else {
      const { revision } = committed(outcome);
      const others = model.filter((one) => !ofGroup.includes(one) || !asked.some(hasIdOf(one)));
      const next = asked.flatMap(({ id, value, dueMs }): ModelRecord[] => {
        const name = `${table} ${group} ${id}`;
        if (value === undefined) return [];
        assert.ok(revision > (revisions.get(name) ?? 0), 'the revision is a new one');
        revisions.set(name, revision);
        return [{ table, group, id, revision, value, dueMs }];
      });
      model = [...others, ...next];
    }
    await compare(store, model, { table, group, limit, after, nowMs });
  }
}

async function compare(
  store: Store,
  model: readonly ModelRecord[],
  { table, group, limit, after, nowMs }: Omit<Step, 'changes'>,
): Promise<void> {
  const ofGroup = model.filter((one) => one.table === table && one.group === group);
  for (const id of ids) {
    const expected = ofGroup.find((one) => one.id === id);
    assert.deepEqual(await store.record(table, group, id), expected && storedOf(expected));
  }
  const inOrder = [...ofGroup].sort((a, b) => (a.id < b.id ? -1 : 1)).map(storedOf);
  assert.deepEqual(
    await store.records(table, group, limit, after),
    inOrder.filter(({ id }) => id > after).slice(0, limit),
  );
  // Of equal times either may come first, so times are compared, and that no name comes twice.
  const due = await store.dueRecords(table, nowMs, limit);
  const timeOf = (name: { readonly group: string; readonly id: string }) =>
    model.find((one) => one.table === table && one.group === name.group && one.id === name.id)
      ?.dueMs;
  const come = model
    .flatMap(({ dueMs, ...one }) => (one.table === table && dueMs !== undefined ? [dueMs] : []))
    .filter((dueMs) => dueMs <= nowMs)
    .sort((a, b) => a - b);
  assert.deepEqual(due.map(timeOf), come.slice(0, limit));
  assert.equal(new Set(due.map(({ group, id }) => `${group} ${id}`)).size, due.length);
}

function hasIdOf({ id }: { readonly id: string }) {
  return (change: RecordChange): boolean => change.id === id;
}

function storedOf({ id, revision, value, dueMs }: ModelRecord): StoredRecord {
  return { id, revision, value, dueMs };
}
