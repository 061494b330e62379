import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareTexts } from './compare.ts';
import { Translation } from './translation.ts';

const startMs = Date.UTC(2026, 2, 1);
const dayMs = 24 * 3_600_000;

function translation(): Translation {
  return new Translation({
    capturedMs: startMs,
    replayedMs: startMs + 30 * dayMs,
    toleranceMs: 1_000,
  });
}

/** A document whose texts hold ids and times between words. */
const someDocument = () => {
  const id = fc.integer({ min: 0, max: 5 }).map((n) => `<id ${n}>`);
  const time = fc.integer({ min: 0, max: 50 }).map((n) => `<time ${n}>`);
  const word = fc.constantFrom('lobby', '~', ' ', '"', '\\', 'é', '-', 'T00:00:00Z', '0000-');
  const text = fc.array(fc.oneof(id, time, word), { maxLength: 5 }).map((parts) => parts.join(' '));
  const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
    leaf: fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
    tree: fc.oneof(
      { depthSize: 'small' },
      tie('leaf'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'me', '__proto__'), tie('tree'), { maxKeys: 3 }),
    ),
  }));
  return fc.dictionary(fc.constantFrom('x', 'y', 'z'), tree, { minKeys: 1 });
};

/** The document as one of two servers writes it: with ids of its own, and its own time. */
function writtenBy(server: 'a' | 'b', document: unknown, shiftMs: number): string {
  return JSON.stringify(document)
    .replaceAll(/<id (\d)>/g, `${server}0000000-0000-4000-8000-00000000000$1`)
    .replaceAll(/<time (\d+)>/g, (_, seconds) =>
      new Date(startMs + shiftMs + Number(seconds) * 1_000).toISOString(),
    );
}

// Kills: ids compared as texts; a shift that is taken from each pair of times anew; lost members.
test('what two servers say of the same thing does not differ, and goes over in a request', () => {
  fc.assert(
    fc.property(someDocument(), (document) => {
      const known = translation();
      const [was, is] = [writtenBy('a', document, 0), writtenBy('b', document, 30 * dayMs)];
      assert.deepEqual(compareTexts('body', was, is, known), []);
      assert.equal(known.body(was), is);
    }),
    { numRuns: 300 },
  );
});

// Kills: a walk that leaves out members that only one side has, or the end of a list.
test('any one change of a document is found, at its place', () => {
  let hits = 0;
  fc.assert(
    fc.property(someDocument(), fc.nat(), (document, at) => {
      const is = writtenBy('b', document, 30 * dayMs);
      const places = placesIn(JSON.parse(is));
      const place = places[at % places.length];
      fc.pre(place !== undefined);
      const changed = changeAt(JSON.parse(is), place);
      const differences = compareTexts(
        'body',
        writtenBy('a', document, 0),
        JSON.stringify(changed),
        translation(),
      );
      assert.deepEqual(
        differences.map(({ where }) => where),
        [['body', ...place].join('.')],
      );
      hits += 1;
    }),
    { numRuns: 300 },
  );
  assert.ok(hits > 200);
});

/** Paths to all leaves. */
function placesIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, one]) => placesIn(one, [...path, name]));
}

function changeAt(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return `${value} or not`;
  if (Array.isArray(value)) {
    return value.map((one, at) => (String(at) === name ? changeAt(one, rest) : one));
  }
  return Object.fromEntries(
    Object.entries(value as object).map(([key, one]) => [
      key,
      key === name ? changeAt(one, rest) : one,
    ]),
  );
}

test('ids that were two must not become one, nor one two', () => {
  const [a, b, c] = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
  const where = (was: readonly unknown[], is: readonly unknown[]) =>
    compareTexts('body', JSON.stringify(was), JSON.stringify(is), translation()).map(
      ({ where: at }) => at,
    );
  const [x, y] = ['a', 'b'].map((n) => `${n}0000000-0000-4000-8000-000000000000`);
  assert.deepEqual(where([a, b, a], [x, y, x]), []);
  assert.deepEqual(where([a, b], [x, x]), ['body.1']);
  assert.deepEqual(where([a, a], [x, y]), ['body.1']);
  assert.deepEqual(where([c], [c]), []);
});

test('times are shifted with their digits; far ones, and the case of letters, stay', () => {
  const known = translation();
  assert.equal(known.text('2026-03-01T00:00:01.2345678Z'), '2026-03-31T00:00:01.2340000Z');
  assert.equal(known.text('at 2026-03-01T00:00:01Z.'), 'at 2026-03-31T00:00:01Z.');
  assert.equal(known.text('9999-12-31T00:00:00Z'), '9999-12-31T00:00:00Z');
  known.set('aaaaaaaa-0000-4000-8000-000000000000', 'bbbbbbbb-0000-4000-8000-000000000000');
  assert.equal(
    known.text('AAAAAAAA-0000-4000-8000-000000000000'),
    'BBBBBBBB-0000-4000-8000-000000000000',
  );
});

test('times may differ by the tolerance, after the first has shown how far the clocks are apart', () => {
  const known = translation();
  assert.ok(known.matches('2026-03-01T00:00:00Z', '2030-01-01T00:00:00Z'));
  assert.ok(known.matches('2026-03-01T00:00:10Z', '2030-01-01T00:00:11Z'));
  assert.ok(!known.matches('2026-03-01T00:00:10Z', '2030-01-01T00:00:11.001Z'));
  assert.equal(known.text('2026-03-01T00:00:05Z'), '2030-01-01T00:00:05Z');
});

test('documents that are too deep for a stack differ, and stop nothing', () => {
  const deep = (length: number): string => `${'['.repeat(length)}1${']'.repeat(length)}`;
  const where = (was: string, is: string) =>
    compareTexts('body', was, is, translation()).map(({ captured, present }) => [
      captured,
      present,
    ]);
  assert.deepEqual(where(deep(100), deep(100)), []);
  assert.deepEqual(where(deep(50_000), deep(50_000)), [['too deep', 'too deep']]);
  assert.deepEqual(where(deep(100_000), '{"a":1}'), [['too deep', '{"a":1}']]);
});
