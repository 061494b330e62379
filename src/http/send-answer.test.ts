import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import type { Answer } from './route.ts';
import { keepAliveSeconds, type SendAnswer, sendAnswer, sendAnswerAsBlock } from './send-answer.ts';

const id = '00000000-0000-4000-8000-000000000001';

/** What a client reads of two answers on one connection: the second one comes when the first is over. */
async function bytesOf(send: SendAnswer, answer: Answer, request: string): Promise<string> {
  const server = createServer(
    { keepAliveTimeout: keepAliveSeconds * 1_000 },
    (_incoming: IncomingMessage, outgoing: ServerResponse) => {
      try {
        send(outgoing, answer, id);
      } catch (error) {
        assert.equal(outgoing.headersSent, false);
        outgoing.writeHead(500, ['X-Error', (error as NodeJS.ErrnoException).code ?? '']).end();
      }
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.setEncoding('utf8');
  const last = request
    .replace('Connection: keep-alive\r\n', '')
    .replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n');
  socket.write(request + last);
  let text = '';
  for await (const chunk of socket) text += chunk;
  await new Promise((resolve) => server.close(resolve));
  return text.replaceAll(/^Date: .*$/gm, (line) => {
    assert.match(line, /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r?$/);
    return 'Date';
  });
}

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

const cases: readonly (readonly [what: string, answer: Answer, request?: string])[] = [
  ['a document', { status: 200, body: '{"a":"é🎲"}', isSession: true }],
  ['a created one', { status: 201, body: '{}', headers: { etag: '"a"', Location: '/x' } }],
  ['text', { status: 404, body: 'No.', contentType: 'text/plain; charset=utf-8' }],
  ['a large answer', { status: 200, body: 'é'.repeat(3_000_000) }],
  ['no content', { status: 204, headers: { etag: '"a"' } }],
  ['not modified', { status: 304, headers: { etag: '"a"' } }],
  ['no body', { status: 412 }],
  ['an empty body', { status: 200, body: '' }],
  ['HEAD', { status: 200, body: '{}' }, get.replace('GET', 'HEAD')],
  ['HTTP/1.0', { status: 200, body: '{}' }, get.replace('1.1', '1.0')],
  [
    'HTTP/1.0 that keeps its connection',
    { status: 200, body: '{}' },
    'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  ],
  ['a connection that ends', { status: 400, body: 'No.', headers: { Connection: 'close' } }],
  ['a header that must not be sent', { status: 200, body: '{}', headers: { etag: 'é\r\nx: y' } }],
  [
    'a body that is read',
    { status: 200, body: '{}' },
    'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
  ],
];

// Kills: any header that is missing, or stands elsewhere; a length in characters; a value not checked.
for (const [what, answer, request = get] of cases) {
  test(`both ways of sending send the same bytes: ${what}`, async () => {
    const [usual, block] = [
      await bytesOf(sendAnswer, answer, request),
      await bytesOf(sendAnswerAsBlock, answer, request),
    ];
    assert.equal(block, usual);
    assert.match(block, /^HTTP\/1\.1 \d{3} /);
  });
}

test('an answer is not sent twice', () => {
  const outgoing = { headersSent: true } as ServerResponse;
  Object.assign(outgoing, { req: { method: 'GET', httpVersionMinor: 1 } });
  sendAnswerAsBlock(outgoing, { status: 200, body: '{}' }, id);
  sendAnswer(outgoing, { status: 200, body: '{}' }, id);
});
