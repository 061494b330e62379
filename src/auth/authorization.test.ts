import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { parseAuthorization } from './authorization.ts';

const accepted: readonly [header: string, form: string, token: string][] = [
  ['XBL3.0 x=2533;a.b.c', 'jwt', 'a.b.c'],
  ['XBL3.0 x=-;a.b.c', 'jwt', 'a.b.c'],
  ['XBL3.0 x=;a.b.c', 'jwt', 'a.b.c'],
  ['xbl3.0 X=-;a.b.', 'jwt', 'a.b.'],
  ['  XBL3.0  x=-;a.b.c ', 'jwt', 'a.b.c'],
  ['XBL3.0 x=-;xuid=1&gtg=a.b.c', 'development', 'xuid=1&gtg=a.b.c'],
  ['XBL3.0 x=-;xuid=1;gtg=2', 'development', 'xuid=1;gtg=2'],
  ['XBL3.0 x=-;nobody=1', 'development', 'nobody=1'],
];

test('the token of a header is parsed with its form, whatever the user hash and the letter case', () => {
  for (const [header, form, token] of accepted) {
    assert.deepEqual(parseAuthorization(header), { form, token }, header);
  }
});

const refused: readonly [header: string, text: RegExp][] = [
  ['', /header is missing/],
  ['Bearer a.b.c', /not of the form "XBL3\.0 x=/],
  ['XBL2.0 x=1;a.b.c', /not of the form/],
  ['XBL3.0 a.b.c', /not of the form/],
  ['XBL3.0 x=1', /not of the form/],
  ['XBL3.0x=1;a.b.c', /not of the form/],
  ['XBL3.0 x=1;', /no token after/],
  ['XBL3.0 x=1;  ', /no token after/],
  ['XBL3.0 x=1;a.b', /neither a JWT nor a development token/],
  ['XBL3.0 x=1;a.b.c.d', /neither a JWT/],
  ['XBL3.0 x=1;secret', /neither a JWT/],
  ['XBL3.0 x=1;a..b.c.d', /only Xbox Live can read it/],
];

test('a header in another form is refused with what is wrong with it', () => {
  for (const [header, text] of refused) {
    const refusal = parseAuthorization(header);
    assert.ok(refusal instanceof Refusal, header);
    assert.equal(refusal.code, 'notAuthenticated');
    assert.match(refusal.text, text, header);
  }
});
