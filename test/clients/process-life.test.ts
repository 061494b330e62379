/** For how long a real-time connection keeps the process of its client alive. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { startServer } from '../../src/server.ts';
import { freePort } from '../../src/testing/free-port.ts';

const client = new URL('../../src/client/multiplayer-service.ts', import.meta.url).href;
// Far below the two minutes for which a lost line is tried again.
const options = { timeout: 300_000 };

/** A process that connects to `url` as Ada and goes on with `code`; it prints lines. */
function startClient(url: string, code: string): ChildProcess {
  const script = `
    import { MultiplayerService } from '${client}';
    const authorization = 'XBL3.0 x=-;xuid=1001&gtg=Ada';
    const ada = new MultiplayerService({ baseUrl: '${url}', authorization });
    const live = await ada.connect();
    ${code}
  `;
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function linesOf({ stdout }: ChildProcess): Promise<AsyncIterator<string>> {
  assert.ok(stdout);
  return createInterface(stdout)[Symbol.asyncIterator]();
}

test('a connection that was forgotten ends with its server', options, async () => {
  const server = await startServer({ port: 0, store: 'memory' });
  const child = startClient(server.url, `console.log('connected');`);
  const exited = once(child, 'exit');
  const lines = await linesOf(child);
  assert.equal((await lines.next()).value, 'connected');
  await server.close();
  assert.deepEqual(await exited, [0, null]);
});

test('a connection that is read outlives its server, and finds the next one', options, async () => {
  // Not one that others may be given while nothing listens there.
  const port = await freePort();
  const server = await startServer({ port, store: 'memory' });
  const child = startClient(
    server.url,
    `console.log('connected');
    for await (const tap of live.taps()) {
      console.log(tap.kind + ' ' + tap.why);
      if (tap.why === 'reconnected') break;
    }
    await live.close();`,
  );
  const exited = once(child, 'exit');
  const lines = await linesOf(child);
  assert.equal((await lines.next()).value, 'connected');
  await server.close();
  assert.equal((await lines.next()).value, 'resync missed');
  await using _next = await startServer({ port, store: 'memory' });
  assert.equal((await lines.next()).value, 'resync reconnected');
  assert.deepEqual(await exited, [0, null]);
});
