import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { asRefusal } from '../testing/samples.ts';
import { parseExactJson, type Json } from './json.ts';
import {
  checkShape,
  exactObject,
  integer,
  list,
  parseShape,
  text,
  titleObject,
  titleValue,
  word,
} from './shape.ts';

const shape = exactObject({
  count: integer(1, 3),
  size: v.optional(integer(0)),
  mode: v.optional(word(['Fast', 'Slow'])),
  name: v.optional(text((given) => given.startsWith('x'), 'a name that starts with x')),
  list: v.optional(v.array(exactObject({ id: integer(0) }), 'Expected an array')),
  names: v.optional(
    list(
      text((given) => given !== '', 'a name'),
      { lengthMin: 1, lengthMax: 2 },
      'an array of 1 or 2 names',
    ),
  ),
  custom: v.optional(titleObject),
  any: v.optional(titleValue),
});

/** Values that do not fit, the place that is named, and what is expected there. */
const misfits: readonly (readonly [given: string, path: string, expected: RegExp])[] = [
  ['[]', '$', /an object/],
  ['null', '$', /an object/],
  ['1.0', '$', /an object/],
  ['{}', '$.count', /missing.*integer from 1 to 3/],
  ['{"count":0}', '$.count', /integer from 1 to 3/],
  ['{"count":4}', '$.count', /integer from 1 to 3/],
  ['{"count":1.5}', '$.count', /integer from 1 to 3/],
  ['{"count":"1"}', '$.count', /integer from 1 to 3/],
  ['{"count":null}', '$.count', /integer from 1 to 3/],
  ['{"count":1,"size":-1}', '$.size', /integer of at least 0/],
  ['{"count":1,"size":9007199254740993}', '$.size', /integer/],
  ['{"count":1,"mode":"medium"}', '$.mode', /one of "Fast", "Slow"/],
  ['{"count":1,"mode":1}', '$.mode', /one of "Fast", "Slow"/],
  ['{"count":1,"name":"y"}', '$.name', /a name that starts with x/],
  ['{"count":1,"name":{}}', '$.name', /a name that starts with x/],
  ['{"count":1,"list":{}}', '$.list', /an array/],
  ['{"count":1,"list":[{"id":1},{"id":-1}]}', '$.list[1].id', /at least 0/],
  ['{"count":1,"list":[{}]}', '$.list[0].id', /missing.*at least 0/],
  ['{"count":1,"names":{}}', '$.names', /an array of 1 or 2 names/],
  ['{"count":1,"names":[]}', '$.names', /an array of 1 or 2 names/],
  ['{"count":1,"names":["a","b","c"]}', '$.names', /an array of 1 or 2 names/],
  ['{"count":1,"names":["a",""]}', '$.names[1]', /a name/],
  ['{"count":1,"custom":[]}', '$.custom', /an object/],
  ['{"count":1,"other":1}', '$.other', /not known here/],
  ['{"count":1,"with space":1}', '$["with space"]', /not known here/],
  ['{"count":1,"__proto__":{}}', '$.__proto__', /not known here/],
  ['{"count":1,"constructor":{}}', '$.constructor', /not known here/],
  ['{"count":1,"toString":1}', '$.toString', /not known here/],
];

for (const [given, path, expected] of misfits) {
  test(`${given} does not fit, and ${path} is named`, () => {
    const refusal = asRefusal(parseShape(shape, parseExactJson(given)), 'requestInvalid');
    assert.equal(refusal.detail, path);
    assert.ok(refusal.text.startsWith(`${path}: `), refusal.text);
    assert.match(refusal.text, expected);
  });
}

// Kills: the members of another object; a list where there is none.
test('a refusal says which members and words are accepted, where there is a list of them', () => {
  const accepted = (given: Json) => asRefusal(parseShape(shape, given), 'requestInvalid').accepted;
  assert.deepEqual(accepted({ count: 1, mode: 'medium' }), ['Fast', 'Slow']);
  assert.deepEqual(accepted({ count: 1, list: [{ id: 1 }, { id: 1, ix: 2 }] }), ['id']);
  assert.ok(accepted({ count: 1, toString: 1 })?.includes('count'));
  assert.equal(accepted({}), undefined);
  assert.equal(accepted({ count: 0 }), undefined);
});

test('what fits comes back as it is, words as they are listed', () => {
  const given = {
    count: 3,
    size: 0,
    mode: 'SLOW',
    name: 'xy',
    list: [{ id: 7 }],
    names: ['a', 'b'],
    custom: { nested: [null] },
    any: [null],
  };
  assert.deepEqual(parseShape(shape, given), { ...given, mode: 'Slow' });
});

test('title data is not copied: keys that objects inherit and exact numbers stay', () => {
  const custom = parseExactJson('{"__proto__":{"a":1.50},"constructor":null}');
  const parsed = parseShape(shape, { count: 1, custom, any: custom }) as {
    custom: Json;
    any: Json;
  };
  assert.equal(parsed.custom, custom);
  assert.equal(parsed.any, custom);
});

test('every problem is listed, below the root that is given', () => {
  const checked = checkShape(shape, { count: 0, size: -1 }, '$.a');
  assert.ok('problems' in checked);
  assert.deepEqual(
    checked.problems.map(({ path }) => path),
    ['$.a.count', '$.a.size'],
  );
});

/** `items`, and which of them were checked. */
function watched(items: readonly unknown[]): {
  readonly array: readonly unknown[];
  readonly looked: () => readonly string[];
} {
  const looked: string[] = [];
  const array = new Proxy([...items], {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) looked.push(key);
      return Reflect.get(target, key, receiver);
    },
  });
  return { array, looked: () => looked };
}

// Kills: v.array before the length; a validation that goes on after the first problem.
test('of a list that is too long no item is looked at, and none after the first that is wrong', () => {
  const shapeOfList = exactObject({
    few: v.optional(list(integer(0), { lengthMax: 3 }, 'an array of at most 3 numbers')),
    many: v.optional(v.array(integer(0), 'Expected an array')),
  });
  const tooLong = watched([-1, -1, -1, -1]);
  asRefusal(parseShape(shapeOfList, { few: tooLong.array }), 'requestInvalid');
  assert.deepEqual(tooLong.looked(), []);

  const wrong = watched([1, -1, -1, -1]);
  const refusal = asRefusal(parseShape(shapeOfList, { many: wrong.array }), 'requestInvalid');
  assert.equal(refusal.detail, '$.many[1]');
  assert.deepEqual(wrong.looked(), ['0', '1']);
});

test('a name of any length is shown in a short path', () => {
  const given = { count: 1, [`x${'y'.repeat(100_000)}`]: 1 };
  const { detail = '', text } = asRefusal(parseShape(shape, given), 'requestInvalid');
  assert.match(detail, /^\$\["xy+"…\]$/);
  assert.ok(detail.length < 250 && text.length < 400, `${detail.length}, ${text.length}`);
});
