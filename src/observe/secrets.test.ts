import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bodyWithoutSecrets,
  headersWithoutSecrets,
  replacementOf,
  targetWithoutSecrets,
  textWithoutTokens,
} from './secrets.ts';

test('headers keep everything but what proves who the client is', () => {
  const token = 'x=-;xuid=1001&gtg=Ada';
  assert.deepEqual(
    headersWithoutSecrets({
      authorization: `XBL3.0 ${token}`,
      Signature: 'AAAA',
      'set-cookie': ['a=1', 'b=2'],
      'x-xbl-contract-version': '107',
      absent: undefined,
    }),
    {
      authorization: `XBL3.0 ${replacementOf(token)}`,
      Signature: replacementOf('AAAA'),
      'set-cookie': `${replacementOf('a=1')}, ${replacementOf('b=2')}`,
      'x-xbl-contract-version': '107',
      absent: undefined,
    },
  );
  assert.equal(replacementOf('a'), replacementOf('a'));
  assert.notEqual(replacementOf('a'), replacementOf('b'));
});

test('a query keeps everything but its tokens, however their names are written', () => {
  assert.equal(
    targetWithoutSecrets('/connect?a=%zz&Nonce=n1&%6Eonce=n2&plain'),
    `/connect?a=%zz&Nonce=${replacementOf('n1')}&%6Eonce=${replacementOf('n2')}&plain`,
  );
  assert.equal(targetWithoutSecrets('/nonce'), '/nonce');
  assert.deepEqual(headersWithoutSecrets({ Location: 'https://a/?code=c#access_token=t&x=1' }), {
    Location: `https://a/?code=${replacementOf('c')}#access_token=${replacementOf('t')}&x=1`,
  });
});

// Kills: a secret that is known by the names of one vendor alone.
test('headers that prove who a client is are known by the end of their name', () => {
  for (const name of [
    'X-Authorization',
    'X-EntityToken',
    'X-Auth-Token',
    'X-CSRF-Token',
    'Proxy-Authorization',
    'X-API-Key',
    'Ocp-Apim-Subscription-Key',
    'X-SessionTicket',
    'X-RP-Authorization',
  ]) {
    assert.deepEqual(headersWithoutSecrets({ [name]: 's' }), { [name]: replacementOf('s') });
  }
  const others = { 'Sec-WebSocket-Key': 'k', 'Sec-WebSocket-Accept': 'a', ETag: '"t"' };
  assert.deepEqual(headersWithoutSecrets(others), others);
});

// Kills: a page whose address has a code, which the next request names as its referrer.
test('URLs in headers lose their codes, states and signatures', () => {
  const url = 'https://login.live.com/x?code=c&state=s&client_id=i&SIG=g&X-Amz-Signature=h';
  const shown = `https://login.live.com/x?code=${replacementOf('c')}&state=${replacementOf('s')}&client_id=i&SIG=${replacementOf('g')}&X-Amz-Signature=${replacementOf('h')}`;
  for (const name of ['Referer', 'location', 'Content-Location', 'X-Original-URL']) {
    assert.deepEqual(headersWithoutSecrets({ [name]: url }), { [name]: shown });
  }
});

test('bodies of the login chain lose their tokens; what a game writes is left alone', () => {
  const body = {
    Properties: { SandboxId: 'RETAIL', UserTokens: ['u1'], RpsTicket: 't=1' },
    Token: 'x',
  };
  assert.equal(
    bodyWithoutSecrets('/xsts/authorize', JSON.stringify(body)),
    JSON.stringify({
      Properties: {
        SandboxId: 'RETAIL',
        UserTokens: [replacementOf('u1')],
        RpsTicket: replacementOf('t=1'),
      },
      Token: replacementOf('x'),
    }),
  );
  assert.equal(
    bodyWithoutSecrets('/oauth20_token.srf', 'grant_type=refresh_token&refresh_token=r'),
    `grant_type=refresh_token&refresh_token=${replacementOf('r')}`,
  );
  assert.equal(bodyWithoutSecrets('/nonce', 'n'), replacementOf('n'));
  const session = '{"properties":{"custom":{"code":"ABCD","token":1.50}}}';
  const path = '/serviceconfigs/{scid}/sessionTemplates/{template}/sessions/{name}';
  assert.equal(bodyWithoutSecrets(path, session), session);
  assert.equal(bodyWithoutSecrets('/handles', session), session);
});

