import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyCustom, anySession } from '../../testing/arbitraries.ts';
import { formatJson, jsonEquals, type Json } from '../json.ts';
import { mergeCustom, restrictionsOf, withKnownHost } from './properties.ts';

const textsOf = (custom: object): ReadonlyMap<string, string> =>
  new Map(Object.entries(custom).map(([key, value]) => [key, formatJson(value)]));

// Kills: assignment in place of fromEntries (a key "__proto__"); values merged instead of replaced.
test('each key the patch names ends with its value byte for byte, or gone if null', () => {
  fc.assert(
    fc.property(anyCustom, anyCustom, (current, patch) => {
      const merged = textsOf(mergeCustom(current, patch));
      for (const [key, value] of Object.entries(patch) as [string, Json][]) {
        assert.equal(merged.get(key), value === null ? undefined : formatJson(value));
      }
    }),
  );
});

// Kills: the patch returned alone; nulls of the current object dropped on the way.
test('each key the patch does not name stays byte for byte, and none is added', () => {
  fc.assert(
    fc.property(anyCustom, anyCustom, (current, patch) => {
      const [before, merged] = [textsOf(current), textsOf(mergeCustom(current, patch))];
      for (const [key, text] of before)
        if (!Object.hasOwn(patch, key)) assert.equal(merged.get(key), text);
      for (const key of merged.keys()) assert.ok(before.has(key) || Object.hasOwn(patch, key));
    }),
  );
});

// Kills: a null that is stored when its key is not there yet.
test('the same patch twice is the same as once', () => {
  fc.assert(
    fc.property(anyCustom, anyCustom, (current, patch) => {
      const once = mergeCustom(current, patch);
      assert.ok(jsonEquals(mergeCustom(once, patch), once));
    }),
  );
});

const openness = ['local', 'followed', 'none'];

// Kills: readRestriction not compared with joinRestriction when properties are written.
test('a user who may join may read', () => {
  fc.assert(
    fc.property(anySession, (session) => {
      const { join, read } = restrictionsOf(session);
      assert.ok(openness.indexOf(read) >= openness.indexOf(join), `join ${join}, read ${read}`);
    }),
  );
});

// Kills: a host compared by letter case.
test('a host is dropped exactly when no member has its token', () => {
  const anyCase = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => text.toUpperCase(),
  );
  fc.assert(
    fc.property(anySession, fc.nat(5), anyCase, (session, n, spelled) => {
      const token = session.members[n]?.deviceToken;
      const system = { ...session.properties.system, host: spelled(token ?? 'nobody') };
      const written = { ...session, properties: { ...session.properties, system } };
      assert.equal(withKnownHost(written).properties.system.host, token);
    }),
  );
});
