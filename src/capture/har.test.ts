import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CaptureError } from './capture.ts';
import { callsOf } from './captured-calls.ts';
import { usersOf } from './captured-users.ts';
import { parseHar } from './har.ts';

function har(...entries: readonly object[]): string {
  return JSON.stringify({
    log: { version: '1.2', creator: { name: 'WebInspector', version: '537.36' }, entries },
  });
}

const request = {
  method: 'GET',
  url: 'https://social.xboxlive.com/users/me/people',
  headers: [{ name: ':authority', value: 'social.xboxlive.com' }],
};
const startedDateTime = '2026-03-01T10:00:00.000Z';

test('an entry as a browser writes it', () => {
  const { calls, madeBy, problems } = parseHar(
    `\uFEFF${har({
      startedDateTime,
      time: 12.5,
      request: {
        ...request,
        method: 'post',
        headers: [...request.headers, { name: 'x-xbl-contract-version', value: '107' }],
        postData: { mimeType: 'application/json', text: '{"a":1}' },
      },
      response: {
        status: 201,
        headers: [{ name: 'etag', value: '"x"' }],
        content: { text: Buffer.from('{"é":1}').toString('base64'), encoding: 'base64' },
      },
    })}`,
  );
  assert.equal(madeBy, 'WebInspector 537.36');
  assert.deepEqual(problems, []);
  const startMs = Date.parse(startedDateTime);
  assert.deepEqual(calls, [
    {
      number: 1,
      startMs,
      endMs: startMs + 12.5,
      method: 'POST',
      url: request.url,
      requestHeaders: [['x-xbl-contract-version', '107']],
      requestBody: '{"a":1}',
      status: 201,
      responseHeaders: [['etag', '"x"']],
      responseBody: '{"é":1}',
    },
  ]);
});

test('a socket with its messages, and one that was written in parts', () => {
  const socket = (id: string, ...messages: readonly object[]) => ({
    startedDateTime,
    _resourceType: 'websocket',
    request: { ...request, url: 'wss://rta.xboxlive.com/connect' },
    response: { status: 101, headers: [{ name: 'X-XblCorrelationId', value: id }] },
    _webSocketMessages: messages,
  });
  const send = { type: 'send', time: 1772359200.5, opcode: 1, data: '[1,1,"a"]' };
  const receive = { type: 'receive', time: 1772359201, opcode: 1, data: '[1,1,0,0,null]' };
  const close = { type: 'receive', time: 1772359202, opcode: 8, data: '' };
  const { calls } = parseHar(
    har(socket('a', send), socket('b', send), { ...socket('a', receive, close), _part: 2 }),
  );
  assert.deepEqual(
    calls.map(({ url, frames }) => [
      url,
      frames?.map(({ from, kind, text }) => [from, kind, text]),
    ]),
    [
      [
        'https://rta.xboxlive.com/connect',
        [
          ['client', 'text', '[1,1,"a"]'],
          ['server', 'text', '[1,1,0,0,null]'],
          ['server', 'close', ''],
        ],
      ],
      ['https://rta.xboxlive.com/connect', [['client', 'text', '[1,1,"a"]']]],
    ],
  );
  assert.equal(calls[0]?.frames?.[0]?.atMs, 1772359200500);
});

test('what is no HAR is said; an entry that is none is left out and named', () => {
  const problemOf = (text: string): string => {
    try {
      parseHar(text);
      return '';
    } catch (error) {
      assert.ok(error instanceof CaptureError);
      return error.message;
    }
  };
  assert.match(problemOf('<html>'), /^is no JSON: /);
  for (const text of ['null', '[]', '{}', '{"log":{"entries":{}}}']) {
    assert.match(problemOf(text), /^is no HAR file: it has no log\.entries/);
  }
  const { calls, problems } = parseHar(
    har({ request }, { startedDateTime, request }, { startedDateTime }, [] as never),
  );
  assert.equal(calls.length, 1);
  assert.deepEqual(problems, [
    'Entry 1 was left out: its startedDateTime is no time.',
    'Entry 3 was left out: it has no method or no URL.',
    'Entry 4 was left out: it has no method or no URL.',
  ]);
});

/** A call with a token of Xbox Live of the user hash `hash`. */
function callOf(hash: string, method: string, url: string, body?: string, answer = '') {
  return {
    startedDateTime,
    request: {
      method,
      url,
      headers: [{ name: 'Authorization', value: `XBL3.0 x=${hash};secret` }],
      ...(body !== undefined && { postData: { text: body } }),
    },
    response: { status: 200, content: { text: answer } },
  };
}

test('users are known by their hash, and by what they say of themselves', () => {
  const directory = 'https://sessiondirectory.xboxlive.com';
  const join = (xuid: string) =>
    JSON.stringify({ members: { me: { constants: { system: { xuid, initialize: true } } } } });
  const session = `${directory}/serviceconfigs/a/sessionTemplates/b/sessions/c`;
  const members =
    '{"members":{"0":{"constants":{"system":{"xuid":"2535","index":0}},"gamertag":"Ada","activeTitleId":"77"}}}';
  const capture = parseHar(
    har(
      callOf('111', 'GET', 'https://userpresence.xboxlive.com/users/xuid(42)'),
      callOf('111', 'GET', 'https://userpresence.xboxlive.com/users/xuid(42)'),
      callOf('111', 'PUT', session, join('2535'), members),
      callOf('222', 'GET', 'https://userpresence.xboxlive.com/users/xuid(99)/devices'),
      callOf('333', 'GET', `${directory}/handles/1`),
      callOf('-', 'GET', `${directory}/handles/1`),
      {
        ...callOf('-', 'GET', `${directory}/handles/2`),
        request: {
          method: 'GET',
          url: `${directory}/handles/2`,
          headers: [{ name: 'authorization', value: 'XBL3.0 x=-;xuid=7&gtg=Zo%C3%AB' }],
        },
      },
      { ...callOf('-', 'GET', `${directory}/handles/3`), _caller: { xid: '8', gtg: 'Kay' } },
    ),
  );
  const users = usersOf(capture);
  const found = capture.calls.map((call) => {
    const user = users.get(call);
    return [user?.claims, user?.isMadeUp];
  });
  const ada = [{ xid: '2535', gtg: 'Ada', tid: '77' }, false];
  assert.deepEqual(found, [
    ada,
    ada,
    ada,
    [{ xid: '99' }, false],
    [{ xid: '1000000000002' }, true],
    [{ xid: '1000000000003' }, true],
    [{ xid: '7', gtg: 'Zoë' }, false],
    [{ xid: '8', gtg: 'Kay' }, false],
  ]);
  assert.deepEqual(
    callsOf(capture).map(({ user, service }) => `${user} ${service}`),
    [
      '2535 userpresence',
      '2535 userpresence',
      '2535 sessiondirectory',
      '99 userpresence',
      '1000000000002 sessiondirectory',
      '1000000000003 sessiondirectory',
      '7 sessiondirectory',
      '8 sessiondirectory',
    ],
  );
});