// Kills: the token of a voice server, say, that a game has put into a session, handed on in a capture.
test('sessions, handles and frames lose what has the form of a token', () => {
  const textOf = (secret: string) => `{ "custom": {"voice":"${secret}","at":1.50} }`;
  for (const path of ['/serviceconfigs/s/sessionTemplates/t/sessions/n', '/handles']) {
    assert.equal(bodyWithoutSecrets(path, textOf(jwt)), textOf(shownJwt));
  }
  const [value, shown] = [`XBL3.0 x=1;${jwt}`, `XBL3.0 ${replacementOf(`x=1;${shownJwt}`)}`];
  assert.equal(bodyWithoutSecrets('/handles', textOf(value)), textOf(shown));
  assert.equal(textWithoutTokens(`[3,1,${textOf(jwt)}]`), `[3,1,${textOf(shownJwt)}]`);
});

// Kills: a capture that hands on tokens because their service is not ours.
test('bodies of other sign-ins lose their tokens, whatever their path and form', () => {
  const token = replacementOf('t');
  const form = 'grant_type=authorization_code&code=t&client_secret=t&code_verifier=t&assertion=t';
  const shown = `grant_type=authorization_code&code=${token}&client_secret=${token}&code_verifier=${token}&assertion=${token}`;
  for (const path of ['/common/oauth2/v2.0/token', '/Oauth/token', '/connect/token']) {
    assert.equal(bodyWithoutSecrets(path, form), shown);
    assert.equal(bodyWithoutSecrets(path, '{"id_token":"t"}'), `{"id_token":"${token}"}`);
  }
  const soap = '<wst:RequestSecurityToken>t</wst:RequestSecurityToken>';
  assert.equal(bodyWithoutSecrets('/RST2.srf', soap), replacementOf(soap));
  const playFab = '{"data":{"SessionTicket":"t","EntityToken":{"EntityToken":"t","Entity":"t"}}}';
  assert.equal(
    bodyWithoutSecrets('/Client/LoginWithXbox', playFab),
    `{"data":{"SessionTicket":"${token}","EntityToken":{"EntityToken":"${token}","Entity":"${token}"}}}`,
  );
});

// Kills: a code or a password that is shown since it is all digits.
test('numbers are secrets like texts, but for the status of an answer', () => {
  const body = '{"code":123456,"password":1234,"UserTokens":[7],"n":8}';
  const [code, password, token] = ['123456', '1234', '7'].map(replacementOf);
  assert.equal(
    bodyWithoutSecrets('/login', body),
    `{"code":"${code}","password":"${password}","UserTokens":["${token}"],"n":8}`,
  );
  assert.equal(
    bodyWithoutSecrets('/presence', body),
    `{"code":123456,"password":1234,"UserTokens":["${token}"],"n":8}`,
  );
  const status = '{"code":200,"data":{}}';
  assert.equal(bodyWithoutSecrets('/Client/LoginWithXbox', status), status);
});

test('of other bodies only fields are replaced whose name says a secret, and the rest stays as it was', () => {
  const path = '/users/xuid(1)/devices/current/titles/current';
  const presence = '{ "state":"active","code":1.50,"token":"a game\'s own" }';
  assert.equal(bodyWithoutSecrets(path, presence), presence);
  assert.equal(
    bodyWithoutSecrets(path, '{"DeviceToken":"t"}'),
    `{"DeviceToken":"${replacementOf('t')}"}`,
  );
  assert.equal(bodyWithoutSecrets(path, '<p a=1>'), '<p a=1>');
  assert.equal(
    bodyWithoutSecrets(path, 'a=1&refresh_token=t'),
    `a=1&refresh_token=${replacementOf('t')}`,
  );
  const form = 'a={"b":"<c>"}&refresh_token=t\r\naccess_token=t\n';
  assert.equal(bodyWithoutSecrets(path, form), form.replaceAll('=t', `=${replacementOf('t')}`));
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  assert.equal(bodyWithoutSecrets(path, deep), replacementOf(deep));
});

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMDAxIn0.c2ln-bmF0_dXJl';
const shownJwt = replacementOf(jwt);

