import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRefusal, notRefused } from '../../testing/samples.ts';
import { limits } from '../limits.ts';
import { formatFilter } from './filter.ts';
import { parseFilter } from './parser.ts';

/** Each row: the filter, the character where it goes wrong, what was expected there, what was found. */
const wrong: readonly (readonly [filter: string, at: number, expected: string, found: string])[] = [
  ['', 1, 'a condition or a value', 'the end'],
  ['   ', 4, 'a condition or a value', 'the end'],
  ['and', 1, 'a condition or a value', '"and"'],
  ['numbers/x eq 1 and', 19, 'a condition or a value', 'the end'],
  ['numbers/x eq 1 and or numbers/x eq 2', 20, 'a condition or a value', '"or"'],
  ['not', 4, 'a condition or a value', 'the end'],
  ['numbers/x', 10, 'an operator (eq, ne, gt, ge, lt, le)', 'the end'],
  ['numbers/x = 1', 11, 'an operator (eq, ne, gt, ge, lt, le)', '"="'],
  ['numbers/x eq', 13, 'a condition or a value', 'the end'],
  ['(numbers/x eq 1', 16, '")"', 'the end'],
  ['numbers/x eq 1)', 15, 'and, or, or the end', '")"'],
  ['numbers/x eq 1 numbers/y eq 2', 16, 'and, or, or the end', '"numbers/y"'],
  ['numbers/x eq 5 gt 3', 16, 'and, or, eq true, or the end', '"gt"'],
  ['(numbers/x eq 5) eq 5', 21, 'true or false', '"5"'],
  ["numbers/x eq '5'", 14, 'a number, since numbers/x is one', "the string '5'"],
  ['strings/x eq 5', 14, 'a string in single quotes, since strings/x is one', 'the number 5'],
  ['strings/x eq "5"', 14, 'a condition or a value', '"""'],
  ["strings/x eq 'ab", 17, "the quote (') that ends the string begun at character 14", 'the end'],
  ['numbers/x eq 5x', 14, 'a number such as 15 or -1.5', '"5x"'],
  ['numbers/x eq 1.2.3', 14, 'a number such as 15 or -1.5', '"1.2.3"'],
  ['numbers/x eq 1e999', 14, 'a number below 1.8e308', '"1e999"'],
  ['numbers/x eq numbers/y', 14, 'a value: a number, or a string in single quotes', 'a name'],
  ["tags eq 'x'", 1, "tags/any(d:d eq 'x'), since tags is a list", '"tags"'],
  ["numbers/any(d:d eq 'x')", 1, 'a list (tags, achievementIds,', '"numbers"'],
  ['tags/any()', 10, "a variable, as in any(d:d eq 'x')", '")"'],
  ["tags/any(and:and eq 'x')", 10, "a variable, as in any(d:d eq 'x')", '"and"'],
  ["tags/any(d d eq 'x')", 12, '":" after the variable', '"d"'],
  ["tags/any(d:d eq 'x'", 20, '")"', 'the end'],
  ["tags/any(d:e eq 'x')", 12, 'tags, numbers/{name}, strings/{name},', '"e"'],
  ["tags/any(d:d eq 'x') and d eq 'x'", 26, 'tags, numbers/{name}, strings/{name},', '"d"'],
  ["tags/any(d:d gt 'x')", 12, 'eq or ne after it, since a list has no order', 'gt'],
  ['tags/any(d:d eq 5)', 17, 'a string in single quotes', 'the number 5'],
  ["tags/elite gt 'x'", 12, 'eq or ne', '"gt"'],
  ['tags/elite gt true', 12, 'and, or, eq true, or the end', '"gt"'],
  ["session/closed eq 'x'", 19, 'true or false', "the string 'x'"],
  ["'x' eq session/closed", 1, 'true or false', "the string 'x'"],
  [
    "session/postedTime lt 'yesterday'",
    23,
    "a time such as '2009-06-15T13:45:30.0900000Z'",
    "the string 'yesterday'",
  ],
  ["session/postedTime lt '2009-06-15'", 23, 'a time such as', "the string '2009-06-15'"],
  ['session/postedTime lt 5', 23, 'a time such as', 'the number 5'],
  ["foo/bar eq 'x'", 1, 'tags, numbers/{name}, strings/{name},', '"foo/bar"'],
  ['session/roles/lfg/confirmed/most eq 1', 1, 'tags, numbers/{name},', '"session/roles'],
  ['numbers/x/y eq 1', 1, 'tags, numbers/{name},', '"numbers/x/y"'],
  ["tolower(numbers/x) eq 'a'", 9, 'a string within tolower( )', 'a number'],
  ["tolower(strings/x eq 'a'", 19, '")"', '"eq"'],
  ["toupper(strings/x) eq 'a'", 1, 'tags, numbers/{name},', '"toupper"'],
  ['1 eq 1', 6, 'a name to compare with', 'a value'],
  [
    'strings/mode eq elite',
    17,
    'tags, numbers/{name}, strings/{name}, achievementIds, language, locale or session/{field}, or a string in single quotes',
    '"elite"',
  ],
];

