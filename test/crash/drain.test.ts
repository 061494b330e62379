/**
 * A server process that a signal ends: what is under way comes to its end, what hangs is cut, and
 * the process goes. What these tests are about is a process and its sockets; a hang fails by their
 * limit.
 *
 * @source docs/architecture.md "Promises"
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { demoScid } from '../../src/testing/demo.ts';
import { type NodeProcess, startNodeProcess } from '../../src/testing/node-process.ts';

const options = { timeout: 300_000 };

const start = (...flags: readonly string[]): Promise<NodeProcess> =>
  startNodeProcess(['--store', 'memory', ...flags]);

const portOf = ({ url }: NodeProcess): number => Number(new URL(url).port);

/** A connection, and all that comes on it until it ends. */
function open(port: number): { readonly socket: Socket; readonly received: Promise<string> } {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  // A reset is an end, too.
  socket.on('error', () => undefined);
  return { socket, received: new Promise((end) => socket.once('close', () => end(text))) };
}

const body = JSON.stringify({ members: { me: { properties: { system: { active: true } } } } });

const putHead =
  `PUT /serviceconfigs/${demoScid}/sessionTemplates/deathmatch/sessions/drained HTTP/1.1\r\n` +
  'Authorization: XBL3.0 x=-;xuid=1001&gtg=Ada\r\nX-Xbl-Contract-Version: 107\r\n' +
  `Content-Length: ${body.length}\r\n\r\n`;

const ready = 'GET /health/ready HTTP/1.1\r\n\r\n';

/** Resolves when the server has read what was sent on the connection: it answers what comes next. */
async function answered(socket: Socket, request: string): Promise<void> {
  socket.write(request);
  await once(socket, 'data');
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(
    `${signal} ends a server when what is under way has ended, and it says so`,
    options,
    async () => {
      await using server = await start();
      const idle = open(portOf(server));
      await answered(idle.socket, ready);
      const busy = open(portOf(server));
      await answered(busy.socket, `${ready}${putHead}${body.slice(0, 5)}`);

      server.signal(signal);
      // The idle connection ends: from here on the server is ending.
      assert.match(await idle.received, /^HTTP\/1\.1 200 OK\r\n/);
      const late = open(portOf(server));
      assert.equal(await late.received, '', 'a new connection is not accepted');

      busy.socket.write(`${body.slice(5)}${ready}`);
      const statuses = (await busy.received).matchAll(/HTTP\/1\.1 (\d{3})/g);
      assert.deepEqual(
        [...statuses].map(([, status]) => status),
        ['200', '201', '503'],
      );
      assert.match(await busy.received, /This server is ending/);
      assert.equal(await server.ended, 0);
    },
  );
}

for (const drain of ['50ms', '0']) {
  test(
    `a client that hangs is cut off when the time to drain is over: ${drain}`,
    options,
    async () => {
      await using server = await start('--drain', drain);
      const hanging = open(portOf(server));
      await answered(hanging.socket, `${ready}${putHead}${body.slice(0, 5)}`);
      server.signal('SIGTERM');
      assert.match(await hanging.received, /^HTTP\/1\.1 200 OK\r\n/);
      assert.equal(await server.ended, 0);
    },
  );
}
