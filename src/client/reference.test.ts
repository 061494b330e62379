import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatSessionPath, parseContentLocation } from './reference.ts';

const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';

/** @source docs/wire/handles.md "Through a handle" */
test('a Content-Location names a session, as a path or a URL, in any case', () => {
  const expected = { scid, templateName: 'Lobby', name: 'a b' };
  for (const location of [
    `/serviceconfigs/${scid}/sessionTemplates/Lobby/sessions/a%20b`,
    `/serviceConfigs/${scid}/sessiontemplates/Lobby/Sessions/a%20b`,
    `https://directory.test:8350/serviceconfigs/${scid}/sessionTemplates/Lobby/sessions/a%20b`,
  ]) {
    assert.deepEqual(parseContentLocation(location), expected);
  }
  for (const location of [
    '',
    '/handles/1',
    `/serviceconfigs/${scid}/sessionTemplates/Lobby`,
    `/serviceconfigs/${scid}/sessionTemplates/Lobby/sessions/`,
    `/serviceconfigs/${scid}/sessionTemplates/Lobby/sessions/a/members`,
    `/x/serviceconfigs/${scid}/sessionTemplates/Lobby/sessions/a`,
    `/serviceconfigs/${scid}/sessionTemplates/Lobby/sessions/%`,
  ]) {
    assert.equal(parseContentLocation(location), undefined, location);
  }
});

// Kills: a part that is not encoded, or not decoded again.
test('a path that was formatted names the same session again', () => {
  const part = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 100 })
    .filter((name) => name !== '.' && name !== '..' && name.isWellFormed());
  fc.assert(
    fc.property(part, part, (templateName, name) => {
      const reference = { scid, templateName, name };
      const path = formatSessionPath(reference);
      assert.deepEqual(parseContentLocation(path), reference);
      assert.equal(new URL(path, 'http://directory.test').pathname, path);
    }),
  );
});
