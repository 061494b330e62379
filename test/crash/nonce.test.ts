/** A nonce is good once, whatever happens to the server in between. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startNodeProcess } from '../../src/testing/node-process.ts';
import { RawConnection } from '../conformance/raw.ts';

async function statusOfConnect(url: string, nonce: string): Promise<string> {
  await using connection = new RawConnection(url);
  connection.write(
    `GET /connect?nonce=${encodeURIComponent(nonce)} HTTP/1.1\r\nHost: localhost\r\n` +
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  return (await connection.until(/\r\n\r\n/)).slice(9, 12);
}

// Kills: the key of nonces drawn from the secret of a store that does not keep which were used.
test('a nonce that was used is good for nothing after the server was killed', async () => {
  const data = await mkdtemp(join(tmpdir(), 'openmpsd-nonce-'));
  try {
    await using first = await startNodeProcess(['--data', data]);
    const answer = await fetch(`${first.url}/nonce`, {
      headers: { authorization: 'XBL3.0 x=-;xuid=1001' },
    });
    const { nonce } = (await answer.json()) as { readonly nonce: string };
    assert.equal(await statusOfConnect(first.url, nonce), '101');
    assert.equal(await statusOfConnect(first.url, nonce), '401');
    await first.kill();
    await using second = await startNodeProcess(['--data', data]);
    assert.equal(await statusOfConnect(second.url, nonce), '401');
  } finally {
    await rm(data, { recursive: true });
  }
});
