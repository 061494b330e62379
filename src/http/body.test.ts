import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatJson } from '../domain/json.ts';
import { limits } from '../domain/limits.ts';
import { Refusal } from '../domain/refusal.ts';
import { parseBody } from './body.ts';

function nested(depth: number): string {
  return `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
}

/** An object with one array of so many items. */
function listOf(count: number): string {
  return `{"a":[${Array.from({ length: count }, () => 0).join()}]}`;
}

/** An object of so many members. */
function objectOf(count: number): string {
  return `{${Array.from({ length: count }, (_, n) => `"${n}a":0`).join()}}`;
}

const kept: readonly (readonly [what: string, body: string])[] = [
  ['an empty object', '{}'],
  ['exact numbers under custom', '{"properties":{"custom":{"id":18446744073709551615,"x":1.50}}}'],
  ['negative zero and numbers beyond all ordinary ones', '{"custom":[-0,1e400,1e-400,0.0000001]}'],
  ['keys that objects inherit', '{"__proto__":{"a":1},"constructor":{"prototype":null}}'],
  ['a lone surrogate, escaped', '{"a":"\\ud800"}'],
  ['U+FFFD', '{"a":"\ufffd"}'],
  ['as much nesting as allowed', nested(limits.bodyDepthMax)],
  ['as many values as allowed', listOf(limits.bodyValuesMax - 2)],
  ['an object of as many members as allowed', objectOf(limits.objectMembersMax)],
  ['many commas in a string', `{"a":"${','.repeat(limits.bodyValuesMax)}"}`],
];

for (const [what, body] of kept) {
  test(`a body keeps ${what}`, () => {
    assert.equal(formatJson(parseBody(Buffer.from(body))), body);
  });
}

test('of a key that is given twice the last value counts', () => {
  assert.deepEqual(parseBody(Buffer.from('{"a":1,"b":2,"a":{"c":3}}')), { a: { c: 3 }, b: 2 });
});

test('a byte order mark is no part of the body', () => {
  assert.deepEqual(parseBody(Buffer.from('\ufeff{"a":1}')), { a: 1 });
  assert.equal(refusalOf('\ufeff').code, 'bodyNotJson');
});

test('numbers that are no title data are ordinary numbers', () => {
  assert.deepEqual(parseBody(Buffer.from('{"version":1.0,"max":1e2,"z":-0}')), {
    version: 1,
    max: 100,
    z: -0,
  });
});

const hello = Buffer.from('{"a":"hé');

const refused: readonly (readonly [
  body: string | Buffer,
  code: string,
  text: string | RegExp,
  detail?: string,
])[] = [
  ['', 'bodyNotJson', 'The body is empty; expected a JSON object.'],
  ['[]', 'bodyNotJson', '$: Expected an object, found an array.', '$'],
  ['null', 'bodyNotJson', '$: Expected an object, found null.', '$'],
  ['"{}"', 'bodyNotJson', '$: Expected an object, found a string.', '$'],
  ['true', 'bodyNotJson', '$: Expected an object, found a boolean.', '$'],
  ['7', 'bodyNotJson', '$: Expected an object, found a number.', '$'],
  ['1e400', 'bodyNotJson', '$: Expected an object, found a number.', '$'],
  [
    '{\n  "a": 1,\n}',
    'bodyNotJson',
    'The body is not JSON; line 3, column 1: expected a key in double quotes, found "}".',
    'line 3, column 1',
  ],
  ['  ', 'bodyNotJson', /column 3: expected a value, found the end/, 'line 1, column 3'],
  // Exact numbers are read in another way, which must find the same fault.
  ['{"a":1.50', 'bodyNotJson', /expected "," or "}", found the end/, 'line 1, column 10'],
  [
    Buffer.concat([hello, Buffer.from([0xff]), Buffer.from('"}')]),
    'bodyNotJson',
    'The body is not UTF-8; line 1, column 9: expected UTF-8, found byte 0xff.',
    'line 1, column 9',
  ],
  // A U+FFFD that the client wrote is none of the fault; a surrogate as bytes and a cut end are.
  [
    Buffer.concat([Buffer.from('\ufffd\n\ufffd'), Buffer.from([0xed, 0xa0, 0x80])]),
    'bodyNotJson',
    /found byte 0xed/,
    'line 2, column 2',
  ],
  [Buffer.from([0x7b, 0xc3]), 'bodyNotJson', /found byte 0xc3/, 'line 1, column 2'],
  [nested(limits.bodyDepthMax + 1), 'requestInvalid', /more than 100 deep/],
  [nested(10_000), 'requestInvalid', /more than 100 deep/],
  ['['.repeat(10_000), 'requestInvalid', /more than 100 deep/],
  [
    listOf(limits.bodyValuesMax - 1),
    'tooManyItems',
    /^The body has more than 25000 values/,
    'values max 25000',
  ],
  [
    objectOf(limits.objectMembersMax + 1),
    'tooManyItems',
    /^An object .* 5000 members/,
    'members max 5000',
  ],
];

for (const [body, code, text, detail] of refused) {
  test(`the body ${formatJson(String(body).slice(0, 30))} is refused as ${code}`, () => {
    const refusal = refusalOf(body);
    assert.equal(refusal.code, code);
    if (typeof text === 'string') assert.equal(refusal.text, text);
    else assert.match(refusal.text, text);
    assert.equal(refusal.detail, detail);
  });
}

// Kills: slices cut within a character; a character of four bytes measured as three.
test('the first byte that is not UTF-8 is found, however far into the body', () => {
  const character = fc.constantFrom('a', 'é', '\ufffd', '🎲');
  const before = fc
    .tuple(fc.nat(9_000), fc.array(character, { maxLength: 40 }), character)
    .map(([count, head, filler]) => head.join('') + filler.repeat(count));
  const fault = fc.constantFrom([0xff], [0x80], [0xc3], [0xf0, 0x9f], [0xed, 0xa0, 0x80]);
  const after = fc.constantFrom('', 'a', '"}', '\ufffd');
  fc.assert(
    fc.property(before, fault, after, (head, bytes, tail) => {
      const body = Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]);
      assert.equal(refusalOf(body).detail, `line 1, column ${head.length + 1}`);
    }),
  );
});

function refusalOf(body: string | Buffer): Refusal {
  const refusal = parseBody(Buffer.from(body));
  assert.ok(refusal instanceof Refusal);
  return refusal;
}
