/** The cost of names that clients choose: unique ones cost no more than common ones. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { packCandidate, type CandidateValues } from '../domain/search/candidate.ts';
import { createSearchIndex, type SearchIndex } from './search-index.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const handles = 2_000;
const names = 20;

/** Bytes of heap of an index with so many handles, each with these attributes and tags. */
function bytesOf(nameOf: (kind: string, n: number) => string): {
  readonly index: SearchIndex;
  readonly bytes: number;
} {
  collectGarbage();
  const before = process.memoryUsage();
  const index = createSearchIndex();
  for (let handle = 0; handle < handles; handle += 1) {
    const each = Array.from({ length: names }, (_, n) => n);
    const held: CandidateValues = {
      values: {
        'session/postedTime': handle,
        'session/membersCount': 1,
        ...Object.fromEntries(each.map((n) => [`numbers/${nameOf('n', n)}`, handle + n])),
        ...Object.fromEntries(each.map((n) => [`strings/${nameOf('s', n)}`, 'some value'])),
      },
      lists: { tags: each.map((n) => nameOf('t', n)) },
    };
    const key = `scid~template~${handle}`;
    index.put(key, 1, packCandidate(key, handle, held));
  }
  collectGarbage();
  const after = process.memoryUsage();
  const grown = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
  return { index, bytes: grown };
}

// Kills: an index for each existing name; a text for each name of each handle.
test('handles with names of their own take no more than three times what those with common ones take', () => {
  const common = bytesOf((kind, n) => `${kind}${'x'.repeat(28)}${n + 10}`);
  let others = 0;
  const hostile = bytesOf((kind) => {
    others += 1;
    return kind + String(others).padStart(30, 'x');
  });
  assert.equal(common.index.size + hostile.index.size, 2 * handles);
  const ratio = hostile.bytes / common.bytes;
  assert.ok(ratio < 3, `${hostile.bytes} bytes to ${common.bytes}`);
});
