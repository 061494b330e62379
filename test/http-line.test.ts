/** The HTTP connection of the benchmarks. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openHttpLine } from '../bench/http-line.ts';

// Kills: a request that waits for ever for the answer of a server that has closed the line before.
test('a line that was closed while it was free is so no longer, and its send rejects', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const line = await openHttpLine(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
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
