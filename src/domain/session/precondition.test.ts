import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, sessionOf } from '../../testing/samples.ts';
import type { RefusalCode } from '../refusal.ts';
import { etagOf } from './etag.ts';
import {
  matchesTags,
  mayWriteUnder,
  parsePreconditions,
  type Preconditions,
} from './precondition.ts';

const session = sessionOf([ada]);
const current = etagOf(session);
const stale = etagOf({ ...session, changeNumber: 7 });

const headers: readonly (readonly [
  headers: Record<string, string | undefined>,
  parsed: Preconditions,
])[] = [
  [{}, {}],
  [{ 'if-match': '', 'if-none-match': '  ' }, {}],
  [{ 'if-match': ',', 'if-none-match': undefined }, {}],
  [{ 'if-match': '*' }, { ifMatch: ['*'] }],
  [{ 'if-none-match': '*' }, { ifNoneMatch: ['*'] }],
  [{ 'if-match': ' "a" , "b"' }, { ifMatch: ['"a"', '"b"'] }],
  [{ 'if-match': 'a, "b"' }, { ifMatch: ['"a"', '"b"'] }],
  [{ 'if-match': 'W/"a"' }, { ifMatch: ['W/"a"'] }],
  [
    { 'if-match': 'W/a', 'if-none-match': 'w/b' },
    { ifMatch: ['W/"a"'], ifNoneMatch: ['"b"'] },
  ],
  [{ 'if-none-match': 'a, W/"b", w/"c", *' }, { ifNoneMatch: ['"a"', '"b"', '"c"', '*'] }],
];

for (const [given, parsed] of headers) {
  // @source docs/wire/unknowns.md "lists of ETags, and an ETag in If-None-Match on PUT"
  test(`the headers ${JSON.stringify(given)} ask for ${JSON.stringify(parsed)}`, () => {
    assert.deepEqual(parsePreconditions(given), parsed);
  });
}

const outcomes: readonly (readonly [
  preconditions: Preconditions,
  onExisting: RefusalCode | undefined,
  onMissing: RefusalCode | undefined,
])[] = [
  [{}, undefined, undefined],
  [{ ifNoneMatch: ['*'] }, 'sessionExists', undefined],
  [{ ifNoneMatch: [current] }, 'sessionExists', undefined],
  [{ ifNoneMatch: [stale] }, undefined, undefined],
  [{ ifMatch: ['*'] }, undefined, 'sessionMissing'],
  [{ ifMatch: [current] }, undefined, 'sessionMissing'],
  [{ ifMatch: [stale] }, 'etagDiffers', 'sessionMissing'],
  [{ ifMatch: [stale, current] }, undefined, 'sessionMissing'],
  [{ ifMatch: ['"MockETag"'] }, 'etagDiffers', 'sessionMissing'],
  [{ ifMatch: [current.slice(1, -1)] }, 'etagDiffers', 'sessionMissing'],
  [{ ifMatch: ['*'], ifNoneMatch: ['*'] }, 'sessionExists', 'sessionMissing'],
];

for (const [preconditions, onExisting, onMissing] of outcomes) {
  // @source docs/wire/unknowns.md "lists of ETags, and an ETag in If-None-Match on PUT"
  test(`${JSON.stringify(preconditions)}: ${onExisting ?? 'goes on'}, without a session ${onMissing ?? 'goes on'}`, () => {
    assert.equal(mayWriteUnder(preconditions, session)?.code, onExisting);
    assert.equal(mayWriteUnder(preconditions, undefined)?.code, onMissing);
  });
}

test('a stale tag is answered with the current one', () => {
  assert.equal(mayWriteUnder({ ifMatch: [stale] }, session)?.detail, current);
});

test('a weak tag never matches a write, and the text says why', () => {
  const refusal = mayWriteUnder(parsePreconditions({ 'if-match': `W/${current}` }), session);
  assert.equal(refusal?.code, 'etagWeak');
  assert.match(refusal.text, /weak tag/);
  assert.doesNotMatch(refusal.text, /has changed/);
});

test('no tag matches what is not there', () => {
  assert.equal(matchesTags(undefined, ['*', current]), false);
  assert.equal(matchesTags(session, [stale, current]), true);
  assert.equal(matchesTags(session, ['*']), true);
  assert.equal(matchesTags(session, [stale]), false);
});
