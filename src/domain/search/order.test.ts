import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRefusal, notRefused } from '../../testing/samples.ts';
import { packCandidate, type CandidateValues, type SearchCandidate } from './candidate.ts';
import { comparePositions, parseOrder, positionOf } from './order.ts';

function candidate(key: string, values: CandidateValues['values']): SearchCandidate {
  const createTimeMs = Number(values['session/postedTime'] ?? 0);
  return packCandidate(key, createTimeMs, { values, lists: {} });
}

const candidates = [
  candidate('a', { 'session/postedTime': 1, 'numbers/mmr': 10, 'session/membersCount': 3 }),
  candidate('b', { 'session/postedTime': 2, 'numbers/mmr': 9 }),
  candidate('c', { 'session/postedTime': 3, 'strings/mmr': 'gold' }),
  candidate('d', { 'session/postedTime': 4, 'strings/mmr': 'bronze' }),
  candidate('f', { 'session/postedTime': 5 }),
  candidate('e', { 'session/postedTime': 5 }),
];

/** @source docs/wire/search.md "POST /handles/query", docs/wire/unknowns.md "the order of search results" */
test('results come in the order that is asked for', () => {
  for (const [orderBy, ids] of [
    ['timestamp', 'abcdef'],
    ['Timestamp asc', 'abcdef'],
    ['timestamp DESC', 'fedcba'],
    ['session/postedTime desc', 'fedcba'],
    ['numbers/mmr', 'bacdef'],
    ['number/MMR desc', 'abfedc'],
    ['strings/mmr asc', 'dcabef'],
    // Numbers go before strings, and candidates with neither are last, in both directions.
    ['mmr asc', 'badcef'],
    [' mmr   desc ', 'abcdfe'],
    ['session/membersCount', 'abcdef'],
  ] as const) {
    const order = notRefused(parseOrder(orderBy));
    const sorted = [...candidates].sort((a, b) =>
      comparePositions(order, positionOf(order, a), positionOf(order, b)),
    );
    assert.equal(sorted.map(({ key }) => key).join(''), ids, orderBy);
  }
});

test('what is no order is refused', () => {
  for (const text of [
    '',
    'mmr up',
    'mmr asc desc',
    'tags',
    'tags/elite',
    'session/closed',
    'foo/bar',
    'm-r',
    '5',
  ]) {
    assert.equal(asRefusal(parseOrder(text), 'requestInvalid').detail, '$.orderBy', text);
  }
});
