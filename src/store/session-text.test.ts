import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatJson } from '../domain/json.ts';
import { ada, bert, sessionOf } from '../testing/samples.ts';
import { formatStoredSession } from './session-text.ts';

test('the text holds the session, also after one of its members has changed', () => {
  const session = sessionOf([ada, bert]);
  const [first, ...others] = session.members;
  assert.ok(first !== undefined);
  const changed = { ...session, members: [{ ...first, gamertag: 'Ada II' }, ...others] };
  for (const one of [session, changed, { ...session, members: [] }]) {
    assert.equal(formatStoredSession(one), formatJson(one));
  }
});
