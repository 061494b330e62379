import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MultiplayerError, RtaError } from '../client/multiplayer-service.ts';
import { explainFailedCall } from './server-address.ts';

const url = 'https://127.0.0.1:9';

function noAnswer(text: string): MultiplayerError {
  return new MultiplayerError({ verb: 'GET', path: '/', status: 0, code: 'noAnswer', text });
}

const cases: readonly (readonly [what: string, text: string, said: RegExp])[] = [
  ['nobody listens', 'fetch failed: connect ECONNREFUSED', /^nothing answers at .*npm start/],
  [
    'a certificate that is not trusted',
    'fetch failed: self-signed certificate in certificate chain',
    /certificate of https:.* is not trusted \(.*self-signed.*NODE_EXTRA_CA_CERTS/,
  ],
  [
    'a server without TLS',
    'fetch failed: SSL routines:ssl3_get_record:wrong version number',
    /does not speak TLS; is it http/,
  ],
];

for (const [what, text, said] of cases) {
  test(`${what}: the sentence says it`, () => {
    assert.match(String(explainFailedCall(noAnswer(text), url)), said);
    const lost = new RtaError('lost', { cause: noAnswer(text) });
    assert.match(String(explainFailedCall(lost, url)), said);
  });
}

test('a server that was there is gone', () => {
  const said = explainFailedCall(noAnswer('fetch failed'), url, { wasThere: true });
  assert.match(String(said), /has ended, or cannot be reached any more/);
  assert.equal(explainFailedCall(new TypeError('a bug'), url), undefined);
});
