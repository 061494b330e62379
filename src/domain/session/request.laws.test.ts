import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyCustom, anyUserBody } from '../../testing/arbitraries.ts';
import { Hits } from '../../testing/hits.ts';
import { formatJson, type JsonObject, parseRequestJson } from '../json.ts';
import { parseAnyRequest, parseSessionRequest, readUsualRequest } from './request.ts';

/** A value for a part of the usual body: mostly one that fits, at times one that does not. */
const mostly = (fits: fc.Arbitrary<unknown>, ...others: readonly unknown[]) =>
  fc.oneof({ weight: 5, arbitrary: fits }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const flag = mostly(fc.boolean(), null, 1, 'true');
const connection = mostly(
  fc.constantFrom('85B40569-0000-4000-8000-00000000000A', '85b40569-0000-4000-8000-000000000001'),
  'no guid',
  null,
  7,
);
const id = mostly(fc.constant('81A3266D-0000-4000-8000-000000000001'), 'no guid', 7);
const changeTypes = mostly(
  fc.array(fc.constantFrom('everything', 'HOST', 'membersList')),
  null,
  'host',
  ['strange'],
  [1],
  Array(101).fill('host'),
);
const custom = mostly(anyCustom, null, [], 'text', 1);
const some = <T>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(members, { requiredKeys: [] });
/** Seldom, since an object has many parts: of one with something strange the rest is not read. */
const strange = fc.oneof(
  { weight: 24, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constantFrom({ strange: 1 }, JSON.parse('{"__proto__":{}}')) },
);
const withStrange = (object: fc.Arbitrary<unknown>) =>
  fc.tuple(object, strange).map(([one, more]) => {
    const entries = [...Object.entries(one as object), ...Object.entries(more as object)];
    return Object.fromEntries(entries);
  });

const subscription = mostly(withStrange(some({ id, changeTypes })), null, [], 'text');

const anyMember = withStrange(
  some({
    properties: withStrange(
      some({
        system: withStrange(some({ active: flag, ready: flag, connection, subscription })),
        custom,
      }),
    ),
  }),
);

const anyBodyOfMember = fc
  .record({ members: fc.record({ me: anyMember }) })
  .map((body) => body as JsonObject);

const anyNearlyUsualBody = withStrange(
  some<Record<string, unknown>>({
    properties: fc.oneof(withStrange(some({ custom })), fc.constantFrom(null, [])),
    members: fc.oneof(
      withStrange(
        some({
          me: fc.oneof(fc.constantFrom(null, [], {}), anyMember),
        }),
      ),
      fc.constantFrom(null, {}),
    ),
  }),
) as fc.Arbitrary<JsonObject>;

/** As much of a body as the usual way reads. */
type UsualBody = {
  readonly properties?: { readonly custom?: unknown };
  readonly members?: {
    readonly me?: {
      readonly properties?: {
        readonly system?: Readonly<Record<string, unknown>>;
        readonly custom?: unknown;
      };
    };
  };
};

const systemOf = ({ members }: UsualBody) => members?.me?.properties?.system;

/** What a usual body may have: the test says something of each. */
const parts: Readonly<Record<string, (body: UsualBody) => boolean>> = {
  'properties of the session': ({ properties }) => properties?.custom !== undefined,
  'properties of the member': ({ members }) => members?.me?.properties?.custom !== undefined,
  flags: (body) => systemOf(body)?.['active'] !== undefined,
  'a connection': (body) => systemOf(body)?.['connection'] !== undefined,
  'a subscription': (body) => systemOf(body)?.['subscription'] !== undefined,
};

// Kills: a connection that is no GUID; flags that are null or numbers; custom properties that are an
// array; `me: null` taken for no member; an unknown member accepted, "__proto__" too.
test('the way of usual bodies and that of all bodies agree', () => {
  const hits = new Map(Object.keys(parts).map((part) => [part, new Hits()]));
  fc.assert(
    fc.property(fc.oneof(anyNearlyUsualBody, anyBodyOfMember, anyUserBody), (given) => {
      // As bodies come: parsed from text.
      const body = parseRequestJson(formatJson(given)) as JsonObject;
      const usual = readUsualRequest(body);
      const any = parseAnyRequest(body, 107);
      if (usual !== undefined) {
        for (const [part, counted] of hits) if (parts[part]?.(body)) counted.count();
        assert.deepEqual(usual, any);
      }
      assert.deepEqual(parseSessionRequest(body, 107), any);
    }),
    { numRuns: 4_000 },
  );
  for (const [part, counted] of hits) counted.assertAtLeast(50, `with ${part}`);
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
