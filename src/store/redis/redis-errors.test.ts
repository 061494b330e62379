import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import {
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  DisconnectsClientError,
  SocketClosedUnexpectedlyError,
} from '@redis/client';
import { requireRedisAddress } from './redis-address.ts';
import { explainRedisErrorAtStart, explainRedisError } from './redis-errors.ts';
import { connectRedis } from './redis-link.ts';

const withCode = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

/** As OpenSSL says it, through Node. */
const ofTls = (reason: string) =>
  Object.assign(
    new Error(
      `40DD50:error:0A00010B:SSL routines:ssl3_read_bytes:${reason}:../deps/openssl/rec_layer_s3.c:918:\n`,
    ),
    { code: `ERR_SSL_${reason.replaceAll(' ', '_').toUpperCase()}` },
  );

// The errors are those of the library, so that another version of it fails here. `hint` is what a first start
// adds, by the scheme of the address.
type Meaning = {
  readonly error: Error;
  readonly meaning: string;
  readonly hint?: { readonly plain?: string; readonly tls?: string };
};
const plainHint = 'one that wants TLS needs rediss://';
const tlsHint = 'rediss:// is for a server that speaks TLS';

const meanings: readonly Meaning[] = [
  { error: withCode('ECONNREFUSED'), meaning: 'nothing listens there' },
  { error: withCode('EAI_AGAIN'), meaning: 'no such host' },
  {
    error: new ConnectionTimeoutError(),
    meaning: 'it does not answer',
    hint: { tls: tlsHint },
  },
  { error: new DisconnectsClientError(), meaning: 'it did not answer in time' },
  { error: new ClientClosedError(), meaning: 'it did not answer in time' },
  { error: new ClientOfflineError(), meaning: 'it did not answer in time' },
  {
    error: new SocketClosedUnexpectedlyError(),
    meaning: 'it ended the connection',
    hint: { plain: plainHint, tls: tlsHint },
  },
  {
    error: withCode('ECONNRESET'),
    meaning: 'it ended the connection',
    hint: { plain: plainHint, tls: tlsHint },
  },
  { error: ofTls('wrong version number'), meaning: 'it does not speak TLS' },
  { error: ofTls('packet length too long'), meaning: 'it does not speak TLS' },
  {
    error: ofTls('tlsv13 alert certificate required'),
    meaning:
      'it asks for a certificate of the client, which OpenMPSD cannot show: set tls-auth-clients no there',
  },
  {
    error: ofTls('ssl/tls alert handshake failure'),
    meaning: 'TLS with it fails: ssl/tls alert handshake failure',
  },
  {
    error: Object.assign(new Error('write EPROTO'), { code: 'EPROTO' }),
    meaning: 'TLS with it fails: write EPROTO',
  },
  {
    error: new Error(
      'ERR AUTH <password> called without any password configured for the default user.',
    ),
    meaning: 'it has no password, and the address has one',
  },
  {
    error: new Error('NOAUTH Authentication required.'),
    meaning: 'it asks for a password, and the address has none',
  },
  {
    error: new Error('WRONGPASS invalid username-password pair or user is disabled.'),
    meaning: 'it does not know this user and password',
  },
  { error: new Error('ERR unknown command.'), meaning: 'ERR unknown command' },
];

// Kills: a server that worked and restarts, of which each error says that the scheme may be wrong.
for (const { error, meaning, hint } of meanings) {
  test(`"${error.message.trimEnd()}" is explained, and the scheme is a cause at the first start only`, () => {
    const withHint = (text: string | undefined) =>
      meaning + (text === undefined ? '' : ` (${text})`);
    assert.equal(explainRedisError(error), meaning);
    assert.equal(explainRedisErrorAtStart(error, false), withHint(hint?.plain));
    assert.equal(explainRedisErrorAtStart(error, true), withHint(hint?.tls));
  });
}

// Kills: another version of Node or OpenSSL that says it in other words.
test('a server without TLS, asked with it, is said to be one', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write('-ERR unknown command\r\n'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connect = connectRedis(requireRedisAddress('rediss://127.0.0.1'), 60_000);
  try {
    await assert.rejects(connect({ host: '127.0.0.1', port }), (error) => {
      assert.equal(explainRedisErrorAtStart(error, true), 'it does not speak TLS');
      return true;
    });
  } finally {
    server.close();
  }
});
