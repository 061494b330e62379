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

// Kills: an index that keeps a revision which a failover has lost, until the session is past it.
test('what was read counts whatever its revision, unless the index has changed meanwhile', () => {
  const { index, candidate } = indexOfOne();
  const lost = change(index, 10);
  const next = packCandidate(key, 5, { values: {}, lists: {} });
  index.putRead(key, lost, { revision: 8, candidate: next });
  const read = index.known(key);
  assert.deepEqual([read?.revision, read?.createTimeMs], [8, 5]);
  assert.equal(index.staleKeys.size, 0);
  // Read before the last put: which is later?
  for (const before of [candidate, lost, undefined]) {
    index.putRead(key, before, { revision: 9, candidate: undefined });
    assert.equal(index.known(key), read);
    assert.ok(index.staleKeys.delete(key));
  }
  index.putRead(key, read, { revision: 0, candidate: undefined });
  assert.equal(index.known(key), undefined);
});

// Kills: a commit after a failover that the index takes for an old one, and no search reads it again.
test('a commit of a lower or unknown revision makes the session stale', () => {
  const { index } = indexOfOne();
  const newest = change(index, 10);
  for (const revision of [9, undefined]) {
    index.put(key, revision, packCandidate(key, 5, { values: {}, lists: {} }));
    assert.equal(index.known(key), newest);
    assert.ok(index.staleKeys.delete(key));
  }
  index.put(key, 10, undefined);
  assert.equal(index.known(key), undefined);
});

// Kills: bytes of UTF-8 in place of what V8 keeps, which is two for each character once one needs two.
test('texts take the memory that they may take', () => {
  const isKept = (text: string): boolean => {
    const { index, candidate } = indexOfOne(1_000);
    index.keepText(candidate, { ...result, text });
    return index.findText(candidate, 1, 0) !== undefined;
  };
  assert.equal(isKept('x'.repeat(700)), true);
  assert.equal(isKept('x'.repeat(800)), false);
  assert.equal(isKept('é'.repeat(700)), true);
  assert.equal(isKept(`😀${'x'.repeat(370)}`), true);
  assert.equal(isKept(`😀${'x'.repeat(400)}`), false);
});

// Kills: a form that replaces another one; forms that are counted as one.
test('each form of a result is kept, and all forms count', () => {
  const { index, candidate } = indexOfOne(2_000);
  const form = (number: number) => ({ ...result, form: number, text: String(number).repeat(400) });
  const kept = () => [1, 2, 3, 4].map((one) => index.findText(candidate, one, 0)?.[0]);
  for (const one of [1, 2, 3]) index.keepText(candidate, form(one));
  assert.deepEqual(kept(), ['1', '2', '3', undefined]);
  index.keepText(candidate, form(2));
  assert.deepEqual(kept(), ['1', '2', '3', undefined]);
  // 4 × 650 are more than 2,000.
  index.keepText(candidate, form(4));
  assert.deepEqual(kept(), [undefined, undefined, undefined, undefined]);
});
