import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { MultiplayerError, RtaError } from '../client/multiplayer-service.ts';
import { runCommand } from './command.ts';
import type { CommandIo } from './command-io.ts';
import { explainFailedCall, explainNoAnswer } from './server-address.ts';

const url = 'https://127.0.0.1:9';

function noAnswer(text: string, path = '/'): MultiplayerError {
  return new MultiplayerError({ verb: 'GET', path, status: 0, code: 'noAnswer', text });
}

const cases: readonly (readonly [what: string, text: string, said: RegExp])[] = [
  ['nobody listens', 'fetch failed: connect ECONNREFUSED', /^nothing answers at .*npm start/],
  [
    'a certificate that is not trusted',
    'fetch failed: self-signed certificate in certificate chain',
    /certificate of https:.* is not trusted \(.*self-signed.*NODE_EXTRA_CA_CERTS/,
  ],
  [
    'a server without TLS',
    'fetch failed: SSL routines:ssl3_get_record:wrong version number',
    /does not speak TLS; is it http/,
  ],
];

for (const [what, text, said] of cases) {
  test(`${what}: the sentence says it`, () => {
    assert.match(String(explainFailedCall(noAnswer(text), url)), said);
    const lost = new RtaError('lost', { cause: noAnswer(text) });
    assert.match(String(explainFailedCall(lost, url)), said);
  });
}

// Kills: the page of another server as a message of this one.
test('commands say of another server that it is not OpenMPSD', async (context) => {
  let status = 404;
  const server = createServer((_, response) => {
    response.writeHead(status, { 'Content-Type': 'text/html' }).end('<!doctype html><p>Hello');
  });
  context.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  for (status of [404, 200]) {
    for (const args of [['taps', '--xuid', '1'], ['play'], ['watch'], ['demo'], ['stats']]) {
      let err = '';
      const io = {
        stdout: { write: () => undefined },
        stderr: { write: (text: string) => (err += text) },
        env: {},
        once: () => undefined,
        off: () => undefined,
      } as unknown as CommandIo;
      assert.equal(await runCommand([...args, '--url', `http://127.0.0.1:${port}`], io), 1, err);
      assert.match(err, /^openmpsd \w+: what answers at http:\S+ is not OpenMPSD; /);
      assert.doesNotMatch(err, /</);
    }
  }
});

test('a server that was there is gone', () => {
  const said = explainFailedCall(noAnswer('fetch failed'), url, { wasThere: true });
  assert.match(String(said), /has ended, or cannot be reached any more/);
  assert.equal(explainFailedCall(new TypeError('a bug'), url), undefined);
});

// Kills: "start the server first", said of a server that runs and hangs.
test('a server that takes connections and does not answer is told from one that is not there', () => {
  const late = `${url} takes connections, but has not answered in time.`;
  for (const reason of [
    'nothing came within 30000 ms',
    'The operation was aborted due to timeout',
    'This operation was aborted',
  ]) {
    assert.equal(explainNoAnswer(reason, url), late);
  }
  assert.equal(explainNoAnswer('Opening handshake has timed out', url, { isLate: true }), late);
  assert.match(explainNoAnswer('fetch failed: connect ECONNREFUSED', url), /^nothing answers at/);
});

// Kills: "takes connections", said of a host that takes none.
test('a host that takes no connection in time cannot be reached', () => {
  for (const [reason, time] of [
    [
      'fetch failed: Connect Timeout Error (attempted address: 10.255.255.1:8350, timeout: 10000ms)',
      'within 10 s',
    ],
    ['connect ETIMEDOUT 10.255.255.1:8350', 'in time'],
  ] as const) {
    const said = `${url} cannot be reached: no connection ${time}.`;
    assert.equal(explainNoAnswer(reason, url), said);
    assert.equal(explainFailedCall(noAnswer(reason), url), said);
  }
});

// Kills: a reason that is read out of the name of a session.
test('the path of the call is no part of why nothing came', () => {
  for (const name of ['timeout-1', 'issuer', 'ETIMEDOUT', 'EPROTO']) {
    const error = noAnswer('fetch failed: connect ECONNREFUSED', `/sessions/${name}`);
    assert.match(String(explainFailedCall(error, url)), /^nothing answers at/);
  }
});
