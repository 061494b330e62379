/** The HTTP connection of the benchmarks. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openHttpLine } from '../bench/http-line.ts';

const urlOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

// Kills: an answer taken for whole when only its head has come; a body counted in characters.
test('an answer in pieces is one answer, and the next one begins anew', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const line = await openHttpLine(urlOf(server));
    const [socket] = await connected;
    const answers = [
      'HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\n\u00e9\u00e9',
      'HTTP/1.1 204 No Content\r\n\r\n',
    ];
    for (const answer of answers) {
      const answered = line.send('GET / HTTP/1.1\r\n\r\n');
      await once(socket, 'data');
      for (const byte of Buffer.from(answer)) {
        assert.ok(!line.isFree());
        socket.write(Buffer.of(byte));
        await nextTurn();
      }
      const { status, text } = await answered;
      assert.equal(status, Number(answer.slice(9, 12)));
      assert.equal(text, Buffer.from(answer).toString('latin1'));
      assert.ok(line.isFree());
    }
    line.close();
  } finally {
    server.close();
  }
});

// Kills: a request that waits for ever for the answer of a server that has closed the line before.
test('a line that was closed while it was free is so no longer, and its send rejects', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const line = await openHttpLine(urlOf(server));
    const [socket] = await connected;
    assert.ok(line.isFree());
    socket.destroy();
    const endMs = performance.now() + 60_000;
    while (line.isFree()) {
      assert.ok(performance.now() < endMs, 'the line stays free');
      await nextTurn();
    }
    await assert.rejects(line.send('GET / HTTP/1.1\r\n\r\n'), /closed the line/);
  } finally {
    server.close();
  }
});
