import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../directory/context.ts';
import type { JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Answer, RouteRequest } from '../route.ts';
import { signInRoutes } from './sign-in.ts';

const routes = signInRoutes({ ownUrl: () => 'http://127.0.0.1:1234' });
const context = { ids: { guid: () => '01234567-89ab-cdef-0123-456789abcdef' } } as Context;

async function ask(
  path: string,
  {
    body = {},
    query = {},
    headers = {},
  }: {
    readonly body?: JsonObject;
    readonly query?: Record<string, string>;
    readonly headers?: Record<string, string>;
  },
): Promise<Answer | Refusal> {
  const route = routes.find((one) => one.path === path);
  assert.ok(route);
  const request = { body, query: new URLSearchParams(query), headers } as unknown as RouteRequest;
  const answer = await route.answer(request, context);
  assert.ok('status' in answer || answer instanceof Refusal);
  return answer;
}

async function json(path: string, request: Parameters<typeof ask>[1]) {
  const answer = await ask(path, request);
  assert.ok(!(answer instanceof Refusal), String((answer as Refusal).text));
  return { ...answer, json: JSON.parse(String(answer.body)) };
}

const sisu = {
  AppId: '000000004c12ae6f',
  TitleId: '328178078',
  RedirectUri: 'ms-xal-000000004c12ae6f://auth',
  DeviceToken: 'x',
  Sandbox: 'RETAIL',
  TokenType: 'code',
  Offers: ['service::user.auth.xboxlive.com::MBI_SSL'],
  Query: { display: 'ios_phone', code_challenge: 'c', code_challenge_method: 'S256', state: 's' },
};

test('sisu leads to the page of this server, with what the client asks for', async () => {
  const headers = { host: 'sisu.xboxlive.com' };
  const answer = await json('/authenticate', { body: sisu, headers });
  assert.equal(answer.headers?.['X-SessionId'], '01234567-89ab-cdef-0123-456789abcdef');
  const page = new URL(answer.json.MsaOauthRedirect);
  assert.equal(page.origin + page.pathname, 'http://127.0.0.1:1234/oauth20_authorize.srf');
  assert.deepEqual(Object.fromEntries(page.searchParams), answer.json.MsaRequestParameters);
  assert.deepEqual(answer.json.MsaRequestParameters, {
    ...sisu.Query,
    client_id: sisu.AppId,
    response_type: 'code',
    redirect_uri: sisu.RedirectUri,
    scope: 'service::user.auth.xboxlive.com::MBI_SSL',
  });
  const direct = await json('/authenticate', { body: sisu, headers: { host: 'mpsd.test:8350' } });
  assert.ok(
    direct.json.MsaOauthRedirect.startsWith('http://mpsd.test:8350/oauth20_authorize.srf?'),
  );
});

test('a name chosen on the page comes back as the code, and is the ticket', async () => {
  const query = { redirect_uri: 'ms-xal-1://auth', state: 'a b', login_hint: 'Ada L' };
  const answer = await ask('/oauth20_authorize.srf', { query });
  assert.ok(!(answer instanceof Refusal));
  assert.equal(answer.status, 302);
  assert.equal(answer.headers?.['Location'], 'ms-xal-1://auth?code=gtg%3DAda%2520L&state=a+b');
  const whole = { redirect_uri: 'http://localhost:1/cb?x=1', login_hint: 'xuid=7&gtg=Ada' };
  const other = await ask('/oauth20_authorize.srf', { query: whole });
  assert.equal(
    (other as Answer).headers?.['Location'],
    'http://localhost:1/cb?x=1&code=xuid%3D7%26gtg%3DAda',
  );
  const implicit = await ask('/oauth20_authorize.srf', {
    query: {
      ...query,
      response_type: 'token',
      redirect_uri: 'https://login.live.com/oauth20_desktop.srf',
    },
  });
  assert.match(
    String((implicit as Answer).headers?.['Location']),
    /^https:\/\/login\.live\.com\/oauth20_desktop\.srf#access_token=gtg%3DAda%2520L&.*state=a\+b$/,
  );
});

test('a program that names nobody is a guest; a browser is asked', async () => {
  const query = { redirect_uri: 'ms-xal-1://auth', state: '"><script>' };
  const guest = (await ask('/oauth20_authorize.srf', { query })) as Answer;
  assert.match(String(guest.headers?.['Location']), /\?code=guest-01234567-/);
  const page = (await ask('/oauth20_authorize.srf', {
    query,
    headers: { accept: 'text/html,*/*' },
  })) as Answer;
  assert.equal(page.status, 200);
  assert.match(String(page.contentType), /text\/html/);
  assert.match(String(page.body), /name="redirect_uri" value="ms-xal-1:\/\/auth"/);
  assert.ok(!String(page.body).includes('<script'));
});

test('a code is sent nowhere but to a client of this machine or to the real pages', async () => {
  for (const redirect_uri of [
    '',
    'auth',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://evil.example/',
    'http://login.live.com/',
    'https://xboxlive.com.evil.example/',
    'https://evil.example/?https://login.live.com',
  ]) {
    const refused = await ask('/oauth20_authorize.srf', { query: { redirect_uri } });
    assert.ok(refused instanceof Refusal, redirect_uri);
    assert.equal(refused.detail, 'query redirect_uri');
    const sisuRefused = await ask('/authenticate', {
      body: { ...sisu, RedirectUri: redirect_uri },
    });
    assert.ok(sisuRefused instanceof Refusal, redirect_uri);
  }
});

test('a code, a refresh token and a device code become the token, which is the ticket', async () => {
  for (const field of ['code', 'refresh_token', 'device_code']) {
    const { json: token } = await json('/oauth20_token.srf', {
      body: { [field]: 'gtg=Ada', grant_type: 'x', scope: 'XboxLive.signin' },
    });
    assert.equal(token.access_token, 'gtg=Ada');
    assert.equal(token.refresh_token, 'gtg=Ada');
    assert.equal(token.scope, 'XboxLive.signin');
    assert.equal(token.token_type, 'bearer');
  }
  const wrong = await json('/oauth20_token.srf', { body: { grant_type: 'password' } });
  assert.deepEqual([wrong.status, wrong.json.error], [400, 'invalid_request']);
  const device = await json('/oauth20_connect.srf', { body: { client_id: 'x' } });
  assert.equal(device.json.device_code, 'guest-01234567-89ab-cdef-0123-456789abcdef');
  assert.equal(device.json.user_code, '01234567');
  assert.equal(device.json.verification_uri, 'http://127.0.0.1:1234/oauth20_remoteconnect.srf');
  const page = (await ask('/oauth20_remoteconnect.srf', {})) as Answer;
  assert.match(String(page.body), /signed in as a guest/);
});
