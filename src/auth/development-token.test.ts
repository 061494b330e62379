import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../domain/refusal.ts';
import { parseDevelopmentToken, startsWithParameter } from './development-token.ts';

test('each parameter becomes its claim, decoded', () => {
  assert.deepEqual(
    parseDevelopmentToken(
      'xuid=1&gtg=Zo%C3%AB+%26+Ada%2B&tid=2&did=d&sbx=XDKS.1&prv=254 255&agg=Adult&svc=s=t',
    ),
    {
      xid: '1',
      gtg: 'Zoë & Ada+',
      tid: '2',
      did: 'd',
      sbx: 'XDKS.1',
      prv: '254 255',
      agg: 'Adult',
      svc: 's=t',
    },
  );
});

const refused: readonly [token: string, text: RegExp][] = [
  ['xuid=1&gamertag=Ada', /unknown parameter "gamertag"; known are xuid, gtg, tid, did, sbx, prv/],
  ['XUID=1', /unknown parameter "XUID"/],
  ['constructor=1', /unknown parameter "constructor"/],
  ['__proto__=1', /unknown parameter "__proto__"/],
  ['xuid=1&xuid=1', /repeats its parameter "xuid"/],
  ['gtg=&xuid=1&gtg=', /repeats its parameter "gtg"/],
  ['xuid=1&', /Part 2 of the development token is not of the form name=value/],
  ['xuid=1&hunter2&tid=1', /Part 2 /],
  ['xuid=1&=hunter2', /Part 2 /],
  ['xuid=1&gtg=100%', /value of parameter "gtg" .* is not URL-encoded/],
  ['xuid=1&gtg=%FF', /value of parameter "gtg"/],
  ['xuid=1&gtg=Zo\u00c3\u00ab', /value of parameter "gtg"/],
];

test('a token that is not understood whole is refused, naming the place and no value', () => {
  for (const [token, text] of refused) {
    const refusal = parseDevelopmentToken(token);
    assert.ok(refusal instanceof Refusal, token);
    assert.equal(refusal.code, 'notAuthenticated');
    assert.match(refusal.text, text);
    assert.doesNotMatch(refusal.text, /hunter2/);
  }
});

test('a ticket is a development token when it starts with a known parameter', () => {
  for (const yes of ['xuid=1', 'gtg=Ada', 'tid=', 'svc=a&b']) assert.ok(startsWithParameter(yes));
  for (const no of ['', '=', 'xuid', 'd=xuid=1', 'EwAYA+', 'p=1', 'xid=1', 'toString=1']) {
    assert.ok(!startsWithParameter(no), no);
  }
});
