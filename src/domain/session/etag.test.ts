import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, sessionOf, startMs } from '../../testing/samples.ts';
import { formatJson, parseExactJson } from '../json.ts';
import { etagOf } from './etag.ts';
import type { Session } from './session.ts';

const session = sessionOf([ada]);

test('an etag is 32 lower-case hex digits in quotes', () => {
  assert.match(etagOf(session), /^"[0-9a-f]{32}"$/);
});

test('the same state has the same etag, also when it has been to a store and back', () => {
  const stored = parseExactJson(formatJson(session)) as unknown as Session;
  assert.equal(etagOf(stored), etagOf(session));
});

test('another change number or another life has another etag', () => {
  const next = { ...session, changeNumber: 2 };
  const reborn = sessionOf([ada], {
    freshGuid: '17a13f76-0000-4000-8000-000000000002',
    nowMs: startMs,
  });
  assert.equal(new Set([session, next, reborn].map(etagOf)).size, 3);
});

test('branch and change number do not run into each other', () => {
  assert.notEqual(
    etagOf({ ...session, branch: 'a1', changeNumber: 1 }),
    etagOf({ ...session, branch: 'a', changeNumber: 11 }),
  );
});
