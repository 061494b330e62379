import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatJson,
  findExcess,
  isDeeperThan,
  isJsonObject,
  isRawNumber,
  jsonEquals,
  measureJson,
  parseExactJson,
  parseRequestJson,
  type Json,
} from './json.ts';

/** Number tokens, and whether an ordinary number would print them again as they are. */
const tokens: readonly (readonly [token: string, ordinary: boolean])[] = [
  ['0', true],
  ['-1', true],
  ['1.5', true],
  ['-0.5', true],
  ['0.000001', true],
  ['123456789012345', true],
  ['9007199254740991', true],
  ['9007199254740993', false],
  ['12345678901234567890', false],
  ['-12345678901234567890', false],
  ['1.50', false],
  ['1.0', false],
  ['-0', false],
  ['-0.0', false],
  ['0.0000001', false],
  ['0.1234567890123456789', false],
  ['1e5', false],
  ['1E+5', false],
  ['1.5e-7', true],
  ['1e400', false],
  ['1e-400', false],
];

for (const [token, ordinary] of tokens) {
  test(`the number ${token} is kept ${ordinary ? 'as a number' : 'by its text'}`, () => {
    const value = parseExactJson(token);
    assert.equal(isRawNumber(value), !ordinary);
    assert.equal(formatJson(value), token);
    assert.equal(
      formatJson(parseExactJson(`{"a":[${token}],"b":${token}}`)),
      `{"a":[${token}],"b":${token}}`,
    );
  });
}

test('a text in a string that looks like such a number is a string', () => {
  const text = '{"1.50":"12345678901234567890, -0"}';
  assert.equal(formatJson(parseExactJson(text)), text);
});

test('keys that objects inherit are keys like any other', () => {
  for (const number of ['1', '1.0']) {
    const text = `{"__proto__":{"a":${number}},"constructor":2,"toString":null,"hasOwnProperty":[]}`;
    const value = parseExactJson(text);
    assert.equal(formatJson(value), text);
    assert.ok(isJsonObject(value) && Object.hasOwn(value, '__proto__'));
  }
});

test('a key is the one that was written, whatever anybody sent before', () => {
  for (const number of ['1', '1.0']) {
    const before = `{"o":${number},"\\\\":${number}}`;
    for (const key of ['\n', '"', '\\', '/', 'A', '~', '~0a', '\u0000', '\ud800', '__proto__']) {
      // With every character escaped.
      const escaped = [...key]
        .map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join('');
      for (const written of [`"${escaped}"`, JSON.stringify(key)]) {
        formatJson(parseExactJson(before));
        const text = `{"o":${number},${written} :[{${written}: ${number}}]}`;
        const plain = JSON.stringify(key);
        assert.equal(
          formatJson(parseExactJson(text)),
          `{"o":${number},${plain}:[{${plain}:${number}}]}`,
        );
      }
    }
  }
});

test('a string that looks like an escaped key, and one that ends in a colon, are strings', () => {
  const text = '{"a":["\\"b\\":1","~22:","\\n:"],"\\\\":"~5c"}';
  assert.equal(formatJson(parseExactJson(text)), text);
});

test('text that is not JSON is a SyntaxError, on both ways of reading', () => {
  for (const text of [
    '',
    '{',
    '{"a":1,}',
    '{"\\n":1,}',
    '"\\"',
    '1.0.0',
    '01',
    '[1.50',
    'undefined',
  ]) {
    assert.throws(() => parseExactJson(text), SyntaxError, text);
    assert.throws(() => parseRequestJson(text), SyntaxError, text);
  }
});

test('a request has exact numbers below custom and ordinary ones elsewhere', () => {
  const value = parseRequestJson(
    '{"count":1.0,"list":[2.0],"custom":{"id":12345678901234567890,"custom":1.0},"members":{"me":{"custom":3.0}}}',
  );
  assert.equal(
    formatJson(value),
    '{"count":1,"list":[2],"custom":{"id":12345678901234567890,"custom":1.0},"members":{"me":{"custom":3.0}}}',
  );
});

test('a number beyond all ordinary ones is never Infinity, which would print as null', () => {
  assert.equal(
    formatJson(parseRequestJson('{"system":{"latency":1e400}}')),
    '{"system":{"latency":1e400}}',
  );
});

