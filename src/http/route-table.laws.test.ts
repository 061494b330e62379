import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleRoute } from '../testing/sample-app.ts';
import { buildRouteTable } from './route-table.ts';

const literals = ['rooms', 'Seats', 'me', 'query'] as const;
const segment = fc.oneof(
  fc.constantFrom(...literals),
  fc.constantFrom('first', 'second').map((name) => `{${name}}`),
);
const shape = fc.array(segment, { minLength: 1, maxLength: 4 });
const name = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.constantFrom('Ab', 'İ', 'me', '__proto__', '%', '/'),
  )
  .map((text) => text.toWellFormed());

/** A path of this shape, and what its parameters are then; a name used twice keeps its last value. */
function fill(segments: readonly string[], names: readonly string[], upper: boolean) {
  const params = new Map<string, string>();
  const path = segments.map((part, i) => {
    if (!part.startsWith('{')) return upper ? part.toUpperCase() : part;
    const value = names[i] ?? 'x';
    params.set(part.slice(1, -1), value);
    return encodeURIComponent(value);
  });
  return { path: `/${path.join('/')}`, params: Object.fromEntries(params) };
}

// Kills: the path put to lower case before its parameters are cut from it, which "İ" makes longer;
// parameters decoded twice, or not at all.
test('a parameter is what the client encoded, whatever the case of the literals', () => {
  fc.assert(
    fc.property(shape, fc.array(name, { maxLength: 4 }), fc.boolean(), (segments, names, upper) => {
      const table = buildRouteTable([sampleRoute('GET', `/${segments.join('/')}`)]);
      const { path, params } = fill(segments, names, upper);
      const match = table.find('GET', path);
      assert.ok('params' in match, path);
      assert.deepEqual(match.params, params);
    }),
  );
});

// Kills: no way back from a literal that leads nowhere.
test('a path that some route fits is found, however many routes there are', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(shape, {
        minLength: 1,
        maxLength: 8,
        selector: (segments) => segments.map((part) => part.replace(/\{.*/, '{}')).join('/'),
      }),
      fc.nat(),
      fc.array(fc.oneof(name, fc.constantFrom(...literals)), { maxLength: 4 }),
      (shapes, which, names) => {
        const table = buildRouteTable(
          shapes.map((segments) => sampleRoute('GET', `/${segments.join('/')}`)),
        );
        const { path } = fill(shapes[which % shapes.length] ?? [], names, false);
        assert.ok('route' in table.find('GET', path), path);
      },
    ),
  );
});
