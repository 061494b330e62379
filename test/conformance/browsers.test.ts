/** Pages of browsers. @source docs/wire/callers.md "Pages of browsers" */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { isAimed, joinBody, startKit, type KitUser } from '../../src/testing/kit.ts';
import { assertRefused, assertStatus } from './answers.ts';
import { requestRaw } from './raw.ts';

// What a server allows is a setting; these are about the usual ones.
const skip = isAimed;

const page = 'http://localhost:5173';
const stranger = 'https://evil.example';

const headersOf = (user: KitUser, origin: string): Record<string, string> => ({
  authorization: user.authorization,
  'x-xbl-contract-version': '107',
  origin,
});

const preflight = (origin: string, method: string): Record<string, string> => ({
  origin,
  'access-control-request-method': method,
  'access-control-request-headers': 'authorization,content-type,if-match,x-xbl-contract-version',
});

test('a page of this machine may call: its preflight is answered, and the answers are shared', {
  skip,
}, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const target = formatSessionPath(kit.reference());
  const asked = await requestRaw(kit.url, {
    method: 'OPTIONS',
    target,
    headers: preflight(page, 'PUT'),
  });
  assertStatus(asked, 204);
  assert.equal(asked.headers.get('access-control-allow-origin'), page);
  assert.equal(asked.headers.get('access-control-allow-methods'), 'PUT');
  assert.match(asked.headers.get('access-control-allow-headers') ?? '', /x-xbl-contract-version/);
  assert.equal(asked.headers.get('vary'), 'Origin');

  const ask = (method: string, at: string, body = '') =>
    requestRaw(kit.url, { method, target: at, headers: headersOf(ada, page), body });
  const answers = [
    await ask('PUT', target, JSON.stringify(joinBody())),
    await ask('GET', target),
    await ask('PUT', target, '{'),
    await ask('GET', '/nothing'),
    await requestRaw(kit.url, { method: 'GET', target, headers: { origin: page } }),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 200, 400, 404, 401],
  );
  for (const { headers } of answers) {
    assert.equal(headers.get('access-control-allow-origin'), page);
    const exposed = headers.get('access-control-expose-headers') ?? '';
    for (const name of ['ETag', 'Location', 'X-Mpsd-Refusal', 'X-Mpsd-Detail', 'Retry-After']) {
      assert.ok(exposed.split(', ').includes(name), name);
    }
  }
});

test('a page of a stranger can drive nothing, neither with a preflight nor without', {
  skip,
}, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const target = formatSessionPath(kit.reference());
  const login = JSON.stringify({ Properties: { RpsTicket: 'd=gtg=Ada' } });
  for (const origin of [stranger, 'null', 'http://localhost.evil.example']) {
    const answers = [
      await requestRaw(kit.url, { method: 'OPTIONS', target, headers: preflight(origin, 'PUT') }),
      await requestRaw(kit.url, {
        method: 'PUT',
        target,
        headers: headersOf(ada, origin),
        body: JSON.stringify(joinBody()),
      }),
      await requestRaw(kit.url, {
        method: 'POST',
        target: '/user/authenticate',
        headers: { origin, 'content-type': 'text/plain' },
        body: login,
      }),
    ];
    for (const answer of answers) {
      assertRefused(answer, 403, 'originForbidden');
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
    }
  }
  assertStatus(await ada.request('GET', target), 204);
});

test('a name that leads here and is none of this server is refused', { skip }, async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { authorization } = ada;
  for (const target of ['/nonce', '/control', '/health/live', 'http://evil.example/nonce']) {
    const host = target.startsWith('/') ? 'evil.example:8350' : 'localhost';
    const answer = await requestRaw(kit.url, {
      method: 'GET',
      target,
      headers: { authorization, host },
    });
    assertRefused(answer, 403, 'hostForbidden');
  }
  const headers = { authorization, host: 'sessiondirectory.xboxlive.com' };
  assertStatus(await requestRaw(kit.url, { method: 'GET', target: '/nonce', headers }), 200);
});
