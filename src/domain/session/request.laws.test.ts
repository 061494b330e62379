import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyCustom, anyUserBody } from '../../testing/arbitraries.ts';
import { Hits } from '../../testing/hits.ts';
import { formatJson, type JsonObject, parseRequestJson } from '../json.ts';
import { parseAnyRequest, parseSessionRequest, readUsualRequest } from './request.ts';

/** A value for a field of the usual body: mostly one that fits, at times one that does not. */
const flag = fc.constantFrom<unknown>(true, false, true, null, 1, 'true');
const connection = fc.constantFrom<unknown>(
  '85B40569-0000-4000-8000-00000000000A',
  '85b40569-0000-4000-8000-000000000001',
  'no guid',
  null,
  7,
);
const guid = '81A3266D-0000-4000-8000-000000000001';
const id = fc.constantFrom<unknown>(guid, guid, 'no guid', 7);
const changeTypes = fc.oneof<fc.Arbitrary<unknown>[]>(
  fc.array(fc.constantFrom('everything', 'HOST', 'membersList')),
  fc.constantFrom(null, 'host', ['strange'], [1], Array(101).fill('host')),
);
const custom = fc.oneof<fc.Arbitrary<unknown>[]>(
  anyCustom,
  anyCustom,
  fc.constantFrom(null, [], 'text', 1),
);
const some = <T>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(members, { requiredKeys: [] });
const strange = fc.constantFrom({}, {}, {}, { strange: 1 }, JSON.parse('{"__proto__":{}}'));
const withStrange = (object: fc.Arbitrary<unknown>) =>
  fc.tuple(object, strange).map(([one, more]) => {
    const entries = [...Object.entries(one as object), ...Object.entries(more as object)];
    return Object.fromEntries(entries);
  });

const subscription = fc.oneof<fc.Arbitrary<unknown>[]>(
  withStrange(some({ id, changeTypes })),
  fc.constantFrom(null, [], 'text'),
);

const anyNearlyUsualBody = withStrange(
  some<Record<string, unknown>>({
    properties: fc.oneof(withStrange(some({ custom })), fc.constantFrom(null, [])),
    members: fc.oneof(
      withStrange(
        some({
          me: fc.oneof(
            fc.constantFrom(null, [], {}),
            withStrange(
              some({
                properties: withStrange(
                  some({
                    system: withStrange(
                      some({ active: flag, ready: flag, connection, subscription }),
                    ),
                    custom,
                  }),
                ),
              }),
            ),
          ),
        }),
      ),
      fc.constantFrom(null, {}),
    ),
  }),
) as fc.Arbitrary<JsonObject>;

// Kills: a connection that is no GUID; flags that are null or numbers; custom properties that are an
// array; `me: null` taken for no member; an unknown member accepted, "__proto__" too.
test('the way of usual bodies and that of all bodies agree', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(fc.oneof(anyNearlyUsualBody, anyUserBody), (given) => {
      // As bodies come: parsed from text.
      const body = parseRequestJson(formatJson(given)) as JsonObject;
      const usual = readUsualRequest(body);
      const any = parseAnyRequest(body, 107);
      if (usual !== undefined) {
        hits.count();
        assert.deepEqual(usual, any);
      }
      assert.deepEqual(parseSessionRequest(body, 107), any);
    }),
    { numRuns: 4_000 },
  );
  hits.assertAtLeast(200);
});

// Kills: a subscription without an id, with too many change types, with one that nobody knows, with an
// unknown member.
test('a subscription is read alike in both ways', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(subscription, (given) => {
      const system = { active: true, subscription: given };
      const text = formatJson({ members: { me: { properties: { system } } } });
      const body = parseRequestJson(text) as JsonObject;
      if (readUsualRequest(body) !== undefined) hits.count();
      assert.deepEqual(parseSessionRequest(body, 107), parseAnyRequest(body, 107));
    }),
    { numRuns: 1_000 },
  );
  hits.assertAtLeast(50);
});
