import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packCandidate } from '../domain/search/candidate.ts';
import { createSearchIndex, type KnownCandidate, type SearchIndex } from './search-index.ts';

const key = 'scid~template~name';
const result = { text: '{}', form: 1, dueMs: 2_000 };

function indexOfOne(textBytesMax = 10_000): { index: SearchIndex; candidate: KnownCandidate } {
  const index = createSearchIndex({ textBytesMax });
  return { index, candidate: change(index, 1) };
}

/** The candidate that the index now has of the session. */
function change(index: SearchIndex, revision: number): KnownCandidate {
  index.put(key, revision, packCandidate(key, 0, { values: {}, lists: {} }));
  return index.known(key) ?? assert.fail();
}

test('a text is found in its form, until the session changes by time', () => {
  const { index, candidate } = indexOfOne();
  assert.equal(index.findText(candidate, 1, 1_999), undefined);
  index.keepText(candidate, result);
  assert.equal(index.findText(candidate, 1, 1_999), '{}');
  assert.equal(index.findText(candidate, 2, 1_999), undefined);
  assert.equal(index.findText(candidate, 1, 2_000), undefined);
});

test('a text belongs to one candidate, and not to the next of the session', () => {
  const { index, candidate } = indexOfOne();
  index.keepText(candidate, result);
  const next = change(index, 2);
  assert.equal(index.findText(next, 1, 0), undefined);
  index.keepText(candidate, result);
  assert.equal(index.findText(next, 1, 0), undefined);
  index.keepText(next, result);
  assert.equal(index.findText(candidate, 1, 0), undefined);
  assert.equal(index.findText(next, 1, 0), '{}');
  index.put(key, 3, undefined);
  assert.equal(index.findText(change(index, 1), 1, 0), undefined);
});

test('no text of a stale session is found or kept', () => {
  const { index, candidate } = indexOfOne();
  index.keepText(candidate, result);
  index.noteStale(key);
  assert.equal(index.findText(candidate, 1, 0), undefined);
  index.keepText(candidate, { ...result, text: '{"a":1}' });
  index.staleKeys.delete(key);
  assert.equal(index.findText(candidate, 1, 0), '{}');
});

test('texts take the memory that they may take', () => {
  const { index, candidate } = indexOfOne(1_000);
  index.keepText(candidate, { ...result, text: 'x'.repeat(700) });
  assert.notEqual(index.findText(candidate, 1, 0), undefined);
  index.keepText(candidate, { ...result, text: 'é'.repeat(700) });
  assert.equal(index.findText(candidate, 1, 0), undefined);
});
