import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapturedCall } from '../../capture/capture.ts';
import { viewCapture } from './captured-log.ts';
import { curlOf } from './curl.ts';

function callOf(url: string, more: Partial<CapturedCall>): CapturedCall {
  return {
    number: 1,
    startMs: 0,
    endMs: 1,
    method: 'POST',
    url,
    requestHeaders: [],
    requestBody: '',
    status: 200,
    responseHeaders: [],
    responseBody: '',
    ...more,
  };
}

// Kills: a token in a body, a form, a target or a header, or in the command that is copied; what a game
// writes under such a name that is hidden too.
test('no token of an opened capture is shown or copied', () => {
  const calls = [
    callOf('https://user.auth.xboxlive.com/user/authenticate', {
      requestBody: '{"Properties":{"RpsTicket":"SECRET","SiteName":"a"}}',
      responseBody: '{"Token":"SECRET","IssueInstant":"b"}',
    }),
    callOf('https://login.live.com/oauth20_token.srf', {
      requestBody: 'grant_type=refresh_token&refresh_token=SECRET',
      responseBody: '{"access_token":"SECRET","refresh_token":"SECRET","scope":"c"}',
    }),
    callOf('https://login.live.com/oauth20_authorize.srf?code=SECRET&state=d', {
      method: 'GET',
      requestHeaders: [
        ['Authorization', 'XBL3.0 x=SECRET'],
        ['Cookie', 'SECRET'],
        ['X-RP-Authorization', 'SECRET'],
      ],
      responseHeaders: [
        ['Location', 'https://localhost/?code=SECRET#access_token=SECRET&e=1'],
        ['Set-Cookie', 'SECRET'],
      ],
    }),
    callOf('https://login.live.com/oauth20_token.srf', { requestBody: deep('"SECRET"') }),
    callOf('https://sessiondirectory.xboxlive.com/handles', { requestBody: '{"token":"mine"}' }),
  ];
  const viewed = viewCapture({ madeBy: '', calls, problems: [] }, new Map());
  const shown = [
    ...viewed.map(({ detail }) => JSON.stringify(detail)),
    ...viewed.map(({ detail, origin }) => curlOf(detail, origin, 'captured')),
  ];
  for (const text of shown) assert.ok(!text.includes('SECRET'), text);
  const [login, form, page, , game] = viewed.map(({ detail }) => detail);
  assert.equal(login?.requestBody?.text, '{"Properties":{"RpsTicket":"…","SiteName":"a"}}');
  assert.equal(form?.requestBody?.text, 'grant_type=refresh_token&refresh_token=…');
  assert.equal(form?.answerBody?.text, '{"access_token":"…","refresh_token":"…","scope":"c"}');
  assert.equal(page?.row.target, '/oauth20_authorize.srf?code=…&state=…');
  assert.equal(page?.answerHeaders['Location'], 'https://localhost/?code=…#access_token=…&e=1');
  assert.equal(page?.requestHeaders['Authorization'], 'XBL3.0 …');
  assert.equal(game?.requestBody?.text, '{"token":"mine"}');
});

function deep(value: string): string {
  return `${'['.repeat(20_000)}${value}${']'.repeat(20_000)}`;
}
