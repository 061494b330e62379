/** What HTTP allows and clients rarely do. @source docs/wire/README.md "Every request" */

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { formatSessionPath } from '../../src/domain/session/reference.ts';
import { joinBody, startKit, type KitUser } from '../../src/testing/kit.ts';
import { assertRefused, assertStatus, gather } from './answers.ts';
import { parseAnswer, RawConnection, requestRaw } from './raw.ts';

const headersOf = (user: KitUser): Record<string, string> => ({
  authorization: user.authorization,
  'x-xbl-contract-version': '107',
});

/** The header lines of a caller, for requests that are written by hand. */
const linesOf = (user: KitUser): string =>
  Object.entries(headersOf(user))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');

// RFC 9110, 13.1.2
test('If-None-Match compares weakly, and takes a tag without quotes as quoted', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const { etag = '' } = await ada.getSession(reference);
  const tags = [etag, `W/${etag}`, etag.slice(1, -1), `"x", W/${etag}`];
  for (const ifNoneMatch of tags) {
    assertStatus(await ada.getSession(reference, { ifNoneMatch }), 304);
  }
  assertStatus(await ada.getSession(reference, { ifNoneMatch: 'W/"x"' }), 200);
  const create = await ada.putSession(reference, {}, { ifNoneMatch: `W/${etag}` });
  assertStatus(create, 412);
  assert.equal(create.refusal, 'sessionExists');
});

// RFC 9110, 13.1.1
test('If-Match with a weak tag is 412, and nothing is written; without quotes it is taken as quoted', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const { etag = '' } = await ada.getSession(reference);
  const write = (ifMatch: string) =>
    ada.putSession(reference, { properties: { custom: { map: ifMatch } } }, { ifMatch });
  const weak = await write(`W/${etag}`);
  assertStatus(weak, 412);
  assert.equal(weak.refusal, 'etagWeak');
  assert.match(weak.text, /^If-Match names a weak tag/);
  assert.equal((await ada.getSession(reference)).etag, etag);
  assertStatus(await write(etag.slice(1, -1)), 200);
});

// RFC 9110, 9.3.2
test('HEAD answers as GET does, without the body', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const reference = await gather(kit, [ada]);
  const path = formatSessionPath(reference);
  for (const target of [path, `${path}-none`, `${path}/members/me`, '/health/live', '/nonce']) {
    const [get, head] = [await ada.request('GET', target), await ada.request('HEAD', target)];
    assert.equal(head.status, get.status, target);
    assert.equal(head.text, '', target);
    assert.equal(head.etag, get.etag, target);
    assert.equal(head.headers.get('content-type'), get.headers.get('content-type'), target);
    if (target !== '/nonce') {
      assert.equal(head.headers.get('content-length'), get.headers.get('content-length'), target);
    }
  }
});

// RFC 9112, 3.2.2
test('a socket is opened by a whole URL as by its path', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { host } = new URL(kit.url);
  for (const target of ['/connect', `http://${host}/connect`, `ws://${host}/CONNECT?x=/`]) {
    await using connection = new RawConnection(kit.url);
    connection.write(
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${linesOf(ada)}Connection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    assert.match(await connection.until(/\r\n\r\n/), /^HTTP\/1\.1 101 /, target);
  }
});

// RFC 9110, 15.5.16
test('a compressed body is 415 and changes nothing; identity is none', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const target = formatSessionPath(kit.reference());
  const body = JSON.stringify(joinBody());
  for (const encoding of ['gzip', 'br', 'gzip, identity']) {
    const answer = await requestRaw(kit.url, {
      method: 'PUT',
      target,
      headers: { ...headersOf(ada), 'content-encoding': encoding },
      body: encoding === 'gzip' ? gzipSync(body) : body,
    });
    assertRefused(answer, 415, 'contentEncodingUnknown', encoding);
    assert.equal(answer.headers.get('accept-encoding'), 'identity');
  }
  await using coded = new RawConnection(kit.url);
  coded.write(`PUT ${target} HTTP/1.1\r\n${linesOf(ada)}Host: x\r\nConnection: close\r\n`);
  coded.write('Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n');
  const refused = parseAnswer(await coded.untilEnd());
  assertRefused(refused, 415, 'contentEncodingUnknown', 'Transfer-Encoding: gzip, chunked');
  assertStatus(await ada.request('GET', target), 204);
  const plain = await requestRaw(kit.url, {
    method: 'PUT',
    target,
    headers: { ...headersOf(ada), 'content-encoding': 'Identity' },
    body,
  });
  assertStatus(plain, 201);
});

test('HTTP/1.0 is served', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  await gather(kit, [ada]);
  await using connection = new RawConnection(kit.url);
  connection.write(`GET /nonce HTTP/1.0\r\n${linesOf(ada)}\r\n`);
  assertStatus(parseAnswer(await connection.untilEnd()), 200);
});

// RFC 9112, 6.1 and 3.2: what two programs on the way may take for different requests
test('two hosts, and chunks in HTTP/1.0, are refused', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const { host } = new URL(kit.url);
  const target = formatSessionPath(kit.reference());
  await using twoHosts = new RawConnection(kit.url);
  twoHosts.write(`GET ${target} HTTP/1.1\r\n${linesOf(ada)}Host: ${host}\r\nHost: x\r\n\r\n`);
  assertRefused(parseAnswer(await twoHosts.untilEnd()), 400, 'requestMalformed', 'Host');

  await using chunked = new RawConnection(kit.url);
  chunked.write(
    `PUT ${target} HTTP/1.0\r\n${linesOf(ada)}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  );
  const answer = parseAnswer(await chunked.untilEnd());
  assertRefused(answer, 400, 'requestMalformed', 'Transfer-Encoding');
});

// Ours: a query of many parameters costs fifty times its text.
test('the query of a URL has at most 100 parameters', async () => {
  await using kit = await startKit();
  const ada = kit.user('ada');
  const path = formatSessionPath(await gather(kit, [ada]));
  assertStatus(await ada.request('GET', `${path}?${'a=b&'.repeat(99)}a=b`), 200);
  const answer = await ada.request('GET', `${path}?${'a=b&'.repeat(100)}a=b`);
  assertRefused(answer, 400, 'requestInvalid');
});