// Kills: a token that is shown since nothing beside it says that it is one.
test('JWTs are known by their form: in paths, queries, headers and bodies', () => {
  assert.equal(
    targetWithoutSecrets(`/x/${jwt}/y?a=${jwt}&b=1`),
    `/x/${shownJwt}/y?a=${shownJwt}&b=1`,
  );
  assert.equal(targetWithoutSecrets('/x?jwt=short'), `/x?jwt=${replacementOf('short')}`);
  assert.deepEqual(headersWithoutSecrets({ 'X-Foo': `v=${jwt};w`, 'X-Bar': [jwt, 'b'] }), {
    'X-Foo': `v=${shownJwt};w`,
    'X-Bar': [shownJwt, 'b'],
  });
  assert.equal(bodyWithoutSecrets('/x', `{"a":["${jwt}"]}`), `{"a":["${shownJwt}"]}`);
  assert.equal(bodyWithoutSecrets('/x', `<a>${jwt}</a>`), `<a>${shownJwt}</a>`);
  const encrypted = 'eyJhbGciOiJkaXIifQ..aXY.dGV4dA.dGFn';
  assert.equal(targetWithoutSecrets(`/x%3D${encrypted}`), `/x%3D${replacementOf(encrypted)}`);
  for (const other of ['/eyJ.html', '/a.b.c/eyJhbGciOiJSUzI1NiJ9', '/keyJar/v1.2.3']) {
    assert.equal(targetWithoutSecrets(other), other);
  }
});

// Kills: a proxy's copy of the Authorization header, under a name of its own.
test('values of Authorization are known by their scheme', () => {
  for (const [scheme, token] of [
    ['Bearer', 'abc'],
    ['XBL3.0', 'x=1;abc'],
    ['Basic', 'YTpi'],
  ] as const) {
    const value = `${scheme} ${token}`;
    assert.deepEqual(headersWithoutSecrets({ 'X-Foo': value, 'X-Bar': [value] }), {
      'X-Foo': `${scheme} ${replacementOf(token)}`,
      'X-Bar': [`${scheme} ${replacementOf(token)}`],
    });
  }
  const opaque = 'b3BhcXVlLXRva2Vu';
  assert.equal(
    targetWithoutSecrets(`/x?a=Bearer%20${opaque}&b=1`),
    `/x?a=Bearer%20${replacementOf(opaque)}&b=1`,
  );
  assert.equal(
    bodyWithoutSecrets('/x', `curl -H 'X: XBL3.0 x=1;t' -H 'Y: Bearer ${opaque}'\n`),
    `curl -H 'X: XBL3.0 ${replacementOf('x=1;t')}' -H 'Y: Bearer ${replacementOf(opaque)}'\n`,
  );
  const challenge = { 'WWW-Authenticate': 'Bearer authorization_uri="https://a/", error="e"' };
  assert.deepEqual(headersWithoutSecrets(challenge), challenge);
  const words = '{"text":"Basic training of the bearer of news"}';
  assert.equal(bodyWithoutSecrets('/x', words), words);
});

test('protocols of a WebSocket keep their names, and lose the tokens among them', () => {
  const opaque = 'b3BhcXVlLXRva2VuLW9mLWEtcGFnZQ';
  assert.deepEqual(
    headersWithoutSecrets({ 'Sec-WebSocket-Protocol': `rta.xboxlive.com.V2, ${jwt},${opaque}` }),
    {
      'Sec-WebSocket-Protocol': `rta.xboxlive.com.V2, ${shownJwt},${replacementOf(opaque)}`,
    },
  );
});

test('fields of a secret are found in a body that is not JSON as a whole', () => {
  const token = replacementOf('t\\"u');
  assert.equal(
    bodyWithoutSecrets('/x', '{"n":1}\n{"Authorization" : "t\\"u","b":"c"}'),
    `{"n":1}\n{"Authorization" : "${token}","b":"c"}`,
  );
  assert.equal(
    bodyWithoutSecrets('/x', '{"a":{"refresh_token":"its end is la'),
    `{"a":{"refresh_token":"${replacementOf('its end is la')}`,
  );
  assert.equal(
    bodyWithoutSecrets('/x', '{"Authorization":"t"}'),
    `{"Authorization":"${replacementOf('t')}"}`,
  );
});
