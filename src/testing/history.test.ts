import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historyProblems, type Operation, type SeenDocument } from './history.ts';

const seen = (
  changeNumber: number,
  counts: Readonly<Record<string, number>>,
  etag = '',
): SeenDocument => ({
  branch: 'b',
  changeNumber,
  etag: etag || `e${changeNumber}`,
  counts: new Map(Object.entries(counts)),
});

const write = (client: string, count: number, at: readonly [number, number], shown: SeenDocument) =>
  ({
    client,
    count,
    invokedMs: at[0],
    returnedMs: at[1],
    outcome: { kind: 'done', seen: shown },
  }) satisfies Operation;

const read = (client: string, at: readonly [number, number], shown: SeenDocument): Operation => ({
  client,
  invokedMs: at[0],
  returnedMs: at[1],
  outcome: { kind: 'done', seen: shown },
});

const lost = (client: string, count: number, invokedMs: number): Operation => ({
  client,
  count,
  invokedMs,
  returnedMs: Infinity,
  outcome: { kind: 'unknown' },
});

const first = write('a', 1, [0, 10], seen(1, { a: 1 }));
const second = write('b', 1, [5, 20], seen(2, { a: 1, b: 1 }));

test('writes that overlap, reads between them and writes that came to light later are in order', () => {
  assert.deepEqual(historyProblems([first, second, read('c', [7, 8], seen(1, { a: 1 }))]), []);
  assert.deepEqual(
    historyProblems([
      first,
      lost('b', 1, 11),
      read('c', [30, 31], seen(1, { a: 1 })),
      read('c', [40, 41], seen(2, { a: 1, b: 1 })),
    ]),
    [],
  );
  const onFirst = {
    ...write('a', 2, [30, 40], seen(3, { a: 2, b: 1 })),
    ifMatch: second.outcome.seen,
  };
  assert.deepEqual(historyProblems([first, second, onFirst]), []);
});

const wrong: readonly (readonly [what: string, problem: RegExp, history: readonly Operation[]])[] =
  [
    [
      'two writers of one change',
      /both wrote 1/,
      [first, write('b', 1, [0, 10], seen(1, { a: 1, b: 1 }, 'e1'))],
    ],
    ['an acknowledged write that is lost', /undone/, [first, read('c', [20, 30], seen(2, {}))]],
    [
      'a read that is too old',
      /when 2 was known/,
      [first, second, read('c', [21, 22], seen(1, { a: 1 }))],
    ],
    [
      'a write that goes back',
      /when 1 was known/,
      [first, write('a', 2, [11, 12], seen(1, { a: 2 }, 'e9'))],
    ],
    [
      'one number for two documents',
      /two documents/,
      [first, read('c', [5, 6], seen(1, { b: 1 }))],
    ],
    [
      'a write on an old document',
      /wrote 3 on 1/,
      [
        first,
        second,
        { ...write('a', 2, [21, 22], seen(3, { a: 2, b: 1 })), ifMatch: first.outcome.seen },
      ],
    ],
    [
      'a refusal without a reason',
      /was refused on 1/,
      [
        first,
        {
          ...lost('b', 2, 20),
          returnedMs: 30,
          ifMatch: first.outcome.seen,
          outcome: { kind: 'refused', seen: first.outcome.seen },
        },
      ],
    ],
    [
      'a count that nobody had begun to write',
      /before it was written/,
      [first, read('c', [20, 30], seen(2, { a: 1, b: 7 }))],
    ],
    [
      'another life',
      /two branches/,
      [first, read('c', [20, 30], { ...seen(1, { a: 1 }), branch: 'other' })],
    ],
  ];

for (const [what, problem, history] of wrong) {
  test(`${what} is found out`, () => {
    assert.ok(
      historyProblems(history).some((one) => problem.test(one)),
      historyProblems(history).join('; '),
    );
  });
}
