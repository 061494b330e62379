import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyCustom, anyJsonText } from '../testing/arbitraries.ts';
import {
  findExcess,
  formatJson,
  isDeeperThan,
  isJsonObject,
  isRawNumber,
  jsonEquals,
  measureJson,
  parseExactJson,
  parseRequestJson,
  plainOutsideCustom,
  type Json,
} from './json.ts';
import { hasEscapedKey, readJson } from './json-reader.ts';

// Kills: "{15}" widened to "{17}" in mayLoseDigits; "-0" left out of it; plainDigitsMax of 17.
test('a text comes back byte for byte, whatever its numbers look like', () => {
  fc.assert(
    fc.property(anyJsonText, (text) => assert.equal(formatJson(parseExactJson(text)), text)),
    { numRuns: 2_000 },
  );
});

// Kills: the engine's parser used alone (its fault with escaped keys, which an earlier text brings
// about).
test('keys come back as they were written, whatever was parsed before', () => {
  const awkward = fc.constantFrom('\\', '"', '\n', '~', '5', 'c', 'n', '\ud800');
  const key = fc
    .string({ unit: awkward, minLength: 1, maxLength: 3 })
    .filter((one) => !/^\d+$/.test(one));
  const text = fc
    .uniqueArray(fc.tuple(key, fc.constantFrom('1', '1.0')), {
      maxLength: 3,
      selector: ([name]) => name,
    })
    .map(
      (entries) =>
        `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`,
    );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 4 }), (texts) => {
      for (const one of texts) assert.equal(formatJson(parseExactJson(one)), one);
    }),
    { numRuns: 1_000 },
  );
});

// Kills: a member assigned in place of defined ("__proto__"); the space before a colon or after a
// comma not skipped; an escaped quote taken for the end of a string; "-" left out of number().
test('the reader reads what the engine reads, with space anywhere', () => {
  const space = fc.constantFrom('', '', ' ', '\t', '\r\n  ');
  const spaced = fc.tuple(anyJsonText, space).map(([text, between]) => {
    // Outside of strings.
    const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs) ?? [];
    return between + tokens.join(between) + between;
  });
  fc.assert(
    fc.property(spaced, (text) => {
      assert.equal(formatJson(readJson(text, Number)), formatJson(JSON.parse(text)));
    }),
    { numRuns: 1_000 },
  );
});

// Kills: a search for escapes that takes the escape of a value for one of a key, or stops at the first.
test('an escaped key is found at every place, and nothing else is taken for one', () => {
  const word = fc.constantFrom('a', '\\n', '\\\\', '\\"', ':', '\\u0041');
  const written = fc.array(word, { maxLength: 3 }).map((parts) => `"${parts.join('')}"`);
  const object = fc.array(fc.tuple(written, written), { maxLength: 3 });
  fc.assert(
    fc.property(object, (entries) => {
      const text = `{${entries.map(([key, value]) => `${key} : [${value}]`).join(',')}}`;
      const isEscaped = entries.some(([key]) => key.includes('\\'));
      assert.equal(hasEscapedKey(text), isEscaped, text);
    }),
  );
});

// Kills: the exact way of reading used for a request without "custom" in the list of title keys.
test('what a request holds below custom comes back byte for byte', () => {
  fc.assert(
    fc.property(anyJsonText, (text) => {
      const whole = `{"properties":{"custom":{"x":${text}}}}`;
      assert.equal(formatJson(parseRequestJson(whole)), whole);
    }),
  );
});

// Kills: Number(rawJSON) kept when it is Infinity; arrays not looked into.
test('outside custom a request holds ordinary numbers, and its text parses to the same', () => {
  const check = (value: Json): void => {
    if (isRawNumber(value)) assert.ok(!Number.isFinite(Number(value.rawJSON)), value.rawJSON);
    else if (Array.isArray(value)) value.forEach(check);
    else if (isJsonObject(value)) {
      for (const [key, item] of Object.entries(value)) if (key !== 'custom') check(item);
    } else assert.ok(typeof value !== 'number' || Number.isFinite(value));
  };
  fc.assert(
    fc.property(anyJsonText, (text) => {
      const value = parseRequestJson(text);
      check(value);
      assert.ok(jsonEquals(value, plainOutsideCustom(parseExactJson(text))));
    }),
    { numRuns: 1_000 },
  );
});

// Kills: keys compared by position; isRawJSON(a) !== isRawJSON(b) left out.
test('two values are the same exactly when their texts with sorted keys are', () => {
  const sorted = (value: Json): Json =>
    Array.isArray(value)
      ? value.map(sorted)
      : isJsonObject(value)
        ? Object.fromEntries(
            Object.keys(value)
              .sort()
              .map((key) => [key, sorted(value[key] ?? null)]),
          )
        : value;
  const small = fc.constantFrom('1', '1.0', '{"rawJSON":"1.0"}', '{}', '[]', 'null', '{"a":1}');
  const pair = fc.tuple(fc.oneof(small, anyJsonText), fc.oneof(small, anyJsonText));
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const [x, y] = [parseExactJson(a), parseExactJson(b)];
      assert.equal(jsonEquals(x, y), formatJson(sorted(x)) === formatJson(sorted(y)));
    }),
    { numRuns: 1_000 },
  );
});

// Kills: jsonEquals that counts the keys of one side only.
test('a value is the same as itself with its keys the other way round, and not with one more', () => {
  fc.assert(
    fc.property(anyCustom, (custom) => {
      const turned = Object.fromEntries(Object.entries(custom).reverse());
      assert.ok(jsonEquals(custom, turned));
      const more = Object.fromEntries([...Object.entries(custom), ['one more key', null]]);
      assert.ok(!jsonEquals(custom, more) && !jsonEquals(more, custom));
    }),
  );
});

// Kills: brackets and commas in strings counted; the escape of a quote not skipped; an empty array
// counted as one of an item; ">=" in isDeeperThan and in findExcess; items of arrays
// counted as members.
test('the depth and the values are those of what is parsed', () => {
  const inner = (value: Json): readonly Json[] =>
    Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
  const depth = (value: Json): number =>
    Array.isArray(value) || isJsonObject(value) ? 1 + Math.max(0, ...inner(value).map(depth)) : 0;
  const values = (value: Json): number =>
    inner(value).reduce((sum: number, one) => sum + values(one), 1);
  const members = (value: Json): number =>
    Math.max(isJsonObject(value) ? inner(value).length : 0, ...inner(value).map(members));
  const bracketed = fc.oneof(
    anyJsonText,
    fc.string().map((one) => JSON.stringify([`",[{${one}\\`], null, 1)),
  );
  fc.assert(
    fc.property(bracketed, (text) => {
      const value = parseExactJson(text);
      const expected = { values: values(value), members: members(value) };
      assert.deepEqual(measureJson(text), expected);
      assert.equal(isDeeperThan(text, depth(value)), false);
      if (depth(value) > 0) assert.equal(isDeeperThan(text, depth(value) - 1), true);
      const bounds = { valuesMax: expected.values, membersMax: expected.members };
      assert.equal(findExcess(text, bounds), undefined);
      assert.equal(findExcess(text, { ...bounds, valuesMax: expected.values - 1 }), 'values');
      if (expected.members > 0) {
        assert.equal(findExcess(text, { ...bounds, membersMax: expected.members - 1 }), 'members');
      }
    }),
    { numRuns: 500 },
  );
});
