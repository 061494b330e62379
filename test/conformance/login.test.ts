/** The login of clients that bring everything with them: sisu, the sign-in page, title endpoints. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { at, demoTitleId, type Kit, startKit } from '../../src/testing/kit.ts';
import { assertRefused, assertStatus } from './answers.ts';

/** A request as clients of OAuth send it. */
async function postForm(kit: Kit, path: string, fields: Record<string, string>) {
  const response = await fetch(`${kit.url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
  });
  return { status: response.status, json: (await response.json()) as JsonObject };
}

const redirectUri = 'ms-xal-000000004c12ae6f://auth';

/** @source docs/wire/callers.md "The sign-in page", docs/wire/callers.md "The login chain" */
test('a client walks the whole way: device, sisu, page, code, token, sisu, session directory', async () => {
  await using kit = await startKit();
  const device = await kit.request('POST', '/device/authenticate', {
    body: { Properties: { AuthMethod: 'ProofOfPossession', Id: '{1}', ProofKey: {} } },
  });
  const deviceToken = String(device.json?.['Token']);
  const begun = await kit.request('POST', '/authenticate', {
    headers: { 'x-xbl-contract-version': '1', signature: 'AAAA' },
    body: {
      AppId: '000000004c12ae6f',
      TitleId: demoTitleId,
      RedirectUri: redirectUri,
      DeviceToken: deviceToken,
      Sandbox: 'RETAIL',
      TokenType: 'code',
      Offers: ['service::user.auth.xboxlive.com::MBI_SSL'],
      Query: { code_challenge: 'c', code_challenge_method: 'S256', state: 'some state' },
    },
  });
  assertStatus(begun, 200);
  const sessionId = begun.headers.get('x-sessionid') ?? '';
  assert.match(sessionId, /^[0-9a-f-]{36}$/);

  // What the user does in a browser: the page, a name, and back to the client.
  const page = new URL(String(begun.json?.['MsaOauthRedirect']));
  const shown = await fetch(page, { headers: { accept: 'text/html' }, redirect: 'manual' });
  assert.equal(shown.status, 200);
  assert.match(await shown.text(), /Who are you\?/);
  page.searchParams.set('login_hint', 'Ada');
  const back = await fetch(page, { redirect: 'manual' });
  assert.equal(back.status, 302);
  const location = new URL(String(back.headers.get('location')));
  assert.ok(location.href.startsWith(redirectUri));
  assert.equal(location.searchParams.get('state'), 'some state');

  const token = await postForm(kit, '/oauth20_token.srf', {
    client_id: '000000004c12ae6f',
    code: location.searchParams.get('code') ?? '',
    code_verifier: 'v',
    grant_type: 'authorization_code',
    redirect_uri: redirectUri,
    scope: 'service::user.auth.xboxlive.com::MBI_SSL',
  });
  assert.equal(token.status, 200);
  const refreshed = await postForm(kit, '/oauth20_token.srf', {
    grant_type: 'refresh_token',
    refresh_token: String(token.json['refresh_token']),
  });
  const users = [];
  for (const { json } of [token, refreshed]) {
    const all = await kit.request('POST', '/authorize', {
      body: {
        AccessToken: `t=${json['access_token']}`,
        AppId: '000000004c12ae6f',
        DeviceToken: deviceToken,
        Sandbox: 'RETAIL',
        SessionId: sessionId,
        SiteName: 'user.auth.xboxlive.com',
        ProofKey: {},
      },
    });
    assertStatus(all, 200);
    assert.equal(all.headers.get('x-sessionid'), sessionId);
    users.push(at(all.json, 'AuthorizationToken.DisplayClaims.xui.0'));
    const lists = await kit.request('GET', '/users/me/people', {
      headers: {
        authorization: `XBL3.0 x=-;${at(all.json, 'AuthorizationToken.Token')}`,
        'x-xbl-contract-version': '107',
      },
    });
    assertStatus(lists, 200);
  }
  assert.equal(at(users[0], 'gtg'), 'Ada');
  assert.deepEqual(users[0], users[1], 'a refreshed login is the same user');
});

/** @source docs/wire/callers.md "The sign-in page" */
test('a device without a browser gets its token at once, each device as another guest', async () => {
  await using kit = await startKit();
  const users = [];
  for (let i = 0; i < 2; i += 1) {
    const { json } = await postForm(kit, '/oauth20_connect.srf', {
      client_id: '00000000441cc96b',
      scope: 'service::user.auth.xboxlive.com::MBI_SSL',
      response_type: 'device_code',
    });
    const token = await postForm(kit, '/oauth20_token.srf?client_id=00000000441cc96b', {
      client_id: '00000000441cc96b',
      device_code: String(json['device_code']),
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    });
    const all = await kit.request('POST', '/authorize', {
      body: { AccessToken: `t=${token.json['access_token']}` },
    });
    users.push(at(all.json, 'AuthorizationToken.DisplayClaims.xui.0.xid'));
  }
  assert.match(String(users[0]), /^2535[0-9]{12}$/);
  assert.notEqual(users[0], users[1]);
});

/** @source docs/wire/callers.md "Title endpoints" */
test('a client reads which token and signature each host wants', async () => {
  await using kit = await startKit();
  const open = await kit.request('GET', '/titles/default/endpoints?type=1', {
    headers: { 'x-xbl-contract-version': '1' },
  });
  assertStatus(open, 200);
  const { EndPoints, SignaturePolicies, Certs, RootCerts } = open.json as {
    EndPoints: JsonObject[];
    SignaturePolicies: JsonObject[];
    Certs: unknown;
    RootCerts: unknown;
  };
  assert.deepEqual([Certs, RootCerts], [[], []]);
  assert.deepEqual(
    EndPoints.filter(({ Protocol, Host }) => Protocol === 'https' && Host === '*.xboxlive.com'),
    [
      {
        Protocol: 'https',
        Host: '*.xboxlive.com',
        HostType: 'wildcard',
        RelyingParty: 'http://xboxlive.com',
        TokenType: 'JWT',
        SignaturePolicyIndex: 0,
      },
    ],
  );
  assert.deepEqual(SignaturePolicies, [
    { Version: 1, SupportedAlgorithms: ['ES256'], MaxBodyBytes: 8192 },
  ]);
  for (const title of ['current', demoTitleId]) {
    const path = `/titles/${title}/endpoints?type=1`;
    assertRefused(await kit.request('GET', path), 401, 'notAuthenticated');
    const own = await kit.user('ada').request('GET', path, {
      headers: { 'x-xbl-contract-version': '1' },
    });
    assert.deepEqual(assertStatus(own, 200).json, open.json);
  }
});

/** @source docs/wire/callers.md "Callers" */
test('a token may come as Bearer', async () => {
  await using kit = await startKit();
  const { authorization, xuid } = kit.user('ada');
  const answer = await kit.request('GET', '/users/me/people', {
    headers: { authorization: authorization.replace('XBL3.0 x=-;', 'Bearer ') },
  });
  assertStatus(answer, 200);
  assert.match(xuid, /./);
});