/** @source docs/wire/search.md "POST /handles/query" */
test('what does not parse tells where, what was expected, and what was there', () => {
  for (const [text, at, expected, found] of wrong) {
    const refusal = asRefusal(parseFilter(text), 'filterInvalid');
    assert.equal(refusal.detail, `$.filter character ${at}`, text);
    const start = `$.filter, character ${at}: Expected ${expected}`;
    assert.ok(refusal.text.startsWith(start), `${text}\n${refusal.text}\n${start}`);
    assert.ok(refusal.text.includes(`; found ${found}`), `${text}\n${refusal.text}\n${found}`);
  }
});

test('nesting is bounded, and one level less is read', () => {
  const nested = {
    parentheses: (depth: number) => `${'('.repeat(depth)}numbers/x eq 1${')'.repeat(depth)}`,
    not: (depth: number) => `${'not '.repeat(depth)}numbers/x eq 1`,
    tolower: (depth: number) => `${'tolower('.repeat(depth)}strings/x${')'.repeat(depth)} eq 'a'`,
    any: (depth: number) => `${'tags/any(d:'.repeat(depth)}d eq 'a'${')'.repeat(depth)}`,
  };
  for (const [kind, nest] of Object.entries(nested)) {
    notRefused(parseFilter(nest(limits.filterDepthMax)));
    const refusal = asRefusal(parseFilter(nest(limits.filterDepthMax + 1)), 'filterInvalid');
    assert.ok(refusal.text.includes('at most 32 levels of nesting'), kind);
  }
  // Only the depth is limited: side by side there may be more.
  const row = Array.from({ length: limits.filterDepthMax + 1 }, () => '(not numbers/x eq 1)');
  notRefused(parseFilter(row.join(' and ')));
});

test('the length is bounded, and one character less is read', () => {
  const filling = (length: number) => {
    const frame = "strings/x eq ''";
    return `strings/x eq '${'a'.repeat(length - frame.length)}'`;
  };
  notRefused(parseFilter(filling(limits.filterCharactersMax)));
  const refusal = asRefusal(parseFilter(filling(limits.filterCharactersMax + 1)), 'filterInvalid');
  assert.ok(refusal.text.includes('at most 4096 characters; found 4097 characters'), refusal.text);
});

test('the text of a filter is canonical', () => {
  for (const [text, canonical] of [
    ["TAGS/any(x:toLower(x) EQ 'Elite')", "tags/any(d:d eq 'elite')"],
    ["Tags/elite ne 'v'", "not tags/any(d:d eq 'elite')"],
    ['15 lt number/GUNS', 'numbers/guns gt 15'],
    ['(session/closed) eq false', 'not session/closed'],
    [
      "SESSION/POSTEDTIME lt '2009-06-15T00:00:00Z'",
      "session/postedTime lt '2009-06-15T00:00:00.0000000Z'",
    ],
    [
      "string/x eq 'It''s' or (number/y ge -0 and numbers/z ne 1e21)",
      "strings/x eq 'it''s' or (numbers/y ge 0 and numbers/z ne 1e+21)",
    ],
  ] as const) {
    assert.equal(formatFilter(notRefused(parseFilter(text))), canonical);
  }
});
