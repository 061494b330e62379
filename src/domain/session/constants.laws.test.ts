import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyCustom } from '../../testing/arbitraries.ts';
import { ada, decide, sampleTemplate } from '../../testing/samples.ts';
import { isJsonObject, jsonEquals, type Json, type JsonObject } from '../json.ts';
import { Refusal } from '../refusal.ts';
import {
  type ConstantsSystem,
  layOver,
  layOverCustom,
  resolveConstantsSystem,
} from './constants.ts';
import { Hits } from '../../testing/hits.ts';

const plain = { noNullPrototype: true };
const timeout = fc.constantFrom(0, 1_000, 900_000, null);
const flag = fc.constantFrom(true, false, null);

const fullSystem: fc.Arbitrary<JsonObject> = fc.record(
  {
    version: fc.constantFrom(1, 2, null),
    maxMembersCount: fc.constantFrom(4, 8, null),
    visibility: fc.constantFrom('open', 'visible', null),
    initiators: fc.constantFrom([ada.xuid], null),
    inviteProtocol: fc.constantFrom('game', 'chat', null),
    reservedRemovalTimeout: timeout,
    inactiveRemovalTimeout: timeout,
    readyRemovalTimeout: timeout,
    sessionEmptyTimeout: timeout,
    capabilities: fc.option(
      fc.dictionary(fc.constantFrom('connectivity', 'gameplay', 'crossPlay'), flag, plain),
      { nil: null },
    ),
    arbitration: fc.record(
      { forfeitTimeout: timeout, arbitrationTimeout: timeout },
      { requiredKeys: [], noNullPrototype: true },
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** Constants as they are written: a few with few values, so that two of them often go together. */
const anySystem: fc.Arbitrary<JsonObject> = fc
  .tuple(fullSystem, fc.infiniteStream(fc.nat(3)))
  .map(([system, chances]) =>
    Object.fromEntries(Object.entries(system).filter(() => chances.next().value === 0)),
  );

/** The value at the end of each path; an object without members counts as none. */
function leavesOf(value: JsonObject, path = ''): readonly (readonly [string, Json])[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    isJsonObject(inner) ? leavesOf(inner, `${path}.${key}`) : [[`${path}.${key}`, inner] as const],
  );
}

// Kills: a request that wins over the template; one that conflicts lets pass.
test('laid over each other, template and request keep all that they set', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySystem, anySystem, (template, requested) => {
      const laid = layOver(template, requested, '$');
      if (laid instanceof Refusal) return;
      hits.count();
      const leaves = new Map(leavesOf(laid));
      for (const [path, value] of leavesOf(template)) assert.deepEqual(leaves.get(path), value);
      for (const [path, value] of leavesOf(requested)) {
        if (value !== null) assert.deepEqual(leaves.get(path), value);
        else if (path.endsWith('Timeout')) assert.equal(leaves.get(path), null);
      }
    }),
  );
  hits.assertAtLeast(16);
});

// Kills: a conflict that names its parent, or what the request asks for instead of the fixed value.
test('a conflict names a constant that template and request set differently', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySystem, anySystem, (template, requested) => {
      const refusal = layOver(template, requested, '$');
      if (!(refusal instanceof Refusal)) return;
      hits.count();
      const path = refusal.detail?.split('.').slice(1) ?? [];
      const [set, asked] = [template, requested].map((from) =>
        path.reduce<Json | undefined>((at, key) => (isJsonObject(at) ? at[key] : undefined), from),
      );
      assert.ok(set !== undefined && asked !== undefined && !jsonEquals(set, asked));
      assert.ok(refusal.text.includes(`is ${JSON.stringify(set)} and`), refusal.text);
    }),
  );
  hits.assertAtLeast(4);
});

// Kills: a null that is remembered for a constant that is no timeout, and then conflicts with the
// default.
test('what was laid over once changes nothing when it is laid over again', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySystem, anySystem, (template, requested) => {
      const once = layOver(template, requested, '$');
      if (once instanceof Refusal) return;
      hits.count();
      assert.deepEqual(layOver(once, requested, '$'), once);
      assert.deepEqual(layOver(template, {}, '$'), template);
    }),
  );
  hits.assertAtLeast(15);
});

// Kills: custom constants that are merged within their values; assignment in place of fromEntries,
// which loses "__proto__"; a null that is kept as a value.
test('each custom constant is wholly of the template or, where it has none, of the request', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anyCustom, anyCustom, (template, requested) => {
      const laid = layOverCustom(template, requested, '$');
      const [set, asked] = [template, requested].map((from) => new Map(Object.entries(from)));
      const differs = [...(asked ?? [])].some(([key, value]) => {
        const held = set?.get(key);
        return held !== undefined && !jsonEquals(held, value);
      });
      assert.equal(laid instanceof Refusal, differs);
      if (laid instanceof Refusal) return;
      hits.count();
      const expected = new Map([
        ...[...(asked ?? [])].filter(([, one]) => one !== null),
        ...(set ?? []),
      ]);
      const entries = new Map(Object.entries(laid));
      assert.deepEqual(new Set(entries.keys()), new Set(expected.keys()));
      for (const [key, value] of expected) assert.equal(entries.get(key), value);
    }),
  );
  hits.assertAtLeast(10);
});

// Kills: nulls dropped before the defaults are filled in, which would bring "never" back to 10 s.
test('what is written holds, and null is never or the default', () => {
  fc.assert(
    fc.property(anySystem, fc.constantFrom(104, 105, 107), (written, contractVersion) => {
      const resolved = new Map(leavesOf(asJson(resolveConstantsSystem(written, contractVersion))));
      const unwritten = resolveConstantsSystem({ arbitration: {} }, contractVersion);
      const defaults = new Map(leavesOf(asJson(unwritten)));
      for (const [path, value] of leavesOf(written)) {
        if (value === false) assert.ok(!resolved.has(path));
        else if (value !== null) assert.deepEqual(resolved.get(path), value);
        else if (path.endsWith('Timeout')) assert.ok(!resolved.has(path));
        else assert.deepEqual(resolved.get(path), defaults.get(path));
      }
      assert.ok([...resolved.values()].every((value) => value !== null));
    }),
  );
});

function asJson(system: ConstantsSystem): JsonObject {
  return system as unknown as JsonObject;
}

// Kills: a request's null kept for visibility: its repetition would conflict with "open".
test('a write that created a session may be repeated', () => {
  const hits = new Hits();
  fc.assert(
    fc.property(anySystem, anySystem, (system, requested) => {
      const body = { constants: { system: requested }, members: { me: {} } };
      const template = sampleTemplate(system);
      const created = decide(undefined, body, { template });
      if (created instanceof Refusal || !('session' in created)) return;
      hits.count();
      const again = decide(created.session, body, { template });
      assert.ok(!(again instanceof Refusal), again instanceof Refusal ? again.text : '');
      assert.equal(again.kind, 'unchanged');
    }),
  );
  hits.assertAtLeast(11);
});
