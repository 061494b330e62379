import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  DisconnectsClientError,
  SocketClosedUnexpectedlyError,
} from '@redis/client';
import { explainRedisError } from './redis-errors.ts';

const withCode = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

// The errors are those of the library, so that another version of it fails here.
const meanings: readonly (readonly [error: Error, plain: RegExp, tls: RegExp])[] = [
  [withCode('ECONNREFUSED'), /^nothing listens there$/, /^nothing listens there$/],
  [withCode('EAI_AGAIN'), /^no such host$/, /^no such host$/],
  [new ConnectionTimeoutError(), /^it does not answer$/, /^it does not answer \(rediss.* TLS\)$/],
  [new DisconnectsClientError(), /^it did not answer in time$/, /^it did not answer in time$/],
  [new ClientClosedError(), /^it did not answer in time$/, /^it did not answer in time$/],
  [new ClientOfflineError(), /^it did not answer in time$/, /^it did not answer in time$/],
  [
    new SocketClosedUnexpectedlyError(),
    /wants TLS needs rediss:\/\/\)$/,
    /is for a server that speaks TLS\)$/,
  ],
  [withCode('ERR_SSL_WRONG_VERSION_NUMBER'), /ERR_SSL/, /^it does not speak TLS/],
  [
    new Error('ERR AUTH <password> called without any password configured for the default user.'),
    /^it has no password/,
    /^it has no password/,
  ],
  [new Error('NOAUTH Authentication required.'), /asks for a password/, /asks for a password/],
  [new Error('ERR unknown command.'), /^ERR unknown command$/, /^ERR unknown command$/],
];

for (const [error, plain, tls] of meanings) {
  test(`"${error.message}" is explained`, () => {
    assert.match(explainRedisError(error, false), plain);
    assert.match(explainRedisError(error, true), tls);
  });
}
