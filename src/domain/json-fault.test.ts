import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findJsonFault } from './json-fault.ts';

const faults: readonly (readonly [text: string, place: string, expected: string, found: string])[] =
  [
    ['', '1:1', 'a value', 'the end'],
    [' \n ', '2:2', 'a value', 'the end'],
    ['{', '1:2', 'a key in double quotes or "}"', 'the end'],
    ['{"a":1,}', '1:8', 'a key in double quotes', '"}"'],
    ['{"a":1\n "b":2}', '2:2', '"," or "}"', '"\\""'],
    ['{a:1}', '1:2', 'a key in double quotes or "}"', '"a"'],
    ["{'a':1}", '1:2', 'a key in double quotes or "}"', '"\'"'],
    ['{"a" 1}', '1:6', '":"', '"1"'],
    ['{"a":}', '1:6', 'a value', '"}"'],
    ['{"a":undefined}', '1:6', 'a value', '"u"'],
    ['{"a":NaN}', '1:6', 'a value', '"N"'],
    ['[1 2]', '1:4', '"," or "]"', '"2"'],
    ['[1,]', '1:4', 'a value', '"]"'],
    ['[,]', '1:2', 'a value or "]"', '","'],
    ['[1}', '1:3', '"," or "]"', '"}"'],
    ['{}{}', '1:3', 'the end', '"{"'],
    ['01', '1:2', 'the end', '"1"'],
    ['1.', '1:2', 'the end', '"."'],
    ['+1', '1:1', 'a value', '"+"'],
    ['// no\n{}', '1:1', 'a value', '"/"'],
    ['"ab', '1:4', 'the closing quote of a string', 'the end'],
    ['"a\nb"', '1:3', 'no control character within a string; write it as an escape', '"\\n"'],
    ['"\\x41"', '1:2', 'an escape such as \\n or \\u00e9', '"\\\\"'],
    ['\r\n\t{"a":\u00a01}', '2:7', 'a value', '"\u00a0"'],
    ['["\u{1f600}" \u{1f600}]', '1:7', '"," or "]"', '"\u{1f600}"'],
  ];

for (const [text, place, expected, found] of faults) {
  test(`the fault of ${JSON.stringify(text)} is at ${place}`, () => {
    const fault = findJsonFault(text);
    assert.ok(fault);
    const { line, column, ...rest } = fault;
    assert.deepEqual({ place: `${line}:${column}`, ...rest }, { place, expected, found });
  });
}

test('finds the fault of a text that is nested too deep to recurse', () => {
  assert.equal(findJsonFault('['.repeat(1_000_000))?.column, 1_000_001);
  assert.equal(findJsonFault('['.repeat(100_000) + ']'.repeat(100_000)), undefined);
});
