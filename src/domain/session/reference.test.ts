import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRefusal, sampleReference } from '../../testing/samples.ts';
import { isGuid } from '../ids.ts';
import type { RefusalCode } from '../refusal.ts';
import {
  correlationIdOf,
  formatSessionPath,
  isName,
  keyOf,
  parseSessionReference,
  type SessionReference,
} from './reference.ts';

const shouted: SessionReference = {
  scid: sampleReference.scid.toUpperCase(),
  templateName: sampleReference.templateName.toUpperCase(),
  name: sampleReference.name.toUpperCase(),
};

// @source docs/wire/unknowns.md "letter case of a scid"
test('references are compared without regard to case', () => {
  assert.equal(keyOf(sampleReference), keyOf(shouted));
  assert.equal(
    keyOf(sampleReference),
    'bd6c41c3-01c3-468a-a3b5-3e0fe8133862~deathmatch~session-49',
  );
});

test('the correlation id is a GUID that depends on nothing but which session it is', () => {
  assert.ok(isGuid(correlationIdOf(sampleReference)));
  assert.equal(correlationIdOf(sampleReference), correlationIdOf(shouted));
  assert.notEqual(
    correlationIdOf(sampleReference),
    correlationIdOf({ ...sampleReference, name: 'session-50' }),
  );
});

test('the path has the spelling that clients split, each part percent-encoded', () => {
  assert.equal(
    formatSessionPath({ ...sampleReference, name: 'a b%&ü' }),
    `/serviceconfigs/${sampleReference.scid}/sessionTemplates/DeathMatch/sessions/a%20b%25%26%C3%BC`,
  );
});

const names: readonly (readonly [name: string, is: boolean])[] = [
  ['a', true],
  ['5E361402-0000-4000-8000-000000000001', true],
  ['with space, $ and "quotes"', true],
  ['ünïcödé 🎮', true],
  ['__proto__', true],
  ['x'.repeat(100), true],
  ['x'.repeat(101), false],
  ['', false],
  ['a/b', false],
  ['a~b', false],
  ['a\\b', false],
  ['a?b', false],
  ['a#b', false],
  ['.', false],
  ['..', false],
  ['...', true],
  ['.a', true],
  ['a\nb', false],
  ['a\u0000b', false],
  ['a\u007fb', false],
  ['a\u0085b', false],
  ['a\ud800b', false],
];

for (const [name, is] of names) {
  test(`${JSON.stringify(name)} is ${is ? 'a' : 'no'} name`, () => assert.equal(isName(name), is));
}

test('a reference is kept in the letter case of the path', () => {
  assert.deepEqual(parseSessionReference(sampleReference), sampleReference);
});

const refused: readonly (readonly [
  part: Partial<SessionReference>,
  code: RefusalCode,
  detail?: string,
])[] = [
  [{ scid: 'no-guid' }, 'serviceConfigUnknown'],
  [{ scid: '' }, 'serviceConfigUnknown'],
  [{ templateName: 'a~b' }, 'nameInvalid', 'templateName'],
  [{ templateName: '' }, 'nameInvalid', 'templateName'],
  [{ name: 'x'.repeat(101) }, 'nameInvalid', 'name'],
  [{ name: 'a\tb' }, 'nameInvalid', 'name'],
];

// Kills: `..` at the end of a sentence, which reads as an ellipsis.
test('the refusal of a name says what names are', () => {
  const refusal = asRefusal(
    parseSessionReference({ ...sampleReference, name: '..' }),
    'nameInvalid',
  );
  assert.match(
    refusal.text,
    /^The name of the session is not valid\. Expected a name of 1 to 100 /,
  );
  assert.match(refusal.text, /neither "\." nor "\.\.", .* control characters\.$/);
});

for (const [part, code, detail] of refused) {
  test(`a path with ${JSON.stringify(part).slice(0, 40)} is refused as ${code}`, () => {
    const refusal = asRefusal(parseSessionReference({ ...sampleReference, ...part }), code);
    assert.equal(refusal.detail, detail);
  });
}
