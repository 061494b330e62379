import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { notRefused } from '../../testing/samples.ts';
import { Refusal } from '../refusal.ts';
import { foundVisibilities, parseSessionQuery, type SessionQuery } from './session-query.ts';
import { Hits } from '../../testing/hits.ts';

const anyQuery: fc.Arbitrary<SessionQuery> = fc
  .record({
    xuids: fc.option(
      fc.stringMatching(/^\d{1,20}$/).map((one) => [one]),
      { nil: [] },
    ),
    keyword: fc.option(fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }), {
      nil: undefined,
    }),
    includesPrivate: fc.boolean(),
    includesReservations: fc.boolean(),
    includesInactive: fc.boolean(),
    visibility: fc.option(fc.constantFrom(...foundVisibilities), { nil: undefined }),
    versionMax: fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { nil: undefined }),
    take: fc.integer({ min: 0, max: 100 }),
  })
  .filter(({ xuids, keyword }) => xuids.length > 0 || keyword !== undefined)
  .filter(({ keyword = '' }) => keyword.length <= 100)
  .filter(({ visibility, includesPrivate }) => visibility !== 'private' || includesPrivate)
  .map((query) => Object.fromEntries(Object.entries(query).filter(([, v]) => v !== undefined)))
  .map((query) => query as unknown as SessionQuery);

/** As clients write it: each parameter only when it is set. */
function format(query: SessionQuery): string {
  const asked = new URLSearchParams();
  for (const xuid of query.xuids) asked.set('xuid', xuid);
  if (query.keyword !== undefined) asked.set('keyword', query.keyword);
  if (query.visibility !== undefined) asked.set('visibility', query.visibility);
  if (query.versionMax !== undefined) asked.set('version', String(query.versionMax));
  if (query.includesPrivate) asked.set('private', 'true');
  if (query.includesReservations) asked.set('reservations', 'true');
  if (query.includesInactive) asked.set('inactive', 'true');
  if (query.take !== 100) asked.set('take', String(query.take));
  return asked.toString();
}

// Kills: `take || 100`, which makes 0 the default; counterexample take 0.
test('parse(format(q)) is q', () => {
  fc.assert(
    fc.property(anyQuery, (query) => {
      assert.deepEqual(notRefused(parseSessionQuery(new URLSearchParams(format(query)))), query);
    }),
  );
});

const anyParameter = fc.oneof(
  fc.tuple(fc.constantFrom('__proto__', 'constructor'), fc.constantFrom('', '1')),
  fc.tuple(fc.constantFrom('take', 'version'), fc.constantFrom('0', '7', '1e1', ' 1', '', '1.0')),
  fc.tuple(
    fc.constantFrom('private', 'reservations', 'inactive', 'visibility', 'xuid'),
    fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('true', 'false', 'open', 'private', '1'),
    ),
  ),
);

// Kills: Number(take) without the pattern, by which "1e1" and " 1" are numbers; a repeated
// parameter of which the last counts.
test('any parameters are a query within its bounds, or a refusal that names one of them', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(fc.array(anyParameter, { maxLength: 3 }), (parameters) => {
      const given = [['keyword', 'k'], ...parameters] as const;
      const query = parseSessionQuery(given);
      const names: readonly string[] = given.map(([name]) => name);
      if (query instanceof Refusal) {
        const place = query.detail ?? '';
        assert.ok(place === 'query' || names.includes(place.replace('query.', '')), place);
        return;
      }
      hits.count();
      assert.equal(new Set(names).size, names.length);
      assert.ok(query.xuids.length > 0 || query.keyword !== undefined);
      assert.ok(Number.isInteger(query.take) && query.take >= 0 && query.take <= 100);
      const take = given.find(([name]) => name === 'take')?.[1];
      assert.equal(String(query.take), String(Number(take ?? '100')));
      assert.match(take ?? '100', /^\d+$/);
    }),
  );
  hits.assertAtLeast(9);
});
