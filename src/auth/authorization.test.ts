import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { parseAuthorization } from './authorization.ts';

const accepted: readonly [header: string, form: string, token: string, userHash: string][] = [
  ['XBL3.0 x=2533;a.b.c', 'jwt', 'a.b.c', '2533'],
  ['XBL3.0 x=-;a.b.c', 'jwt', 'a.b.c', '-'],
  ['XBL3.0 x=;a.b.c', 'jwt', 'a.b.c', ''],
  ['xbl3.0 X=-;a.b.', 'jwt', 'a.b.', '-'],
  ['  XBL3.0  x=-;a.b.c ', 'jwt', 'a.b.c', '-'],
  ['Bearer a.b.c', 'jwt', 'a.b.c', ''],
  ['bearer  a.b.c', 'jwt', 'a.b.c', ''],
  ['Bearer xuid=1&gtg=Ada', 'development', 'xuid=1&gtg=Ada', ''],
  ['XBL3.0 x=-;xuid=1&gtg=a.b.c', 'development', 'xuid=1&gtg=a.b.c', '-'],
  ['XBL3.0 x=-;xuid=1;gtg=2', 'development', 'xuid=1;gtg=2', '-'],
  ['XBL3.0 x=-;nobody=1', 'development', 'nobody=1', '-'],
  ['XBL3.0 x=123;a.b.c.d.e', 'encrypted', 'a.b.c.d.e', '123'],
  ['XBL3.0 x=123;a..c.d.e', 'encrypted', 'a..c.d.e', '123'],
];

test('the token of a header is parsed with its form and user hash, in any letter case', () => {
  for (const [header, form, token, userHash] of accepted) {
    assert.deepEqual(parseAuthorization(header), { form, token, userHash }, header);
  }
});

const refused: readonly [header: string, text: RegExp][] = [
  ['', /header is missing/],
  ['Basic YTpi', /not of the form "XBL3\.0 x=.*Bearer <token>/],
  ['Bearer', /not of the form/],
  ['Bearera.b.c', /not of the form/],
  ['Bearer a.b', /neither a JWT/],
  ['XBL2.0 x=1;a.b.c', /not of the form/],
  ['XBL3.0 a.b.c', /not of the form/],
  ['XBL3.0 x=1', /not of the form/],
  ['XBL3.0x=1;a.b.c', /not of the form/],
  ['XBL3.0 x=1;', /no token behind/],
  ['XBL3.0 x=1;  ', /no token behind/],
  ['XBL3.0 x=1;a.b', /neither a JWT nor a development token/],
  ['XBL3.0 x=1;a.b.c.d', /neither a JWT/],
  ['XBL3.0 x=1;secret', /neither a JWT/],
];

test('where an issuer makes the tokens, a refusal speaks of none of development', () => {
  const texts = ['', 'Bearer secret'].map((header) => {
    const refusal = parseAuthorization(header, 'issued');
    assert.ok(refusal instanceof Refusal);
    return refusal.text;
  });
  assert.match(texts[0] ?? '', /missing; send "Bearer <token>" or "XBL3\.0 .*of the issuer/);
  assert.match(texts[1] ?? '', /no JWT; send the ID token/);
});

test('a header in another form is refused with what is wrong with it', () => {
  for (const [header, text] of refused) {
    const refusal = parseAuthorization(header);
    assert.ok(refusal instanceof Refusal, header);
    assert.equal(refusal.code, 'notAuthenticated');
    assert.match(refusal.text, text, header);
  }
});
