import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from './routes.ts';

// Kills: a query that, while the store is away, says that it may have written; a write that says it did not.
test('these requests with a body change nothing, or do so with some queries alone', () => {
  const reading = routes.filter(({ onlyReads }) => onlyReads).map((r) => `${r.method} ${r.path}`);
  assert.deepEqual(reading.toSorted(), [
    'POST /activities/query/dashboard',
    'POST /handles/query',
    'POST /serviceconfigs/{scid}/batch',
    'POST /serviceconfigs/{scid}/sessiontemplates/{templateName}/batch',
    'POST /titles/{titleId}/activities/query',
    'POST /users/batch',
    'POST /users/batch/profile/settings',
    'POST /users/{owner}/people/batch',
    'POST /users/{owner}/people/batch/decoration/{decorations}',
    'POST /users/{owner}/people/xuids',
    'POST /users/{requestor}/permission/validate',
  ]);
});
