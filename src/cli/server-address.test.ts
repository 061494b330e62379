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
    'a host without an address',
    'fetch failed: getaddrinfo ENOTFOUND example.invalid',
    /^there is no host example\.invalid: its name is not known here\.$/,
  ],
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
test('a server that takes connections and does not answer is not said to be absent', () => {
  const late = `${url} takes connections, but has not answered in time.`;
  const facts = { verb: 'GET', path: '/', status: 0, text: 'nothing came within 30000 ms' };
  const timedOut = new MultiplayerError({ ...facts, code: 'timedOut' });
  assert.equal(explainFailedCall(timedOut, url), late);
  assert.equal(explainNoAnswer({ reason: 'aborted', isLate: true }, url), late);
  const refused = { reason: 'fetch failed: connect ECONNREFUSED', isLate: false };
  assert.match(explainNoAnswer(refused, url), /^nothing answers at/);
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
    assert.equal(explainNoAnswer({ reason, isLate: false }, url), said);
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

/** A command that ends before it calls anybody. */
async function misuse(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  let said = '';
  const output = { write: (text: string) => (said += text) };
  const io = { stdout: output, stderr: output, env, once: () => undefined, off: () => undefined };
  assert.equal(await runCommand(args, io as unknown as CommandIo), 2, said);
  return said;
}

// Kills: a message that repeats what is wrong, with the password or the token in it.
test('no message shows a secret of the command line or of the environment', async () => {
  const url = 'http://ada:hidden@127.0.0.1:9/path?key=hidden';
  const store = 'redis://ada:hidden@127.0.0.1:9/0';
  for (const [args, env, said] of [
    [['serve', '--store', store], {}, /--store is not as it must be; expected sqlite/],
    [['serve'], { MPSD_STORE: store }, /MPSD_STORE is not as it must be/],
    [['serve', '--store', 'sqlit'], {}, /--store is "sqlit"; expected/],
    [['serve', store], {}, /does not expect "redis:\/\/…@127/],
    [['serve', '--store', 'redis://u:one', 'hidden@h'], {}, /a word after the value of --store/],
    [['serve', '--admin-token', 'hidden'], {}, /--admin-token is not as it must be/],
    [['serve', '--admin-token=one', 'hidden'], {}, /a word after the value of --admin-token/],
    [['serve', '--traces', 'grpc://u:hidden@h'], {}, /--traces is "grpc:\/\/…@h"/],
    [['check-data', `--store=${store}`], {}, /the option --store\./],
    [['convert', `--token=hidden`], {}, /the option --token\./],
    [[store], {}, /is not a command/],
    ...['stats', 'play', 'demo', 'watch'].map(
      (name) => [[name, '--url', url], {}, /--url is "http:\/\/…@127/] as const,
    ),
    [['stats'], { MPSD_URL: url }, /--url is "http:\/\/…@127/],
    [['stats'], { MPSD_ADMIN_TOKEN: 'one\nhidden' }, /MPSD_ADMIN_TOKEN has characters/],
    [['watch', '--token', 'one\nhidden'], {}, /--token has characters/],
    [['watch', '--token', 'XBL3.0', 'x=-;hidden'], {}, /a word after the value of --token/],
    [['taps', '--xuid', '1', '--token', 'one\nhidden'], {}, /--token has characters/],
    [['replay', 'a.har', '--authorization', '1=XBL3.0', 'hidden'], {}, /a word after the value/],
  ] as const) {
    const text = await misuse(args, env);
    assert.match(text, said);
    assert.doesNotMatch(text, /hidden/);
  }
});
