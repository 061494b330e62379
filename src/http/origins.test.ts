import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPreflight, openOrigins } from './origins.ts';

const aRequest = { isForPages: true, isPreflight: false };
const aPreflight = { isForPages: true, isPreflight: true };

const guarded = openOrigins({
  allowed: ['loopback'],
  isGuarded: true,
  hostNames: ['mpsd.example'],
});
const open = openOrigins({
  allowed: ['https://play.example'],
  isGuarded: false,
  hostNames: [],
});

const hosts: readonly (readonly [host: string | undefined, isOwn: boolean])[] = [
  [undefined, true],
  ['127.0.0.1:8350', true],
  ['[::1]:8350', true],
  ['10.0.0.7', true],
  ['localhost', true],
  ['LOCALHOST.:8350', true],
  ['a.localhost', true],
  ['mybox:8350', true],
  ['mybox.local', true],
  ['openmpsd.games.svc.cluster.local:80', true],
  ['host.docker.internal:8350', true],
  ['sessiondirectory.xboxlive.com', true],
  ['MPSD.example:1', true],
  ['evil.example', false],
  ['127.0.0.1.evil.example:8350', false],
  ['localhost.evil.example', false],
  ['evilxboxlive.com', false],
  ['xboxlive.com.evil.example', false],
  ['127.0.0.1@evil.example', false],
];

for (const [host, isOwn] of hosts) {
  test(`a guarded server is ${isOwn ? '' : 'not '}called ${host}`, () => {
    const code = guarded.mayAsk(host, undefined, aRequest)?.code;
    assert.equal(code, isOwn ? undefined : 'hostForbidden');
    assert.equal(open.mayAsk(host, undefined, aRequest), undefined);
  });
}

// Kills: the last host remembered before it was found to be an own one.
test('a name that is refused is refused again', () => {
  for (let i = 0; i < 2; i += 1) {
    assert.equal(guarded.mayAsk('evil.example', undefined, aRequest)?.code, 'hostForbidden');
  }
});

const origins: readonly (readonly [
  origin: string,
  host: string,
  mayAsk: boolean,
  mayRead: boolean,
])[] = [
  ['http://localhost:5173', '127.0.0.1:8350', true, true],
  ['https://app.localhost', '127.0.0.1:8350', true, true],
  ['http://127.0.0.1:1', '127.0.0.1:8350', true, true],
  ['http://[::1]:5173', 'localhost:8350', true, true],
  ['http://mybox:8350', 'mybox:8350', true, false],
  ['https://www.xboxlive.com', '127.0.0.1:8350', true, false],
  ['http://evil.example', '127.0.0.1:8350', false, false],
  ['http://localhost.evil.example', '127.0.0.1:8350', false, false],
  ['http://127.0.0.1.evil.example', '127.0.0.1:8350', false, false],
  ['http://10.0.0.7', '127.0.0.1:8350', false, false],
  ['https://evilxboxlive.com', '127.0.0.1:8350', false, false],
  ['null', '127.0.0.1:8350', false, false],
  ['', '127.0.0.1:8350', false, false],
];

for (const [origin, host, mayAsk, mayRead] of origins) {
  test(`a page of ${JSON.stringify(origin)} ${mayAsk ? 'may' : 'may not'} ask ${host}`, () => {
    const refusal = guarded.mayAsk(host, origin, aRequest);
    assert.equal(refusal?.code, mayAsk ? undefined : 'originForbidden');
    const shared = guarded.sharing(origin)['Access-Control-Allow-Origin'];
    assert.equal(shared, mayRead ? origin : undefined);
    assert.equal(guarded.sharing(origin)['Vary'], 'Origin');
  });
}

test('where a token is needed only preflights of strangers are refused, and answers are not shared', () => {
  assert.equal(open.mayAsk('x.example', 'http://evil.example', aRequest), undefined);
  assert.equal(
    open.mayAsk('x.example', 'http://evil.example', aPreflight)?.code,
    'originForbidden',
  );
  assert.equal(open.sharing('http://evil.example')['Access-Control-Allow-Origin'], undefined);
  assert.equal(open.mayAsk('x.example', 'https://Play.example', aPreflight), undefined);
  assert.equal(
    open.sharing('https://play.example')['Access-Control-Allow-Origin'],
    'https://play.example',
  );
});

test('what is not for pages answers none of another origin, allowed or not', () => {
  for (const isPreflight of [false, true]) {
    const asked = { isForPages: false, isPreflight };
    for (const origin of ['http://localhost:5173', 'http://evil.example', 'null']) {
      assert.equal(guarded.mayAsk('127.0.0.1:8350', origin, asked)?.code, 'originForbidden');
    }
    assert.equal(guarded.mayAsk('127.0.0.1:8350', 'http://127.0.0.1:8350', asked), undefined);
  }
});

test('a preflight is answered with what it asked for, but for what is no list of names', () => {
  const answer = formatPreflight('PUT', {
    'access-control-request-headers': 'authorization,x-xbl-contract-version',
    'access-control-request-private-network': 'true',
  });
  assert.equal(answer['Access-Control-Allow-Methods'], 'PUT');
  assert.equal(answer['Access-Control-Allow-Headers'], 'authorization,x-xbl-contract-version');
  assert.equal(answer['Access-Control-Allow-Private-Network'], 'true');
  const odd = formatPreflight('GET', { 'access-control-request-headers': 'a: b' });
  assert.equal(odd['Access-Control-Allow-Headers'], undefined);
});