const equal: readonly (readonly [a: string, b: string, same: boolean])[] = [
  ['1', '1', true],
  ['1', '2', false],
  ['1.0', '1.0', true],
  ['1.0', '1', false],
  ['1.0', '1.00', false],
  ['1.0', '{"rawJSON":"1.0"}', false],
  ['{"rawJSON":"1.0"}', '{"rawJSON":"1.0"}', true],
  ['"1"', '1', false],
  ['null', 'null', true],
  ['null', '{}', false],
  ['[]', '{}', false],
  ['[1,2]', '[1,2]', true],
  ['[1,2]', '[2,1]', false],
  ['[1]', '[1,2]', false],
  ['{"a":1,"b":[{}]}', '{"b":[{}],"a":1}', true],
  ['{"a":1}', '{"a":1,"b":null}', false],
  ['{"a":1}', '{"b":1}', false],
  ['{"__proto__":1}', '{"__proto__":1}', true],
  ['{"__proto__":1}', '{"a":1}', false],
  ['{"toString":1}', '{"valueOf":1}', false],
];

for (const [a, b, same] of equal) {
  test(`${a} and ${b} are ${same ? 'the same' : 'different'}`, () => {
    assert.equal(jsonEquals(parseExactJson(a), parseExactJson(b)), same);
    assert.equal(jsonEquals(parseExactJson(b), parseExactJson(a)), same);
  });
}

const measures: readonly (readonly [
  text: string,
  depth: number,
  values: number,
  members: number,
])[] = [
  ['1', 0, 1, 0],
  ['"[[["', 0, 1, 0],
  ['"\\"[[,"', 0, 1, 0],
  ['[]', 1, 1, 0],
  ['[ ]', 1, 1, 0],
  ['{\n}', 1, 1, 0],
  ['["[]"]', 1, 2, 0],
  ['[[],{}]', 2, 3, 0],
  ['[ 0 , [1, "a,b"] ]', 2, 5, 0],
  ['{"a":[{"b":"]}"}]}', 3, 4, 1],
  ['{"a":{"b":[0,0,0]},"c":1}', 3, 7, 2],
  ['{"a":{"b":0,"c":{},"d":[]},"e":1}', 3, 6, 3],
];

for (const [text, depth, values, members] of measures) {
  test(`${JSON.stringify(text)} nests ${depth} deep and has ${values} values, ${members} in one object`, () => {
    assert.deepEqual(measureJson(text), { values, members });
    assert.equal(isDeeperThan(text, depth), false);
    if (depth > 0) assert.equal(isDeeperThan(text, depth - 1), true);
    assert.equal(findExcess(text, { valuesMax: values, membersMax: members }), undefined);
    assert.equal(findExcess(text, { valuesMax: values - 1, membersMax: members }), 'values');
    if (members > 0) {
      assert.equal(findExcess(text, { valuesMax: values, membersMax: members - 1 }), 'members');
    }
  });
}

test('a hostile text is measured without recursion', () => {
  const [deep, open] = ['['.repeat(1_000_000), '{'.repeat(1_000_000)];
  assert.equal(isDeeperThan(deep, 999_999), true);
  assert.equal(isDeeperThan(deep, 1_000_000), false);
  assert.deepEqual(measureJson(deep), { values: 1_000_000, members: 0 });
  assert.deepEqual(measureJson(open), { values: 1_000_000, members: 0 });
  assert.deepEqual(measureJson(']}'.repeat(1_000)), { values: 0, members: 0 });
  assert.equal(isDeeperThan('[]'.repeat(1_000), 100), false);
});

// Kills: a text counted as too short for what it has.
test('the shortest text of so many values or members has more than one less', () => {
  const bounds = { valuesMax: 99, membersMax: 99 };
  for (const text of [`[${'0,'.repeat(98)}0]`, `${'['.repeat(100)}${']'.repeat(100)}`]) {
    assert.equal(measureJson(text).values, 100);
    assert.equal(findExcess(text, bounds), 'values');
  }
  const members = `{${'"":0,'.repeat(99)}"":0}`;
  assert.equal(findExcess(members, { ...bounds, valuesMax: 1_000 }), 'members');
});

test('an object is neither an array, nor null, nor an exact number', () => {
  const values: readonly (readonly [Json, boolean])[] = [
    [{}, true],
    [{ rawJSON: '1' }, true],
    [[], false],
    [null, false],
    ['{}', false],
    [parseExactJson('1.0'), false],
  ];
  for (const [value, is] of values) assert.equal(isJsonObject(value), is, formatJson(value));
});
